//! What the server serves: `/version`, `/api`, `/apis`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::store::{Kind, KindInfo};

const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// Answers GET on a discovery path; `None` when it is not one.
pub(crate) fn discover(path: &str) -> Option<Value> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["version"] => Some(version()),
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"]})),
        ["apis"] => {
            let groups: Vec<Value> = groups().into_iter().map(group).collect();
            Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
        }
        ["api", "v1"] => Some(resources("", "v1")),
        ["apis", name] if groups().contains(name) => {
            let mut group = group(name);
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            Some(group)
        }
        ["apis", name, "v1"] if groups().contains(name) => Some(resources(name, "v1")),
        _ => None,
    }
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "gitVersion": crate::VERSION,
        "gitCommit": "c1d3b1cf2d6a8b8f5e6b2e1f0a7d9c4e3b5a6f70",
        "gitTreeState": "clean",
        "buildDate": "2026-07-21T18:04:11Z",
        "goVersion": "go1.26.2",
        "compiler": "gc",
        "platform": "linux/amd64",
    })
}

fn groups() -> BTreeSet<&'static str> {
    let stored = Kind::ALL.into_iter().map(|kind| kind.info().group);
    let mut groups: BTreeSet<_> = stored.filter(|group| !group.is_empty()).collect();
    groups.extend(["authentication.k8s.io", "authorization.k8s.io"]);
    groups
}

fn group(name: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn resources(group: &str, version: &str) -> Value {
    let infos = Kind::ALL.into_iter().map(Kind::info);
    let resources: Vec<Value> = infos
        .filter(|info| info.group == group)
        .flat_map(entries)
        .chain(reviews(group))
        .collect();
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    })
}

fn entries(info: &'static KindInfo) -> impl Iterator<Item = Value> {
    let entry = |name: String, kind: &str, verbs: &[&str]| {
        json!({
            "name": name, "singularName": info.kind.to_lowercase(), "kind": kind,
            "namespaced": info.namespaced, "verbs": verbs,
        })
    };
    let subresources = info.subresources.iter().map(move |sub| {
        let name = format!("{}/{sub}", info.plural);
        match *sub {
            "eviction" => entry(name, "Eviction", &["create"]),
            "exec" => entry(name, "PodExecOptions", &["create", "get"]),
            "portforward" => entry(name, "PodPortForwardOptions", &["create", "get"]),
            "log" => entry(name, info.kind, &["get"]),
            "scale" => entry(name, "Scale", &["get", "patch", "update"]),
            _ => entry(name, info.kind, &["get", "patch", "update"]),
        }
    });
    std::iter::once(entry(info.plural.to_owned(), info.kind, &VERBS)).chain(subresources)
}

fn reviews(group: &str) -> Vec<Value> {
    let review = |name: &str, kind: &str| {
        json!({
            "name": name, "singularName": kind.to_lowercase(), "kind": kind,
            "namespaced": false, "verbs": ["create"],
        })
    };
    match group {
        "authorization.k8s.io" => vec![
            review("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
            review("selfsubjectrulesreviews", "SelfSubjectRulesReview"),
        ],
        "authentication.k8s.io" => vec![review("selfsubjectreviews", "SelfSubjectReview")],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_that_is_named_is_served() {
        let list = discover("/apis").unwrap();
        for group in list["groups"].as_array().unwrap() {
            let name = group["name"].as_str().unwrap();
            let resources = discover(&format!("/apis/{name}/v1")).unwrap();
            assert!(!resources["resources"].as_array().unwrap().is_empty());
        }
        assert!(discover("/apis/lifecycle.k8s.io").is_none());
        assert!(discover("/api/v1/pods").is_none());
    }
}
