//! GPU instances and compute instances, by which NVIDIA's device plugin names a MIG device's profile.

use super::put;
use crate::Code;
use crate::call::{Handle, Needs, call, handle, on_card};
use crate::scenario::{Mig, Scenario};

/// Handle of a GPU instance or a compute instance: card × 65,536 + the MIG device's place in the
/// card's list, both counted from 1. It is never looked up as an address.
type Instance = usize;

fn to_handle(card: usize, place: usize) -> Instance {
    (card + 1) * 65_536 + place + 1
}

/// Card and place of an instance.
fn of_handle(instance: Instance) -> Option<(usize, usize)> {
    Some((
        (instance / 65_536).checked_sub(1)?,
        (instance % 65_536).checked_sub(1)?,
    ))
}

/// A call about an instance.
fn on_instance(
    name: &'static str,
    instance: Instance,
    body: impl FnOnce(&Scenario, usize, &Mig) -> Result<(), Code>,
) -> u32 {
    let place = of_handle(instance);
    call(
        name,
        place.map(|(card, _)| card),
        Needs::Session,
        |scenario| {
            let (card, place) = place.ok_or(Code::InvalidArgument)?;
            let gpu = scenario.gpus.get(card).filter(|gpu| gpu.plugged);
            let gpu = gpu.ok_or(Code::GpuIsLost)?;
            body(scenario, card, gpu.mig.get(place).ok_or(Code::NotFound)?)
        },
    )
}

/// NVML's number of the profile with so many slices; the same for both kinds of instances, and here
/// also the profile's id.
const fn profile(slices: u32) -> u32 {
    match slices {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4..=6 => 3,
        _ => 4,
    }
}

/// `nvmlGpuInstancePlacement_t` and the like.
#[repr(C)]
struct Placement {
    start: u32,
    size: u32,
}

/// `nvmlGpuInstanceInfo_t`.
#[repr(C)]
struct GpuInstance {
    device: Handle,
    id: u32,
    profile: u32,
    placement: Placement,
}
const _: () = assert!(size_of::<GpuInstance>() == 24);

/// `nvmlComputeInstanceInfo_t`.
#[repr(C)]
struct ComputeInstance {
    device: Handle,
    gpu_instance: Instance,
    id: u32,
    profile: u32,
    placement: Placement,
}
const _: () = assert!(size_of::<ComputeInstance>() == 32);

/// `nvmlGpuInstanceProfileInfo_t`.
#[repr(C)]
struct GpuProfile {
    id: u32,
    peer_to_peer: u32,
    slices: u32,
    instances: u32,
    multiprocessors: u32,
    /// Of copy, decoder, encoder, JPEG and optical flow.
    engines: [u32; 5],
    memory_mb: u64,
}
const _: () = assert!(size_of::<GpuProfile>() == 48);

/// `nvmlComputeInstanceProfileInfo_t`.
#[repr(C)]
struct ComputeProfile {
    id: u32,
    slices: u32,
    instances: u32,
    multiprocessors: u32,
    /// Of copy, decoder, encoder, JPEG and optical flow.
    engines: [u32; 5],
}
const _: () = assert!(size_of::<ComputeProfile>() == 36);

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetGpuInstanceById(
    device: Handle,
    id: u32,
    out: *mut Instance,
) -> u32 {
    on_card("nvmlDeviceGetGpuInstanceById", device, |target| {
        let place = target.gpu().mig.iter().position(|mig| mig.gi == id);
        let place = place.ok_or(Code::NotFound)?;
        // SAFETY: the caller's variable.
        unsafe { put(out, to_handle(target.card, place)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlGpuInstanceGetInfo(instance: Instance, out: *mut GpuInstance) -> u32 {
    on_instance("nvmlGpuInstanceGetInfo", instance, |_, card, mig| {
        let info = GpuInstance {
            device: handle(card, None),
            id: mig.gi,
            profile: profile(mig.slices),
            placement: Placement {
                start: 0,
                size: mig.slices,
            },
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, info) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlGpuInstanceGetComputeInstanceById(
    instance: Instance,
    id: u32,
    out: *mut Instance,
) -> u32 {
    on_instance(
        "nvmlGpuInstanceGetComputeInstanceById",
        instance,
        |scenario, card, mig| {
            let mut all = scenario.gpus[card].mig.iter();
            let place = all.position(|other| (other.gi, other.ci) == (mig.gi, id));
            let place = place.ok_or(Code::NotFound)?;
            // SAFETY: the caller's variable.
            unsafe { put(out, to_handle(card, place)) }
        },
    )
}

fn compute(name: &'static str, instance: Instance, out: *mut ComputeInstance) -> u32 {
    on_instance(name, instance, |scenario, card, mig| {
        let mut all = scenario.gpus[card].mig.iter();
        let parent = all.position(|other| other.gi == mig.gi);
        let info = ComputeInstance {
            device: handle(card, None),
            gpu_instance: to_handle(card, parent.ok_or(Code::NotFound)?),
            id: mig.ci,
            profile: profile(mig.slices),
            placement: Placement {
                start: 0,
                size: mig.slices,
            },
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, info) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlComputeInstanceGetInfo(
    instance: Instance,
    out: *mut ComputeInstance,
) -> u32 {
    compute("nvmlComputeInstanceGetInfo", instance, out)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlComputeInstanceGetInfo_v2(
    instance: Instance,
    out: *mut ComputeInstance,
) -> u32 {
    compute("nvmlComputeInstanceGetInfo_v2", instance, out)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetGpuInstanceProfileInfo(
    device: Handle,
    wanted: u32,
    out: *mut GpuProfile,
) -> u32 {
    on_card("nvmlDeviceGetGpuInstanceProfileInfo", device, |target| {
        let mut all = target.gpu().mig.iter();
        let mig = all.find(|mig| profile(mig.slices) == wanted);
        // Profiles of which there is no instance are not told of.
        let mig = mig.ok_or(Code::NotSupported)?;
        let info = GpuProfile {
            id: wanted,
            peer_to_peer: 0,
            slices: mig.slices,
            instances: 7 / mig.slices.max(1),
            multiprocessors: 16 * mig.slices,
            engines: [1, 0, 0, 0, 0],
            memory_mb: mig.memory_total_mib,
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, info) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlGpuInstanceGetComputeInstanceProfileInfo(
    instance: Instance,
    wanted: u32,
    engines: u32,
    out: *mut ComputeProfile,
) -> u32 {
    on_instance(
        "nvmlGpuInstanceGetComputeInstanceProfileInfo",
        instance,
        |_, _, mig| {
            if profile(mig.slices) != wanted || engines != 0 {
                return Err(Code::NotSupported);
            }
            let info = ComputeProfile {
                id: wanted,
                slices: mig.slices,
                instances: 1,
                multiprocessors: 16 * mig.slices,
                engines: [1, 0, 0, 0, 0],
            };
            // SAFETY: the caller's variable.
            unsafe { put(out, info) }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_lead_back() {
        assert_eq!(of_handle(to_handle(15, 6)), Some((15, 6)));
        assert_eq!(of_handle(0), None);
    }
}
