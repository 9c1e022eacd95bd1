//! MIG instances of a card.

use gputop_model::{Bytes, Device, DeviceKind, Failure, GpuUuid, Health, Reading};
use nvml_wrapper::Device as Handle;
use nvml_wrapper::error::NvmlError;

use crate::source::gpu::instance;

/// An instance and what its own handle says.
pub(super) struct Instance<'a> {
    pub(super) handle: Handle<'a>,
    pub(super) device: Device,
}

/// The instances of `card`, in NVML's order. Slots that are empty or do not answer are left out.
pub(super) fn instances<'a>(
    card: &Handle<'a>,
    parent: &Device,
    failed: &mut impl FnMut(NvmlError),
) -> Vec<Instance<'a>> {
    let count = card.mig_device_count().unwrap_or_else(|error| {
        failed(error);
        0
    });
    let mut found = Vec::new();
    for slot in 0..count {
        let found_there = card
            .mig_device_by_index(slot)
            .and_then(|handle| read(handle, parent));
        match found_there {
            Ok(instance) => found.push(instance),
            // An empty slot.
            Err(NvmlError::NotFound | NvmlError::InvalidArg) => {}
            Err(error) => failed(error),
        }
    }
    found
}

fn read<'a>(handle: Handle<'a>, parent: &Device) -> Result<Instance<'a>, NvmlError> {
    let uuid = GpuUuid::new(handle.uuid()?);
    let product = handle.name().unwrap_or_else(|_| parent.product.clone());
    let profile = match profile_in_name(&product) {
        Some(profile) => profile.to_owned(),
        None => handle
            .attributes()
            .map(|has| profile_of(has.gpu_instance_slice_count, has.memory_size_mb))?,
    };
    let kind = DeviceKind::MigInstance {
        profile,
        parent: parent.uuid.clone(),
    };
    let mut device = instance(parent.index, uuid, product, kind);
    device.health = match &parent.health {
        // What ails the card ails its parts.
        Reading::Value(Health::Ok) | Reading::Unsupported => Health::Ok.into(),
        other => other.clone(),
    };
    match handle.memory_info() {
        Ok(memory) => {
            device.memory_total = Bytes(memory.total).into();
            device.memory_used = Bytes(memory.used).into();
            device.memory.reserved = Bytes(memory.reserved).into();
        }
        Err(NvmlError::NoPermission) => {
            device.memory_used = Reading::Failed(Failure::NoPermission);
        }
        // Not asked for by itself: the next sample does.
        Err(_) => {}
    }
    Ok(Instance { handle, device })
}

/// The profile that newer drivers put into the name: `NVIDIA A100-SXM4-40GB MIG 1g.5gb`.
fn profile_in_name(name: &str) -> Option<&str> {
    let (_, profile) = name.rsplit_once("MIG ")?;
    let profile = profile.trim();
    (profile.contains("g.") && !profile.contains(' ')).then_some(profile)
}

/// The profile of an instance with so many slices and so much memory: NVIDIA's names round the
/// memory up to whole gigabytes (4864 MB is `5gb`).
fn profile_of(slices: u32, memory_mb: u64) -> String {
    format!("{slices}g.{}gb", memory_mb.div_ceil(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_from_names_and_from_sizes() {
        let name = "NVIDIA A100-SXM4-40GB MIG 1g.5gb+me";
        assert_eq!(profile_in_name(name), Some("1g.5gb+me"));
        assert_eq!(profile_in_name("NVIDIA A100-SXM4-40GB"), None);
        assert_eq!(profile_of(1, 4864), "1g.5gb");
        assert_eq!(profile_of(3, 20_096), "3g.20gb");
    }
}
