//! The quantities that graphs show: what they are called, what they mean, where their ends are.

use gputop_fleet::state::DeviceRow;
use gputop_model::{Bytes, Celsius, MilliWatts};

use super::history::{History, gib};
use crate::app::format;
use crate::app::tables::{FULL, HOT, Piece, Tone};
use crate::widgets::graph::{Fill, Shade};
use crate::widgets::timeline::Point;

/// One quantity of the row.
pub(super) struct Track {
    pub(super) title: &'static str,
    /// The value now.
    pub(super) now: Piece,
    pub(super) points: Vec<Point>,
    pub(super) floor: f32,
    pub(super) top: f32,
    pub(super) mark: Option<f32>,
    pub(super) ramp: [(f32, Shade); 3],
    pub(super) fill: Fill,
    pub(super) label: fn(f32) -> String,
}

/// What the graphs are called: of one or several devices, which may be those of others as well.
pub(super) const fn titles(several: bool, shared: bool) -> [&'static str; 4] {
    match (several, shared) {
        (false, false) => ["util", "VRAM", "power", "temp"],
        (true, false) => ["mean util", "VRAM", "power", "hottest"],
        (false, true) => ["GPU util", "GPU VRAM", "GPU power", "GPU temp"],
        (true, true) => ["mean GPU util", "GPU VRAM", "GPU power", "hottest GPU"],
    }
}

/// What the tables say of the devices now.
pub(super) struct Now {
    pub(super) utilization: Option<u8>,
    pub(super) memory: Option<(Bytes, Bytes)>,
    pub(super) power: Option<MilliWatts>,
    pub(super) power_limit: Option<MilliWatts>,
    pub(super) temperature: Option<Celsius>,
}

impl Now {
    pub(super) fn of(rows: &[&DeviceRow]) -> Self {
        let devices = || rows.iter().map(|row| row.device());
        let utilizations = devices().filter_map(|device| device.utilization.get());
        let (sum, count) = utilizations.fold((0_u32, 0_u32), |(sum, count), percent| {
            (sum + u32::from(percent.0), count + 1)
        });
        let mean = sum.checked_div(count);
        let limits = devices().map(|device| device.power_limit.get());
        Self {
            utilization: mean.and_then(|mean| u8::try_from(mean).ok()),
            memory: devices()
                .filter_map(|device| device.memory_used.get().zip(device.memory_total.get()))
                .reduce(|a, b| (a.0 + b.0, a.1 + b.1)),
            power: devices()
                .filter_map(|device| device.power.get())
                .reduce(|a, b| a + b),
            // One without a limit, and that of all is not known.
            power_limit: limits
                .collect::<Option<Vec<_>>>()
                .map(|all| all.into_iter().sum()),
            temperature: devices()
                .filter_map(|device| device.temperature.get())
                .max(),
        }
    }

    /// One track for each quantity of which anything is known, now or lately.
    pub(super) fn tracks(self, history: History, titles: [&'static str; 4]) -> Vec<Track> {
        let [utilization, memory, power, temperature] = titles;
        let tracks = [
            self.utilization(utilization, history.utilization),
            self.memory(memory, history.memory),
            self.power(power, history.power),
            self.temperature(temperature, history.temperature),
        ];
        let known = |track: &Track| {
            track.now.text != format::UNKNOWN || track.points.iter().any(|(_, v)| v.is_some())
        };
        tracks.into_iter().filter(known).collect()
    }

    fn utilization(&self, title: &'static str, points: Vec<Point>) -> Track {
        Track {
            title,
            now: value(self.utilization.map(|percent| format!("{percent}%"))),
            points,
            floor: 0.0,
            top: 100.0,
            mark: Some(100.0),
            // Much is good, so it never gets the colour of trouble.
            ramp: [
                (50.0, Shade::Middle),
                (f32::INFINITY, Shade::High),
                (f32::INFINITY, Shade::Bad),
            ],
            fill: Fill::Area,
            label: |percent| format!("{percent:.0}%"),
        }
    }

    fn memory(&self, title: &'static str, points: Vec<Point>) -> Track {
        let top = self
            .memory
            .map_or_else(|| highest(&points), |(_, total)| gib(total));
        let full = top * f32::from(FULL) / 100.0;
        let share = self.memory.and_then(|(used, total)| used.share_of(total));
        let mut now = value(
            self.memory
                .map(|(used, total)| format::memory(Some(used), total)),
        );
        if share.is_some_and(|share| share.0 >= FULL) {
            now.tone = Tone::Bad;
        }
        Track {
            title,
            now,
            points,
            floor: 0.0,
            top,
            mark: None,
            ramp: [
                (top / 2.0, Shade::Middle),
                (full, Shade::Bad),
                (f32::INFINITY, Shade::Bad),
            ],
            fill: Fill::Area,
            label: |gib| {
                if gib > 0.0 && gib < 9.95 {
                    format!("{gib:.1}Gi")
                } else {
                    format!("{gib:.0}Gi")
                }
            },
        }
    }

    fn power(&self, title: &'static str, points: Vec<Point>) -> Track {
        let limit = self.power_limit.map(|limit| limit.0 as f32 / 1000.0);
        let top = limit.unwrap_or(0.0).max(highest(&points)).max(1.0);
        Track {
            title,
            now: value(self.power.map(format::power)),
            points,
            floor: 0.0,
            top,
            mark: limit,
            // A card at its limit does what it was told to.
            ramp: [
                (top / 2.0, Shade::Middle),
                (
                    limit.map_or(f32::INFINITY, |limit| limit * 0.95),
                    Shade::High,
                ),
                (f32::INFINITY, Shade::Bad),
            ],
            fill: Fill::Area,
            label: |watts| {
                if watts < 9_999.5 {
                    format!("{watts:.0}W")
                } else {
                    format!("{:.1}kW", watts / 1000.0)
                }
            },
        }
    }

    fn temperature(&self, title: &'static str, points: Vec<Point>) -> Track {
        let mut now = value(self.temperature.map(|celsius| celsius.to_string()));
        if self.temperature.is_some_and(|celsius| celsius.0 >= HOT) {
            now = Piece::new(format!("▲{}", now.text), Tone::Bad);
        }
        let hot = celsius(Celsius(HOT));
        Track {
            title,
            now,
            top: highest(&points).max(100.0),
            points,
            // No card is cooler than its room.
            floor: 20.0,
            mark: Some(hot),
            ramp: [
                (60.0, Shade::Middle),
                (75.0, Shade::High),
                (hot, Shade::Bad),
            ],
            fill: Fill::Line,
            label: |celsius| format!("{celsius:.0}°"),
        }
    }
}

fn celsius(celsius: Celsius) -> f32 {
    i16::try_from(celsius.0).map_or(f32::MAX, f32::from)
}

fn highest(points: &[Point]) -> f32 {
    let known = points.iter().filter_map(|(_, value)| *value);
    known.fold(0.0, f32::max)
}

/// A value as a piece of text, or the sign for an unknown one.
fn value(text: Option<String>) -> Piece {
    text.map_or_else(
        || Piece::new(format::UNKNOWN, Tone::Faint),
        |text| Piece::new(text, Tone::Strong),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_measures_has_no_graph() {
        let nothing = Now {
            utilization: None,
            memory: None,
            power: None,
            power_limit: None,
            temperature: Some(Celsius(40)),
        };
        let tracks = nothing.tracks(History::default(), titles(false, false));
        let titles: Vec<_> = tracks.iter().map(|track| track.title).collect();
        assert_eq!(titles, ["temp"]);
    }
}
