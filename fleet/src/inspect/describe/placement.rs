//! Where a pod may run: selectors, affinity, tolerations, taints, in one line each.

use serde_json::Value;

use crate::inspect::json::{Json, scalar};

/// A toleration as kubectl writes it: `key=value:Effect for 300s`.
pub(super) fn toleration(toleration: &Value) -> String {
    let key = toleration.text("/key");
    let operator = toleration.text("/operator");
    let value = toleration.text("/value");
    let mut text = match (key.is_empty(), value.is_empty()) {
        (true, _) => "everything".to_owned(),
        (false, true) => key.to_owned(),
        (false, false) => format!("{key}={value}"),
    };
    let effect = toleration.text("/effect");
    if !effect.is_empty() {
        text = format!("{text}:{effect}");
    }
    if !operator.is_empty() && operator != "Equal" && !key.is_empty() {
        text = format!("{text} ({operator})");
    }
    match toleration.int("/tolerationSeconds") {
        Some(seconds) => format!("{text} for {seconds} s"),
        None => text,
    }
}

/// A taint: `key=value:Effect`.
pub(super) fn taint(taint: &Value) -> String {
    let (key, value, effect) = (
        taint.text("/key"),
        taint.text("/value"),
        taint.text("/effect"),
    );
    if value.is_empty() {
        format!("{key}:{effect}")
    } else {
        format!("{key}={value}:{effect}")
    }
}

/// What a pod's affinity demands or prefers, one line each.
pub(super) fn affinity(spec: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let required =
        "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let terms: Vec<String> = spec.items(required).iter().map(node_term).collect();
    if !terms.is_empty() {
        lines.push(format!("node must have: {}", terms.join("; or ")));
    }
    let preferred = "/affinity/nodeAffinity/preferredDuringSchedulingIgnoredDuringExecution";
    for term in spec.items(preferred) {
        let weight = term.int("/weight").unwrap_or_default();
        let text = term.get("preference").map(node_term).unwrap_or_default();
        lines.push(format!("node should have (weight {weight}): {text}"));
    }
    for (field, with) in [("podAffinity", "beside"), ("podAntiAffinity", "apart from")] {
        let required = format!("/affinity/{field}/requiredDuringSchedulingIgnoredDuringExecution");
        for term in spec.items(&required) {
            lines.push(format!("must run {with} {}", pod_term(term)));
        }
        let preferred =
            format!("/affinity/{field}/preferredDuringSchedulingIgnoredDuringExecution");
        for term in spec.items(&preferred) {
            let weight = term.int("/weight").unwrap_or_default();
            let text = term.get("podAffinityTerm").map(pod_term);
            lines.push(format!(
                "should run {with} (weight {weight}) {}",
                text.unwrap_or_default()
            ));
        }
    }
    lines
}

/// How pods of a kind are to be spread.
pub(super) fn spread(constraint: &Value) -> String {
    format!(
        "{} by {}: at most {} apart, {}",
        selector(constraint.get("labelSelector")),
        constraint.text("/topologyKey"),
        constraint.int("/maxSkew").unwrap_or(1),
        if constraint.text("/whenUnsatisfiable") == "ScheduleAnyway" {
            "preferred"
        } else {
            "required"
        }
    )
}

fn node_term(term: &Value) -> String {
    let labels = term.items("/matchExpressions").iter();
    let fields = term.items("/matchFields").iter();
    let all: Vec<String> = labels.chain(fields).map(expression).collect();
    all.join(" and ")
}

fn pod_term(term: &Value) -> String {
    format!(
        "pods with {} by {}",
        selector(term.get("labelSelector")),
        term.text("/topologyKey")
    )
}

fn selector(selector: Option<&Value>) -> String {
    let Some(selector) = selector else {
        return "any labels".to_owned();
    };
    let labels = selector.pairs("/matchLabels");
    let labels = labels.iter().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.items("/matchExpressions").iter().map(expression);
    let all: Vec<String> = labels.chain(expressions).collect();
    if all.is_empty() {
        return "any labels".to_owned();
    }
    all.join(" and ")
}

fn expression(expression: &Value) -> String {
    let key = expression.text("/key");
    let values: Vec<String> = expression
        .items("/values")
        .iter()
        .filter_map(scalar)
        .collect();
    let values = values.join(", ");
    match expression.text("/operator") {
        "In" => format!("{key} in ({values})"),
        "NotIn" => format!("{key} not in ({values})"),
        "Exists" => key.to_owned(),
        "DoesNotExist" => format!("no {key}"),
        "Gt" => format!("{key} > {values}"),
        "Lt" => format!("{key} < {values}"),
        other => format!("{key} {other} {values}"),
    }
}
