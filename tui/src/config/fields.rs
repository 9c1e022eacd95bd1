//! The table of all that can be set: the parser, the layers, the commented default file and
//! `config show` are made from it.

use std::time::Duration;

use super::duration;
use super::error::did_you_mean;
use super::known::{Known, KnownColumn};
use super::raw::{self, AUTO, Raw, Read, Refused};
use super::values::{Config, Pace, PodLayout, view_name};
use crate::app::View;
use crate::app::sort::Sort;
use crate::theme::ThemeName;

/// One value of the configuration.
#[derive(Debug)]
pub(super) struct Field {
    /// Its name; with dots for a table's: `tables.nodes.sort`.
    pub(super) key: &'static str,
    /// What it does, in lines of a comment.
    pub(super) help: &'static [&'static str],
    /// The flag that sets it too.
    pub(super) flag: Option<&'static str>,
    /// Reads it.
    pub(super) set: fn(&mut Config, &Raw<'_>, &Known) -> Read<()>,
    /// Copies it from one configuration to another.
    pub(super) copy: fn(&mut Config, &Config),
    /// Its value.
    pub(super) get: fn(&Config) -> toml::Value,
}

impl Field {
    /// The variable of the environment that sets it too; only simple fields have one.
    pub(super) fn variable(&self) -> String {
        format!("GPUTOP_K3S_{}", self.key.to_uppercase())
    }
}

/// Every field.
pub(super) fn all() -> impl Iterator<Item = &'static Field> {
    SIMPLE.iter().chain(TABLES.iter().flatten())
}

/// The field of that name.
pub(super) fn find(key: &str) -> Option<&'static Field> {
    all().find(|field| field.key == key)
}

/// Daemons report at least every five seconds.
const STALE: (Duration, Duration) = (Duration::from_secs(6), Duration::from_secs(3600));

const IDLE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30 * 86_400));

