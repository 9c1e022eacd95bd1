//! The machine's own cgroups: a folder in each hierarchy, below the one this process is in, so that
//! what limits and counts this process limits and counts the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};

use crate::wait::{self, Deadline};

/// Controllers without which kubelet and runc do not start.
const NEEDED: [&str; 8] = [
    "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids",
];

/// systemd's own hierarchy, which has no controller.
const SYSTEMD: &str = "systemd";

/// One hierarchy of cgroup v1, and where this process is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    /// Its controllers, joined by commas as the kernel writes them, or `systemd`.
    name: String,
    /// The folder of this process's cgroup.
    own: PathBuf,
}

/// The hierarchies of this machine; an error says which are missing.
pub(super) fn hierarchies() -> Result<Vec<Hierarchy>> {
    let read =
        |path: &str| fs::read_to_string(path).wrap_err_with(|| format!("cannot read {path}"));
    find(&read("/proc/self/cgroup")?, &read("/proc/self/mounts")?)
}

fn find(cgroup: &str, mounts: &str) -> Result<Vec<Hierarchy>> {
    let mut found = Vec::new();
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let name = controllers.strip_prefix("name=").unwrap_or(controllers);
        let known = name == SYSTEMD || name.split(',').any(|one| NEEDED.contains(&one));
        if let (true, Some(mounted)) = (known, mount_of(mounts, controllers)) {
            found.push(Hierarchy {
                name: name.to_owned(),
                own: Path::new(mounted).join(path.trim_start_matches('/')),
            });
        }
    }
    let missing: Vec<&str> = NEEDED
        .into_iter()
        .chain([SYSTEMD])
        .filter(|wanted| {
            !found
                .iter()
                .any(|there| there.name.split(',').any(|one| one == *wanted))
        })
        .collect();
    if missing.is_empty() {
        Ok(found)
    } else {
        bail!(
            "no cgroup v1 hierarchy for {} (a machine with cgroup v2 alone cannot run the node yet)",
            missing.join(", ")
        )
    }
}

/// Where the hierarchy of these controllers is mounted.
fn mount_of<'a>(mounts: &'a str, controllers: &str) -> Option<&'a str> {
    mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (place, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        let has = |wanted: &str| options.split(',').any(|option| option == wanted);
        (kind == "cgroup" && controllers.split(',').all(has)).then_some(place)
    })
}

/// Names of the hierarchies, a line each, for the machine to mount.
pub(super) fn names(all: &[Hierarchy]) -> String {
    lines(all.iter().map(|hierarchy| hierarchy.name.clone()))
}

/// The folders of the machine `id`, a line each.
pub(super) fn folders(all: &[Hierarchy], id: &str) -> String {
    lines(
        all.iter()
            .map(|hierarchy| hierarchy.own.join(id).display().to_string()),
    )
}

/// Each with a line's end: the shell's `read` passes over a last line without one.
fn lines(all: impl Iterator<Item = String>) -> String {
    all.fold(String::new(), |text, line| text + &line + "\n")
}

/// Makes the folders that [`folders`] names.
pub(super) fn make(folders: &str) -> Result<()> {
    for folder in folders.lines().map(Path::new) {
        fs::create_dir_all(folder).wrap_err_with(|| format!("cannot make {}", folder.display()))?;
        // An empty set of processors or memory takes no process.
        for name in ["cpuset.cpus", "cpuset.mems"] {
            let (from, to) = (folder.parent().map(|up| up.join(name)), folder.join(name));
            if let (Some(from), true) = (from, to.exists()) {
                fs::copy(&from, &to).wrap_err_with(|| format!("cannot write {}", to.display()))?;
            }
        }
    }
    Ok(())
}

/// Removes the folders and all below them; they empty a little after their last process.
pub(super) fn remove(folders: &str) -> Result<()> {
    for folder in folders.lines().map(Path::new) {
        let gone = wait::until(
            Deadline::after(Duration::from_secs(5)),
            Duration::from_millis(50),
            || Ok::<_, color_eyre::Report>(remove_tree(folder).ok()),
        )?;
        gone.ok_or_else(|| eyre!("the cgroup {} is still in use", folder.display()))?;
    }
    Ok(())
}

/// Only folders can be removed there, the deepest first.
fn remove_tree(folder: &Path) -> std::io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CGROUP: &str = "8:pids:/\n7:blkio:/\n6:freezer:/\n5:devices:/\n4:memory:/job/7\n\
        3:cpuset:/\n2:cpu,cpuacct:/\n1:name=systemd:/user.slice\n0::/\n";

    fn mounts() -> String {
        let line = |name: &str, options: &str| {
            format!("cgroup /sys/fs/cgroup/{name} cgroup rw,relatime,{options} 0 0\n")
        };
        let mut lines: Vec<String> = ["pids", "blkio", "freezer", "devices", "memory", "cpuset"]
            .map(|name| line(name, name))
            .to_vec();
        lines.push(line("cpu,cpuacct", "cpu,cpuacct"));
        lines.push(line("systemd", "name=systemd"));
        lines.concat()
    }

    #[test]
    fn folders_lie_below_the_own_cgroup() {
        let all = find(CGROUP, &mounts()).unwrap();
        let text = folders(&all, "node-1");
        for wanted in [
            "/sys/fs/cgroup/memory/job/7/node-1\n",
            "/sys/fs/cgroup/cpu,cpuacct/node-1\n",
            "/sys/fs/cgroup/systemd/user.slice/node-1\n",
        ] {
            assert!(text.contains(wanted), "{text}");
        }
        assert!(names(&all).lines().any(|name| name == "cpu,cpuacct"));
    }

    #[test]
    fn version_two_alone_is_said() {
        let error = find(
            "0::/user.slice\n",
            "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n",
        )
        .unwrap_err();
        assert!(error.to_string().contains("cgroup v2"), "{error}");
        assert!(error.to_string().contains("memory"), "{error}");
    }

    #[test]
    fn a_tree_goes_from_its_leaves() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("node-1");
        fs::create_dir_all(root.join("kubepods/besteffort/pod1")).unwrap();
        let folders = format!("{}\n", root.display());
        remove(&folders).unwrap();
        assert!(!root.exists());
        remove(&folders).unwrap();
    }
}
