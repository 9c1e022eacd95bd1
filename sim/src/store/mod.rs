//! The cluster's objects, apart from HTTP: kinds, revisions, and the window of past changes.

mod error;
mod kind;
mod object;
mod ownership;
mod shared;
mod state;
mod window;

pub(crate) use error::StoreError;
pub(crate) use kind::{Kind, KindInfo};
pub(crate) use object::{Object, ObjectExt, annotation_map, owner_reference};
pub(crate) use shared::Shared;
pub(crate) use state::{Delete, Key, Store};
pub(crate) use window::{Change, ChangeKind, Expired};
