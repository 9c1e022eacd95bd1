//! The daemon's `DaemonSets`: one with the NVIDIA runtime class, one without.

use std::time::Duration;

use serde_json::json;

use super::Birth;
use super::node::RUNTIME_LABEL;
use crate::store::Kind;

/// How long ago it was installed, at most.
const AGE: Duration = Duration::from_secs(9 * 86_400 + 7_000);

pub(super) fn births(oldest: Duration) -> Vec<Birth> {
    let age = AGE.min(oldest);
    [("gputop-node", "true"), ("gputop-node-plain", "false")]
        .into_iter()
        .map(|(name, with_runtime)| {
            let version = gputop_node::VERSION;
            let labels = json!({
                "app.kubernetes.io/name": "gputop-node",
                "app.kubernetes.io/instance": name,
                "app.kubernetes.io/part-of": "gputop-k3s",
                "app.kubernetes.io/version": version,
            });
            let mut spec = json!({
                "hostPID": true,
                "automountServiceAccountToken": false,
                "nodeSelector": {RUNTIME_LABEL: with_runtime},
                "tolerations": [{"operator": "Exists"}],
                "terminationGracePeriodSeconds": 5,
                "containers": [{
                    "name": "gputop-node",
                    "image": format!("ghcr.io/gputop-k3s/gputop-node:{version}"),
                    "args": ["serve"],
                    "ports": [{"name": "grpc", "containerPort": 7475, "protocol": "TCP"}],
                    "resources": {
                        "requests": {"cpu": "10m", "memory": "24Mi"},
                        "limits": {"memory": "96Mi"},
                    },
                }],
            });
            if with_runtime == "true" {
                spec["runtimeClassName"] = "nvidia".into();
            }
            let selector = json!({"app.kubernetes.io/instance": name});
            Birth {
                age,
                kind: Kind::DaemonSet,
                object: json!({
                    "metadata": {"name": name, "namespace": "gputop-k3s", "labels": labels},
                    "spec": {
                        "selector": {"matchLabels": selector},
                        "updateStrategy": {"type": "RollingUpdate"},
                        "template": {"metadata": {"labels": labels}, "spec": spec},
                    },
                }),
            }
        })
        .collect()
}
