//! Messages of real schedulers, old and new, and any other text.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn gpus(units: i64) -> BTreeMap<String, i64> {
    BTreeMap::from([("nvidia.com/gpu".to_owned(), units)])
}

fn plain(message: &str) -> String {
    Pending::parse(message).plain(&gpus(2))
}

/// The tail of 1.34 and later.
const NEW: &str = "no new claims to deallocate, preemption: 0/3 nodes are available: ";

#[rstest]
#[case(
    "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. no new claims to deallocate, \
     preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
    "needs 2 GPUs: 3 nodes have too few free"
)]
#[case(
    "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. no new claims to deallocate, \
     preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
    "needs 2 GPUs: 3 nodes have too few free; it would fit nowhere even if all others left"
)]
#[case(
    "0/5 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were \
     unschedulable, 3 Insufficient nvidia.com/gpu.",
    "needs 2 GPUs: 3 nodes have too few free, 1 does not match its node selector, 1 is cordoned"
)]
#[case(
    "0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't satisfy plugin(s) \
     [NodeAffinity].",
    "needs 2 GPUs: 1 node has too few free, 2 do not match its node selector"
)]
#[case(
    "0/4 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod \
     didn't tolerate, 1 node(s) had untolerated taint {dedicated: ml}, 2 Insufficient cpu.",
    "needs 2 GPUs: 2 nodes have too little CPU free, 1 has the taint \
     node-role.kubernetes.io/master, 1 has the taint dedicated: ml"
)]
#[case(
    "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, \
     1 node(s) had untolerated taint(s), 1 node(s) had volume node affinity conflict.",
    "needs 2 GPUs: 1 node is not ready, 1 has a taint that it does not tolerate, 1 can not reach \
     its volume"
)]
#[case(
    "0/3 nodes are available: persistentvolumeclaim \"zzz\" not found. not found",
    "the volume claim zzz does not exist"
)]
#[case(
    "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 \
     nodes are available: 1 Preemption is not helpful for scheduling.",
    "its volume claim is not bound yet"
)]
#[case(
    "Scheduling is blocked due to non-empty scheduling gates",
    "held back by a scheduling gate"
)]
#[case(
    "waiting for scheduling gates: [kueue.x-k8s.io/admission]",
    "held back by the scheduling gate kueue.x-k8s.io/admission"
)]
#[case(
    "pods \"qq\" is forbidden: exceeded quota: q, requested: requests.nvidia.com/gpu=1, used: \
     requests.nvidia.com/gpu=2, limited: requests.nvidia.com/gpu=1",
    "the quota q is used up (requested: requests.nvidia.com/gpu=1, used: \
     requests.nvidia.com/gpu=2, limited: requests.nvidia.com/gpu=1)"
)]
#[case(
    "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded",
    "its volume could not be bound: binding volumes: context deadline exceeded"
)]
#[case("no nodes available to schedule pods", "the cluster has no nodes")]
#[case(
    "Pod was rejected: Allocate failed due to requested number of devices unavailable for \
     nvidia.com/gpu. Requested: 1, Available: 0, which is unexpected",
    "the kubelet refused it: too few GPUs there (Requested: 1, Available: 0, which is unexpected)"
)]
#[case(
    "rpc error: maximum request size for shared resources is 1; found 2",
    "asks for 2 shares of a GPU, and one is the most there"
)]
#[case(
    "0/2 nodes are available: 1 node(s) were too far away, 1 Insufficient nvidia.com/gpu. come \
     back later. preemption: not eligible due to a full moon",
    "needs 2 GPUs: 1 node has too few free, 1 node(s) were too far away, come back later, not \
     eligible due to a full moon"
)]
#[case("something else entirely", "something else entirely")]
fn messages_in_plain_words(#[case] message: &str, #[case] expected: &str) {
    assert_eq!(plain(message), expected);
}

#[test]
fn never_is_told_from_not_now() {
    let outlook = |tail: &str| {
        let head = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. ";
        Pending::parse(&format!("{head}{tail}")).outlook
    };
    let victims = "3 No preemption victims found for incoming pod.";
    let never = "3 Preemption is not helpful for scheduling.";
    assert_eq!(outlook(&format!("{NEW}{victims}")), Outlook::NotNow(3));
    assert_eq!(outlook(&format!("{NEW}{never}")), Outlook::Never);
    let mixed = "1 No preemption victims found for incoming pod, 2 Preemption is not helpful for \
                 scheduling.";
    assert_eq!(outlook(&format!("{NEW}{mixed}")), Outlook::NotNow(1));
    let old = "preemption: 0/3 nodes are available: ";
    assert_eq!(outlook(&format!("{old}{never}")), Outlook::Never);
    assert_eq!(outlook(""), Outlook::Unsaid);
}

