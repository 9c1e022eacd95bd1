//! CSV says what JSON says.

use gputop_k3s::export::{Kind, Style, list};
use serde_json::Value;

use crate::picture::{KINDS, items, now};

/// The records of CSV without quoted line breaks.
fn read(text: &str) -> Vec<Vec<String>> {
    text.split_terminator("\r\n").map(fields).collect()
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let field = fields.last_mut().unwrap();
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            letter => field.push(letter),
        }
    }
    assert!(!quoted, "{line}");
    fields
}

/// The values of an item by the names of their columns; a list is one value.
fn flat(item: &Value, before: &str, into: &mut Vec<(String, Value)>) {
    for (name, value) in item.as_object().unwrap() {
        let name = format!("{before}{name}");
        match value {
            Value::Object(_) => flat(value, &format!("{name}_"), into),
            value => into.push((name, value.clone())),
        }
    }
}

#[test]
fn every_field_of_json_is_a_column_with_the_same_value() {
    for picture in [now(true), now(false)] {
        for kind in KINDS {
            let records = read(&list(&picture, kind, None).to_csv(true));
            let (titles, rows) = records.split_first().unwrap();
            let items = items(&picture, kind);
            assert_eq!(rows.len(), items.len());
            for (row, item) in rows.iter().zip(&items) {
                assert_eq!(row.len(), titles.len(), "{row:?}");
                let mut expected = Vec::new();
                flat(item, "", &mut expected);
                for (name, value) in expected {
                    let column = titles.iter().position(|title| *title == name);
                    // An object that is missing as a whole has no fields of its own.
                    let Some(column) = column else {
                        assert!(value.is_null(), "{kind:?} has no column {name}");
                        continue;
                    };
                    match &value {
                        Value::Null => assert_eq!(row[column], "", "{name}"),
                        Value::String(text) => assert_eq!(row[column], *text, "{name}"),
                        Value::Array(list) if list.is_empty() => {
                            assert_eq!(row[column], "", "{name}");
                        }
                        Value::Array(list) => {
                            assert_eq!(row[column].split(';').count(), list.len(), "{name}");
                        }
                        other => assert_eq!(row[column], other.to_string(), "{name}"),
                    }
                }
            }
        }
    }
}

#[test]
fn titles_of_amounts_name_their_unit() {
    let units = ["bytes", "percent", "mw", "mj", "mhz", "celsius", "ms"];
    let picture = now(true);
    let text = list(&picture, Kind::Gpus, None).to_csv(true);
    let titles = fields(text.lines().next().unwrap().trim_end());
    for word in [
        "memory_total",
        "utilization",
        "power",
        "energy",
        "clocks_sm",
        "temperature",
        "age",
    ] {
        let title = titles.iter().find(|title| title.starts_with(word)).unwrap();
        let unit = title.rsplit('_').next().unwrap();
        assert!(units.contains(&unit), "{title}");
    }
    let bare = list(&picture, Kind::Gpus, None).to_csv(false);
    assert_eq!(text.split_once("\r\n").unwrap().1, bare);
}

#[test]
fn a_table_has_no_colour_and_is_not_cut() {
    let picture = now(true);
    for kind in KINDS {
        let list = list(&picture, kind, None);
        for wide in [false, true] {
            let table = list.to_table(Style {
                wide,
                headers: true,
            });
            assert!(!table.contains('\u{1b}') && !table.contains('…'), "{table}");
            assert_eq!(table.lines().count(), list.len() + 1);
        }
        let narrow = list.to_table(Style {
            wide: false,
            headers: true,
        });
        let wide = list.to_table(Style {
            wide: true,
            headers: true,
        });
        let titles = |table: &str| table.lines().next().unwrap().to_owned();
        let titles = (titles(&narrow), titles(&wide));
        for title in titles
            .0
            .split("   ")
            .map(str::trim)
            .filter(|title| !title.is_empty())
        {
            assert!(
                titles.1.contains(title),
                "{title} is missing in {}",
                titles.1
            );
        }
        assert!(titles.1.len() > titles.0.len());
    }
}
