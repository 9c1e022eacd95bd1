//! Where the control plane's programs come from.
//!
//! Each component found in the folder `KUBEBUILDER_ASSETS` is used as it is; the
//! missing ones come from our own multi-call binary, built from
//! `testbed/control-plane` and kept under `target/testbed/<hash>/`.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, WrapErr as _, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::files;
use crate::{process, repository};

/// The Kubernetes version when nothing else is asked for.
pub const DEFAULT_VERSION: &str = "v1.36.3+k3s1";

/// The environment variable that asks for another version string.
pub const VERSION_VARIABLE: &str = "GPUTOP_K3S_KUBERNETES_VERSION";

/// A program, and the arguments that make it the wanted component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The file to start.
    pub path: PathBuf,
    /// Arguments before all others: the component's name for a multi-call
    /// binary, else none.
    pub leading: Vec<String>,
}

/// What keeps the API server's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Datastore {
    /// kine on SQLite, K3s's own default.
    Kine(Program),
    /// A single etcd.
    Etcd(Program),
}

/// All programs of a control plane with simulated kubelets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binaries {
    /// The version that nodes report, for example `v1.36.3+k3s1`.
    pub version: String,
    /// The datastore.
    pub datastore: Datastore,
    /// kube-apiserver.
    pub apiserver: Program,
    /// kube-controller-manager.
    pub controllers: Program,
    /// kube-scheduler.
    pub scheduler: Program,
    /// kubectl.
    pub kubectl: Program,
    /// kwok.
    pub kwok: Program,
}

/// The version string asked for in the environment, or the default.
#[must_use]
pub fn version() -> String {
    match std::env::var(VERSION_VARIABLE) {
        Ok(version) if !version.is_empty() => version,
        _ => DEFAULT_VERSION.to_owned(),
    }
}

/// Finds a complete set that is there already; builds nothing.
#[must_use]
pub fn find_testbed() -> Option<Binaries> {
    let version = version();
    let built = built(&version);
    assemble(assets_dir().as_deref(), built.as_deref(), &version)
}

/// Finds a complete set, and builds what is missing: about five minutes on two
/// cores the first time. `progress` is told before a build starts.
///
/// # Errors
///
/// When Go is missing, the build fails, or the version string is malformed.
pub fn ensure_testbed(version: &str, progress: &mut dyn FnMut(&str)) -> Result<Binaries> {
    let assets = assets_dir();
    if let Some(found) = assemble(assets.as_deref(), None, version) {
        return Ok(found);
    }
    let path = ensure_built(version, progress)?;
    match assemble(assets.as_deref(), Some(&path), version) {
        Some(binaries) => Ok(binaries),
        None => bail!(
            "the testbed binary {} was built but is not usable",
            path.display()
        ),
    }
}

/// The multi-call binary, if it is there.
pub(super) fn built(version: &str) -> Option<PathBuf> {
    cached(version).ok().filter(|path| is_program(path))
}

/// The multi-call binary, built unless it is there.
pub(super) fn ensure_built(version: &str, progress: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let path = cached(version)?;
    if !is_program(&path) {
        progress(&format!(
            "building the control plane {version}: about 5 minutes on 2 cores, once"
        ));
        build(version, &path)?;
    }
    Ok(path)
}

/// Finds what an existing cluster needs (kubectl and kwok); builds the rest of
/// nothing unless one of the two is missing.
///
/// # Errors
///
/// As [`ensure_testbed`].
pub fn ensure_clients(version: &str, progress: &mut dyn FnMut(&str)) -> Result<Binaries> {
    let Some(dir) = assets_dir() else {
        return ensure_testbed(version, progress);
    };
    match (in_dir(&dir, "kubectl"), in_dir(&dir, "kwok")) {
        (Some(kubectl), Some(kwok)) => {
            let absent = Program {
                path: PathBuf::new(),
                leading: Vec::new(),
            };
            Ok(Binaries {
                version: version.to_owned(),
                datastore: Datastore::Kine(absent.clone()),
                apiserver: absent.clone(),
                controllers: absent.clone(),
                scheduler: absent,
                kubectl,
                kwok,
            })
        }
        _ => ensure_testbed(version, progress),
    }
}

fn assets_dir() -> Option<PathBuf> {
    std::env::var_os("KUBEBUILDER_ASSETS")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
}

/// Takes each component from `assets`, else from the multi-call binary `built`.
fn assemble(assets: Option<&Path>, built: Option<&Path>, version: &str) -> Option<Binaries> {
    let asset = |name: &str| assets.and_then(|dir| in_dir(dir, name));
    let component = |name: &str| {
        asset(name).or_else(|| {
            let path = built?.to_path_buf();
            Some(Program {
                path,
                leading: vec![name.to_owned()],
            })
        })
    };
    let datastore = match (asset("kine"), asset("etcd")) {
        (None, Some(etcd)) => Datastore::Etcd(etcd),
        _ => Datastore::Kine(component("kine")?),
    };
    Some(Binaries {
        version: version.to_owned(),
        datastore,
        apiserver: component("kube-apiserver")?,
        controllers: component("kube-controller-manager")?,
        scheduler: component("kube-scheduler")?,
        kubectl: component("kubectl")?,
        kwok: component("kwok")?,
    })
}

