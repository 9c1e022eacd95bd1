//! What a process belongs to: the daemon's cgroup facts joined with the API's names.

use std::collections::{BTreeMap, HashMap};

use gputop_model::{GpuProcess, Holder, NodeName, PodInfo, PodUid};

use super::rows::ProcessOwner;

/// Pods by every name that a process or an allocation may know them by.
pub(super) struct Names<'a> {
    by_uid: &'a BTreeMap<PodUid, PodInfo>,
    by_key: HashMap<(&'a str, &'a str), &'a PodInfo>,
}

impl<'a> Names<'a> {
    pub(super) fn new(pods: &'a BTreeMap<PodUid, PodInfo>) -> Self {
        let by_key = pods
            .values()
            .map(|pod| ((&*pod.key.namespace, &*pod.key.name), pod))
            .collect();
        Self {
            by_uid: pods,
            by_key,
        }
    }

    pub(super) fn by_key(&self, namespace: &str, name: &str) -> Option<&'a PodInfo> {
        self.by_key.get(&(namespace, name)).copied()
    }
}

/// The owner of `process` on `node`.
pub(super) fn owner(process: &GpuProcess, node: &NodeName, names: &Names<'_>) -> ProcessOwner {
    let (uid, container_id, namespace, pod, container) = match &process.holder {
        Holder::Outside { kind, name } if name.is_empty() => {
            return ProcessOwner::Outside(kind.name().to_owned());
        }
        Holder::Outside { kind, name } => {
            return ProcessOwner::Outside(format!("{}: {name}", kind.name()));
        }
        Holder::Unknown => return ProcessOwner::Unknown,
        Holder::Pod {
            uid,
            container_id,
            namespace,
            pod,
            container,
        } => (uid, container_id, namespace, pod, container),
    };
    let by_uid = uid.as_ref().and_then(|uid| names.by_uid.get(uid));
    // A name finds a pod only where no uid says which one it was: pods are re-created.
    let by_key = match (uid, namespace, pod) {
        (None, Some(namespace), Some(pod)) => names.by_key(namespace, pod),
        _ => None,
    };
    // A pod of the same name on another node is another pod.
    let info = by_uid
        .or(by_key)
        .filter(|info| info.node.as_ref() == Some(node));
    if let Some(info) = info {
        let by_id = info
            .containers
            .iter()
            .find(|known| container_id.is_some() && known.id == *container_id)
            .map(|known| known.name.clone());
        return ProcessOwner::Pod {
            namespace: info.key.namespace.to_string(),
            pod: info.key.name.to_string(),
            container: container.clone().or(by_id),
            uid: Some(info.uid.clone()),
        };
    }
    match (namespace, pod, uid) {
        (Some(namespace), Some(pod), uid) => ProcessOwner::Pod {
            namespace: namespace.clone(),
            pod: pod.clone(),
            container: container.clone(),
            uid: uid.clone(),
        },
        (_, _, Some(uid)) => ProcessOwner::UnknownPod(uid.clone()),
        _ => ProcessOwner::Unknown,
    }
}
