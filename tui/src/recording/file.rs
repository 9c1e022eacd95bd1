//! The file of a new recording.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use gputop_fleet::connect::Problem;

/// An empty file that only its owner can read.
#[derive(Debug)]
pub struct NewFile {
    pub(super) file: File,
    /// Where it is.
    pub path: PathBuf,
}

impl NewFile {
    /// Makes the file.
    ///
    /// # Errors
    /// When there is a file of that name already, or it can not be made.
    pub fn create(path: &Path) -> Result<Self, Problem> {
        match open(path) {
            Ok(file) => Ok(Self {
                file,
                path: path.to_owned(),
            }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(Problem {
                what: format!(
                    "{} is there already, and a recording overwrites nothing",
                    path.display()
                ),
                fix: "Choose another name for --record, or remove the file first.".to_owned(),
            }),
            Err(error) => Err(Problem {
                what: format!("{} can not be made: {error}", path.display()),
                fix: "Choose a file in a folder that is there and that you may write to."
                    .to_owned(),
            }),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.gptr");
        NewFile::create(&path).unwrap();
        let problem = NewFile::create(&path).unwrap_err();
        assert!(
            problem.what.contains("x.gptr is there already"),
            "{problem:?}"
        );
        let problem = NewFile::create(&folder.path().join("no/x.gptr")).unwrap_err();
        assert!(problem.what.contains("can not be made"), "{problem:?}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let new = NewFile::create(&folder.path().join("x.gptr")).unwrap();
        let mode = new.file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
