//! What the last minutes looked like: graphs below the table and on a page of their own.

use std::sync::Arc;

use gputop_fleet::engine::Event;
use gputop_fleet::state::{AgentReport, LinkState};
use gputop_k3s::app::State;
use gputop_model::{Bytes, Celsius, MilliWatts, Moment, NodeName, Percent};

use super::screens::look;
use super::support::{NOW, events, letters, press, show, silent, tell, text};

/// The node that is looked at, with two cards.
const NODE: &str = "anvil";

/// What the daemon said in a second of the last minutes: the first card trains in turns of a
/// minute, the second does nothing.
fn said(report: &AgentReport, second: u64) -> AgentReport {
    let mut report = report.clone();
    let last = report.last.as_mut().unwrap();
    last.at = Moment(std::time::Duration::from_secs(second));
    let snapshot = Arc::make_mut(&mut last.snapshot);
    snapshot.sequence = second;
    let turn = u32::try_from(second % 60).unwrap();
    let load = if turn < 20 { turn * 5 } else { 97 - turn % 7 };
    let card = &mut snapshot.devices[0];
    card.utilization = Percent::clamped(load).into();
    card.memory_used = Bytes::from_mib(8_000 + u64::from(load) * 160).into();
    card.power = MilliWatts(40_000 + load * 3_100).into();
    card.temperature = Celsius(i32::try_from(45 + load * 2 / 5).unwrap()).into();
    report.link = LinkState::Live;
    report
}

/// An app that has listened for five minutes, of which the daemon was away for one.
fn listened() -> State {
    let mut state = silent();
    let mut reports = Vec::new();
    for event in events() {
        match event {
            Event::Reports(all) => reports = all,
            other => tell(&mut state, other),
        }
    }
    let name = NodeName::from(NODE);
    let (_, anvil) = reports
        .iter()
        .find(|(node, _)| *node == name)
        .unwrap()
        .clone();
    for second in NOW - 300..=NOW {
        if !(NOW - 150..NOW - 90).contains(&second) {
            let report = said(&anvil, second);
            tell(&mut state, Event::Reports(vec![(name.clone(), report)]));
        }
    }
    reports.retain(|(node, _)| *node != name);
    tell(&mut state, Event::Reports(reports));
    state
}

#[test]
fn a_device_has_its_history_below_the_table() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut state = listened();
        press(&mut state, &letters("2"));
        look("history-gpu", &mut state, size);
    }
}

#[test]
fn a_node_has_the_history_of_all_its_devices() {
    let mut state = listened();
    look("history-node", &mut state, (120, 40));
}

#[test]
fn a_page_has_all_that_is_known() {
    let mut state = listened();
    press(&mut state, &letters("2d"));
    look("describe-gpu", &mut state, (120, 40));
    press(&mut state, &[crossterm::event::KeyCode::Esc]);
    press(&mut state, &letters("3d"));
    look("describe-pod", &mut state, (80, 24));
}

#[test]
fn where_there_is_no_device_there_is_no_graph() {
    let mut state = listened();
    press(&mut state, &letters("3/finetune"));
    let frame = text(&show(&mut state, 120, 40));
    assert!(!frame.contains('┤'), "{frame}");
}

#[test]
fn a_minute_without_the_daemon_is_a_gap() {
    let mut state = listened();
    press(&mut state, &letters("2"));
    let frame = text(&show(&mut state, 200, 60));
    // The lowest line of the first graph: what was heard is above nothing, the gap is nothing.
    let line = frame
        .lines()
        .find(|line| line.starts_with("   0%┤"))
        .unwrap();
    let graph: String = line.chars().skip(6).take(43).collect();
    let gap: Vec<_> = graph
        .split(|c| c != ' ')
        .filter(|gap| gap.len() > 3)
        .collect();
    // Sixty seconds less those for which the last value held, of three hundred.
    let [gap] = gap.as_slice() else {
        panic!("{graph}")
    };
    assert!((5..=7).contains(&gap.len()), "{graph}");
}

#[test]
fn no_size_is_too_small_for_graphs_and_pages() {
    for keys in ["1", "2", "3", "4", "2d", "3d"] {
        let mut state = listened();
        press(&mut state, &letters(keys));
        for width in (0..=130).step_by(7) {
            for height in (0..=60).step_by(5) {
                show(&mut state, width, height);
            }
        }
    }
}

#[test]
fn without_signs_beyond_ascii_the_picture_is_made_of_letters() {
    let mut state = listened();
    state.glyphs = gputop_k3s::theme::Glyphs::Ascii;
    press(&mut state, &letters("2"));
    let frame = text(&show(&mut state, 120, 40));
    let axis = frame.lines().find(|line| line.starts_with(" 100%+"));
    // The first graph, with what stands around it.
    let graph: String = axis.unwrap_or_default().chars().take(29).collect();
    assert!(graph.contains('*') && graph.is_ascii(), "{frame}");
}
