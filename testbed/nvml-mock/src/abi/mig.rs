//! MIG: the mode, the instances and what they are.

use super::put;
use crate::Code;
use crate::call::{Handle, Target, handle, on, on_card};
use crate::scenario::Mig;

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMigMode(
    device: Handle,
    current: *mut u32,
    pending: *mut u32,
) -> u32 {
    on_card("nvmlDeviceGetMigMode", device, |target| {
        let mode = u32::from(target.gpu().mig_mode.ok_or(Code::NotSupported)?);
        // SAFETY: the caller's variables.
        unsafe { put(current, mode).and_then(|()| put(pending, mode)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMaxMigDeviceCount(device: Handle, out: *mut u32) -> u32 {
    on_card("nvmlDeviceGetMaxMigDeviceCount", device, |target| {
        let gpu = target.gpu();
        let most = if gpu.mig_mode.is_some() {
            gpu.mig_most
        } else {
            0
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, most) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceIsMigDeviceHandle(device: Handle, out: *mut u32) -> u32 {
    on("nvmlDeviceIsMigDeviceHandle", device, |target| {
        // SAFETY: the caller's variable.
        unsafe { put(out, u32::from(target.mig().is_some())) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMigDeviceHandleByIndex(
    device: Handle,
    slot: u32,
    out: *mut Handle,
) -> u32 {
    on_card("nvmlDeviceGetMigDeviceHandleByIndex", device, |target| {
        let gpu = target.gpu();
        match gpu.mig_mode {
            Some(true) => {}
            Some(false) => return Err(Code::NotFound),
            None => return Err(Code::NotSupported),
        }
        let mut instances = gpu.mig.iter().zip(0..);
        let is_there = |(mig, place): &(&Mig, u32)| mig.slot.unwrap_or(*place) == slot;
        let place = instances.position(|entry| is_there(&entry));
        let place = place.ok_or(Code::NotFound)?;
        // SAFETY: the caller's variable.
        unsafe { put(out, handle(target.card, Some(place))) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetDeviceHandleFromMigDeviceHandle(
    device: Handle,
    out: *mut Handle,
) -> u32 {
    on(
        "nvmlDeviceGetDeviceHandleFromMigDeviceHandle",
        device,
        |target| {
            instance(target)?;
            // SAFETY: the caller's variable.
            unsafe { put(out, handle(target.card, None)) }
        },
    )
}

fn instance(target: &Target) -> Result<&Mig, Code> {
    target.mig().ok_or(Code::InvalidArgument)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetGpuInstanceId(device: Handle, out: *mut u32) -> u32 {
    on("nvmlDeviceGetGpuInstanceId", device, |target| {
        // SAFETY: the caller's variable.
        unsafe { put(out, instance(target)?.gi) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetComputeInstanceId(device: Handle, out: *mut u32) -> u32 {
    on("nvmlDeviceGetComputeInstanceId", device, |target| {
        // SAFETY: the caller's variable.
        unsafe { put(out, instance(target)?.ci) }
    })
}

/// `nvmlDeviceAttributes_t`.
#[repr(C)]
struct Attributes {
    multiprocessors: u32,
    /// Of copy, decoder, encoder, JPEG and optical flow.
    engines: [u32; 5],
    gpu_slices: u32,
    compute_slices: u32,
    memory_mb: u64,
}
const _: () = assert!(size_of::<Attributes>() == 40);

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetAttributes_v2(device: Handle, out: *mut Attributes) -> u32 {
    on("nvmlDeviceGetAttributes_v2", device, |target| {
        let mig = instance(target)?;
        let attributes = Attributes {
            multiprocessors: 16 * mig.slices,
            engines: [1, 0, 0, 0, 0],
            gpu_slices: mig.slices,
            compute_slices: mig.slices,
            memory_mb: mig.memory_total_mib,
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, attributes) }
    })
}
