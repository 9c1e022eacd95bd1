//! The machine that this process runs on.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gputop_model::{Failure, Host, Limitation, Reading};

use super::disks::{Disks, Told, look};
use super::network::{Traffic, has_device};
use super::{Machine, parse};

/// How often anything is read: it changes slowly, or is an average that a shorter time makes
/// jumpy.
pub(super) const PERIOD: Duration = Duration::from_secs(5);

/// Something that comes this much early still counts: samples are taken about once a second.
pub(super) const SLACK: Duration = Duration::from_millis(250);

/// Shortest time over which a first rate is made, so that there is one soon after the start.
const FIRST: Duration = Duration::from_millis(500);

/// Where the machine can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The host's `/proc`.
    pub proc: PathBuf,
    /// Whether process 1 of that is the host's first process, and not this container's.
    pub shows_host: bool,
    /// The host's root file system; `None`: it is not mounted here.
    pub host_root: Option<PathBuf>,
}

/// Reads `/proc`, and the host's root file system through a thread of its own.
#[derive(Debug)]
pub struct HostMachine {
    places: Places,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    host: Host,
    /// When `host` was read.
    read: Option<Duration>,
    /// What rates are counted from.
    base: Option<Base>,
    /// Rates have been made once.
    has_rates: bool,
    disks: Option<Disks>,
}

/// Counters, and when they were read.
#[derive(Debug)]
struct Base {
    at: Duration,
    cpu: Reading<parse::CpuTimes>,
    traffic: Reading<Traffic>,
}

impl HostMachine {
    /// The machine that is seen at `places`. Reads nothing yet.
    #[must_use]
    pub fn new(places: Places) -> Self {
        let disks = places.host_root.clone().and_then(|root| {
            let mounts = places.first_process().map(|folder| folder.join("mounts"));
            // Without a list of mounts the root alone could be told, and not whether it is local.
            let mounts = mounts.unwrap_or_else(|| root.join("nowhere"));
            let started = Disks::start(move || look(&root, &mounts));
            let warn = |error: &std::io::Error| {
                tracing::warn!(%error, "no thread for the disks: their sizes are not known");
            };
            started.inspect_err(warn).ok()
        });
        Self {
            places,
            state: Mutex::new(State {
                host: Host::default(),
                read: None,
                base: None,
                has_rates: false,
                disks,
            }),
        }
    }
}

impl Places {
    /// The folder of the host's first process.
    fn first_process(&self) -> Option<PathBuf> {
        self.shows_host.then(|| self.proc.join("1"))
    }

    fn text(&self, name: &str) -> Result<String, Failure> {
        read(&self.proc.join(name))
    }

    fn traffic(&self) -> Reading<Traffic> {
        let Some(folder) = self.first_process() else {
            return Reading::Failed(Failure::NotFound);
        };
        let classes = self
            .host_root
            .as_ref()
            .map(|root| root.join("sys/class/net"));
        let classes = classes.filter(|classes| classes.is_dir());
        match read(&folder.join("net/dev")) {
            Ok(text) => Reading::Value(match classes {
                Some(classes) => Traffic::parse(&text, Some(&|name| has_device(&classes, name))),
                None => Traffic::parse(&text, None),
            }),
            Err(failure) => Reading::Failed(failure),
        }
    }
}

impl State {
    /// Whether there is something to read at `now`.
    fn is_due(&self, now: Duration) -> bool {
        let pause = if self.has_rates { PERIOD } else { FIRST };
        let pause = pause.saturating_sub(SLACK);
        self.read.is_none_or(|at| now.saturating_sub(at) >= pause)
    }

    fn refresh(&mut self, places: &Places, now: Duration) {
        let host = &mut self.host;
        let stat = reading(&places.text("stat"), parse::cpu);
        host.cpus = stat.as_ref().map(|(_, cpus)| *cpus);
        host.load = reading(&places.text("loadavg"), parse::load);
        let meminfo = places.text("meminfo");
        host.memory_total = reading(&meminfo, |text| parse::memory(text, "MemTotal"));
        host.memory_available = reading(&meminfo, |text| parse::memory(text, "MemAvailable"));
        host.uptime = reading(&places.text("uptime"), parse::uptime);
        host.kernel = reading(&places.text("sys/kernel/osrelease"), parse::kernel);
        let base = Base {
            at: now,
            cpu: stat.map(|(times, _)| times),
            traffic: places.traffic(),
        };
        let before = self.base.as_ref();
        let passed = now.saturating_sub(before.map_or(now, |before| before.at));
        host.cpu = rate(before.map(|b| &b.cpu), &base.cpu, |before, after| {
            after.since(*before)
        });
        let network = rate(
            before.map(|b| &b.traffic),
            &base.traffic,
            |before, after| after.since(before, passed),
        );
        host.network_receive = network.as_ref().map(|(received, _)| *received);
        host.network_transmit = network.map(|(_, sent)| sent);
        self.has_rates = before.is_some();
        self.base = Some(base);
        self.read = Some(now);
    }
}

