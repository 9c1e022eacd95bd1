//! The rules of this repository that no compiler checks (ARCHITECTURE.md says why each is there).

mod layers;
mod members;
mod sources;

use std::fmt;
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, WrapErr as _};

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File, relative to the root.
    pub file: PathBuf,
    /// Line from 1; 0: the whole file.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.what)
    }
}

/// One Rust file.
struct Source {
    /// Relative to the root, with `/` on every system.
    path: String,
    text: String,
}

impl Source {
    fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding {
            file: PathBuf::from(&self.path),
            line,
            what: what.into(),
        }
    }
}

/// Every broken rule in the repository at `root`.
pub fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = members::check(root)?;
    for source in rust_files(root)? {
        findings.extend(sources::check(&source));
        findings.extend(layers::check(&source));
    }
    findings.sort();
    Ok(findings)
}

fn rust_files(root: &Path) -> Result<Vec<Source>> {
    let mut files = Vec::new();
    for member in members::folders(root)? {
        collect(root, &root.join(member), &mut files)?;
    }
    Ok(files)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<Source>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).wrap_err_with(|| format!("can not list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)
                .wrap_err_with(|| format!("can not read {}", path.display()))?;
            let relative = path.strip_prefix(root).unwrap_or(&path);
            let path = relative.to_string_lossy().replace('\\', "/");
            files.push(Source { path, text });
        }
    }
    Ok(())
}
