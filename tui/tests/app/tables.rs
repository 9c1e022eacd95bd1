//! Tables as they look with more columns, by workload, sorted, marked, searched, and with names in
//! every script.

use std::sync::Arc;

use crossterm::event::KeyCode;
use gputop_fleet::engine::Event;
use gputop_fleet::state::{Listing, Update};
use gputop_k3s::app::row::RowId;
use gputop_k3s::app::{State, View, update};
use gputop_model::{
    Device, MegaHertz, MemoryKind, NodeCondition, NodeInfo, NodeSnapshot, PState, PodInfo, PodKey,
    Readiness, Reading, ResourceCounts,
};
use rstest::rstest;

use super::support::{full, key, letters, press, show, tell, text};

fn look(name: &str, state: &mut State, (width, height): (u16, u16)) {
    let buffer = show(state, width, height);
    insta::assert_snapshot!(format!("{name}-{width}x{height}"), text(&buffer));
}

#[test]
fn with_more_columns() {
    for (view, key) in View::ALL.into_iter().zip('1'..) {
        for size in [(80, 24), (120, 40), (200, 60), (320, 60)] {
            let mut state = full();
            let node = troubled(&state);
            tell(
                &mut state,
                Event::Update(Update::Nodes(Listing::Changed(node))),
            );
            press(&mut state, &[KeyCode::Char(key)]);
            state.wide = true;
            look(
                &format!("wide-{}", view.title().to_lowercase()),
                &mut state,
                size,
            );
        }
    }
}

#[test]
fn columns_for_which_there_is_no_room_are_scrolled_to() {
    fn heading(state: &mut State) -> String {
        let screen = text(&show(state, 80, 24));
        let line = screen.lines().find(|line| line.contains("STATE"));
        line.expect("the heading").to_owned()
    }
    let mut state = full();
    press(&mut state, &letters("2"));
    let narrow = heading(&mut state);
    assert!(!narrow.ends_with('›'), "{narrow}");
    state.wide = true;
    let first = heading(&mut state);
    // What one had stays; there is more to the right.
    for title in ["UTIL", "VRAM"] {
        assert!(first.contains(title), "{first}");
    }
    assert!(first.ends_with('›') && !first.starts_with('‹'), "{first}");
    let (mut seen, mut steps) = (first.clone(), 0);
    loop {
        let _ = update(&mut state, key(KeyCode::Right));
        let here = heading(&mut state);
        steps += 1;
        assert!(steps < 40 && here.starts_with('‹'), "{here}");
        for title in ["NODE", "GPU", "STATE"] {
            assert!(here.contains(title), "no {title} in {here}");
        }
        seen.push_str(&here);
        if !here.ends_with('›') {
            break;
        }
    }
    for title in ["HELD BY", "TEMP", "THROTTLE", "UUID"] {
        assert!(seen.contains(title), "{title} was never there");
    }
    // At the end a key that leads nowhere says so.
    let last = heading(&mut state);
    let _ = update(&mut state, key(KeyCode::Right));
    assert_eq!(heading(&mut state), last);
    assert!(state.message.is_some());
    for _ in 0..steps {
        let _ = update(&mut state, key(KeyCode::Left));
        heading(&mut state);
    }
    assert_eq!(heading(&mut state), first);
}

/// A node about which there is something to say in every column.
fn troubled(state: &State) -> Box<NodeInfo> {
    let row = state
        .picture
        .nodes
        .iter()
        .find(|row| row.info.name.as_str() == "anvil");
    let mut info = NodeInfo::clone(&row.expect("the node").info);
    info.conditions = vec![NodeCondition {
        kind: "DiskPressure".to_owned(),
        reason: "KubeletHasDiskPressure".to_owned(),
        message: String::new(),
        since: None,
    }];
    info.container_runtime = "containerd://2.1.5-k3s1".to_owned();
    info.addresses = vec!["192.168.7.21".to_owned()];
    let counts = ResourceCounts {
        capacity: 1,
        allocatable: 1,
    };
    info.other_resources
        .insert("amd.com/gpu".to_owned(), counts);
    Box::new(info)
}

#[test]
fn by_workload() {
    for size in [(60, 15), (80, 24), (120, 40)] {
        let mut state = full();
        press(&mut state, &letters("3t"));
        press(&mut state, &[KeyCode::Down]);
        look("tree", &mut state, size);
    }
}

#[test]
fn sorted_marked_and_searched() {
    let mut state = full();
    press(&mut state, &letters("2/rtx"));
    press(&mut state, &[KeyCode::Enter]);
    press(&mut state, &letters("oTEMP"));
    press(&mut state, &[KeyCode::Enter]);
    state
        .marks
        .insert(RowId::Device("anvil".into(), "GPU-anvil-1".into()));
    look("sorted", &mut state, (120, 40));
    let buffer = show(&mut state, 120, 40);
    insta::assert_snapshot!("sorted-style", format!("{buffer:?}"));
}

