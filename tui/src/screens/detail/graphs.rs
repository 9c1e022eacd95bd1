//! The graphs of the selected row: utilisation, memory, power and temperature of its devices.

use gputop_fleet::state::{DeviceRow, NodeRow, PodRow};
use gputop_model::{Bytes, Celsius, DeviceKind, MilliWatts};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::history::{History, SPAN, gib};
use crate::app::place::Within;
use crate::app::row::Row;
use crate::app::tables::{FULL, HOT, Piece, Tone};
use crate::app::{State, format};
use crate::theme::Theme;
use crate::widgets::chart::{Chart, Line};
use crate::widgets::graph::{Dots, Fill, Ramp, Scale, Shade};
use crate::widgets::text;
use crate::widgets::timeline::{Point, Window};

/// Columns between two graphs.
const GAP: u16 = 2;

/// The narrowest graph with an axis.
const NARROW: u16 = 18;

/// Lines of the graphs in a pane of this many lines; less than three: a line of sparklines.
pub(super) const fn height(lines: u16) -> u16 {
    match lines {
        0..4 => 0,
        4..9 => 1,
        9..12 => 4,
        12..15 => 5,
        15..19 => 6,
        _ => 8,
    }
}

/// One quantity of the row.
struct Track {
    title: &'static str,
    /// The value now.
    now: Piece,
    points: Vec<Point>,
    floor: f32,
    top: f32,
    mark: Option<f32>,
    ramp: [(f32, Shade); 3],
    fill: Fill,
    label: fn(f32) -> String,
}

/// The graphs of a row.
pub(super) struct Graphs {
    tracks: Vec<Track>,
    window: Window,
}

impl Graphs {
    /// The graphs of `row`; none where it has no device.
    pub(super) fn of(state: &State, row: Row) -> Self {
        let window = Window {
            now: state.clock.now,
            span: SPAN,
            hold: state.session.settings.stale_after,
        };
        let devices = devices(state, row);
        let mut tracks = Vec::new();
        if !devices.is_empty() {
            let history = History::of(&state.fleet, &devices, window);
            let several = devices.len() > 1;
            // A card may be shared: what it does is not all theirs.
            let shared = matches!(row, Row::Workload(_) | Row::Pod(_) | Row::Process(_));
            tracks = Now::of(&devices).tracks(history, titles(several, shared));
            if devices.iter().all(|row| row.stale) {
                for track in &mut tracks {
                    track.now.tone = Tone::Faint;
                }
            }
        }
        Self { tracks, window }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    /// Draws the graphs side by side over the whole of `area`, or in one line.
    pub(super) fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) {
        if area.height == 1 {
            for (at, line) in self.in_a_line(area.width) {
                line.draw(buf, text::skip(area, at), theme);
            }
            return;
        }
        for (at, width, track) in self.side_by_side(area.width) {
            let part = Rect {
                width,
                ..text::skip(area, at)
            };
            self.chart(track).draw(buf, part, theme);
        }
    }

    /// The same as text, `height` lines of at most `width` columns.
    pub(super) fn lines(&self, width: u16, height: u16) -> Vec<Vec<Piece>> {
        let mut lines: Vec<Vec<Piece>> = Vec::new();
        for (at, width, track) in self.side_by_side(width) {
            for (y, line) in self
                .chart(track)
                .lines(width, height)
                .into_iter()
                .enumerate()
            {
                if lines.len() <= y {
                    lines.push(Vec::new());
                }
                let used = text::pieces_width(&lines[y]);
                let pad = " ".repeat(usize::from(at.saturating_sub(used)));
                lines[y].push(Piece::new(pad, Tone::Plain));
                lines[y].extend(line.pieces());
            }
        }
        lines
    }

    /// Where each graph stands in `width` columns, and how wide it is; the last ones are left out
    /// where there is no room for them.
    fn side_by_side(&self, width: u16) -> impl Iterator<Item = (u16, u16, &Track)> {
        let count = u16::try_from(self.tracks.len()).unwrap_or(1).max(1);
        let count = count.min((width + GAP) / (NARROW + GAP)).max(1);
        let each = (width + GAP) / count - GAP.min(width);
        let place = move |at: u16| (at * (each + GAP), each);
        (0..count).zip(&self.tracks).map(move |(at, track)| {
            let (x, width) = place(at);
            (x, width, track)
        })
    }

