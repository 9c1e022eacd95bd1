//! What can not be seen of the node's processes, why, and what would let the daemon see it.

use std::path::Path;

use gputop_model::Limitation;

use crate::machine::mounts::proc_options;

/// Inode of the machine's first PID namespace (`PROC_PID_INIT_INO` in the kernel's
/// `include/linux/proc_ns.h`).
const FIRST_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// Whether `proc` shows the machine's own process ids, which is what NVML speaks of. In a pod
/// without `hostPID` they are others, and would name the wrong processes.
pub(super) fn sees_host_pids(proc: &Path) -> bool {
    let link = std::fs::read_link(proc.join("self/ns/pid"));
    link.is_ok_and(|link| link.to_string_lossy() == format!("pid:[{FIRST_PID_NAMESPACE}]"))
}

/// The process ids mean others.
pub(super) fn foreign_pid_namespace(proc: &Path) -> Limitation {
    Limitation {
        name: "foreign_pid_namespace".to_owned(),
        lost: format!(
            "{} does not show the machine's own process ids, so that NVML's mean other processes \
             here: processes have no name, no user and no pod",
            proc.display()
        ),
        fix: "run with hostPID: true, or with --trust-pids if the ids are known to match"
            .to_owned(),
    }
}

/// Whether `proc` hides the processes of others: the first one, which is root's, can not be looked
/// at, while the own one can.
pub(super) fn hidden_processes(proc: &Path) -> Option<Limitation> {
    let is_readable = |process: &str| std::fs::read(proc.join(process).join("stat")).is_ok();
    if is_readable("1") || !is_readable("self") {
        return None;
    }
    let place = proc.display();
    let mounts = std::fs::read_to_string(proc.join("self/mounts")).unwrap_or_default();
    let options = proc_options(&mounts, &place.to_string()).unwrap_or_default();
    let hiding = options
        .split(',')
        .find(|option| option.starts_with("hidepid="));
    let why = match hiding {
        Some(option) => format!("{place} is mounted with {option}"),
        None => format!("{place}/1 can not be read"),
    };
    Some(Limitation {
        name: "hidden_processes".to_owned(),
        lost: format!(
            "{why}: processes of other users have no name, no user and no pod, and the host's \
             network cards and disks are not known"
        ),
        fix: "mount /proc without hidepid, or give the daemon the group that the mount's option \
              gid names, or the capability SYS_PTRACE"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A made-up `/proc` in which the own process can be read.
    fn proc() -> tempfile::TempDir {
        let proc = tempfile::tempdir().unwrap();
        fs::create_dir_all(proc.path().join("self/ns")).unwrap();
        fs::write(proc.path().join("self/stat"), "7 (gputop-node) R").unwrap();
        proc
    }

    #[test]
    fn foreign_pids_are_noticed() {
        let proc = proc();
        let link = proc.path().join("self/ns/pid");
        assert!(!sees_host_pids(proc.path()));
        for (inode, sees) in [("4026531836", true), ("4026532201", false)] {
            symlink(format!("pid:[{inode}]"), &link).unwrap();
            assert_eq!(sees_host_pids(proc.path()), sees);
            fs::remove_file(&link).unwrap();
        }
    }

    #[test]
    fn hidden_processes_are_noticed_and_the_option_is_named() {
        let proc = proc();
        let place = proc.path().display().to_string();
        let said = || hidden_processes(proc.path()).map(|limitation| limitation.lost);
        assert!(said().unwrap().contains("1 can not be read"));
        let mounts = |options: &str| {
            let text = format!("/dev/a / ext4 rw 0 0\nproc {place} proc rw,{options} 0 0\n");
            fs::write(proc.path().join("self/mounts"), text).unwrap();
        };
        mounts("nosuid,hidepid=invisible,gid=27");
        assert!(said().unwrap().contains("mounted with hidepid=invisible"));
        // Whatever the option, it hides nothing from whoever may look.
        fs::create_dir(proc.path().join("1")).unwrap();
        fs::write(proc.path().join("1/stat"), "1 (systemd) S").unwrap();
        assert_eq!(said(), None);
    }

    #[test]
    fn without_proc_nothing_is_said_of_hiding() {
        assert_eq!(hidden_processes(Path::new("/nowhere")), None);
    }
}
