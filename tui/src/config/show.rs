//! The effective configuration as TOML and as JSON, with where each value comes from.

use std::fmt::Write as _;

use serde::Serialize;

use super::error::Place;
use super::layer::{Effective, Origin};

/// Version of the JSON schema. Fields are added within a version, never changed or removed.
const SCHEMA: &str = "gputop-k3s/v1";

/// A file that says the same, with the origin of each value behind it.
#[must_use]
pub fn toml(effective: &Effective) -> String {
    let mut text = String::new();
    let mut section = String::new();
    for (key, value, origin) in effective.entries() {
        let (table, name) = key.rsplit_once('.').unwrap_or(("", &key));
        if table != section {
            let _fits = writeln!(text, "\n[{table}]");
            table.clone_into(&mut section);
        }
        let origin = origin.map_or_else(|| "default".to_owned(), Origin::to_string);
        let setting = format!("{name} = {value}");
        let _fits = writeln!(text, "{setting:<32}  # {origin}");
    }
    text
}

/// `{"schema": …, "kind": "Config", "items": [{"key": …, "value": …, "origin": …}]}`.
#[derive(Debug, Serialize)]
pub struct Shown<'a> {
    schema: &'static str,
    kind: &'static str,
    items: Vec<Item<'a>>,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    key: String,
    value: toml::Value,
    origin: From<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum From<'a> {
    Default,
    File { file: &'a str, line: Option<usize> },
    Context { file: &'a str, line: Option<usize> },
    Environment { variable: &'a str },
    Flag { flag: &'a str },
}

/// The same for programs.
#[must_use]
pub fn json(effective: &Effective) -> Shown<'_> {
    let items = effective.entries().map(|(key, value, origin)| Item {
        key,
        value,
        origin: origin.map_or(From::Default, from),
    });
    Shown {
        schema: SCHEMA,
        kind: "Config",
        items: items.collect(),
    }
}

fn from(origin: &Origin) -> From<'_> {
    let (file, line) = match &origin.place {
        Place::Variable(variable) => return From::Environment { variable },
        Place::Flag(flag) => return From::Flag { flag },
        Place::File(spot) => (&*spot.file, Some(spot.line)),
        Place::Whole(file) => (&**file, None),
    };
    if origin.for_context {
        From::Context { file, line }
    } else {
        From::File { file, line }
    }
}
