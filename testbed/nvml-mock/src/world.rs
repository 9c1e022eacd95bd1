//! The scenario as of now, and what the program has opened.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use crate::Code;
use crate::library::loaded_from;
use crate::scenario::Scenario;

/// Names the file with the scenario.
const VARIABLE: &str = "GPUTOP_MOCK_NVML";

/// The scenario's file beside the library.
const BESIDE: &str = "scenario.toml";

static CURRENT: RwLock<Option<Read>> = RwLock::new(None);

static SESSION: LazyLock<Mutex<Session>> = LazyLock::new(Mutex::default);

/// A scenario and the file's state when it was read.
struct Read {
    stamp: Stamp,
    /// `None`: it can not be understood.
    scenario: Option<Arc<Scenario>>,
}

/// Tells one version of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    seconds: i64,
    nanos: i64,
    size: u64,
}

/// What a program has initialised and opened.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// How often it has initialised the library and not yet shut it down.
    pub(crate) users: u32,
    /// The driver's loading that the library was initialised under.
    pub(crate) epoch: u64,
    /// The library's own version, known since it was first initialised.
    pub(crate) library: Option<String>,
    /// The scenario's cards that were plugged in then, by NVML's index.
    pub(crate) cards: Vec<usize>,
    /// Event sets: the kinds that are listened to, by card.
    pub(crate) sets: BTreeMap<usize, BTreeMap<usize, u64>>,
    /// Events that have been delivered: card and id.
    pub(crate) delivered: BTreeSet<(usize, u64)>,
    /// Samples of performance monitoring, by handle; `None`: not yet taken.
    pub(crate) samples: BTreeMap<usize, Option<usize>>,
    /// How often a process list has grown, by card and function.
    pub(crate) growths: BTreeMap<(usize, &'static str), u32>,
    last_handle: usize,
}

impl Session {
    /// A handle that was not given out before.
    pub(crate) fn new_handle(&mut self) -> usize {
        self.last_handle += 1;
        self.last_handle
    }
}

/// What the program has opened.
pub(crate) fn session() -> MutexGuard<'static, Session> {
    SESSION.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The scenario as the file says it now.
pub(crate) fn scenario() -> Result<Arc<Scenario>, Code> {
    static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    static DEFAULT: LazyLock<Arc<Scenario>> = LazyLock::new(Arc::default);
    match FILE.get_or_init(file) {
        Some(file) => read(file).ok_or(Code::Unknown),
        None => Ok(Arc::clone(&DEFAULT)),
    }
}

/// The scenario's file, if there is one.
fn file() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        return Some(named.into());
    }
    let beside = loaded_from()?.with_file_name(BESIDE);
    beside.is_file().then_some(beside)
}

/// Reads `file` if it has changed. While it is not there, the last version counts.
fn read(file: &Path) -> Option<Arc<Scenario>> {
    let stamp = std::fs::metadata(file).ok().map(|meta| Stamp {
        inode: meta.ino(),
        seconds: meta.mtime(),
        nanos: meta.mtime_nsec(),
        size: meta.size(),
    });
    if let Some(known) = &*CURRENT.read().unwrap_or_else(PoisonError::into_inner)
        && stamp.is_none_or(|stamp| stamp == known.stamp)
    {
        return known.scenario.clone();
    }
    let stamp = stamp?;
    let scenario = std::fs::read_to_string(file)
        .map_err(|error| error.to_string())
        .and_then(|text| Scenario::from_toml(&text).map_err(|error| error.to_string()));
    let scenario = match scenario {
        Ok(scenario) => Some(Arc::new(scenario)),
        Err(error) => {
            // Nobody else can say it: the interface has only a number for it.
            let _ = writeln!(
                std::io::stderr(),
                "mock NVML: {} can not be used: {error}",
                file.display()
            );
            None
        }
    };
    let mut current = CURRENT.write().unwrap_or_else(PoisonError::into_inner);
    *current = Some(Read {
        stamp,
        scenario: scenario.clone(),
    });
    scenario
}
