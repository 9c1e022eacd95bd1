//! What is not known, old, or not of all GPUs is never shown as if it were.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::KeyCode;
use gputop_fleet::engine::Event;
use gputop_fleet::state::{AgentReport, LinkState, Listing, Received, Update, WatchState, Watched};
use gputop_k3s::app::wanted::{Basis, Wanted, satisfied};
use gputop_k3s::app::{Effect, Msg, Session, State, update};
use gputop_model::{Bytes, Disk, Failure, Limitation, Moment, NodeSnapshot, Percent, Reading};

use super::support::{self, full, letters, press, show, tell, text};

/// The daemon of a node says something else now.
fn change(state: &mut State, node: &str, change: impl FnOnce(&mut NodeSnapshot)) {
    let last = state.fleet.agents()[&node.into()].last.clone().unwrap();
    let mut snapshot = NodeSnapshot::clone(&last.snapshot);
    change(&mut snapshot);
    let report = AgentReport {
        link: LinkState::Live,
        last: Some(Received {
            snapshot: Arc::new(snapshot),
            at: Moment(Duration::from_secs(support::NOW)),
        }),
    };
    tell(state, Event::Reports(vec![(node.into(), report)]));
    state.refresh();
}

/// The first line of the screen that begins with this, or else has it.
fn line(state: &mut State, begin: &str) -> String {
    let screen = text(&show(state, 200, 50));
    let mut lines = screen.lines();
    let first = lines
        .clone()
        .find(|line| line.trim_start().starts_with(begin));
    let found = first.or_else(|| lines.find(|line| line.contains(begin)));
    found
        .unwrap_or_else(|| panic!("{begin} in\n{screen}"))
        .to_owned()
}

/// The word that ends where the heading of a column of numbers does, in the first row of the node.
fn cell(state: &mut State, title: &str, node: &str) -> String {
    let screen = text(&show(state, 200, 50));
    let mut lines = screen.lines().skip_while(|line| !line.contains("NODE "));
    let head = lines.next().unwrap();
    let end = head.find(title).unwrap() + title.len();
    let end = head[..end].chars().count();
    let row: String = lines
        .find(|line| line.contains(node))
        .unwrap()
        .chars()
        .take(end)
        .collect();
    row.split_whitespace().last().unwrap().to_owned()
}

#[test]
fn processes_that_nobody_lists_are_not_none() {
    let mut state = full();
    press(&mut state, &letters("2"));
    assert_eq!(cell(&mut state, "PROC", "cellar"), "0");
    for missing in [Reading::Unsupported, Reading::Failed(Failure::NoPermission)] {
        change(&mut state, "cellar", |said| {
            said.devices[0].process_count = missing;
            said.processes.clear();
        });
        assert_eq!(cell(&mut state, "PROC", "cellar"), "–");
    }
    press(&mut state, &letters("/proc=0"));
    press(&mut state, &[KeyCode::Enter]);
    let rows = support::shown(&state);
    assert!(
        !rows.iter().any(|row| row.starts_with("cellar")),
        "{rows:?}"
    );
}

#[test]
fn a_sum_without_a_card_is_marked() {
    let mut state = full();
    assert!(!cell(&mut state, "POWER", "anvil").contains('≥'));
    change(&mut state, "anvil", |said| {
        let card = said.devices[0].clone();
        said.devices[0] = card.failed(Failure::GpuLost);
    });
    assert!(cell(&mut state, "POWER", "anvil").starts_with('≥'));
    assert!(line(&mut state, "units ").contains("VRAM≥"));
    press(&mut state, &letters("d"));
    let said = line(&mut state, "silent");
    assert!(said.contains("1 of 2 GPUs"), "{said}");
}

