//! The container that a request about a pod means.

use serde_json::Value;

use super::query::Query;
use super::status::Failure;
use crate::store::ObjectExt;

const INITS: &str = "/spec/initContainers";
const MAIN: &str = "/spec/containers";

/// The one that the query names, or the pod's only one; the refusals are the API server's.
pub(super) fn named(pod: &Value, query: &Query) -> Result<String, Failure> {
    let all =
        |list: &str| -> Vec<&str> { pod.items(list).iter().map(|c| c.text("/name")).collect() };
    let (main, inits) = (all(MAIN), all(INITS));
    if let Some(name) = query.get("container") {
        if main.contains(&name) || inits.contains(&name) {
            return Ok(name.to_owned());
        }
        return Err(Failure::bad_request(format!(
            "container {name} is not valid for pod {}",
            pod.name()
        )));
    }
    if let [only] = main.as_slice() {
        return Ok((*only).to_owned());
    }
    let inits = if inits.is_empty() {
        String::new()
    } else {
        format!(" or one of the init containers: [{}]", inits.join(" "))
    };
    Err(Failure::bad_request(format!(
        "a container name must be specified for pod {}, choose one of: [{}]{inits}",
        pod.name(),
        main.join(" ")
    )))
}

/// The spec of a container.
pub(super) fn spec<'a>(pod: &'a Value, name: &str) -> Option<&'a Value> {
    let all = pod.items(MAIN).iter().chain(pod.items(INITS));
    all.into_iter()
        .find(|container| container.text("/name") == name)
}

/// The status of a container.
pub(super) fn status<'a>(pod: &'a Value, name: &str) -> Option<&'a Value> {
    let all = pod
        .items("/status/containerStatuses")
        .iter()
        .chain(pod.items("/status/initContainerStatuses"));
    all.into_iter().find(|status| status.text("/name") == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn query(container: &str) -> Query {
        Query::new(vec![("container".to_owned(), container.to_owned())])
    }

    #[test]
    fn one_is_enough_and_several_must_be_told_apart() {
        let mut pod = json!({
            "metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}]},
        });
        assert_eq!(named(&pod, &query("")).unwrap(), "a");
        pod["spec"]["containers"] = json!([{"name": "a"}, {"name": "b"}]);
        pod["spec"]["initContainers"] = json!([{"name": "i"}]);
        assert_eq!(named(&pod, &query("i")).unwrap(), "i");
        let said = named(&pod, &query("")).unwrap_err();
        assert_eq!(
            said.body()["message"],
            "a container name must be specified for pod p, choose one of: [a b] or one of the \
             init containers: [i]"
        );
        let said = named(&pod, &query("z")).unwrap_err();
        assert_eq!(said.body()["message"], "container z is not valid for pod p");
    }
}
