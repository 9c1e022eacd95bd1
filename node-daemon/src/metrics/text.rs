//! The two text formats that Prometheus reads: OpenMetrics 1.0 and the older 0.0.4.

use std::fmt::Write as _;
use std::time::Duration;

use gputop_model::printable;

/// How metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// <https://prometheus.io/docs/specs/om/open_metrics_spec/>
    OpenMetrics,
    /// For whoever does not ask for the above: gauges take the place of the types that it does not
    /// have, and counters have their suffix everywhere.
    Plain,
}

impl Format {
    /// The format for a client that accepts this (the value of the HTTP field).
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let open = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let is_open = parts.next() == Some("application/openmetrics-text");
            is_open && !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0"))
        };
        if accept.split(',').any(open) {
            Self::OpenMetrics
        } else {
            Self::Plain
        }
    }

    /// The value of the HTTP field for what is written.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Plain => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// The unit of a metric; part of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A number of things.
    None,
    /// 0..=1.
    Ratio,
    Bytes,
    BytesPerSecond,
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
            Self::BytesPerSecond => "bytes_per_second",
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
    pub(super) fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// What escapes may stand for: `\`, `"` and the end of a line. No other sign needs one.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    printable(text.replace('\n', "\\n"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gauge,
    Counter,
    Info,
    StateSet,
    Histogram,
}

/// The text while it is written.
#[derive(Debug)]
pub(super) struct Exposition {
    text: String,
    format: Format,
}

impl Exposition {
    pub(super) fn new(format: Format) -> Self {
        Self {
            // Two cards and a few processes.
            text: String::with_capacity(32 * 1024),
            format,
        }
    }

    /// A family of gauges; none at all when there is no sample. The unit is added to the name.
    pub(super) fn gauge(
        &mut self,
        name: &str,
        unit: Unit,
        help: &str,
        samples: impl Iterator<Item = (Labels, f64)>,
    ) {
        self.family(Kind::Gauge, &named(name, unit), unit, help, samples);
    }

    /// A family of counters: their samples' names end in `_total`.
    pub(super) fn counter(
        &mut self,
        name: &str,
        unit: Unit,
        help: &str,
        samples: impl Iterator<Item = (Labels, f64)>,
    ) {
        self.family(Kind::Counter, &named(name, unit), unit, help, samples);
    }

    /// A family of properties that are told by labels: its samples' names end in `_info`.
    pub(super) fn info(&mut self, name: &str, help: &str, samples: impl Iterator<Item = Labels>) {
        let samples = samples.map(|labels| (labels, 1.0));
        self.family(Kind::Info, name, Unit::None, help, samples);
    }

