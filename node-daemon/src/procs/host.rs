//! Describes processes from `/proc`.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gputop_model::{Failure, Holder, Limitation, OutsideKind, Reading, printable};
use tokio::time::Instant;

use super::cgroup::holder_from_cgroups;
use super::command::command;
use super::commands::Commands;
use super::stat::{Stat, stat};
use super::users::Users;
use super::{Attribution, ProcessFacts, limits};
use crate::machine::host::failure;

/// Programs that are a desktop, whatever session started them.
const DESKTOPS: [&str; 9] = [
    "Xorg",
    "Xwayland",
    "gnome-shell",
    "kwin_wayland",
    "kwin_x11",
    "plasmashell",
    "mutter",
    "sway",
    "Hyprland",
];

/// From where processes are looked at, and how closely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// `/proc`, or where the host's is mounted.
    pub proc: PathBuf,
    /// The host's root file system, where it can be seen: for the names of users.
    pub host_root: Option<PathBuf>,
    /// Believe that the process ids in `proc` are the machine's although they do not look it.
    pub trust_pids: bool,
    /// Tell command lines with their arguments.
    pub command_arguments: bool,
}

/// Describes processes of this machine.
///
/// What does not change while a process lives is read once; each call then reads one file. None
/// of these can make it wait; what can, the command line, is read elsewhere.
#[derive(Debug)]
pub struct HostAttribution {
    proc: PathBuf,
    /// `None`: command lines are not to be told.
    commands: Option<Commands>,
    /// The beginning of the clock that `commands` are asked by.
    start: Instant,
    /// The process ids that NVML names mean others in `proc`.
    foreign: bool,
    limitations: Vec<Limitation>,
    users: Users,
    known: Mutex<HashMap<u32, Known>>,
}

/// A process that was described, and what it was known by then.
#[derive(Debug)]
struct Known {
    stat: Stat,
    facts: ProcessFacts,
}

impl HostAttribution {
    /// Finds out what can be seen from there; later changes of mounts are not noticed.
    #[must_use]
    pub fn new(outlook: Outlook) -> Self {
        let Outlook {
            proc,
            host_root,
            trust_pids,
            command_arguments,
        } = outlook;
        let foreign = !trust_pids && !limits::sees_host_pids(&proc);
        let limitation = if foreign {
            Some(limits::foreign_pid_namespace(&proc))
        } else {
            limits::hidden_processes(&proc)
        };
        Self {
            users: Users::load(&proc, host_root.as_deref()),
            limitations: limitation.into_iter().collect(),
            known: Mutex::default(),
            commands: command_arguments.then(|| {
                let proc = proc.clone();
                Commands::new(move |pid| command(&proc.join(format!("{pid}/cmdline"))))
            }),
            start: Instant::now(),
            proc,
            foreign,
        }
    }

    /// Whether the process ids are the machine's own, so that process 1 is its first.
    #[must_use]
    pub const fn sees_host(&self) -> bool {
        !self.foreign
    }

    fn read(&self, pid: u32) -> io::Result<ProcessFacts> {
        let folder = self.proc.join(pid.to_string());
        let text = std::fs::read(folder.join("stat"))?;
        let stat = stat(&String::from_utf8_lossy(&text)).ok_or(io::ErrorKind::InvalidData)?;
        let command = match &self.commands {
            Some(commands) => commands.of(pid, &stat, self.start.elapsed()),
            None => Reading::default(),
        };
        // The name changes at exec, and the group shortly after the fork.
        let known = self
            .lock()
            .get(&pid)
            .filter(|known| known.stat == stat)
            .map(|known| known.facts.clone());
        let facts = match known {
            Some(facts) => facts,
            None => self.look(pid, &folder, stat),
        };
        Ok(ProcessFacts { command, ..facts })
    }

