//! A configuration file: what it says, or every mistake in it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Place, Spot, did_you_mean};
use super::fields;
use super::keymap::{Overrides, keymap};
use super::known::Known;
use super::layer::Layer;
use super::raw::{self, Raw, Refused};
use super::values::view_name;
use crate::app::View;
use crate::app::keys::Chord;

/// Version of the file's form. Keys are added within a version, never changed or removed.
pub(super) const VERSION: i64 = 1;

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// For all contexts.
    pub general: Layer,
    /// For single contexts, by name.
    pub contexts: BTreeMap<String, Layer>,
}

/// Reads a file's text; `name` is how the file is called in messages.
///
/// # Errors
/// Every mistake there is; of the form of TOML only the first.
pub fn parse(name: &str, text: &str, known: &Known) -> Result<Document, Vec<ConfigError>> {
    let mut reader = Reader {
        file: Arc::from(name),
        text,
        known,
        errors: Vec::new(),
    };
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let what = format!("this is not TOML: {}", error.message());
            return Err(vec![ConfigError::new(reader.place(span), what, "")]);
        }
    };
    // A newer file may mean something else by the same names: nothing more is said about it.
    if let Some(error) = reader.version(root.get_ref()) {
        return Err(vec![error]);
    }
    let document = reader.document(root.get_ref());
    reader.keymap(&document.general);
    if reader.errors.is_empty() {
        Ok(document)
    } else {
        reader.errors.sort_by_key(position);
        Err(reader.errors)
    }
}

fn position(error: &ConfigError) -> (usize, usize) {
    match &error.place {
        Place::File(spot) => (spot.line, spot.column),
        Place::Whole(_) | Place::Variable(_) | Place::Flag(_) => (0, 0),
    }
}

type Name<'a> = Spanned<std::borrow::Cow<'a, str>>;

struct Reader<'t> {
    file: Arc<str>,
    text: &'t str,
    known: &'t Known,
    errors: Vec<ConfigError>,
}