    /// A family of state sets: for each sample one line a state, 1 for those that hold. The state
    /// is in a label of the family's name.
    pub(super) fn states(
        &mut self,
        name: &str,
        help: &str,
        states: &[&str],
        samples: impl Iterator<Item = (Labels, Vec<&'static str>)>,
    ) {
        let lines = samples.flat_map(|(labels, holding)| {
            let line = move |state: &&str| {
                let holds = f64::from(u8::from(holding.contains(state)));
                (labels.clone().with(name, state), holds)
            };
            states.iter().map(line).collect::<Vec<_>>()
        });
        self.family(Kind::StateSet, name, Unit::None, help, lines);
    }

    /// A histogram of durations: how many took up to each of the ends, all of them, and their sum.
    pub(super) fn histogram(
        &mut self,
        name: &str,
        help: &str,
        ranges: impl Iterator<Item = (Duration, u64)>,
        (count, sum): (u64, Duration),
    ) {
        let name = named(name, Unit::Seconds);
        self.head(Kind::Histogram, &name, Unit::Seconds, help);
        let mut up_to = 0;
        for (end, number) in ranges {
            up_to += number;
            // With a point, as the format wants it.
            let end = end.as_secs_f64();
            let _ = writeln!(self.text, "{name}_bucket{{le=\"{end:?}\"}} {up_to}");
        }
        let _ = writeln!(self.text, "{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(self.text, "{name}_count {count}");
        let _ = writeln!(self.text, "{name}_sum {}", sum.as_secs_f64());
    }

    fn family(
        &mut self,
        kind: Kind,
        name: &str,
        unit: Unit,
        help: &str,
        samples: impl Iterator<Item = (Labels, f64)>,
    ) {
        let suffix = match kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            _ => "",
        };
        let mut samples = samples.peekable();
        if samples.peek().is_none() {
            return;
        }
        self.head(kind, name, unit, help);
        for (Labels(labels), value) in samples {
            let _ = if labels.is_empty() {
                writeln!(self.text, "{name}{suffix} {value}")
            } else {
                writeln!(self.text, "{name}{suffix}{{{labels}}} {value}")
            };
        }
    }

    fn head(&mut self, kind: Kind, name: &str, unit: Unit, help: &str) {
        let (suffix, kind) = match (self.format, kind) {
            (_, Kind::Gauge) | (Format::Plain, Kind::StateSet) => ("", "gauge"),
            (_, Kind::Histogram) => ("", "histogram"),
            (Format::OpenMetrics, Kind::Counter) => ("", "counter"),
            (Format::OpenMetrics, Kind::Info) => ("", "info"),
            (Format::OpenMetrics, Kind::StateSet) => ("", "stateset"),
            (Format::Plain, Kind::Counter) => ("_total", "counter"),
            (Format::Plain, Kind::Info) => ("_info", "gauge"),
        };
        let _ = writeln!(self.text, "# TYPE {name}{suffix} {kind}");
        if self.format == Format::OpenMetrics && unit != Unit::None {
            let _ = writeln!(self.text, "# UNIT {name} {}", unit.name());
        }
        let _ = writeln!(self.text, "# HELP {name}{suffix} {help}.");
    }

    /// The whole text.
    pub(super) fn end(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

fn named(name: &str, unit: Unit) -> String {
    match unit {
        Unit::None => name.to_owned(),
        unit => format!("{name}_{}", unit.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openmetrics_is_for_those_who_ask_for_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,\
                          application/openmetrics-text;version=0.0.1;q=0.4,\
                          text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
        for plain in [
            "",
            "*/*",
            "text/plain",
            "application/openmetrics-text; q=0, text/plain",
        ] {
            assert_eq!(Format::accepted(plain), Format::Plain, "{plain}");
        }
    }

    #[test]
    fn values_of_labels_are_escaped() {
        let labels = Labels::default()
            .with("a", "back\\slash \"quoted\" two\nlines")
            .with_some("b", None)
            .with_some("c", Some("\u{1b}[2J"));
        assert_eq!(
            labels.0,
            "a=\"back\\\\slash \\\"quoted\\\" two\\nlines\",c=\"\u{fffd}[2J\""
        );
    }

    fn written(format: Format) -> String {
        let mut text = Exposition::new(format);
        let node = |name: &str| Labels::default().with("node", name);
        let watts = [(node("a"), 0.5), (node("b"), 12.0)];
        text.gauge("x_power", Unit::Watts, "Power", watts.into_iter());
        let joules = [(Labels::default(), 7.0)];
        text.counter("x_energy", Unit::Joules, "Energy", joules.into_iter());
        text.gauge("x_nothing", Unit::None, "Nothing", std::iter::empty());
        text.info("x", "What it is", [node("a")].into_iter());
        let off = [(node("a"), vec!["off"])];
        text.states("x_state", "State", &["on", "off"], off.into_iter());
        let millis = Duration::from_millis;
        let ranges = [(millis(5), 2), (millis(2_000), 1)];
        text.histogram("x_time", "Time", ranges.into_iter(), (4, millis(9_500)));
        text.end()
    }

    #[test]
    fn a_family_has_its_head_once_and_none_without_samples() {
        assert_eq!(
            written(Format::OpenMetrics),
            "# TYPE x_power_watts gauge\n\
             # UNIT x_power_watts watts\n\
             # HELP x_power_watts Power.\n\
             x_power_watts{node=\"a\"} 0.5\n\
             x_power_watts{node=\"b\"} 12\n\
             # TYPE x_energy_joules counter\n\
             # UNIT x_energy_joules joules\n\
             # HELP x_energy_joules Energy.\n\
             x_energy_joules_total 7\n\
             # TYPE x info\n\
             # HELP x What it is.\n\
             x_info{node=\"a\"} 1\n\
             # TYPE x_state stateset\n\
             # HELP x_state State.\n\
             x_state{node=\"a\",x_state=\"on\"} 0\n\
             x_state{node=\"a\",x_state=\"off\"} 1\n\
             # TYPE x_time_seconds histogram\n\
             # UNIT x_time_seconds seconds\n\
             # HELP x_time_seconds Time.\n\
             x_time_seconds_bucket{le=\"0.005\"} 2\n\
             x_time_seconds_bucket{le=\"2.0\"} 3\n\
             x_time_seconds_bucket{le=\"+Inf\"} 4\n\
             x_time_seconds_count 4\n\
             x_time_seconds_sum 9.5\n\
             # EOF\n"
        );
    }

    #[test]
    fn the_older_format_has_the_types_that_it_knows() {
        let text = written(Format::Plain);
        let types: Vec<_> = text.lines().filter(|l| l.starts_with("# TYPE")).collect();
        assert_eq!(
            types,
            [
                "# TYPE x_power_watts gauge",
                "# TYPE x_energy_joules_total counter",
                "# TYPE x_info gauge",
                "# TYPE x_state gauge",
                "# TYPE x_time_seconds histogram",
            ]
        );
        assert!(!text.contains("UNIT") && !text.contains("EOF"));
    }
}
