//! From HTTP requests to the functions that answer them.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Query as AxumQuery, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::request::Parts;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::access::Access;
use super::exec::Exec;
use super::patch::PatchKind;
use super::path::Target;
use super::query::Query;
use super::status::Failure;
use super::{delete, discovery, evict, exec, list, log, port_forward, review, scale, watch, write};
use crate::daemon::Daemons;
use crate::store::{Kind, Shared};

/// Largest request body: as the real server, 3 MiB.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// What the handlers work on.
#[derive(Debug, Clone)]
pub(crate) struct ApiState {
    pub(crate) shared: Arc<Shared>,
    pub(crate) daemons: Arc<Daemons>,
}

/// The whole API.
pub(crate) fn router(state: ApiState) -> Router {
    Router::new().fallback(answer).with_state(state)
}

async fn answer(
    State(state): State<ApiState>,
    Extension(access): Extension<Access>,
    Extension(cut): Extension<CancellationToken>,
    request: Request,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = AxumQuery::<Vec<(String, String)>>::try_from_uri(&parts.uri)
        .map(|AxumQuery(pairs)| Query::new(pairs))
        .unwrap_or_default();
    if let Some(answer) = fixed(&parts.method, &path) {
        return answer;
    }
    let body = match http_body_util::Limited::new(body, BODY_LIMIT)
        .collect()
        .await
    {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            let message = format!("Request entity too large or broken: {error}");
            return Failure::new(413, "RequestEntityTooLarge", message).into_response();
        }
    };
    if let Some(result) = reviews(access, &path, &body) {
        return result.unwrap_or_else(IntoResponse::into_response);
    }
    let Some(target) = Target::parse(&path) else {
        return Failure::no_such_path().into_response();
    };
    if let Err(failure) = access.check(&parts.method, &target, query.flag("watch")) {
        return failure.into_response();
    }
    if matches!(target.subresource.as_deref(), Some("exec" | "portforward")) {
        return match upgrade(&state, &target, &query, &mut parts, cut).await {
            Ok(response) | Err(response) => response,
        };
    }
    dispatch(&state, &parts, &target, &query, &body).unwrap_or_else(IntoResponse::into_response)
}

/// Paths that do not depend on the store.
fn fixed(method: &Method, path: &str) -> Option<Response> {
    if *method != Method::GET {
        return None;
    }
    if matches!(path, "/readyz" | "/livez" | "/healthz") {
        return Some("ok".into_response());
    }
    discovery::discover(path).map(|body| Json(body).into_response())
}

fn reviews(access: Access, path: &str, body: &Bytes) -> Option<Result<Response, Failure>> {
    let review: fn(Access, Value) -> Value = match path {
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => review::access_review,
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews" => review::rules_review,
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => {
            |access, _| review::subject_review(access)
        }
        _ => return None,
    };
    Some(read(body).map(|body| created(review(access, body))))
}

/// Turns the connection into that of a port-forward or an exec.
async fn upgrade(
    state: &ApiState,
    target: &Target,
    query: &Query,
    parts: &mut Parts,
    cut: CancellationToken,
) -> Result<Response, Response> {
    let (shared, daemons) = (state.shared.clone(), state.daemons.clone());
    if target.subresource.as_deref() == Some("exec") {
        let exec = shared
            .with(|store, _| Exec::open(store, &daemons, target, query))
            .map_err(IntoResponse::into_response)?;
        let upgrade = websocket(parts).await?.protocols(exec::PROTOCOLS);
        return Ok(upgrade.on_upgrade(move |socket| async move {
            let work = exec::serve(socket, exec, shared);
            cut.run_until_cancelled(work).await;
        }));
    }
    let endpoint = shared
        .with(|store, _| port_forward::endpoint(store, target, query))
        .map_err(IntoResponse::into_response)?;
    let upgrade = websocket(parts).await?.protocols([port_forward::PROTOCOL]);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let work = port_forward::forward(socket, endpoint, &daemons);
        cut.run_until_cancelled(work).await;
    }))
}

