//! The text format of OpenMetrics 1.0.

use std::fmt::Write as _;

use gputop_model::printable;

/// The unit of a metric; part of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A number of things.
    None,
    /// 0..=1.
    Ratio,
    Bytes,
    Watts,
    Celsius,
    Seconds,
    Hertz,
    Joules,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Ratio => "ratio",
            Self::Bytes => "bytes",
            Self::Watts => "watts",
            Self::Celsius => "celsius",
            Self::Seconds => "seconds",
            Self::Hertz => "hertz",
            Self::Joules => "joules",
        }
    }
}

/// The labels of a sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Labels(String);

impl Labels {
    /// With one more.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        // Writing to a String does not fail.
        let _ = write!(self.0, "{name}=\"{}\"", escaped(value));
        self
    }

    /// With one more, if it is known.
    pub(super) fn with_some(self, name: &str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.with(name, &value),
            None => self,
        }
    }
}

/// What escapes may stand for: `\`, `"` and the end of a line. No other sign needs one, and
/// control characters do not come this far.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    printable(text.replace('\n', "\\n"))
}

/// The text while it is written.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// A family of gauges; none at all when there is no sample. The unit is added to the name.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        unit: Unit,
        help: &str,
        samples: impl Iterator<Item = (Labels, f64)>,
    ) {
        self.family(name, ("gauge", ""), unit, help, samples);
    }

    /// A family of counters: their samples have a name of their own, with `_total` at its end.
    pub(super) fn counter(
        &mut self,
        name: &str,
        unit: Unit,
        help: &str,
        samples: impl Iterator<Item = (Labels, f64)>,
    ) {
        self.family(name, ("counter", "_total"), unit, help, samples);
    }

    fn family(
        &mut self,
        name: &str,
        (kind, suffix): (&str, &str),
        unit: Unit,
        help: &str,
        samples: impl Iterator<Item = (Labels, f64)>,
    ) {
        let mut samples = samples.peekable();
        if samples.peek().is_none() {
            return;
        }
        let name = match unit {
            Unit::None => name.to_owned(),
            unit => format!("{name}_{}", unit.name()),
        };
        self.head(&name, kind, unit, help);
        for (labels, value) in samples {
            let _ = writeln!(self.0, "{name}{suffix}{{{}}} {value}", labels.0);
        }
    }

    /// A family of state sets: for each sample one line a state, 1 for those that hold. The state
    /// is in a label of the family's name, as the format wants it.
    pub(super) fn states(
        &mut self,
        name: &str,
        help: &str,
        states: &[&str],
        samples: impl Iterator<Item = (Labels, Vec<&'static str>)>,
    ) {
        let mut samples = samples.peekable();
        if samples.peek().is_none() {
            return;
        }
        self.head(name, "stateset", Unit::None, help);
        for (labels, holding) in samples {
            for state in states {
                let labels = labels.clone().with(name, state);
                let holds = u8::from(holding.contains(state));
                let _ = writeln!(self.0, "{name}{{{}}} {holds}", labels.0);
            }
        }
    }

    fn head(&mut self, name: &str, kind: &str, unit: Unit, help: &str) {
        let _ = writeln!(self.0, "# TYPE {name} {kind}");
        if unit != Unit::None {
            let _ = writeln!(self.0, "# UNIT {name} {}", unit.name());
        }
        let _ = writeln!(self.0, "# HELP {name} {}.", escaped(help));
    }

    /// The whole text.
    pub(super) fn end(mut self) -> String {
        self.0.push_str("# EOF\n");
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_labels_are_escaped() {
        let labels = Labels::default()
            .with("a", "back\\slash \"quoted\" two\nlines")
            .with_some("b", None)
            .with_some("c", Some("\u{1b}[2J".to_owned()));
        assert_eq!(
            labels.0,
            "a=\"back\\\\slash \\\"quoted\\\" two\\nlines\",c=\"\u{fffd}[2J\""
        );
    }

    #[test]
    fn a_family_has_its_head_once_and_none_without_samples() {
        let mut text = Exposition::default();
        let node = |name: &str| Labels::default().with("node", name);
        let samples = [(node("a"), 0.5), (node("b"), 12.0)];
        text.gauge("x_power", Unit::Watts, "Power", samples.into_iter());
        let counted = [(node("a"), 7.0)];
        text.counter("x_energy", Unit::Joules, "Energy", counted.into_iter());
        text.gauge("x_nothing", Unit::None, "Nothing", std::iter::empty());
        text.states(
            "x_state",
            "State",
            &["on", "off"],
            [(node("a"), vec!["off"])].into_iter(),
        );
        assert_eq!(
            text.end(),
            "# TYPE x_power_watts gauge\n\
             # UNIT x_power_watts watts\n\
             # HELP x_power_watts Power.\n\
             x_power_watts{node=\"a\"} 0.5\n\
             x_power_watts{node=\"b\"} 12\n\
             # TYPE x_energy_joules counter\n\
             # UNIT x_energy_joules joules\n\
             # HELP x_energy_joules Energy.\n\
             x_energy_joules_total{node=\"a\"} 7\n\
             # TYPE x_state stateset\n\
             # HELP x_state State.\n\
             x_state{node=\"a\",x_state=\"on\"} 0\n\
             x_state{node=\"a\",x_state=\"off\"} 1\n\
             # EOF\n"
        );
    }
}
