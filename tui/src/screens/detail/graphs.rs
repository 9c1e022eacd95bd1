//! The graphs of the selected row: utilisation, memory, power and temperature of its devices.

use gputop_fleet::state::{DeviceRow, NodeRow, PodRow, history_time};
use gputop_model::DeviceKind;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::history::{History, SPAN};
use super::tracks::{Now, Track, titles};
use crate::app::State;
use crate::app::place::Within;
use crate::app::row::Row;
use crate::app::tables::{Piece, Tone};
use crate::theme::Theme;
use crate::widgets::chart::{Chart, Line};
use crate::widgets::graph::{Dots, Ramp, Scale};
use crate::widgets::text;
use crate::widgets::timeline::Window;

/// Columns between two graphs.
const GAP: u16 = 2;

/// The narrowest graph with an axis.
const NARROW: u16 = 18;

/// How titles begin that name the row's GPU.
const OF_GPU: &str = "GPU ";

/// The width from which a graph shows five minutes well. Where not all graphs get it side by side,
/// they stand below each other if there is height for that.
const COMFORTABLE: u16 = 26;

/// The least height of a graph with both axes.
const WITH_AXES: u16 = 5;

/// More height than this tells no more.
const HIGHEST: u16 = 12;

/// The graphs of a row.
pub(super) struct Graphs {
    tracks: Vec<Track>,
    window: Window,
    dots: Dots,
}

impl Graphs {
    /// The graphs of `row`; none where it has no device.
    pub(super) fn of(state: &State, row: Row) -> Self {
        let window = Window {
            now: history_time(state.clock.now),
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
        Self {
            tracks,
            window,
            dots: state.glyphs.into(),
        }
    }

    /// Lines of the graphs in a pane of that width and of `lines` lines; one is for sparklines.
    /// What the row says does not matter: from row to row the graphs stay where they are.
    pub(super) fn height(&self, width: u16, lines: u16) -> u16 {
        if self.tracks.is_empty() {
            return 0;
        }
        let one_row = match lines {
            0..4 => 0,
            4..9 => 1,
            9..12 => 4,
            12..15 => 5,
            15..19 => 6,
            19..24 => 8,
            24..30 => 10,
            _ => HIGHEST,
        };
        let rows = self.rows(width);
        // Below each other they need more, as long as the facts keep as much again.
        let below = (lines / 2).min(HIGHEST * rows);
        if rows > 1 && below / rows >= WITH_AXES {
            one_row.max(below)
        } else {
            one_row
        }
    }

    /// Draws the graphs at the top of `area`, or all in one line.
    pub(super) fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) {
        if area.height == 1 {
            for (at, line) in self.in_a_line(area.width) {
                line.draw(buf, text::skip(area, at), theme);
            }
            return;
        }
        for (part, track) in self.places(area) {
            self.chart(track).draw(buf, part, theme);
        }
    }

    /// The same as text, in `height` lines of at most `width` columns.
    pub(super) fn lines(&self, width: u16, height: u16) -> Vec<Vec<Piece>> {
        let mut lines: Vec<Vec<Piece>> = Vec::new();
        let area = Rect::new(0, 0, width, height);
        for (part, track) in self.places(area) {
            let chart = self.chart(track).lines(part.width, part.height);
            for (line, y) in chart.into_iter().zip(usize::from(part.y)..) {
                if lines.len() <= y {
                    lines.resize(y + 1, Vec::new());
                }
                let pad = part.x.saturating_sub(text::pieces_width(&lines[y]));
                let pad = " ".repeat(usize::from(pad));
                lines[y].push(Piece::new(pad, Tone::Plain));
                lines[y].extend(line.pieces());
            }
        }
        lines
    }

    fn count(&self) -> u16 {
        u16::try_from(self.tracks.len()).unwrap_or(1).max(1)
    }

    /// Rows of graphs of which each is comfortably wide.
    fn rows(&self, width: u16) -> u16 {
        let abreast = (width + GAP) / (COMFORTABLE + GAP);
        self.count().div_ceil(abreast.max(1))
    }

