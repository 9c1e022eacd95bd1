//! How the load of a simulated process moves.

use std::time::Duration;

use super::noise::{mix, period, unit, wave};

/// What a simulated process does with its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// Near full load, with dips for checkpoints and data loading.
    Training,
    /// Bursts of requests, some seconds each.
    Inference,
    /// A server that is asked for some seconds every minute or two, else ready at 0 %.
    QuietServer,
    /// Holds its memory and runs nothing.
    Notebook,
    /// Transcoding now and then, 15 to 40 %.
    Media,
    /// A desktop: 0 to 6 %.
    Desktop,
    /// Loads a large model for a minute and a half, then serves as [`Self::Inference`].
    Loading,
}

impl Behaviour {
    /// Share of the device that is wanted, 0..=1, `age` after the process began.
    pub(super) fn load(self, seed: u64, age: Duration) -> f64 {
        let at = age.as_secs_f64();
        if age < self.loading_time() {
            // Copying weights needs few kernels.
            return match self {
                Self::Notebook | Self::Desktop => 0.0,
                _ => 0.12 * wave(seed, at, 2.0),
            };
        }
        match self {
            Self::Training => training(seed, at),
            Self::Inference | Self::Loading => bursts(seed, at, 8.0, 0.65, (0.25, 0.95)),
            Self::QuietServer => bursts(seed, at, 6.0, 0.07, (0.2, 0.8)),
            Self::Notebook => 0.0,
            Self::Media => bursts(seed, at, 45.0, 0.5, (0.15, 0.40)),
            Self::Desktop => (0.09 * wave(seed, at, 3.0) - 0.03).max(0.0),
        }
    }

    /// Share of the working set that is in device memory, 0..=1, `age` after the process began.
    pub(super) fn memory_share(self, age: Duration) -> f64 {
        let full = self.loading_time().as_secs_f64();
        // A context alone takes some hundred mebibytes at once.
        (0.05 + 0.95 * age.as_secs_f64() / full).min(1.0)
    }

    /// Power that the load costs, relative to arithmetic on all cores at full clocks. Above one:
    /// more than the limit allows, so that the card throttles.
    pub(super) fn appetite(self, seed: u64) -> f64 {
        match self {
            Self::Training => 0.84 + 0.2 * unit(seed, 11),
            Self::Inference | Self::QuietServer | Self::Loading => 0.72,
            Self::Notebook => 0.6,
            // The video engines, not the cores, do the work.
            Self::Media => 0.35,
            Self::Desktop => 0.5,
        }
    }

    /// How long it takes until the working set is loaded.
    const fn loading_time(self) -> Duration {
        match self {
            Self::Desktop => Duration::from_secs(1),
            Self::Notebook | Self::Media => Duration::from_secs(6),
            Self::Training | Self::Inference | Self::QuietServer => Duration::from_secs(20),
            Self::Loading => Duration::from_secs(90),
        }
    }
}

/// 91 to 99 %; every one to two minutes a checkpoint of some seconds, in between short waits for
/// data.
fn training(seed: u64, at: f64) -> f64 {
    let busy = 0.91 + 0.08 * wave(seed, at, 4.0);
    let epoch = 60.0 + 60.0 * unit(seed, 1);
    let (number, passed) = period(at, epoch);
    let checkpoint = 4.0 + 4.0 * unit(seed ^ 2, number);
    if passed * epoch > epoch - checkpoint {
        return 0.08 + 0.15 * wave(seed, at, 1.0);
    }
    let (batch, passed) = period(at, 17.0);
    if unit(seed ^ 3, batch) < 0.35 && passed < 0.1 {
        return 0.6 * busy;
    }
    busy
}

/// Work in a `share` of all windows of `window` seconds, between `low` and `high`.
fn bursts(seed: u64, at: f64, window: f64, share: f64, (low, high): (f64, f64)) -> f64 {
    // Windows of different processes do not start together.
    let at = at + window * unit(mix(seed), 5);
    let (number, _) = period(at, window);
    if unit(seed ^ 4, number) >= share {
        return 0.0;
    }
    low + (high - low) * wave(seed, at, 2.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Behaviour; 7] = [
        Behaviour::Training,
        Behaviour::Inference,
        Behaviour::QuietServer,
        Behaviour::Notebook,
        Behaviour::Media,
        Behaviour::Desktop,
        Behaviour::Loading,
    ];

    /// The load in each second of an hour, after loading.
    fn hour(behaviour: Behaviour, seed: u64) -> Vec<f64> {
        let load = |second| behaviour.load(seed, Duration::from_secs(200 + second));
        (0..3600_u64).map(load).collect()
    }

    fn share(values: &[f64], test: impl Fn(f64) -> bool) -> f64 {
        values.iter().filter(|&&value| test(value)).count() as f64 / values.len() as f64
    }

    proptest! {
        #[test]
        fn loads_are_shares(seed: u64, seconds in 0u64..10_000_000, which in 0usize..ALL.len()) {
            let age = Duration::from_secs(seconds);
            prop_assert!((0.0..=1.0).contains(&ALL[which].load(seed, age)));
            prop_assert!((0.0..=1.0).contains(&ALL[which].memory_share(age)));
        }

        #[test]
        fn each_behaviour_looks_like_itself(seed: u64) {
            let training = hour(Behaviour::Training, seed);
            prop_assert!(share(&training, |v| v >= 0.9) > 0.8);
            prop_assert!(share(&training, |v| v < 0.3) > 0.02, "no checkpoint");

            let inference = hour(Behaviour::Inference, seed);
            prop_assert!(share(&inference, |v| v == 0.0) > 0.2);
            prop_assert!(share(&inference, |v| v > 0.2) > 0.4);

            let quiet = hour(Behaviour::QuietServer, seed);
            prop_assert!(share(&quiet, |v| v == 0.0) > 0.8);

            prop_assert!(hour(Behaviour::Notebook, seed).iter().all(|&v| v == 0.0));
            let media = hour(Behaviour::Media, seed);
            prop_assert!(media.iter().all(|&v| v == 0.0 || (0.15..=0.4).contains(&v)));
            prop_assert!(hour(Behaviour::Desktop, seed).iter().all(|&v| v <= 0.06));
        }
    }

    #[test]
    fn a_loading_model_fills_its_memory_step_by_step() {
        let share = |second| Behaviour::Loading.memory_share(Duration::from_secs(second));
        assert!(share(0) < share(30) && share(30) < share(80) && share(80) < share(95));
        assert!((share(95) - 1.0).abs() < f64::EPSILON);
    }
}
