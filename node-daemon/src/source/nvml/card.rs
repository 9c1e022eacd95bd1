//! Reads one card through NVML.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gputop_model::{
    Bytes, Celsius, Device, DeviceKind, Failure, GpuProcess, GpuUuid, MilliWatts, Percent,
    ProcessKind, Reading,
};
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device as Handle, Nvml};

use super::instruments::NvmlCard;
use super::lists::{InstanceIds, Listed, Placed, place};
use super::mig::{Instance, instances};
use super::placeholder;
use super::throttle::throttle_reasons;
use super::usage::Usage;
use super::worker::{Probe, Report};
use crate::source::ask::{Asker, Metric};
use crate::source::gpu::{GpuSample, aged_process, count};
use crate::source::health::health;
use crate::source::idle::IdleClock;
use crate::source::instruments::Gauges;
use crate::source::tiers::Tiers;

/// Who is idle since when: the card (`None`) or one of its processes.
type IdleKey = Option<(u32, GpuUuid)>;

/// Reads the card with one index.
pub(super) struct CardReader {
    nvml: Arc<Nvml>,
    index: u32,
    asker: Asker,
    /// UUID and product; they never change.
    identity: Option<(GpuUuid, String)>,
    /// The driver has reported something that changes the answers to seldom questions.
    changed: Arc<AtomicBool>,
    tiers: Tiers,
    gauges: Gauges,
    mig_enabled: bool,
    usage: Usage,
    idle: IdleClock<IdleKey>,
    instance_ids: BTreeMap<InstanceIds, GpuUuid>,
    processes: Option<(Duration, Vec<GpuProcess>)>,
}

impl CardReader {
    /// `changed` is set by whoever hears from the driver that something has changed.
    pub(super) fn new(nvml: Arc<Nvml>, index: u32, changed: Arc<AtomicBool>) -> Self {
        Self {
            nvml,
            index,
            asker: Asker::default(),
            identity: None,
            changed,
            tiers: Tiers::default(),
            gauges: Gauges::default(),
            mig_enabled: false,
            usage: Usage::default(),
            idle: IdleClock::default(),
            instance_ids: BTreeMap::new(),
            processes: None,
        }
    }

    /// UUID and product, or placeholders.
    fn identity(&mut self, card: Option<&Handle<'_>>) -> (GpuUuid, String) {
        if let (None, Some(card)) = (&self.identity, card)
            && let (Ok(uuid), Ok(product)) = (card.uuid(), card.name())
        {
            self.identity = Some((uuid.into(), product));
        }
        self.identity
            .clone()
            .unwrap_or_else(|| (placeholder(self.index).into(), "GPU".to_owned()))
    }

    /// The card's own entry, without its idle time.
    fn card(&mut self, card: &Handle<'_>, now: Duration) -> Device {
        let (uuid, product) = self.identity(Some(card));
        self.read_gauges(card, &product, now);
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

    /// Asks what is due at `now`.
    fn read_gauges(&mut self, card: &Handle<'_>, product: &str, now: Duration) {
        let changed = self.changed.swap(false, Ordering::Relaxed);
        let mut due = self.tiers.due(now, changed);
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
            handle: card,
            product,
        };
        self.gauges.read(&mut self.asker, &card, due);
    }

