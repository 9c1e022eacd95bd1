//! The API server: HTTP in front of the store.

mod access;
mod container;
mod delete;
mod discovery;
mod evict;
mod exec;
mod fault;
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

pub use access::Access;
pub(crate) use fault::Faults;
pub use fault::{ApiFault, ApiRequest};
pub(crate) use router::{ApiState, router};
