//! Configuration files on disk: where they are, reading them, writing a new one. The one part of
//! this folder that does I/O.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{ConfigError, Place};
use super::known::Known;
use super::layer::{Effective, Layer, environment, flags};
use super::parse::{Document, parse};

/// For everybody on this machine.
const SYSTEM: &str = "/etc/gputop-k3s/config.toml";

/// A longer file is no configuration.
const LONGEST: u64 = 1 << 20;

/// The user's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFile {
    /// Where it is or would be.
    pub path: PathBuf,
    /// It was asked for by name: it has to be there.
    pub named: bool,
}

/// Where the user's file is: `flag`, else `$GPUTOP_K3S_CONFIG`, else
/// `$XDG_CONFIG_HOME/gputop-k3s/config.toml`, else `~/.config/gputop-k3s/config.toml`. `None`:
/// there is no home folder.
#[must_use]
pub fn user_file(flag: Option<&Path>) -> Option<UserFile> {
    user_file_in(flag, |name| std::env::var_os(name), std::env::home_dir())
}

fn user_file_in(
    flag: Option<&Path>,
    lookup: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
) -> Option<UserFile> {
    let get = |name: &str| {
        lookup(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(path) = flag
        .map(Path::to_owned)
        .or_else(|| get("GPUTOP_K3S_CONFIG"))
    {
        return Some(UserFile { path, named: true });
    }
    // The XDG specification: a path that is not absolute is invalid and ignored.
    let folder = get("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let home = || {
        home.filter(|home| home.is_absolute())
            .map(|home| home.join(".config"))
    };
    Some(UserFile {
        path: folder.or_else(home)?.join("gputop-k3s/config.toml"),
        named: false,
    })
}

/// All that was written down, before it is known which context it is for.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    known: Known,
    /// The weakest first.
    documents: Vec<Document>,
    /// Environment and flags.
    above: Vec<Layer>,
}

impl Sources {
    /// Reads both files, the environment and the flags (names of values with what the flag says).
    ///
    /// # Errors
    /// Every mistake there is.
    pub fn read(
        file: Option<&UserFile>,
        given: &[(&str, String)],
        known: Known,
    ) -> Result<Self, Vec<ConfigError>> {
        let system = UserFile {
            path: PathBuf::from(SYSTEM),
            named: false,
        };
        let mut errors = Vec::new();
        let mut documents = Vec::new();
        for file in std::iter::once(&system).chain(file) {
            match read(file).and_then(|text| match text {
                Some(text) => parse(&file.path.to_string_lossy(), &text, &known).map(Some),
                None => Ok(None),
            }) {
                Ok(document) => documents.extend(document),
                Err(wrong) => errors.extend(wrong),
            }
        }
        let mut above = Vec::new();
        for layer in [
            environment(|name| std::env::var(name).ok(), &known),
            flags(given, &known),
        ] {
            match layer {
                Ok(layer) => above.push(layer),
                Err(wrong) => errors.extend(wrong),
            }
        }
        if errors.is_empty() {
            Ok(Self {
                known,
                documents,
                above,
            })
        } else {
            Err(errors)
        }
    }

    /// What holds for a context; without one, what holds where no section says otherwise.
    ///
    /// # Errors
    /// Keys of different files that are in each other's way.
    pub fn effective(&self, context: Option<&str>) -> Result<Effective, Vec<ConfigError>> {
        let general = self
            .documents
            .iter()
            .map(|document| (&document.general, false));
        let own = self.documents.iter().filter_map(|document| {
            let layer = document.contexts.get(context?)?;
            Some((layer, true))
        });
        let above = self.above.iter().map(|layer| (layer, false));
        Effective::of(general.chain(own).chain(above), &self.known)
    }

    /// The contexts that have a section.
    pub fn contexts(&self) -> impl Iterator<Item = &str> {
        let documents = self.documents.iter();
        documents.flat_map(|document| document.contexts.keys().map(String::as_str))
    }
}

/// Finds the mistakes of one file, alone.
///
/// # Errors
/// All of them.
pub fn check(path: &Path, known: &Known) -> Result<(), Vec<ConfigError>> {
    let file = UserFile {
        path: path.to_owned(),
        named: true,
    };
    match read(&file)? {
        Some(text) => parse(&path.to_string_lossy(), &text, known).map(drop),
        None => Ok(()),
    }
}

/// The text of a file; `None`: it is not there and need not be.
pub(super) fn read(file: &UserFile) -> Result<Option<String>, Vec<ConfigError>> {
    let refuse = |what: String, fix: &str| {
        let place = Place::Whole(Arc::from(&*file.path.to_string_lossy()));
        vec![ConfigError::new(place, what, fix)]
    };
    let mut bytes = Vec::new();
    let read =
        File::open(&file.path).and_then(|open| open.take(LONGEST + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound && !file.named => return Ok(None),
        Err(error) => {
            let fix = if error.kind() == ErrorKind::NotFound {
                "`gputop-k3s config init` makes one with all defaults."
            } else {
                "Another file can be named with --config."
            };
            return Err(refuse(format!("the file can not be read: {error}"), fix));
        }
        Ok(_) => {}
    }
    if bytes.len() as u64 > LONGEST {
        return Err(refuse(
            "the file is longer than 1 MiB".to_owned(),
            "This is no configuration.",
        ));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..at]);
            let line = before.matches('\n').count() + 1;
            Err(refuse(
                format!("line {line} is not UTF-8"),
                "Save the file as UTF-8.",
            ))
        }
    }
}

/// How a file was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is; behind links, where they lead.
    pub path: PathBuf,
    /// Where the file is now that was there before.
    pub previous: Option<PathBuf>,
}

/// Writes a file whole or not at all. One that is there stays, unless `replace` is set; then it is
/// kept beside the new one, as `….old`.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`], and whatever the disk says.
pub fn write(path: &Path, text: &str, replace: bool) -> io::Result<Written> {
    // What a link leads to is replaced, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let beside = |suffix: &str| {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        fs::create_dir_all(folder)?;
    }
    let draft = beside(&format!(".{}", std::process::id()));
    let result = put(&draft, text).and_then(|()| {
        if replace && path.exists() {
            let old = beside(".old");
            fs::copy(&path, &old)?;
            fs::rename(&draft, &path)?;
            return Ok(Some(old));
        }
        // Unlike a new name, a second name never takes the place of a file.
        match fs::hard_link(&draft, &path) {
            Ok(()) => fs::remove_file(&draft)?,
            // Not every file system has second names.
            Err(error) if error.kind() != ErrorKind::AlreadyExists && !path.exists() => {
                fs::rename(&draft, &path)?;
            }
            Err(error) => return Err(error),
        }
        Ok(None)
    });
    if result.is_err() {
        let _gone = fs::remove_file(&draft);
    }
    result.map(|previous| Written { path, previous })
}

/// Writes the draft, down to the disk.
fn put(draft: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