#[test]
fn a_node_says_what_its_daemon_can_not_see_and_how_its_machine_is() {
    let mut state = full();
    change(&mut state, "anvil", |said| {
        said.limitations = vec![Limitation {
            name: "no_host_network".to_owned(),
            lost: "its network cards are not known".to_owned(),
            fix: "run with hostPID: true".to_owned(),
        }];
        said.host.cpu = Percent(12).into();
        said.host.cpus = 16.into();
        said.host.reboot_required = true.into();
        said.host.kernel = "6.8.0-52-generic".to_owned().into();
        let disk = Disk {
            mount: "/var/lib/rancher".to_owned(),
            total: Bytes::from_gib(100),
            available: Bytes::from_gib(2),
        };
        said.host.disks = vec![disk].into();
    });
    press(&mut state, &letters("d"));
    for (begin, text) in [
        ("not seen", "its network cards are not known"),
        ("to see it", "run with hostPID: true"),
        ("restart", "wait for a restart"),
        ("machine", "16 cpus busy 12%"),
        ("disks", "▲ /var/lib/rancher  2.0Gi of 100Gi free"),
        ("kernel", "6.8.0-52-generic"),
    ] {
        let said = line(&mut state, begin);
        assert!(said.contains(text), "{said}");
    }
}

#[test]
fn an_old_list_of_holders_is_said_with_its_age() {
    let mut state = full();
    press(&mut state, &letters("2"));
    change(&mut state, "anvil", |said| {
        let list = said.allocations.known().unwrap().clone();
        said.allocations = Reading::Value(list).aged(Duration::from_secs(240));
    });
    let said = line(&mut state, "holders");
    assert!(said.contains("not said for 4 min"), "{said}");
}

#[test]
fn devices_that_were_counted_stay_devices_while_daemons_are_replaced() {
    let wanted: Wanted = "1 node=anvil".parse().unwrap();
    let mut state = full();
    let before = satisfied(&state.picture, &wanted, None);
    assert_eq!((before.basis, before.is_met()), (Basis::Devices, false));
    // No daemon is left, and nobody asks for the units any more: something else uses the cards.
    for event in [
        Event::Update(Update::Pods(Listing::Whole(Vec::new()))),
        Event::Reports(
            state
                .fleet
                .agents()
                .keys()
                .map(|node| {
                    let (link, last) = (LinkState::Gone, None);
                    (node.clone(), AgentReport { link, last })
                })
                .collect(),
        ),
    ] {
        tell(&mut state, event);
    }
    state.refresh();
    assert_eq!(state.picture.totals.agents_expected, 0);
    let anew = satisfied(&state.picture, &wanted, None);
    assert_eq!((anew.basis, anew.is_met()), (Basis::Units, true));
    let on = satisfied(&state.picture, &wanted, Some(before.basis));
    assert_eq!((on.basis, on.is_met()), (Basis::Devices, false));
    assert_eq!(on.others.get("unknown"), Some(&1));
}

/// An app with units to count that is told a wish.
fn wishing(wish: &str) -> State {
    let session = Session {
        agents: false,
        ..support::session()
    };
    let mut state = State::new(session, support::at(support::NOW));
    for event in support::events() {
        if !matches!(event, Event::Reports(_)) {
            tell(&mut state, event);
        }
    }
    press(&mut state, &letters("N"));
    for _ in 0..40 {
        press(&mut state, &[KeyCode::Backspace]);
    }
    press(&mut state, &letters(wish));
    press(&mut state, &[KeyCode::Enter]);
    state
}

#[test]
fn the_bell_is_silent_while_the_api_server_is_lost() {
    let mut state = wishing("4 node=bench");
    assert_eq!(state.wishes.len(), 1, "2 of 4 are free");
    tell(&mut state, support::lost(support::NOW));
    tell(
        &mut state,
        Event::Update(Update::Pods(Listing::Whole(Vec::new()))),
    );
    state.refresh();
    let tick = |state: &mut State| {
        let clock = state.clock;
        update(state, Msg::Tick(clock))
    };
    assert_eq!(tick(&mut state), []);
    assert_eq!(state.wishes.len(), 1);
    let back = Update::Watch(Watched::Nodes, WatchState::Live);
    tell(&mut state, Event::Update(back));
    state.refresh();
    let effects = tick(&mut state);
    let [Effect::Notify(said)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert!(
        said.contains("units as the scheduler counts them"),
        "{said}"
    );
    assert_eq!(state.wishes, []);
}
