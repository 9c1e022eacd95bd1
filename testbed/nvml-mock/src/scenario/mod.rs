//! The file that describes the cards and what calls about them do.
//!
//! Everything has a default. A card's defaults are those of a healthy data-centre card that nobody
//! uses; what it does not have is said by a rule for its calls.

mod gpu;
mod parts;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Code;

pub use gpu::Gpu;
pub use parts::{Event, EventType, Link, Mig, Process};
pub use text::Text;

/// Most cards that are handed out.
pub const MOST_GPUS: usize = 16;

/// A machine with its driver and cards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// Version of the kernel module.
    pub driver: String,
    /// Version of this library. Absent: what `driver` was when the library was loaded, so that a
    /// later change of `driver` is an upgrade that needs the library to be loaded anew.
    pub library: Option<String>,
    /// CUDA version: 1000 × major + 10 × minor.
    pub cuda: i32,
    /// How often the driver was loaded. When it grows, calls answer `UNINITIALIZED` until the
    /// library is initialised again.
    pub epoch: u64,
    /// What calls do, by function: see [`Rule`].
    pub calls: BTreeMap<String, Rule>,
    /// The cards, in NVML's order; at most [`MOST_GPUS`].
    pub gpus: Vec<Gpu>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            driver: "570.133.20".to_owned(),
            library: None,
            cuda: 12_080,
            epoch: 0,
            calls: BTreeMap::new(),
            gpus: vec![Gpu::default(), Gpu::default()],
        }
    }
}

/// What calls of a function do. The key is a function's name, or its beginning and `*`.
///
/// A card's own rules come before those for all, longer keys before shorter ones; what one rule
/// leaves open the next may say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Answer this instead.
    pub code: Option<Code>,
    /// Take at least so long, in microseconds; below a millisecond the processor is kept busy.
    pub busy_us: Option<u64>,
    /// Do not return while this is true.
    pub hang: Option<bool>,
}

impl Rule {
    /// A rule that only answers `code`.
    #[must_use]
    pub const fn code(code: Code) -> Self {
        Self {
            code: Some(code),
            busy_us: None,
            hang: None,
        }
    }

    /// A rule that only lets calls hang.
    #[must_use]
    pub const fn hang() -> Self {
        Self {
            code: None,
            busy_us: None,
            hang: Some(true),
        }
    }
}

impl Scenario {
    /// A machine with `count` cards.
    #[must_use]
    pub fn with_gpus(count: usize) -> Self {
        Self {
            gpus: vec![Gpu::default(); count],
            ..Self::default()
        }
    }

    /// Reads a scenario.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        let mut scenario: Self = toml::from_str(text)?;
        scenario.gpus.truncate(MOST_GPUS);
        Ok(scenario)
    }

    /// Writes it as [`Scenario::from_toml`] reads it.
    ///
    /// # Errors
    /// None that a scenario of this type is known to cause.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// What a call of `function` about the card `gpu` does.
    pub(crate) fn rule(&self, function: &str, gpu: Option<usize>) -> Rule {
        let own = gpu.and_then(|gpu| self.gpus.get(gpu)).map(|gpu| &gpu.calls);
        let mut rule = Rule::default();
        for rules in own.into_iter().chain([&self.calls]) {
            let mut matching: Vec<_> = rules
                .iter()
                .filter(|(key, _)| matches(key, function))
                .collect();
            matching.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));
            for (_, next) in matching {
                rule.code = rule.code.or(next.code);
                rule.busy_us = rule.busy_us.or(next.busy_us);
                rule.hang = rule.hang.or(next.hang);
            }
        }
        rule
    }
}

fn matches(key: &str, function: &str) -> bool {
    match key.strip_suffix('*') {
        Some(beginning) => function.starts_with(beginning),
        None => key == function,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rule_counts() {
        let scenario = Scenario::from_toml(
            "
            [calls.'*']
            busy_us = 5
            [calls.'nvmlDeviceGetEcc*']
            code = 'NOT_SUPPORTED'
            [[gpus]]
            [[gpus]]
            [gpus.calls.'*']
            code = 'GPU_IS_LOST'
            [gpus.calls.nvmlDeviceGetName]
            hang = true
            ",
        )
        .unwrap();
        assert_eq!(scenario.gpus.len(), 2);
        let power = scenario.rule("nvmlDeviceGetPowerUsage", Some(0));
        assert_eq!((power.code, power.busy_us), (None, Some(5)));
        let ecc = scenario.rule("nvmlDeviceGetEccMode", Some(0));
        assert_eq!(ecc.code, Some(Code::NotSupported));
        let name = scenario.rule("nvmlDeviceGetName", Some(1));
        let expected = Rule {
            code: Some(Code::GpuIsLost),
            busy_us: Some(5),
            hang: Some(true),
        };
        assert_eq!(name, expected);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut scenario = Scenario::with_gpus(2);
        let gpu = &mut scenario.gpus[1];
        gpu.name = Text::Broken {
            bytes: vec![0xff, 7],
            unterminated: true,
        };
        gpu.calls
            .insert("nvml*".to_owned(), Rule::code(Code::Unknown));
        gpu.processes.push(Process::compute(7));
        gpu.mig.push(Mig::default());
        gpu.events.push(Event::xid(1, 79));
        gpu.gpm = Some([("5".to_owned(), 41.5)].into());
        let text = scenario.to_toml().unwrap();
        assert_eq!(Scenario::from_toml(&text).unwrap(), scenario);
    }

    #[test]
    fn the_example_is_right() {
        let text = include_str!("../../example.toml");
        let scenario = Scenario::from_toml(text).unwrap();
        assert!(!scenario.gpus.is_empty());
    }

    #[test]
    fn a_mistyped_word_is_refused() {
        let error = Scenario::from_toml("[[gpus]]\npwoer_mw = 3").unwrap_err();
        assert!(error.to_string().contains("pwoer_mw"), "{error}");
    }
}
