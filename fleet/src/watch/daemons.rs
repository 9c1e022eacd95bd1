//! The daemons' pods: where to dial.

use std::collections::BTreeMap;

use gputop_model::{NodeName, PodInfo, PodUid};

use crate::state::Listing;

/// Namespace of gputop-k3s in the cluster.
pub(crate) const NAMESPACE: &str = "gputop-k3s";

/// Value of `app.kubernetes.io/name` on the daemons' pods.
const DAEMON_NAME: &str = "gputop-node";

/// The running daemon of each node.
pub type Daemons = BTreeMap<NodeName, DaemonPod>;

/// One daemon's pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DaemonPod {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Uid: another one means another pod.
    pub uid: PodUid,
}

/// Whether labels and namespace are those of a daemon's pod.
pub(super) fn is_daemon(namespace: &str, labels: Option<&BTreeMap<String, String>>) -> bool {
    namespace == NAMESPACE
        && labels
            .and_then(|labels| labels.get("app.kubernetes.io/name"))
            .map(String::as_str)
            == Some(DAEMON_NAME)
}

/// Brings `daemons` up to date; whether anything changed.
pub(super) fn observe(daemons: &mut Daemons, listing: &Listing<PodUid, PodInfo>) -> bool {
    let before = daemons.clone();
    match listing {
        Listing::Whole(pods) => {
            daemons.clear();
            for pod in pods {
                observe_one(daemons, pod);
            }
        }
        Listing::Changed(pod) => observe_one(daemons, pod),
        Listing::Gone(uid) => daemons.retain(|_, daemon| daemon.uid != *uid),
    }
    *daemons != before
}

fn observe_one(daemons: &mut Daemons, pod: &PodInfo) {
    let Some(node) = pod.node.as_ref().filter(|_| pod.is_daemon) else {
        return;
    };
    if pod.is_running_daemon() {
        let daemon = DaemonPod {
            namespace: pod.key.namespace.to_string(),
            name: pod.key.name.to_string(),
            uid: pod.uid.clone(),
        };
        daemons.insert(node.clone(), daemon);
    } else {
        daemons.retain(|_, daemon| daemon.uid != pod.uid);
    }
}

#[cfg(test)]
mod tests {
    use gputop_model::{Phase, PodKey};

    use super::*;

    fn pod(uid: &str, node: &str, phase: Phase) -> PodInfo {
        let key = PodKey::new(NAMESPACE, format!("gputop-node-{uid}"));
        PodInfo {
            node: Some(node.into()),
            phase,
            is_daemon: true,
            ..PodInfo::unknown(key, uid.into())
        }
    }

    fn changed(pod: PodInfo) -> Listing<PodUid, PodInfo> {
        Listing::Changed(Box::new(pod))
    }

    #[test]
    fn the_running_pod_of_a_node_is_its_daemon() {
        let mut daemons = Daemons::new();
        assert!(!observe(
            &mut daemons,
            &changed(pod("1", "a", Phase::Pending))
        ));
        assert!(observe(
            &mut daemons,
            &changed(pod("1", "a", Phase::Running))
        ));
        assert!(!observe(
            &mut daemons,
            &changed(pod("1", "a", Phase::Running))
        ));
        // A rolling update: the new pod runs before the old one's deletion is seen.
        assert!(observe(
            &mut daemons,
            &changed(pod("2", "a", Phase::Running))
        ));
        assert!(!observe(&mut daemons, &Listing::Gone("1".into())));
        assert_eq!(daemons[&"a".into()].uid, "2".into());
        assert!(observe(&mut daemons, &Listing::Whole(Vec::new())));
        assert!(daemons.is_empty());
    }

    #[test]
    fn pods_of_others_are_not_daemons() {
        let labels =
            BTreeMap::from([("app.kubernetes.io/name".to_owned(), DAEMON_NAME.to_owned())]);
        assert!(is_daemon(NAMESPACE, Some(&labels)));
        assert!(!is_daemon("default", Some(&labels)));
        assert!(!is_daemon(NAMESPACE, None));
    }
}
