//! Conversions between wire and model, one file a message family.

pub(crate) mod device;
pub(crate) mod event;
pub(crate) mod history;
mod parts;
pub(crate) mod process;
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
    /// A change of something that the client does not have.
    #[error("field {field} does not fit what was sent before; the stream must be opened anew")]
    Misfit {
        /// Message and field, as in the .proto file.
        field: &'static str,
    },
    /// A field says what this program does not know.
    #[error("field {field} is {value}, and this program knows {known}")]
    Unknown {
        /// Message and field, as in the .proto file.
        field: &'static str,
        /// What it says.
        value: u64,
        /// What it may be.
        known: &'static str,
    },
}
