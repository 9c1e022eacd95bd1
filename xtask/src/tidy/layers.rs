//! Rules about what a folder may know.

use super::{Finding, Source};

/// Folders whose code is pure: no I/O, no clock, no runtime.
const PURE: &[&str] = &[
    "model/src/",
    "fleet/src/state/",
    "fleet/src/fit/",
    "tui/src/app/",
    "tui/src/screens/",
    "tui/src/widgets/",
    "tui/src/theme/",
    "tui/src/export/",
];

/// What pure code does not name.
const IMPURE: &[&str] = &[
    "tokio::",
    "kube::",
    "tonic::",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];

/// Folders that may name the generated wire types.
const WIRE: &[&str] = &[
    "proto/",
    "node-daemon/src/service/",
    "node-daemon/tests/service/",
    "fleet/src/link/",
    "e2e/",
    "sim/tests/",
];

/// Checks one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let pure = PURE.iter().any(|folder| source.path.starts_with(folder));
    let wire = WIRE.iter().any(|folder| source.path.starts_with(folder));
    for (number, line) in code_lines(&source.text) {
        if pure {
            for name in IMPURE.iter().filter(|name| line.contains(*name)) {
                let what = format!("{name} in a pure folder: move it to the layer that does I/O");
                findings.push(source.finding(number, what));
            }
        }
    }
    if !wire {
        findings.extend(wire_types(source));
    }
    findings
}

/// Where `pb` of gputop-proto is named, also in a `use` over several lines.
fn wire_types(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut first = None;
    for (number, line) in code_lines(&source.text) {
        if line.contains("gputop_proto::") {
            first = Some(number);
        }
        let Some(begin) = first else { continue };
        let names = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if names.into_iter().any(|word| word == "pb") {
            let what = "generated types end at the wire: convert them to the model there";
            findings.push(source.finding(begin, what));
            first = None;
        }
        if line.contains(';') {
            first = None;
        }
    }
    findings
}

/// Numbered lines without comments, up to the file's test module.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Source {
            path: path.to_owned(),
            text: text.to_owned(),
        })
        .len()
    }

    #[test]
    fn pure_folders_do_no_io() {
        let clock = "let now = Timestamp::now();";
        assert_eq!(findings("tui/src/app/update.rs", clock), 1);
        assert_eq!(findings("tui/src/runtime/clock.rs", clock), 0);
        assert_eq!(
            findings("fleet/src/state/join.rs", "// not tokio::spawn"),
            0
        );
        assert_eq!(
            findings("fleet/src/state/join.rs", "#[cfg(test)]\nuse tokio::time;"),
            0
        );
    }

    #[test]
    fn wire_types_end_at_the_wire() {
        let line = "use gputop_proto::pb::Device;";
        assert_eq!(findings("fleet/src/state/join.rs", line), 1);
        assert_eq!(findings("fleet/src/link/session.rs", line), 0);
        let lines = "use gputop_proto::{\n    apply,\n    pb,\n};";
        assert_eq!(findings("fleet/src/state/join.rs", lines), 1);
        let other = "use gputop_proto::{\n    apply,\n};\nlet pb = 1;";
        assert_eq!(findings("fleet/src/state/join.rs", other), 0);
    }
}
