//! Identifiers as types.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }
    };
}

id!(
    /// Name of a Kubernetes node (may contain dots).
    NodeName
);
id!(
    /// `metadata.uid` of a pod.
    PodUid
);
id!(
    /// NVML's UUID of a physical GPU (`GPU-…`) or of a MIG instance (`MIG-…`).
    GpuUuid
);

/// Namespace and name of a pod.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PodKey {
    /// `metadata.namespace`.
    pub namespace: Arc<str>,
    /// `metadata.name`.
    pub name: Arc<str>,
}

impl PodKey {
    /// A key from its two parts.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for PodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.namespace, self.name))
    }
}

/// A device id as the kubelet knows it: `GPU-…`, `GPU-…::2` (a time-sliced share) or `MIG-…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(Arc<str>);

impl DeviceId {
    /// Wraps the text as the kubelet reports it.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The device behind the id: everything before `::`.
    ///
    /// NVIDIA's device plugin names time-sliced shares `<uuid>::<n>`.
    #[must_use]
    pub fn device(&self) -> GpuUuid {
        match self.0.split_once("::") {
            Some((uuid, _)) => GpuUuid::new(uuid),
            None => GpuUuid(self.0.clone()),
        }
    }

    /// The number of the share, for a time-sliced device.
    #[must_use]
    pub fn share(&self) -> Option<u32> {
        self.0
            .split_once("::")
            .and_then(|(_, share)| share.parse().ok())
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_belongs_to_its_gpu() {
        let share = DeviceId::new("GPU-1a2b::3");
        assert_eq!(share.device(), GpuUuid::new("GPU-1a2b"));
        assert_eq!(share.share(), Some(3));
    }

    #[test]
    fn whole_gpus_and_mig_instances_are_their_own_device() {
        for id in ["GPU-1a2b", "MIG-9f8e"] {
            let id = DeviceId::new(id);
            assert_eq!(id.device().as_str(), id.as_str());
            assert_eq!(id.share(), None);
        }
    }
}
