//! Whether a device can be given work.

use serde::{Deserialize, Serialize};

/// Health of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Health {
    /// Nothing wrong is known.
    Ok,
    /// Works, but something needs attention.
    Degraded {
        /// What, in the operator's words.
        why: String,
    },
    /// Must not be given work.
    Sick {
        /// What, in the operator's words.
        why: String,
    },
}

impl Health {
    /// Stable name for JSON: `ok`, `degraded` or `sick`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded { .. } => "degraded",
            Self::Sick { .. } => "sick",
        }
    }

    /// What is wrong, if anything.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Ok => None,
            Self::Degraded { why } | Self::Sick { why } => Some(why),
        }
    }
}

impl Health {
    /// The graver of the two; of two equally grave ones the first.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if other.rank() > self.rank() {
            other
        } else {
            self
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Degraded { .. } => 1,
            Self::Sick { .. } => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_graver_finding_is_kept() {
        let degraded = |why: &str| Health::Degraded { why: why.into() };
        let sick = Health::Sick { why: "c".into() };
        assert_eq!(Health::Ok.worse(degraded("a")), degraded("a"));
        assert_eq!(degraded("a").worse(Health::Ok), degraded("a"));
        assert_eq!(degraded("a").worse(degraded("b")), degraded("a"));
        assert_eq!(degraded("a").worse(sick.clone()), sick);
    }
}
