//! A source over a copy of the mock library of its own, whose scenario a test changes.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use gputop_model::{Device, DriverState};
use gputop_node::source::nvml::NvmlSource;
use gputop_node::source::{Round, Sample, Source as _};
use gputop_nvml_mock::library;
use gputop_nvml_mock::scenario::{Gpu, Rule, Scenario};
use tokio::runtime::Runtime;

/// Tests that count threads and files of the process are alone in it.
static GATE: RwLock<()> = RwLock::new(());

/// Most that a test waits for what must happen. Far more than it takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Time between two looks at what happens on other threads.
const LOOK: Duration = Duration::from_millis(5);

#[expect(dead_code, reason = "held, not read")]
enum Gate {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// A machine with made-up cards and the source that is asked about them.
pub(crate) struct Lab {
    scenario: Scenario,
    source: Option<NvmlSource>,
    /// The daemon's clock, in seconds: each sample is a second later.
    clock: Cell<u64>,
    runtime: Runtime,
    folder: tempfile::TempDir,
    _gate: Gate,
}

impl Lab {
    /// A machine with `count` healthy cards.
    pub(crate) fn with_gpus(count: usize) -> Self {
        Self::new(Scenario::with_gpus(count))
    }

    pub(crate) fn new(scenario: Scenario) -> Self {
        let gate = GATE.read().unwrap_or_else(PoisonError::into_inner);
        Self::behind(Gate::Shared(gate), scenario)
    }

    /// The same with no other lab in this process.
    pub(crate) fn alone(scenario: Scenario) -> Self {
        let gate = GATE.write().unwrap_or_else(PoisonError::into_inner);
        // Threads of labs before this one end by themselves.
        wait_until("the threads of other labs end", || threads().is_empty());
        Self::behind(Gate::Alone(gate), scenario)
    }

    fn behind(gate: Gate, scenario: Scenario) -> Self {
        let folder = tempfile::tempdir().unwrap();
        put_library(folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let lab = Self {
            source: Some(NvmlSource::of(library_in(folder.path()))),
            scenario,
            clock: Cell::new(0),
            runtime,
            folder,
            _gate: gate,
        };
        lab.write();
        lab
    }

    fn write(&self) {
        put_scenario(self.folder.path(), &self.scenario);
    }

    /// Changes the machine from now on.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Scenario)) {
        change(&mut self.scenario);
        self.write();
    }

    /// Changes one card from now on.
    pub(crate) fn card(&mut self, card: usize, change: impl FnOnce(&mut Gpu)) {
        self.change(|scenario| change(&mut scenario.gpus[card]));
    }

    /// A rule for calls about one card.
    pub(crate) fn rule(&mut self, card: usize, function: &str, rule: Rule) {
        self.card(card, |gpu| {
            gpu.calls.insert(function.to_owned(), rule);
        });
    }

    /// What the source says a second later.
    pub(crate) fn sample(&self) -> Sample {
        self.round(true)
    }

    /// What it says a second later while nobody looks.
    pub(crate) fn unwatched(&self) -> Sample {
        self.round(false)
    }

    fn round(&self, watched: bool) -> Sample {
        self.clock.set(self.clock.get() + 1);
        let now = Duration::from_secs(self.clock.get());
        let source = self.source.as_ref().unwrap();
        self.runtime.block_on(source.sample(Round { now, watched }))
    }

    /// Lets the daemon's clock go on without a sample.
    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.set(self.clock.get() + seconds);
    }

