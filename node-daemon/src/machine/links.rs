//! Follows links within the host's root file system, as it is mounted here: there an absolute link
//! such as `/var/lib/rancher -> /data/rancher` would lead into this container.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Most links on the way; more are a loop (the kernel's own limit is 40).
const LINKS: usize = 40;

/// `path` of the host whose root is at `root`, without links; what does not exist stays as it is
/// written. `None`: it leads where `may_look` says no, or in a circle.
pub(super) fn resolved(
    root: &Path,
    path: &Path,
    may_look: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let mut left = names(path);
    let mut done = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = left.pop() {
        if name == ".." {
            done.pop();
            continue;
        }
        let next = done.join(name);
        if !may_look(&next) {
            return None;
        }
        let Ok(target) = std::fs::read_link(below(root, &next)) else {
            done = next;
            continue;
        };
        links += 1;
        if links > LINKS {
            return None;
        }
        if target.is_absolute() {
            done = PathBuf::from("/");
        }
        left.extend(names(&target));
    }
    Some(done)
}

/// `path` of the host below the place where its root is mounted.
pub(super) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The names that make up a path, the first one last.
fn names(path: &Path) -> Vec<OsString> {
    let name = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().rev().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_stay_within_the_root() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("var/lib")).unwrap();
        fs::create_dir_all(at("data/k3s")).unwrap();
        symlink("/data", at("var/lib/rancher")).unwrap();
        symlink("../../../../data/k3s", at("var/lib/relative")).unwrap();
        symlink("loop", at("var/loop")).unwrap();
        let said = |path: &str| resolved(root.path(), Path::new(path), |_| true);
        assert_eq!(said("/var/lib/rancher/k3s"), Some("/data/k3s".into()));
        assert_eq!(said("/var/lib/relative"), Some("/data/k3s".into()));
        assert_eq!(said("/var/none/x"), Some("/var/none/x".into()));
        assert_eq!(said("/var/loop/x"), None);
        assert_eq!(said("/"), Some("/".into()));
    }

    #[test]
    fn nobody_looks_where_it_is_not_allowed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("var")).unwrap();
        symlink("/far/away", root.path().join("var/data")).unwrap();
        let near = |path: &Path| !path.starts_with("/far");
        assert_eq!(resolved(root.path(), Path::new("/var/data/x"), near), None);
    }
}
