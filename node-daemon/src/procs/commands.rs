//! Command lines, read on threads of their own.
//!
//! The kernel reads a command line out of the process's memory, and waits as long as somebody else
//! holds that: for ever, if that is a driver call that hangs. Such a read parks its thread and
//! costs its own process alone.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gputop_model::{Failure, Reading};

use super::stat::Stat;

/// How long one command line may take before another thread goes on with the others.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most threads that are left in a read that does not return. After that no command line is read
/// until one of them does.
const PARKED: u32 = 4;

/// What is told of the process with that id.
type Read = dyn Fn(u32) -> Reading<String> + Send + Sync;

/// Reads each process's command line once.
pub(super) struct Commands {
    shared: Arc<Shared>,
}

struct Shared {
    read: Box<Read>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    processes: HashMap<u32, Process>,
    /// Those that are still to be read.
    waiting: VecDeque<u32>,
    /// The thread that reads at the moment; it ends when nothing waits.
    reader: Option<Reader>,
    /// How many threads were started; the last one alone takes what waits.
    started: u64,
    /// Threads that were given up and have not returned.
    parked: u32,
}

#[derive(Debug)]
struct Process {
    stat: Stat,
    told: Option<Reading<String>>,
}

#[derive(Debug, Default)]
struct Reader {
    /// What it reads, and the number of that read.
    at: Option<(u32, u64)>,
    reads: u64,
    /// When it was first seen at the read with that number.
    seen: Option<(u64, Duration)>,
}

impl std::fmt::Debug for Commands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Commands").finish_non_exhaustive()
    }
}

impl Commands {
    /// Nothing has been read yet; `read` may take any time.
    pub(super) fn new(read: impl Fn(u32) -> Reading<String> + Send + Sync + 'static) -> Self {
        Self {
            shared: Arc::new(Shared {
                read: Box::new(read),
                state: Mutex::default(),
            }),
        }
    }

    /// The command line of the process `pid` that is known by `stat`, as far as it was read by
    /// `now`, a time on a monotonic clock of the caller's. Never waits.
    pub(super) fn of(&self, pid: u32, stat: &Stat, now: Duration) -> Reading<String> {
        let mut state = self.shared.lock();
        state.give_up_overdue(now);
        let known = state
            .processes
            .get(&pid)
            .filter(|known| known.stat == *stat);
        let told = if let Some(known) = known {
            known.told.clone()
        } else {
            let process = Process {
                stat: stat.clone(),
                told: None,
            };
            state.processes.insert(pid, process);
            if !state.waiting.contains(&pid) {
                state.waiting.push_back(pid);
            }
            None
        };
        self.go_on(&mut state);
        told.unwrap_or(Reading::Failed(if state.parked >= PARKED {
            Failure::Timeout
        } else {
            Failure::NotMeasured
        }))
    }

    /// Forgets all processes but those that are `alive`.
    pub(super) fn retain(&self, alive: &HashSet<u32>) {
        let mut state = self.shared.lock();
        state.processes.retain(|pid, _| alive.contains(pid));
        state.waiting.retain(|pid| alive.contains(pid));
    }

