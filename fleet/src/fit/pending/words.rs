//! Obstacles in plain words, and what to do about them.

use std::collections::BTreeMap;

use gputop_model::{GPU_RESOURCE_PREFIX, is_gpu_resource};

use super::ObstacleKind as Kind;
use super::{Obstacle, Outlook, Pending};

/// The sentence for a table and a detail page.
pub(super) fn plain(pending: &Pending, requests: &BTreeMap<String, i64>) -> String {
    let mut obstacles: Vec<&Obstacle> = pending.obstacles.iter().collect();
    // The GPU comes first, then what keeps it from most nodes; else the message's order.
    obstacles.sort_by_key(|obstacle| (!is_gpu(obstacle), std::cmp::Reverse(obstacle.nodes)));
    let mut named = false;
    let parts: Vec<String> = obstacles
        .iter()
        .map(|obstacle| {
            if obstacle.nodes == 0 {
                return uncounted(&obstacle.kind);
            }
            let noun = match (std::mem::replace(&mut named, true), obstacle.nodes) {
                (true, _) => "",
                (false, 1) => " node",
                (false, _) => " nodes",
            };
            counted(obstacle, noun, requests)
        })
        .collect();
    let mut text = match needs(requests).filter(|_| named) {
        Some(needs) => format!("needs {needs}: {}", parts.join(", ")),
        None => parts.join(", "),
    };
    if pending.outlook == Outlook::Never && obstacles.iter().any(|o| is_resource(o)) {
        text.push_str("; it would fit nowhere even if all others left");
    }
    text
}

fn is_resource(obstacle: &Obstacle) -> bool {
    matches!(obstacle.kind, Kind::Resource(_))
}

fn is_gpu(obstacle: &Obstacle) -> bool {
    matches!(&obstacle.kind, Kind::Resource(name) if is_gpu_resource(name))
}

/// `2 GPUs and 1 MIG 1g.10gb`; `None`: it asks for none.
fn needs(requests: &BTreeMap<String, i64>) -> Option<String> {
    let units: Vec<String> = requests
        .iter()
        .map(|(resource, count)| format!("{count} {}", unit(resource, *count)))
        .collect();
    (!units.is_empty()).then(|| units.join(" and "))
}

/// One or more units of a resource, in a word.
fn unit(resource: &str, count: i64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    match resource.strip_prefix(GPU_RESOURCE_PREFIX) {
        Some("gpu") => format!("GPU{plural}"),
        Some("gpu.shared") => format!("GPU share{plural}"),
        Some(name) => match name.strip_prefix("mig-") {
            Some(profile) => format!("MIG {profile}"),
            None => name.to_owned(),
        },
        None => resource.to_owned(),
    }
}

/// `3 nodes have too few free`; `noun` is ` nodes` or, after the first, nothing.
fn counted(obstacle: &Obstacle, noun: &str, requests: &BTreeMap<String, i64>) -> String {
    let nodes = obstacle.nodes;
    let verb = |one: &'static str, many: &'static str| if nodes == 1 { one } else { many };
    let has = verb("has", "have");
    let what = match &obstacle.kind {
        // As it came: it may begin with "node(s)".
        Kind::Other(text) => return format!("{nodes} {text}"),
        Kind::Resource(name) => {
            let alone = requests.len() == 1 && requests.contains_key(name);
            format!("{has} {}", too_few(name, alone))
        }
        Kind::TooManyPods => verb(
            "runs as many pods as it may",
            "run as many pods as they may",
        )
        .to_owned(),
        Kind::Cordoned => verb("is cordoned", "are cordoned").to_owned(),
        Kind::NotReady => verb("is not ready", "are not ready").to_owned(),
        Kind::Taint(None) => format!("{has} a taint that it does not tolerate"),
        Kind::Taint(Some(taint)) => format!("{has} the taint {taint}"),
        Kind::NodeSelector => {
            format!("{} not match its node selector", verb("does", "do"))
        }
        Kind::PodAffinity => format!("{} the pods that it wants beside it", verb("lacks", "lack")),
        Kind::PodAntiAffinity => format!("{has} pods that it does not want beside it"),
        Kind::OthersAntiAffinity => format!("{has} pods that do not want it beside them"),
        Kind::Spread => "would make its spread too uneven".to_owned(),
        Kind::Ports => format!("{has} its host port taken"),
        Kind::VolumeElsewhere => "can not reach its volume".to_owned(),
        Kind::NoVolume => format!("{has} no volume for its claim"),
        Kind::VolumeGone => "can not have its volume: it is gone".to_owned(),
        Kind::VolumeInUse => "can not have its volume: another pod uses it".to_owned(),
        Kind::TooManyVolumes => verb(
            "has as many volumes as it may",
            "have as many volumes as they may",
        )
        .to_owned(),
        Kind::NoStorage => format!("{has} too little storage for its volume"),
        other => uncounted(other),
    };
    format!("{nodes}{noun} {what}")
}

/// `too few free`: `alone` where it is clear of what.
fn too_few(resource: &str, alone: bool) -> String {
    match resource {
        _ if alone => "too few free".to_owned(),
        "cpu" => "too little CPU free".to_owned(),
        "memory" => "too little memory free".to_owned(),
        "ephemeral-storage" => "too little disk space free".to_owned(),
        name => format!("too few free {}", unit(name, 2)),
    }
}

