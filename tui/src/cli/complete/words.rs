//! What can come next on the command line: read from the same description as `--help`. Pure.

use std::collections::BTreeMap;

use clap::builder::ValueHint;
use clap::{Arg, ArgAction, Command, ValueEnum as _};

use crate::cli::args::KindArg;

/// Something that can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What is written.
    pub(super) value: String,
    /// What it means; may be empty.
    pub(super) meaning: String,
}

/// Names that only the kubeconfig or the cluster knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Contexts,
    Namespaces,
    Nodes,
    Gpus,
    Pods,
}

/// What belongs in the place of the last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slot {
    /// One of these.
    Known(Vec<Candidate>),
    /// One of these names.
    Live(Names),
    Files,
    Folders,
}

/// What was written before the last word, by the ids of the arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    values: BTreeMap<String, Vec<String>>,
}

impl Seen {
    /// The last value of an argument; of a flag without a value: `""`.
    pub(super) fn value(&self, id: &str) -> Option<&str> {
        let values = self.values.get(id)?;
        values.last().map(String::as_str)
    }

    /// All values of an argument.
    pub(super) fn values(&self, id: &str) -> &[String] {
        self.values.get(id).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, id: &str, value: &str) {
        let values = self.values.entry(id.to_owned()).or_default();
        values.push(value.to_owned());
    }
}

/// How to complete the last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// What belongs there.
    pub(super) slot: Slot,
    /// What the candidates begin with.
    pub(super) begun: String,
    /// What stands before them in the same word, such as `--node=`.
    pub(super) before: String,
    /// The words before.
    pub(super) seen: Seen,
}

/// Where on the command line one is.
struct Place<'a> {
    command: &'a Command,
    seen: Seen,
    /// Arguments without a flag so far, of the command that it is about.
    positionals: usize,
    /// `--` was written.
    only_positionals: bool,
    /// The flag whose value comes next.
    pending: Option<&'a Arg>,
}

/// Reads the words; the last is to be completed. `command` has to be built.
pub(super) fn answer(command: &Command, words: &[String]) -> Answer {
    let (last, before) = match words.split_last() {
        Some((last, before)) => (last.as_str(), before),
        None => ("", words),
    };
    let mut place = Place {
        command,
        seen: Seen::default(),
        positionals: 0,
        only_positionals: false,
        pending: None,
    };
    for word in before {
        place.pass(word);
    }
    place.complete(last)
}

impl<'a> Place<'a> {
    /// Takes one whole word.
    fn pass(&mut self, word: &str) {
        if let Some(arg) = self.pending.take() {
            self.seen.add(arg.get_id().as_str(), word);
        } else if self.only_positionals {
            self.positional(word);
        } else if word == "--" {
            self.only_positionals = true;
        } else if let Some(long) = word.strip_prefix("--") {
            self.long(long);
        } else if let Some(shorts) = word.strip_prefix('-').filter(|shorts| !shorts.is_empty()) {
            self.shorts(shorts);
        } else if let Some(sub) = self.subcommand(word) {
            self.command = sub;
            self.positionals = 0;
        } else {
            self.positional(word);
        }
    }

