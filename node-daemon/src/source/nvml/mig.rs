//! MIG instances of a card.

use std::collections::BTreeMap;

use gputop_model::{Bytes, Device, DeviceKind, Failure, GpuUuid, Health, Reading};
use nvml_wrapper::Device as Handle;
use nvml_wrapper::error::NvmlError;

use crate::source::gpu::instance;

/// An instance and what its own handle says.
pub(super) struct Instance<'a> {
    pub(super) handle: Result<Handle<'a>, Failure>,
    pub(super) device: Device,
}

/// The instances of a card by their slots, as they were last.
#[derive(Debug, Default)]
pub(super) struct Slots(BTreeMap<u32, Device>);

impl Slots {
    /// The instances of `card` in NVML's order, without the slots that are empty. One that does not
    /// answer this time stays where it was, with the reason in the place of its values.
    pub(super) fn read<'a>(
        &mut self,
        card: &Handle<'a>,
        parent: &Device,
        failed: &mut impl FnMut(NvmlError) -> Failure,
    ) -> Vec<Instance<'a>> {
        let count = match card.mig_device_count() {
            Ok(count) => count,
            Err(error) => {
                let failure = failed(error);
                let lost = self.failed(parent, failure).into_iter();
                let instances = lost.map(|device| Instance {
                    handle: Err(failure),
                    device,
                });
                return instances.collect();
            }
        };
        self.0.retain(|slot, _| *slot < count);
        let mut instances = Vec::new();
        for slot in 0..count {
            let found = card
                .mig_device_by_index(slot)
                .and_then(|handle| read(handle, parent));
            match found {
                Ok(instance) => {
                    // The layout has changed, and it was known in another slot.
                    self.0.retain(|_, old| old.uuid != instance.device.uuid);
                    self.0.insert(slot, instance.device.clone());
                    instances.push((slot, instance));
                }
                // An empty slot.
                Err(NvmlError::NotFound | NvmlError::InvalidArg) => {
                    self.0.remove(&slot);
                }
                Err(error) => {
                    let failure = failed(error);
                    if let Some(known) = self.0.get(&slot) {
                        let handle = Err(failure);
                        let device = unread(known, parent, failure);
                        instances.push((slot, Instance { handle, device }));
                    }
                }
            }
        }
        // What was found later in another slot is not what failed in its old one.
        instances.retain(|(slot, _)| self.0.contains_key(slot));
        instances
            .into_iter()
            .map(|(_, instance)| instance)
            .collect()
    }

    /// All instances that were there last, none of which can be asked because of `failure`.
    pub(super) fn failed(&self, parent: &Device, failure: Failure) -> Vec<Device> {
        let known = self.0.values();
        known.map(|known| unread(known, parent, failure)).collect()
    }

    /// The card is whole.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The instance that was `known`, of which nothing could be read this time.
fn unread(known: &Device, parent: &Device, failure: Failure) -> Device {
    let kind = match &known.kind {
        DeviceKind::MigInstance { profile, .. } => DeviceKind::MigInstance {
            profile: profile.clone(),
            // Read by now, if it was not then.
            parent: parent.uuid.clone(),
        },
        whole @ DeviceKind::Gpu { .. } => whole.clone(),
    };
    let (uuid, product) = (known.uuid.clone(), known.product.clone());
    let mut device = instance(parent.index, uuid, product, kind);
    device.health = health(parent, Reading::Failed(failure));
    device.memory_total = Reading::Failed(failure);
    device.memory_used = Reading::Failed(failure);
    device.memory.reserved = Reading::Failed(failure);
    device.process_count = Reading::Failed(failure);
    device
}

/// Health of an instance of `parent` that is `own` by itself: what ails the card ails its parts.
fn health(parent: &Device, own: Reading<Health>) -> Reading<Health> {
    match &parent.health {
        Reading::Value(Health::Ok) | Reading::Unsupported => own,
        other => other.clone(),
    }
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
    device.health = health(parent, Health::Ok.into());
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
    let handle = Ok(handle);
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