    /// All graphs as sparklines in one line, with where each begins: each as wide as its text, and
    /// the rest shared out evenly.
    fn in_a_line(&self, width: u16) -> Vec<(u16, Line)> {
        let charts: Vec<Chart<'_>> = self.tracks.iter().map(|track| self.chart(track)).collect();
        let count = u16::try_from(charts.len()).unwrap_or(1);
        let texts: u16 = charts.iter().map(Chart::label_width).sum();
        let gaps = (GAP + 1) * count.saturating_sub(1);
        let spare = width.saturating_sub(texts + gaps) / count.max(1);
        let mut at = 0;
        let mut lines = Vec::new();
        for chart in charts {
            let wide = (chart.label_width() + spare).min(width.saturating_sub(at));
            if wide < chart.label_width() {
                break;
            }
            lines.extend(chart.lines(wide, 1).into_iter().map(|line| (at, line)));
            at += wide + GAP + 1;
        }
        lines
    }

    fn chart<'a>(&self, track: &'a Track) -> Chart<'a> {
        Chart {
            title: track.title,
            now: track.now.clone(),
            points: &track.points,
            window: self.window,
            scale: Scale {
                floor: track.floor,
                top: track.top,
                mark: track.mark,
                ramp: Ramp(&track.ramp),
            },
            label: track.label,
            fill: track.fill,
            dots: Dots::default(),
        }
    }
}

/// The devices of a row whose history is shown.
fn devices(state: &State, row: Row) -> Vec<&DeviceRow> {
    let picture = &state.picture;
    match row {
        Row::Node(at) => of_node(picture.nodes.get(at), &picture.devices),
        Row::Device(at) | Row::Share(at, _) => picture.devices.get(at).into_iter().collect(),
        Row::Workload(at) => {
            let workload = picture.workloads.get(at).into_iter();
            let pods = workload.flat_map(|row| &row.pods);
            let pods = pods.filter_map(|at| picture.pods.get(*at));
            let mut devices: Vec<_> = pods.flat_map(|pod| of_pod(state, pod)).collect();
            // Each once, also where its pods share a card.
            devices.sort_by_key(|row| (&row.node, &row.device().uuid));
            devices.dedup_by_key(|row| (&row.node, &row.device().uuid));
            devices
        }
        Row::Pod(at) => picture
            .pods
            .get(at)
            .map(|pod| of_pod(state, pod))
            .unwrap_or_default(),
        Row::Process(at) => picture
            .processes
            .get(at)
            .and_then(|row| state.cx().device(&row.node, &row.process().device))
            .into_iter()
            .collect(),
        Row::Gap(_) => Vec::new(),
    }
}

/// The physical GPUs of a node: what its instances do, its GPUs do.
fn of_node<'a>(node: Option<&NodeRow>, devices: &'a [DeviceRow]) -> Vec<&'a DeviceRow> {
    let Some(node) = node else { return Vec::new() };
    let physical = |row: &&DeviceRow| matches!(row.device().kind, DeviceKind::Gpu { .. });
    super::on_node(devices, &node.info.name)
        .iter()
        .filter(physical)
        .collect()
}

/// The devices that a pod was given or uses.
fn of_pod<'a>(state: &'a State, pod: &PodRow) -> Vec<&'a DeviceRow> {
    let within = Within::Pod {
        uid: pod.info.uid.clone(),
        key: pod.info.key.clone(),
    };
    let Some(node) = &pod.info.node else {
        return Vec::new();
    };
    super::on_node(&state.picture.devices, node)
        .iter()
        .filter(|row| within.has_device(&state.picture, row))
        .collect()
}

/// What the graphs are called: of one or several devices, which may be those of others as well.
const fn titles(several: bool, shared: bool) -> [&'static str; 4] {
    match (several, shared) {
        (false, false) => ["util", "VRAM", "power", "temp"],
        (true, false) => ["mean util", "VRAM", "power", "hottest"],
        (false, true) => ["GPU util", "GPU VRAM", "GPU power", "GPU temp"],
        (true, true) => ["mean GPU util", "GPU VRAM", "GPU power", "hottest GPU"],
    }
}

/// What the tables say of the devices now.
struct Now {
    utilization: Option<u8>,
    memory: Option<(Bytes, Bytes)>,
    power: Option<MilliWatts>,
    power_limit: Option<MilliWatts>,
    temperature: Option<Celsius>,
}

impl Now {
    fn of(rows: &[&DeviceRow]) -> Self {
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
    fn tracks(self, history: History, titles: [&'static str; 4]) -> Vec<Track> {
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
