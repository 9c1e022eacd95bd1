//! What a process takes: time, processor, memory. Linux.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, WrapErr as _, ensure};
use tokio::time::Instant;

/// A command that is run again and again.
pub(super) struct Timed {
    command: std::sync::Mutex<Command>,
}

/// One run.
pub(super) struct Run {
    pub(super) time: Duration,
    /// Lines that it has printed.
    pub(super) lines: usize,
}

impl Timed {
    pub(super) fn new(program: &Path, arguments: &[&str]) -> Self {
        let mut command = xtask::process::command(program);
        command.args(arguments);
        Self::of(command)
    }

    pub(super) const fn of(command: Command) -> Self {
        Self {
            command: std::sync::Mutex::new(command),
        }
    }

    pub(super) fn env(self, name: &str, value: &str) -> Self {
        self.lock().env(name, value);
        self
    }

    /// Runs it to its end.
    pub(super) fn run(&self) -> Result<Run> {
        let mut command = self.lock();
        let began = Instant::now();
        let output = xtask::process::output(&mut command)?;
        let time = began.elapsed();
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{} failed: {said}",
            xtask::process::describe(&command)
        );
        let lines = output.stdout.split(|byte| *byte == b'\n').count();
        Ok(Run { time, lines })
    }

    /// The median of some runs.
    pub(super) fn median(&self, runs: usize) -> Result<Duration> {
        let times: Result<Vec<Duration>> = (0..runs).map(|_| Ok(self.run()?.time)).collect();
        Ok(super::median(times?))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Command> {
        self.command
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What a process has taken so far, and holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    /// Processor time, in clock ticks.
    ticks: u64,
    /// Memory, in bytes.
    pub(super) resident: u64,
    /// The most that it ever was, in bytes.
    pub(super) peak: u64,
}

impl Usage {
    pub(super) fn of(id: u32) -> Result<Self> {
        let read = |name: &str| {
            let path = format!("/proc/{id}/{name}");
            std::fs::read_to_string(&path).wrap_err_with(|| format!("can not read {path}"))
        };
        Self::parse(&read("stat")?, &read("status")?)
            .ok_or_eyre("the kernel describes a process in an unknown way")
    }

    /// From the texts of `/proc/PID/stat` and `/proc/PID/status` (proc(5)).
    fn parse(stat: &str, status: &str) -> Option<Self> {
        // The name may hold blanks and brackets; utime and stime are the 12th and 13th after it.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace().skip(11);
        let user: u64 = fields.next()?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        let kib = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let number = line.trim().strip_suffix("kB")?.trim();
            Some(number.parse::<u64>().ok()? * 1024)
        };
        Some(Self {
            ticks: user + system,
            resident: kib("VmRSS:")?,
            peak: kib("VmHWM:")?,
        })
    }

    /// Share of one core since an earlier time; 1: all of it.
    pub(super) fn cpu_since(&self, before: &Self, time: Duration) -> f64 {
        let ticks = self.ticks.saturating_sub(before.ticks) as f64;
        let a_second = rustix::param::clock_ticks_per_second() as f64;
        ticks / a_second / time.as_secs_f64()
    }
}

/// Processor time of those threads of a process whose names begin so, as long as they live.
pub(super) fn running(id: u32, name: &str) -> Result<Duration> {
    let folder = format!("/proc/{id}/task");
    let threads = std::fs::read_dir(&folder).wrap_err_with(|| format!("can not read {folder}"))?;
    let mut sum = Duration::ZERO;
    for thread in threads {
        let thread = thread?.path();
        let read = |file: &str| std::fs::read_to_string(thread.join(file));
        // One that has just ended is left out.
        let (Ok(comm), Ok(time)) = (read("comm"), read("schedstat")) else {
            continue;
        };
        if comm.starts_with(name) {
            let time = on_processor(&time).ok_or_eyre("schedstat is not as it was")?;
            sum = sum.saturating_add(time);
        }
    }
    Ok(sum)
}

/// From the text of `/proc/PID/schedstat`: nanoseconds on the processor, waiting for it, and turns.
fn on_processor(schedstat: &str) -> Option<Duration> {
    let nanoseconds = schedstat.split_ascii_whitespace().next()?;
    Some(Duration::from_nanos(nanoseconds.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_texts_are_read() {
        let stat = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 10 0 0 0 150 50 0 0 20 0 5 0 9 1 2 3";
        let status = "Name:\ta\nVmPeak:\t  900 kB\nVmHWM:\t  32 kB\nVmRSS:\t   16 kB\n";
        let usage = Usage::parse(stat, status).unwrap();
        assert_eq!(usage.ticks, 200);
        assert_eq!((usage.resident, usage.peak), (16 * 1024, 32 * 1024));
        assert_eq!(Usage::parse(stat, "Name:\ta\n"), None);
        assert_eq!(Usage::parse("1 (a) S", status), None);
    }

    #[test]
    fn threads_are_found_by_name() {
        assert_eq!(
            on_processor("1500 20 3\n"),
            Some(Duration::from_nanos(1500))
        );
        assert_eq!(on_processor(""), None);
        let (done, wait) = std::sync::mpsc::sync_channel::<()>(0);
        let (started, ready) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("measured-1".to_owned());
        let thread = thread.spawn(move || {
            started.send(()).unwrap();
            wait.recv().ok();
        });
        ready.recv().unwrap();
        let id = std::process::id();
        assert!(running(id, "measured-").unwrap() > Duration::ZERO);
        assert_eq!(running(id, "nobody-").unwrap(), Duration::ZERO);
        drop(done);
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn this_very_process_is_measured() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident > 0 && usage.peak >= usage.resident);
    }
}
