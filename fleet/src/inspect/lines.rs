//! From the bytes of a log to lines that can be shown.

use std::borrow::Cow;

use gputop_model::printable;

use super::LOG_LINE;

/// Columns between tab stops.
const TAB: usize = 8;

/// Cuts a stream of bytes into lines, holding at most one unfinished line of [`LOG_LINE`] bytes.
///
/// A carriage return inside a line does what it does on a terminal: what comes after it replaces
/// what was there, so that a progress bar is one short line and not all its states.
#[derive(Debug)]
pub(super) struct Lines {
    /// Whether each line begins with a time, which a carriage return does not take back.
    timestamps: bool,
    current: Vec<u8>,
    /// Whether bytes of the current line were dropped.
    cut: bool,
    /// Whether the last byte was a carriage return.
    returned: bool,
}

impl Lines {
    /// Nothing read yet.
    pub(super) const fn new(timestamps: bool) -> Self {
        Self {
            timestamps,
            current: Vec::new(),
            cut: false,
            returned: false,
        }
    }

    /// Takes the next bytes and adds the lines that end in them.
    pub(super) fn feed(&mut self, mut bytes: &[u8], to: &mut Vec<String>) {
        while let Some(at) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.add(&bytes[..at]);
            if bytes[at] == b'\n' {
                to.push(self.end());
            } else {
                self.returned = true;
            }
            bytes = &bytes[at + 1..];
        }
        self.add(bytes);
    }

    /// The last line, if it has no end.
    pub(super) fn finish(&mut self) -> Option<String> {
        (!self.current.is_empty()).then(|| self.end())
    }

    fn add(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if std::mem::take(&mut self.returned) {
            let stamp = self.current.iter().position(|byte| *byte == b' ');
            let keep = stamp.filter(|_| self.timestamps).map_or(0, |at| at + 1);
            self.current.truncate(keep);
            self.cut = false;
        }
        let room = LOG_LINE - self.current.len();
        let taken = bytes.len().min(room);
        self.current.extend_from_slice(&bytes[..taken]);
        self.cut |= taken < bytes.len();
    }

    fn end(&mut self) -> String {
        self.returned = false;
        let mut line = clean(whole_letters(&self.current, self.cut));
        if std::mem::take(&mut self.cut) {
            line.push('…');
        }
        self.current.clear();
        line
    }
}

/// Without the beginning of a letter whose rest was cut off.
fn whole_letters(bytes: &[u8], cut: bool) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if cut && error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

/// A line without escape sequences, with spaces for tabs and nothing that moves a cursor.
fn clean(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    printable(expand_tabs(&strip_sequences(&text)).into_owned())
}

/// Without the escape sequences of ECMA-48: colours, cursor movements, titles, links.
fn strip_sequences(text: &str) -> Cow<'_, str> {
    let starts = |letter: char| matches!(letter, '\u{1b}' | '\u{9b}');
    if !text.contains(starts) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(starts) {
        kept.push_str(&rest[..at]);
        rest = after_sequence(&rest[at..]);
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// What follows the sequence that `text` begins with.
fn after_sequence(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix('\u{9b}') {
        return after_control(rest);
    }
    let rest = text.strip_prefix('\u{1b}').unwrap_or(text);
    match rest.chars().next() {
        Some('[') => after_control(&rest[1..]),
        // A title or a link: up to its end, and only the opening where there is none.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let body = &rest[1..];
            let bell = body.find('\u{7}').map(|at| (at, 1));
            let terminator = body.find("\u{1b}\\").map(|at| (at, 2));
            match [bell, terminator].into_iter().flatten().min() {
                Some((at, length)) => &body[at + length..],
                None => body,
            }
        }
        _ => {
            let rest = rest.trim_start_matches(|letter| matches!(letter, ' '..='/'));
            rest.strip_prefix(|letter| matches!(letter, '0'..='~'))
                .unwrap_or(rest)
        }
    }
}

