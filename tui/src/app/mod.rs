//! The application without a terminal: state, messages, keys, and what the tables say.
//!
//! Everything in here is pure. Time enters with messages, the world through [`Effect`]s.

pub mod actions;
pub mod api;
mod availability;
mod banner;
pub mod filter;
pub mod format;
pub mod fuzzy;
pub mod input;
mod interest;
pub mod keymap;
pub mod keys;
pub mod layers;
pub mod layout;
mod mouse;
mod names;
mod navigation;
mod pages;
mod perform;
mod pickers;
pub mod place;
pub mod row;
mod select;
pub mod session;
pub mod sort;
pub mod state;
pub mod tables;
mod update;
pub mod view;
pub mod wanted;
mod wishes;

pub use layers::Layer;
pub use layout::Layout;
pub use session::Session;
pub use state::State;
pub use update::{Effect, Msg, Seek, start, update};
pub use view::View;
pub use wishes::Wish;
