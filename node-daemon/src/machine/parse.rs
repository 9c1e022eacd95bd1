//! The texts of `/proc` that tell of the whole machine.

use std::time::Duration;

use gputop_model::{Bytes, LoadAverage, Percent};

/// What the processors have done since the machine was started, in clock ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CpuTimes {
    busy: u64,
    total: u64,
}

impl CpuTimes {
    /// Share of the time since `before` in which they worked; `None` when no time has passed.
    pub(super) fn since(self, before: Self) -> Option<Percent> {
        let total = self.total.saturating_sub(before.total);
        // The kernel's idle times may go back by a little (proc_stat(5)).
        let busy = self.busy.saturating_sub(before.busy).min(total);
        Bytes(busy).share_of(Bytes(total))
    }
}

/// Times of all processors together, and how many are online, from `/proc/stat`.
///
/// Waiting for disks is idle time, and what a hypervisor gave to others (steal) is time in which
/// this machine did not work.
pub(super) fn cpu(stat: &str) -> Option<(CpuTimes, u32)> {
    let mut lines = stat.lines();
    let times = lines.next()?.strip_prefix("cpu ")?;
    // user nice system idle iowait irq softirq steal; a guest's time is part of user and nice.
    let ticks: Vec<u64> = times
        .split_ascii_whitespace()
        .take(8)
        .map_while(|field| field.parse().ok())
        .collect();
    let [user, nice, system, idle, later @ ..] = ticks.as_slice() else {
        return None;
    };
    let later = |index: usize| later.get(index).copied().unwrap_or(0);
    let (iowait, irq, softirq, steal) = (later(0), later(1), later(2), later(3));
    let sum = |all: &[u64]| {
        all.iter()
            .fold(0_u64, |sum, part| sum.saturating_add(*part))
    };
    let busy = sum(&[*user, *nice, *system, irq, softirq]);
    let times = CpuTimes {
        busy,
        total: sum(&[busy, *idle, iowait, steal]),
    };
    let is_cpu = |line: &&str| {
        let number = line.strip_prefix("cpu");
        number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let online = lines.take_while(is_cpu).count();
    Some((times, u32::try_from(online).unwrap_or(u32::MAX)))
}

/// The average of the last minute, from `/proc/loadavg`.
pub(super) fn load(loadavg: &str) -> Option<LoadAverage> {
    let (whole, hundredths) = loadavg.split_ascii_whitespace().next()?.split_once('.')?;
    if hundredths.len() != 2 {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let hundredths: u32 = hundredths.parse().ok()?;
    let load = whole.checked_mul(100)?.checked_add(hundredths)?;
    Some(LoadAverage(load))
}

/// A size in `/proc/meminfo`, such as `MemTotal`.
pub(super) fn memory(meminfo: &str, name: &str) -> Option<Bytes> {
    let of_name = |line: &str| {
        line.strip_prefix(name)?
            .strip_prefix(':')
            .map(str::to_owned)
    };
    let size = meminfo.lines().find_map(of_name)?;
    let kibibytes: u64 = size.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024).map(Bytes)
}

/// Time since the machine was started, from `/proc/uptime`.
pub(super) fn uptime(uptime: &str) -> Option<Duration> {
    let (seconds, hundredths) = uptime.split_ascii_whitespace().next()?.split_once('.')?;
    if hundredths.len() != 2 {
        return None;
    }
    let seconds: u64 = seconds.parse().ok()?;
    let hundredths: u64 = hundredths.parse().ok()?;
    let uptime = Duration::from_secs(seconds);
    uptime.checked_add(Duration::from_millis(10 * hundredths))
}

/// Release of the running kernel, from `/proc/sys/kernel/osrelease`.
pub(super) fn kernel(osrelease: &str) -> Option<String> {
    let release = osrelease.trim();
    (!release.is_empty()).then(|| release.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const STAT: &str = include_str!("../../tests/fixtures/proc/stat");
    const MEMINFO: &str = include_str!("../../tests/fixtures/proc/meminfo");

    #[test]
    fn processors_are_counted_and_their_times_added_up() {
        let (times, cpus) = cpu(STAT).unwrap();
        assert_eq!(cpus, 4);
        // 4705 + 150 + 1120 + 25 + 31 of these, 1 644 027 idle, 2 104 waiting for disks, 12 stolen.
        let expected = CpuTimes {
            busy: 6031,
            total: 6031 + 1_644_027 + 2104 + 12,
        };
        assert_eq!(times, expected);
    }

    #[rstest]
    #[case::half("cpu  150 0 0 150 0 0 0 0", Some(50))]
    #[case::stolen("cpu  125 0 0 100 0 0 0 75", Some(25))]
    #[case::waiting("cpu  100 0 0 100 100 0 0 0", Some(0))]
    #[case::idle_went_back("cpu  200 0 0 90 0 0 0 0", Some(100))]
    #[case::no_time_has_passed("cpu  100 0 0 100 0 0 0 0", None)]
    #[case::all_went_back("cpu  1 0 0 1 0 0 0 0", None)]
    fn work_is_a_share_of_the_time_since_the_last_look(
        #[case] after: &str,
        #[case] expected: Option<u8>,
    ) {
        let (before, _) = cpu("cpu  100 0 0 100 0 0 0 0").unwrap();
        let (after, _) = cpu(after).unwrap();
        assert_eq!(after.since(before), expected.map(Percent));
    }

    #[test]
    fn sizes_are_found_by_their_whole_name() {
        let total = Bytes(65_586_572 * 1024);
        assert_eq!(memory(MEMINFO, "MemTotal"), Some(total));
        let available = Bytes(58_221_104 * 1024);
        assert_eq!(memory(MEMINFO, "MemAvailable"), Some(available));
        assert_eq!(memory(MEMINFO, "Mem"), None);
        // A number of pages, not a size.
        assert_eq!(memory(MEMINFO, "HugePages_Total"), None);
    }

    #[test]
    fn load_uptime_and_kernel_are_read() {
        assert_eq!(
            load("12.03 8.51 4.00 3/1210 99812\n"),
            Some(LoadAverage(1203))
        );
        let expected = Duration::from_millis(1_054_310_070);
        assert_eq!(uptime("1054310.07 8214410.36\n"), Some(expected));
        assert_eq!(
            kernel("6.8.0-52-generic\n").as_deref(),
            Some("6.8.0-52-generic")
        );
        for garbage in ["", "x", "1.5", "1", "-1.00", "99999999999999999999.00"] {
            assert_eq!((load(garbage), uptime(garbage)), (None, None), "{garbage}");
        }
        assert_eq!(
            (cpu(""), cpu("cpu  1 2 3"), kernel("\n")),
            (None, None, None)
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(cpu |cpu0 |MemTotal:)?[0-9a-zA-Z:. \n-]{0,60}") {
            let times = cpu(&text).map(|(times, _)| times.since(times));
            prop_assert!(times.is_none_or(|share| share.is_none()));
            load(&text);
            uptime(&text);
            kernel(&text);
            memory(&text, "MemTotal");
        }
    }
}