    fn subcommand(&self, word: &str) -> Option<&'a Command> {
        if self.positionals > 0 {
            return None;
        }
        self.command.find_subcommand(word)
    }

    fn positional(&mut self, word: &str) {
        if let Some(arg) = self.next_positional() {
            self.seen.add(arg.get_id().as_str(), word);
        }
        self.positionals += 1;
    }

    /// The argument without a flag that comes next; the last one may take many.
    fn next_positional(&self) -> Option<&'a Arg> {
        let mut positionals = self.command.get_positionals();
        let all: Vec<&Arg> = positionals.by_ref().collect();
        let many = |arg: &&Arg| matches!(arg.get_action(), ArgAction::Append);
        all.get(self.positionals)
            .copied()
            .or_else(|| all.last().copied().filter(many))
    }

    fn long(&mut self, long: &str) {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let Some(arg) = self.by_long(name) else {
            return;
        };
        match value {
            Some(value) => self.seen.add(arg.get_id().as_str(), value),
            None => self.flag(arg),
        }
    }

    fn by_long(&self, name: &str) -> Option<&'a Arg> {
        self.command.get_arguments().find(|arg| {
            let aliases = arg.get_all_aliases().unwrap_or_default();
            arg.get_long() == Some(name) || aliases.contains(&name)
        })
    }

    /// `-A`, `-Aw`, `-n NS`, `-nNS`.
    fn shorts(&mut self, shorts: &str) {
        for (at, letter) in shorts.char_indices() {
            let Some(arg) = self.by_short(letter) else {
                return;
            };
            let rest = &shorts[at + letter.len_utf8()..];
            if arg.get_action().takes_values() && !rest.is_empty() {
                let value = rest.strip_prefix('=').unwrap_or(rest);
                self.seen.add(arg.get_id().as_str(), value);
                return;
            }
            self.flag(arg);
        }
    }

    fn by_short(&self, letter: char) -> Option<&'a Arg> {
        let mut arguments = self.command.get_arguments();
        arguments.find(|arg| arg.get_short() == Some(letter))
    }

    fn flag(&mut self, arg: &'a Arg) {
        if arg.get_action().takes_values() {
            self.pending = Some(arg);
        } else {
            self.seen.add(arg.get_id().as_str(), "");
        }
    }

    /// Completes the last word.
    fn complete(self, last: &str) -> Answer {
        if let Some(arg) = self.pending {
            return self.value(arg, "", last);
        }
        if !self.only_positionals {
            if let Some((flag, value)) = last.split_once('=')
                && let Some(arg) = flag.strip_prefix("--").and_then(|long| self.by_long(long))
            {
                return self.value(arg, &format!("{flag}="), value);
            }
            if last.starts_with('-') {
                let flags = self.flags();
                return self.known(flags, last);
            }
        }
        let subcommands = if self.positionals == 0 && !self.only_positionals {
            subcommands(self.command)
        } else {
            Vec::new()
        };
        match self.next_positional() {
            Some(arg) if subcommands.is_empty() => self.value(arg, "", last),
            _ => self.known(subcommands, last),
        }
    }

    fn known(self, candidates: Vec<Candidate>, last: &str) -> Answer {
        Answer {
            slot: Slot::Known(candidates),
            begun: last.to_owned(),
            before: String::new(),
            seen: self.seen,
        }
    }

    /// Completes a value that begins with `begun`, after `before` in the same word.
    fn value(self, arg: &Arg, before: &str, begun: &str) -> Answer {
        // Of a list only the part after the last comma is still being written.
        let (listed, begun) = match (arg.get_value_delimiter(), begun) {
            (Some(comma), begun) => match begun.rfind(comma) {
                Some(at) => begun.split_at(at + comma.len_utf8()),
                None => ("", begun),
            },
            (None, begun) => ("", begun),
        };
        // `-FIELD` sorts the other way round.
        let (sign, begun) = match begun.strip_prefix('-') {
            Some(rest) if arg.get_id() == "sort_by" => ("-", rest),
            _ => ("", begun),
        };
        // A name is short; what has a folder in it is a file.
        let slot = match self.slot(arg) {
            Slot::Known(_) if arg.get_id() == "scenario" && begun.contains('/') => Slot::Files,
            slot => slot,
        };
        Answer {
            slot,
            begun: begun.to_owned(),
            before: format!("{before}{listed}{sign}"),
            seen: self.seen,
        }
    }

    fn slot(&self, arg: &Arg) -> Slot {
        let kind = self.seen.value("kind");
        let kind = kind.and_then(|kind| KindArg::from_str(kind, true).ok());
        match (arg.get_id().as_str(), kind) {
            ("context", _) => return Slot::Live(Names::Contexts),
            #[cfg(feature = "demo")]
            ("scenario", _) => {
                let names = gputop_sim::scenario::builtin_names().into_iter();
                return Slot::Known(names.map(|name| candidate(name, "")).collect());
            }
            ("namespace", _) => return Slot::Live(Names::Namespaces),
            ("node", _) | ("names", Some(KindArg::Nodes)) => return Slot::Live(Names::Nodes),
            ("names", Some(KindArg::Gpus)) => return Slot::Live(Names::Gpus),
            ("names", Some(KindArg::Pods)) => return Slot::Live(Names::Pods),
            ("sort_by", Some(kind)) => {
                let fields = kind.kind().fields().into_iter();
                return Slot::Known(fields.map(|field| candidate(field, "")).collect());
            }
            _ => {}
        }
        match arg.get_value_hint() {
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::ExecutablePath => Slot::Files,
            ValueHint::DirPath => Slot::Folders,
            _ => Slot::Known(
                arg.get_possible_values()
                    .into_iter()
                    .filter(|value| !value.is_hide_set())
                    .map(|value| {
                        let meaning = value.get_help().map(ToString::to_string);
                        candidate(value.get_name(), &meaning.unwrap_or_default())
                    })
                    .collect(),
            ),
        }
    }

    /// The flags that can still be written.
    fn flags(&self) -> Vec<Candidate> {
        let again = |arg: &Arg| matches!(arg.get_action(), ArgAction::Append | ArgAction::Count);
        let seen = |arg: &Arg| !self.seen.values(arg.get_id().as_str()).is_empty();
        self.command
            .get_arguments()
            .filter(|arg| !arg.is_hide_set() && (again(arg) || !seen(arg)))
            .filter_map(|arg| {
                let help = arg.get_help().map(ToString::to_string);
                let long = arg.get_long()?;
                Some(candidate(&format!("--{long}"), &help.unwrap_or_default()))
            })
            .collect()
    }
}

fn subcommands(command: &Command) -> Vec<Candidate> {
    command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set())
        .map(|sub| {
            let about = sub.get_about().map(ToString::to_string);
            candidate(sub.get_name(), &about.unwrap_or_default())
        })
        .collect()
}