fn in_dir(dir: &Path, name: &str) -> Option<Program> {
    let path = dir.join(name);
    is_program(&path).then_some(Program {
        path,
        leading: Vec::new(),
    })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn sources() -> PathBuf {
    repository::root().join("testbed/control-plane")
}

/// The place of the multi-call binary for these sources and this version.
fn cached(version: &str) -> Result<PathBuf> {
    let mut inputs = vec![("version", version.as_bytes().to_vec())];
    for name in ["go.mod", "go.sum", "main.go"] {
        let path = sources().join(name);
        let content =
            fs::read(&path).wrap_err_with(|| format!("cannot read {}", path.display()))?;
        inputs.push((name, content));
    }
    let hash = content_hash(&inputs);
    Ok(repository::root()
        .join("target/testbed")
        .join(hash)
        .join("testbed"))
}

/// A hash over names and contents; 16 hexadecimal digits.
pub(super) fn content_hash(inputs: &[(&str, Vec<u8>)]) -> String {
    let mut hash = Sha256::new();
    for (name, content) in inputs {
        // With the lengths in front, no two lists of inputs look the same.
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(content);
    }
    files::hex(&hash.finalize()[..8])
}

fn build(version: &str, path: &Path) -> Result<()> {
    let flags = link_flags(version)?;
    let dir = path.parent().unwrap_or(path);
    fs::create_dir_all(dir).wrap_err_with(|| format!("cannot make {}", dir.display()))?;

    // One build at a time; whoever waited finds it done.
    let lock_path = dir.join("lock");
    let lock = fs::File::create(&lock_path)
        .wrap_err_with(|| format!("cannot write {}", lock_path.display()))?;
    lock.lock()
        .wrap_err_with(|| format!("cannot lock {}", lock_path.display()))?;
    if is_program(path) {
        return Ok(());
    }

    let draft = dir.join("testbed.draft");
    let mut go = process::command("go");
    go.current_dir(sources())
        .env("CGO_ENABLED", "0")
        .args(["build", "-trimpath", "-tags", "providerless", "-ldflags"])
        .arg(flags)
        .arg("-o")
        .arg(&draft)
        .arg(".");
    process::run(&mut go).wrap_err("building the control plane needs Go, see testbed/README.md")?;
    fs::rename(&draft, path).wrap_err_with(|| format!("cannot write {}", path.display()))
}

/// K3s's version string cannot come from a Go module: the linker sets it.
fn link_flags(version: &str) -> Result<String> {
    let numbers = version.strip_prefix('v').and_then(|rest| {
        let mut parts = rest.split('.');
        Some((parts.next()?, parts.next()?))
    });
    let Some((major, minor)) = numbers else {
        bail!("`{version}` is no Kubernetes version: it should look like {DEFAULT_VERSION}");
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-');
    if !version.chars().all(fits) {
        bail!("`{version}` is no Kubernetes version: only letters, digits and `.+-` are allowed");
    }
    let mut flags = "-s -w".to_owned();
    for package in [
        "k8s.io/component-base/version",
        "k8s.io/client-go/pkg/version",
    ] {
        for (name, value) in [
            ("gitVersion", version),
            ("gitMajor", major),
            ("gitMinor", minor),
        ] {
            // Writing to a String cannot fail.
            let _ = write!(flags, " -X {package}.{name}={value}");
        }
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_depends_on_every_input() {
        let hash = |name: &str, content: &str| content_hash(&[(name, content.into())]);
        let base = hash("go.mod", "module x");
        assert_eq!(base.len(), 16);
        assert_eq!(base, hash("go.mod", "module x"));
        assert_ne!(base, hash("go.mod", "module y"));
        assert_ne!(base, hash("go.modm", "odule x"));
    }

    #[test]
    fn link_flags_carry_the_version() {
        let flags = link_flags("v1.33.13+k3s1").unwrap();
        assert!(flags.contains("component-base/version.gitVersion=v1.33.13+k3s1"));
        assert!(flags.contains("component-base/version.gitMinor=33"));
        assert!(link_flags("1.33").is_err());
        assert!(link_flags("v1.33.0 -X evil=1").is_err());
    }

    #[test]
    fn assets_win_and_the_rest_is_built() {
        let dir = tempfile::tempdir().unwrap();
        let kubectl = dir.path().join("kubectl");
        fs::write(&kubectl, "").unwrap();
        fs::set_permissions(&kubectl, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(dir.path().join("kwok"), "not executable").unwrap();

        assert_eq!(assemble(Some(dir.path()), None, "v1.36.3"), None);
        let built = Path::new("/x/testbed");
        let found = assemble(Some(dir.path()), Some(built), "v1.36.3").unwrap();
        assert_eq!(
            found.kubectl,
            Program {
                path: kubectl,
                leading: Vec::new()
            }
        );
        assert_eq!(
            found.kwok,
            Program {
                path: built.into(),
                leading: vec!["kwok".into()]
            }
        );
        assert!(matches!(found.datastore, Datastore::Kine(_)));
    }
}