impl Reader<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place::File(Spot::new(&self.file, self.text, span))
    }

    fn refuse(&mut self, span: Range<usize>, what: impl Into<String>, fix: impl Into<String>) {
        let place = self.place(span);
        self.errors.push(ConfigError::new(place, what, fix));
    }

    /// Why the file is of no version that is known.
    fn version(&self, root: &DeTable<'_>) -> Option<ConfigError> {
        let value = root.get("version")?;
        let number = value.get_ref().as_integer();
        let number = number.and_then(|n| i64::from_str_radix(n.as_str(), n.radix()).ok());
        let (what, fix) = match number {
            Some(VERSION) => return None,
            Some(newer) if newer > VERSION => (
                format!("the file is of version {newer}, and this program knows version {VERSION}"),
                "Use a newer gputop-k3s, or name another file with --config.",
            ),
            _ => (
                "this is no version".to_owned(),
                "Write `version = 1`, or leave it out.",
            ),
        };
        Some(ConfigError::new(self.place(value.span()), what, fix))
    }

    fn document(&mut self, root: &DeTable<'_>) -> Document {
        let mut document = Document::default();
        for (name, value) in root {
            match name.get_ref().as_ref() {
                "version" => {}
                "keys" => self.keys(value, &mut document.general),
                "tables" => self.tables(value, &mut document.general),
                "contexts" => self.contexts(value, &mut document.contexts),
                key => match fields::SIMPLE.iter().find(|field| field.key == key) {
                    Some(field) => self.field(field, value, &mut document.general),
                    None => self.unknown(name, top_names(), ""),
                },
            }
        }
        document
    }

    fn unknown<'n>(
        &mut self,
        name: &Name<'_>,
        names: impl Iterator<Item = &'n str>,
        section: &str,
    ) {
        let key = name.get_ref();
        let names: Vec<&str> = names.collect();
        let mut fix = did_you_mean(key, names.iter().copied());
        if fix.is_empty() && !section.is_empty() && top_names().any(|top| top == key) {
            fix = format!("`{key}` is for all of the file: write it above the first [section].");
        } else if fix.is_empty() {
            fix = format!("There are {}.", names.join(", "));
        }
        self.refuse(name.span(), format!("unknown key `{section}{key}`"), fix);
    }

    fn field(&mut self, field: &fields::Field, value: &Spanned<DeValue<'_>>, layer: &mut Layer) {
        let raw = Raw::of(value.get_ref());
        match (field.set)(&mut layer.values, &raw, self.known) {
            Ok(()) => {
                let place = self.place(value.span());
                layer.written.insert(field.key.to_owned(), place);
            }
            Err(Refused { what, fix, part }) => {
                self.refuse(part.unwrap_or_else(|| value.span()), what, fix);
            }
        }
    }

    /// The entries of a section.
    fn section<'a, 'v>(
        &mut self,
        name: &str,
        value: &'a Spanned<DeValue<'v>>,
    ) -> impl Iterator<Item = (&'a Name<'v>, &'a Spanned<DeValue<'v>>)> + use<'a, 'v> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.refuse(
                value.span(),
                format!("`{name}` is a section"),
                format!("Write [{name}]."),
            );
        }
        table.into_iter().flatten()
    }

    fn keys(&mut self, value: &Spanned<DeValue<'_>>, layer: &mut Layer) {
        for (name, value) in self.section("keys", value) {
            let raw = match Raw::of(value.get_ref()) {
                one @ Raw::Text(_) => Raw::List(vec![(one, value.span())]),
                raw => raw,
            };
            let texts = match raw::texts(&raw) {
                Ok(texts) => texts,
                Err(Refused { what, part, .. }) => {
                    let span = part.unwrap_or_else(|| value.span());
                    self.refuse(
                        span,
                        what,
                        "Write a key or a list of keys, such as [\"x\", \"F2\"].",
                    );
                    continue;
                }
            };
            let mistakes = self.errors.len();
            let mut chords: Vec<Chord> = Vec::new();
            for (text, span) in texts {
                match text.parse() {
                    Ok(chord) if chords.contains(&chord) => {}
                    Ok(chord) => chords.push(chord),
                    Err(error) => self.refuse(span, error.to_string(), ""),
                }
            }
            if self.errors.len() > mistakes {
                // Half of the keys would only lead to more mistakes.
                continue;
            }
            let action = name.get_ref().clone().into_owned();
            let place = self.place(name.span());
            layer.written.insert(format!("keys.{action}"), place);
            layer.values.keys.insert(action, chords);
        }
    }

    /// Mistakes in the keys as far as this file alone goes: those that it makes together with
    /// another file are found when they are laid over each other.
    fn keymap(&mut self, layer: &Layer) {
        let place = |action: &str| layer.written.get(&format!("keys.{action}"));
        let overrides: Overrides = layer
            .values
            .keys
            .iter()
            .filter_map(|(action, keys)| {
                Some((action.clone(), (keys.clone(), place(action)?.clone())))
            })
            .collect();
        self.errors.extend(
            keymap(&overrides, &self.known.actions)
                .err()
                .unwrap_or_default(),
        );
    }

    fn tables(&mut self, value: &Spanned<DeValue<'_>>, layer: &mut Layer) {
        for (name, value) in self.section("tables", value) {
            let view = name.get_ref();
            if !View::ALL.into_iter().any(|known| view_name(known) == view) {
                self.unknown(name, View::ALL.into_iter().map(view_name), "tables.");
                continue;
            }
            let section = format!("tables.{view}");
            for (name, value) in self.section(&section, value) {
                match fields::find(&format!("{section}.{}", name.get_ref())) {
                    Some(field) => self.field(field, value, layer),
                    None => self.unknown(
                        name,
                        ["columns", "sort"].into_iter(),
                        &format!("{section}."),
                    ),
                }
            }
        }
    }

    fn contexts(&mut self, value: &Spanned<DeValue<'_>>, contexts: &mut BTreeMap<String, Layer>) {
        for (context, value) in self.section("contexts", value) {
            let mut layer = Layer::default();
            let section = format!("contexts.\"{}\"", context.get_ref());
            for (name, value) in self.section(&section, value) {
                let key = name.get_ref();
                match fields::SIMPLE.iter().find(|field| field.key == key) {
                    Some(field) => self.field(field, value, &mut layer),
                    None if matches!(key.as_ref(), "keys" | "tables" | "version") => {
                        let what = format!("`{key}` can not be set for one context alone");
                        self.refuse(name.span(), what, "");
                    }
                    None => self.unknown(name, fields::SIMPLE.iter().map(|f| f.key), ""),
                }
            }
            contexts.insert(context.get_ref().clone().into_owned(), layer);
        }
    }
}

/// What may stand at the top of a file.
fn top_names() -> impl Iterator<Item = &'static str> {
    let simple = fields::SIMPLE.iter().map(|field| field.key);
    simple.chain(["keys", "tables", "contexts", "version"])
}

#[cfg(test)]
mod tests;
