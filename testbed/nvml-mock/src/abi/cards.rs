//! Which cards there are and what they are.

use std::ffi::c_char;

use super::{put, put_text, taken};
use crate::Code;
use crate::call::{Handle, Needs, call, handle, on, on_card};
use crate::scenario::Text;
use crate::world::session;

fn count(name: &'static str, out: *mut u32) -> u32 {
    call(name, None, Needs::Session, |_| {
        let count = u32::try_from(session().cards.len()).unwrap_or(u32::MAX);
        // SAFETY: the caller's variable.
        unsafe { put(out, count) }
    })
}

fn by_index(name: &'static str, index: u32, out: *mut Handle) -> u32 {
    let card = usize::try_from(index)
        .ok()
        .and_then(|index| session().cards.get(index).copied());
    call(name, card, Needs::Session, |scenario| {
        let card = card.ok_or(Code::InvalidArgument)?;
        if !scenario.gpus.get(card).is_some_and(|gpu| gpu.plugged) {
            return Err(Code::GpuIsLost);
        }
        // SAFETY: the caller's variable.
        unsafe { put(out, handle(card, None)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetCount(out: *mut u32) -> u32 {
    count("nvmlDeviceGetCount", out)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetCount_v2(out: *mut u32) -> u32 {
    count("nvmlDeviceGetCount_v2", out)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetHandleByIndex(index: u32, out: *mut Handle) -> u32 {
    by_index("nvmlDeviceGetHandleByIndex", index, out)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetHandleByIndex_v2(index: u32, out: *mut Handle) -> u32 {
    by_index("nvmlDeviceGetHandleByIndex_v2", index, out)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetHandleByUUID(uuid: *const c_char, out: *mut Handle) -> u32 {
    call(
        "nvmlDeviceGetHandleByUUID",
        None,
        Needs::Session,
        |scenario| {
            // SAFETY: a text of the caller's, which ends with a zero.
            let uuid = unsafe { taken(uuid) }?;
            let wanted = Text::Plain(uuid.to_string_lossy().into_owned());
            let cards = session().cards.clone();
            for card in cards {
                let Some(gpu) = scenario.gpus.get(card) else {
                    continue;
                };
                let instances = gpu.mig.iter().enumerate();
                let mig = instances
                    .map(|(place, mig)| (Some(place), mig.uuid_at(card, place)))
                    .chain([(None, gpu.uuid_at(card))])
                    .find(|(_, uuid)| *uuid == wanted);
                if let Some((mig, _)) = mig {
                    // SAFETY: the caller's variable.
                    return unsafe { put(out, handle(card, mig)) };
                }
            }
            Err(Code::NotFound)
        },
    )
}

/// `nvmlPciInfo_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Pci {
    legacy: [u8; 16],
    domain: u32,
    bus: u32,
    device: u32,
    device_id: u32,
    subsystem_id: u32,
    id: [u8; 32],
}
const _: () = assert!(size_of::<Pci>() == 68);

/// NVIDIA's vendor number below an H100's.
const DEVICE_ID: u32 = 0x2330_10de;

fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (byte, from) in bytes[..N - 1].iter_mut().zip(text.bytes()) {
        *byte = from;
    }
    bytes
}

fn pci(name: &'static str, device: Handle, out: *mut Pci) -> u32 {
    on(name, device, |target| {
        let bus = target.gpu().bus_at(target.card);
        let pci = Pci {
            legacy: padded(&format!("0000:{bus:02X}:00.0")),
            domain: 0,
            bus,
            device: 0,
            device_id: DEVICE_ID,
            subsystem_id: 0,
            id: padded(&format!("00000000:{bus:02X}:00.0")),
        };
        // SAFETY: the caller's variable.
        unsafe { put(out, pci) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetPciInfo_v2(device: Handle, out: *mut Pci) -> u32 {
    pci("nvmlDeviceGetPciInfo_v2", device, out)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetPciInfo_v3(device: Handle, out: *mut Pci) -> u32 {
    pci("nvmlDeviceGetPciInfo_v3", device, out)
}

/// Functions that hand out a text.
macro_rules! texts {
    ($($name:ident = |$target:ident| $text:expr;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(device: Handle, text: *mut c_char, size: u32) -> u32 {
            on(stringify!($name), device, |$target| {
                let answer: Text = $text;
                // SAFETY: the caller's buffer has the size that it says.
                unsafe { put_text(text, size, &answer) }
            })
        }
    )*};
}

texts! {
    nvmlDeviceGetUUID = |target| match (target.mig(), target.mig_place()) {
        (Some(mig), Some(place)) => mig.uuid_at(target.card, place),
        _ => target.gpu().uuid_at(target.card),
    };
    nvmlDeviceGetName = |target| match (target.mig(), &target.gpu().name) {
        (Some(mig), Text::Plain(name)) => Text::Plain(format!("{name} MIG {}", mig.profile)),
        (_, name) => name.clone(),
    };
    nvmlDeviceGetSerial = |target| target.gpu().serial.clone();
    nvmlDeviceGetVbiosVersion = |target| target.gpu().vbios.clone();
    nvmlDeviceGetBoardPartNumber = |target| target.gpu().serial.clone();
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetCudaComputeCapability(
    device: Handle,
    major: *mut i32,
    minor: *mut i32,
) -> u32 {
    on("nvmlDeviceGetCudaComputeCapability", device, |target| {
        let capability = target.gpu().capability;
        // SAFETY: the caller's variables.
        unsafe { put(major, capability.0).and_then(|()| put(minor, capability.1)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMemoryAffinity(
    device: Handle,
    words: u32,
    out: *mut u64,
    _scope: u32,
) -> u32 {
    on_card("nvmlDeviceGetMemoryAffinity", device, |target| {
        let node = target.gpu().numa_node.ok_or(Code::NotSupported)?;
        if words == 0 || out.is_null() {
            return Err(Code::InvalidArgument);
        }
        for word in 0..words {
            let bits = if word == node / 64 {
                1 << (node % 64)
            } else {
                0
            };
            // SAFETY: there are `words` words.
            unsafe { out.add(word as usize).write(bits) };
        }
        Ok(())
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetP2PStatus(
    device: Handle,
    _other: Handle,
    _capability: u32,
    out: *mut u32,
) -> u32 {
    on_card("nvmlDeviceGetP2PStatus", device, |_| {
        // NVML_P2P_STATUS_NOT_SUPPORTED; SAFETY: the caller's variable.
        unsafe { put(out, 5) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetTopologyCommonAncestor(
    device: Handle,
    _other: Handle,
    out: *mut u32,
) -> u32 {
    on_card("nvmlDeviceGetTopologyCommonAncestor", device, |_| {
        // NVML_TOPOLOGY_SYSTEM; SAFETY: the caller's variable.
        unsafe { put(out, 50) }
    })
}
