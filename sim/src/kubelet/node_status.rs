//! A node's status as its kubelet reports it.

use std::collections::BTreeMap;

use gputop_node::source::simulated::Fault;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::is_sick;
use crate::clock::rfc3339;
use crate::identity::{Ids, hash};
use crate::scenario::NodeScenario;
use crate::store::ObjectExt;

/// The whole status; `old` is the node as it is stored.
pub(crate) fn node_status(
    node: &NodeScenario,
    fault: Option<Fault>,
    old: Option<&Value>,
    now: Timestamp,
) -> Value {
    let capacity = resources(node, None);
    let allocatable = resources(node, fault);
    let mut handlers = vec![handler(""), handler("runc")];
    if node.spec.driver.is_some() {
        handlers.insert(1, handler("nvidia"));
    }
    let mut ids = Ids::new(hash(&["machine", node.spec.name.as_str()]));
    json!({
        "capacity": capacity,
        "allocatable": allocatable,
        "conditions": conditions(old, now),
        "addresses": [
            {"type": "InternalIP", "address": node.address},
            {"type": "Hostname", "address": node.spec.name.as_str()},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "machineID": ids.uuid().replace('-', ""),
            "systemUUID": ids.uuid(),
            "bootID": ids.uuid(),
            "kernelVersion": node.kernel,
            "osImage": node.os,
            "containerRuntimeVersion": "containerd://2.2.9-k3s1",
            "kubeletVersion": node.kubelet_version,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": node.arch,
        },
        "runtimeHandlers": handlers,
        "images": [],
    })
}

/// Amounts by resource; sick devices count for capacity only.
fn resources(node: &NodeScenario, fault: Option<Fault>) -> Value {
    let mut amounts = Map::new();
    amounts.insert("cpu".to_owned(), node.cpu.to_string().into());
    let memory = format!("{}Ki", node.memory.0 / 1024);
    amounts.insert("memory".to_owned(), memory.into());
    amounts.insert("ephemeral-storage".to_owned(), "479151816Ki".into());
    amounts.insert("hugepages-2Mi".to_owned(), "0".into());
    amounts.insert("pods".to_owned(), "110".into());
    let devices: BTreeMap<_, _> = node.spec.device_ids();
    for (resource, ids) in devices {
        let well = ids
            .iter()
            .filter(|id| !is_sick(&node.spec, fault, id))
            .count();
        amounts.insert(resource, well.to_string().into());
    }
    Value::Object(amounts)
}

fn handler(name: &str) -> Value {
    json!({"name": name, "features": {"recursiveReadOnlyMounts": true, "userNamespaces": true}})
}

fn conditions(old: Option<&Value>, now: Timestamp) -> Vec<Value> {
    [
        (
            "MemoryPressure",
            "False",
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available",
        ),
        (
            "DiskPressure",
            "False",
            "KubeletHasNoDiskPressure",
            "kubelet has no disk pressure",
        ),
        (
            "PIDPressure",
            "False",
            "KubeletHasSufficientPID",
            "kubelet has sufficient PID available",
        ),
        (
            "Ready",
            "True",
            "KubeletReady",
            "kubelet is posting ready status",
        ),
    ]
    .into_iter()
    .map(|(kind, status, reason, message)| {
        let conditions = old.map_or(&[][..], |node| node.items("/status/conditions"));
        let same = conditions
            .iter()
            .find(|item| item.text("/type") == kind && item.text("/status") == status);
        let since = same.map_or_else(
            || rfc3339(now),
            |item| item.text("/lastTransitionTime").to_owned(),
        );
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": rfc3339(now), "lastTransitionTime": since,
        })
    })
    .collect()
}