async fn websocket(parts: &mut Parts) -> Result<WebSocketUpgrade, Response> {
    let upgrade = WebSocketUpgrade::from_request_parts(parts, &()).await;
    upgrade.map_err(|_| Failure::bad_request("Upgrade request required").into_response())
}

fn dispatch(
    state: &ApiState,
    parts: &Parts,
    target: &Target,
    query: &Query,
    body: &Bytes,
) -> Result<Response, Failure> {
    let shared = &state.shared;
    let sub = target.subresource.as_deref();
    match (parts.method.as_str(), target.name.is_some(), sub) {
        ("GET", false, None) => {
            let filter = query.filter(target.kind, target.namespace.as_deref())?;
            if query.flag("watch") {
                return watch::watch(shared, target.kind, filter, query);
            }
            let list = shared.with(|store, _| list::list(store, target.kind, &filter, query))?;
            Ok(Json(list).into_response())
        }
        ("GET", true, None | Some("status")) => {
            let key = write::key_of(target);
            let object = shared.with(|store, _| store.require(target.kind, &key).cloned())?;
            Ok(Json(&*object).into_response())
        }
        ("GET", true, Some("log")) => log::log(shared, target, query),
        ("GET", true, Some("scale")) => {
            let view = shared.with(|store, _| scale::get(store, target))?;
            Ok(Json(view).into_response())
        }
        ("POST", false, None) => {
            let object = read(body)?;
            let object =
                shared.with(|store, now| write::create(store, target, object, query, now))?;
            Ok(created(&*object))
        }
        ("POST", true, Some("eviction")) => {
            let body = read(body)?;
            let status =
                shared.with(|store, now| evict::evict(store, target, &body, query, now))?;
            Ok(created(status))
        }
        ("PUT", true, None | Some("status")) => {
            let object = read(body)?;
            let object = shared.with(|store, _| write::replace(store, target, object, query))?;
            Ok(Json(&*object).into_response())
        }
        ("PUT", true, Some("scale")) => {
            let body = read(body)?;
            let view = shared.with(|store, _| scale::set(store, target, &body, None, query))?;
            Ok(Json(view).into_response())
        }
        ("PATCH", true, None | Some("status" | "scale")) => {
            let how = patch_kind(parts)?;
            let patch = read(body)?;
            if sub == Some("scale") {
                let view =
                    shared.with(|store, _| scale::set(store, target, &patch, Some(how), query))?;
                return Ok(Json(view).into_response());
            }
            let (code, object) =
                shared.with(|store, now| write::patch(store, target, how, &patch, query, now))?;
            Ok((code, Json(&*object)).into_response())
        }
        ("DELETE", true, None) => {
            let body = read_options(body)?;
            let answer =
                shared.with(|store, now| delete::delete(store, target, &body, query, now))?;
            Ok(Json(answer).into_response())
        }
        ("DELETE", false, None) if target.kind != Kind::Namespace => {
            let filter = query.filter(target.kind, target.namespace.as_deref())?;
            let body = read_options(body)?;
            let answer = shared.with(|store, now| {
                delete::delete_collection(store, target.kind, &filter, &body, query, now)
            })?;
            Ok(Json(answer).into_response())
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

fn created(body: impl serde::Serialize) -> Response {
    (StatusCode::CREATED, Json(body)).into_response()
}

fn patch_kind(parts: &Parts) -> Result<PatchKind, Failure> {
    let text = parts
        .headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    PatchKind::from_content_type(text).ok_or_else(|| {
        Failure::new(
            415,
            "UnsupportedMediaType",
            format!(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, \
                 application/apply-patch+yaml (got {text:?})"
            ),
        )
    })
}

fn read(body: &Bytes) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type JSON): {error}"
        ))
    })
}

fn read_options(body: &Bytes) -> Result<Value, Failure> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    read(body)
}
