//! What is asked of the API server, as JSON: single objects and lists, page by page.

use kube::Client;
use kube::api::{GetParams, ListParams};
use kube::core::Request;
use serde_json::Value;

use super::Subject;
use super::json::Json;

/// Objects in one page of a list.
const PAGE: u32 = 500;

/// Pages that are read at most: what is asked for here is looked at by a person.
const PAGES: usize = 20;

/// The object itself.
pub(super) async fn object(client: &Client, subject: &Subject) -> Result<Value, kube::Error> {
    let (path, name) = match subject {
        Subject::Node(name) => ("/api/v1/nodes".to_owned(), name.as_str()),
        Subject::Pod(key) => (
            format!("/api/v1/namespaces/{}/pods", key.namespace),
            &*key.name,
        ),
    };
    let request = Request::new(path).get(name, &GetParams::default());
    client
        .request(request.map_err(kube::Error::BuildRequest)?)
        .await
}

/// The events of an object, in no order.
pub(super) async fn events(client: &Client, subject: &Subject) -> Result<Vec<Value>, kube::Error> {
    // Events of what has no namespace are kept in `default`.
    let (namespace, kind, name) = match subject {
        Subject::Node(name) => ("default", "Node", name.as_str()),
        Subject::Pod(key) => (&*key.namespace, "Pod", &*key.name),
    };
    let path = format!("/api/v1/namespaces/{namespace}/events");
    let fields = format!("involvedObject.kind={kind},involvedObject.name={name}");
    list(client, path, &fields).await
}

/// Names of the namespaces, sorted.
pub(super) async fn namespaces(client: &Client) -> Result<Vec<String>, kube::Error> {
    let list = list(client, "/api/v1/namespaces".to_owned(), "").await?;
    let mut names: Vec<String> = list
        .iter()
        .map(|namespace| namespace.text("/metadata/name").to_owned())
        .collect();
    names.sort();
    Ok(names)
}

async fn list(client: &Client, path: String, fields: &str) -> Result<Vec<Value>, kube::Error> {
    let collection = Request::new(path);
    let mut items = Vec::new();
    let mut token = None;
    for _ in 0..PAGES {
        let parameters = ListParams {
            field_selector: Some(fields.to_owned()).filter(|fields| !fields.is_empty()),
            limit: Some(PAGE),
            continue_token: token,
            ..ListParams::default()
        };
        let request = collection.list(&parameters);
        let mut page: Value = client
            .request(request.map_err(kube::Error::BuildRequest)?)
            .await?;
        if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
            items.extend(more);
        }
        token = Some(page.text("/metadata/continue").to_owned()).filter(|next| !next.is_empty());
        if token.is_none() {
            break;
        }
    }
    Ok(items)
}