/// The first line of `meaning` is told.
fn candidate(value: &str, meaning: &str) -> Candidate {
    let line = meaning.lines().next().unwrap_or_default();
    Candidate {
        value: value.to_owned(),
        meaning: line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use proptest::prelude::*;

    use super::*;
    use crate::cli::args::Args;

    fn ask(line: &str) -> Answer {
        let mut command = Args::command();
        command.build();
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        answer(&command, &words)
    }

    fn known(line: &str) -> Vec<String> {
        let answer = ask(line);
        let Slot::Known(candidates) = answer.slot else {
            panic!("{line}: {:?}", answer.slot);
        };
        candidates
            .into_iter()
            .map(|candidate| candidate.value)
            .filter(|value| value.starts_with(&answer.begun))
            .collect()
    }

    #[test]
    fn commands_come_first() {
        let commands = known("");
        for name in ["get", "wait", "completion", "man"] {
            assert!(
                commands.iter().any(|command| command == name),
                "{commands:?}"
            );
        }
        assert!(!commands.iter().any(|command| command.starts_with('_')));
        assert_eq!(known("comp"), ["completion"]);
        assert_eq!(known("--context lab wa"), ["wait"]);
    }

    #[test]
    fn values_are_those_of_their_argument() {
        assert_eq!(known("get "), ["nodes", "gpus", "pods", "processes"]);
        assert_eq!(known("get no"), ["nodes"]);
        assert_eq!(known("completion z"), ["zsh"]);
        assert_eq!(known("get gpus -o pro"), ["prometheus"]);
        assert_eq!(known("get gpus --output=c"), ["csv"]);
        assert_eq!(known("wait --output n"), ["name"]);
    }

    #[test]
    fn live_names_are_asked_for_where_they_belong() {
        let live = |line: &str| ask(line).slot;
        assert_eq!(live("get nodes "), Slot::Live(Names::Nodes));
        assert_eq!(live("get no atlas r"), Slot::Live(Names::Nodes));
        assert_eq!(live("get po "), Slot::Live(Names::Pods));
        assert_eq!(live("get gpu -A "), Slot::Live(Names::Gpus));
        assert_eq!(live("get pods -o json -n ml x"), Slot::Live(Names::Pods));
        assert_eq!(live("wait --free 1 --node "), Slot::Live(Names::Nodes));
        assert_eq!(live("wait --node=a"), Slot::Live(Names::Nodes));
        assert_eq!(live("get pods -n "), Slot::Live(Names::Namespaces));
        assert_eq!(live("--context "), Slot::Live(Names::Contexts));
        assert_eq!(live("get -- pods "), Slot::Live(Names::Pods));
    }

    #[test]
    fn what_was_written_before_is_known() {
        let seen = ask("--kubeconfig k get pods -Aw -nml --context=lab --demo ").seen;
        assert_eq!(seen.value("kubeconfig"), Some("k"));
        assert_eq!(seen.value("namespace"), Some("ml"));
        assert_eq!(seen.value("context"), Some("lab"));
        assert_eq!(seen.value("all_namespaces"), Some(""));
        assert_eq!(seen.value("watch"), Some(""));
        assert_eq!(seen.value("kind"), Some("pods"));
        assert_eq!(seen.value("selector"), None);
    }

    #[test]
    fn the_part_before_the_value_stays() {
        let answer = ask("wait --node=at");
        assert_eq!((&*answer.before, &*answer.begun), ("--node=", "at"));
        let answer = ask("get gpus --sort-by node,-ut");
        assert_eq!((&*answer.before, &*answer.begun), ("node,-", "ut"));
        assert_eq!(
            known("get gpus --sort-by node,-ut"),
            ["utilization_percent"]
        );
        assert_eq!(
            known("get pods --sort-by=wor"),
            ["workload_kind", "workload_name"]
        );
    }

    #[test]
    fn flags_are_offered_once() {
        assert!(known("get pods --").contains(&"--sort-by".to_owned()));
        assert!(!known("get pods -l a=b --").contains(&"--selector".to_owned()));
        assert!(known("--kube").contains(&"--kubeconfig".to_owned()));
        // After `--` nothing is a flag.
        assert_eq!(ask("get pods -- -").slot, Slot::Live(Names::Pods));
    }

    #[test]
    fn files_and_folders_are_the_shells_business() {
        assert_eq!(ask("--kubeconfig ").slot, Slot::Files);
        assert_eq!(ask("--log-file=").slot, Slot::Files);
        assert_eq!(ask("man --dir ").slot, Slot::Folders);
    }

    proptest! {
        #[test]
        fn no_words_make_it_panic(words in prop::collection::vec(
            prop_oneof![
                Just("get".to_owned()), Just("pods".to_owned()), Just("--".to_owned()),
                Just("-n".to_owned()), Just("--node=".to_owned()), "-?-?[a-zé=,]{0,6}", ".*"
            ], 0..6)
        ) {
            let mut command = Args::command();
            command.build();
            let _ = answer(&command, &words);
        }
    }
}
