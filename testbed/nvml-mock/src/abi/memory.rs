//! Memory and its errors.

use super::{mib, put, put_list};
use crate::Code;
use crate::call::{Handle, Target, on, on_card};

/// Bytes: total, reserved, used.
fn sizes(target: &Target) -> (u64, u64, u64) {
    let gpu = target.gpu();
    match target.mig() {
        Some(mig) => (mib(mig.memory_total_mib), 0, mib(mig.memory_used_mib)),
        None => (
            mib(gpu.memory_total_mib),
            mib(gpu.memory_reserved_mib),
            mib(gpu.memory_used_mib),
        ),
    }
}

/// `nvmlMemory_t`; what is reserved counts as used.
#[repr(C)]
struct Memory {
    total: u64,
    free: u64,
    used: u64,
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMemoryInfo(device: Handle, out: *mut Memory) -> u32 {
    on("nvmlDeviceGetMemoryInfo", device, |target| {
        let (total, reserved, used) = sizes(target);
        let used = used.saturating_add(reserved);
        let memory = Memory {
            total,
            free: total.saturating_sub(used),
            used,
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, memory) }
    })
}

/// `nvmlMemory_v2_t`.
#[repr(C)]
struct MemoryV2 {
    version: u32,
    total: u64,
    reserved: u64,
    free: u64,
    used: u64,
}
const _: () = assert!(size_of::<MemoryV2>() == 40);

/// The structure's size, and its version in the highest byte.
const MEMORY_V2: u32 = 0x28 | (2 << 24);

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMemoryInfo_v2(device: Handle, out: *mut MemoryV2) -> u32 {
    on("nvmlDeviceGetMemoryInfo_v2", device, |target| {
        // SAFETY: null, or a structure of the caller's with its version.
        if unsafe { out.as_ref() }.is_none_or(|out| out.version != MEMORY_V2) {
            return Err(Code::ArgumentVersionMismatch);
        }
        let (total, reserved, used) = sizes(target);
        let memory = MemoryV2 {
            version: MEMORY_V2,
            total,
            reserved,
            free: total.saturating_sub(used).saturating_sub(reserved),
            used,
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, memory) }
    })
}

/// `nvmlBAR1Memory_t`.
#[repr(C)]
struct Bar1 {
    total: u64,
    free: u64,
    used: u64,
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetBAR1MemoryInfo(device: Handle, out: *mut Bar1) -> u32 {
    on("nvmlDeviceGetBAR1MemoryInfo", device, |target| {
        let gpu = target.gpu();
        let (total, used) = (mib(gpu.bar1_total_mib), mib(gpu.bar1_used_mib));
        let bar1 = Bar1 {
            total,
            free: total.saturating_sub(used),
            used,
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, bar1) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetTotalEccErrors(
    device: Handle,
    error: u32,
    counter: u32,
    out: *mut u64,
) -> u32 {
    on_card("nvmlDeviceGetTotalEccErrors", device, |target| {
        let gpu = target.gpu();
        if !gpu.ecc_enabled {
            return Err(Code::NotSupported);
        }
        let counts = match counter {
            0 => gpu.ecc_volatile,
            1 => gpu.ecc_aggregate,
            _ => return Err(Code::InvalidArgument),
        };
        let count = match error {
            0 => counts.0,
            1 => counts.1,
            _ => return Err(Code::InvalidArgument),
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, count) }
    })
}

/// The addresses of retired pages.
fn retired(target: &Target, cause: u32) -> Result<Vec<u64>, Code> {
    let gpu = target.gpu();
    let count = match cause {
        0 => gpu.retired.0,
        1 => gpu.retired.1,
        _ => return Err(Code::InvalidArgument),
    };
    Ok((0..u64::from(count)).map(|page| page << 16).collect())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetRetiredPages(
    device: Handle,
    cause: u32,
    count: *mut u32,
    addresses: *mut u64,
) -> u32 {
    on_card("nvmlDeviceGetRetiredPages", device, |target| {
        // SAFETY: the caller's count, and a list with room for so many.
        unsafe { put_list(&retired(target, cause)?, count, addresses) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetRetiredPages_v2(
    device: Handle,
    cause: u32,
    count: *mut u32,
    addresses: *mut u64,
    times: *mut u64,
) -> u32 {
    on_card("nvmlDeviceGetRetiredPages_v2", device, |target| {
        let pages = retired(target, cause)?;
        // SAFETY: the caller's count, and lists with room for so many.
        unsafe {
            put_list(&pages, count, addresses)?;
            if !times.is_null() {
                times.write_bytes(0, pages.len());
            }
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetRemappedRows(
    device: Handle,
    correctable: *mut u32,
    uncorrectable: *mut u32,
    pending: *mut u32,
    failed: *mut u32,
) -> u32 {
    on_card("nvmlDeviceGetRemappedRows", device, |target| {
        let gpu = target.gpu();
        // SAFETY: the caller's variables.
        unsafe {
            put(correctable, gpu.remapped.0)?;
            put(uncorrectable, gpu.remapped.1)?;
            put(pending, u32::from(gpu.remap_pending))?;
            put(failed, u32::from(gpu.remap_failed))
        }
    })
}
