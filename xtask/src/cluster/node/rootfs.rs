//! The root file system of a machine with systemd, made of the distribution's own packages.

use std::fs;
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, WrapErr as _, bail};

use super::parts;
use crate::process;

/// What the machine and the stand-in for K3s need on top of the essential packages.
const PACKAGES: [&str; 7] = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "udev",
    "iproute2",
    "iptables",
    "procps",
];

/// What nobody reads in a test's machine.
const LEFT_OUT: [&str; 3] = [
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
];

/// Where apt's sources of the distribution itself are, the first that is there.
const SOURCES: [&str; 3] = [
    "/etc/apt/sources.list.d/debian.sources",
    "/etc/apt/sources.list.d/ubuntu.sources",
    "/etc/apt/sources.list",
];

/// The folder in which the root file system is kept; `None`: this machine's distribution is not
/// one whose packages can be used.
pub(super) fn folder() -> Option<PathBuf> {
    let suite = suite()?;
    let inputs = [
        ("suite", suite.into_bytes()),
        ("packages", PACKAGES.join(",").into_bytes()),
    ];
    Some(parts::kept("rootfs", &inputs))
}

/// Makes it unless it is there, from the packages of this machine's own distribution and mirror.
pub(super) fn ensure(progress: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let (Some(folder), Some(suite)) = (folder(), suite()) else {
        bail!("this machine's distribution does not name its release in /etc/os-release");
    };
    parts::once(&folder, |draft| {
        progress("making a root file system with systemd: about 90 s, once");
        make(&suite, draft)
    })?;
    Ok(folder)
}

fn make(suite: &str, draft: &Path) -> Result<()> {
    let Some(sources) = sources() else {
        bail!(
            "apt has no sources of the distribution in any of {}",
            SOURCES.join(", ")
        );
    };
    let mut command = process::command("mmdebstrap");
    command
        .args(["--quiet", "--mode=root", "--variant=apt"])
        .arg(format!("--include={}", PACKAGES.join(",")))
        .args(LEFT_OUT)
        .args([suite.as_ref(), draft.as_os_str(), sources.as_os_str()]);
    process::run(&mut command).wrap_err("the root file system could not be made")
}

/// Debian's or Ubuntu's name of the release, such as `bookworm`.
fn suite() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    codename(&text)
}

fn codename(os_release: &str) -> Option<String> {
    let value = os_release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    let name = value.trim().trim_matches('"');
    (!name.is_empty()).then(|| name.to_owned())
}

/// apt's own sources of this machine.
pub(super) fn sources() -> Option<&'static Path> {
    let filled = |path: &&Path| fs::metadata(path).is_ok_and(|meta| meta.len() > 0);
    SOURCES.iter().map(Path::new).find(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read() {
        let text = "NAME=\"Debian GNU/Linux\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(codename(text).as_deref(), Some("bookworm"));
        assert_eq!(codename("ID=arch\n"), None);
        assert_eq!(codename("VERSION_CODENAME=\n"), None);
    }
}