    /// All but the command line of a process that was not looked at before, or not with success.
    fn look(&self, pid: u32, folder: &Path, stat: Stat) -> ProcessFacts {
        let cgroups = std::fs::read(folder.join("cgroup"));
        // The owner of the folder is the effective user, unless the process may not be dumped.
        let owner = std::fs::metadata(folder);
        let whole = cgroups.is_ok() && owner.is_ok();
        let mut holder = cgroups.map_or(Holder::Unknown, |text| {
            holder_from_cgroups(&String::from_utf8_lossy(&text))
        });
        let in_pod = matches!(holder, Holder::Pod { .. });
        if let Holder::Outside { kind, name } = &mut holder
            && DESKTOPS.contains(&stat.name.as_str())
        {
            *kind = OutsideKind::Desktop;
            name.clone_from(&stat.name);
        }
        let facts = ProcessFacts {
            start_ticks: Some(stat.start_ticks),
            user: match owner {
                Ok(data) => Reading::Value(self.users.name(data.uid(), in_pod)),
                Err(error) => Reading::Failed(failure(&error)),
            },
            command: Reading::default(),
            name: Some(printable(stat.name.clone())),
            holder,
        };
        // What could not be read is tried again.
        if whole {
            let facts = facts.clone();
            self.lock().insert(pid, Known { stat, facts });
        }
        facts
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attribution for HostAttribution {
    fn describe(&self, pid: u32) -> ProcessFacts {
        if self.foreign {
            return ProcessFacts {
                user: Reading::Failed(Failure::NotFound),
                ..ProcessFacts::unknown()
            };
        }
        self.read(pid).unwrap_or_else(|error| ProcessFacts {
            user: Reading::Failed(match error.raw_os_error() {
                // It ended while it was looked at.
                Some(ESRCH) => Failure::NotFound,
                _ => failure(&error),
            }),
            ..ProcessFacts::unknown()
        })
    }

    fn retain(&self, alive: &HashSet<u32>) {
        self.lock().retain(|pid, _| alive.contains(pid));
        if let Some(commands) = &self.commands {
            commands.retain(alive);
        }
    }

    fn limitations(&self) -> Vec<Limitation> {
        self.limitations.clone()
    }
}

/// No such process.
const ESRCH: i32 = 3;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A made-up `/proc` with one process.
    fn proc(pid: u32, comm: &str, start: u64, cgroup: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        write(&root, pid, comm, start, cgroup);
        root
    }

    /// It is not a proc file system, and its ids are taken for the machine's.
    fn outlook(root: &tempfile::TempDir) -> Outlook {
        Outlook {
            proc: root.path().into(),
            host_root: None,
            trust_pids: true,
            command_arguments: false,
        }
    }

    fn write(root: &tempfile::TempDir, pid: u32, comm: &str, start: u64, cgroup: &str) {
        let folder = root.path().join(pid.to_string());
        fs::create_dir_all(&folder).unwrap();
        let zeros = "0 ".repeat(30);
        // Field 22 is the start time.
        let stat = format!(
            "{pid} ({comm}) S 1 {pid} {pid} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {start} {zeros}"
        );
        fs::write(folder.join("stat"), stat).unwrap();
        fs::write(folder.join("cgroup"), cgroup).unwrap();
    }

    #[test]
    fn a_process_is_described() {
        let root = proc(
            77,
            "ollama runner",
            4242,
            "0::/system.slice/ollama.service\n",
        );
        let facts = HostAttribution::new(outlook(&root)).describe(77);
        assert_eq!(facts.start_ticks, Some(4242));
        assert_eq!(facts.name.as_deref(), Some("ollama runner"));
        let expected = Holder::Outside {
            kind: OutsideKind::Unit,
            name: "ollama.service".to_owned(),
        };
        assert_eq!(facts.holder, expected);
        assert!(facts.user.fresh().is_some());
    }

    #[test]
    fn an_x_server_in_a_login_session_is_a_desktop() {
        let root = proc(
            5,
            "Xorg",
            1,
            "0::/user.slice/user-1000.slice/session-2.scope\n",
        );
        let facts = HostAttribution::new(outlook(&root)).describe(5);
        assert!(matches!(
            facts.holder,
            Holder::Outside { kind: OutsideKind::Desktop, name } if name == "Xorg"
        ));
    }

    #[test]
    fn a_recycled_pid_is_another_process() {
        let root = proc(9, "old", 100, "0::/system.slice/old.service\n");
        let host = HostAttribution::new(outlook(&root));
        assert_eq!(host.describe(9).name.as_deref(), Some("old"));
        write(&root, 9, "new", 200, "0::/system.slice/new.service\n");
        let facts = host.describe(9);
        assert_eq!(
            (facts.name.as_deref(), facts.start_ticks),
            (Some("new"), Some(200))
        );
        assert!(matches!(facts.holder, Holder::Outside { name, .. } if name == "new.service"));
    }

    #[test]
    fn what_could_not_be_read_is_read_again() {
        let root = proc(9, "x", 100, "0::/system.slice/x.service\n");
        let cgroup = root.path().join("9/cgroup");
        let text = fs::read(&cgroup).unwrap();
        fs::remove_file(&cgroup).unwrap();
        let host = HostAttribution::new(outlook(&root));
        let facts = host.describe(9);
        assert_eq!(
            (facts.holder, facts.start_ticks),
            (Holder::Unknown, Some(100))
        );
        fs::write(&cgroup, text).unwrap();
        let facts = host.describe(9);
        assert!(matches!(facts.holder, Holder::Outside { name, .. } if name == "x.service"));
    }

    #[test]
    fn processes_that_ended_are_forgotten_and_no_others() {
        let root = tempfile::tempdir().unwrap();
        let pids = 1..=5_000;
        for pid in pids.clone() {
            write(&root, pid, "x", 1, "0::/\n");
        }
        let host = HostAttribution::new(outlook(&root));
        for pid in pids.clone() {
            host.describe(pid);
        }
        host.retain(&pids.collect());
        assert_eq!(host.lock().len(), 5_000);
        host.retain(&HashSet::from([7, 9]));
        assert_eq!(host.lock().len(), 2);
    }

    #[test]
    fn a_process_that_has_ended_is_not_found() {
        let root = tempfile::tempdir().unwrap();
        let facts = HostAttribution::new(outlook(&root)).describe(1234);
        assert_eq!(facts.user, Reading::Failed(Failure::NotFound));
        assert_eq!(facts.holder, Holder::Unknown);
    }

    #[test]
    fn foreign_pids_are_said_and_their_processes_left_alone() {
        let root = proc(9, "other", 100, "0::/system.slice/other.service\n");
        let namespaces = root.path().join("self/ns");
        fs::create_dir_all(&namespaces).unwrap();
        let link = namespaces.join("pid");
        std::os::unix::fs::symlink("pid:[4026532201]", link).unwrap();
        let foreign = HostAttribution::new(Outlook {
            trust_pids: false,
            ..outlook(&root)
        });
        assert!(!foreign.sees_host());
        assert_eq!(foreign.describe(9).name, None);
        assert_eq!(foreign.describe(9).holder, Holder::Unknown);
        let [limitation] = foreign.limitations().try_into().unwrap();
        assert_eq!(limitation.name, "foreign_pid_namespace");
        assert!(limitation.fix.contains("hostPID: true"));
        let trusted = HostAttribution::new(outlook(&root));
        assert_eq!(trusted.describe(9).name.as_deref(), Some("other"));
        assert_eq!(trusted.limitations(), []);
    }

    #[test]
    fn hidden_processes_are_said() {
        let root = proc(9, "mine", 1, "0::/\n");
        fs::create_dir_all(root.path().join("self")).unwrap();
        fs::write(root.path().join("self/stat"), "9 (mine) R").unwrap();
        let limited = HostAttribution::new(outlook(&root)).limitations();
        assert_eq!(limited.len(), 1);
        assert_eq!(limited[0].name, "hidden_processes");
    }

    #[test]
    fn command_lines_are_told_when_asked_for_only() {
        let root = proc(9, "python3", 1, "0::/\n");
        fs::write(root.path().join("9/cmdline"), "python3\0--token\0abc\0").unwrap();
        let silent = HostAttribution::new(outlook(&root));
        assert_eq!(silent.describe(9).command, Reading::default());
        let telling = HostAttribution::new(Outlook {
            command_arguments: true,
            ..outlook(&root)
        });
        let said = Reading::Value("python3 --token •••".to_owned());
        // Read on a thread of its own.
        while telling.describe(9).command != said {
            std::thread::yield_now();
        }
        fs::remove_file(root.path().join("9/cmdline")).unwrap();
        assert_eq!(telling.describe(9).command, said, "from memory");
    }

    #[test]
    fn users_have_the_hosts_names_outside_pods() {
        let root = proc(9, "x", 1, "0::/system.slice/x.service\n");
        let uid = fs::metadata(root.path().join("9")).unwrap().uid();
        let host = tempfile::tempdir().unwrap();
        fs::create_dir(host.path().join("etc")).unwrap();
        let passwd = format!("ada:x:{uid}:1::/:/bin/sh\n");
        fs::write(host.path().join("etc/passwd"), passwd).unwrap();
        let seen = HostAttribution::new(Outlook {
            host_root: Some(host.path().into()),
            ..outlook(&root)
        });
        let name = if uid == 0 { "root" } else { "ada" };
        assert_eq!(seen.describe(9).user, Reading::Value(name.to_owned()));
    }

    #[test]
    fn a_name_can_not_write_on_the_terminal() {
        let root = proc(9, "\u{1b}[2J", 1, "0::/\n");
        let facts = HostAttribution::new(outlook(&root)).describe(9);
        assert_eq!(facts.name.as_deref(), Some("\u{fffd}[2J"));
    }

    #[test]
    fn what_is_no_process_is_no_news() {
        let root = proc(9, "x", 1, "0::/\n");
        fs::write(root.path().join("9/stat"), "gone").unwrap();
        let facts = HostAttribution::new(outlook(&root)).describe(9);
        assert_eq!((facts.name, facts.start_ticks), (None, None));
        assert_eq!(facts.user.known(), None);
    }
}
