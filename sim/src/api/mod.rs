//! The API server: HTTP in front of the store.

mod delete;
mod discovery;
mod evict;
mod list;
mod log;
mod paging;
mod patch;
mod path;
mod port_forward;
mod query;
mod review;
mod router;
mod scale;
mod status;
mod watch;
mod write;

pub use router::Access;
pub(crate) use router::{ApiState, router};