/// A field that has a place of its own in [`Config`].
macro_rules! field {
    ($name:ident, $flag:expr, $read:expr, $show:expr, [$($help:literal),+ $(,)?]) => {
        Field {
            key: stringify!($name),
            help: &[$($help),+],
            flag: $flag,
            set: |config, raw, _| {
                let read: fn(&Raw<'_>) -> Read<_> = $read;
                config.$name = read(raw)?;
                Ok(())
            },
            copy: |to, from| to.$name.clone_from(&from.$name),
            get: |config| toml::Value::from(($show)(&config.$name)),
        }
    };
}

/// The two fields of a table.
macro_rules! table {
    ($view:ident, $columns:literal, $sort:literal) => {
        [
            Field {
                key: $columns,
                help: &["Titles of the columns that are shown, from the left. \"auto\": those that fit."],
                flag: None,
                set: |config, raw, known| {
                    config.tables[View::$view.position()].columns = columns(raw, View::$view, known)?;
                    Ok(())
                },
                copy: |to, from| {
                    let at = View::$view.position();
                    to.tables[at].columns.clone_from(&from.tables[at].columns);
                },
                get: |config| match &config.tables[View::$view.position()].columns {
                    None => AUTO.into(),
                    Some(titles) => titles.clone().into(),
                },
            },
            Field {
                key: $sort,
                help: &[
                    "Title of the column to sort by, with :asc or :desc if the other way round.",
                    "\"auto\": the table's own order.",
                ],
                flag: None,
                set: |config, raw, known| {
                    config.tables[View::$view.position()].sort = sort(raw, View::$view, known)?;
                    Ok(())
                },
                copy: |to, from| {
                    let at = View::$view.position();
                    to.tables[at].sort = from.tables[at].sort;
                },
                get: |config| match config.tables[View::$view.position()].sort {
                    None => AUTO.into(),
                    Some(Sort { column, descending: true }) => format!("{column}:desc").into(),
                    Some(Sort { column, .. }) => format!("{column}:asc").into(),
                },
            },
        ]
    };
}

/// What can be set for all contexts or for one, and by variables of the environment.
pub(super) static SIMPLE: &[Field] = &[
    field!(
        theme,
        Some("--theme"),
        |raw| raw::choice_or_auto(raw, &ThemeName::ALL, ThemeName::name),
        |theme: &Option<ThemeName>| theme.map_or(AUTO, ThemeName::name),
        [
            "Colours: dark, light, colorblind, colorblind-light (blue and orange), ansi16 (sixteen",
            "colours), mono (none). \"auto\": what suits the terminal.",
        ]
    ),
    field!(
        ascii,
        Some("--ascii"),
        |raw| raw::automatic(raw, raw::truth),
        |ascii: &Option<bool>| ascii.map_or_else(|| AUTO.into(), toml::Value::from),
        [
            "Draw with ASCII signs alone. \"auto\": where the terminal or the locale shows no others."
        ]
    ),
    field!(
        mouse,
        None,
        raw::truth,
        |on: &bool| *on,
        ["Take the mouse. Without it the terminal's own way to select text works as ever."]
    ),
    field!(
        reduced_motion,
        None,
        raw::truth,
        |on: &bool| *on,
        ["Nothing on the screen blinks or moves by itself."]
    ),
    field!(
        wide,
        None,
        raw::truth,
        |on: &bool| *on,
        ["Begin with the columns of second rank too."]
    ),
    field!(
        default_view,
        None,
        |raw| raw::choice(raw, &View::ALL, view_name),
        |view: &View| view_name(*view),
        ["The table at the start: nodes, gpus, pods or processes."]
    ),
    field!(
        pods,
        None,
        |raw| raw::choice(raw, &PodLayout::ALL, PodLayout::name),
        |layout: &PodLayout| layout.name(),
        ["How pods are listed at the start: flat, or as a tree below their workloads."]
    ),
    field!(
        pace,
        None,
        |raw| raw::choice(raw, &Pace::ALL, Pace::name),
        |pace: &Pace| pace.name(),
        ["How often what is on the screen is refreshed: live (every second) or calm (every five)."]
    ),
    field!(
        idle_after,
        None,
        |raw| raw::span(raw, IDLE, ""),
        |span: &Duration| duration::write(*span),
        ["A GPU that a pod holds and has not used for this long is called idle."]
    ),
    field!(
        stale_after,
        None,
        |raw| raw::span(
            raw,
            STALE,
            "Daemons report every five seconds when nothing changes."
        ),
        |span: &Duration| duration::write(*span),
        ["What a daemon has said counts as stale after this long."]
    ),
    field!(
        readonly,
        Some("--readonly"),
        raw::truth,
        |on: &bool| *on,
        ["Offer nothing that changes anything."]
    ),
    field!(
        namespace,
        None,
        raw::namespace,
        |name: &Option<String>| name.clone().unwrap_or_default(),
        ["Begin with the pods and processes of this namespace only, as with -n. Empty: all."]
    ),
];

/// What can be set for each table.
static TABLES: [[Field; 2]; 4] = [
    table!(Nodes, "tables.nodes.columns", "tables.nodes.sort"),
    table!(Gpus, "tables.gpus.columns", "tables.gpus.sort"),
    table!(Pods, "tables.pods.columns", "tables.pods.sort"),
    table!(
        Processes,
        "tables.processes.columns",
        "tables.processes.sort"
    ),
];

fn columns(raw: &Raw<'_>, view: View, known: &Known) -> Read<Option<Vec<&'static str>>> {
    let names = match raw {
        Raw::Text(AUTO) => return Ok(None),
        raw => raw::texts(raw)?,
    };
    let mut titles: Vec<&'static str> = Vec::new();
    for (name, span) in names {
        let refuse = |refused: Refused| Refused {
            part: Some(span.clone()),
            ..refused
        };
        let column = column(name, view, known).map_err(refuse)?;
        if titles.contains(&column.title) {
            return Err(refuse(Refused::new(
                format!("column {name} is there twice"),
                "",
            )));
        }
        titles.push(column.title);
    }
    if titles.is_empty() {
        return Err(Refused::new(
            "a table needs a column",
            "Write \"auto\" for those that fit.",
        ));
    }
    Ok(Some(titles))
}

fn sort(raw: &Raw<'_>, view: View, known: &Known) -> Read<Option<Sort>> {
    let wish = match raw {
        Raw::Text(AUTO) => return Ok(None),
        raw => raw::text(raw)?,
    };
    let (name, order) = match wish.rsplit_once(':') {
        Some((name, order)) => (name, Some(order)),
        None => (wish, None),
    };
    let column = column(name, view, known)?;
    if !column.sortable {
        return Err(Refused::new(
            format!("the table can not be sorted by {}", column.title),
            "",
        ));
    }
    let descending = match order {
        None => column.descending_first,
        Some("asc") => false,
        Some("desc") => true,
        Some(other) => {
            return Err(Refused::new(
                format!("`{other}` is no order"),
                "Write :asc for the smallest first or :desc for the largest.",
            ));
        }
    };
    Ok(Some(Sort {
        column: column.title,
        descending,
    }))
}

fn column<'k>(name: &str, view: View, known: &'k Known) -> Read<&'k KnownColumn> {
    let columns = known.columns(view);
    let named = columns
        .iter()
        .find(|column| column.title.eq_ignore_ascii_case(name));
    named.ok_or_else(|| {
        let titles = || columns.iter().map(|column| column.title);
        let meant = did_you_mean(name, titles());
        let fix = if meant.is_empty() {
            format!("There are {}.", titles().collect::<Vec<_>>().join(", "))
        } else {
            meant
        };
        let table = view.title();
        Refused::new(format!("the table {table} has no column `{name}`"), fix)
    })
}
