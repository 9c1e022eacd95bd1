//! The state behind a simulated source: tenants, faults, and what each card last said.

use std::collections::HashSet;
use std::time::Duration;

use gputop_model::{Bytes, DriverState, Failure, GpuUuid, Health, MilliWatts, Reading};

use super::measure::{CardMemory, View, measure};
use super::noise::{fnv, mix};
use super::spec::profile_memory;
use super::{Fault, NodeSpec, Tenant};
use crate::source::Sample;
use crate::source::gpu::{GpuSample, failed_device};
use crate::source::idle::IdleClock;

/// Tells a process from all others on its node.
pub(super) type ProcessKey = (u32, Option<u64>, GpuUuid);

#[derive(Debug)]
pub(super) struct State {
    pub(super) spec: NodeSpec,
    pub(super) tenants: Vec<Tenant>,
    pub(super) fault: Option<Fault>,
    cards: Vec<CardState>,
    idle: IdleClock<ProcessKey>,
}

/// A card, with all that does not change computed once.
#[derive(Debug)]
pub(super) struct CardSpec {
    pub(super) index: u32,
    pub(super) seed: u64,
    pub(super) uuid: GpuUuid,
    pub(super) product: String,
    pub(super) memory: Bytes,
    pub(super) power_limit: MilliWatts,
    pub(super) instances: Vec<Instance>,
}

/// A MIG instance of a card.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) uuid: GpuUuid,
    pub(super) profile: String,
    pub(super) memory: Bytes,
}

#[derive(Debug)]
struct CardState {
    spec: CardSpec,
    memory: CardMemory,
    /// What the card last said, for [`Fault::Hung`].
    last: Option<(Duration, GpuSample)>,
}

impl State {
    pub(super) fn new(spec: NodeSpec, seed: u64) -> Self {
        let seed = mix(seed ^ fnv(spec.name.as_str()));
        let cards = (0..spec.gpus.len())
            .map(|position| CardState {
                spec: CardSpec::new(&spec, position, seed),
                memory: CardMemory::default(),
                last: None,
            })
            .collect();
        Self {
            spec,
            tenants: Vec::new(),
            fault: None,
            cards,
            idle: IdleClock::default(),
        }
    }

    pub(super) fn sample(&mut self, now: Duration) -> Sample {
        if let Some(driver) = self.absent_driver() {
            return Sample::without_devices(driver);
        }
        let mut sample = Sample::without_devices(DriverState::Ready {
            version: self.spec.driver.clone().unwrap_or_default(),
            cuda: self.spec.cuda.clone(),
        });
        for card in &mut self.cards {
            let gpu = card.sample(&self.tenants, self.fault, &mut self.idle, now);
            sample.devices.extend(gpu.devices);
            sample.processes.extend(gpu.processes);
        }
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
            memory: gpu.memory,
            power_limit: gpu.power_limit,
            instances: gpu.mig.iter().enumerate().map(instance).collect(),
        }
    }
}

impl CardState {
    fn sample(
        &mut self,
        tenants: &[Tenant],
        fault: Option<Fault>,
        idle: &mut IdleClock<ProcessKey>,
        now: Duration,
    ) -> GpuSample {
        let index = self.spec.index;
        let hung = fault == Some(Fault::Hung(index));
        if hung && let Some((at, last)) = &self.last {
            return last.clone().aged(now.saturating_sub(*at));
        }
        let card = &self.spec;
        let gpu = measure(&View { card, tenants, now }, &mut self.memory, idle);
        self.last = Some((now, gpu.clone()));
        match fault {
            // It hangs before it was ever asked: stale from now on.
            Some(Fault::Hung(i)) if i == index => gpu.aged(Duration::ZERO),
            Some(Fault::Lost(i)) if i == index => lost(gpu),
            Some(Fault::Degraded(i)) if i == index => degraded(gpu),
            _ => gpu,
        }
    }
}

/// After the card has fallen off the bus.
fn lost(mut gpu: GpuSample) -> GpuSample {
    for device in &mut gpu.devices {
        let why = "the GPU has fallen off the bus (simulated)".to_owned();
        *device = failed_device(device.clone(), Failure::GpuLost);
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
