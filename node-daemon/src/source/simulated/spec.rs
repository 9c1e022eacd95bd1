//! What a simulated node is made of, and the ids that follow from it.

use std::collections::BTreeMap;

use gputop_model::{Bytes, DeviceId, GpuUuid, MilliWatts, NodeName};

use super::noise::{fnv, mix};

/// A simulated GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuSpec {
    /// Product name as NVML would spell it.
    pub product: String,
    /// Frame buffer.
    pub memory: Bytes,
    /// Enforced power limit.
    pub power_limit: MilliWatts,
    /// Number of time-sliced shares, 2 upwards; `None`: the GPU is given away whole.
    pub time_slices: Option<u32>,
    /// Profiles of its MIG instances in order, such as `1g.10gb`; empty: MIG mode is off.
    pub mig: Vec<String>,
    /// Its memory is badly cooled: under load the driver holds the clocks back.
    pub hot_memory: bool,
    /// PCIe lanes that it got, when these are fewer than it has.
    pub pcie_width: Option<u32>,
    /// Xid errors that the driver reports, one after the other, from a moment after the start.
    pub xids: Vec<u32>,
}

/// A simulated node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Name; the UUIDs of its GPUs follow from it.
    pub name: NodeName,
    /// Driver version; `None`: no driver is installed.
    pub driver: Option<String>,
    /// CUDA version of the driver.
    pub cuda: Option<String>,
    /// GPUs in NVML's order.
    pub gpus: Vec<GpuSpec>,
}

impl NodeSpec {
    /// UUID of the GPU with NVML's index `gpu`.
    #[must_use]
    pub fn gpu_uuid(&self, gpu: usize) -> GpuUuid {
        uuid("GPU", &format!("{}/{gpu}", self.name))
    }

    /// UUID of the MIG instance number `slot` of the GPU with NVML's index `gpu`.
    #[must_use]
    pub fn mig_uuid(&self, gpu: usize, slot: usize) -> GpuUuid {
        uuid("MIG", &format!("{}/{gpu}/{slot}", self.name))
    }

    /// The device ids that the kubelet would advertise, by resource name: `nvidia.com/gpu` with
    /// whole GPUs and time-sliced shares (`UUID::n`), `nvidia.com/mig-<profile>` with MIG
    /// instances. Empty without a driver.
    ///
    /// As NVIDIA's device plugin does with MIG strategy `mixed`: a `+` in a profile becomes a dot.
    #[must_use]
    pub fn device_ids(&self) -> BTreeMap<String, Vec<DeviceId>> {
        let mut ids: BTreeMap<String, Vec<DeviceId>> = BTreeMap::new();
        if self.driver.is_none() {
            return ids;
        }
        for (index, gpu) in self.gpus.iter().enumerate() {
            if !gpu.mig.is_empty() {
                for (slot, profile) in gpu.mig.iter().enumerate() {
                    let resource = format!("nvidia.com/mig-{}", profile.replace('+', "."));
                    let id = DeviceId::new(self.mig_uuid(index, slot).as_str());
                    ids.entry(resource).or_default().push(id);
                }
                continue;
            }
            let whole = ids.entry("nvidia.com/gpu".to_owned()).or_default();
            let uuid = self.gpu_uuid(index);
            match gpu.time_slices {
                Some(shares) => {
                    whole.extend((0..shares).map(|n| DeviceId::new(format!("{uuid}::{n}"))));
                }
                None => whole.push(DeviceId::new(uuid.as_str())),
            }
        }
        ids
    }
}

/// Size of a MIG instance from its profile: `3g.40gb` → 40 GiB; `None` when it has no such shape.
pub(super) fn profile_memory(profile: &str) -> Option<Bytes> {
    let (slices, rest) = profile.split_once("g.")?;
    slices.parse::<u32>().ok().filter(|n| (1..=7).contains(n))?;
    let (gigabytes, _attributes) = rest.split_once("gb")?;
    gigabytes.parse().ok().map(Bytes::from_gib)
}

/// A UUID in NVML's format that depends on `text` alone.
fn uuid(prefix: &str, text: &str) -> GpuUuid {
    let high = mix(fnv(prefix) ^ fnv(text));
    let low = mix(high ^ 0x9e37_79b9_7f4a_7c15);
    let hex = format!("{high:016x}{low:016x}");
    GpuUuid::new(format!(
        "{prefix}-{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(time_slices: Option<u32>, mig: &[&str]) -> GpuSpec {
        GpuSpec {
            product: "NVIDIA Test".to_owned(),
            memory: Bytes::from_gib(80),
            power_limit: MilliWatts(400_000),
            time_slices,
            mig: mig.iter().map(|&profile| profile.to_owned()).collect(),
            hot_memory: false,
            pcie_width: None,
            xids: Vec::new(),
        }
    }

    fn node(name: &str, gpus: Vec<GpuSpec>) -> NodeSpec {
        NodeSpec {
            name: name.into(),
            driver: Some("580.95.05".to_owned()),
            cuda: None,
            gpus,
        }
    }

    #[test]
    fn uuids_are_stable_and_differ_by_node_index_and_slot() {
        let (a, b) = (node("a", vec![]), node("b", vec![]));
        assert_eq!(a.gpu_uuid(0), a.gpu_uuid(0));
        assert_ne!(a.gpu_uuid(0), a.gpu_uuid(1));
        assert_ne!(a.gpu_uuid(0), b.gpu_uuid(0));
        assert_ne!(a.mig_uuid(0, 0), a.mig_uuid(0, 1));
        let lengths: Vec<_> = a.gpu_uuid(0).as_str().split('-').map(str::len).collect();
        assert_eq!(lengths, [3, 8, 4, 4, 4, 12]);
    }

    #[test]
    fn device_ids_are_split_by_resource() {
        let node = node(
            "n",
            vec![
                gpu(None, &[]),
                gpu(Some(2), &[]),
                gpu(None, &["1g.10gb", "1g.10gb+me"]),
            ],
        );
        let ids = node.device_ids();
        let shared = node.gpu_uuid(1);
        let expected = [
            node.gpu_uuid(0).to_string(),
            format!("{shared}::0"),
            format!("{shared}::1"),
        ];
        let got: Vec<_> = ids["nvidia.com/gpu"]
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(got, expected);
        assert_eq!(ids["nvidia.com/mig-1g.10gb"].len(), 1);
        assert_eq!(ids["nvidia.com/mig-1g.10gb.me"].len(), 1);
    }

    #[test]
    fn without_a_driver_nothing_is_advertised() {
        let mut node = node("n", vec![gpu(None, &[])]);
        node.driver = None;
        assert!(node.device_ids().is_empty());
    }

    #[test]
    fn the_memory_of_an_instance_is_in_its_profile() {
        assert_eq!(profile_memory("3g.40gb"), Some(Bytes::from_gib(40)));
        assert_eq!(profile_memory("1g.10gb+me"), Some(Bytes::from_gib(10)));
        for bad in ["", "9g.40gb", "3g", "3g.gb", "g.40gb", "40gb"] {
            assert_eq!(profile_memory(bad), None, "{bad}");
        }
    }
}
