//! What was measured lately.

use std::time::Duration;

use gputop_model::{DevicePast, MilliWatts, Moment, PackedSample, PastQuery, PastStep, Sample};
use gputop_model::{GpuUuid, printable};

use super::WireError;
use super::reading::millis;
use crate::pb;

/// Unit of time in a reply, in milliseconds.
const TENTH: u64 = 100;

/// What the temperature is counted from: one below the lowest that can be told.
const COLDEST: i16 = -128;

/// Largest reply in bytes, apart from the devices' ids.
const REPLY: usize = 3 * 1024 * 1024;

/// Most bytes that a sample takes: its time 5, two percentages 1 each, its power 4, its
/// temperature 2.
const SAMPLE: usize = 13;

/// How far back one may ask; more than anybody keeps, and nothing overflows.
const LONGEST: Duration = Duration::from_millis(u32::MAX as u64);

impl From<&PastQuery> for pb::HistoryRequest {
    fn from(query: &PastQuery) -> Self {
        let ago = |time| u32::try_from(millis(time)).unwrap_or(u32::MAX);
        Self {
            device_uuids: query.devices.iter().map(ToString::to_string).collect(),
            from_ms_ago: Some(ago(query.from_ago)),
            to_ms_ago: Some(ago(query.to_ago)),
            step_ms: Some(query.step.millis()),
        }
    }
}

impl TryFrom<pb::HistoryRequest> for PastQuery {
    type Error = WireError;

    fn try_from(wire: pb::HistoryRequest) -> Result<Self, WireError> {
        let ago = |time: u32| Duration::from_millis(time.into());
        let step = match wire.step_ms {
            None => PastStep::default(),
            Some(step) => PastStep::from_millis(step).ok_or(WireError::Unknown {
                field: "HistoryRequest.step_ms",
                value: step.into(),
                known: "1000 or 5000",
            })?,
        };
        Ok(Self {
            devices: wire.device_uuids.into_iter().map(GpuUuid::new).collect(),
            from_ago: wire.from_ms_ago.map_or(LONGEST, ago),
            to_ago: wire.to_ms_ago.map_or(Duration::ZERO, ago),
            step,
        })
    }
}

/// What was measured, for the wire. `now`: when the reply is made, on the samples' clock.
///
/// The message stays under 4 MiB: when there is more, each device has its newest samples only.
#[must_use]
pub fn past_to_wire(past: &[DevicePast], now: Moment) -> pb::HistoryReply {
    let most = REPLY / SAMPLE / past.len().max(1);
    pb::HistoryReply {
        devices: past
            .iter()
            .filter(|past| !past.samples.is_empty())
            .map(|past| device_to_wire(past, now, most))
            .collect(),
    }
}

fn device_to_wire(past: &DevicePast, now: Moment, most: usize) -> pb::DeviceHistory {
    let mut wire = pb::DeviceHistory {
        device_uuid: past.device.to_string(),
        ..pb::DeviceHistory::default()
    };
    let tenths = |moment: Moment| millis(moment.0) / TENTH;
    let mut newer = tenths(now);
    for sample in past.samples.iter().rev().take(most).map(|s| s.sample()) {
        let at = tenths(sample.at).min(newer);
        let older_by = u32::try_from(newer - at).unwrap_or(u32::MAX);
        newer = at;
        let percent = |value: Option<u8>| value.map_or(0, |value| u32::from(value) + 1);
        let power = sample.power.map_or(0, |power| power.0.saturating_add(1));
        let temperature = sample.temperature.map(|celsius| celsius - COLDEST);
        wire.older_by_tenths.push(older_by);
        wire.utilization_percent_and_1
            .push(percent(sample.utilization));
        wire.memory_used_percent_and_1.push(percent(sample.memory));
        wire.power_mw_and_1.push(power);
        let temperature = temperature.and_then(|above| u32::try_from(above).ok());
        wire.temperature_celsius_and_128
            .push(temperature.unwrap_or(0));
    }
    for list in [
        &mut wire.utilization_percent_and_1,
        &mut wire.memory_used_percent_and_1,
        &mut wire.power_mw_and_1,
        &mut wire.temperature_celsius_and_128,
    ] {
        // What a card does not measure takes no room.
        let known = list.iter().rposition(|figure| *figure != 0);
        list.truncate(known.map_or(0, |last| last + 1));
    }
    wire
}

/// What was measured, from the wire. `at`: when the reply was received, on the reader's clock,
/// which the samples are told on. Of each device at most `most` samples are taken, the newest, and
/// none from before that clock began.
#[must_use]
pub fn past_from_wire(wire: pb::HistoryReply, at: Moment, most: usize) -> Vec<DevicePast> {
    let devices = wire.devices.into_iter();
    devices
        .map(|wire| device_from_wire(wire, at, most))
        .collect()
}

