//! Layers of configuration, and what they come to.

use std::collections::BTreeMap;
use std::fmt;

use super::error::{ConfigError, Place};
use super::fields;
use super::keymap::{Overrides, keymap};
use super::known::Known;
use super::raw::Raw;
use super::values::Config;
use crate::nearest::nearest;

/// Some values and where each was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layer {
    /// The values; those that are not in `written` are of no account.
    pub(super) values: Config,
    /// Names of the values, with dots: `theme`, `tables.nodes.sort`, `keys.open`.
    pub(super) written: BTreeMap<String, Place>,
}

impl Layer {
    /// Sets a field from a text: a flag or a variable.
    fn set(
        &mut self,
        field: &fields::Field,
        text: &str,
        place: Place,
        known: &Known,
    ) -> Result<(), ConfigError> {
        (field.set)(&mut self.values, &Raw::Text(text), known)
            .map_err(|refused| ConfigError::new(place.clone(), refused.what, refused.fix))?;
        self.written.insert(field.key.to_owned(), place);
        Ok(())
    }
}

/// The layer of the environment: `GPUTOP_K3S_THEME` and so on. A variable that is empty counts as
/// absent.
///
/// # Errors
/// Every value that is wrong.
pub(super) fn environment(
    lookup: impl Fn(&str) -> Option<String>,
    known: &Known,
) -> Result<Layer, Vec<ConfigError>> {
    let mut layer = Layer::default();
    let mut errors = Vec::new();
    for field in fields::SIMPLE {
        let name = field.variable();
        if let Some(value) = lookup(&name).filter(|value| !value.is_empty()) {
            errors.extend(layer.set(field, &value, Place::Variable(name), known).err());
        }
    }
    if errors.is_empty() {
        Ok(layer)
    } else {
        Err(errors)
    }
}

/// Variables of the environment that the app reads and that set no field of the configuration.
const OTHER_VARIABLES: [&str; 2] = ["GPUTOP_K3S_CONFIG", "GPUTOP_K3S_LOG"];

/// Those of `names` that look like variables of the app and mean nothing to it, each with the
/// nearest that does.
pub fn unknown_variables(names: impl IntoIterator<Item = String>) -> Vec<(String, Option<String>)> {
    let known: Vec<String> = fields::SIMPLE.iter().map(fields::Field::variable).collect();
    let known = || known.iter().map(String::as_str).chain(OTHER_VARIABLES);
    let is_unknown = |name: &String| name.starts_with("GPUTOP_K3S_") && !known().any(|k| k == name);
    names
        .into_iter()
        .filter(is_unknown)
        .map(|name| {
            let near = nearest(&name, known()).map(str::to_owned);
            (name, near)
        })
        .collect()
}

/// The layer of flags: names of fields with the value that each flag gives them.
///
/// # Errors
/// Every value that is wrong.
pub(super) fn flags(given: &[(&str, String)], known: &Known) -> Result<Layer, Vec<ConfigError>> {
    let mut layer = Layer::default();
    let mut errors = Vec::new();
    for (key, value) in given {
        let field = fields::SIMPLE.iter().find(|field| field.key == *key);
        if let Some((field, flag)) = field.and_then(|field| Some((field, field.flag?))) {
            errors.extend(layer.set(field, value, Place::Flag(flag), known).err());
        }
    }
    if errors.is_empty() {
        Ok(layer)
    } else {
        Err(errors)
    }
}

/// Where a value that is no default comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Where it is written.
    pub place: Place,
    /// It is in a file's section for the context.
    pub for_context: bool,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(spot) => write!(f, "{}:{}", spot.file, spot.line)?,
            Place::Whole(file) => f.write_str(file)?,
            Place::Variable(name) => write!(f, "${name}")?,
            Place::Flag(name) => f.write_str(name)?,
        }
        if self.for_context {
            f.write_str(", for this context")?;
        }
        Ok(())
    }
}

/// What all layers come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective {
    /// The values.
    pub config: Config,
    pub(super) origins: BTreeMap<String, Origin>,
}

impl Effective {
    /// Lays `layers` over each other, the strongest last, and checks the keys that result. The flag
    /// beside a layer says that it is a file's section for one context.
    ///
    /// # Errors
    /// Every mistake in the keys.
    pub fn of<'a>(
        layers: impl IntoIterator<Item = (&'a Layer, bool)>,
        known: &Known,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut effective = Self::default();
        let mut overrides = Overrides::new();
        for (layer, for_context) in layers {
            for (key, place) in &layer.written {
                if let Some(field) = fields::find(key) {
                    (field.copy)(&mut effective.config, &layer.values);
                } else if let Some(action) = key.strip_prefix("keys.")
                    && let Some(keys) = layer.values.keys.get(action)
                {
                    overrides.insert(action.to_owned(), (keys.clone(), place.clone()));
                }
                let origin = Origin {
                    place: place.clone(),
                    for_context,
                };
                effective.origins.insert(key.clone(), origin);
            }
        }
        effective.config.keys = keymap(&overrides, &known.actions)?;
        Ok(effective)
    }

    /// Where the value of that name comes from; `None`: it is the default.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.origins.get(key)
    }

    /// Every value by its name, and where it comes from; of the keys those that were changed.
    pub fn entries(&self) -> impl Iterator<Item = (String, toml::Value, Option<&Origin>)> {
        let fields = fields::all().map(|field| (field.key.to_owned(), (field.get)(&self.config)));
        let keys = self.config.keys.iter().map(|(action, keys)| {
            let keys: Vec<String> = keys.iter().map(|key| key.spelled()).collect();
            (format!("keys.{action}"), toml::Value::from(keys))
        });
        fields.chain(keys).map(|(key, value)| {
            let origin = self.origin(&key);
            (key, value, origin)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_variables_are_told_with_the_nearest() {
        let names = [
            "GPUTOP_K3S_THEEM",
            "GPUTOP_K3S_THEME",
            "GPUTOP_K3S_LOG",
            "HOME",
        ];
        let unknown = unknown_variables(names.map(str::to_owned));
        let near = Some("GPUTOP_K3S_THEME".to_owned());
        assert_eq!(unknown, [("GPUTOP_K3S_THEEM".to_owned(), near)]);
    }
}