impl Machine for HostMachine {
    fn read(&self, now: Duration) -> Host {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_due(now) {
            state.refresh(&self.places, now);
        }
        let told = match &mut state.disks {
            Some(disks) => disks.poll(now),
            None => Told::failed(Failure::NotFound),
        };
        let since = now.saturating_sub(state.read.unwrap_or(now));
        Host {
            // It goes on by itself.
            uptime: state.host.uptime.clone().map(|time| time + since),
            disks: told.disks,
            reboot_required: told.reboot_required,
            ..state.host.clone()
        }
    }

    fn limitations(&self) -> Vec<Limitation> {
        let mut all = Vec::new();
        if self.places.host_root.is_none() {
            all.push(Limitation {
                name: "no_host_root".to_owned(),
                lost: "the host's root file system is not mounted here, so that its disks and \
                       whether it waits for a restart are not known"
                    .to_owned(),
                fix: "mount the host's / read-only at /host, or name its place with --host-root"
                    .to_owned(),
            });
        }
        if !self.places.shows_host {
            all.push(Limitation {
                name: "no_host_network".to_owned(),
                lost: "process 1 is this container's own, so that the host's network cards and \
                       disks are not known"
                    .to_owned(),
                fix: "run with hostPID: true".to_owned(),
            });
        }
        all
    }
}

/// What has become of a counter since `before`; one that is read for the first time tells nothing.
fn rate<T, R>(
    before: Option<&Reading<T>>,
    after: &Reading<T>,
    difference: impl FnOnce(&T, &T) -> Option<R>,
) -> Reading<R> {
    match after {
        Reading::Failed(failure) => return Reading::Failed(*failure),
        Reading::Unsupported => return Reading::Unsupported,
        Reading::Value(_) | Reading::Stale { .. } => {}
    }
    let both = before.and_then(Reading::known).zip(after.known());
    both.and_then(|(before, after)| difference(before, after))
        .map_or(Reading::Failed(Failure::NotMeasured), Reading::Value)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| failure(&error))
}

/// What `parse` makes of a text.
fn reading<T>(text: &Result<String, Failure>, parse: impl FnOnce(&str) -> Option<T>) -> Reading<T> {
    match text {
        // A kernel of a kind that is not known.
        Ok(text) => parse(text).map_or(Reading::Unsupported, Reading::Value),
        Err(failure) => Reading::Failed(*failure),
    }
}