    /// Where each graph stands. The last ones are left out where there is no room for them.
    fn places(&self, area: Rect) -> impl Iterator<Item = (Rect, &Track)> {
        let rows = match self.rows(area.width) {
            rows if area.height / rows >= WITH_AXES => rows,
            _ => 1,
        };
        let abreast = self.count().div_ceil(rows);
        let abreast = abreast.min((area.width + GAP) / (NARROW + GAP)).max(1);
        let width = ((area.width + GAP) / abreast).saturating_sub(GAP);
        let height = (area.height / rows).min(HIGHEST);
        let places = (0..rows).flat_map(move |y| (0..abreast).map(move |x| (x, y)));
        places.zip(&self.tracks).map(move |((x, y), track)| {
            let part = Rect {
                x: area.x + x * (width + GAP),
                y: area.y + y * height,
                width,
                height,
            };
            (part, track)
        })
    }

    /// All graphs as sparklines in one line, with where each begins: each as wide as its text, and
    /// the rest shared out evenly.
    fn in_a_line(&self, width: u16) -> Vec<(u16, Line)> {
        let charts = self.tracks.iter().enumerate().map(|(at, track)| {
            let mut chart = self.chart(track);
            // Whose figures they are is said once.
            if let (1.., Some(title)) = (at, chart.title.strip_prefix(OF_GPU)) {
                chart.title = title;
            }
            chart
        });
        let charts: Vec<Chart<'_>> = charts.collect();
        let count = self.count();
        let texts: u16 = charts.iter().map(Chart::label_width).sum();
        let gaps = (GAP + 1) * count.saturating_sub(1);
        let spare = width.saturating_sub(texts + gaps) / count;
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
            dots: self.dots,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gputop_model::{Bytes, Celsius, MilliWatts, Moment};
    use rstest::rstest;

    use super::*;

    fn graphs() -> Graphs {
        let now = Now {
            utilization: Some(97),
            memory: Some((Bytes::from_gib(12), Bytes::from_gib(24))),
            power: Some(MilliWatts(338_000)),
            power_limit: Some(MilliWatts(350_000)),
            temperature: Some(Celsius(79)),
        };
        Graphs {
            tracks: now.tracks(History::default(), titles(false, true)),
            window: Window {
                now: Moment(Duration::from_secs(1000)),
                span: SPAN,
                hold: Duration::from_secs(15),
            },
            dots: Dots::Braille,
        }
    }

    #[rstest]
    #[case::no_room(118, 3, 0)]
    #[case::a_line(118, 8, 1)]
    #[case::no_time_axis(118, 11, 4)]
    #[case::with_axes(118, 14, 5)]
    #[case::no_more_than_helps(118, 60, 12)]
    #[case::still_abreast(78, 19, 8)]
    #[case::in_two_rows(78, 30, 15)]
    fn facts_and_graphs_share_the_pane(
        #[case] width: u16,
        #[case] lines: u16,
        #[case] expected: u16,
    ) {
        assert_eq!(graphs().height(width, lines), expected);
    }

    #[rstest]
    #[case::abreast(118, 6, &[(0, 0, 28, 6), (30, 0, 28, 6), (60, 0, 28, 6), (90, 0, 28, 6)])]
    #[case::two_by_two(78, 12, &[(0, 0, 38, 6), (40, 0, 38, 6), (0, 6, 38, 6), (40, 6, 38, 6)])]
    #[case::no_height(78, 5, &[(0, 0, 18, 5), (20, 0, 18, 5), (40, 0, 18, 5), (60, 0, 18, 5)])]
    #[case::no_width(58, 5, &[(0, 0, 18, 5), (20, 0, 18, 5), (40, 0, 18, 5)])]
    #[case::tiny(10, 4, &[(0, 0, 10, 4)])]
    fn graphs_stand_side_by_side_or_below_each_other(
        #[case] width: u16,
        #[case] height: u16,
        #[case] expected: &[(u16, u16, u16, u16)],
    ) {
        let graphs = graphs();
        let area = Rect::new(0, 0, width, height);
        let places: Vec<_> = graphs
            .places(area)
            .map(|(part, _)| (part.x, part.y, part.width, part.height))
            .collect();
        assert_eq!(places, expected);
    }

    #[test]
    fn in_a_line_the_gpu_is_named_once() {
        let graphs = graphs();
        let text = |width: u16| {
            let mut text = String::new();
            for (at, line) in graphs.in_a_line(width) {
                let used = usize::from(text::width(&text));
                text.push_str(&" ".repeat(usize::from(at) - used));
                text.extend(line.pieces().iter().map(|piece| &*piece.text));
            }
            text
        };
        let line = "GPU util 97%         VRAM 12.0/24Gi         power 338W         temp 79°C";
        assert_eq!(text(78).trim_end(), line);
        assert_eq!(text(32), "GPU util 97%   VRAM 12.0/24Gi");
    }
}
