//! Whether a pod fits a node, in the order of the scheduler's own filters.

use std::collections::BTreeMap;

use serde_json::Value;

use super::requests::{Requests, pod_requests};
use crate::selector::Requirement;
use crate::store::{Object, ObjectExt};

/// A node and what is taken of it.
#[derive(Debug, Clone)]
pub(super) struct NodeView {
    pub(super) name: String,
    node: Object,
    allocatable: Requests,
    taken: Requests,
    pods: i64,
    nominated: Vec<Nominated>,
}

/// A waiting pod that is to get a node: others of no higher priority leave it its room.
#[derive(Debug, Clone)]
pub(super) struct Nominated {
    pub(super) uid: String,
    pub(super) priority: i64,
    pub(super) requests: Requests,
}

/// What the filters say of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The pod can go there.
    Fits,
    /// It can not.
    Refused {
        /// Why, in the scheduler's words.
        reasons: Vec<String>,
        /// Whether removing pods from the node would help.
        preemption_helps: bool,
    },
    /// The node was left out before the filters, by a pin to other nodes.
    NotConsidered,
}

impl NodeView {
    pub(super) fn new(node: Object, taken: Requests, pods: i64, nominated: Vec<Nominated>) -> Self {
        let none = Value::Null;
        let allocatable = node.pointer("/status/allocatable").unwrap_or(&none);
        Self {
            name: node.name().to_owned(),
            allocatable: Requests::read(allocatable),
            node,
            taken,
            pods,
            nominated,
        }
    }

    /// What a pod finds taken: by the pods of the node, and by those that it has to leave room.
    fn taken_for(&self, pod: &Value) -> Requests {
        let priority = pod.int("/spec/priority").unwrap_or_default();
        let mut taken = self.taken.clone();
        for other in &self.nominated {
            if other.uid != pod.uid() && other.priority >= priority {
                taken.add(&other.requests);
            }
        }
        taken
    }

    /// Counts a pod that has just been given this node.
    pub(super) fn take(&mut self, pod: &Value) {
        self.nominated.retain(|other| other.uid != pod.uid());
        self.taken.add(&pod_requests(pod));
        self.pods += 1;
    }

    /// Per mille of CPU and memory that stay free with the pod; the most free node wins.
    pub(super) fn room_after(&self, pod: &Value) -> i128 {
        let requests = pod_requests(pod);
        let free = |name: &str| {
            let total = self.allocatable.get(name).max(1);
            (total - self.taken.get(name) - requests.get(name)) * 1000 / total
        };
        free("cpu") + free("memory")
    }
}

/// Runs the filters.
pub(super) fn judge(pod: &Value, view: &NodeView) -> Verdict {
    let node = &*view.node;
    if let Some(pinned) = pinned_to(pod)
        && !pinned.iter().any(|name| name == node.name())
    {
        return Verdict::NotConsidered;
    }
    let refused = |reason: &str| Verdict::Refused {
        reasons: vec![reason.to_owned()],
        preemption_helps: false,
    };
    let cordon = serde_json::json!({
        "key": "node.kubernetes.io/unschedulable", "value": "", "effect": "NoSchedule",
    });
    if node.flag("/spec/unschedulable") && !tolerates(pod, &cordon) {
        return refused("node(s) were unschedulable");
    }
    let taints = node.items("/spec/taints");
    let hard = taints
        .iter()
        .filter(|taint| taint.text("/effect") != "PreferNoSchedule");
    if hard.into_iter().any(|taint| !tolerates(pod, taint)) {
        return refused("node(s) had untolerated taint(s)");
    }
    if !selects(pod, node) {
        return refused("node(s) didn't match Pod's node affinity/selector");
    }
    resources(pod, view)
}

fn resources(pod: &Value, view: &NodeView) -> Verdict {
    let requests = pod_requests(pod);
    let taken = view.taken_for(pod);
    let mut reasons = Vec::new();
    let mut preemption_helps = true;
    let most = view.allocatable.get("pods") / 1000;
    if i128::from(view.pods) + 1 > most {
        reasons.push("Too many pods".to_owned());
    }
    for (name, amount) in requests.0.iter().filter(|(_, amount)| **amount > 0) {
        let total = view.allocatable.get(name);
        if taken.get(name) + amount > total {
            reasons.push(format!("Insufficient {name}"));
            preemption_helps &= *amount <= total;
        }
    }
    if reasons.is_empty() {
        return Verdict::Fits;
    }
    Verdict::Refused {
        reasons,
        preemption_helps,
    }
}

/// The only nodes that a required `matchFields` lets through, if every term has one.
fn pinned_to(pod: &Value) -> Option<Vec<String>> {
    let terms = required_terms(pod)?;
    let mut names = Vec::new();
    for term in terms {
        let mut fields = term.items("/matchFields").iter();
        let pin = fields.find(|field| {
            field.text("/key") == "metadata.name" && field.text("/operator") == "In"
        })?;
        names.extend(
            pin.items("/values")
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned),
        );
    }
    (!names.is_empty()).then_some(names)
}

fn required_terms(pod: &Value) -> Option<&[Value]> {
    const PATH: &str = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    let required = pod.pointer(PATH)?;
    Some(required.items("/nodeSelectorTerms"))
}

/// Whether the pod's node selector and required node affinity let it onto the node.
pub(crate) fn selects(pod: &Value, node: &Value) -> bool {
    let labels = node.map("/metadata/labels");
    let selector = pod.map("/spec/nodeSelector");
    if selector
        .iter()
        .any(|(key, value)| labels.get(key) != Some(value))
    {
        return false;
    }
    required_terms(pod).is_none_or(|terms| terms.iter().any(|term| term_matches(term, node)))
}

fn term_matches(term: &Value, node: &Value) -> bool {
    let labels = node.map("/metadata/labels");
    let fields = BTreeMap::from([("metadata.name".to_owned(), node.name().to_owned())]);
    let all = |list: &str, values: &BTreeMap<String, String>| {
        term.items(list).iter().all(|expression| {
            Requirement::from_expression(expression).is_ok_and(|wanted| wanted.matches(values))
        })
    };
    // A term without any requirement matches nothing.
    let empty = term.items("/matchExpressions").is_empty() && term.items("/matchFields").is_empty();
    !empty && all("/matchExpressions", &labels) && all("/matchFields", &fields)
}

/// Whether one of the pod's tolerations covers the taint.
pub(super) fn tolerates(pod: &Value, taint: &Value) -> bool {
    pod.items("/spec/tolerations").iter().any(|toleration| {
        let effect = toleration.text("/effect");
        let key = toleration.text("/key");
        let exists = toleration.text("/operator") == "Exists";
        (effect.is_empty() || effect == taint.text("/effect"))
            && ((key.is_empty() && exists)
                || (key == taint.text("/key")
                    && (exists || toleration.text("/value") == taint.text("/value"))))
    })
}
