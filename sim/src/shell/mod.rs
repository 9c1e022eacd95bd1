//! The shell of simulated containers: a line editor as a terminal has it, and a few commands that
//! say honestly what they are.

mod commands;
mod smi;

use commands::Outcome;
pub(crate) use smi::Card;

/// Longest line that is kept; what is typed beyond it is lost.
const LONGEST: usize = 4096;

/// What a shell says of itself before its first prompt.
const WELCOME: &str =
    "This is a simulated container: nothing runs in it. `help` lists what answers.\r\n";

/// Takes a letter away from the screen.
const RUB_OUT: &str = "\u{8} \u{8}";

/// Where a shell runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    /// Name of the pod, which is the host's name inside it.
    pub(crate) pod: String,
    /// Login name.
    pub(crate) user: String,
    /// Name of the container's main process.
    pub(crate) process: String,
    /// Kernel of the node.
    pub(crate) kernel: String,
    /// Environment variables, sorted.
    pub(crate) environment: Vec<(String, String)>,
    /// The GPUs that the container sees; `None`: it has no driver.
    pub(crate) cards: Option<Cards>,
}

/// What NVML would tell inside a container.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cards {
    pub(crate) driver: String,
    pub(crate) cuda: String,
    pub(crate) list: Vec<Card>,
}

/// An interactive shell on a terminal: bytes in, bytes out.
#[derive(Debug)]
pub(crate) struct Shell {
    place: Place,
    /// Whether somebody sees it: without a terminal there is neither prompt nor echo.
    tty: bool,
    /// Columns and rows.
    size: (u16, u16),
    line: String,
    /// The unfinished letter or escape sequence at the end of what came last.
    pending: Vec<u8>,
    last_code: i32,
    ended: Option<i32>,
}

impl Shell {
    /// With its welcome and first prompt.
    pub(crate) fn start(place: Place, tty: bool) -> (Self, String) {
        let shell = Self {
            place,
            tty,
            size: (80, 24),
            line: String::new(),
            pending: Vec::new(),
            last_code: 0,
            ended: None,
        };
        let mut first = String::new();
        shell.echo(WELCOME, &mut first);
        shell.prompt(&mut first);
        (shell, first)
    }

    /// The exit code, once it has ended.
    pub(crate) const fn ended(&self) -> Option<i32> {
        self.ended
    }

    /// The terminal has this many columns and rows.
    pub(crate) const fn resize(&mut self, columns: u16, rows: u16) {
        self.size = (columns, rows);
    }

    /// Takes what was typed and returns what the terminal shows.
    pub(crate) fn typed(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let (mut out, mut taken) = (String::new(), 0);
        let pending = std::mem::take(&mut self.pending);
        while self.ended.is_none()
            && let Some((key, length)) = next_key(&pending[taken..])
        {
            taken += length;
            self.key(key, &mut out);
        }
        self.pending = pending[taken..].to_vec();
        out
    }

    /// The end of the input: as ctrl-d on an empty line.
    pub(crate) const fn end_of_input(&mut self) {
        if self.ended.is_none() {
            self.ended = Some(self.last_code);
        }
    }

    fn key(&mut self, key: Key, out: &mut String) {
        match key {
            Key::Letter(letter) if self.line.len() < LONGEST => {
                self.line.push(letter);
                self.echo(letter.encode_utf8(&mut [0; 4]), out);
            }
            Key::Enter => {
                self.echo("\r\n", out);
                let line = std::mem::take(&mut self.line);
                self.run(&line, out);
            }
            Key::Backspace => {
                if self.line.pop().is_some() {
                    self.echo(RUB_OUT, out);
                }
            }
            Key::Discard => {
                self.echo(&RUB_OUT.repeat(self.line.chars().count()), out);
                self.line.clear();
            }
            Key::Interrupt => {
                self.line.clear();
                self.last_code = 130;
                self.echo("^C\r\n", out);
                self.prompt(out);
            }
            Key::End if self.line.is_empty() => {
                self.echo("exit\r\n", out);
                self.end_of_input();
            }
            Key::Letter(_) | Key::End | Key::Other => {}
            Key::Clear => {
                self.echo("\u{1b}[H\u{1b}[2J", out);
                self.prompt(out);
                self.echo(&self.line, out);
            }
        }
    }

    fn run(&mut self, line: &str, out: &mut String) {
        match commands::run(line, &self.place, self.size, self.last_code) {
            Outcome::Said { text, code } => {
                self.say(&text, out);
                self.last_code = code;
                self.prompt(out);
            }
            Outcome::Exit { text, code } => {
                self.say(&text, out);
                self.echo("exit\r\n", out);
                self.ended = Some(code);
            }
        }
    }

    /// What a command writes; a terminal needs its carriage returns.
    fn say(&self, text: &str, out: &mut String) {
        if self.tty {
            out.push_str(&text.replace('\n', "\r\n"));
        } else {
            out.push_str(text);
        }
    }

    /// What is only for somebody who sees it.
    fn echo(&self, text: &str, out: &mut String) {
        if self.tty {
            out.push_str(text);
        }
    }

