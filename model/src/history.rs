//! What was measured of a device over time: packed samples, and rings that keep the last of them.
//!
//! A sample takes ten bytes. Only fresh readings are kept: what was old or missing then is a hole,
//! never a zero and never a repetition.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Device, GpuUuid, MilliWatts, Moment};

/// The figures of one device at one moment; `None`: not known then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When it was taken, on the clock of whoever keeps it, to a tenth of a second (rounded down).
    pub at: Moment,
    /// Share of time in which a kernel ran, in percent.
    pub utilization: Option<u8>,
    /// Memory in use, in percent of the device's memory.
    pub memory: Option<u8>,
    /// Power drawn by the board, up to 16.7 kW.
    pub power: Option<MilliWatts>,
    /// Core temperature in °C, −127 to 127.
    pub temperature: Option<i16>,
}

impl Sample {
    /// What was measured of `device` just now; `at`: when that was.
    #[must_use]
    pub fn of(device: &Device, at: Moment) -> Self {
        let memory = device
            .memory_used
            .fresh()
            .zip(device.memory_total.known())
            .and_then(|(used, total)| used.share_of(*total));
        Self {
            at,
            utilization: device.utilization.fresh().map(|percent| percent.0),
            memory: memory.map(|percent| percent.0),
            power: device.power.fresh().copied(),
            temperature: device.temperature.fresh().map(|celsius| {
                let limit = i32::from(HOTTEST);
                i16::try_from(celsius.0.clamp(-limit, limit)).unwrap_or(HOTTEST)
            }),
        }
    }
}

/// Unit of a packed sample's time in milliseconds: 32 bits of it are 13 years.
const TICK: u64 = 100;

/// A percentage that is not known; known ones end at 100.
const NO_PERCENT: u8 = u8::MAX;

/// A power that is not known, in the three bytes that it has; known ones end one below.
const NO_POWER: u32 = 0x00ff_ffff;

/// A temperature that is not known; known ones go from −127 to 127 °C.
const NO_TEMPERATURE: i8 = i8::MIN;

/// The highest temperature that can be kept, in °C; no chip lives there.
const HOTTEST: i16 = 127;

/// A [`Sample`] in ten bytes: time (4, little-endian), utilisation, memory, power (3), temperature.
///
/// What is beyond the ranges is limited to them. As text it is the list of its figures, time in
/// milliseconds first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Row", from = "Row")]
pub struct PackedSample([u8; 10]);

/// Milliseconds, percent, percent, milliwatts, °C.
type Row = (u64, Option<u8>, Option<u8>, Option<u32>, Option<i16>);

impl From<&Sample> for PackedSample {
    fn from(sample: &Sample) -> Self {
        let ticks = u32::try_from(sample.at.0.as_millis() / u128::from(TICK)).unwrap_or(u32::MAX);
        let [t0, t1, t2, t3] = ticks.to_le_bytes();
        let percent = |value: Option<u8>| value.map_or(NO_PERCENT, |value| value.min(100));
        let power = sample.power.map_or(NO_POWER, |p| p.0.min(NO_POWER - 1));
        let [p0, p1, p2, _] = power.to_le_bytes();
        let temperature = sample.temperature.map_or(NO_TEMPERATURE, |celsius| {
            i8::try_from(celsius.clamp(-HOTTEST, HOTTEST)).unwrap_or(NO_TEMPERATURE)
        });
        let [t] = temperature.to_le_bytes();
        let (utilization, memory) = (percent(sample.utilization), percent(sample.memory));
        Self([t0, t1, t2, t3, utilization, memory, p0, p1, p2, t])
    }
}

impl PackedSample {
    /// The figures.
    #[must_use]
    pub fn sample(self) -> Sample {
        let [_, _, _, _, utilization, memory, p0, p1, p2, t] = self.0;
        let percent = |value: u8| (value != NO_PERCENT).then_some(value);
        let power = u32::from_le_bytes([p0, p1, p2, 0]);
        let temperature = i8::from_le_bytes([t]);
        Sample {
            at: self.at(),
            utilization: percent(utilization),
            memory: percent(memory),
            power: (power != NO_POWER).then_some(MilliWatts(power)),
            temperature: (temperature != NO_TEMPERATURE).then_some(i16::from(temperature)),
        }
    }

    /// When it was taken.
    #[must_use]
    pub fn at(self) -> Moment {
        let [t0, t1, t2, t3, ..] = self.0;
        let ticks = u64::from(u32::from_le_bytes([t0, t1, t2, t3]));
        Moment(Duration::from_millis(ticks * TICK))
    }
}

impl From<PackedSample> for Row {
    fn from(packed: PackedSample) -> Self {
        let sample = packed.sample();
        (
            u64::try_from(sample.at.0.as_millis()).unwrap_or(u64::MAX),
            sample.utilization,
            sample.memory,
            sample.power.map(|power| power.0),
            sample.temperature,
        )
    }
}

