//! Event sets.

use std::time::Duration;

#[expect(
    clippy::disallowed_types,
    reason = "a library that others load knows no runtime"
)]
type Instant = std::time::Instant;

use super::put;
use crate::Code;
use crate::call::{Handle, Needs, call, handle, on_card, sleep};
use crate::scenario::Scenario;
use crate::world::{scenario, session};

/// How often a wait looks for something new.
const LOOK: Duration = Duration::from_millis(250);

/// `nvmlEventData_t`.
#[repr(C)]
struct EventData {
    device: Handle,
    kind: u64,
    data: u64,
    gpu_instance: u32,
    compute_instance: u32,
}
const _: () = assert!(size_of::<EventData>() == 32);

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlEventSetCreate(out: *mut usize) -> u32 {
    call("nvmlEventSetCreate", None, Needs::Session, |_| {
        let mut session = session();
        let set = session.new_handle();
        session.sets.insert(set, std::collections::BTreeMap::new());
        // SAFETY: the caller's variable.
        unsafe { put(out, set) }
    })
}

#[unsafe(no_mangle)]
extern "C" fn nvmlEventSetFree(set: usize) -> u32 {
    call("nvmlEventSetFree", None, Needs::Nothing, |_| {
        let freed = session().sets.remove(&set);
        freed.map(drop).ok_or(Code::InvalidArgument)
    })
}

#[unsafe(no_mangle)]
extern "C" fn nvmlDeviceRegisterEvents(device: Handle, kinds: u64, set: usize) -> u32 {
    on_card("nvmlDeviceRegisterEvents", device, |target| {
        let mut session = session();
        let cards = session.sets.get_mut(&set).ok_or(Code::InvalidArgument)?;
        *cards.entry(target.card).or_default() |= kinds;
        Ok(())
    })
}

/// The next event that a set listens to and that was not delivered yet.
fn next(set: usize, scenario: &Scenario) -> Result<Option<EventData>, Code> {
    let mut session = session();
    if session.users == 0 || session.epoch != scenario.epoch {
        return Err(Code::Uninitialized);
    }
    let cards = session.sets.get(&set).ok_or(Code::InvalidArgument)?.clone();
    for (card, kinds) in cards {
        let Some(gpu) = scenario.gpus.get(card).filter(|gpu| gpu.plugged) else {
            return Err(Code::GpuIsLost);
        };
        for event in &gpu.events {
            if kinds & event.kind.bit() != 0 && session.delivered.insert((card, event.id)) {
                return Ok(Some(EventData {
                    device: handle(card, None),
                    kind: event.kind.bit(),
                    data: event.data,
                    gpu_instance: u32::MAX,
                    compute_instance: u32::MAX,
                }));
            }
        }
    }
    Ok(None)
}

fn wait(name: &'static str, set: usize, out: *mut EventData, millis: u32) -> u32 {
    // A set with one card is about that card.
    let card = session()
        .sets
        .get(&set)
        .and_then(|cards| cards.keys().next().copied());
    call(name, card, Needs::Session, |_| {
        let until = Instant::now() + Duration::from_millis(millis.into());
        loop {
            if let Some(event) = next(set, &*scenario()?)? {
                // SAFETY: the caller's variable.
                return unsafe { put(out, event) };
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Code::Timeout);
            }
            sleep(left.min(LOOK));
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlEventSetWait(set: usize, out: *mut EventData, millis: u32) -> u32 {
    wait("nvmlEventSetWait", set, out, millis)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlEventSetWait_v2(set: usize, out: *mut EventData, millis: u32) -> u32 {
    wait("nvmlEventSetWait_v2", set, out, millis)
}
