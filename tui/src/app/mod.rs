//! The application without a terminal: state, messages, keys, and what the tables say.
//!
//! Everything in here is pure. Time enters with messages, the world through [`Effect`]s.

pub mod actions;
pub mod api;
pub mod format;
pub mod input;
pub mod keys;
pub mod layout;
mod navigation;
pub mod place;
pub mod row;
mod select;
pub mod state;
pub mod tables;
mod update;
pub mod view;

pub use layout::Layout;
pub use state::{Layer, Session, State};
pub use update::{Effect, Msg, update};
pub use view::View;
