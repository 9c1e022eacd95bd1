//! The state behind a simulated source: tenants, faults, and what each card last said.

use std::collections::HashSet;
use std::time::Duration;

use gputop_model::{
    Bytes, DriverState, EventKind, Failure, GpuUuid, Health, MilliJoules, MilliWatts, Reading,
    ThrottleReason,
};

use super::instruments::SimulatedCard;
use super::measure::{CardMemory, Load, View, measure};
use super::models::Model;
use super::noise::{fnv, mix, unit};
use super::spec::profile_memory;
use super::{Fault, NodeSpec, Tenant};
use crate::source::ask::Asker;
use crate::source::events::EventLog;
use crate::source::gpu::GpuSample;
use crate::source::health::health;
use crate::source::idle::IdleClock;
use crate::source::instruments::Gauges;
use crate::source::tiers::Tiers;
use crate::source::{Round, Sample};

/// Time from the start to the first Xid of a card, and from each to the next.
const XID_PAUSE: Duration = Duration::from_secs(20);

/// Tells a process from all others on its node.
pub(super) type ProcessKey = (u32, Option<u64>, GpuUuid);

#[derive(Debug)]
pub(super) struct State {
    pub(super) spec: NodeSpec,
    pub(super) tenants: Vec<Tenant>,
    fault: Option<Fault>,
    pub(super) cards: Vec<CardState>,
    idle: IdleClock<ProcessKey>,
    log: EventLog,
}

/// A card, with all that does not change computed once.
#[derive(Debug)]
pub(super) struct CardSpec {
    pub(super) index: u32,
    pub(super) seed: u64,
    pub(super) uuid: GpuUuid,
    pub(super) product: String,
    pub(super) model: Model,
    pub(super) memory: Bytes,
    pub(super) power_limit: MilliWatts,
    pub(super) instances: Vec<Instance>,
    pub(super) hot_memory: bool,
    pub(super) pcie_width: Option<u32>,
    xids: Vec<u32>,
}

/// A MIG instance of a card.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) uuid: GpuUuid,
    pub(super) profile: String,
    pub(super) memory: Bytes,
}

#[derive(Debug)]
pub(super) struct CardState {
    spec: CardSpec,
    memory: CardMemory,
    pub(super) asker: Asker,
    tiers: Tiers,
    gauges: Gauges,
    /// When energy was counted last, and how much there is, in millijoules.
    energy: (Duration, f64),
    /// How many of its Xids have been reported.
    reported: usize,
    /// It has been reported that it is gone.
    lost: bool,
    /// What the card last said, for [`Fault::Hung`].
    last: Option<(Duration, GpuSample)>,
}

impl State {
    pub(super) fn new(spec: NodeSpec, seed: u64) -> Self {
        let seed = mix(seed ^ fnv(spec.name.as_str()));
        let cards = (0..spec.gpus.len())
            .map(|position| CardState::new(CardSpec::new(&spec, position, seed)))
            .collect();
        Self {
            spec,
            tenants: Vec::new(),
            fault: None,
            cards,
            idle: IdleClock::default(),
            log: EventLog::default(),
        }
    }

    /// Begins a fault, or ends the one that is, with all that was reported of it.
    pub(super) fn set_fault(&mut self, fault: Option<Fault>) {
        if self.fault != fault {
            self.log.forget_health();
            self.fault = fault;
        }
    }

    pub(super) fn sample(&mut self, round: Round) -> Sample {
        let now = round.now;
        if let Some(driver) = self.absent_driver() {
            return Sample {
                events: self.log.recent(),
                ..Sample::without_devices(driver)
            };
        }
        let mut sample = Sample::without_devices(DriverState::Ready {
            version: self.spec.driver.clone().unwrap_or_default(),
            cuda: self.spec.cuda.clone(),
        });
        for card in &mut self.cards {
            let gpu = card.sample(&self.tenants, self.fault, &mut self.idle, round);
            card.report(self.fault, &mut self.log, now);
            for mut device in gpu.devices {
                device.health = self.log.judge(&card.spec.uuid, device.health);
                sample.devices.push(device);
            }
            sample.processes.extend(gpu.processes);
        }
        sample.events = self.log.recent();
        let alive: HashSet<_> = self.tenants.iter().map(Tenant::key).collect();
        self.idle.retain(|key| alive.contains(key));
        sample
    }

    /// Why there is no card to ask, if so.
    fn absent_driver(&self) -> Option<DriverState> {
        match (&self.spec.driver, self.fault) {
            (None, _) | (_, Some(Fault::NoDriver)) => Some(DriverState::NoDriver {
                why: "libnvidia-ml.so.1 can not be opened (simulated)".to_owned(),
            }),
            (Some(_), Some(Fault::Mismatch)) => Some(DriverState::Mismatch {
                why: "RM detects a driver/library version mismatch (simulated)".to_owned(),
            }),
            (Some(version), _) if self.cards.is_empty() => Some(DriverState::NoGpu {
                version: version.clone(),
            }),
            _ => None,
        }
    }
}

