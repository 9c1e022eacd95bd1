//! Which container is meant when none is named.

use kube::core::Request;
use serde_json::Value;

use super::json::Json;
use gputop_model::PodKey;

/// The container that kubectl would take: the one that an annotation names, else the first.
pub(super) fn default_container(pod: &Value) -> Option<String> {
    let named = pod.text("/metadata/annotations/kubectl.kubernetes.io~1default-container");
    let mut known = pod
        .items("/spec/containers")
        .iter()
        .map(|container| container.text("/name"));
    let first = known.clone().next();
    let chosen = known.find(|name| *name == named).or(first)?;
    Some(chosen.to_owned()).filter(|name| !name.is_empty())
}

/// The named container, else the pod's own choice; `None` leaves it to the server.
pub(super) async fn container_of(
    client: &kube::Client,
    pod: &PodKey,
    named: Option<String>,
) -> Option<String> {
    if named.is_some() {
        return named;
    }
    let path = format!("/api/v1/namespaces/{}/pods", pod.namespace);
    let request = Request::new(path).get(&pod.name, &kube::api::GetParams::default());
    // Somebody may read logs and not pods: then the server decides, or says what is missing.
    let object: Value = client.request(request.ok()?).await.ok()?;
    default_container(&object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_annotation_wins_if_there_is_such_a_container() {
        let mut pod = json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        assert_eq!(default_container(&pod).as_deref(), Some("a"));
        pod["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/default-container": "b"});
        assert_eq!(default_container(&pod).as_deref(), Some("b"));
        pod["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/default-container": "z"});
        assert_eq!(default_container(&pod).as_deref(), Some("a"));
        assert_eq!(default_container(&json!({})), None);
    }
}
