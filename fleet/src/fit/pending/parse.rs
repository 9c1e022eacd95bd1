//! Taking a message apart. The spellings are those of Kubernetes 1.20 to 1.36
//! (k8s.io/kubernetes/pkg/scheduler: `FitError.Error` and the plugins' reasons).

use super::ObstacleKind as Kind;
use super::{Obstacle, Outlook, Pending};

/// Reasons without parameters. Matched whole: what stands beside one makes it another.
static REASONS: [(&str, Kind); 33] = [
    ("Too many pods", Kind::TooManyPods),
    ("node(s) were unschedulable", Kind::Cordoned),
    ("node(s) were not ready", Kind::NotReady),
    ("node(s) were unreachable", Kind::NotReady),
    ("node(s) had untolerated taint(s)", Kind::Taint(None)),
    (
        "node(s) had taints that the pod didn't tolerate",
        Kind::Taint(None),
    ),
    (
        "node(s) didn't match Pod's node affinity/selector",
        Kind::NodeSelector,
    ),
    (
        "node(s) didn't match Pod's node affinity",
        Kind::NodeSelector,
    ),
    ("node(s) didn't match node selector", Kind::NodeSelector),
    (
        "node(s) didn't satisfy plugin(s) [NodeAffinity]",
        Kind::NodeSelector,
    ),
    (
        "node(s) didn't match scheduler-enforced node affinity",
        Kind::NodeSelector,
    ),
    (
        "node(s) didn't match the requested node name",
        Kind::NodeSelector,
    ),
    (
        "node(s) didn't match the requested hostname",
        Kind::NodeSelector,
    ),
    ("node(s) didn't match pod affinity rules", Kind::PodAffinity),
    (
        "node(s) didn't match pod anti-affinity rules",
        Kind::PodAntiAffinity,
    ),
    (
        "node(s) didn't match pod affinity/anti-affinity rules",
        Kind::PodAntiAffinity,
    ),
    (
        "node(s) didn't satisfy existing pods anti-affinity rules",
        Kind::OthersAntiAffinity,
    ),
    (
        "node(s) didn't match pod topology spread constraints",
        Kind::Spread,
    ),
    (
        "node(s) didn't match pod topology spread constraints (missing required label)",
        Kind::Spread,
    ),
    (
        "node(s) didn't have free ports for the requested pod ports",
        Kind::Ports,
    ),
    (
        "node(s) didn't match PersistentVolume's node affinity",
        Kind::VolumeElsewhere,
    ),
    (
        "node(s) had volume node affinity conflict",
        Kind::VolumeElsewhere,
    ),
    (
        "node(s) had no available volume zone",
        Kind::VolumeElsewhere,
    ),
    (
        "node(s) didn't find available persistent volumes to bind",
        Kind::NoVolume,
    ),
    (
        "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
        Kind::VolumeGone,
    ),
    (
        "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode \
         already in-use by another pod",
        Kind::VolumeInUse,
    ),
    ("node(s) had no available disk", Kind::VolumeInUse),
    ("node(s) exceed max volume count", Kind::TooManyVolumes),
    ("node(s) did not have enough free storage", Kind::NoStorage),
    (
        "pod has unbound immediate PersistentVolumeClaims",
        Kind::ClaimUnbound,
    ),
    (
        "Scheduling is blocked due to non-empty scheduling gates",
        Kind::Gated(Vec::new()),
    ),
    ("no nodes available to schedule pods", Kind::NoNodes),
    (
        "waiting for the preemption for this pod to be finished",
        Kind::Preempting,
    ),
];

/// What preemption says of a node that would do if other pods left.
const WOULD_FIT: &str = "No preemption victims found for incoming pod";

/// What preemption says of a node that would never do.
const NEVER_FITS: &str = "Preemption is not helpful for scheduling";

/// Words of the scheduler's that tell an operator nothing.
const NOISE: [&str; 4] = [
    "no new claims to deallocate",
    "still not schedulable",
    "All PostFilter plugins are skipped",
    "not found",
];

/// Takes `message` apart.
pub(super) fn parse(message: &str) -> Pending {
    let message = message.trim();
    let Some((nodes, body)) = header(message) else {
        return Pending {
            obstacles: vec![uncounted(message)],
            nodes: None,
            outlook: Outlook::Unsaid,
        };
    };
    let (reasons, rest) = body.split_once(". ").unwrap_or((body, ""));
    let mut obstacles: Vec<Obstacle> = items(reasons.trim_end_matches('.'))
        .map(|item| match counted(item) {
            Some((nodes, text)) => Obstacle {
                nodes,
                kind: reason(text),
            },
            None => uncounted(item),
        })
        .filter(|obstacle| obstacle.kind != Kind::Other(String::new()))
        .collect();
    let outlook = suffix(rest.trim(), &mut obstacles);
    Pending {
        obstacles,
        nodes: Some(nodes),
        outlook,
    }
}

/// `0/5 nodes are available: …`: the number of nodes and what comes then.
fn header(message: &str) -> Option<(u32, &str)> {
    let (fitting, rest) = message.split_once('/')?;
    fitting.parse::<u32>().ok()?;
    let (nodes, rest) = rest.split_once(' ')?;
    let rest = rest.strip_prefix("nodes are available")?;
    let rest = rest.strip_prefix(':').or_else(|| rest.strip_prefix('.'))?;
    Some((nodes.parse().ok()?, rest.trim()))
}

