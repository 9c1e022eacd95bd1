//! What the daemon says of itself.

use std::path::Path;
use std::time::Duration;

use gputop_model::NodeSnapshot;

use super::Scrape;
use super::text::{Exposition, Labels, Unit};
use super::whole;
use crate::sampler::RANGES;

/// What the kernel says of this process; each figure is missing where it can not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OwnProcess {
    /// Memory that is resident, in bytes.
    pub resident: Option<u64>,
    /// Time on processors.
    pub cpu: Option<Duration>,
    /// Threads, those that are parked in the driver included.
    pub threads: Option<u32>,
    /// Open files.
    pub files: Option<usize>,
}

impl OwnProcess {
    /// Reads it from `/proc/self`, which takes some microseconds.
    #[must_use]
    pub fn read() -> Self {
        let proc = Path::new("/proc/self");
        let text = |name| std::fs::read_to_string(proc.join(name)).unwrap_or_default();
        let files = std::fs::read_dir(proc.join("fd")).ok();
        Self {
            // One is open for the listing itself.
            files: files.map(|list| list.count().saturating_sub(1)),
            ..Self::parse(&text("status"), &text("stat"))
        }
    }

    fn parse(status: &str, stat: &str) -> Self {
        let line = |name: &str| {
            let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
            rest.split_whitespace().next()?.parse::<u64>().ok()
        };
        // After the name, which may have blanks and brackets in it: utime and stime are the fields
        // 14 and 15 of proc_pid_stat(5), in hundredths of a second on every Linux.
        let ticks = stat.rsplit_once(')').and_then(|(_, rest)| {
            let mut fields = rest.split_whitespace().skip(11);
            let mut next = || fields.next()?.parse::<u64>().ok();
            Some(next()? + next()?)
        });
        Self {
            resident: line("VmRSS:").map(|kib| kib.saturating_mul(1024)),
            cpu: ticks.map(|ticks| Duration::from_millis(ticks.saturating_mul(10))),
            threads: line("Threads:").and_then(|count| u32::try_from(count).ok()),
            files: None,
        }
    }
}

/// What the daemon costs, and whom it serves.
pub(super) fn write(text: &mut Exposition, snapshot: &NodeSnapshot, scrape: &Scrape) {
    let one = |value: f64| std::iter::once((Labels::default(), value));
    text.info(
        "gputop_daemon",
        "Version of the daemon and of what it speaks",
        std::iter::once(
            Labels::default()
                .with("node", snapshot.node.as_str())
                .with("version", &snapshot.daemon_version)
                .with("protocol", &snapshot.protocol.version.to_string()),
        ),
    );
    text.gauge(
        "gputop_daemon_uptime",
        Unit::Seconds,
        "Time since the daemon's start",
        one(scrape.uptime.as_secs_f64()),
    );
    let stats = &scrape.stats;
    text.histogram(
        "gputop_daemon_sample_duration",
        "Time that a sample took, most of it waiting for the driver",
        RANGES.into_iter().zip(stats.ranges),
        (stats.samples, stats.spent),
    );
    let age = stats.last.map(|last| scrape.uptime.saturating_sub(last));
    text.gauge(
        "gputop_daemon_sample_age",
        Unit::Seconds,
        "Time since the last sample was begun",
        age.into_iter().flat_map(|age| one(age.as_secs_f64())),
    );
    text.counter(
        "gputop_daemon_snapshots",
        Unit::None,
        "Snapshots published; a sample in which nothing changed makes none",
        one(whole(snapshot.sequence)),
    );
    text.gauge(
        "gputop_daemon_subscribers",
        Unit::None,
        "Connections that the daemon samples at full pace for",
        one(scrape.subscribers as f64),
    );
    let own = &scrape.own;
    text.gauge(
        "process_resident_memory",
        Unit::Bytes,
        "Resident memory of the daemon",
        own.resident.into_iter().flat_map(|bytes| one(whole(bytes))),
    );
    text.counter(
        "process_cpu",
        Unit::Seconds,
        "Time that the daemon has spent on processors",
        own.cpu.into_iter().flat_map(|time| one(time.as_secs_f64())),
    );
    text.gauge(
        "process_threads",
        Unit::None,
        "Threads of the daemon, those that are parked in the driver included",
        own.threads.into_iter().flat_map(|count| one(count.into())),
    );
    text.gauge(
        "process_open_fds",
        Unit::None,
        "Files that the daemon has open",
        own.files.into_iter().flat_map(|count| one(count as f64)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        let status = "Name:\tgputop node\nVmPeak:\t  20000 kB\nVmRSS:\t   11288 kB\nThreads:\t7\n";
        let stat = "4711 (gputop) node)) S 1 4711 4711 0 -1 4194560 900 0 3 0 125 75 0 0 20 0 7 0 \
                    123456 1234 2822";
        let own = OwnProcess::parse(status, stat);
        assert_eq!(own.resident, Some(11_288 * 1024));
        assert_eq!(own.cpu, Some(Duration::from_secs(2)));
        assert_eq!(own.threads, Some(7));
        assert_eq!(OwnProcess::parse("", ""), OwnProcess::default());
        assert_eq!(
            OwnProcess::parse("VmRSS:", "1 (a) S"),
            OwnProcess::default()
        );
    }

    #[test]
    fn this_process_is_read() {
        let own = OwnProcess::read();
        assert!(own.resident > Some(100_000) && own.threads >= Some(1));
        assert!(own.files >= Some(1) && own.cpu.is_some());
    }
}
