//! Reads one card through NVML.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gputop_model::{
    Bytes, Celsius, Device, DeviceKind, Failure, GpuProcess, GpuUuid, MilliWatts, Percent,
    ProcessKind, Reading, printable,
};
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::gpm::GpmSample;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;
use nvml_wrapper::{Device as Handle, Nvml};

use super::instruments::NvmlCard;
use super::lists::{InstanceIds, Listed, Placed, place};
use super::mig::{Instance, Slots};
use super::placeholder;
use super::throttle::throttle_reasons;
use super::usage::{Shares, Usage};
use super::worker::{Probe, Report};
use crate::source::Round;
use crate::source::ask::{Asker, Metric};
use crate::source::gpu::{GpuSample, aged_process, count};
use crate::source::health::health;
use crate::source::idle::IdleClock;
use crate::source::instruments::Gauges;
use crate::source::tiers::Tiers;

/// Who is idle since when: the card (`None`) or one of its processes.
type IdleKey = Option<(u32, GpuUuid)>;

/// Reads the card with one index.
pub(super) struct CardReader<'nvml> {
    nvml: &'nvml Nvml,
    index: u32,
    asker: Asker,
    /// It never changes.
    uuid: Option<GpuUuid>,
    /// Nor does this.
    product: Option<String>,
    /// The driver has reported something that changes the answers to seldom questions.
    changed: Arc<AtomicBool>,
    tiers: Tiers,
    gauges: Gauges,
    /// The hardware's own counters, as they were last.
    counters: Cell<Option<GpmSample<'nvml>>>,
    mig_enabled: bool,
    slots: Slots,
    usage: Usage,
    idle: IdleClock<IdleKey>,
    instance_ids: BTreeMap<InstanceIds, GpuUuid>,
    processes: Option<(Duration, Vec<GpuProcess>)>,
}

impl<'nvml> CardReader<'nvml> {
    /// `changed` is set by whoever hears from the driver that something has changed.
    pub(super) fn new(nvml: &'nvml Nvml, index: u32, changed: Arc<AtomicBool>) -> Self {
        Self {
            nvml,
            index,
            asker: Asker::default(),
            uuid: None,
            product: None,
            changed,
            tiers: Tiers::default(),
            gauges: Gauges::default(),
            counters: Cell::new(None),
            mig_enabled: false,
            slots: Slots::default(),
            usage: Usage::default(),
            idle: IdleClock::default(),
            instance_ids: BTreeMap::new(),
            processes: None,
        }
    }

    /// UUID and product, or placeholders.
    fn identity(&mut self, card: Option<&Handle<'_>>) -> (GpuUuid, String) {
        if let (None, Some(card)) = (&self.uuid, card) {
            self.uuid = card.uuid().ok().map(|uuid| printable(uuid).into());
        }
        if let (None, Some(card)) = (&self.product, card) {
            self.product = card.name().ok().map(printable);
        }
        let uuid = self.uuid.clone();
        let product = self.product.clone();
        (
            uuid.unwrap_or_else(|| placeholder(self.index).into()),
            product.unwrap_or_else(|| "GPU".to_owned()),
        )
    }

    /// The card's own entry, without its idle time.
    fn card(&mut self, card: &Handle<'nvml>, round: Round) -> Device {
        let (uuid, product) = self.identity(Some(card));
        self.read_gauges(card, &product, round);
        let kind = DeviceKind::Gpu {
            mig_enabled: self.mig_enabled,
        };
        let mut device = Device::unmeasured(self.index, uuid, product, kind);
        let asker = &mut self.asker;
        let memory = asker.ask(Metric::Memory, || card.memory_info());
        device.memory_total = memory.as_ref().map(|memory| Bytes(memory.total));
        device.memory_used = memory.as_ref().map(|memory| Bytes(memory.used));
        device.memory.reserved = memory.map(|memory| Bytes(memory.reserved));
        let rates = asker.ask(Metric::Utilization, || card.utilization_rates());
        device.utilization = rates.as_ref().map(|rates| Percent::clamped(rates.gpu));
        device.memory_utilization = rates.map(|rates| Percent::clamped(rates.memory));
        device.temperature = asker
            .ask(Metric::Temperature, || {
                card.temperature(TemperatureSensor::Gpu)
            })
            .map(|celsius| Celsius(i32::try_from(celsius).unwrap_or(i32::MAX)));
        device.power = asker
            .ask(Metric::Power, || card.power_usage())
            .map(MilliWatts);
        device.throttle_reasons = asker
            .ask(Metric::Throttle, || card.current_throttle_reasons())
            .map(throttle_reasons);
        self.gauges.fill(&mut device);
        device.health = health(self.gauges.ecc(), asker.lost);
        device
    }