/// `3 Insufficient cpu, 1 node(s) had taint {a: b}, that the pod didn't tolerate`: a comma begins
/// the next one only where a number follows.
fn items(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let text = rest?;
        let next = text
            .match_indices(", ")
            .map(|(at, _)| at)
            .find(|at| counted(&text[at + 2..]).is_some());
        let (item, after) = match next {
            Some(at) => (&text[..at], Some(&text[at + 2..])),
            None => (text, None),
        };
        rest = after;
        Some(item)
    })
}

/// `3 Insufficient cpu`: how many, and what.
fn counted(item: &str) -> Option<(u32, &str)> {
    let (count, text) = item.split_once(' ')?;
    let digits = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
    Some((count.parse().ok().filter(|_| digits)?, text))
}

/// What the scheduler says of preemption, and what else follows the reasons.
fn suffix(rest: &str, obstacles: &mut Vec<Obstacle>) -> Outlook {
    let (before, preemption) = rest.split_once("preemption: ").unwrap_or((rest, ""));
    let mut keep = |text: &str| {
        let text = text.trim().trim_end_matches([',', '.']).trim_end();
        if !text.is_empty() && !NOISE.contains(&text) {
            obstacles.push(uncounted(text));
        }
    };
    keep(before);
    let Some((nodes, list)) = header(preemption.trim()) else {
        keep(preemption);
        return Outlook::Unsaid;
    };
    let (mut would, mut never) = (0_u32, 0_u32);
    for item in items(list.trim_end_matches('.')) {
        let text = |text: &str| text.trim_end_matches('.').to_owned();
        match counted(item) {
            Some((count, said)) if text(said) == WOULD_FIT => would = would.saturating_add(count),
            Some((count, said)) if text(said) == NEVER_FITS => never = never.saturating_add(count),
            _ => keep(item),
        }
    }
    if would > 0 {
        Outlook::NotNow(would)
    } else if never > 0 && never >= nodes {
        Outlook::Never
    } else {
        Outlook::Unsaid
    }
}

/// A reason that is counted in nodes.
fn reason(text: &str) -> Kind {
    let exact = REASONS.iter().find(|(reason, _)| *reason == text);
    if let Some((_, kind)) = exact {
        return kind.clone();
    }
    if let Some(resource) = text.strip_prefix("Insufficient ")
        && !resource.contains(char::is_whitespace)
    {
        return Kind::Resource(resource.to_owned());
    }
    taint(text).unwrap_or_else(|| Kind::Other(text.to_owned()))
}

/// `node(s) had untolerated taint {key: value}`, and the older spelling with a tail.
fn taint(text: &str) -> Option<Kind> {
    let taint = text
        .strip_prefix("node(s) had untolerated taint {")
        .and_then(|rest| rest.strip_suffix('}'))
        .or_else(|| {
            text.strip_prefix("node(s) had taint {")?
                .strip_suffix("}, that the pod didn't tolerate")
        })?;
    let taint = taint.trim().trim_end_matches(':');
    let key = taint.split(':').next().unwrap_or_default();
    Some(match key {
        "node.kubernetes.io/unschedulable" => Kind::Cordoned,
        "node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable" => Kind::NotReady,
        _ => Kind::Taint(Some(taint.to_owned())),
    })
}

/// A reason that has to do with no node in particular.
fn uncounted(text: &str) -> Obstacle {
    let kind = claim(text)
        .or_else(|| gates(text))
        .or_else(|| quota(text))
        .or_else(|| refused(text))
        .or_else(|| {
            let binding = text.strip_prefix("running PreBind plugin \"VolumeBinding\": ")?;
            Some(Kind::VolumeBinding(binding.to_owned()))
        })
        .unwrap_or_else(|| reason(text));
    Obstacle { nodes: 0, kind }
}

/// What is said of one claim by its name.
fn claim(text: &str) -> Option<Kind> {
    let (name, rest) = text
        .strip_prefix("persistentvolumeclaim \"")?
        .split_once('"')?;
    match rest {
        " not found" => Some(Kind::ClaimMissing(name.to_owned())),
        " is being deleted" => Some(Kind::ClaimLeaving(name.to_owned())),
        _ => None,
    }
}

/// `waiting for scheduling gates: [a b]`.
fn gates(text: &str) -> Option<Kind> {
    let names = text
        .strip_prefix("waiting for scheduling gates: [")?
        .strip_suffix(']')?;
    Some(Kind::Gated(
        names.split_whitespace().map(str::to_owned).collect(),
    ))
}

/// `pods "a" is forbidden: exceeded quota: NAME, requested: …, used: …, limited: …`.
fn quota(text: &str) -> Option<Kind> {
    let (_, rest) = text.split_once("exceeded quota: ")?;
    let (name, figures) = rest.split_once(", ")?;
    Some(Kind::Quota {
        name: name.to_owned(),
        figures: figures.to_owned(),
    })
}

/// The kubelet's refusals, with or without what it puts before them.
fn refused(text: &str) -> Option<Kind> {
    if let Some((_, rest)) = text.split_once("requested number of devices unavailable for ") {
        let (resource, figures) = rest.split_once(". ")?;
        return Some(Kind::DevicesTaken {
            resource: resource.to_owned(),
            figures: figures.to_owned(),
        });
    }
    let (_, rest) = text.split_once("maximum request size for shared resources is 1; found ")?;
    Some(Kind::TooManyShares(rest.to_owned()))
}
