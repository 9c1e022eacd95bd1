//! What a thread of its own finds out: sizes of file systems, and whether a restart is due.
//!
//! A disk that is dying holds whoever asks for its size. That thread alone then waits, and what it
//! said last gets older.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gputop_model::{Bytes, Disk, Failure, Reading, printable};
use tokio::sync::{mpsc, watch};

use super::host::{PERIOD, SLACK};
use super::links::{below, resolved};
use super::mounts::{DATA, filling_up, is_local, mounts};

/// How long the thread may take for one answer before the last one counts as old.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the thread says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) disks: Reading<Vec<Disk>>,
    pub(super) reboot_required: Reading<bool>,
}

impl Told {
    /// Nothing is known, for that reason.
    pub(super) const fn failed(failure: Failure) -> Self {
        Self {
            disks: Reading::Failed(failure),
            reboot_required: Reading::Failed(failure),
        }
    }

    fn aged(self, by: Duration) -> Self {
        Self {
            disks: self.disks.aged(by),
            reboot_required: self.reboot_required.aged(by),
        }
    }
}

/// The other side of the thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Disks {
    ask: mpsc::Sender<Duration>,
    answers: watch::Receiver<Option<(Duration, Told)>>,
    /// When it was asked last.
    asked: Option<Duration>,
}

impl Disks {
    /// Starts the thread, which calls `look` each time it is asked.
    pub(super) fn start(mut look: impl FnMut() -> Told + Send + 'static) -> std::io::Result<Self> {
        let (ask, mut asked) = mpsc::channel::<Duration>(1);
        let (answer, answers) = watch::channel(None);
        std::thread::Builder::new()
            .name("disks".to_owned())
            .spawn(move || {
                while let Some(now) = asked.blocking_recv() {
                    let told = look();
                    answer.send_replace(Some((now, told)));
                }
            })?;
        Ok(Self {
            ask,
            answers,
            asked: None,
        })
    }

    /// What was said last. Asks anew when that is due.
    pub(super) fn poll(&mut self, now: Duration) -> Told {
        let last = self.answers.borrow().clone();
        let answered = last.as_ref().map(|(at, _)| *at);
        let waits = self.asked > answered;
        let due = self.asked.is_none_or(|at| now + SLACK >= at + PERIOD);
        if due && !waits && self.ask.try_send(now).is_ok() {
            self.asked = Some(now);
        }
        let overdue = waits
            && self
                .asked
                .is_some_and(|at| now.saturating_sub(at) >= PATIENCE);
        match last {
            Some((at, told)) if overdue => told.aged(now.saturating_sub(at)),
            Some((_, told)) => told,
            None if overdue => Told::failed(Failure::Timeout),
            None => Told::failed(Failure::NotMeasured),
        }
    }
}

/// Looks at the host's root file system at `root`; `mounts` is the host's list of mounts, when it
/// can be read.
pub(super) fn look(root: &Path, mounts: &Path) -> Told {
    let disks = match std::fs::read_to_string(mounts) {
        Ok(mounts) => sizes(root, &mounts),
        Err(error) => Reading::Failed(super::host::failure(&error)),
    };
    Told {
        disks,
        reboot_required: reboot_required(root),
    }
}

/// Sizes of the file systems that fill up. One that can not be seen from here is left out.
fn sizes(root: &Path, text: &str) -> Reading<Vec<Disk>> {
    let mounts = mounts(text);
    // K3s's folder may be a link to a larger disk.
    let data = resolved(root, Path::new(DATA), |path| is_local(&mounts, path));
    let mounts = filling_up(&mounts, data.as_deref());
    if mounts.is_empty() {
        // All on other machines.
        return Reading::Unsupported;
    }
    let whole = size(root);
    let disks = mounts.into_iter().filter_map(|mount| {
        let (total, available) = if mount.at == "/" {
            whole?
        } else {
            let place = below(root, Path::new(&mount.at));
            // What was mounted on the host after this container's start may be hidden from it.
            is_mounted(&place).then(|| size(&place))??
        };
        Some(Disk {
            mount: printable(mount.at.clone()),
            total,
            available,
        })
    });
    let disks: Vec<_> = disks.collect();
    if disks.is_empty() {
        Reading::Failed(Failure::NotFound)
    } else {
        Reading::Value(disks)
    }
}

/// Size, and what programs without privileges can still write.
fn size(place: &Path) -> Option<(Bytes, Bytes)> {
    let told = rustix::fs::statvfs(place).ok()?;
    let bytes = |blocks: u64| Bytes(blocks.saturating_mul(told.f_frsize));
    // A file system without a size, such as some that exist in memory only.
    (told.f_blocks > 0).then(|| (bytes(told.f_blocks), bytes(told.f_bavail)))
}

/// Whether a file system begins at `place`.
fn is_mounted(place: &Path) -> bool {
    let device = |place: &Path| rustix::fs::stat(place).map(|stat| stat.st_dev);
    let above = place.parent().map(device);
    matches!((device(place), above), (Ok(here), Some(Ok(above))) if here != above)
}

