//! Which pod gets which node, and what it is told otherwise.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn node(name: &str, gpus: u32) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
        "status": {"allocatable": {
            "cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": gpus.to_string(),
        }},
    })
}

fn pod(name: &str, gpus: u32) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [{
            "name": "main", "resources": {"limits": {"nvidia.com/gpu": gpus.to_string()}},
        }]},
    })
}

fn store(nodes: Vec<Value>, pods: Vec<Value>) -> Store {
    let mut store = Store::new(1);
    for node in nodes {
        store
            .create(Kind::Node, node, Timestamp::UNIX_EPOCH)
            .unwrap();
    }
    for pod in pods {
        store.create(Kind::Pod, pod, Timestamp::UNIX_EPOCH).unwrap();
    }
    schedule(&mut store, Timestamp::UNIX_EPOCH);
    store
}

fn nodes_of(store: &Store) -> Vec<(String, String)> {
    let pods = store.list(Kind::Pod);
    pods.map(|pod| (pod.name().to_owned(), pod.text("/spec/nodeName").to_owned()))
        .collect()
}

fn message(store: &Store, name: &str) -> String {
    let pod = store.get(Kind::Pod, &Key::new("default", name)).unwrap();
    let conditions = pod.items("/status/conditions").iter();
    let mut scheduled = conditions.filter(|c| c.text("/type") == "PodScheduled");
    scheduled.next().unwrap().text("/message").to_owned()
}

#[test]
fn units_are_counted_and_the_rest_waits() {
    let pods = vec![pod("a", 1), pod("b", 1), pod("c", 1)];
    let store = store(vec![node("n1", 1), node("n2", 1)], pods);
    let mut nodes = nodes_of(&store);
    nodes.sort();
    let expected = [("a", "n1"), ("b", "n2"), ("c", "")];
    assert_eq!(nodes, expected.map(|(p, n)| (p.to_owned(), n.to_owned())));
    assert_eq!(
        message(&store, "c"),
        "0/2 nodes are available: 2 Insufficient nvidia.com/gpu. no new claims to deallocate, \
         preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."
    );
}

#[test]
fn more_than_any_node_has_is_told_apart() {
    let store = store(vec![node("n1", 2), node("n2", 1)], vec![pod("a", 3)]);
    assert!(message(&store, "a").ends_with("2 Preemption is not helpful for scheduling."));
}

#[test]
fn a_pin_leaves_the_other_nodes_out() {
    let mut pinned = pod("a", 3);
    pinned["spec"]["affinity"] = json!({"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{
            "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}],
        }]},
    }});
    let nodes = vec![node("n1", 4), node("n2", 1), node("n3", 4)];
    let store = store(nodes, vec![pinned]);
    let text = message(&store, "a");
    assert!(
        text.starts_with(
            "0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't satisfy \
         plugin(s) [NodeAffinity]."
        ),
        "{text}"
    );
}

#[rstest]
#[case(json!({"unschedulable": true}), json!([]), "1 node(s) were unschedulable")]
#[case(
    json!({"taints": [{"key": "gpu", "value": "x", "effect": "NoSchedule"}]}),
    json!([{"key": "other", "operator": "Exists"}]),
    "1 node(s) had untolerated taint(s)"
)]
fn closed_nodes_say_why(#[case] spec: Value, #[case] tolerations: Value, #[case] words: &str) {
    let mut closed = node("n1", 1);
    closed["spec"] = spec;
    let mut wanting = pod("a", 1);
    wanting["spec"]["tolerations"] = tolerations;
    let store = store(vec![closed], vec![wanting]);
    assert!(message(&store, "a").contains(words));
}

#[test]
fn a_toleration_opens_a_tainted_node() {
    let mut tainted = node("n1", 1);
    tainted["spec"] = json!({"taints": [{"key": "gpu", "value": "x", "effect": "NoSchedule"}]});
    for toleration in [
        json!({"operator": "Exists"}),
        json!({"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}),
        json!({"key": "gpu", "value": "x"}),
    ] {
        let mut wanting = pod("a", 1);
        wanting["spec"]["tolerations"] = json!([toleration]);
        let store = store(vec![tainted.clone()], vec![wanting]);
        assert_eq!(nodes_of(&store)[0].1, "n1");
    }
}

#[test]
fn a_selector_that_matches_nothing() {
    let mut wanting = pod("a", 1);
    wanting["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": "elsewhere"});
    let store = store(vec![node("n1", 1)], vec![wanting]);
    assert!(message(&store, "a").contains("1 node(s) didn't match Pod's node affinity/selector"));
}

#[test]
fn a_nominated_pod_keeps_its_room_against_its_equals() {
    let mut store = store(vec![node("n1", 1)], vec![pod("holder", 1)]);
    for wanting in [pod("a-rival", 1), pod("mover", 1)] {
        store
            .create(Kind::Pod, wanting, Timestamp::UNIX_EPOCH)
            .unwrap();
    }
    let key = Key::new("default", "mover");
    let status = json!({"phase": "Pending", "nominatedNodeName": "n1"});
    store.set_status(Kind::Pod, &key, status).unwrap();
    store
        .remove(Kind::Pod, &Key::new("default", "holder"))
        .unwrap();
    schedule(&mut store, Timestamp::UNIX_EPOCH);
    let expected = [("a-rival", ""), ("mover", "n1")];
    let expected = expected.map(|(pod, node)| (pod.to_owned(), node.to_owned()));
    assert_eq!(nodes_of(&store), expected);
    let mover = store.get(Kind::Pod, &key).unwrap();
    assert_eq!(mover.text("/status/nominatedNodeName"), "");
}
