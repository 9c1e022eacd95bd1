//! Whole descriptions, as they are shown.

use gputop_model::{NodeName, PodKey};
use serde_json::json;

use super::*;

fn event(reason: &str, message: &str) -> EventInfo {
    EventInfo {
        kind: "Warning".into(),
        reason: reason.into(),
        source: "kubelet, rig".into(),
        message: message.into(),
        count: 3,
        first: None,
        last: "2026-03-01T10:00:00.25Z".parse().ok(),
    }
}

fn pod() -> Value {
    json!({
        "metadata": {
            "name": "train-0", "namespace": "ml", "uid": "u1",
            "creationTimestamp": "2026-03-01T09:00:00Z",
            "labels": {"app": "train"},
            "managedFields": [{"manager": "kubectl"}],
            "ownerReferences": [{"kind": "Job", "name": "train", "controller": true}],
        },
        "spec": {
            "nodeName": "rig", "runtimeClassName": "nvidia", "restartPolicy": "Never",
            "schedulerName": "default-scheduler",
            "nodeSelector": {"gpu": "yes"},
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [
                    {"key": "zone", "operator": "In", "values": ["a", "b"]},
                    {"key": "old", "operator": "DoesNotExist"},
                ]}],
            }}},
            "tolerations": [
                {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
                {"key": "x", "value": "y", "effect": "NoExecute", "tolerationSeconds": 300},
            ],
            "initContainers": [
                {"name": "mesh", "image": "mesh:1", "restartPolicy": "Always"},
            ],
            "containers": [{
                "name": "main", "image": "train:2", "args": ["--token=abc", "two words"],
                "env": [
                    {"name": "HF_TOKEN", "value": "abc"},
                    {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                ],
                "resources": {"limits": {"nvidia.com/gpu": "2", "memory": "8Gi"}},
                "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": true}],
            }],
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "models"}},
                {"name": "shm", "emptyDir": {"medium": "Memory"}},
            ],
        },
        "status": {
            "phase": "Running", "hostIP": "10.0.0.7",
            "conditions": [{
                "type": "Ready", "status": "False", "reason": "ContainersNotReady",
                "message": "containers with unready status: [main]",
                "lastTransitionTime": "2026-03-01T09:00:05Z",
            }],
            "containerStatuses": [{
                "name": "main", "ready": false, "restartCount": 3,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
                "lastState": {"terminated": {
                    "reason": "OOMKilled", "exitCode": 137,
                    "startedAt": "2026-03-01T09:10:00Z", "finishedAt": "2026-03-01T09:20:00Z",
                }},
                "allocatedResourcesStatus": [{"name": "nvidia.com/gpu", "resources": [
                    {"resourceID": "GPU-1", "health": "Healthy"}, {"resourceID": "GPU-2"},
                ]}],
            }],
        },
    })
}

#[test]
fn a_pod_says_what_it_holds_and_why_it_does_not_run() {
    let events = Ok(vec![event("BackOff", "restarting failed container")]);
    let text = describe(&Subject::Pod(PodKey::new("ml", "train-0")), pod(), &events);
    let expected = "\
Name:                train-0
Namespace:           ml
UID:                 u1
Node:                rig (10.0.0.7)
Phase:               Running
Created:             2026-03-01T09:00:00Z
Controlled by:       Job train
Restart policy:      Never
Labels:              app=train

GPU
  Requests:          nvidia.com/gpu × 2 for main
  Devices:           nvidia.com/gpu GPU-1 Healthy in main
                     nvidia.com/gpu GPU-2 health unknown in main
  Runtime class:     nvidia

Placement
  Node selector:     gpu=yes
  Affinity:          node must have: zone in (a, b) and no old
  Tolerations:       nvidia.com/gpu:NoSchedule (Exists)
                     x=y:NoExecute for 300 s

Init containers
  mesh (sidecar): not started
    Image:           mesh:1

Containers
  main: waiting: CrashLoopBackOff (back-off 40s)
    Ready:           no
    Restarts:        3
    Last state:      ended: OOMKilled, exit code 137, out of memory, from 2026-03-01T09:10:00Z to 2026-03-01T09:20:00Z
    Image:           train:2
    Arguments:       --token=••• \"two words\"
    Limits:          memory=8Gi, nvidia.com/gpu=2
    Environment:     HF_TOKEN=•••
                     NODE from the pod's spec.nodeName
    Mounts:          /data from data (read only)

Volumes
  data  claim models
  shm   emptyDir in memory, gone with the pod

Conditions
  Ready  False  2026-03-01T09:00:05Z  ContainersNotReady  containers with unready status: [main]

Events
  TYPE     REASON   LAST SEEN             COUNT  FROM          MESSAGE
  Warning  BackOff  2026-03-01T10:00:00Z  3      kubelet, rig  restarting failed container
";
    assert_eq!(text, expected);
}

#[test]
fn a_node_says_what_it_offers() {
    let node = json!({
        "metadata": {
            "name": "rig", "creationTimestamp": "2026-03-01T09:00:00Z",
            "labels": {"node-role.kubernetes.io/gpu": "true", "nvidia.com/gpu.product": "P40"},
        },
        "spec": {
            "unschedulable": true,
            "taints": [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}],
        },
        "status": {
            "addresses": [{"type": "InternalIP", "address": "10.0.0.7"}],
            "capacity": {"cpu": "8", "nvidia.com/gpu": "2"},
            "allocatable": {"cpu": "8", "nvidia.com/gpu": "1"},
            "nodeInfo": {"kernelVersion": "6.1.0", "kubeletVersion": "v1.36.3+k3s1"},
            "runtimeHandlers": [{"name": ""}, {"name": "nvidia"}],
        },
    });
    let denied = Err(Problem {
        what: "the API server refuses: events are forbidden".into(),
        fix: String::new(),
    });
    let text = describe(&Subject::Node(NodeName::new("rig")), node, &denied);
    let expected = "\
Name:                rig
Roles:               gpu
Created:             2026-03-01T09:00:00Z
Schedulable:         no (cordoned)
Taints:              dedicated=gpu:NoSchedule
Addresses:           InternalIP 10.0.0.7
Labels:              node-role.kubernetes.io/gpu=true
                     nvidia.com/gpu.product=P40

GPU
  Resources:         nvidia.com/gpu: 1 allocatable of 2
  Labels:            nvidia.com/gpu.product=P40
  Runtime handlers:  nvidia

System
  Kernel:            6.1.0
  Kubelet:           v1.36.3+k3s1

Resources
  NAME            CAPACITY  ALLOCATABLE
  cpu             8         8
  nvidia.com/gpu  2         1

Events
  not known: the API server refuses: events are forbidden
";
    assert_eq!(text, expected);
}

#[test]
fn objects_without_anything_are_described_too() {
    let pod = Subject::Pod(PodKey::new("a", "b"));
    for object in [
        json!({}),
        json!(null),
        json!([1]),
        json!({"spec": 1, "status": "x"}),
    ] {
        assert!(describe(&pod, object.clone(), &Ok(vec![])).contains("Events\n  none"));
        let node = Subject::Node(NodeName::new("n"));
        assert!(describe(&node, object, &Ok(vec![])).contains("no device plugin"));
    }
}
