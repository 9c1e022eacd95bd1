//! Completion in shells: of commands and flags, and of live names.
//!
//! A shell's script asks `gputop-k3s __complete WORD…`, whose last word is the one to complete.
//! The answer is one candidate a line, with a tab and its meaning behind it, and a last line
//! `:NUMBER` with [directives](Directive); that is what kubectl and others speak, so that
//! `kubectl_complete-gputop_k3s` is the same program under another name. Nothing is ever said on
//! stderr, and what takes longer than a second is left out.

mod live;
mod scripts;
mod words;

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory as _, ValueEnum};

use super::args::Args;
use super::exit::{Exit, Failure};
use super::print::write;
use words::{Answer, Candidate, Slot};

/// What shells' scripts call.
const ASK: &str = "__complete";

/// The name under which kubectl asks.
const KUBECTL_ASKS: &str = "kubectl_complete-gputop_k3s";

/// `completion`.
#[derive(Debug, Clone, clap::Args)]
pub struct Completion {
    /// For which shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Shells that there is a script for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// In ~/.bashrc: source <(gputop-k3s completion bash)
    Bash,
    /// In ~/.zshrc, after compinit: source <(gputop-k3s completion zsh)
    Zsh,
    /// gputop-k3s completion fish > ~/.config/fish/completions/gputop-k3s.fish
    Fish,
    /// In $PROFILE: gputop-k3s completion powershell | Out-String | Invoke-Expression
    Powershell,
}

/// Carries out `completion`.
pub(super) fn run(completion: &Completion) -> Result<(), Failure> {
    write(scripts::script(completion.shell)).map(|_reader| ())
}

/// The words to complete, if that is what this program was started for.
pub(super) fn asked(arguments: &[OsString]) -> Option<Vec<String>> {
    let (program, words) = arguments.split_first()?;
    let name = Path::new(program).file_stem()?;
    let words = if name == KUBECTL_ASKS {
        words
    } else {
        let (first, words) = words.split_first()?;
        (first == ASK).then_some(words)?
    };
    let text = |word: &OsString| word.to_string_lossy().into_owned();
    Some(words.iter().map(text).collect())
}

/// Answers. Whatever goes wrong, there are fewer candidates, and no word about it.
pub(super) async fn answer(words: &[String]) -> Exit {
    let mut command = Args::command();
    command.build();
    let answer = words::answer(&command, words);
    let (candidates, directive) = match &answer.slot {
        Slot::Known(candidates) => (candidates.clone(), Directive::NoFiles),
        Slot::Live(names) => {
            let found = live::names(*names, &answer.seen).await;
            (found, Directive::NoFiles)
        }
        Slot::Files => (Vec::new(), Directive::Files),
        Slot::Folders => (Vec::new(), Directive::Folders),
    };
    let _reader = write(&text(&answer, candidates, directive));
    Exit::Done
}

/// What the shell is to do beside the candidates: the numbers of `ShellCompDirective`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    /// Complete names of files.
    Files,
    /// Do not.
    NoFiles,
    /// Complete names of folders.
    Folders,
}

impl Directive {
    const fn number(self) -> u8 {
        match self {
            Self::Files => 0,
            Self::NoFiles => 4,
            Self::Folders => 16,
        }
    }
}

fn text(answer: &Answer, candidates: Vec<Candidate>, directive: Directive) -> String {
    let fitting = candidates
        .into_iter()
        .filter(|candidate| candidate.value.starts_with(&answer.begun));
    let text: String = fitting
        .map(|Candidate { value, meaning }| {
            let before = &answer.before;
            if meaning.is_empty() {
                format!("{before}{value}\n")
            } else {
                format!("{before}{value}\t{meaning}\n")
            }
        })
        .collect();
    text + &format!(":{}\n", directive.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn only_shells_and_kubectl_ask() {
        let asked = |words: &[&str]| asked(&arguments(words));
        assert_eq!(asked(&["/usr/bin/gputop-k3s", "get", "nodes"]), None);
        assert_eq!(asked(&["gputop-k3s"]), None);
        assert_eq!(asked(&[]), None);
        assert_eq!(
            asked(&["gputop-k3s", "__complete", "get", ""]),
            Some(vec!["get".to_owned(), String::new()])
        );
        assert_eq!(
            asked(&["/opt/kubectl_complete-gputop_k3s", "--context", "l"]),
            Some(vec!["--context".to_owned(), "l".to_owned()])
        );
        assert_eq!(asked(&["kubectl-gputop_k3s", "get"]), None);
    }

    #[test]
    fn the_answer_is_what_kubectl_reads() {
        let answer = Answer {
            slot: Slot::Files,
            begun: "a".to_owned(),
            before: "--node=".to_owned(),
            seen: words::Seen::default(),
        };
        let candidate = |value: &str, meaning: &str| Candidate {
            value: value.to_owned(),
            meaning: meaning.to_owned(),
        };
        let candidates = vec![
            candidate("atlas", "2 units"),
            candidate("bench", ""),
            candidate("anvil", ""),
        ];
        assert_eq!(
            text(&answer, candidates, Directive::NoFiles),
            "--node=atlas\t2 units\n--node=anvil\n:4\n"
        );
    }
}