/// What has to do with no node in particular.
fn uncounted(kind: &Kind) -> String {
    match kind {
        Kind::Other(text) => text.clone(),
        Kind::ClaimUnbound => "its volume claim is not bound yet".to_owned(),
        Kind::ClaimMissing(name) => format!("the volume claim {name} does not exist"),
        Kind::ClaimLeaving(name) => format!("the volume claim {name} is being deleted"),
        Kind::VolumeBinding(why) => format!("its volume could not be bound: {why}"),
        Kind::Gated(names) if names.is_empty() => "held back by a scheduling gate".to_owned(),
        Kind::Gated(names) => format!("held back by the scheduling gate {}", names.join(", ")),
        Kind::Quota { name, figures } => format!("the quota {name} is used up ({figures})"),
        Kind::NoNodes => "the cluster has no nodes".to_owned(),
        Kind::Preempting => "other pods are being removed for it".to_owned(),
        Kind::DevicesTaken { resource, figures } => {
            let unit = unit(resource, 2);
            format!("the kubelet refused it: too few {unit} there ({figures})")
        }
        Kind::TooManyShares(count) => {
            format!("asks for {count} shares of a GPU, and one is the most there")
        }
        Kind::Unsaid => "the scheduler has not said why it waits".to_owned(),
        of_nodes => {
            let obstacle = Obstacle {
                nodes: 2,
                kind: of_nodes.clone(),
            };
            let text = counted(&obstacle, "", &BTreeMap::new());
            format!("nodes{}", text.trim_start_matches('2'))
        }
    }
}

/// What to do; `None`: nothing is known but to read the message.
pub(super) fn fix(pending: &Pending) -> Option<String> {
    let kinds = || pending.obstacles.iter().map(|obstacle| &obstacle.kind);
    // What has to do with no node decides alone.
    kinds()
        .find_map(fix_of_its_own)
        .or_else(|| fix_for_nodes(pending))
        .or_else(|| kinds().find_map(fix_of_last_resort).map(str::to_owned))
}

fn fix_of_its_own(kind: &Kind) -> Option<String> {
    let text = match kind {
        Kind::ClaimMissing(name) => {
            return Some(format!(
                "Create the PersistentVolumeClaim {name}, or correct its name in the pod."
            ));
        }
        Kind::ClaimLeaving(_) => {
            "Wait until the claim is gone and create it anew, or use another one."
        }
        Kind::ClaimUnbound | Kind::VolumeBinding(_) => {
            "See the events of the claim: its storage class has to provide a volume."
        }
        Kind::Gated(_) => {
            "Whoever set the gate has to lift it: look at the queue (such as Kueue's) that admits \
             the pod."
        }
        Kind::Quota { .. } => "Free something in the namespace, or have the quota raised.",
        Kind::NoNodes => "Add a node.",
        Kind::Preempting => "Wait until they have ended.",
        Kind::DevicesTaken { .. } => {
            "Delete the pod, so that its owner makes another; if it comes again, restart the \
             device plugin on the node."
        }
        Kind::TooManyShares(_) => {
            "Ask for one share, or for whole GPUs on a node that does not share."
        }
        Kind::Unsaid => {
            "See the pod's events; a volume that waits for its provisioner is not mentioned there."
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn fix_for_nodes(pending: &Pending) -> Option<String> {
    let has = |wanted: &Kind| pending.obstacles.iter().any(|o| o.kind == *wanted);
    let gpu = pending.obstacles.iter().any(is_gpu);
    let cordoned = has(&Kind::Cordoned);
    let text = match pending.outlook {
        Outlook::Never if gpu => {
            "No node that it may use has that many: ask for fewer, let it use other nodes, or add \
             one."
        }
        _ if gpu && cordoned => "Wait for a GPU, or uncordon a node.",
        _ if gpu => "Wait for a GPU, or free one: see which pods hold theirs and do not use them.",
        _ if cordoned => "Uncordon a node.",
        _ => return None,
    };
    Some(text.to_owned())
}

fn fix_of_last_resort(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Resource(_) => "Ask for less, or free some of it.",
        Kind::TooManyPods => "Remove pods, or raise the node's limit of pods.",
        Kind::NotReady => "See why the nodes are not ready.",
        Kind::Taint(_) => "Give the pod a toleration for the taint, or take the taint off a node.",
        Kind::NodeSelector => {
            "Compare the pod's node selector and affinity with the labels of the nodes."
        }
        Kind::PodAffinity | Kind::PodAntiAffinity | Kind::OthersAntiAffinity => {
            "Compare the pods' affinity rules with what runs where."
        }
        Kind::Spread => "Loosen the pod's topologySpreadConstraints, or make room elsewhere.",
        Kind::Ports => "Use another host port, or none.",
        Kind::VolumeElsewhere => {
            "Its volume lies on another node: make room there, or move the data."
        }
        Kind::NoVolume => "Create a volume, or let a storage class provide one.",
        Kind::VolumeGone => "Its volume was deleted: restore it, or make a new claim.",
        Kind::VolumeInUse => "Wait until the other pod has left the volume.",
        Kind::TooManyVolumes => "Use another node: this one can attach no more volumes.",
        Kind::NoStorage => "Free storage on a node.",
        _ => return None,
    })
}