    fn prompt(&self, out: &mut String) {
        let sign = if self.place.user == "root" { '#' } else { '$' };
        let prompt = format!("{}@{}:/{sign} ", self.place.user, self.place.pod);
        self.echo(&prompt, out);
    }
}

/// Runs a script without a terminal: what it writes, and its exit code.
pub(crate) fn run_script(script: &str, place: &Place) -> (String, i32) {
    let (mut all, mut last) = (String::new(), 0);
    for line in script.lines() {
        match commands::run(line, place, (80, 24), last) {
            Outcome::Said { text, code } => {
                all += &text;
                last = code;
            }
            Outcome::Exit { text, code } => return (all + &text, code),
        }
    }
    (all, last)
}

/// Whether an image has a shell in it.
pub(crate) fn has_shell(image: &str) -> bool {
    !image.contains("distroless") && !image.contains("scratch")
}

/// Whether there is such a program, besides the shell.
pub(crate) fn has_program(name: &str) -> bool {
    commands::NAMES.contains(&name)
}

/// Something typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Letter(char),
    Enter,
    Backspace,
    /// ctrl-u
    Discard,
    /// ctrl-c
    Interrupt,
    /// ctrl-d
    End,
    /// ctrl-l
    Clear,
    /// Arrows and the like.
    Other,
}

/// The key that the bytes begin with, and its length; `None`: it is not whole yet.
fn next_key(bytes: &[u8]) -> Option<(Key, usize)> {
    let first = *bytes.first()?;
    let control = match first {
        b'\r' | b'\n' => Key::Enter,
        0x7f | 0x08 => Key::Backspace,
        0x15 => Key::Discard,
        0x03 => Key::Interrupt,
        0x04 => Key::End,
        0x0c => Key::Clear,
        0x1b => return escape(bytes),
        0..0x20 => Key::Other,
        _ => return letter(bytes),
    };
    Some((control, 1))
}

fn escape(bytes: &[u8]) -> Option<(Key, usize)> {
    match bytes.get(1)? {
        b'[' => {
            let end = bytes[2..]
                .iter()
                .position(|byte| (0x40..0x7f).contains(byte))?;
            Some((Key::Other, end + 3))
        }
        b'O' => bytes.get(2).map(|_| (Key::Other, 3)),
        _ => Some((Key::Other, 2)),
    }
}

fn letter(bytes: &[u8]) -> Option<(Key, usize)> {
    let head = &bytes[..bytes.len().min(4)];
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.valid_up_to() > 0 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) => return error.error_len().map(|length| (Key::Other, length)),
    };
    let letter = text.chars().next()?;
    Some((Key::Letter(letter), letter.len_utf8()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shell() -> Shell {
        let place = Place {
            pod: "llm-0".into(),
            user: "root".into(),
            environment: vec![("HOME".into(), "/root".into())],
            ..Place::default()
        };
        let (shell, first) = Shell::start(place, true);
        assert!(first.contains("simulated container"));
        assert!(first.ends_with("root@llm-0:/# "));
        shell
    }

    #[test]
    fn a_line_is_echoed_run_and_answered() {
        let mut shell = shell();
        assert_eq!(shell.typed(b"ech"), "ech");
        assert_eq!(shell.typed(b"p\x7fo h\xc3"), "p\u{8} \u{8}o h");
        assert_eq!(shell.typed(b"\xb6i\x1b[A\r"), "öi\r\nhöi\r\nroot@llm-0:/# ");
        assert_eq!(shell.ended(), None);
    }

    #[test]
    fn it_ends_by_exit_by_ctrl_d_and_by_the_end_of_input() {
        let mut one = shell();
        assert!(one.typed(b"exit 7\r").ends_with("exit\r\n"));
        assert_eq!(one.ended(), Some(7));
        assert_eq!(one.typed(b"more"), "");
        let mut two = shell();
        two.typed(b"nonsense\r");
        assert_eq!(two.typed(b"\x04"), "exit\r\n");
        assert_eq!(two.ended(), Some(127));
        let mut three = shell();
        three.end_of_input();
        assert_eq!(three.ended(), Some(0));
    }

    #[test]
    fn ctrl_c_gives_a_new_prompt_and_the_size_is_the_terminals() {
        let mut shell = shell();
        assert_eq!(shell.typed(b"abc\x03"), "abc^C\r\nroot@llm-0:/# ");
        shell.resize(132, 43);
        assert!(shell.typed(b"stty size\r").contains("43 132\r\n"));
    }

    #[test]
    fn without_a_terminal_only_commands_write() {
        let (mut shell, first) = Shell::start(Place::default(), false);
        assert_eq!(first, "");
        assert_eq!(shell.typed(b"echo a\nexit 2\n"), "a\n");
        assert_eq!(shell.ended(), Some(2));
    }

    proptest! {
        #[test]
        fn anything_may_be_typed(pieces in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..12), 0..12,
        )) {
            let mut shell = shell();
            for piece in pieces {
                shell.typed(&piece);
            }
        }
    }
}
