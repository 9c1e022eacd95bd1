//! Describes processes from `/proc`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use gputop_model::{Failure, Holder, OutsideKind, Reading};
use procfs::process::Process;
use procfs::{ProcError, ProcResult};

use super::cgroup::holder_from_cgroups;
use super::users::Users;
use super::{Attribution, ProcessFacts};

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

/// Inode of the machine's first PID namespace (`PROC_PID_INIT_INO` in the kernel's
/// `include/linux/proc_ns.h`).
const FIRST_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// Most processes kept in memory; a GPU node has far fewer.
const KEPT: usize = 4096;

/// Describes processes of this machine.
///
/// What does not change while a process lives is read once; each call then reads one file.
#[derive(Debug)]
pub struct HostAttribution {
    proc: PathBuf,
    users: Users,
    known: Mutex<HashMap<u32, ProcessFacts>>,
}

impl HostAttribution {
    /// Reads from `proc`, `/proc` or where the host's is mounted. `in_container`: the file system
    /// around this process is not the host's.
    #[must_use]
    pub fn new(proc: PathBuf, in_container: bool) -> Self {
        Self {
            users: Users::load(&proc, in_container),
            proc,
            known: Mutex::default(),
        }
    }

    /// Whether `proc` shows the machine's own process ids, which is what NVML speaks of. In a pod
    /// without `hostPID` they are others, and would name the wrong processes.
    #[must_use]
    pub fn sees_host_pids(&self) -> bool {
        let link = std::fs::read_link(self.proc.join("self/ns/pid"));
        link.is_ok_and(|link| link.to_string_lossy() == format!("pid:[{FIRST_PID_NAMESPACE}]"))
    }

    fn read(&self, pid: u32) -> ProcResult<ProcessFacts> {
        let id = i32::try_from(pid).map_err(|_| ProcError::NotFound(None))?;
        let process = Process::new_with_root(self.proc.join(id.to_string()))?;
        let stat = process.stat()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(facts) = known.get(&pid)
            && facts.start_ticks == Some(stat.starttime)
            // The name changes at exec, and the group shortly after the fork.
            && facts.name.as_deref() == Some(&stat.comm)
        {
            return Ok(facts.clone());
        }
        let cgroups = std::fs::read_to_string(self.proc.join(format!("{pid}/cgroup")));
        let mut holder = cgroups.map_or(Holder::Unknown, |text| holder_from_cgroups(&text));
        let in_pod = matches!(holder, Holder::Pod { .. });
        if let Holder::Outside { kind, name } = &mut holder
            && DESKTOPS.contains(&stat.comm.as_str())
        {
            *kind = OutsideKind::Desktop;
            name.clone_from(&stat.comm);
        }
        let facts = ProcessFacts {
            start_ticks: Some(stat.starttime),
            user: match process.uid() {
                Ok(uid) => Reading::Value(self.users.name(uid, in_pod)),
                Err(error) => Reading::Failed(failure(&error)),
            },
            name: Some(stat.comm),
            holder,
        };
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(pid, facts.clone());
        Ok(facts)
    }
}

impl Attribution for HostAttribution {
    fn describe(&self, pid: u32) -> ProcessFacts {
        self.read(pid).unwrap_or_else(|error| ProcessFacts {
            user: Reading::Failed(failure(&error)),
            ..ProcessFacts::unknown()
        })
    }
}

fn failure(error: &ProcError) -> Failure {
    match error {
        ProcError::PermissionDenied(_) => Failure::NoPermission,
        ProcError::NotFound(_) => Failure::NotFound,
        ProcError::Io(error, _) => {
            let number = error.raw_os_error().unwrap_or_default();
            Failure::Other(u32::try_from(number).unwrap_or_default())
        }
        _ => Failure::Other(0),
    }
}

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
        let facts = HostAttribution::new(root.path().into(), true).describe(77);
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
        let facts = HostAttribution::new(root.path().into(), true).describe(5);
        assert!(matches!(
            facts.holder,
            Holder::Outside { kind: OutsideKind::Desktop, name } if name == "Xorg"
        ));
    }

    #[test]
    fn a_recycled_pid_is_another_process() {
        let root = proc(9, "old", 100, "0::/system.slice/old.service\n");
        let host = HostAttribution::new(root.path().into(), true);
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
    fn a_process_that_has_ended_is_not_found() {
        let root = tempfile::tempdir().unwrap();
        let facts = HostAttribution::new(root.path().into(), true).describe(1234);
        assert_eq!(facts.user, Reading::Failed(Failure::NotFound));
        assert_eq!(facts.holder, Holder::Unknown);
    }

    #[test]
    fn foreign_pids_are_noticed() {
        let root = tempfile::tempdir().unwrap();
        let namespaces = root.path().join("self/ns");
        fs::create_dir_all(&namespaces).unwrap();
        let sees = |inode: &str| {
            let link = namespaces.join("pid");
            fs::remove_file(&link).ok();
            std::os::unix::fs::symlink(format!("pid:[{inode}]"), link).unwrap();
            HostAttribution::new(root.path().into(), true).sees_host_pids()
        };
        assert!(sees("4026531836"));
        assert!(!sees("4026532201"));
    }
}
