//! Faults of the API server, and a count of what it is asked: for tests of clients.
//!
//! They sit in front of everything else, as a broken server, an overloaded one or a login page
//! would.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::path::Target;
use super::status::Failure;
use crate::store::ObjectExt as _;

/// Something that is wrong with the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiFault {
    /// Lists and watches of a resource are refused (403), and access reviews say the same.
    Forbidden {
        /// The resource, such as `nodes`.
        resource: String,
        /// Also within one namespace, not only in all of them.
        everywhere: bool,
    },
    /// Lists and watches are refused (429) and to be tried again after this time, in whole seconds.
    Busy {
        /// What the server asks to wait.
        retry_after: Duration,
    },
    /// Everything is answered with a web page, as by a login page in front of the server.
    WebPage,
    /// Watches end as soon as they have begun, in good order.
    ShortWatches,
}

/// What was asked: `list`, `watch` and so on, and the resource, `""` for a path that names none.
pub type ApiRequest = (&'static str, String);

/// The faults of now and the count.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    fault: Option<ApiFault>,
    requests: BTreeMap<ApiRequest, u64>,
}

impl Faults {
    /// Begins a fault, or ends the one that is. What is under way goes on.
    pub(crate) fn set(&self, fault: Option<ApiFault>) {
        self.lock().fault = fault;
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> BTreeMap<ApiRequest, u64> {
        self.lock().requests.clone()
    }

    /// Counts a request; `Err`: the answer that a fault gives in place of the server's.
    pub(crate) async fn pass(&self, request: Request<Incoming>) -> Result<Request<Body>, Response> {
        let (parts, body) = request.into_parts();
        let target = Target::parse(parts.uri.path());
        let verb = verb(&parts, target.as_ref());
        let fault = self.count(verb, target.as_ref());
        let reads = matches!(verb, "list" | "watch");
        match fault {
            Some(ApiFault::WebPage) => Err(web_page()),
            Some(ApiFault::Busy { retry_after }) if reads => Err(busy(retry_after)),
            Some(ApiFault::ShortWatches) if verb == "watch" => {
                Err(([(header::CONTENT_TYPE, "application/json")], "").into_response())
            }
            Some(ApiFault::Forbidden {
                resource,
                everywhere,
            }) => {
                if let Some(target) = target.filter(|_| reads)
                    && target.kind.info().plural == resource
                    && (everywhere || target.namespace.is_none())
                {
                    return Err(forbidden(verb, &target));
                }
                if parts.uri.path() != REVIEWS {
                    return Ok(Request::from_parts(parts, Body::new(body)));
                }
                let body = body
                    .collect()
                    .await
                    .map(http_body_util::Collected::to_bytes);
                let body = body.unwrap_or_default();
                match denied(&body, &resource, everywhere) {
                    Some(denial) => Err(denial),
                    None => Ok(Request::from_parts(parts, Body::from(body))),
                }
            }
            _ => Ok(Request::from_parts(parts, Body::new(body))),
        }
    }

    fn count(&self, verb: &'static str, target: Option<&Target>) -> Option<ApiFault> {
        let resource = target.map(|target| match &target.subresource {
            Some(sub) => format!("{}/{sub}", target.kind.info().plural),
            None => target.kind.info().plural.to_owned(),
        });
        let mut state = self.lock();
        let asked = (verb, resource.unwrap_or_default());
        *state.requests.entry(asked).or_default() += 1;
        state.fault.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a client asks for its own rights.
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// The verb, as authorization and metrics name it.
fn verb(parts: &Parts, target: Option<&Target>) -> &'static str {
    let is_collection = target.is_some_and(|target| target.name.is_none());
    let watches = parts.uri.query().is_some_and(|query| {
        query
            .split('&')
            .any(|pair| matches!(pair, "watch" | "watch=1" | "watch=true"))
    });
    match (&parts.method, is_collection) {
        (&Method::GET, true) if watches => "watch",
        (&Method::GET, true) => "list",
        (&Method::GET, false) => "get",
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, _) => "delete",
        _ => "other",
    }
}

fn web_page() -> Response {
    let page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n";
    ([(header::CONTENT_TYPE, "text/html")], page).into_response()
}

/// As API priority and fairness says it: in plain text.
fn busy(retry_after: Duration) -> Response {
    let head = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::RETRY_AFTER, retry_after.as_secs().to_string()),
    ];
    let text = "Too many requests, please try again later.\n";
    (StatusCode::TOO_MANY_REQUESTS, head, text).into_response()
}

fn forbidden(verb: &str, target: &Target) -> Response {
    let info = target.kind.info();
    let scope = match &target.namespace {
        Some(namespace) => format!("in the namespace \"{namespace}\""),
        None => "at the cluster scope".to_owned(),
    };
    let message = format!(
        "{} is forbidden: User \"viewer\" cannot {verb} resource \"{}\" in API group \"{}\" {scope}",
        info.plural, info.plural, info.group
    );
    Failure::new(403, "Forbidden", message).into_response()
}

/// The answer to a review that asks for what is forbidden.
fn denied(body: &Bytes, resource: &str, everywhere: bool) -> Option<Response> {
    let mut review: Value = serde_json::from_slice(body).ok()?;
    let asked = |field: &str| {
        let path = format!("/spec/resourceAttributes/{field}");
        review.text(&path).to_owned()
    };
    let concerns = asked("resource") == resource
        && matches!(asked("verb").as_str(), "list" | "watch")
        && (everywhere || asked("namespace").is_empty());
    if !concerns {
        return None;
    }
    review["status"] = json!({"allowed": false});
    Some((StatusCode::CREATED, axum::Json(review)).into_response())
}
