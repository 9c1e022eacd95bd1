//! `Status` bodies: how the API server says no.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::store::{Kind, StoreError};

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    code: u16,
    reason: &'static str,
    message: String,
    details: Value,
    metadata: Value,
}

impl Failure {
    /// A failure without details.
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Value::Null,
            metadata: json!({}),
        }
    }

    /// 400: the request makes no sense.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 404: the path is not served.
    pub(crate) fn no_such_path() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
        .with_details(json!({}))
    }

    /// 405: the path is served, the method is not.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
        .with_details(json!({}))
    }

    /// 410: a revision or token that is too old.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 422: a patch that does not apply.
    pub(crate) fn unprocessable() -> Self {
        Self::new(
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
        )
        .with_details(json!({}))
    }

    /// 504: a revision that has not come yet.
    pub(crate) fn too_large_revision(wanted: u64, current: u64) -> Self {
        Self::new(
            504,
            "Timeout",
            format!("Too large resource version: {wanted}, current: {current}"),
        )
        .with_details(json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        }))
    }

    /// Adds `details`.
    pub(crate) fn with_details(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// Adds a fresh `continue` token.
    pub(crate) fn with_continue(mut self, token: &str) -> Self {
        self.metadata = json!({"continue": token});
        self
    }

    /// The body.
    pub(crate) fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if let Some(fields) = body.as_object_mut() {
            if !self.reason.is_empty() {
                fields.insert("reason".to_owned(), self.reason.into());
            }
            if !self.details.is_null() {
                fields.insert("details".to_owned(), self.details.clone());
            }
        }
        body
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        let about = |kind: Kind, name: &str| {
            let mut details = Map::new();
            details.insert("name".to_owned(), name.into());
            if !kind.info().group.is_empty() {
                details.insert("group".to_owned(), kind.info().group.into());
            }
            details.insert("kind".to_owned(), kind.info().plural.into());
            details
        };
        let (code, reason, details) = match &error {
            StoreError::AlreadyExists { kind, name } => (409, "AlreadyExists", about(*kind, name)),
            StoreError::NotFound { kind, name } => (404, "NotFound", about(*kind, name)),
            StoreError::Conflict { kind, name, .. } => (409, "Conflict", about(*kind, name)),
            StoreError::Invalid {
                kind,
                name,
                field,
                why,
            } => {
                let mut details = about(*kind, name);
                details.insert("kind".to_owned(), kind.info().kind.into());
                details.insert(
                    "causes".to_owned(),
                    json!([{"reason": "FieldValueInvalid", "message": why, "field": field}]),
                );
                (422, "Invalid", details)
            }
            StoreError::BadRequest { .. } => return Self::bad_request(message),
        };
        Self::new(code, reason, message).with_details(Value::Object(details))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let code = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (code, Json(self.body())).into_response()
    }
}

/// A `Status` that says yes.
pub(crate) fn success(code: u16, details: Option<Value>) -> Value {
    let mut body = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
    });
    if let Some(fields) = body.as_object_mut() {
        match details {
            Some(details) => fields.insert("details".to_owned(), details),
            None => fields.insert("code".to_owned(), code.into()),
        };
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_those_of_the_real_server() {
        let body = Failure::from(StoreError::NotFound {
            kind: Kind::Deployment,
            name: "web".to_owned(),
        })
        .body();
        assert_eq!(
            body,
            json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "deployments.apps \"web\" not found", "reason": "NotFound",
                "details": {"name": "web", "group": "apps", "kind": "deployments"}, "code": 404,
            })
        );
        let conflict = Failure::from(StoreError::modified(Kind::Node, "gpu-c")).body();
        assert!(conflict["message"].as_str().unwrap().starts_with(
            "Operation cannot be fulfilled on nodes \"gpu-c\": the object has been modified"
        ));
    }
}
