//! One reading of one simulated card.

use std::time::Duration;

use gputop_model::{
    Bytes, Device, DeviceKind, GpuProcess, GpuUuid, Health, MemoryDetail, Percent, Reading,
};

use super::behaviour::Behaviour;
use super::cards::{CardSpec, ProcessKey};
use super::noise::{mix, unit, wave};
use super::physics::{Card, Heat};
use super::{Tenant, commands};
use crate::source::gpu::{GpuSample, count, instance};
use crate::source::idle::IdleClock;

/// Idle times reach back before the daemon's start; this moves the zero of their clock far enough
/// for that (ten years).
const PAST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// What driver and page tables take of a MIG instance.
const INSTANCE_RESERVE: Bytes = Bytes::from_mib(13);

/// What is looked at.
pub(super) struct View<'a> {
    pub(super) card: &'a CardSpec,
    pub(super) tenants: &'a [Tenant],
    pub(super) now: Duration,
}

/// What a card remembers from reading to reading.
#[derive(Debug, Default)]
pub(super) struct CardMemory {
    heat: Option<Heat>,
    last_busy: Option<Duration>,
}

/// How much of a card is at work, each 0..=1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Any kernel runs.
    pub(super) busy: f64,
    /// The video engines are used.
    pub(super) video: f64,
}

/// A tenant of the card and what it wants at this moment.
struct Want<'a> {
    tenant: &'a Tenant,
    load: f64,
    power: f64,
    memory: Bytes,
}

pub(super) fn measure(
    view: &View<'_>,
    memory: &mut CardMemory,
    idle: &mut IdleClock<ProcessKey>,
) -> (GpuSample, Load) {
    let mut wants = view.wants();
    // NVML's utilization is the share of time in which any kernel ran: 1 − Π(1 − load).
    let busy = 1.0 - wants.iter().map(|want| 1.0 - want.load).product::<f64>();
    let wanted: f64 = wants.iter().map(|want| want.load).sum();
    // Tenants of one card wait for each other, so that their shares add up to the card's.
    let fit = if wanted > 0.0 { busy / wanted } else { 1.0 };
    for want in &mut wants {
        want.load *= fit;
        want.power *= fit;
    }
    let processes = view.processes(&wants, idle);
    let mut parent = view.gpu(&wants, memory);
    if view.card.instances.is_empty() {
        let share = percent(busy);
        parent.utilization = share.into();
        parent.memory_utilization = percent(busy * view.intensity()).into();
        parent.idle_for = device_idle(share, &processes, memory, view.now).into();
    }
    let mut devices = vec![parent];
    devices.extend(view.instances(&wants));
    for device in &mut devices {
        device.process_count = count(&processes, &device.uuid);
    }
    let video = wants.iter().map(video).sum::<f64>().min(1.0);
    (GpuSample { devices, processes }, Load { busy, video })
}

/// What a tenant wants of the video engines: copying frames costs the cores about half of that.
fn video(want: &Want<'_>) -> f64 {
    match want.tenant.behaviour {
        Behaviour::Media => (2.0 * want.load).min(1.0),
        _ => 0.0,
    }
}