/// Debian's mark, which Ubuntu and others have taken over.
fn reboot_required(root: &Path) -> Reading<bool> {
    let run = root.join("run");
    if !run.is_dir() {
        return Reading::Failed(Failure::NotFound);
    }
    // A link, which this is on newer systems, would lead out of the host's root.
    let var_run = root.join("var/run");
    let is_folder = var_run.symlink_metadata().is_ok_and(|data| data.is_dir());
    let places = [Some(run), is_folder.then_some(var_run)];
    let marked = |folder: PathBuf| folder.join("reboot-required").symlink_metadata().is_ok();
    Reading::Value(places.into_iter().flatten().any(marked))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::sync_channel;

    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Polls at `now` until the thread's answer to the question of `asked` is there.
    fn answer(disks: &mut Disks, now: Duration, asked: Duration) -> Told {
        while disks.answers.borrow().as_ref().map(|(at, _)| *at) < Some(asked) {
            std::thread::yield_now();
        }
        disks.poll(now)
    }

    #[test]
    fn it_is_asked_at_its_pace_and_never_waited_for() {
        let (go, gate) = sync_channel::<u64>(8);
        let mut disks = Disks::start(move || {
            let available = gate.recv().unwrap_or_default();
            let disk = Disk {
                mount: "/".to_owned(),
                total: Bytes(100),
                available: Bytes(available),
            };
            Told {
                disks: vec![disk].into(),
                reboot_required: false.into(),
            }
        })
        .unwrap();
        let free = |told: &Told| told.disks.known().map(|disks| disks[0].available.0);
        assert_eq!(disks.poll(seconds(0)), Told::failed(Failure::NotMeasured));
        go.send(70).unwrap();
        let first = answer(&mut disks, seconds(1), seconds(0));
        assert_eq!((free(&first), first.disks.age()), (Some(70), None));
        // Due again, and the disk hangs.
        assert_eq!(free(&disks.poll(seconds(5))), Some(70));
        assert_eq!(disks.poll(seconds(9)).disks.age(), None);
        let late = disks.poll(seconds(10));
        assert_eq!(
            (free(&late), late.disks.age()),
            (Some(70), Some(seconds(10)))
        );
        assert_eq!(late.reboot_required.age(), Some(seconds(10)));
        // It answers after all; what it said was asked at 5 s.
        go.send(60).unwrap();
        let back = answer(&mut disks, seconds(11), seconds(5));
        assert_eq!((free(&back), back.disks.age()), (Some(60), None));
    }

    #[test]
    fn a_disk_that_never_answers_is_said() {
        let (_hold, gate) = sync_channel::<()>(1);
        let mut disks = Disks::start(move || {
            gate.recv().ok();
            Told::failed(Failure::NotFound)
        })
        .unwrap();
        disks.poll(seconds(0));
        assert_eq!(disks.poll(seconds(6)), Told::failed(Failure::Timeout));
    }

    #[test]
    fn sizes_are_those_of_the_place() {
        let root = tempfile::tempdir().unwrap();
        let data = "/var/lib/rancher";
        fs::create_dir_all(below(root.path(), Path::new(data))).unwrap();
        let mounts = format!("/dev/a / ext4 rw 0 0\n/dev/b {data} ext4 rw 0 0\n");
        let told = sizes(root.path(), &mounts);
        // Nothing is mounted at the second place, as seen from here: the first's size is not its.
        let disks = told.fresh().unwrap();
        let [disk] = disks.as_slice() else {
            panic!("one disk, not {disks:?}");
        };
        assert_eq!(disk.mount, "/");
        assert!(disk.total > Bytes(0) && disk.available <= disk.total);
        assert_eq!(
            sizes(root.path(), "nas:/ / nfs rw 0 0"),
            Reading::Unsupported
        );
        let nowhere = root.path().join("nowhere");
        assert_eq!(sizes(&nowhere, &mounts), Reading::Failed(Failure::NotFound));
    }

    #[test]
    fn a_restart_is_due_when_the_host_says_so() {
        let root = tempfile::tempdir().unwrap();
        let said = || reboot_required(root.path());
        assert_eq!(said(), Reading::Failed(Failure::NotFound));
        fs::create_dir_all(root.path().join("run")).unwrap();
        fs::create_dir_all(root.path().join("var")).unwrap();
        // Into this container, not into the host's root.
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("reboot-required"), "").unwrap();
        let link = root.path().join("var/run");
        std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
        assert_eq!(said(), Reading::Value(false));
        fs::remove_file(&link).unwrap();
        fs::create_dir(&link).unwrap();
        fs::write(link.join("reboot-required"), "").unwrap();
        assert_eq!(said(), Reading::Value(true));
        fs::write(root.path().join("run/reboot-required"), "").unwrap();
        assert_eq!(said(), Reading::Value(true));
    }

    #[test]
    fn a_list_of_mounts_that_can_not_be_read_is_said() {
        let root = tempfile::tempdir().unwrap();
        let told = look(root.path(), &root.path().join("mounts"));
        assert_eq!(told, Told::failed(Failure::NotFound));
    }
}