    /// Samples until `done`.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, done: impl Fn(&Sample) -> bool) -> Sample {
        let mut last = None;
        let reached = self.runtime.block_on(async {
            tokio::time::timeout(PATIENCE, async {
                loop {
                    self.clock.set(self.clock.get() + 1);
                    let now = Duration::from_secs(self.clock.get());
                    let source = self.source.as_ref().unwrap();
                    let sample = source.sample(Round::watched(now)).await;
                    if done(&sample) {
                        return sample;
                    }
                    last = Some(sample);
                    tokio::time::sleep(LOOK).await;
                }
            })
            .await
        });
        reached.unwrap_or_else(|_| panic!("never: {what}; at last {last:#?}"))
    }

    /// Samples until every card has answered.
    #[track_caller]
    pub(crate) fn until_all_answer(&self) -> Sample {
        let cards = self.scenario.gpus.len();
        self.until("every card answers", |sample| {
            let fresh = |device: &&Device| device.process_count.fresh().is_some();
            sample.devices.iter().filter(fresh).count() >= cards
        })
    }

    /// How often `function` was called about the card at `card` (`None`: about no card).
    pub(crate) fn calls(&self, function: &str, card: Option<usize>) -> u64 {
        let calls = library::calls(&self.library()).unwrap();
        let key = (function.to_owned(), card);
        calls.get(&key).copied().unwrap_or(0)
    }

    /// The library's file.
    pub(crate) fn library(&self) -> PathBuf {
        library_in(self.folder.path())
    }

    /// Ends the source, as the daemon's end does.
    pub(crate) fn close(&mut self) {
        self.source = None;
    }

    /// Whether the library is loaded.
    pub(crate) fn is_loaded(&self) -> bool {
        library::calls(&self.library()).is_some()
    }
}

impl Drop for Lab {
    /// Lets go of calls that hang, so that their threads end.
    fn drop(&mut self) {
        self.source = None;
        let cards = self.scenario.gpus.iter_mut();
        let rules = cards.map(|gpu| &mut gpu.calls);
        let mut hung = false;
        for rules in rules.chain([&mut self.scenario.calls]) {
            hung |= rules.values().any(|rule| rule.hang == Some(true));
            rules.clear();
        }
        self.write();
        // The file must be there until whoever hangs has seen it.
        if hung && !std::thread::panicking() {
            wait_until("the library is unloaded", || !self.is_loaded());
        }
    }
}

/// The library's file in `folder`.
pub(crate) fn library_in(folder: &Path) -> PathBuf {
    folder.join("libnvidia-ml.so.1")
}

/// Puts a copy of the library into `folder`: a program loads each file once only.
pub(crate) fn put_library(folder: &Path) {
    fs::copy(library::built().unwrap(), library_in(folder)).unwrap();
}

/// Puts the scenario beside the library in `folder`, in one step.
pub(crate) fn put_scenario(folder: &Path, scenario: &Scenario) {
    let next = folder.join("next.toml");
    fs::write(&next, scenario.to_toml().unwrap()).unwrap();
    fs::rename(next, folder.join("scenario.toml")).unwrap();
}

/// Waits for what other threads do.
#[track_caller]
pub(crate) fn wait_until(what: &str, done: impl Fn() -> bool) {
    let looks = PATIENCE.as_millis() / LOOK.as_millis();
    for _ in 0..looks {
        if done() {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "a test's own thread may wait")]
        std::thread::sleep(LOOK);
    }
    panic!("never: {what}");
}

/// Names of the process's threads that ask NVML, sorted.
pub(crate) fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let mut names: Vec<_> = tasks
        // A thread may end meanwhile.
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .map(|name| name.trim_end().to_owned())
        // The program under test has a name that begins like theirs.
        .filter(|name| {
            let ours = ["nvml-gpu-", "nvml-events", "nvml-open"];
            ours.iter().any(|ours| name.starts_with(ours))
        })
        .collect();
    names.sort();
    names
}

/// Whether the process has the file at `path` in its memory, as it is on disk now.
pub(crate) fn is_mapped(path: &Path) -> bool {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    // What was replaced on disk ends with a word about that.
    maps.lines()
        .any(|line| line.ends_with(path.to_str().unwrap()))
}

/// Whether the driver can be asked.
pub(crate) fn is_ready(sample: &Sample) -> bool {
    matches!(sample.driver, DriverState::Ready { .. })
}
