//! Names of users, from the host's `passwd`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Names by uid, as of the daemon's start.
#[derive(Debug, Default)]
pub(super) struct Users {
    names: BTreeMap<u32, String>,
}

impl Users {
    /// Reads the host's names from its root file system at `host_root`, else through its first
    /// process. Where neither can be read there are no names.
    pub(super) fn load(proc: &Path, host_root: Option<&Path>) -> Self {
        let first_process = proc.join("1/root");
        let roots = [host_root, Some(first_process.as_path())];
        let files: Vec<PathBuf> = roots
            .into_iter()
            .flatten()
            .map(|root| root.join("etc/passwd"))
            .collect();
        let text = files
            .iter()
            .find_map(|file| std::fs::read_to_string(file).ok());
        Self::parse(&text.unwrap_or_default())
    }

    fn parse(passwd: &str) -> Self {
        let entry = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let uid = fields.nth(1)?.parse().ok()?;
            Some((uid, name))
        };
        let mut names = BTreeMap::new();
        for (uid, name) in passwd.lines().filter_map(entry) {
            // Of several names for one uid the first counts, as for getpwuid.
            names.entry(uid).or_insert(name);
        }
        Self { names }
    }

    /// The name of `uid`, or its number.
    ///
    /// Inside a pod the host's names mean nothing, root's apart.
    pub(super) fn name(&self, uid: u32, in_pod: bool) -> String {
        match self.names.get(&uid) {
            _ if uid == 0 => "root".to_owned(),
            Some(name) if !in_pod => name.clone(),
            _ => uid.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
        ada:x:1000:1000:Ada,,,:/home/ada:/bin/zsh\n\
        lovelace:x:1000:1000::/:/bin/sh\n\
        broken\n\
        +::::::\n";

    #[test]
    fn names_are_looked_up_and_else_numbers_shown() {
        let users = Users::parse(PASSWD);
        assert_eq!(users.name(1000, false), "ada");
        assert_eq!(users.name(4711, false), "4711");
        assert_eq!(users.name(0, false), "root");
    }

    #[test]
    fn the_hosts_names_do_not_hold_in_a_pod() {
        let users = Users::parse(PASSWD);
        assert_eq!(users.name(1000, true), "1000");
        assert_eq!(users.name(0, true), "root");
    }
}