impl View<'_> {
    /// How much of the time in which kernels run they read or write memory.
    fn intensity(&self) -> f64 {
        0.35 + 0.4 * wave(self.card.seed ^ 9, self.now.as_secs_f64(), 6.0)
    }

    fn wants(&self) -> Vec<Want<'_>> {
        let card = self.card;
        let mut wants: Vec<_> = self
            .tenants
            .iter()
            .filter(|tenant| tenant.since <= self.now && card.has(&tenant.device))
            .map(|tenant| {
                let age = self.now.saturating_sub(tenant.since) + tenant.age_before;
                let seed = mix(card.seed ^ u64::from(tenant.pid));
                let load = tenant.behaviour.load(seed, age);
                let share = tenant.behaviour.memory_share(age);
                Want {
                    tenant,
                    load,
                    power: load * tenant.behaviour.appetite(seed),
                    memory: scaled(tenant.memory, share),
                }
            })
            .collect();
        // What does not fit is not there: a real process would have failed to allocate it.
        let whole = (&card.uuid, Bytes(card.memory.0 - self.reserve().0));
        let parts = card.instances.iter().map(|part| {
            let room = part.memory.0.saturating_sub(INSTANCE_RESERVE.0);
            (&part.uuid, Bytes(room))
        });
        for (device, room) in parts.chain([whole]) {
            shrink_to_fit(&mut wants, device, room);
        }
        wants
    }

    /// What driver and page tables take of the card: 300 to 450 MiB.
    fn reserve(&self) -> Bytes {
        let share = 300.0 / 450.0 + unit(self.card.seed, 31) / 3.0;
        scaled(Bytes::from_mib(450), share).min(self.card.memory)
    }

    fn gpu(&self, wants: &[Want<'_>], memory: &mut CardMemory) -> Device {
        let card = self.card;
        let physics = Card::new(card.seed);
        let demand = wants.iter().map(|want| want.power).sum();
        let (power, throttle) = physics.power(demand, card.power_limit, self.now);
        let temperature = physics.temperature(&mut memory.heat, power, card.power_limit, self.now);
        let held: Bytes = wants.iter().map(|want| want.memory).sum();
        let mig_enabled = !card.instances.is_empty();
        let unified = card.model.is_unified();
        let frame_buffer = |bytes: Bytes| {
            if unified {
                Reading::Unsupported
            } else {
                bytes.into()
            }
        };
        Device {
            memory_total: frame_buffer(card.memory),
            memory_used: frame_buffer((held + self.reserve()).min(card.memory)),
            memory: MemoryDetail {
                reserved: frame_buffer(self.reserve()),
                ..MemoryDetail::default()
            },
            // In MIG mode NVML has no utilization.
            utilization: Reading::Unsupported,
            memory_utilization: Reading::Unsupported,
            idle_for: Reading::Unsupported,
            temperature: temperature.into(),
            power: power.into(),
            power_limit: card.power_limit.into(),
            throttle_reasons: throttle.into(),
            health: Health::Ok.into(),
            ..Device::unmeasured(
                card.index,
                card.uuid.clone(),
                card.product.clone(),
                DeviceKind::Gpu { mig_enabled },
            )
        }
    }

    fn instances(&self, wants: &[Want<'_>]) -> impl Iterator<Item = Device> {
        self.card.instances.iter().map(|part| {
            let held = wants.iter().filter(|want| want.tenant.device == part.uuid);
            let held: Bytes = held.map(|want| want.memory).sum();
            let kind = DeviceKind::MigInstance {
                profile: part.profile.clone(),
                parent: self.card.uuid.clone(),
            };
            let product = format!("{} MIG {}", self.card.product, part.profile);
            Device {
                memory_total: part.memory.into(),
                memory_used: (held + INSTANCE_RESERVE).min(part.memory).into(),
                health: Health::Ok.into(),
                ..instance(self.card.index, part.uuid.clone(), product, kind)
            }
        })
    }

    fn processes(&self, wants: &[Want<'_>], idle: &mut IdleClock<ProcessKey>) -> Vec<GpuProcess> {
        let describe = |want: &Want<'_>| {
            let tenant = want.tenant;
            let sm = percent(want.load);
            let before = (PAST + tenant.since).saturating_sub(tenant.idle_before);
            let idle_for = idle.observe(tenant.key(), sm.0 > 0, PAST + self.now, before);
            let split = tenant.device != self.card.uuid;
            let share = |share: f64| {
                if split {
                    Reading::Unsupported
                } else {
                    percent(share).into()
                }
            };
            let video = video(want);
            GpuProcess {
                start_ticks: tenant.start_ticks,
                name: tenant.name.clone(),
                user: tenant.user.clone().into(),
                memory_used: want.memory.into(),
                command: commands::command(tenant).into(),
                sm: share(want.load),
                memory_busy: share(want.load * self.intensity()),
                encoder: share(video),
                // Frames are decoded faster than they are encoded.
                decoder: share(0.6 * video),
                idle_for: if split {
                    Reading::Unsupported
                } else {
                    idle_for.into()
                },
                holder: tenant.holder.clone(),
                ..GpuProcess::unmeasured(tenant.pid, tenant.device.clone(), tenant.kind)
            }
        };
        wants.iter().map(describe).collect()
    }
}

impl CardSpec {
    fn has(&self, device: &GpuUuid) -> bool {
        self.uuid == *device || self.instances.iter().any(|part| part.uuid == *device)
    }
}

/// How long the card has run nothing. Before anything was seen to run on it: as long as the
/// daemon runs, or as its tenants say.
fn device_idle(
    share: Percent,
    processes: &[GpuProcess],
    memory: &mut CardMemory,
    now: Duration,
) -> Duration {
    if share.0 > 0 {
        memory.last_busy = Some(now);
    }
    if let Some(at) = memory.last_busy {
        return now.saturating_sub(at);
    }
    let known = processes
        .iter()
        .filter_map(|process| process.idle_for.get());
    known.min().unwrap_or_default().max(now)
}

/// Scales what the tenants of `device` hold so that it fits into `room`.
fn shrink_to_fit(wants: &mut [Want<'_>], device: &GpuUuid, room: Bytes) {
    let tenants = || wants.iter().filter(|want| want.tenant.device == *device);
    let sum: Bytes = tenants().map(|want| want.memory).sum();
    if sum <= room {
        return;
    }
    let share = room.0 as f64 / sum.0 as f64;
    for want in wants {
        if want.tenant.device == *device {
            want.memory = scaled(want.memory, share);
        }
    }
}

/// `share` (0..=1) of `whole`, rounded down.
fn scaled(whole: Bytes, share: f64) -> Bytes {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a u64 is a u64; float casts saturate"
    )]
    let part = (whole.0 as f64 * share.clamp(0.0, 1.0)) as u64;
    Bytes(part)
}

pub(super) fn percent(share: f64) -> Percent {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0..=100; float casts saturate"
    )]
    let whole = (share * 100.0).round() as u32;
    Percent::clamped(whole)
}
