//! Tests of reading a file: what it says, and what is said about mistakes.

use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::app::sort::Sort;
use crate::config::keymap::{Bindable, Ground};
use crate::config::known::KnownColumn;
use crate::config::values::{Config, Pace, PodLayout, TableConfig};
use crate::theme::ThemeName;

const E: &[Chord] = &[Chord::char('e')];
const Q: &[Chord] = &[Chord::char('q')];

fn known() -> Known {
    let column = |title, number| KnownColumn {
        title,
        sortable: title != "WHY",
        descending_first: number,
    };
    let nodes = vec![
        column("NODE", false),
        column("UTIL", true),
        column("WHY", false),
    ];
    let ground = Ground {
        name: "Nodes",
        takes_text: false,
    };
    let action = |name, keys| Bindable {
        name,
        help: "",
        grounds: vec![ground],
        keys,
        quits: name == "quit",
    };
    Known {
        columns: [nodes, Vec::new(), Vec::new(), Vec::new()],
        actions: vec![action("open", E), action("quit", Q)],
    }
}

fn read(text: &str) -> Document {
    match parse("config.toml", text, &known()) {
        Ok(document) => document,
        Err(errors) => panic!("{}", errors[0]),
    }
}

fn mistakes(text: &str) -> Vec<String> {
    let errors = parse("config.toml", text, &known()).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn everything_can_be_said() {
    let document = read(
        r#"
        version = 1
        theme = "colorblind"
        ascii = true
        mouse = false
        reduced_motion = true
        wide = true
        default_view = "gpus"
        pods = "tree"
        pace = "calm"
        idle_after = "30m"
        stale_after = "1m30s"
        readonly = true
        namespace = "ml-team"

        [tables.nodes]
        columns = ["node", "UTIL"]
        sort = "util"

        [keys]
        open = ["enter", "ctrl-o"]
        quit = "Q"

        [contexts."prod/eu"]
        theme = "light"
        namespace = ""
        "#,
    );
    let mut nodes = TableConfig {
        columns: Some(vec!["NODE", "UTIL"]),
        sort: Some(Sort {
            column: "UTIL",
            descending: true,
        }),
    };
    let mut tables: [TableConfig; 4] = Default::default();
    std::mem::swap(&mut tables[0], &mut nodes);
    let expected = Config {
        theme: Some(ThemeName::Colorblind),
        ascii: Some(true),
        mouse: false,
        reduced_motion: true,
        wide: true,
        default_view: View::Gpus,
        pods: PodLayout::Tree,
        pace: Pace::Calm,
        idle_after: Duration::from_secs(1800),
        stale_after: Duration::from_secs(90),
        readonly: true,
        namespace: Some("ml-team".to_owned()),
        tables,
        keys: [
            (
                "open".to_owned(),
                vec!["enter".parse().unwrap(), Chord::ctrl('o')],
            ),
            ("quit".to_owned(), vec![Chord::char('Q')]),
        ]
        .into(),
    };
    assert_eq!(document.general.values, expected);
    assert_eq!(
        document.contexts["prod/eu"].values.theme,
        Some(ThemeName::Light)
    );
    let written: Vec<_> = document.contexts["prod/eu"].written.keys().collect();
    assert_eq!(written, ["namespace", "theme"]);
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(read(""), Document::default());
    assert_eq!(
        read("# only a comment\nversion = 1\n[keys]\n"),
        Document::default()
    );
}

#[test]
fn a_mistake_is_shown_with_its_place_and_what_was_meant() {
    assert_eq!(
        mistakes("mouse = true\n  them = \"dark\"\n"),
        ["config.toml:2:3: unknown key `them`\n\
          2 |   them = \"dark\"\n\
          \u{20} |   ^^^^\n\
          Did you mean `theme`?"]
    );
}

#[test]
fn all_mistakes_are_shown_in_the_order_of_the_file() {
    let shown =
        mistakes("mouse = 1\ntheme = \"drak\"\n\n[keys]\nopne = \"x\"\nquit = \"ctrl-i\"\n");
    let firsts: Vec<_> = shown
        .iter()
        .filter_map(|text| text.lines().next())
        .collect();
    assert_eq!(
        firsts,
        [
            "config.toml:1:9: this is a number, not true or false",
            "config.toml:2:9: `drak` is none of dark, light, colorblind, colorblind-light, ansi16, mono, auto",
            "config.toml:5:1: there is no action `opne`",
            "config.toml:6:8: `ctrl-i` is no key: terminals send the same for tab; write tab",
        ]
    );
    assert!(shown[1].ends_with("Did you mean `dark`?"), "{}", shown[1]);
}

#[rstest]
#[case("theme = dark", "1:9: this is not TOML")]
#[case(
    "theme = \"dark\"\ntheme = \"light\"",
    "2:1: this is not TOML: duplicate key"
)]
#[case(
    "version = 2\nnew_key = 1",
    "1:11: the file is of version 2, and this program knows version 1"
)]
#[case("version = \"1\"", "1:11: this is no version")]
#[case("version = 0", "1:11: this is no version")]
#[case("idle_after = 600", "1:14: a duration needs a unit")]
#[case("idle_after = \"600\"", "1:14: `600` has no unit")]
#[case("stale_after = \"1s\"", "1:15: it has to be from 6s to 1h")]
#[case("idle_after = true", "1:14: this is true or false, not a duration")]
#[case(
    "namespace = \"Über\"",
    "1:13: `Über` can not be the name of a namespace"
)]
#[case(
    "default_view = \"gpu\"",
    "1:16: `gpu` is none of nodes, gpus, pods, processes\n"
)]
#[case("keys = 1", "1:8: `keys` is a section")]
#[case("[keys]\nopen = 1", "2:8: this is a number, not a list")]
#[case("[keys]\nopen = [\"x\", 1]", "2:14: this is a number, not a text")]
#[case(
    "[keys]\nopen = \"q\"",
    "2:1: the key q would stand for both `open` and `quit` (Nodes)"
)]
#[case("[keys]\nquit = []", "2:1: no key would quit any more (Nodes)")]
#[case("[tables.node]", "1:9: unknown key `tables.node`")]
#[case("[tables.nodes]\nwidth = 1", "2:1: unknown key `tables.nodes.width`")]
#[case(
    "[tables.nodes]\ncolumns = [\"NODE\", \"UTLI\"]",
    "2:20: the table Nodes has no column `UTLI`"
)]
#[case(
    "[tables.nodes]\ncolumns = [\"NODE\", \"node\"]",
    "2:20: column node is there twice"
)]
#[case("[tables.nodes]\ncolumns = []", "2:11: a table needs a column")]
#[case(
    "[tables.nodes]\nsort = \"WHY\"",
    "2:8: the table can not be sorted by WHY"
)]
#[case("[tables.nodes]\nsort = \"UTIL:down\"", "2:8: `down` is no order")]
#[case("[contexts.lab]\nthem = 1", "2:1: unknown key `them`")]
#[case(
    "[contexts.lab.keys]\nopen = \"x\"",
    "1:15: `keys` can not be set for one context alone"
)]
#[case(
    "[tables.nodes]\ntheme = \"dark\"",
    "2:1: unknown key `tables.nodes.theme`"
)]
fn a_mistake_has_a_place_and_a_name(#[case] text: &str, #[case] expected: &str) {
    let shown = mistakes(text);
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(
        shown[0].starts_with(&format!("config.toml:{expected}")),
        "{}",
        shown[0]
    );
}

#[test]
fn a_value_that_fell_into_a_section_is_told_so() {
    let shown = mistakes("[tables.nodes]\nreadonly = true");
    assert!(
        shown[0].ends_with("write it above the first [section]."),
        "{}",
        shown[0]
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _either = parse("config.toml", &text, &known());
    }

    #[test]
    fn any_toml_is_read_or_refused(
        lines in prop::collection::vec(
            "(theme|keys|tables|contexts|version|open|ascii|\\[keys\\]|\\[contexts\\.\"x\"\\])( = )?(\"dark\"|1|true|\\[\\]|\\[\"x\"\\]|\\{\\})?",
            0..8,
        )
    ) {
        if let Err(errors) = parse("config.toml", &lines.join("\n"), &known()) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
