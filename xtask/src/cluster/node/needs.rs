//! What a machine must have so that a node can run on it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{cgroups, parts, rootfs};
use crate::process;

/// Programs that take a machine up, and the Debian packages that bring them.
const TO_RUN: [(&str, &str); 5] = [
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("ip", "iproute2"),
    ("tar", "tar"),
];

/// Programs with which the parts are built.
const TO_BUILD: [(&str, &str); 3] = [
    (
        "go",
        "golang-go, of the version in testbed/node/go/*/go.mod",
    ),
    ("gcc", "gcc"),
    ("pkg-config", "pkg-config"),
];

/// What keeps this machine from running a node whose parts are built; empty: nothing.
pub(super) fn to_run() -> Vec<String> {
    let mut lacking = Vec::new();
    if !rustix::process::geteuid().is_root() {
        lacking.push("root: namespaces, mounts and cgroups need it".to_owned());
    }
    if let Err(why) = cgroups::hierarchies() {
        lacking.push(why.to_string());
    }
    lacking.extend(missing(&TO_RUN));
    // In a root file system of its own the machine has it from there.
    if !has_rootfs() && !can_make_rootfs() {
        lacking.extend(to_share_root());
    }
    lacking
}

/// What this machine's own root file system lacks to be that of the node's machine too.
pub(super) fn to_share_root() -> Vec<String> {
    missing(&[("iptables", "iptables")]).collect()
}

/// What keeps this machine from building the parts that are not built; empty: nothing.
pub(super) fn to_build() -> Vec<String> {
    let built = |part: &parts::Part| part.folder().is_ok_and(|folder| folder.is_dir());
    if parts::ALL.iter().all(built) {
        return Vec::new();
    }
    let mut lacking: Vec<String> = missing(&TO_BUILD).collect();
    let seccomp = process::output(process::command("pkg-config").args(["--exists", "libseccomp"]));
    if !seccomp.is_ok_and(|output| output.status.success()) {
        lacking.push("libseccomp's headers (Debian package libseccomp-dev)".to_owned());
    }
    lacking
}

/// Whether a root file system with systemd is there.
pub(super) fn has_rootfs() -> bool {
    rootfs::folder().is_some_and(|folder| folder.is_dir())
}

/// Whether one can be made.
pub(super) fn can_make_rootfs() -> bool {
    rootfs::folder().is_some() && rootfs::sources().is_some() && in_path("mmdebstrap").is_some()
}

fn missing(programs: &[(&str, &str)]) -> impl Iterator<Item = String> {
    programs
        .iter()
        .filter(|(name, _)| in_path(name).is_none())
        .map(|(name, package)| format!("the program {name} (Debian package {package})"))
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let runs = |path: &Path| {
        fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 > 0)
    };
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| runs(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let said: Vec<_> = missing(&[("sh", "dash"), ("no-such-program", "nowhere")]).collect();
        assert_eq!(
            said,
            ["the program no-such-program (Debian package nowhere)"]
        );
    }
}
