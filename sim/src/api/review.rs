//! Access reviews: what the client may do.

use serde_json::{Value, json};

use super::access::Access;
use crate::store::ObjectExt;

/// Answers POST on `selfsubjectaccessreviews`.
pub(crate) fn access_review(access: Access, mut review: Value) -> Value {
    let attributes = "/spec/resourceAttributes";
    let verb = review.text(&format!("{attributes}/verb"));
    let namespace = review.text(&format!("{attributes}/namespace"));
    let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
    let status = if access.allows(verb, namespace) {
        json!({"allowed": true, "reason": reason(access)})
    } else {
        json!({"allowed": false})
    };
    if let Some(fields) = review.as_object_mut() {
        fields.insert("kind".to_owned(), "SelfSubjectAccessReview".into());
        fields.insert("apiVersion".to_owned(), "authorization.k8s.io/v1".into());
        fields.insert("status".to_owned(), status);
    }
    review
}

fn reason(access: Access) -> String {
    match access {
        Access::Admin => "RBAC: allowed by ClusterRoleBinding \"cluster-admin\" of ClusterRole \
                          \"cluster-admin\" to Group \"system:masters\""
            .to_owned(),
        Access::ReadOnly => "RBAC: allowed by ClusterRoleBinding \"viewer\" of ClusterRole \
                             \"viewer\" to User \"viewer\""
            .to_owned(),
        Access::Namespace(own) => format!(
            "RBAC: allowed by RoleBinding \"tenant/{own}\" of ClusterRole \"admin\" to User \
             \"tenant\""
        ),
    }
}

/// Answers POST on `selfsubjectrulesreviews`.
pub(crate) fn rules_review(access: Access, mut review: Value) -> Value {
    let verbs = access.verbs(Some(review.text("/spec/namespace")));
    let rules = if verbs.is_empty() {
        json!([])
    } else {
        json!([{"verbs": verbs, "apiGroups": ["*"], "resources": ["*"]}])
    };
    let paths = access.verbs(None);
    let paths = if paths.is_empty() {
        json!([])
    } else {
        json!([{"verbs": paths, "nonResourceURLs": ["*"]}])
    };
    if let Some(fields) = review.as_object_mut() {
        fields.insert("kind".to_owned(), "SelfSubjectRulesReview".into());
        fields.insert("apiVersion".to_owned(), "authorization.k8s.io/v1".into());
        fields.insert(
            "status".to_owned(),
            json!({"resourceRules": rules, "nonResourceRules": paths, "incomplete": false}),
        );
    }
    review
}

/// Answers POST on `selfsubjectreviews`.
pub(crate) fn subject_review(access: Access) -> Value {
    let group = match access {
        Access::Admin => "system:masters",
        Access::ReadOnly | Access::Namespace(_) => "people",
    };
    json!({
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {},
        "status": {"userInfo": {
            "username": access.user(),
            "groups": [group, "system:authenticated"],
        }},
    })
}