fn device_from_wire(wire: pb::DeviceHistory, at: Moment, most: usize) -> DevicePast {
    let figure = |list: &[u32], place: usize| list.get(place)?.checked_sub(1);
    let percent = |list: &[u32], place| {
        let percent = u8::try_from(figure(list, place)?).ok()?;
        (percent <= 100).then_some(percent)
    };
    let mut samples = Vec::with_capacity(wire.older_by_tenths.len().min(most));
    let mut time = Some(at.0);
    for (place, older_by) in wire.older_by_tenths.iter().enumerate().take(most) {
        let older_by = Duration::from_millis(u64::from(*older_by) * TENTH);
        time = time.and_then(|time| time.checked_sub(older_by));
        let Some(time) = time else { break };
        let temperature = wire.temperature_celsius_and_128.get(place).copied();
        let temperature = temperature.filter(|above| (1..256).contains(above));
        let sample = Sample {
            at: Moment(time),
            utilization: percent(&wire.utilization_percent_and_1, place),
            memory: percent(&wire.memory_used_percent_and_1, place),
            power: figure(&wire.power_mw_and_1, place).map(MilliWatts),
            temperature: temperature
                .and_then(|above| i16::try_from(above).ok())
                .map(|above| above + COLDEST),
        };
        samples.push(PackedSample::from(&sample));
    }
    samples.reverse();
    DevicePast {
        device: printable(wire.device_uuid).into(),
        samples,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    fn sample(tenths: u64, figures: bool) -> Sample {
        Sample {
            at: Moment(Duration::from_millis(tenths * TENTH)),
            utilization: figures.then_some(100),
            memory: figures.then_some(100),
            power: figures.then_some(MilliWatts(16_777_214)),
            temperature: figures.then_some(127),
        }
    }

    /// Devices whose samples are as large as they get.
    fn large(devices: usize, samples: u64) -> (Vec<DevicePast>, Moment) {
        let samples: Vec<_> = (0..samples)
            .map(|number| PackedSample::from(&sample(number * 3_000_000_000 % 4_000_000_000, true)))
            .collect();
        let device = |number| DevicePast {
            device: format!("MIG-4b8f3a2e-7f1c-5d60-8a9b-0c1d2e3f{number:04}").into(),
            samples: samples.clone(),
        };
        let past = (0..devices).map(device).collect();
        (past, Moment(Duration::from_secs(430_000_000)))
    }

    /// Devices as they are: a sample each five seconds.
    fn usual(devices: usize, samples: u64) -> Vec<DevicePast> {
        let packed = |number| {
            let known = Sample {
                utilization: Some(97),
                memory: Some(81),
                power: Some(MilliWatts(685_123)),
                temperature: Some(71),
                ..sample(number * 50, false)
            };
            PackedSample::from(&known)
        };
        let samples: Vec<_> = (0..samples).map(packed).collect();
        let device = |number| DevicePast {
            device: format!("GPU-4b8f3a2e-7f1c-5d60-8a9b-0c1d2e3f{number:04}").into(),
            samples: samples.clone(),
        };
        (0..devices).map(device).collect()
    }

    #[test]
    fn an_hour_of_sixteen_gpus_with_seven_instances_each_fits() {
        let past = usual(16 * 8, 720);
        let now = Moment(Duration::from_secs(3600));
        let reply = past_to_wire(&past, now);
        let bytes = reply.encoded_len();
        assert!(bytes < 1024 * 1024, "{bytes}");
        assert_eq!(past_from_wire(reply, now, 720), past, "nothing is left out");
        // What a screen asks for when it comes to a node with eight cards.
        let screen = past_to_wire(&usual(8, 60), now).encoded_len();
        assert!(screen < 5_000, "{screen}");
    }

    #[test]
    fn a_reply_stays_under_four_mebibytes_whatever_is_kept() {
        let (past, now) = large(128, 20_000);
        let reply = past_to_wire(&past, now);
        assert!(reply.encoded_len() < 4 * 1024 * 1024);
        let kept = reply.devices[0].older_by_tenths.len();
        assert!(kept > 1_000, "{kept}");
        let newest = past[0].samples.last().unwrap().at();
        let told = past_from_wire(reply, now, usize::MAX);
        assert_eq!(told[0].samples.last().unwrap().at(), newest);
    }

    #[test]
    fn what_a_card_does_not_measure_takes_no_room() {
        let figures = |at| Sample {
            utilization: Some(0),
            ..sample(at, false)
        };
        let samples = (0..60).map(|at| PackedSample::from(&figures(at * 10)));
        let past = [DevicePast {
            device: "GPU-0".into(),
            samples: samples.collect(),
        }];
        let now = Moment(Duration::from_secs(60));
        let wire = past_to_wire(&past, now);
        assert!(wire.devices[0].power_mw_and_1.is_empty());
        assert_eq!(past_from_wire(wire, now, 300), past, "0 % is not a hole");
    }

    #[test]
    fn ages_are_counted_from_receipt_and_nothing_is_from_before_the_clock() {
        let samples = [1_000, 1_010, 1_020].map(|at| PackedSample::from(&sample(at, true)));
        let past = [DevicePast {
            device: "GPU-0".into(),
            samples: samples.to_vec(),
        }];
        let wire = past_to_wire(&past, Moment(Duration::from_millis(102_500)));
        let received = Moment(Duration::from_millis(1_900));
        let told = past_from_wire(wire, received, 300);
        let times: Vec<_> = told[0]
            .samples
            .iter()
            .map(|s| s.at().0.as_millis())
            .collect();
        assert_eq!(times, [400, 1_400]);
    }

    #[test]
    fn figures_that_can_not_be_are_holes() {
        let wire = pb::HistoryReply {
            devices: vec![pb::DeviceHistory {
                device_uuid: "GPU-\u{1b}[2J".to_owned(),
                older_by_tenths: vec![1, 1, u32::MAX],
                utilization_percent_and_1: vec![102, 101],
                memory_used_percent_and_1: vec![u32::MAX],
                power_mw_and_1: vec![u32::MAX, 0, 1, 1, 1],
                temperature_celsius_and_128: vec![256, 1],
            }],
        };
        let told = past_from_wire(wire, Moment(Duration::from_secs(60)), 300);
        assert!(!told[0].device.as_str().contains('\u{1b}'));
        let figures: Vec<_> = told[0]
            .samples
            .iter()
            .map(|s| s.sample())
            .map(|s| (s.utilization, s.memory, s.power, s.temperature))
            .collect();
        assert_eq!(
            figures,
            [
                (Some(100), None, None, Some(-127)),
                (None, None, Some(MilliWatts(16_777_214)), None),
            ]
        );
    }

    #[test]
    fn a_question_is_read_back_and_a_strange_step_refused() {
        let query = PastQuery {
            devices: vec!["GPU-0".into()],
            from_ago: Duration::from_secs(600),
            to_ago: Duration::from_secs(3),
            step: PastStep::FiveSeconds,
        };
        let wire = pb::HistoryRequest::from(&query);
        assert_eq!(PastQuery::try_from(wire), Ok(query));
        let all = PastQuery::try_from(pb::HistoryRequest::default()).unwrap();
        assert_eq!((all.step, all.to_ago), (PastStep::Second, Duration::ZERO));
        assert!(all.from_ago > Duration::from_secs(7200) && all.devices.is_empty());
        let strange = pb::HistoryRequest {
            step_ms: Some(2000),
            ..pb::HistoryRequest::default()
        };
        let error = PastQuery::try_from(strange).unwrap_err().to_string();
        assert!(
            error.contains("2000") && error.contains("1000 or 5000"),
            "{error}"
        );
    }

    fn figures() -> impl Strategy<Value = Sample> {
        let percent = || proptest::option::of(0_u8..=100);
        let power = proptest::option::of((0_u32..16_777_215).prop_map(MilliWatts));
        let temperature = proptest::option::of(-127_i16..=127);
        (percent(), percent(), power, temperature).prop_map(|figures| {
            let (utilization, memory, power, temperature) = figures;
            Sample {
                at: Moment::default(),
                utilization,
                memory,
                power,
                temperature,
            }
        })
    }

    proptest! {
        /// Every figure and every hole comes back at its time.
        #[test]
        fn what_is_told_is_what_was_measured(
            figures in proptest::collection::vec((figures(), 1_u64..5_000), 1..50),
            since in 0_u64..1_000,
        ) {
            let mut tenths = 0;
            let mut samples = Vec::new();
            for (sample, later) in figures {
                tenths += later;
                let at = Moment(Duration::from_millis(tenths * TENTH));
                samples.push(PackedSample::from(&Sample { at, ..sample }));
            }
            let now = Moment(Duration::from_millis((tenths + since) * TENTH));
            let past = vec![DevicePast { device: "GPU-0".into(), samples }];
            let wire = past_to_wire(&past, now).encode_to_vec();
            let wire = pb::HistoryReply::decode(&*wire).unwrap();
            prop_assert_eq!(past_from_wire(wire, now, 300), past);
        }
    }
}
