//! Waiting for free devices, on the fixture's nine machines.

use gputop_k3s::app::wanted::{Basis, Free, Progress, Wanted, satisfied};
use gputop_k3s::app::{Session, State};

use super::support;

/// The fixture without daemons: only what the API says.
fn without_daemons() -> State {
    let session = Session {
        agents: false,
        ..support::session()
    };
    let mut state = State::new(session, support::at(support::NOW));
    for event in support::events() {
        let reports = matches!(event, gputop_fleet::engine::Event::Reports(_));
        if !reports {
            support::tell(&mut state, event);
        }
    }
    state.refresh();
    state
}

fn look(state: &State, wanted: &str) -> Progress {
    satisfied(&state.picture, &wanted.parse::<Wanted>().unwrap(), None)
}

fn others(progress: &Progress) -> Vec<(&'static str, usize)> {
    progress
        .others
        .iter()
        .map(|(why, count)| (*why, *count))
        .collect()
}

fn places(progress: &Progress) -> Vec<String> {
    let places = progress.free.iter().map(|free| match free {
        Free::Device { node, uuid, .. } => format!("{node} {uuid}"),
        Free::Units {
            node,
            resource,
            units,
        } => format!("{node} {units} {resource}"),
    });
    places.collect()
}

#[test]
fn free_is_what_nobody_has_on_a_node_that_takes_pods_and_is_heard() {
    let progress = look(&support::full(), "1");
    assert_eq!(progress.basis, Basis::Devices);
    assert_eq!(
        places(&progress),
        [
            "forge-01.lab.example.com MIG-GPU-forge-0-1",
            "forge-01.lab.example.com MIG-GPU-forge-0-2"
        ]
    );
    assert!(progress.is_met());
    // The partitioned card itself is nothing that one could wait for.
    let others: usize = progress.others.values().sum();
    let picture = support::full().picture;
    let whole = |row: &&gputop_fleet::state::DeviceRow| !row.device().is_partitioned();
    let devices = picture.devices.iter().filter(whole).count();
    let unseen: usize = picture
        .gaps
        .iter()
        .map(|gap| gap.devices.unwrap_or(1))
        .sum();
    assert!(devices < picture.devices.len());
    assert_eq!(progress.count() + others, devices + unseen);
    let why = |wanted: &str| progress.others.get(wanted).copied();
    assert_eq!(why("on a cordoned node"), Some(1));
    assert_eq!(why("not heard of lately"), Some(1));
    assert_eq!(why("occupied"), Some(1));
    assert_eq!(why("idle"), Some(1));
}

#[test]
fn wishes_narrow_what_counts() {
    let state = support::full();
    assert_eq!(look(&state, "1 vram=30G").count(), 1, "the larger instance");
    assert_eq!(look(&state, "1 product=a100 vram=10Gi").count(), 2);
    let progress = look(&state, "2 product=3090");
    assert_eq!(progress.count(), 0);
    assert!(progress.others.contains_key("working") && progress.others.contains_key("idle"));
    let progress = look(&state, "1 node=cellar");
    assert_eq!(others(&progress), [("on a cordoned node", 1)]);
    assert_eq!(
        progress.sentence(),
        "0 of 1 free; others that match: 1 on a cordoned node"
    );
    assert!(progress.is_possible() && !progress.is_met());
    assert!(!look(&state, "2 node=cellar").is_possible());
    assert_eq!(
        look(&state, "9").sentence().split(';').next(),
        Some("2 of 9 free")
    );
}

#[test]
fn without_daemons_units_are_counted() {
    let state = without_daemons();
    let progress = look(&state, "2 node=bench");
    assert_eq!(progress.basis, Basis::Units);
    assert_eq!(places(&progress), ["bench 2 nvidia.com/gpu"]);
    assert!(progress.is_met());
    assert_eq!(others(&progress), [("requested", 2)]);
    assert_eq!(
        others(&look(&state, "1 node=cellar")),
        [("on a cordoned node", 1)]
    );
    assert_eq!(
        others(&look(&state, "1 node=ghost")),
        [("on a node that is not ready", 2)]
    );
}

#[test]
fn what_units_are_is_told_by_labels_or_not_at_all() {
    let mut state = without_daemons();
    let progress = look(&state, "1 node=bench vram=10G");
    assert_eq!((progress.count(), progress.unlabelled.len()), (0, 1));
    let mut bench = support::node("bench", &[("gpu", 4)]);
    for (label, value) in [
        ("nvidia.com/gpu.product", "NVIDIA-GeForce-RTX-4080-SHARED"),
        ("nvidia.com/gpu.memory", "16376"),
    ] {
        bench.labels.insert(label.to_owned(), value.to_owned());
    }
    let update = gputop_fleet::state::Listing::Changed(Box::new(bench));
    let update = gputop_fleet::state::Update::Nodes(update);
    support::tell(&mut state, gputop_fleet::engine::Event::Update(update));
    state.refresh();
    assert_eq!(look(&state, "1 node=bench vram=10G").count(), 2);
    assert_eq!(look(&state, "1 node=bench vram=20G").count(), 0);
    assert_eq!(look(&state, "1 product=RTX.4080").count(), 2);
    // The others have no labels; they are named, not counted.
    assert!(
        look(&state, "1 product=4090")
            .unlabelled
            .contains(&"anvil".into())
    );
}
