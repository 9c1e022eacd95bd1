//! Which extended resources are GPU units, and which are only shown.

/// Prefix of every extended resource that the scheduler counts as GPU units.
pub const GPU_RESOURCE_PREFIX: &str = "nvidia.com/";

/// Beginnings of names under `nvidia.com/` that are no GPUs: memory as `HAMi` counts it (`gpumem`,
/// `gpumem-percentage`), compute (`gpucores`, `cores`) and priority, fractions of other sharing
/// tools (`vgpu…`), and network devices of NVIDIA's Network Operator.
const NO_GPU_UNITS: [&str; 9] = [
    "gpumem", "gpucores", "cores", "priority", "vgpu", "hostdev", "mlnx", "rdma", "sriov",
];

/// Beginnings of the names under which other vendors' accelerators, and tools that share NVIDIA's
/// in a way of their own, offer what they have.
const OTHER_ACCELERATORS: [&str; 30] = [
    // Other vendors.
    "amd.com/",
    "aws.amazon.com/neuron",
    "cambricon.com/",
    "cloud-tpus.google.com/",
    "enflame.com/",
    "furiosa.ai/",
    "google.com/tpu",
    "gpu.intel.com/",
    "habana.ai/",
    "huawei.com/",
    "hygon.com/",
    "iluvatar.ai/",
    "iluvatar.com/",
    "kunlunxin.com/",
    "metax-tech.com/",
    "mthreads.com/",
    "npu.intel.com/",
    "qualcomm.com/qaic",
    "rebellions.ai/",
    "squat.ai/gpu",
    "squat.ai/video",
    "tenstorrent.com/",
    "vastaitech.com/",
    "xilinx.com/",
    // Sharing tools.
    "4paradigm.com/",
    "aliyun.com/gpu",
    "run.ai/",
    "tencent.com/vcuda",
    "volcano.sh/gpu",
    "volcano.sh/vgpu",
];

/// Whether `resource` is counted in GPU units: whole GPUs, shares (`gpu.shared`), MIG profiles
/// (`mig-1g.10gb`) and passed-through GPUs under `nvidia.com/`, but not what `HAMi` counts there
/// (memory, cores).
#[must_use]
pub fn is_gpu_resource(resource: &str) -> bool {
    resource
        .strip_prefix(GPU_RESOURCE_PREFIX)
        .is_some_and(|name| {
            !NO_GPU_UNITS
                .iter()
                .any(|beginning| name.starts_with(beginning))
        })
}

/// Whether `resource` is an accelerator, or a part of one, that is shown and never computed with.
#[must_use]
pub fn is_other_accelerator(resource: &str) -> bool {
    (resource.starts_with(GPU_RESOURCE_PREFIX) && !is_gpu_resource(resource))
        || OTHER_ACCELERATORS
            .iter()
            .any(|beginning| resource.starts_with(beginning))
}

/// A whole quantity of an extended resource. The API server may shorten it with a decimal suffix
/// (`24k`); binary ones are read too. `None` for anything else.
#[must_use]
pub fn whole_quantity(text: &str) -> Option<i64> {
    const SUFFIXES: [(&str, i64); 12] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("Pi", 1 << 50),
        ("Ei", 1 << 60),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
        ("P", 1_000_000_000_000_000),
        ("E", 1_000_000_000_000_000_000),
    ];
    let (number, scale) = SUFFIXES
        .iter()
        .find_map(|(suffix, scale)| Some((text.strip_suffix(suffix)?, *scale)))
        .unwrap_or((text, 1));
    number.parse::<i64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_shares_and_profiles_are_units_and_their_memory_is_not() {
        for resource in [
            "nvidia.com/gpu",
            "nvidia.com/gpu.shared",
            "nvidia.com/mig-1g.10gb.me",
            "nvidia.com/GA102GL_A10",
        ] {
            assert!(is_gpu_resource(resource), "{resource}");
            assert!(!is_other_accelerator(resource), "{resource}");
        }
        for resource in [
            "nvidia.com/gpumem",
            "nvidia.com/gpumem-percentage",
            "nvidia.com/gpucores",
            "nvidia.com/vgpu",
            "amd.com/gpu",
            "gpu.intel.com/i915",
            "habana.ai/gaudi",
            "aws.amazon.com/neuroncore",
            "google.com/tpu",
            "tenstorrent.com/n150",
        ] {
            assert!(!is_gpu_resource(resource), "{resource}");
            assert!(is_other_accelerator(resource), "{resource}");
        }
        for resource in [
            "cpu",
            "memory",
            "example.com/gpu",
            "devices.kubevirt.io/kvm",
        ] {
            assert!(!is_gpu_resource(resource) && !is_other_accelerator(resource));
        }
    }

    #[test]
    fn quantities_are_whole_numbers() {
        assert_eq!(whole_quantity("4"), Some(4));
        assert_eq!(whole_quantity("24k"), Some(24_000));
        assert_eq!(whole_quantity("16Gi"), Some(17_179_869_184));
        for text in ["x", "", "k", "1500m", "1.5", "9E9", "99999999999999999999"] {
            assert_eq!(whole_quantity(text), None, "{text}");
        }
    }
}