    /// The processes on the card and its instances, or the last ones when NVML does not say;
    /// and the devices of which it did not say.
    fn processes(
        &mut self,
        card: &Handle<'_>,
        device: &Device,
        parts: &[Instance<'_>],
        now: Duration,
    ) -> (Vec<GpuProcess>, BTreeSet<GpuUuid>) {
        let mut unlisted = BTreeSet::new();
        let Some(whole) = self.listed(card) else {
            let last = self.processes.iter().flat_map(|(at, list)| {
                let age = now.saturating_sub(*at);
                list.iter()
                    .map(move |process| aged_process(process.clone(), age))
            });
            unlisted.insert(device.uuid.clone());
            unlisted.extend(parts.iter().map(|part| part.device.uuid.clone()));
            return (last.collect(), unlisted);
        };
        let parts = parts
            .iter()
            .map(|part| {
                let uuid = part.device.uuid.clone();
                let list = self.listed(&part.handle);
                if list.is_none() {
                    unlisted.insert(uuid.clone());
                }
                (uuid, list.unwrap_or_default())
            })
            .collect();
        let placed = place(&device.uuid, whole, parts, &mut self.instance_ids);
        let newest = self.usage.newest();
        let samples = self.asker.ask(Metric::ProcessUtilization, || {
            match card.process_utilization_stats(newest) {
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
                let sm = if split {
                    Reading::Unsupported
                } else {
                    self.usage.of(process.pid, &device.utilization, now)
                };
                self.describe(process, sm, now)
            })
            .collect();
        self.processes = Some((now, list.clone()));
        (list, unlisted)
    }

    fn describe(&mut self, process: Placed, sm: Reading<Percent>, now: Duration) -> GpuProcess {
        let key = Some((process.pid, process.device.clone()));
        let idle_for = self.idle_for(key, &sm, now);
        GpuProcess {
            memory_used: process.memory,
            sm,
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

    /// Both process lists of a card or an instance; `None` when one of them could not be read.
    fn listed(&mut self, handle: &Handle<'_>) -> Option<Vec<Listed>> {
        let compute = self.asker.ask(Metric::ComputeProcesses, || {
            match handle.running_compute_processes() {
                // Drivers before 510 have the older function only.
                Err(NvmlError::FailedToLoadSymbol(_)) => handle.running_compute_processes_v2(),
                other => other,
            }
        });
        let graphics = self.asker.ask(Metric::GraphicsProcesses, || {
            match handle.running_graphics_processes() {
                Err(NvmlError::FailedToLoadSymbol(_)) => handle.running_graphics_processes_v2(),
                other => other,
            }
        });
        let failed = |reading: &Reading<_>| matches!(reading, Reading::Failed(_));
        if failed(&compute) || failed(&graphics) {
            return None;
        }
        let lists = [
            (compute, ProcessKind::Compute),
            (graphics, ProcessKind::Graphics),
        ];
        let entries = lists.iter().flat_map(|(list, kind)| {
            let entries = list.fresh().into_iter().flatten();
            entries.map(|info| Listed::new(info, *kind))
        });
        Some(entries.collect())
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
        Report {
            gpu: GpuSample {
                devices: vec![device],
                processes: Vec::new(),
            },
            driver_gone: self.asker.driver_gone.take(),
        }
    }
}

impl Probe for CardReader {
    fn read(&mut self, now: Duration) -> Report {
        self.asker.begin();
        let nvml = Arc::clone(&self.nvml);
        let card = match nvml.device_by_index(self.index) {
            Ok(card) => card,
            Err(error) => return self.unreachable(error),
        };
        let mut device = self.card(&card, now);
        let mut parts = Vec::new();
        if self.mig_enabled {
            let asker = &mut self.asker;
            parts = instances(&card, &device, &mut |error| {
                asker.failed(error);
            });
        }
        device.idle_for = self.idle_for(None, &device.utilization, now);
        let (processes, unlisted) = self.processes(&card, &device, &parts, now);
        let mut devices = vec![device];
        devices.extend(parts.into_iter().map(|part| part.device));
        for device in &mut devices {
            if !unlisted.contains(&device.uuid) {
                device.process_count = count(&processes, &device.uuid);
            }
        }
        Report {
            gpu: GpuSample { devices, processes },
            driver_gone: self.asker.driver_gone.take(),
        }
    }
}

/// Idle time of something that is quiet when it is first seen: as long as a pause that clients still
/// count as work.
const QUIET_AT_FIRST: Duration = Duration::from_secs(10);
