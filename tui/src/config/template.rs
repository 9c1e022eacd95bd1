//! The commented default file: every value with its default, ready to be changed.

use std::fmt::Write as _;

use super::fields::{self, Field};
use super::known::Known;
use super::parse::VERSION;
use super::values::Config;

const HEAD: &str = "\
# Configuration of gputop-k3s.
#
# A line such as `#theme = \"auto\"` shows a default: take the # away to change it. Values that are
# left out keep their defaults. Stronger than this file are, in this order: its sections for
# single contexts, variables of the environment (GPUTOP_K3S_THEME, …) and flags (--theme, …).
# `gputop-k3s config check` finds mistakes, `gputop-k3s config show` says what holds and why.
";

const CONTEXTS: &str = "
# For one context of the kubeconfig alone; everything above the sections can be set.
#
# [contexts.\"homelab\"]
# theme = \"light\"
# readonly = true
";

/// The file's text.
#[must_use]
pub fn commented(known: &Known) -> String {
    let defaults = Config::default();
    let mut text = HEAD.to_owned();
    let _fits = writeln!(text, "\nversion = {VERSION}");
    for field in fields::SIMPLE {
        text.push('\n');
        comment(&mut text, field);
        setting(&mut text, field.key, &(field.get)(&defaults));
    }
    text.push_str("\n# The tables. Titles of columns are those on the screen.\n");
    let mut section = "";
    let mut explained = false;
    for field in fields::all() {
        let Some((table, key)) = field.key.rsplit_once('.') else {
            continue;
        };
        if table != section {
            explained = !section.is_empty();
            let _fits = writeln!(text, "\n#[{table}]");
            section = table;
        }
        if !explained {
            comment(&mut text, field);
        }
        setting(&mut text, key, &(field.get)(&defaults));
    }
    text.push_str(
        "\n# Keys of actions, such as \"x\", \"X\", \"ctrl-w\", \"alt-x\", \"space\", \"F2\" or \"pgdn\"; [] takes all\n\
         # of them away. No key can mean two things in one place.\n\n#[keys]\n",
    );
    for action in &known.actions {
        let keys: Vec<String> = action.keys.iter().map(|key| key.spelled()).collect();
        let _fits = writeln!(text, "# {}", action.help);
        setting(&mut text, action.name, &toml::Value::from(keys));
    }
    text.push_str(CONTEXTS);
    text
}

fn comment(text: &mut String, field: &Field) {
    for line in field.help {
        let _fits = writeln!(text, "# {line}");
    }
}

fn setting(text: &mut String, key: &str, value: &toml::Value) {
    let _fits = writeln!(text, "#{key} = {value}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layer::Effective;
    use crate::config::parse::parse;

    /// Takes the `#` away where a name or a section follows directly.
    fn uncommented(text: &str) -> String {
        let lines = text.lines().map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => rest,
            _ => line,
        });
        lines.flat_map(|line| [line, "\n"]).collect()
    }

    #[test]
    fn it_says_nothing_as_it_is() {
        let known = Known::of_app();
        let document = parse("config.toml", &commented(&known), &known).unwrap();
        assert_eq!(document, crate::config::parse::Document::default());
    }

    #[test]
    fn uncommented_it_says_the_defaults() {
        let known = Known::of_app();
        let text = uncommented(&commented(&known));
        let document = match parse("config.toml", &text, &known) {
            Ok(document) => document,
            Err(errors) => panic!("{}", errors[0]),
        };
        let fields = fields::all().count() + known.actions.len();
        assert_eq!(document.general.written.len(), fields);
        let mut config = Effective::of([(&document.general, false)], &known)
            .unwrap()
            .config;
        for action in &known.actions {
            assert_eq!(
                config.keys.remove(action.name).as_deref(),
                Some(action.keys)
            );
        }
        assert_eq!(config, Config::default());
    }

    #[test]
    fn lines_are_short() {
        for line in commented(&Known::of_app()).lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}
