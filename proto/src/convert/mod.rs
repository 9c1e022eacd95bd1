//! Conversions between wire and model, one file a message family.

pub(crate) mod device;
pub(crate) mod event;
mod parts;
mod process;
pub(crate) mod reading;
pub(crate) mod snapshot;

use thiserror::Error;

/// A message from the other side that does not make sense.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WireError {
    /// A field that must be there is not.
    #[error("field {field} is missing; the daemon may be of another version than this client")]
    Missing {
        /// Message and field, as in the .proto file.
        field: &'static str,
    },
}