    /// Starts a thread when something waits that nobody reads.
    fn go_on(&self, state: &mut State) {
        if state.reader.is_some() || state.waiting.is_empty() || state.parked >= PARKED {
            return;
        }
        state.started += 1;
        let number = state.started;
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new()
            .name("commands".to_owned())
            .spawn(move || shared.work(number));
        match thread {
            Ok(_) => state.reader = Some(Reader::default()),
            // Tried again at the next question.
            Err(error) => tracing::debug!(%error, "no thread for command lines"),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work of the thread with that number: reads until nothing waits or it was given up.
    fn work(&self, number: u64) {
        let mut state = self.lock();
        while let Some((pid, stat)) = state.next(number) {
            drop(state);
            let told = (self.read)(pid);
            state = self.lock();
            // Another process may have its id by now.
            if let Some(process) = state.processes.get_mut(&pid)
                && process.stat == stat
            {
                process.told = Some(told);
            }
        }
        if state.started == number {
            state.reader = None;
        } else {
            state.parked = state.parked.saturating_sub(1);
        }
    }
}

impl State {
    /// What the thread with that `number` reads next; `None`: it is to end.
    fn next(&mut self, number: u64) -> Option<(u32, Stat)> {
        if self.started != number {
            return None;
        }
        let reader = self.reader.as_mut()?;
        reader.at = None;
        while let Some(pid) = self.waiting.pop_front() {
            if let Some(process) = self.processes.get(&pid) {
                reader.reads += 1;
                reader.at = Some((pid, reader.reads));
                return Some((pid, process.stat.clone()));
            }
        }
        None
    }

    /// Leaves a thread behind that has been at one read for too long.
    fn give_up_overdue(&mut self, now: Duration) {
        let Some(reader) = &mut self.reader else {
            return;
        };
        let Some((pid, read)) = reader.at else {
            return;
        };
        let since = match reader.seen {
            Some((number, since)) if number == read => since,
            _ => {
                reader.seen = Some((read, now));
                return;
            }
        };
        if now.saturating_sub(since) < PATIENCE {
            return;
        }
        if let Some(process) = self.processes.get_mut(&pid) {
            process.told = Some(Reading::Failed(Failure::Timeout));
        }
        self.reader = None;
        // So that the thread sees it when it returns, be there another one by then or not.
        self.started += 1;
        self.parked += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn stat(start_ticks: u64) -> Stat {
        Stat {
            name: "x".to_owned(),
            start_ticks,
        }
    }

    /// Processes below 100 answer at once, those above hang until their sender is dropped.
    fn with_hanging(count: u32) -> (Commands, Vec<Sender<()>>) {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| channel()).unzip();
        let receivers: Vec<Mutex<Receiver<()>>> = receivers.into_iter().map(Mutex::new).collect();
        let commands = Commands::new(move |pid| {
            let hung = pid.checked_sub(100).and_then(|n| usize::try_from(n).ok());
            if let Some(gate) = hung.and_then(|n| receivers.get(n)) {
                // Ends with an error when the test lets go.
                gate.lock().unwrap().recv().ok();
            }
            Reading::Value(format!("/bin/x {pid}"))
        });
        (commands, senders)
    }

    fn said(pid: u32) -> Reading<String> {
        Reading::Value(format!("/bin/x {pid}"))
    }

    /// Asks at `now` until `done`.
    fn until(commands: &Commands, pid: u32, now: Duration, done: &Reading<String>) {
        while commands.of(pid, &stat(1), now) != *done {
            std::thread::yield_now();
        }
    }

    fn parked(commands: &Commands) -> u32 {
        commands.shared.lock().parked
    }

    #[test]
    fn a_command_line_is_read_once_and_never_waited_for() {
        let (commands, gates) = with_hanging(1);
        let none = Reading::Failed(Failure::NotMeasured);
        assert_eq!(commands.of(100, &stat(1), s(0)), none);
        assert_eq!(commands.of(7, &stat(1), s(0)), none, "behind it");
        drop(gates);
        until(&commands, 100, s(1), &said(100));
        until(&commands, 7, s(1), &said(7));
        // Another process with the same id.
        assert_eq!(commands.of(7, &stat(2), s(2)), none);
    }

    #[test]
    fn a_process_that_hangs_costs_itself_alone() {
        let (commands, gates) = with_hanging(1);
        commands.of(100, &stat(1), s(0));
        commands.of(7, &stat(1), s(0));
        while commands.shared.lock().reader.as_ref().unwrap().at.is_none() {
            std::thread::yield_now();
        }
        let none = Reading::Failed(Failure::NotMeasured);
        // Seen at it for the first time, and then for too long.
        assert_eq!(commands.of(100, &stat(1), s(1)), none);
        assert_eq!(commands.of(100, &stat(1), s(5)), none);
        let late = Reading::Failed(Failure::Timeout);
        assert_eq!(commands.of(100, &stat(1), s(6)), late);
        until(&commands, 7, s(6), &said(7));
        assert_eq!(
            (commands.of(100, &stat(1), s(60)), parked(&commands)),
            (late, 1)
        );
        // It returns after all.
        drop(gates);
        until(&commands, 100, s(61), &said(100));
        while parked(&commands) > 0 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn no_more_than_so_many_threads_are_left_behind() {
        let (commands, gates) = with_hanging(8);
        for second in 0..100 {
            for pid in 100..108 {
                commands.of(pid, &stat(1), s(second));
            }
            while commands
                .shared
                .lock()
                .reader
                .as_ref()
                .is_some_and(|r| r.at.is_none())
            {
                std::thread::yield_now();
            }
        }
        assert_eq!(parked(&commands), PARKED);
        let late = Reading::Failed(Failure::Timeout);
        assert_eq!(commands.of(107, &stat(1), s(100)), late);
        drop(gates);
        until(&commands, 107, s(101), &said(107));
        until(&commands, 100, s(101), &said(100));
    }

    #[test]
    fn processes_that_ended_are_forgotten() {
        let (commands, _gates) = with_hanging(0);
        for pid in 1..4 {
            until(&commands, pid, s(0), &said(pid));
        }
        commands.retain(&HashSet::from([2]));
        let state = commands.shared.lock();
        assert_eq!(state.processes.keys().collect::<Vec<_>>(), [&2]);
    }
}
