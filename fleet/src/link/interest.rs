//! Which daemons matter now.

use std::time::Duration;

use gputop_model::NodeName;

/// What somebody looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interest {
    /// The nodes on screen, the most important first.
    pub focus: Vec<NodeName>,
    /// How often their daemons are to report; the others' do at [`Pace::Calm`].
    pub pace: Pace,
}

/// How often a daemon reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// Once a second: somebody looks at it.
    #[default]
    Live,
    /// Every five seconds.
    Calm,
}

impl Pace {
    /// The shortest time between two frames of a daemon.
    #[must_use]
    pub const fn interval(self) -> Duration {
        match self {
            // A little less than the daemon's own second: a pause that is over just before the
            // next sample adds no delay to it.
            Self::Live => Duration::from_millis(900),
            Self::Calm => Duration::from_secs(5),
        }
    }

    /// The shortest time between two deliveries of figures, of all daemons together: each makes the
    /// screen draw itself anew.
    #[must_use]
    pub const fn beat(self) -> Duration {
        match self {
            Self::Live => Duration::from_millis(500),
            Self::Calm => Duration::from_secs(1),
        }
    }
}
