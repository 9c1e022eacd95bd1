//! Field selectors.

use serde_json::Value;

use super::SelectorError;
use crate::store::{Kind, ObjectExt};

/// Fields that an object must or must not have. Empty: matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    pointer: String,
    equal: bool,
    value: String,
}

impl FieldSelector {
    /// From the query parameter `fieldSelector`.
    pub(crate) fn parse(kind: Kind, text: &str) -> Result<Self, SelectorError> {
        let terms = text
            .split(',')
            .filter(|term| !term.is_empty())
            .map(|term| parse_term(kind, term))
            .collect::<Result<_, _>>()?;
        Ok(Self { terms })
    }

    /// Whether the object satisfies every term.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.terms
            .iter()
            .all(|term| (object.text(&term.pointer) == term.value) == term.equal)
    }
}

fn parse_term(kind: Kind, term: &str) -> Result<Term, SelectorError> {
    let (field, equal, value) = if let Some((field, value)) = term.split_once("!=") {
        (field, false, value)
    } else if let Some((field, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        (field, true, value)
    } else {
        return Err(SelectorError(format!(
            "invalid selector: '{term}'; can't understand '{term}'"
        )));
    };
    let known: &[&str] = match kind {
        Kind::Pod => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        Kind::Event => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "reason",
            "type",
        ],
        Kind::Node => &["spec.unschedulable"],
        Kind::Namespace => &["status.phase"],
        _ => &[],
    };
    if !["metadata.name", "metadata.namespace"].contains(&field) && !known.contains(&field) {
        return Err(SelectorError(format!("field label not supported: {field}")));
    }
    Ok(Term {
        pointer: format!("/{}", field.replace('.', "/")),
        equal,
        value: value.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_are_selected_by_node_and_phase() {
        let pod = json!({"spec": {"nodeName": "a.lab"}, "status": {"phase": "Running"}});
        let matches = |text| FieldSelector::parse(Kind::Pod, text).unwrap().matches(&pod);
        assert!(matches(""));
        assert!(matches("spec.nodeName=a.lab,status.phase!=Succeeded"));
        assert!(!matches("spec.nodeName=="));
        assert!(FieldSelector::parse(Kind::Pod, "spec.image=x").is_err());
        assert!(FieldSelector::parse(Kind::Pod, "nonsense").is_err());
    }
}
