//! Exit codes (the same for every command) and how failures are said.

use std::io::Write as _;
use std::process::{ExitCode, Termination};

use gputop_fleet::connect::{ConnectError, Problem};
use gputop_model::printable;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, also with partial data.
    Done,
    /// What was asked for is not so: a name that nothing has, GPUs that were not free in time.
    No,
    /// The command line makes no sense.
    Usage,
    /// The API server can not be reached, or only daemons could have answered and none did.
    Unreachable,
    /// Failed or refused.
    Failed,
    /// The user may not do that.
    Forbidden,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Failed => 4,
            Self::Forbidden => 5,
        })
    }
}

/// A command that did not succeed.
#[derive(Debug)]
pub(super) struct Failure {
    /// Its exit code.
    pub(super) exit: Exit,
    /// What to say.
    pub(super) problem: Problem,
}

impl Failure {
    pub(super) fn new(exit: Exit, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            exit,
            problem: Problem {
                what: what.into(),
                fix: fix.into(),
            },
        }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let (exit, problem) = match error {
            ConnectError::Usage(problem) => (Exit::Usage, problem),
            ConnectError::NoCluster(problem) | ConnectError::Failed(problem) => {
                (Exit::Unreachable, problem)
            }
        };
        Self { exit, problem }
    }
}

/// Says on stderr what went wrong and what to do.
pub(super) fn report(failure: &Failure) -> Exit {
    let Problem { what, fix } = &failure.problem;
    let mut stderr = std::io::stderr().lock();
    // Nobody is left to tell when stderr is closed.
    let _written = writeln!(
        stderr,
        "gputop-k3s: {}.\n{}",
        printable(what.clone()),
        printable(fix.clone())
    );
    failure.exit
}

/// Says something on stderr.
pub(super) fn note(what: &str) {
    let _written = writeln!(
        std::io::stderr().lock(),
        "gputop-k3s: {}",
        printable(what.to_owned())
    );
}

/// Says on stderr that the result is incomplete.
pub(super) fn warn(what: &str) {
    let _written = writeln!(
        std::io::stderr().lock(),
        "warning: {}",
        printable(what.to_owned())
    );
}