impl From<Row> for PackedSample {
    fn from((at, utilization, memory, power, temperature): Row) -> Self {
        Self::from(&Sample {
            at: Moment(Duration::from_millis(at)),
            utilization,
            memory,
            power: power.map(MilliWatts),
            temperature,
        })
    }
}

/// The last samples of one device, at most `KEPT`, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ring<const KEPT: usize>(VecDeque<PackedSample>);

impl<const KEPT: usize> Ring<KEPT> {
    /// Adds a sample that is newer than all others; the oldest goes when there is no room.
    pub fn push(&mut self, sample: &Sample) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        } else if self.0.len() == self.0.capacity() {
            // Doubling, but never past what is kept: the usual growth would end at a power of two.
            let more = self.0.len().clamp(16, KEPT.max(16));
            self.0.reserve_exact(more.min(KEPT - self.0.len()));
        }
        self.0.push_back(sample.into());
    }

    /// Forgets what is older than `since`.
    pub fn expire(&mut self, since: Moment) {
        while self.0.front().is_some_and(|oldest| oldest.at() < since) {
            self.0.pop_front();
        }
    }

    /// Puts samples that somebody else has kept (oldest first) into the gaps between one's own. One
    /// less than `apart` from an own one is the same measurement, known already; one that is newer
    /// than all own ones has not been told yet, and comes by itself.
    pub fn fill(&mut self, past: &[PackedSample], apart: Duration) {
        let Some(newest) = self.newest() else { return };
        let own: Vec<PackedSample> = self.0.drain(..).collect();
        let mut merged: Vec<PackedSample> = Vec::with_capacity(own.len() + past.len());
        let mut later = own.iter().copied().peekable();
        let mut before: Option<Moment> = None;
        for sample in past.iter().filter(|sample| sample.at() < newest) {
            let at = sample.at();
            while let Some(own) = later.next_if(|own| own.at() <= at) {
                before = Some(own.at());
                merged.push(own);
            }
            let is_news = before.is_none_or(|before| at.since(before) >= apart)
                && later.peek().is_none_or(|own| own.at().since(at) >= apart);
            let is_in_order = merged.last().is_none_or(|last| last.at() < at);
            if is_news && is_in_order {
                merged.push(*sample);
            }
        }
        merged.extend(later);
        let surplus = merged.len().saturating_sub(KEPT);
        self.0.reserve_exact(merged.len() - surplus);
        self.0.extend(merged.into_iter().skip(surplus));
    }

    /// The samples, oldest first.
    #[must_use]
    pub fn samples(&self) -> impl DoubleEndedIterator<Item = Sample> + ExactSizeIterator + '_ {
        self.0.iter().map(|packed| packed.sample())
    }

    /// The packed samples from `from` up to and with `to`, oldest first.
    #[must_use]
    pub fn between(&self, from: Moment, to: Moment) -> Vec<PackedSample> {
        let begin = self.0.partition_point(|sample| sample.at() < from);
        let end = self.0.partition_point(|sample| sample.at() <= to);
        self.0.range(begin..end.max(begin)).copied().collect()
    }

    /// When the newest sample was taken.
    #[must_use]
    pub fn newest(&self) -> Option<Moment> {
        self.0.back().map(|sample| sample.at())
    }

    /// Number of samples, 0 to `KEPT`.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that the samples take, room for later ones included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<PackedSample>()
    }
}

/// What was measured of one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicePast {
    /// The GPU or MIG instance.
    pub device: GpuUuid,
    /// Oldest first.
    pub samples: Vec<PackedSample>,
}

/// Which part of what was measured is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastQuery {
    /// Of these devices; none: of all.
    pub devices: Vec<GpuUuid>,
    /// No older than this.
    pub from_ago: Duration,
    /// No younger than this.
    pub to_ago: Duration,
    /// How close together.
    pub step: PastStep,
}

/// The time between two samples that are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PastStep {
    /// One second, for the last ten minutes. While nobody looks at a node it is sampled every five
    /// seconds, and then these are five seconds apart, too.
    #[default]
    Second,
    /// Five seconds, for the last hour.
    FiveSeconds,
}

impl PastStep {
    /// The step with that length.
    #[must_use]
    pub const fn from_millis(millis: u32) -> Option<Self> {
        match millis {
            1000 => Some(Self::Second),
            5000 => Some(Self::FiveSeconds),
            _ => None,
        }
    }

    /// Its length in milliseconds.
    #[must_use]
    pub const fn millis(self) -> u32 {
        match self {
            Self::Second => 1000,
            Self::FiveSeconds => 5000,
        }
    }
}

#[cfg(test)]
mod tests;
