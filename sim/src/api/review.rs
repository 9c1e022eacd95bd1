//! Access reviews: what the client may do.

use serde_json::{Value, json};

use super::router::Access;
use crate::store::ObjectExt;

/// Answers POST on `selfsubjectaccessreviews`.
pub(crate) fn access_review(access: Access, mut review: Value) -> Value {
    let verb = review.text("/spec/resourceAttributes/verb");
    let allowed = access.allows(verb) || verb.is_empty();
    let reason = "RBAC: allowed by ClusterRoleBinding \"cluster-admin\" of ClusterRole \
                  \"cluster-admin\" to Group \"system:masters\"";
    let status = if allowed {
        json!({"allowed": true, "reason": reason})
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

/// Answers POST on `selfsubjectrulesreviews`.
pub(crate) fn rules_review(access: Access, mut review: Value) -> Value {
    let verbs = access.verbs();
    if let Some(fields) = review.as_object_mut() {
        fields.insert(
            "status".to_owned(),
            json!({
                "resourceRules": [{"verbs": verbs, "apiGroups": ["*"], "resources": ["*"]}],
                "nonResourceRules": [{"verbs": verbs, "nonResourceURLs": ["*"]}],
                "incomplete": false,
            }),
        );
    }
    review
}

/// Answers POST on `selfsubjectreviews`.
pub(crate) fn subject_review(access: Access) -> Value {
    json!({
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {},
        "status": {"userInfo": {
            "username": access.user(),
            "groups": ["system:masters", "system:authenticated"],
        }},
    })
}
