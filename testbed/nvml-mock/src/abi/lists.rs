//! Process lists and samples of what processes use.

use std::time::{Duration, SystemTime};

use super::{mib, put_list};
use crate::Code;
use crate::call::{Handle, Target, on, on_card};
use crate::scenario::Process;
use crate::world::session;

/// How often processes that work have a new sample.
const SAMPLE: Duration = Duration::from_millis(100);

/// First pid of the processes that join a list while it is read.
const JOINING: u32 = 4_000_000;

/// `NVML_VALUE_NOT_AVAILABLE` and the like: all bits.
const NO_MEMORY: u64 = u64::MAX;
const NO_INSTANCE: u32 = u32::MAX;

/// `nvmlProcessInfo_v1_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct InfoV1 {
    pid: u32,
    memory: u64,
}
const _: () = assert!(size_of::<InfoV1>() == 16);

/// `nvmlProcessInfo_v2_t`, also of the third version's functions.
#[repr(C)]
#[derive(Clone, Copy)]
struct Info {
    pid: u32,
    memory: u64,
    gpu_instance: u32,
    compute_instance: u32,
}
const _: () = assert!(size_of::<Info>() == 24);

impl Info {
    fn new(process: &Process) -> Self {
        let (gpu_instance, compute_instance) =
            process.instance.unwrap_or((NO_INSTANCE, NO_INSTANCE));
        Self {
            pid: process.pid,
            memory: process.memory_mib.map_or(NO_MEMORY, mib),
            gpu_instance,
            compute_instance,
        }
    }

    const fn v1(self) -> InfoV1 {
        InfoV1 {
            pid: self.pid,
            memory: self.memory,
        }
    }
}

type Wanted = fn(&Process) -> bool;

/// A process list as it is at this call; a call for its size lets it grow when the scenario says so.
fn list(name: &'static str, target: &Target, wanted: Wanted, only_size: bool) -> Vec<Info> {
    let gpu = target.gpu();
    let here = |process: &&Process| match target.mig() {
        Some(mig) => process.instance == Some((mig.gi, mig.ci)),
        None => true,
    };
    let listed = gpu.processes.iter().filter(|process| wanted(process));
    let mut list: Vec<_> = listed.filter(here).map(Info::new).collect();
    let key = (target.card, name);
    let mut session = session();
    let grown = session.growths.entry(key).or_default();
    *grown = (*grown).min(gpu.list_growths);
    let joined = *grown * gpu.list_growth;
    if only_size && *grown < gpu.list_growths {
        *grown += 1;
    }
    list.extend((0..joined).map(|number| Info::new(&Process::compute(JOINING + number))));
    list
}

/// The process lists of one kind, in the versions of their functions.
macro_rules! lists {
    ($($v1:ident $v2:ident $v3:ident = $wanted:expr;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $v1(device: Handle, count: *mut u32, items: *mut InfoV1) -> u32 {
            on(stringify!($v1), device, |target| {
                let list = list(stringify!($v1), target, $wanted, items.is_null());
                let list: Vec<_> = list.into_iter().map(Info::v1).collect();
                // SAFETY: the caller's count, and a list with room for so many.
                unsafe { put_list(&list, count, items) }
            })
        }
        lists!(@new $v2 = $wanted);
        lists!(@new $v3 = $wanted);
    )*};
    (@new $name:ident = $wanted:expr) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(device: Handle, count: *mut u32, items: *mut Info) -> u32 {
            on(stringify!($name), device, |target| {
                let list = list(stringify!($name), target, $wanted, items.is_null());
                // SAFETY: the caller's count, and a list with room for so many.
                unsafe { put_list(&list, count, items) }
            })
        }
    };
}

lists! {
    nvmlDeviceGetComputeRunningProcesses
    nvmlDeviceGetComputeRunningProcesses_v2
    nvmlDeviceGetComputeRunningProcesses_v3 = |process| process.compute;
    nvmlDeviceGetGraphicsRunningProcesses
    nvmlDeviceGetGraphicsRunningProcesses_v2
    nvmlDeviceGetGraphicsRunningProcesses_v3 = |process| process.graphics;
    nvmlDeviceGetMPSComputeRunningProcesses
    nvmlDeviceGetMPSComputeRunningProcesses_v2
    nvmlDeviceGetMPSComputeRunningProcesses_v3 = |process| process.mps;
}

/// `nvmlProcessUtilizationSample_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Sample {
    pid: u32,
    timestamp: u64,
    sm: u32,
    memory: u32,
    encoder: u32,
    decoder: u32,
}
const _: () = assert!(size_of::<Sample>() == 32);

/// The time of the newest samples, in microseconds.
fn newest() -> Result<u64, Code> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = since.map_err(|_| Code::Unknown)?.as_micros();
    let step = SAMPLE.as_micros();
    u64::try_from(now / step * step).map_err(|_| Code::Unknown)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetProcessUtilization(
    device: Handle,
    items: *mut Sample,
    count: *mut u32,
    since: u64,
) -> u32 {
    on_card("nvmlDeviceGetProcessUtilization", device, |target| {
        let timestamp = newest()?;
        let processes = target.gpu().processes.iter();
        let samples: Vec<_> = processes
            .filter_map(|process| {
                process.sm.map(|sm| Sample {
                    pid: process.pid,
                    timestamp,
                    sm,
                    memory: process.memory,
                    encoder: process.encoder,
                    decoder: process.decoder,
                })
            })
            .collect();
        if samples.is_empty() || timestamp <= since {
            return Err(Code::NotFound);
        }
        // SAFETY: the caller's count, and a list with room for so many.
        unsafe { put_list(&samples, count, items) }
    })
}
