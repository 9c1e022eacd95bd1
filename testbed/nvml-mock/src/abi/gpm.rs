//! Performance monitoring: two samples, and what happened between them.

use std::ffi::c_char;

use super::put;
use crate::Code;
use crate::call::{Handle, Needs, Target, call, on, on_card};
use crate::world::session;

/// `nvmlGpmSupport_t`.
#[repr(C)]
struct Support {
    version: u32,
    supported: u32,
}

/// `nvmlGpmMetric_t`.
#[repr(C)]
struct Metric {
    id: u32,
    code: u32,
    value: f64,
    /// Short and long name, unit: null for "not told".
    words: [*const c_char; 3],
}
const _: () = assert!(size_of::<Metric>() == 40);

/// The beginning of `nvmlGpmMetricsGet_t`; as many metrics as were asked for follow it.
#[repr(C)]
struct Request {
    version: u32,
    count: u32,
    before: usize,
    after: usize,
}
const _: () = assert!(size_of::<Request>() == 24);

/// Most metrics that the oldest layout of the request has room for.
const MOST: u32 = 98;

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlGpmQueryDeviceSupport(device: Handle, out: *mut Support) -> u32 {
    on_card("nvmlGpmQueryDeviceSupport", device, |target| {
        let supported = u32::from(target.gpu().gpm.is_some());
        let support = Support {
            version: 1,
            supported,
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, support) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlGpmSampleAlloc(out: *mut usize) -> u32 {
    call("nvmlGpmSampleAlloc", None, Needs::Session, |_| {
        let mut session = session();
        let sample = session.new_handle();
        session.samples.insert(sample, None);
        // SAFETY: the caller's variable.
        unsafe { put(out, sample) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn nvmlGpmSampleFree(sample: usize) -> u32 {
    call("nvmlGpmSampleFree", None, Needs::Nothing, |_| {
        let freed = session().samples.remove(&sample);
        freed.map(drop).ok_or(Code::InvalidArgument)
    })
}

fn take(target: &Target, sample: usize) -> Result<(), Code> {
    if target.gpu().gpm.is_none() {
        return Err(Code::NotSupported);
    }
    let mut session = session();
    let taken = session.samples.get_mut(&sample);
    *taken.ok_or(Code::InvalidArgument)? = Some(target.card);
    Ok(())
}

#[unsafe(no_mangle)]
extern "C" fn nvmlGpmSampleGet(device: Handle, sample: usize) -> u32 {
    on_card("nvmlGpmSampleGet", device, |target| take(target, sample))
}

#[unsafe(no_mangle)]
extern "C" fn nvmlGpmMigSampleGet(device: Handle, instance: u32, sample: usize) -> u32 {
    on("nvmlGpmMigSampleGet", device, |target| {
        let mut instances = target.gpu().mig.iter();
        if instances.any(|mig| mig.gi == instance) {
            take(target, sample)
        } else {
            Err(Code::InvalidArgument)
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlGpmMetricsGet(request: *mut Request) -> u32 {
    call("nvmlGpmMetricsGet", None, Needs::Session, |scenario| {
        // SAFETY: null, or the caller's request.
        let head = unsafe { request.as_ref() }.ok_or(Code::InvalidArgument)?;
        if head.version != 1 || head.count > MOST {
            return Err(Code::ArgumentVersionMismatch);
        }
        let count = usize::try_from(head.count).map_err(|_| Code::InvalidArgument)?;
        let cards = {
            let session = session();
            let card = |sample| session.samples.get(sample).copied().flatten();
            (card(&head.before), card(&head.after))
        };
        let (Some(card), Some(after)) = cards else {
            return Err(Code::InvalidArgument);
        };
        if card != after {
            return Err(Code::InvalidArgument);
        }
        let gpu = scenario.gpus.get(card).ok_or(Code::GpuIsLost)?;
        let known = gpu.gpm.as_ref().ok_or(Code::NotSupported)?;
        // SAFETY: the request has room for at least `MOST` metrics after its head.
        let metrics =
            unsafe { std::slice::from_raw_parts_mut(request.add(1).cast::<Metric>(), count) };
        for metric in metrics {
            metric.words = [std::ptr::null(); 3];
            match known.get(&metric.id.to_string()) {
                Some(value) => {
                    metric.code = 0;
                    metric.value = *value;
                }
                None => metric.code = Code::NotSupported.number(),
            }
        }
        Ok(())
    })
}
