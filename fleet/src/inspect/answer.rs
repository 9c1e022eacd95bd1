//! One ask, from the question to its last answer.

use std::time::Duration;

use futures::future::BoxFuture;
use kube::Client;
use serde_json::Value;
use tokio::time::timeout;

use super::desk::Outlet;
use super::problem::{about, plain, silent};
use super::{Answer, Ask, Subject, describe, events, fetch, logs, manifest, rights};
use crate::connect::Problem;

/// How long the server may take for what is asked once, and for the beginning of a log.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks and sends what comes back; the last answer always comes unless nobody listens.
pub(super) async fn answer(client: &Client, ask: Ask, outlet: &Outlet) {
    let once: BoxFuture<'_, Result<Answer, Problem>> = match ask {
        Ask::Events(subject) => Box::pin(events_of(client, subject)),
        Ask::Manifest(subject) => Box::pin(manifest_of(client, subject)),
        Ask::Describe(subject) => Box::pin(describe_it(client, subject)),
        Ask::Rights(namespace) => Box::pin(rights_in(client, namespace)),
        Ask::Namespaces => Box::pin(namespaces(client)),
        Ask::Logs(request) => return logs::follow(client, request, PATIENCE, outlet).await,
    };
    let answer = match timeout(PATIENCE, once).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(problem)) => Answer::Failed(problem),
        Err(_elapsed) => Answer::Failed(silent(PATIENCE)),
    };
    outlet.send(answer).await;
}

async fn events_of(client: &Client, subject: Subject) -> Result<Answer, Problem> {
    let (object, list) = object_and_events(client, &subject).await;
    let list = list.map_err(|error| about(&error, &subject))?;
    // Without the object, events of an earlier one of the same name can not be told apart.
    let uid = object
        .as_ref()
        .ok()
        .and_then(|object| uid(object, &subject));
    Ok(Answer::Events(events::event_infos(&list, uid)))
}

async fn manifest_of(client: &Client, subject: Subject) -> Result<Answer, Problem> {
    let object = fetch::object(client, &subject).await;
    let object = object.map_err(|error| about(&error, &subject))?;
    manifest::yaml(object).map(Answer::Manifest)
}

async fn describe_it(client: &Client, subject: Subject) -> Result<Answer, Problem> {
    let (object, list) = object_and_events(client, &subject).await;
    let object = object.map_err(|error| about(&error, &subject))?;
    let events = list
        .map(|list| events::event_infos(&list, uid(&object, &subject)))
        .map_err(|error| about(&error, &subject));
    let text = describe::describe(&subject, object, &events);
    Ok(Answer::Describe(text))
}

async fn rights_in(client: &Client, namespace: Option<String>) -> Result<Answer, Problem> {
    let rights = rights::rights(client, namespace.as_deref()).await?;
    Ok(Answer::Rights(rights))
}

async fn namespaces(client: &Client) -> Result<Answer, Problem> {
    let names = fetch::namespaces(client).await;
    names.map(Answer::Namespaces).map_err(|error| plain(&error))
}

type Fetched<T> = Result<T, kube::Error>;

async fn object_and_events(
    client: &Client,
    subject: &Subject,
) -> (Fetched<Value>, Fetched<Vec<Value>>) {
    tokio::join!(
        fetch::object(client, subject),
        fetch::events(client, subject)
    )
}

/// The uid that the object's events carry; kubelets write a node's name in its place.
fn uid<'a>(object: &'a Value, subject: &Subject) -> Option<&'a str> {
    match subject {
        Subject::Pod(_) => object.pointer("/metadata/uid")?.as_str(),
        Subject::Node(_) => None,
    }
}
