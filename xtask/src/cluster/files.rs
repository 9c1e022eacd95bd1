//! Files and folders that only their owner may read.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use color_eyre::eyre::{Result, WrapErr as _};

/// Writes a file of mode 0600; a reader sees the old content or the new one.
///
/// # Errors
///
/// When the folder is missing or not writable.
pub(super) fn write(path: &Path, content: &str) -> Result<()> {
    let draft = path.with_extension("draft");
    let save = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(content.as_bytes())?;
        fs::rename(&draft, path)
    };
    save().wrap_err_with(|| format!("cannot write {}", path.display()))
}

/// Makes a new folder of mode 0700; its parents are made as usual.
///
/// # Errors
///
/// When it already exists, or its parent is not writable.
pub(super) fn make_dir(path: &Path) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).wrap_err_with(|| format!("cannot make {}", parent.display()))?;
    }
    fs::DirBuilder::new()
        .mode(0o700)
        .create(path)
        .wrap_err_with(|| format!("cannot make the folder {}", path.display()))
}

/// A secret of 256 random bits, as 64 hexadecimal digits.
///
/// # Errors
///
/// When the kernel's random source cannot be read.
pub(super) fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .wrap_err("cannot read /dev/urandom for a token")?;
    Ok(hex(&bytes))
}

/// Bytes as hexadecimal digits.
#[must_use]
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// The last lines of a file, for an error message; empty when unreadable.
#[must_use]
pub(super) fn tail(path: &Path, lines: usize) -> String {
    let content = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&content);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn files_are_private_and_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret.json");
        write(&path, "a longer first version").unwrap();
        write(&path, "second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(tail(&path, 3), "second");
    }

    #[test]
    fn a_folder_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        make_dir(&path).unwrap();
        assert!(make_dir(&path).is_err());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }

    #[test]
    fn tokens_differ() {
        let (a, b) = (random_token().unwrap(), random_token().unwrap());
        assert_eq!(a.len(), 64);
        assert_ne!(a, b);
    }
}
