//! Reads one card through NVML.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gputop_model::{
    Bytes, Celsius, Device, DeviceKind, Failure, GpuProcess, GpuUuid, Holder, MilliWatts, Percent,
    ProcessKind, Reading, ThrottleReason,
};
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{EccCounter, MemoryError, TemperatureSensor};
use nvml_wrapper::enums::device::SampleValue;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::{Device as Handle, Nvml};

use super::ask::{Asker, Metric};
use super::health::{Counters, health};
use super::lists::{InstanceIds, Listed, Placed, place};
use super::mig::{Instance, instances};
use super::placeholder;
use super::usage::Usage;
use super::worker::{Probe, Report};
use crate::source::gpu::{GpuSample, aged_process, count, failed_device};
use crate::source::idle::IdleClock;

/// Time between questions whose answers seldom change or take long: ECC, MIG mode, power limit.
const SLOW: Duration = Duration::from_secs(30);

/// `NVML_FI_DEV_REMAPPED_PENDING` and `NVML_FI_DEV_REMAPPED_FAILURE` of nvml.h.
const REMAPPED: [FieldId; 2] = [FieldId(144), FieldId(145)];

/// Who is idle since when: the card (`None`) or one of its processes.
type IdleKey = Option<(u32, GpuUuid)>;

/// Reads the card with one index.
pub(super) struct CardReader {
    nvml: Arc<Nvml>,
    index: u32,
    asker: Asker,
    /// UUID and product; they never change.
    identity: Option<(GpuUuid, String)>,
    slow: SlowTier,
    slow_at: Duration,
    usage: Usage,
    idle: IdleClock<IdleKey>,
    instance_ids: BTreeMap<InstanceIds, GpuUuid>,
    processes: Option<(Duration, Vec<GpuProcess>)>,
}

/// What is asked every [`SLOW`].
#[derive(Default)]
struct SlowTier {
    counters: Counters,
    power_limit: Reading<MilliWatts>,
    mig_enabled: bool,
}

impl CardReader {
    pub(super) fn new(nvml: Arc<Nvml>, index: u32) -> Self {
        Self {
            nvml,
            index,
            asker: Asker::default(),
            identity: None,
            slow: SlowTier::default(),
            slow_at: Duration::ZERO,
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
    fn card(&mut self, card: &Handle<'_>) -> Device {
        let (uuid, product) = self.identity(Some(card));
        let kind = DeviceKind::Gpu {
            mig_enabled: self.slow.mig_enabled,
        };
        let mut device = Device::unmeasured(self.index, uuid, product, kind);
        let asker = &mut self.asker;
        let memory = asker.ask(Metric::Memory, || card.memory_info());
        device.memory_total = memory.as_ref().map(|memory| Bytes(memory.total));
        device.memory_used = memory.map(|memory| Bytes(memory.used));
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
        device.power_limit = self.slow.power_limit.clone();
        device.throttle_reasons = asker
            .ask(Metric::Throttle, || card.current_throttle_reasons())
            .map(throttle_reasons);
        device.health = health(&self.slow.counters, asker.lost);
        device
    }

    fn read_slow(&mut self, card: &Handle<'_>) {
        let asker = &mut self.asker;
        let mode = asker.ask(Metric::MigMode, || card.mig_mode());
        let mig_enabled = match &mode {
            // One question without an answer changes nothing.
            Reading::Failed(_) => self.slow.mig_enabled,
            mode => mode.fresh().is_some_and(|mode| mode.current == 1),
        };
        if mig_enabled != self.slow.mig_enabled {
            // What a card supports depends on its mode.
            asker.forget();
        }
        let remapped = asker.ask(Metric::RemappedRows, || remapped_rows(card));
        self.slow = SlowTier {
            counters: Counters {
                uncorrected: asker.ask(Metric::EccErrors, || {
                    card.total_ecc_errors(MemoryError::Uncorrected, EccCounter::Volatile)
                }),
                retirement_pending: asker
                    .ask(Metric::RetiredPages, || card.are_pages_pending_retired()),
                remap_pending: remapped.clone().map(|(pending, _)| pending),
                remap_failed: remapped.map(|(_, failed)| failed),
            },
            power_limit: asker
                .ask(Metric::PowerLimit, || card.enforced_power_limit())
                .map(MilliWatts),
            mig_enabled,
        };
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
        let split = samples == Reading::Unsupported || self.slow.mig_enabled;
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
            pid: process.pid,
            start_ticks: None,
            device: process.device,
            kind: process.kind,
            name: String::new(),
            user: Reading::default(),
            memory_used: process.memory,
            sm,
            idle_for,
            holder: Holder::Unknown,
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
            mig_enabled: self.slow.mig_enabled,
        };
        let device = Device::unmeasured(self.index, uuid, product, kind);
        let mut device = failed_device(device, failure);
        if failure == Failure::GpuLost {
            device.health = health(&self.slow.counters, true);
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
        if now >= self.slow_at {
            self.read_slow(&card);
            self.slow_at = now + SLOW;
        }
        let mut device = self.card(&card);
        let mut parts = Vec::new();
        if self.slow.mig_enabled {
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

/// Whether rows wait to be remapped, and whether remapping has failed.
fn remapped_rows(card: &Handle<'_>) -> Result<(bool, bool), NvmlError> {
    let mut flags = Vec::with_capacity(REMAPPED.len());
    for field in card.field_values_for(&REMAPPED)? {
        flags.push(match field?.value? {
            SampleValue::U32(flag) => flag != 0,
            SampleValue::U64(flag) => flag != 0,
            _ => false,
        });
    }
    match flags.as_slice() {
        [pending, failed] => Ok((*pending, *failed)),
        _ => Err(NvmlError::NoData),
    }
}

/// What holds the clocks back; idling and clocks that someone has set are not throttling.
fn throttle_reasons(bits: ThrottleReasons) -> Vec<ThrottleReason> {
    let names = [
        (
            ThrottleReasons::SW_POWER_CAP,
            ThrottleReason::SoftwarePowerCap,
        ),
        (
            ThrottleReasons::HW_SLOWDOWN,
            ThrottleReason::HardwareSlowdown,
        ),
        (ThrottleReasons::SYNC_BOOST, ThrottleReason::SyncBoost),
        (
            ThrottleReasons::SW_THERMAL_SLOWDOWN,
            ThrottleReason::SoftwareThermalSlowdown,
        ),
        (
            ThrottleReasons::HW_THERMAL_SLOWDOWN,
            ThrottleReason::HardwareThermalSlowdown,
        ),
        (
            ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN,
            ThrottleReason::HardwarePowerBrake,
        ),
        (
            ThrottleReasons::DISPLAY_CLOCK_SETTING,
            ThrottleReason::DisplayClocks,
        ),
    ];
    let held = names.into_iter().filter(|(bit, _)| bits.contains(*bit));
    held.map(|(_, reason)| reason).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idling_is_not_throttling() {
        let bits = ThrottleReasons::GPU_IDLE
            | ThrottleReasons::APPLICATIONS_CLOCKS_SETTING
            | ThrottleReasons::HW_SLOWDOWN
            | ThrottleReasons::SW_POWER_CAP;
        let expected = [
            ThrottleReason::SoftwarePowerCap,
            ThrottleReason::HardwareSlowdown,
        ];
        assert_eq!(throttle_reasons(bits), expected);
        assert_eq!(throttle_reasons(ThrottleReasons::GPU_IDLE), []);
    }
}