/// Why a file can not be read.
pub(crate) fn failure(error: &std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound => Failure::NotFound,
        ErrorKind::PermissionDenied => Failure::NoPermission,
        _ => {
            let number = error.raw_os_error().unwrap_or_default();
            Failure::Other(u32::try_from(number).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use gputop_model::{Bytes, BytesPerSecond, LoadAverage, Percent};

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A made-up host: its `/proc`, and a root file system without anything.
    struct Fixture {
        proc: tempfile::TempDir,
        root: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            let fixture = Self {
                proc: tempfile::tempdir().unwrap(),
                root: tempfile::tempdir().unwrap(),
            };
            fixture.write("loadavg", "0.25 0.11 0.05 1/610 4711\n");
            fixture.write("uptime", "3600.50 100.00\n");
            fixture.write("meminfo", include_str!("../../tests/fixtures/proc/meminfo"));
            fixture.write("sys/kernel/osrelease", "6.8.0-52-generic\n");
            fixture.write("1/mounts", "/dev/a / ext4 rw 0 0\n");
            fixture.counters(100, 100, 1000);
            fixture
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.proc.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn counters(&self, busy: u64, idle: u64, bytes: u64) {
            self.write(
                "stat",
                &format!("cpu  {busy} 0 0 {idle} 0 0 0 0\ncpu0 0\ncpu1 0\n"),
            );
            let zeros = "0 0 0 0 0 0 0";
            let card = |name: &str| format!("{name}: {bytes} {zeros} {bytes} {zeros}\n");
            self.write("1/net/dev", &(card("eth0") + &card("eth1") + &card("lo")));
        }

        fn machine(&self, shows_host: bool, has_root: bool) -> HostMachine {
            HostMachine::new(Places {
                proc: self.proc.path().into(),
                shows_host,
                host_root: has_root.then(|| self.root.path().into()),
            })
        }
    }

    #[test]
    fn a_machine_is_read_at_its_pace() {
        let fixture = Fixture::new();
        let machine = fixture.machine(true, false);
        let first = machine.read(seconds(0));
        assert_eq!(first.cpus, Reading::Value(2));
        assert_eq!(first.load, Reading::Value(LoadAverage(25)));
        assert_eq!(first.memory_total, Reading::Value(Bytes(65_586_572 * 1024)));
        assert_eq!(first.kernel, Reading::Value("6.8.0-52-generic".to_owned()));
        assert_eq!(
            first.uptime,
            Reading::Value(Duration::from_millis(3_600_500))
        );
        assert_eq!(first.cpu, Reading::Failed(Failure::NotMeasured));
        assert_eq!(first.network_receive, Reading::Failed(Failure::NotMeasured));
        // The first rate comes with the second sample.
        fixture.counters(150, 150, 5000);
        let second = machine.read(seconds(1));
        assert_eq!(second.cpu, Reading::Value(Percent(50)));
        assert_eq!(second.network_receive, Reading::Value(BytesPerSecond(8000)));
        // Then nothing is read for five seconds; the uptime goes on.
        fixture.counters(250, 150, 9000);
        let third = machine.read(seconds(3));
        assert_eq!(third.cpu, second.cpu);
        assert_eq!(
            third.uptime,
            Reading::Value(Duration::from_millis(3_602_500))
        );
        let fourth = machine.read(seconds(6));
        assert_eq!(fourth.cpu, Reading::Value(Percent(100)));
        assert_eq!(
            fourth.network_transmit,
            Reading::Value(BytesPerSecond(1600))
        );
    }

    #[test]
    fn cards_are_those_with_a_device() {
        let fixture = Fixture::new();
        let classes = fixture.root.path().join("sys/class/net");
        fs::create_dir_all(classes.join("eth0")).unwrap();
        fs::create_dir_all(classes.join("eth1")).unwrap();
        std::os::unix::fs::symlink("../../../nowhere", classes.join("eth1/device")).unwrap();
        let machine = fixture.machine(true, true);
        machine.read(seconds(0));
        fixture.counters(1, 1, 5000);
        let rate = machine.read(seconds(1)).network_receive;
        assert_eq!(rate, Reading::Value(BytesPerSecond(4000)));
    }

    #[test]
    fn what_is_not_mounted_is_not_found_and_said() {
        let fixture = Fixture::new();
        let machine = fixture.machine(false, false);
        machine.read(seconds(0));
        let host = machine.read(seconds(1));
        let not_found = Failure::NotFound;
        assert_eq!(host.network_receive, Reading::Failed(not_found));
        assert_eq!(host.disks, Reading::Failed(not_found));
        assert_eq!(host.reboot_required, Reading::Failed(not_found));
        assert_eq!(host.cpus, Reading::Value(2));
        let names: Vec<_> = machine.limitations().into_iter().map(|l| l.name).collect();
        assert_eq!(names, ["no_host_root", "no_host_network"]);
        assert_eq!(fixture.machine(true, true).limitations(), []);
    }

    #[test]
    fn without_proc_nothing_is_made_up() {
        let root = tempfile::tempdir().unwrap();
        let machine = HostMachine::new(Places {
            proc: root.path().join("proc"),
            shows_host: true,
            host_root: None,
        });
        machine.read(seconds(0));
        let missing = Host::default().failed(Failure::NotFound);
        let host = machine.read(seconds(5));
        assert_eq!(host.cpu, missing.cpu);
        assert_eq!(host.cpus, Reading::Failed(Failure::NotFound));
        assert_eq!(host.network_transmit, missing.network_transmit);
        assert_eq!(host.uptime, missing.uptime);
    }

    #[test]
    fn a_kernel_that_speaks_otherwise_is_not_misread() {
        let fixture = Fixture::new();
        fixture.write("stat", "processors are fine\n");
        fixture.write("loadavg", "much\n");
        let machine = fixture.machine(true, false);
        machine.read(seconds(0));
        let host = machine.read(seconds(1));
        assert_eq!(host.cpus, Reading::Unsupported);
        assert_eq!(host.load, Reading::Unsupported);
        assert_eq!(host.cpu.known(), None);
    }

    #[test]
    fn this_machine_is_seen() {
        let machine = HostMachine::new(Places {
            proc: "/proc".into(),
            shows_host: true,
            host_root: Some("/".into()),
        });
        let host = machine.read(seconds(0));
        assert!(host.cpus.get() > Some(0));
        assert!(host.memory_available.get() > Some(Bytes(0)));
        assert!(host.memory_available.get() < host.memory_total.get());
        assert!(host.uptime.get() > Some(Duration::ZERO));
        assert!(host.kernel.known().is_some());
    }
}