    /// Asks what is due in `round`.
    fn read_gauges(&mut self, card: &Handle<'nvml>, product: &str, round: Round) {
        let changed = self.changed.swap(false, Ordering::Relaxed);
        let mut due = self.tiers.due(round, changed);
        if due.slow {
            let mode = self.asker.ask(Metric::MigMode, || card.mig_mode());
            let mig_enabled = match &mode {
                // One question without an answer changes nothing.
                Reading::Failed(_) => self.mig_enabled,
                mode => mode.fresh().is_some_and(|mode| mode.current == 1),
            };
            // What a card supports depends on its mode.
            due.inventory |= mig_enabled != self.mig_enabled;
            self.mig_enabled = mig_enabled;
        }
        let card = NvmlCard {
            nvml: self.nvml,
            handle: card,
            product,
            counters: &self.counters,
        };
        self.gauges.read(&mut self.asker, &card, due);
    }

    /// The processes on the card and its instances, or the last ones when NVML does not say;
    /// and the devices of which it did not say, with what their number is then.
    fn processes(
        &mut self,
        card: &Handle<'nvml>,
        device: &Device,
        parts: &[Instance<'nvml>],
        now: Duration,
    ) -> (Vec<GpuProcess>, BTreeMap<GpuUuid, Reading<u32>>) {
        let mut unlisted = BTreeMap::new();
        let whole = match self.listed(card, OF_CARD) {
            Ok(whole) => whole,
            Err(failure) => {
                let last = self.processes.iter().flat_map(|(at, list)| {
                    let age = now.saturating_sub(*at);
                    list.iter()
                        .map(move |process| aged_process(process.clone(), age))
                });
                let devices = [device].into_iter().chain(parts.iter().map(|p| &p.device));
                let failed = |device: &Device| (device.uuid.clone(), Reading::Failed(failure));
                unlisted.extend(devices.map(failed));
                return (last.collect(), unlisted);
            }
        };
        let whole = whole.unwrap_or_else(|| {
            unlisted.insert(device.uuid.clone(), Reading::Unsupported);
            Vec::new()
        });
        let parts = parts
            .iter()
            .map(|part| {
                let uuid = part.device.uuid.clone();
                let list = part.handle.as_ref().map_err(|failure| *failure);
                let list = match list.and_then(|handle| self.listed(handle, OF_INSTANCE)) {
                    Ok(Some(list)) => list,
                    Ok(None) => {
                        unlisted.insert(uuid.clone(), Reading::Unsupported);
                        Vec::new()
                    }
                    Err(failure) => {
                        unlisted.insert(uuid.clone(), Reading::Failed(failure));
                        Vec::new()
                    }
                };
                (uuid, list)
            })
            .collect();
        let placed = place(&device.uuid, whole, parts, &mut self.instance_ids);
        let newest = self.usage.newest();
        let samples = self.asker.ask(Metric::ProcessUtilization, || {
            match settled(|| card.process_utilization_stats(newest)) {
                // Nothing new since the last time.
                Err(NvmlError::NotFound) => Ok(Vec::new()),
                other => other,
            }
        });
        if let Reading::Value(samples) = &samples {
            self.usage.update(samples, now);
        }
        let alive: BTreeSet<_> = placed.iter().map(|process| process.pid).collect();
        self.usage.retain(&alive);
        self.idle
            .retain(|key| key.as_ref().is_none_or(|(pid, _)| alive.contains(pid)));
        let split = samples == Reading::Unsupported || self.mig_enabled;
        let list: Vec<_> = placed
            .into_iter()
            .map(|process| {
                let shares = if split {
                    Reading::Unsupported
                } else {
                    self.usage.of(process.pid, &device.utilization, now)
                };
                self.describe(process, &shares, now)
            })
            .collect();
        self.processes = Some((now, list.clone()));
        (list, unlisted)
    }

    fn describe(&mut self, process: Placed, used: &Reading<Shares>, now: Duration) -> GpuProcess {
        let share = |of: fn(&Shares) -> Percent| used.as_ref().map(of);
        let sm = share(|shares| shares.sm);
        let key = Some((process.pid, process.device.clone()));
        let idle_for = self.idle_for(key, &sm, now);
        GpuProcess {
            memory_used: process.memory,
            sm,
            memory_busy: share(|shares| shares.memory),
            encoder: share(|shares| shares.encoder),
            decoder: share(|shares| shares.decoder),
            idle_for,
            ..GpuProcess::unmeasured(process.pid, process.device, process.kind)
        }
    }

    /// Idle time of something with the utilization `share`.
    fn idle_for(
        &mut self,
        key: IdleKey,
        share: &Reading<Percent>,
        now: Duration,
    ) -> Reading<Duration> {
        // What is quiet at the first look is not said to have worked a moment ago.
        let (now, before) = (QUIET_AT_FIRST + now, now);
        match share {
            Reading::Value(share) => self.idle.observe(key, share.0 > 0, now, before).into(),
            Reading::Stale { age, .. } => Reading::Stale {
                value: self
                    .idle
                    .observe(key, false, now, before)
                    .saturating_sub(*age),
                age: *age,
            },
            Reading::Unsupported => Reading::Unsupported,
            Reading::Failed(failure) => Reading::Failed(*failure),
        }
    }

    /// The process lists of a card or an instance; `None`: the driver does not say what computes
    /// there, and what else it says is not all. Cards without graphics may lack that list. That of
    /// MPS clients is not missed: those that compute are in the first list, too, and older drivers
    /// have many ways of not having it.
    ///
    /// # Errors
    /// Why one of them could not be read.
    fn listed(
        &mut self,
        handle: &Handle<'nvml>,
        lists: [Metric; 3],
    ) -> Result<Option<Vec<Listed>>, Failure> {
        let mut ask = |metric, new: List<'nvml>, old: Option<List<'nvml>>| {
            self.asker.ask(metric, || {
                let answer = settled(|| new(handle));
                match (answer, old) {
                    // Drivers before 510 have the older function only.
                    (
                        Err(NvmlError::FailedToLoadSymbol(_) | NvmlError::FunctionNotFound),
                        Some(old),
                    ) => settled(|| old(handle)),
                    (answer, _) => answer,
                }
            })
        };
        let [compute, graphics, mps] = lists;
        let compute = ask(
            compute,
            Handle::running_compute_processes,
            Some(Handle::running_compute_processes_v2),
        );
        let graphics = ask(
            graphics,
            Handle::running_graphics_processes,
            Some(Handle::running_graphics_processes_v2),
        );
        let mps = ask(mps, Handle::mps_running_compute_processes, None);
        for list in [&compute, &graphics] {
            if let Reading::Failed(failure) = list {
                return Err(*failure);
            }
        }
        if compute == Reading::Unsupported {
            return Ok(None);
        }
        let lists = [
            (compute, ProcessKind::Compute),
            (graphics, ProcessKind::Graphics),
            (mps, ProcessKind::Mps),
        ];
        let entries = lists.iter().flat_map(|(list, kind)| {
            let entries = list.fresh().into_iter().flatten();
            entries.map(|info| Listed::new(info, *kind))
        });
        Ok(Some(entries.collect()))
    }

    /// The report about a card for which NVML gives no handle.
    fn unreachable(&mut self, error: NvmlError) -> Report {
        let failure = self.asker.failed(error);
        let (uuid, product) = self.identity(None);
        let kind = DeviceKind::Gpu {
            mig_enabled: self.mig_enabled,
        };
        let mut device = Device::unmeasured(self.index, uuid, product, kind);
        // What it is stays known.
        self.gauges.fill(&mut device);
        let mut device = device.failed(failure);
        if failure == Failure::GpuLost {
            device.health = health(self.gauges.ecc(), true);
        }
        let mut devices = self.slots.failed(&device, failure);
        devices.insert(0, device);
        Report {
            gpu: GpuSample {
                devices,
                processes: Vec::new(),
            },
            driver_gone: self.asker.driver_gone.take(),
        }
    }
}

impl Probe for CardReader<'_> {
    fn read(&mut self, round: Round) -> Report {
        let now = round.now;
        self.asker.begin();
        let card = match self.nvml.device_by_index(self.index) {
            Ok(card) => card,
            Err(error) => return self.unreachable(error),
        };
        let mut device = self.card(&card, round);
        let mut parts = Vec::new();
        // Whether the driver keeps instances to itself: they are there, and not listed.
        let mut hidden = false;
        if self.mig_enabled {
            let asker = &mut self.asker;
            parts = self.slots.read(&card, &device, &mut |error| {
                let failure = asker.failed(error);
                hidden |= failure == Failure::NoPermission;
                failure
            });
        } else {
            self.slots.clear();
        }
        device.idle_for = self.idle_for(None, &device.utilization, now);
        let (processes, unlisted) = self.processes(&card, &device, &parts, now);
        let mut devices = vec![device];
        devices.extend(parts.into_iter().map(|part| part.device));
        for device in &mut devices {
            device.process_count = match unlisted.get(&device.uuid) {
                Some(why) => why.clone(),
                None => count(&processes, &device.uuid),
            };
        }
        if hidden && let Some(card) = devices.first_mut() {
            card.process_count = Reading::Failed(Failure::NoPermission);
        }
        Report {
            gpu: GpuSample { devices, processes },
            driver_gone: self.asker.driver_gone.take(),
        }
    }
}

/// The process lists of a card: compute, graphics, MPS.
const OF_CARD: [Metric; 3] = [
    Metric::ComputeProcesses,
    Metric::GraphicsProcesses,
    Metric::MpsProcesses,
];

/// The same of an instance, which may have others than its card.
const OF_INSTANCE: [Metric; 3] = [
    Metric::InstanceComputeProcesses,
    Metric::InstanceGraphicsProcesses,
    Metric::InstanceMpsProcesses,
];

/// A function that lists processes.
type List<'nvml> = fn(&Handle<'nvml>) -> Result<Vec<ProcessInfo>, NvmlError>;

/// How often a list is asked for that grows while it is read.
const ATTEMPTS: u32 = 3;

/// Asks for a list again when it has outgrown the room that was made for it.
fn settled<T>(ask: impl Fn() -> Result<T, NvmlError>) -> Result<T, NvmlError> {
    for _ in 1..ATTEMPTS {
        match ask() {
            Err(NvmlError::InsufficientSize(_)) => {}
            answer => return answer,
        }
    }
    ask()
}

/// Idle time of something that is quiet when it is first seen: as long as a pause that clients still
/// count as work.
const QUIET_AT_FIRST: Duration = Duration::from_secs(10);
