//! What a process belongs to: the daemon's cgroup facts joined with the API's names.

use std::collections::BTreeMap;
use std::sync::Arc;

use gputop_model::{GpuProcess, Holder, NodeName, PodInfo, PodUid};

use super::bound::{Bound, place_of};
use super::rows::ProcessOwner;

/// The pods that a process of one node may belong to.
pub(super) struct Names<'a> {
    pub(super) node: &'a NodeName,
    /// Bound to the node.
    pub(super) here: &'a [Bound<'a>],
    /// All that are known.
    pub(super) by_uid: &'a BTreeMap<PodUid, Arc<PodInfo>>,
}

/// The owner of `process`.
pub(super) fn owner(process: &GpuProcess, names: &Names<'_>) -> ProcessOwner {
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
    // A pod of the same name, or a mistaken uid, on another node is another pod.
    let by_uid = uid
        .as_ref()
        .and_then(|uid| names.by_uid.get(uid))
        .filter(|info| info.node.as_ref() == Some(names.node));
    // A name finds a pod only where no uid says which one it was: pods are re-created.
    let by_key = match (uid, namespace, pod) {
        (None, Some(namespace), Some(pod)) => {
            place_of(names.here, namespace, pod).and_then(|place| names.here.get(place))
        }
        _ => None,
    };
    let info = by_uid.or(by_key.map(|pod| pod.info));
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