#[test]
fn a_machine_that_may_be_away_is_no_alarm() {
    let mut state = full();
    let row = state
        .picture
        .nodes
        .iter()
        .find(|row| row.info.name.as_str() == "ghost");
    let mut info = NodeInfo::clone(&row.expect("the node").info);
    info.expected_away = true;
    assert!(matches!(info.readiness, Readiness::NotReady { .. }));
    tell(
        &mut state,
        Event::Update(Update::Nodes(Listing::Changed(Box::new(info)))),
    );
    let buffer = show(&mut state, 120, 40);
    let line = text(&buffer)
        .lines()
        .position(|line| line.starts_with(" ghost"));
    let line = line.expect("the node") * 120;
    let row = &buffer.content()[line..line + 120];
    let shown: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
    assert!(shown.contains(" away "), "{shown}");
    let (warn, bad) = (state.theme.warn.fg, state.theme.bad.fg);
    for cell in row {
        assert_ne!(Some(cell.fg), warn, "{shown}");
        assert_ne!(Some(cell.fg), bad, "{shown}");
    }
}

/// Whatever a pod is called, the columns behind it stand where those of the others do.
#[rstest]
#[case("日本語のポッド")]
#[case("👩‍🔬-notebook")]
#[case("e\u{301}tude")]
#[case("한국어")]
#[case("שלום")]
#[case("a-name-that-is-longer-than-any-column-would-ever-like-it-to-be-in-this-world")]
fn names_take_the_room_that_they_take(#[case] name: &str) {
    let mut state = full();
    let row = state
        .picture
        .pods
        .iter()
        .find(|row| &*row.info.key.name == "notebook-anna");
    let mut info = PodInfo::clone(&row.expect("the pod").info);
    info.key = PodKey::new("ml", name);
    tell(
        &mut state,
        Event::Update(Update::Pods(Listing::Changed(Box::new(info)))),
    );
    press(&mut state, &letters("3"));
    for (width, height) in [(60, 15), (80, 24), (120, 40), (200, 60)] {
        let buffer = show(&mut state, width, height);
        let columns = |word: &str| {
            let lines = buffer.content().chunks(usize::from(width));
            let found = lines.filter_map(|line| {
                let starts = |at: &usize| {
                    let cells = line[*at..].iter().map(ratatui::buffer::Cell::symbol);
                    cells.take(word.len()).collect::<String>() == word
                };
                (0..line.len()).find(starts)
            });
            found.collect::<Vec<_>>()
        };
        let status = columns("Running");
        assert!(status.len() >= 6, "{}", text(&buffer));
        let first = status[0];
        assert!(
            status[..6].iter().all(|column| *column == first),
            "{}",
            text(&buffer)
        );
        assert_eq!(columns("STATUS"), [first]);
        // The name itself is there, as far as there is room.
        let beginning: String = name.chars().take(1).collect();
        assert!(
            text(&buffer).contains(&format!("ml/{beginning}")),
            "{}",
            text(&buffer)
        );
    }
}

/// What `anvil`'s daemon says, with its first device changed.
fn told(state: &mut State, change: impl FnOnce(&mut Device)) {
    let (name, report) = state
        .fleet
        .agents()
        .iter()
        .find(|(name, _)| name.as_str() == "anvil")
        .expect("the report");
    let (name, mut report) = (name.clone(), report.clone());
    let last = report.last.as_mut().expect("a snapshot");
    let mut snapshot = NodeSnapshot::clone(&last.snapshot);
    change(&mut snapshot.devices[0]);
    last.snapshot = Arc::new(snapshot);
    tell(state, Event::Reports(vec![(name, report)]));
}

#[test]
fn memory_that_is_the_machines_own_is_called_so() {
    let mut state = full();
    told(&mut state, |device| {
        device.memory_kind = MemoryKind::Unified.into();
        device.memory_total = Reading::Unsupported;
        device.memory_used = Reading::Unsupported;
    });
    press(&mut state, &letters("2"));
    for size in [(80, 24), (120, 40), (200, 60)] {
        let screen = text(&show(&mut state, size.0, size.1));
        let row = screen
            .lines()
            .find(|line| line.contains("anvil"))
            .expect("the row");
        assert!(row.contains(" unified "), "{row}");
    }
}

#[test]
fn what_is_worse_than_it_could_be_has_a_sign() {
    let mut state = full();
    told(&mut state, |device| {
        device.pcie.width = 4.into();
        device.pcie.width_max = 16.into();
        device.pcie.generation = 4.into();
        device.pcie.generation_max = 4.into();
        device.ecc.enabled = true.into();
        device.ecc.volatile_corrected = 12.into();
        device.ecc.volatile_uncorrected = 1.into();
        device.clocks.sm = MegaHertz(1200).into();
        device.clocks.sm_max = MegaHertz(1980).into();
        device.p_state = PState(2).into();
    });
    press(&mut state, &letters("2"));
    state.wide = true;
    let screen = text(&show(&mut state, 320, 60));
    let row = screen
        .lines()
        .find(|line| line.contains("anvil"))
        .expect("the row");
    for part in ["▲ x4 of x16", "▲ 1 lost, 12 corrected", "1200/1980", "P2"] {
        assert!(row.contains(part), "no {part} in {row}");
    }
    // Nobody measures it here.
    assert!(!screen.contains("FAN"));
}