#[rstest]
#[case(
    "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
    "Wait for a GPU"
)]
#[case(
    "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient nvidia.com/gpu.",
    "uncordon a node"
)]
#[case(
    "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: \
     1 Preemption is not helpful for scheduling.",
    "has that many"
)]
#[case(
    "0/1 nodes are available: 1 node(s) were unschedulable.",
    "Uncordon a node"
)]
#[case(
    "0/1 nodes are available: 1 node(s) had untolerated taint(s).",
    "toleration"
)]
#[case(
    "0/3 nodes are available: persistentvolumeclaim \"a\" not found.",
    "Claim a, or"
)]
fn something_can_be_done(#[case] message: &str, #[case] expected: &str) {
    let fix = Pending::parse(message).fix().unwrap();
    assert!(fix.contains(expected), "{fix}");
}

#[test]
fn nothing_is_advised_about_the_unknown() {
    assert_eq!(
        Pending::parse("0/1 nodes are available: 1 x y.").fix(),
        None
    );
    assert_eq!(
        Pending::unsaid().plain(&gpus(1)),
        "the scheduler has not said why it waits"
    );
}

#[test]
fn what_is_needed_is_named() {
    let message = "0/1 nodes are available: 1 Insufficient nvidia.com/mig-1g.10gb.";
    let requests = |names: &[(&str, i64)]| -> BTreeMap<String, i64> {
        names
            .iter()
            .map(|(name, units)| ((*name).to_owned(), *units))
            .collect()
    };
    let pending = Pending::parse(message);
    let mig = ("nvidia.com/mig-1g.10gb", 1);
    assert_eq!(
        pending.plain(&requests(&[mig])),
        "needs 1 MIG 1g.10gb: 1 node has too few free"
    );
    assert_eq!(
        pending.plain(&requests(&[("nvidia.com/gpu.shared", 1), mig])),
        "needs 1 GPU share and 1 MIG 1g.10gb: 1 node has too few free MIG 1g.10gb"
    );
    assert_eq!(
        pending.plain(&BTreeMap::new()),
        "1 node has too few free MIG 1g.10gb"
    );
}

/// Reasons that the scheduler knows, and words that it does not.
fn fragments() -> impl Strategy<Value = Vec<(u32, String)>> {
    let known = prop_oneof![
        Just("Insufficient nvidia.com/gpu".to_owned()),
        Just("node(s) were unschedulable".to_owned()),
        Just("node(s) had taint {a: b}, that the pod didn't tolerate".to_owned()),
    ];
    let unknown = "[a-z(]{1,8}( [a-z)'/]{1,8}){0,4}";
    proptest::collection::vec((1_u32..500, prop_oneof![known, unknown]), 1..6)
}

proptest! {
    /// Whatever comes: no panic, and every word of what is not recognised is still there.
    #[test]
    fn no_text_is_lost(message in "\\PC{0,80}") {
        let pending = Pending::parse(&message);
        let plain = pending.plain(&gpus(1));
        let _ = pending.fix();
        if let [Obstacle { nodes: 0, kind: ObstacleKind::Other(kept) }] = &pending.obstacles[..] {
            prop_assert_eq!(kept.as_str(), message.trim());
            prop_assert_eq!(plain, message.trim());
        }
    }

    /// Every fragment of a list becomes one obstacle with its number, known or verbatim.
    #[test]
    fn no_fragment_is_lost(fragments in fragments(), tail in "[a-z]{0,8}") {
        let list: Vec<String> = fragments.iter().map(|(n, text)| format!("{n} {text}")).collect();
        let message = format!("0/9 nodes are available: {}. {tail}", list.join(", "));
        let pending = Pending::parse(&message);
        let plain = pending.plain(&gpus(1));
        for ((nodes, text), obstacle) in fragments.iter().zip(&pending.obstacles) {
            prop_assert_eq!(*nodes, obstacle.nodes);
            if let ObstacleKind::Other(kept) = &obstacle.kind {
                prop_assert_eq!(kept, text);
                prop_assert!(plain.contains(text.as_str()), "{}", plain);
            }
        }
        prop_assert!(pending.obstacles.len() >= fragments.len());
        prop_assert!(plain.contains(&tail), "{}", plain);
    }
}