impl CardSpec {
    fn new(spec: &NodeSpec, position: usize, seed: u64) -> Self {
        let gpu = &spec.gpus[position];
        let index = u32::try_from(position).unwrap_or(u32::MAX);
        let instance = |(slot, profile): (usize, &String)| Instance {
            uuid: spec.mig_uuid(position, slot),
            profile: profile.clone(),
            memory: profile_memory(profile).unwrap_or_default().min(gpu.memory),
        };
        Self {
            index,
            seed: mix(seed ^ u64::from(index)),
            uuid: spec.gpu_uuid(position),
            product: gpu.product.clone(),
            model: Model::of(&gpu.product),
            memory: gpu.memory,
            power_limit: gpu.power_limit,
            instances: gpu.mig.iter().enumerate().map(instance).collect(),
            hot_memory: gpu.hot_memory,
            pcie_width: gpu.pcie_width,
            xids: gpu.xids.clone(),
        }
    }

    /// Energy used before the daemon's start: a third of the limit for up to 40 days.
    fn energy_before(&self) -> f64 {
        let seconds = 40.0 * 86_400.0 * unit(self.seed, 41);
        f64::from(self.power_limit.0) / 3.0 * seconds
    }
}

impl CardState {
    fn new(spec: CardSpec) -> Self {
        Self {
            memory: CardMemory::default(),
            asker: Asker::default(),
            tiers: Tiers::default(),
            gauges: Gauges::default(),
            energy: (Duration::ZERO, spec.energy_before()),
            reported: 0,
            lost: false,
            last: None,
            spec,
        }
    }

    fn sample(
        &mut self,
        tenants: &[Tenant],
        fault: Option<Fault>,
        idle: &mut IdleClock<ProcessKey>,
        round: Round,
    ) -> GpuSample {
        let now = round.now;
        let index = self.spec.index;
        let hung = fault == Some(Fault::Hung(index));
        if hung && let Some((at, last)) = &self.last {
            return last.clone().aged(now.saturating_sub(*at));
        }
        let card = &self.spec;
        let (mut gpu, load) = measure(&View { card, tenants, now }, &mut self.memory, idle);
        let pending = fault == Some(Fault::Degraded(index));
        self.read_gauges(&mut gpu, load, pending, round);
        self.last = Some((now, gpu.clone()));
        match fault {
            // It hangs before it was ever asked: stale from now on.
            Some(Fault::Hung(i)) if i == index => gpu.aged(Duration::ZERO),
            Some(Fault::Lost(i)) if i == index => lost(gpu),
            Some(Fault::Degraded(i)) if i == index => degraded(gpu),
            _ => gpu,
        }
    }

    /// Asks the card, as the driver of a real one would be asked, and completes its entry.
    fn read_gauges(&mut self, gpu: &mut GpuSample, load: Load, pending: bool, round: Round) {
        let now = round.now;
        // The whole card is the first.
        let Some(device) = gpu.devices.first_mut() else {
            return;
        };
        let power = device.power.get().unwrap_or_default();
        let passed = now.saturating_sub(self.energy.0).as_secs_f64();
        self.energy = (now, self.energy.1 + f64::from(power.0) * passed);
        let throttle = device.throttle_reasons.known();
        let card = SimulatedCard {
            spec: &self.spec,
            load,
            celsius: device.temperature.get().unwrap_or_default(),
            capped: throttle.is_some_and(|list| !list.is_empty()),
            energy: millijoules(self.energy.1),
            pending,
            now,
        };
        if let (true, Reading::Value(reasons)) =
            (card.is_memory_too_hot(), &mut device.throttle_reasons)
        {
            reasons.push(ThrottleReason::SoftwareThermalSlowdown);
        }
        let due = self.tiers.due(round, false);
        self.gauges.read(&mut self.asker, &card, due);
        self.gauges.fill(device);
        device.health = health(self.gauges.ecc(), false);
    }

    /// Notes the Xids that the driver reports by `now`.
    fn report(&mut self, fault: Option<Fault>, log: &mut EventLog, now: Duration) {
        let lost = fault == Some(Fault::Lost(self.spec.index));
        if lost && !self.lost {
            log.note(&self.spec.uuid, FALLEN_OFF, now);
        }
        self.lost = lost;
        while let Some(&xid) = self.spec.xids.get(self.reported) {
            let number = u32::try_from(self.reported).unwrap_or(u32::MAX);
            let at = XID_PAUSE.saturating_mul(number.saturating_add(1));
            if now < at {
                return;
            }
            log.note(&self.spec.uuid, EventKind::Xid(xid), at);
            self.reported += 1;
        }
    }
}

/// What the driver reports of a card that is gone.
const FALLEN_OFF: EventKind = EventKind::Xid(79);

/// A whole number of millijoules.
fn millijoules(energy: f64) -> MilliJoules {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; float casts saturate"
    )]
    let whole = energy as u64;
    MilliJoules(whole)
}

/// After the card has fallen off the bus.
fn lost(mut gpu: GpuSample) -> GpuSample {
    for device in &mut gpu.devices {
        let why = "the GPU has fallen off the bus (simulated)".to_owned();
        *device = device.clone().failed(Failure::GpuLost);
        device.health = Health::Sick { why }.into();
    }
    gpu.processes.clear();
    gpu
}

fn degraded(mut gpu: GpuSample) -> GpuSample {
    for device in &mut gpu.devices {
        let why = "memory pages wait for retirement: reset the GPU (simulated)".to_owned();
        device.health = Reading::Value(Health::Degraded { why });
    }
    gpu
}