/// What follows parameters, intermediates and the final letter.
fn after_control(text: &str) -> &str {
    let rest = text.trim_start_matches(|letter| matches!(letter, '0'..='?'));
    let rest = rest.trim_start_matches(|letter| matches!(letter, ' '..='/'));
    rest.strip_prefix(|letter| matches!(letter, '@'..='~'))
        .unwrap_or(rest)
}

fn expand_tabs(text: &str) -> Cow<'_, str> {
    if !text.contains('\t') {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + TAB);
    let mut column = 0;
    for letter in text.chars() {
        if letter == '\t' {
            let spaces = TAB - column % TAB;
            line.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        } else {
            line.push(letter);
            column += 1;
        }
    }
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn lines(bytes: &[u8], timestamps: bool) -> Vec<String> {
        let mut lines = Lines::new(timestamps);
        let mut done = Vec::new();
        lines.feed(bytes, &mut done);
        done.extend(lines.finish());
        done
    }

    #[rstest]
    #[case("a\nb\n", &["a", "b"])]
    #[case("a\r\nb", &["a", "b"])]
    #[case("a\n\nb\n", &["a", "", "b"])]
    #[case("10%\r 50%\r100%\ndone\n", &["100%", "done"])]
    #[case("10%\r", &["10%"])]
    #[case("\u{1b}[1;31merror\u{1b}[0m here\n", &["error here"])]
    #[case("\u{9b}32mok\n", &["ok"])]
    #[case("\u{1b}]0;title\u{7}text\n", &["text"])]
    #[case("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\\n", &["link"])]
    #[case("\u{1b}]no end\n", &["no end"])]
    #[case("\u{1b}(B\u{1b}7x\n", &["x"])]
    #[case("end \u{1b}[\n", &["end "])]
    #[case("a\tb\t\tc\n", &["a       b               c"])]
    #[case("bell\u{7} back\u{8}\n", &["bell\u{fffd} back\u{fffd}"])]
    fn what_is_shown(#[case] log: &str, #[case] expected: &[&str]) {
        assert_eq!(lines(log.as_bytes(), false), expected);
    }

    #[test]
    fn a_carriage_return_keeps_the_time() {
        let log = b"2026-03-01T10:00:00.5Z 1%\r2%\r3%\n";
        assert_eq!(lines(log, true), ["2026-03-01T10:00:00.5Z 3%"]);
    }

    #[test]
    fn a_long_line_is_cut_between_letters() {
        let mut log = vec![b'x'; LOG_LINE - 1];
        log.extend("ß".as_bytes());
        log.extend(vec![b'y'; 100_000]);
        log.extend(b"\nnext\n");
        let done = lines(&log, false);
        assert_eq!(done[0], format!("{}…", "x".repeat(LOG_LINE - 1)));
        assert_eq!(done[1], "next");
    }

    #[test]
    fn what_is_not_unicode_is_marked() {
        assert_eq!(lines(b"a\xffb\n", false), ["a\u{fffd}b"]);
    }

    proptest! {
        #[test]
        fn pieces_give_the_same_lines(
            log in proptest::collection::vec(prop_oneof![
                Just(b'\n'), Just(b'\r'), Just(0x1b), Just(b'['), Just(b' '), any::<u8>(),
            ], 0..200),
            sizes in proptest::collection::vec(1_usize..9, 1..20),
            timestamps in any::<bool>(),
        ) {
            let whole = lines(&log, timestamps);
            let (mut reader, mut done, mut rest) = (Lines::new(timestamps), vec![], log.as_slice());
            for size in sizes.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, later) = rest.split_at((*size).min(rest.len()));
                reader.feed(piece, &mut done);
                rest = later;
            }
            done.extend(reader.finish());
            prop_assert_eq!(&done, &whole);
            for line in &done {
                prop_assert!(!line.contains(char::is_control), "{line:?}");
            }
        }

        #[test]
        fn any_text_is_survived(text in "\\PC*|[\u{1b}\\[\\]0-9;m ]*") {
            let shown = clean(text.as_bytes());
            prop_assert!(!shown.contains(char::is_control), "an escape is left");
        }
    }
}
