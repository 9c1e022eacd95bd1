//! Numbered fields, several at a time.

use crate::Code;
use crate::call::{Handle, Target, on};

/// `nvmlFieldValue_t`.
#[repr(C)]
struct FieldValue {
    field: u32,
    scope: u32,
    timestamp: i64,
    latency: i64,
    kind: u32,
    code: u32,
    value: u64,
}
const _: () = assert!(size_of::<FieldValue>() == 40);

/// `NVML_VALUE_TYPE_UNSIGNED_LONG_LONG`.
const UNSIGNED_LONG_LONG: u32 = 3;

fn value(target: &Target, field: u32) -> Result<u64, Code> {
    let gpu = target.gpu();
    if let Some(value) = gpu.fields.get(&field.to_string()) {
        return Ok(*value);
    }
    Ok(match field {
        82 => gpu.memory_temperature.into(),
        83 => gpu.energy_mj,
        91 => gpu.links.len() as u64,
        94 => gpu.pcie_replays.into(),
        142 => gpu.remapped.0.into(),
        143 => gpu.remapped.1.into(),
        144 => gpu.remap_pending.into(),
        145 => gpu.remap_failed.into(),
        _ => return Err(Code::NotSupported),
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetFieldValues(
    device: Handle,
    count: i32,
    values: *mut FieldValue,
) -> u32 {
    on("nvmlDeviceGetFieldValues", device, |target| {
        let count = usize::try_from(count).map_err(|_| Code::InvalidArgument)?;
        if values.is_null() {
            return Err(Code::InvalidArgument);
        }
        // SAFETY: the caller has so many, each with the number of its field.
        let values = unsafe { std::slice::from_raw_parts_mut(values, count) };
        for one in values {
            match value(target, one.field) {
                Ok(number) => {
                    one.kind = UNSIGNED_LONG_LONG;
                    one.code = 0;
                    one.value = number;
                }
                Err(code) => one.code = code.number(),
            }
        }
        Ok(())
    })
}
