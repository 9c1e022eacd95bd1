//! What tells a process from all others, from the text of `/proc/PID/stat`.

/// Name and start of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    /// Name of the executable, 15 bytes at most (`comm`).
    pub(super) name: String,
    /// Start time in clock ticks since boot.
    pub(super) start_ticks: u64,
}

/// Reads `PID (name) state ppid …`; field 22 is the start time. The name may be anything, brackets
/// and blanks among it, so that the last bracket ends it.
pub(super) fn stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.split_once('(')?;
    let (name, rest) = rest.rsplit_once(')')?;
    // What follows begins with the third field.
    let start_ticks = rest.split_ascii_whitespace().nth(22 - 3)?.parse().ok()?;
    Some(Stat {
        name: name.to_owned(),
        start_ticks,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHELL: &str = "4711 (bash) S 4700 4711 4711 34816 4711 4194304 1532 2211 0 3 2 1 0 1 20 \
                         0 1 0 987654 8654848 1340 18446744073709551615 1 1 0 0 0 0 65536 3670020 \
                         1266777851 0 0 0 17 3 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn name_and_start_are_found() {
        let found = stat(SHELL).unwrap();
        assert_eq!((found.name.as_str(), found.start_ticks), ("bash", 987_654));
        let odd = SHELL.replace("(bash)", "(a) R 1 (b) (c)");
        assert_eq!(stat(&odd).unwrap().name, "a) R 1 (b) (c");
        assert_eq!(stat("4711 (bash) S 1 2 3"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"[0-9]{0,3} ?\(?[a-z()é ]{0,8}\)?( [0-9-]{1,22}){0,24}") {
            stat(&text);
        }
    }
}
