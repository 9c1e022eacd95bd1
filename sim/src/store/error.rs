//! Why the store refuses a write.

use super::Kind;

/// A refused write, in the words of the real API server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// Create of a name that is taken.
    #[error("{} \"{name}\" already exists", kind.qualified())]
    AlreadyExists { kind: Kind, name: String },
    /// There is no such object.
    #[error("{} \"{name}\" not found", kind.qualified())]
    NotFound { kind: Kind, name: String },
    /// Another write came first, or a precondition does not hold.
    #[error("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.qualified())]
    Conflict {
        kind: Kind,
        name: String,
        why: String,
    },
    /// The object is not acceptable.
    #[error("{} \"{name}\" is invalid: {field}: {why}", kind.info().kind)]
    Invalid {
        kind: Kind,
        name: String,
        field: String,
        why: String,
    },
    /// The request makes no sense.
    #[error("{why}")]
    BadRequest { why: String },
}

impl StoreError {
    /// The object has another revision than the writer thought.
    pub(crate) fn modified(kind: Kind, name: &str) -> Self {
        Self::Conflict {
            kind,
            name: name.to_owned(),
            why: "the object has been modified; please apply your changes to the latest version \
                  and try again"
                .to_owned(),
        }
    }
}
