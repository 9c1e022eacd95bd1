//! The configuration: files, variables of the environment and flags, laid over each other.
//!
//! From the weakest to the strongest: defaults, `/etc/gputop-k3s/config.toml`, the user's file, the
//! files' sections for the context, the environment, flags. All is made from the one table in
//! `fields.rs`; everything but [`load`] is pure.

mod apply;
mod duration;
mod error;
mod fields;
mod keymap;
mod known;
mod layer;
pub mod load;
mod parse;
mod raw;
mod show;
mod template;
mod values;

pub use apply::{to_session, to_state};
pub use error::{ConfigError, Place, Spot};
pub use keymap::{Bindable, Ground, Overrides, keymap};
pub use known::{Known, KnownColumn};
pub use layer::{Effective, Layer, Origin, unknown_variables};
pub use parse::{Document, parse};
pub use show::{json, toml};
pub use template::commented;
pub use values::{Config, Pace, PodLayout, TableConfig, view_name};
