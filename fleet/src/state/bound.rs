//! Pods by the node that they are bound to.

use std::collections::HashMap;
use std::sync::Arc;

use gputop_model::{NodeName, PodInfo};

use super::store::Fleet;

/// A pod and its place among all pods, which are in the order of their names.
#[derive(Clone, Copy)]
pub(super) struct Bound<'a> {
    pub(super) at: usize,
    pub(super) info: &'a Arc<PodInfo>,
}

/// The pods of each node, by namespace and name.
pub(super) struct BoundPods<'a>(HashMap<&'a NodeName, Vec<Bound<'a>>>);

impl<'a> BoundPods<'a> {
    pub(super) fn new(fleet: &'a Fleet) -> Self {
        let mut by_node: HashMap<&NodeName, Vec<Bound<'_>>> = HashMap::new();
        for (at, info) in fleet.pods_by_name().enumerate() {
            if let Some(node) = &info.node {
                by_node.entry(node).or_default().push(Bound { at, info });
            }
        }
        Self(by_node)
    }

    /// The pods bound to `node`, once.
    pub(super) fn take(&mut self, node: &NodeName) -> Vec<Bound<'a>> {
        self.0.remove(node).unwrap_or_default()
    }

    /// The pods of the nodes that nobody has asked for.
    pub(super) fn rest(self) -> impl Iterator<Item = Bound<'a>> {
        self.0.into_values().flatten()
    }
}

/// The place of the pod of that name among those bound to one node.
pub(super) fn place_of(pods: &[Bound<'_>], namespace: &str, name: &str) -> Option<usize> {
    pods.binary_search_by(|pod| {
        let key = &pod.info.key;
        key.namespace
            .as_ref()
            .cmp(namespace)
            .then_with(|| key.name.as_ref().cmp(name))
    })
    .ok()
}
