//! Waiting, bounded in time. The only place of this crate that sleeps.

use std::time::Duration;

#[expect(
    clippy::disallowed_types,
    reason = "no async runtime and no paused time here"
)]
type Clock = std::time::Instant;

/// A point in time that waiting does not go past.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Clock);

impl Deadline {
    /// The deadline that lies `from_now` ahead.
    #[must_use]
    pub fn after(from_now: Duration) -> Self {
        Self(Clock::now() + from_now)
    }

    /// The time left; zero when it has passed.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Clock::now())
    }

    /// Whether no time is left.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.left().is_zero()
    }
}

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Clock);

impl Stopwatch {
    /// Starts measuring now.
    #[must_use]
    pub fn start() -> Self {
        Self(Clock::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Sleeps for `period`, but not past the deadline.
#[expect(
    clippy::disallowed_methods,
    reason = "no async runtime here: this thread waits"
)]
pub fn pause(period: Duration, deadline: Deadline) {
    std::thread::sleep(period.min(deadline.left()));
}

/// Asks again and again until there is an answer; `None` when the deadline
/// passed without one. Asks at least once.
///
/// # Errors
///
/// The first error that `ask` returns ends the wait.
pub fn until<T, E>(
    deadline: Deadline,
    period: Duration,
    mut ask: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    loop {
        if let Some(answer) = ask()? {
            return Ok(Some(answer));
        }
        if deadline.passed() {
            return Ok(None);
        }
        pause(period, deadline);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn asks_once_even_without_time() {
        let answer = until(Deadline::after(Duration::ZERO), MS, || {
            Ok::<_, Infallible>(Some(7))
        });
        assert_eq!(answer, Ok(Some(7)));
    }

    #[test]
    fn gives_up_at_the_deadline() {
        let answer = until(Deadline::after(5 * MS), MS, || {
            Ok::<Option<()>, Infallible>(None)
        });
        assert_eq!(answer, Ok(None));
    }

    #[test]
    fn an_error_ends_the_wait() {
        let answer = until::<(), _>(Deadline::after(Duration::from_secs(60)), MS, || Err("no"));
        assert_eq!(answer, Err("no"));
    }
}
