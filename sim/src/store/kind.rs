//! The kinds of objects that the simulated API server knows.

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Namespace,
    Node,
    Pod,
    Event,
    ConfigMap,
    Secret,
    Service,
    ServiceAccount,
    PersistentVolume,
    PersistentVolumeClaim,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
    Lease,
    PodDisruptionBudget,
    RuntimeClass,
    StorageClass,
    ClusterRole,
    ClusterRoleBinding,
    Role,
    RoleBinding,
}

/// How a kind is served.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KindInfo {
    /// API group, empty for the core group.
    pub(crate) group: &'static str,
    /// Version of the group.
    pub(crate) version: &'static str,
    /// Name in URLs.
    pub(crate) plural: &'static str,
    /// `kind` in objects.
    pub(crate) kind: &'static str,
    /// Whether objects live in a namespace.
    pub(crate) namespaced: bool,
    /// Served subresources.
    pub(crate) subresources: &'static [&'static str],
}

const fn info(
    group: &'static str,
    plural: &'static str,
    kind: &'static str,
    namespaced: bool,
    subresources: &'static [&'static str],
) -> KindInfo {
    KindInfo {
        group,
        version: "v1",
        plural,
        kind,
        namespaced,
        subresources,
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";
const STATUS: &[&str] = &["status"];
const SCALED: &[&str] = &["scale", "status"];
const POD: &[&str] = &["eviction", "exec", "log", "portforward", "status"];

static INFOS: [KindInfo; Kind::ALL.len()] = [
    info("", "namespaces", "Namespace", false, STATUS),
    info("", "nodes", "Node", false, STATUS),
    info("", "pods", "Pod", true, POD),
    info("", "events", "Event", true, &[]),
    info("", "configmaps", "ConfigMap", true, &[]),
    info("", "secrets", "Secret", true, &[]),
    info("", "services", "Service", true, STATUS),
    info("", "serviceaccounts", "ServiceAccount", true, &[]),
    info("", "persistentvolumes", "PersistentVolume", false, STATUS),
    info(
        "",
        "persistentvolumeclaims",
        "PersistentVolumeClaim",
        true,
        STATUS,
    ),
    info("apps", "deployments", "Deployment", true, SCALED),
    info("apps", "replicasets", "ReplicaSet", true, SCALED),
    info("apps", "statefulsets", "StatefulSet", true, SCALED),
    info("apps", "daemonsets", "DaemonSet", true, STATUS),
    info("batch", "jobs", "Job", true, STATUS),
    info("coordination.k8s.io", "leases", "Lease", true, &[]),
    info(
        "policy",
        "poddisruptionbudgets",
        "PodDisruptionBudget",
        true,
        STATUS,
    ),
    info("node.k8s.io", "runtimeclasses", "RuntimeClass", false, &[]),
    info(
        "storage.k8s.io",
        "storageclasses",
        "StorageClass",
        false,
        &[],
    ),
    info(RBAC, "clusterroles", "ClusterRole", false, &[]),
    info(
        RBAC,
        "clusterrolebindings",
        "ClusterRoleBinding",
        false,
        &[],
    ),
    info(RBAC, "roles", "Role", true, &[]),
    info(RBAC, "rolebindings", "RoleBinding", true, &[]),
];

impl Kind {
    /// Every kind, in the order of the enum.
    pub(crate) const ALL: [Self; 23] = [
        Self::Namespace,
        Self::Node,
        Self::Pod,
        Self::Event,
        Self::ConfigMap,
        Self::Secret,
        Self::Service,
        Self::ServiceAccount,
        Self::PersistentVolume,
        Self::PersistentVolumeClaim,
        Self::Deployment,
        Self::ReplicaSet,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
        Self::Lease,
        Self::PodDisruptionBudget,
        Self::RuntimeClass,
        Self::StorageClass,
        Self::ClusterRole,
        Self::ClusterRoleBinding,
        Self::Role,
        Self::RoleBinding,
    ];

    /// How the kind is served.
    pub(crate) fn info(self) -> &'static KindInfo {
        &INFOS[self as usize]
    }

    /// `apiVersion` of its objects.
    pub(crate) fn api_version(self) -> String {
        let info = self.info();
        if info.group.is_empty() {
            info.version.to_owned()
        } else {
            format!("{}/{}", info.group, info.version)
        }
    }

    /// The name that error messages use: `pods`, `deployments.apps`.
    pub(crate) fn qualified(self) -> String {
        let info = self.info();
        if info.group.is_empty() {
            info.plural.to_owned()
        } else {
            format!("{}.{}", info.plural, info.group)
        }
    }

    /// The kind behind a URL.
    pub(crate) fn find(group: &str, version: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            let info = kind.info();
            info.group == group && info.version == version && info.plural == plural
        })
    }

    /// The kind that an owner reference names.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.info().kind == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_row() {
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(format!("{kind:?}"), kind.info().kind);
            let info = kind.info();
            assert_eq!(
                Kind::find(info.group, info.version, info.plural),
                Some(kind)
            );
        }
    }
}
