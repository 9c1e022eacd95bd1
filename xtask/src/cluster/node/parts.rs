//! The programs of a real node that are built with Go, each kept under
//! `target/testbed/<name>-<hash>/` and built anew only when its sources change.

use std::fs;
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, WrapErr as _, bail};

use crate::cluster::binaries::content_hash;
use crate::{process, repository};

/// Programs that come out of one Go module in `testbed/node/go`.
pub(super) struct Part {
    /// The module's folder, and the name under which the machine sees the programs.
    pub(super) name: &'static str,
    /// Packages and the names of their programs.
    programs: &'static [&'static str],
    tags: &'static str,
    /// Flags of the linker on top of those that all have.
    link: &'static str,
    cgo: bool,
    /// Seconds that a first build takes on two cores, modules at hand.
    seconds: u32,
}

/// containerd, its shim and `ctr`.
const CONTAINERD: Part = Part {
    name: "containerd",
    programs: &[
        "github.com/containerd/containerd/v2/cmd/containerd",
        "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
        "github.com/containerd/containerd/v2/cmd/ctr",
    ],
    tags: "no_btrfs,no_devmapper,no_zfs,urfave_cli_no_docs",
    link: "-X github.com/containerd/containerd/v2/version.Version=2.2.9",
    cgo: false,
    seconds: 80,
};

/// runc, static: the machine's C library need not be this one's.
const RUNC: Part = Part {
    name: "runc",
    programs: &["github.com/opencontainers/runc"],
    tags: "seccomp,netgo,osusergo",
    link: "-linkmode external -extldflags -static -X main.version=1.4.3",
    cgo: true,
    seconds: 30,
};

/// The plug-ins of the pods' network.
const CNI: Part = Part {
    name: "cni",
    programs: &[
        "github.com/containernetworking/plugins/plugins/main/bridge",
        "github.com/containernetworking/plugins/plugins/main/loopback",
        "github.com/containernetworking/plugins/plugins/ipam/host-local",
        "github.com/containernetworking/plugins/plugins/meta/portmap",
    ],
    tags: "",
    link: "",
    cgo: false,
    seconds: 10,
};

/// NVIDIA's own device plugin.
const DEVICE_PLUGIN: Part = Part {
    name: "device-plugin",
    programs: &["github.com/NVIDIA/k8s-device-plugin/cmd/nvidia-device-plugin"],
    tags: "",
    link: "",
    cgo: true,
    seconds: 30,
};

/// All parts.
pub(super) const ALL: [Part; 4] = [CONTAINERD, RUNC, CNI, DEVICE_PLUGIN];

impl Part {
    fn sources(&self) -> PathBuf {
        repository::root().join("testbed/node/go").join(self.name)
    }

    /// The folder for these sources and flags; it is there when the part is built.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        let mut inputs = vec![
            ("programs", self.programs.join(" ").into_bytes()),
            ("tags", self.tags.into()),
            ("link", self.link.into()),
        ];
        for name in ["go.mod", "go.sum"] {
            let path = self.sources().join(name);
            let content =
                fs::read(&path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
            inputs.push((name, content));
        }
        Ok(kept(self.name, &inputs))
    }

    /// Builds it unless it is there. `progress` is told before that.
    pub(super) fn ensure(&self, progress: &mut dyn FnMut(&str)) -> Result<PathBuf> {
        let folder = self.folder()?;
        once(&folder, |draft| {
            progress(&format!(
                "building {}: about {} s on 2 cores, once",
                self.name, self.seconds
            ));
            self.build(draft)
        })?;
        Ok(folder)
    }

    fn build(&self, draft: &Path) -> Result<()> {
        let mut go = process::command("go");
        go.current_dir(self.sources())
            .env("CGO_ENABLED", if self.cgo { "1" } else { "0" })
            .args(["build", "-trimpath", "-tags", self.tags, "-ldflags"])
            .arg(format!("-s -w {}", self.link))
            // With the slash it is a folder, for one program as for several.
            .arg("-o")
            .arg(draft.join(""))
            .args(self.programs);
        process::run(&mut go).wrap_err_with(|| {
            format!(
                "{} is built with Go from the Go module proxy, see testbed/README.md",
                self.name
            )
        })
    }
}

/// The folder in which something made of these inputs is kept.
pub(super) fn kept(name: &str, inputs: &[(&str, Vec<u8>)]) -> PathBuf {
    let hash = content_hash(inputs);
    repository::root()
        .join("target/testbed")
        .join(format!("{name}-{hash}"))
}

/// Makes `folder` by `make`, which fills a draft of it, unless it is there. One at a time; whoever
/// waited finds it done. A draft that an interrupted attempt has left is thrown away.
pub(super) fn once(folder: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        bail!("{} is no folder to keep anything in", folder.display());
    };
    let beside = |what: &str| parent.join(format!("{}.{what}", name.to_string_lossy()));
    fs::create_dir_all(parent).wrap_err_with(|| format!("cannot make {}", parent.display()))?;
    let lock_path = beside("lock");
    let lock = fs::File::create(&lock_path)
        .wrap_err_with(|| format!("cannot write {}", lock_path.display()))?;
    lock.lock()
        .wrap_err_with(|| format!("cannot lock {}", lock_path.display()))?;
    if folder.is_dir() {
        return Ok(());
    }
    let draft = beside("draft");
    if draft.exists() {
        fs::remove_dir_all(&draft)
            .wrap_err_with(|| format!("cannot remove {}", draft.display()))?;
    }
    fs::create_dir(&draft).wrap_err_with(|| format!("cannot make {}", draft.display()))?;
    make(&draft)?;
    fs::rename(&draft, folder).wrap_err_with(|| format!("cannot make {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_not_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("part-1");
        once(&folder, |draft| Ok(fs::write(draft.join("a"), "1")?)).unwrap();
        once(&folder, |_| bail!("made again")).unwrap();
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "1");
    }

    #[test]
    fn an_attempt_that_failed_leaves_no_part() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("part-1");
        let half = once(&folder, |draft| {
            fs::write(draft.join("half"), "")?;
            bail!("no more")
        });
        assert!(half.is_err() && !folder.exists());
        once(&folder, |_| Ok(())).unwrap();
        assert!(!folder.join("half").exists());
    }

    #[test]
    fn every_part_has_its_sources() {
        for part in &ALL {
            let module = fs::read_to_string(part.sources().join("go.mod")).unwrap();
            for program in part.programs {
                let tool = module.lines().any(|line| line.trim().ends_with(program));
                assert!(tool, "{}: {program} is no tool of its go.mod", part.name);
            }
        }
    }
}
