//! The command line of a process, without what looks like a secret.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use gputop_model::{Failure, Reading, mask, printable};

use crate::machine::host::failure;

/// Most bytes that are read: beyond that nobody looks, and a program may have megabytes.
const READ: u64 = 16 * 1024;

/// Most letters that are told.
const TOLD: usize = 1024;

/// The command line in `/proc/PID/cmdline` at `path`.
pub(super) fn command(path: &Path) -> Reading<String> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(READ).read_to_end(&mut text));
    match read {
        // The kernel's own, and what has ended already.
        Ok(0) => Reading::Failed(Failure::NotFound),
        Ok(_) => Reading::Value(shown(&String::from_utf8_lossy(&text))),
        Err(error) => Reading::Failed(failure(&error)),
    }
}

/// What is told of arguments that each end with a NUL.
///
/// Masked before anything is cut off or joined: what an argument is follows from where it ends.
fn shown(arguments: &str) -> String {
    let masked = mask(arguments.trim_end_matches('\0'));
    let text = printable(masked.replace('\0', " "));
    match text.char_indices().nth(TOLD) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn arguments_are_joined_and_secrets_masked() {
        let said = shown("python3\0train.py\0--hf-token\0abcdef\0--lr\0fast\0");
        assert_eq!(said, "python3 train.py --hf-token ••• --lr fast");
        assert_eq!(shown("vllm\0--api-key=topsecret\0"), "vllm --api-key=•••");
        assert_eq!(
            shown("sh\0-c\0printf '\u{1b}[2J'\n"),
            "sh -c printf '\u{fffd}[2J'\u{fffd}"
        );
    }

    #[test]
    fn a_secret_is_not_cut_in_two() {
        let long = format!("x\0{}\0--password=hunter2\0", "a".repeat(TOLD));
        let said = shown(&long);
        assert!(said.ends_with('…') && said.chars().count() == TOLD + 1);
        let late = format!("x\0{}\0--password=hunter2\0", "a".repeat(TOLD - 20));
        assert!(!shown(&late).contains("hunter"));
    }

    #[test]
    fn a_process_without_a_command_line_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cmdline");
        assert_eq!(command(&path), Reading::Failed(Failure::NotFound));
        std::fs::write(&path, "").unwrap();
        assert_eq!(command(&path), Reading::Failed(Failure::NotFound));
        std::fs::write(&path, b"caf\xe9\0-x\0").unwrap();
        assert_eq!(command(&path), Reading::Value("caf\u{fffd} -x".to_owned()));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(.|\0|--token|=|\"){0,60}") {
            prop_assert!(!shown(&text).contains('\0'));
        }
    }
}
