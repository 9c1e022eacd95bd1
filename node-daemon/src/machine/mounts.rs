//! Which file systems fill up, from `/proc/1/mounts`.

use std::path::Path;

/// Where K3s keeps images and the containers' own files, which is what fills a disk.
pub(super) const DATA: &str = "/var/lib/rancher/k3s/agent/containerd";

/// File systems that live elsewhere. To ask one for its size waits for a server that may be gone,
/// or mounts it first (autofs).
const ELSEWHERE: [&str; 17] = [
    "9p",
    "afs",
    "autofs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "smbfs",
    "virtiofs",
];

/// A file system and where it is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    source: String,
    /// Absolute, as the host's first process sees it.
    pub(super) at: String,
    kind: String,
}

impl Mount {
    /// Whether it can be asked for its size without waiting for another machine.
    fn is_local(&self) -> bool {
        // What a user's program serves may hang as well as a network.
        !self.kind.starts_with("fuse") && !ELSEWHERE.contains(&self.kind.as_str())
    }
}

/// All mounts, in order.
pub(super) fn mounts(text: &str) -> Vec<Mount> {
    text.lines().filter_map(mount).collect()
}

/// Whether `path` is on this machine, so that looking at it does not wait for another one.
pub(super) fn is_local(mounts: &[Mount], path: &Path) -> bool {
    holder(mounts, path).is_some_and(Mount::is_local)
}

/// What is mounted at `/`, and what holds `data` where that is another file system; those of them
/// that are local.
pub(super) fn filling_up<'a>(mounts: &'a [Mount], data: Option<&Path>) -> Vec<&'a Mount> {
    let root = holder(mounts, Path::new("/"));
    let data = data.and_then(|data| holder(mounts, data));
    // Several mounts of one source are one file system (bind mounts, btrfs subvolumes).
    let other = data.filter(|data| root.is_none_or(|root| data.source != root.source));
    let found = root.into_iter().chain(other);
    found.filter(|mount| mount.is_local()).collect()
}

/// Options of the proc file system that is mounted at `place`.
pub(crate) fn proc_options<'a>(mounts: &'a str, place: &str) -> Option<&'a str> {
    let fields = |line: &'a str| {
        let mut fields = line.split(' ').skip(1);
        let at = fields.next()?;
        let kind = fields.next()?;
        (at == place && kind == "proc").then(|| fields.next())?
    };
    mounts.lines().rev().find_map(fields)
}

/// The mount that `path` lies in: the one with the longest path, of several at one place the last.
fn holder<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let holds = |mount: &&Mount| path.starts_with(&mount.at);
    mounts
        .iter()
        .filter(holds)
        .max_by_key(|mount| mount.at.len())
}

/// `source at kind options …`, with blanks escaped.
fn mount(line: &str) -> Option<Mount> {
    let mut fields = line.split(' ');
    let mut field = || fields.next().filter(|field| !field.is_empty());
    let mount = Mount {
        source: field()?.to_owned(),
        at: unescaped(field()?),
        kind: field()?.to_owned(),
    };
    mount.at.starts_with('/').then_some(mount)
}

/// Without the kernel's escapes: `\040` is a blank.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) if code.is_ascii() => {
                out.push(char::from(code));
                out.push_str(&part[3..]);
            }
            _ => {
                out.push('\\');
                out.push_str(part);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const PLAIN: &str = include_str!("../../tests/fixtures/proc/mounts_plain");
    const DATA_DISK: &str = include_str!("../../tests/fixtures/proc/mounts_data_disk");

    fn places(text: &str) -> Vec<String> {
        let mounts = mounts(text);
        let found = filling_up(&mounts, Some(Path::new(DATA)));
        found.into_iter().map(|mount| mount.at.clone()).collect()
    }

    #[rstest]
    #[case::one(PLAIN, &["/"])]
    #[case::two(DATA_DISK, &["/", "/var/lib/rancher"])]
    #[case::above("/dev/a / ext4 rw 0 0\n/dev/b /var xfs rw 0 0", &["/", "/var"])]
    #[case::same_letters("/dev/a / ext4 rw 0 0\n/dev/b /var/lib/ranch ext4 rw 0 0", &["/"])]
    #[case::one_pool_twice("/dev/a / btrfs rw 0 0\n/dev/a /var/lib btrfs rw 0 0", &["/"])]
    #[case::shadowed("rootfs / rootfs rw 0 0\n/dev/a / ext4 rw 0 0", &["/"])]
    #[case::diskless("nas:/root / nfs4 rw 0 0\n/dev/b /var/lib/rancher ext4 rw 0 0", &["/var/lib/rancher"])]
    #[case::data_on_a_server("/dev/a / ext4 rw 0 0\nnas:/x /var/lib/rancher nfs rw 0 0", &["/"])]
    #[case::data_in_user_space("/dev/a / ext4 rw 0 0\nx /var/lib fuse.sshfs rw 0 0", &["/"])]
    #[case::nothing("", &[])]
    fn what_fills_up_is_found_and_no_server_asked(#[case] mounts: &str, #[case] expected: &[&str]) {
        assert_eq!(places(mounts), expected);
    }

    #[test]
    fn the_last_of_several_at_one_place_counts() {
        let mounts = "rootfs / rootfs rw 0 0\n/dev/a / ext4 rw 0 0";
        let mounts = super::mounts(mounts);
        assert_eq!(filling_up(&mounts, None)[0].source, "/dev/a");
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescaped(r"/mnt/old\040disk\134\011"), "/mnt/old disk\\\t");
        for kept in [r"\", r"a\04", r"\999", r"\é12", r"\377"] {
            assert_eq!(unescaped(kept), kept);
        }
    }

    #[test]
    fn options_of_proc_are_those_of_its_own_mount() {
        let options = proc_options(DATA_DISK, "/proc").unwrap();
        assert!(options.contains("hidepid=invisible"), "{options}");
        assert_eq!(proc_options(DATA_DISK, "/host/proc"), None);
        assert_eq!(proc_options(PLAIN, "/sys"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"([a-z/\\0-9é]{0,9} /[a-z/\\0-9é]{0,9} ext4 rw 0 0\n){0,3}.{0,20}") {
            prop_assert!(places(&text).len() <= 2);
            proc_options(&text, "/proc");
        }
    }
}
