//! Query parameters of list, watch and write requests.

use std::time::Duration;

use super::status::Failure;
use crate::selector::{FieldSelector, LabelSelector};
use crate::store::{Kind, ObjectExt};

/// Parameters of a request; unknown ones are ignored, as the real server does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

/// What a list or watch is restricted to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

impl Filter {
    /// Whether the object is part of the list.
    pub(crate) fn matches(&self, object: &serde_json::Value) -> bool {
        self.namespace
            .as_deref()
            .is_none_or(|namespace| namespace == object.namespace())
            && self
                .name
                .as_deref()
                .is_none_or(|name| name == object.name())
            && self.labels.matches(&object.map("/metadata/labels"))
            && self.fields.matches(object)
    }
}

impl Query {
    /// From pairs that the HTTP layer has decoded.
    pub(crate) const fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }

    /// A parameter; one that is given empty counts as absent.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.pairs.iter().find(|(name, _)| name == key)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// Every value of a parameter that may be repeated.
    pub(crate) fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        let matching = self.pairs.iter().filter(move |(name, _)| name == key);
        matching.map(|(_, value)| value.as_str())
    }

    /// A parameter that is on or off.
    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(
            self.get(key),
            Some("true" | "1" | "t" | "T" | "True" | "TRUE")
        )
    }

    /// A parameter that is a whole number.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>, Failure> {
        let Some(text) = self.get(key) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            Failure::bad_request(format!(
                "strconv.ParseInt: parsing \"{text}\": invalid syntax ({key})"
            ))
        })
    }

    /// Whether nothing must be written.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.all("dryRun").any(|value| value == "All")
    }

    /// `timeoutSeconds`, where given and above zero.
    pub(crate) fn timeout(&self) -> Result<Option<Duration>, Failure> {
        let seconds = self.number("timeoutSeconds")?;
        Ok(seconds.filter(|&s| s > 0).map(Duration::from_secs))
    }

    /// `resourceVersion`; 0 means "any".
    pub(crate) fn revision(&self) -> Result<Option<u64>, Failure> {
        let Some(text) = self.get("resourceVersion") else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            Failure::bad_request(format!(
                "Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
            ))
        })
    }

    /// The restriction that the selectors and the path give.
    pub(crate) fn filter(&self, kind: Kind, namespace: Option<&str>) -> Result<Filter, Failure> {
        let labels = LabelSelector::parse(self.get("labelSelector").unwrap_or(""))
            .map_err(|error| Failure::bad_request(error.to_string()))?;
        let fields = FieldSelector::parse(kind, self.get("fieldSelector").unwrap_or(""))
            .map_err(|error| Failure::bad_request(error.to_string()))?;
        Ok(Filter {
            namespace: namespace.map(str::to_owned),
            name: None,
            labels,
            fields,
        })
    }
}
