//! Changes from one list to the next.

use std::sync::Arc;
use std::time::Duration;

use gputop_fleet::state::{Fleet, Listing, Update};
use gputop_k3s::export::{ChangeKind, Form, Kind, Watched, list};
use gputop_model::{Host, NodeSnapshot, Percent};

use crate::picture::{KINDS, at, fleet};

const FORMS: [Form; 4] = [
    Form::Table { wide: true },
    Form::Csv,
    Form::Name,
    Form::Object,
];

#[test]
fn that_time_goes_on_is_no_change() {
    let fleet = fleet(true);
    for kind in KINDS {
        for form in FORMS {
            let mut watched = Watched::new(form);
            let first = watched.follow(&list(&at(&fleet, 1), kind, None));
            assert!(first.iter().all(|change| change.kind == ChangeKind::Added));
            let unnamed = list(&at(&fleet, 1), kind, None).to_names().1;
            let rows = list(&at(&fleet, 1), kind, None).len();
            let expected = if form == Form::Name {
                rows - unnamed
            } else {
                rows
            };
            assert_eq!(first.len(), expected, "{kind:?} {form:?}");
            assert_eq!(watched.follow(&list(&at(&fleet, 2), kind, None)), []);
        }
    }
}

#[test]
fn a_machine_at_work_is_no_change_and_another_kernel_is() {
    for form in [Form::Csv, Form::Object] {
        let mut fleet = fleet(true);
        let mut watched = Watched::new(form);
        watched.follow(&list(&at(&fleet, 1), Kind::Nodes, None));
        let mut change = |host: fn(&mut Host)| {
            let reports = fleet.agents().clone();
            let (node, mut report) = reports.into_iter().next().unwrap();
            let last = report.last.as_mut().unwrap();
            let mut snapshot = NodeSnapshot::clone(&last.snapshot);
            host(&mut snapshot.host);
            last.snapshot = Arc::new(snapshot);
            fleet.report(node, report);
            watched.follow(&list(&at(&fleet, 1), Kind::Nodes, None))
        };
        let moved = change(|host| {
            host.cpu = Percent(99).into();
            host.uptime = Duration::from_secs(1).into();
            host.disks = Vec::new().into();
        });
        assert_eq!(moved, []);
        let booted = change(|host| host.kernel = "another".to_owned().into());
        assert_eq!(booted.len(), 1, "{form:?}");
    }
}

/// Somebody cordons a node.
fn cordon(fleet: &mut Fleet, name: &str) {
    let mut node = (*fleet.nodes()[&name.into()]).clone();
    node.cordoned = true;
    fleet.apply(Update::Nodes(Listing::Changed(Box::new(node))));
}

#[test]
fn only_what_says_something_else_is_printed_again() {
    let mut fleet = fleet(true);
    let mut watched = Watched::new(Form::Table { wide: false });
    watched.follow(&list(&at(&fleet, 1), Kind::Nodes, None));
    cordon(&mut fleet, "atlas");
    let changes = watched.follow(&list(&at(&fleet, 2), Kind::Nodes, None));
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].kind, changes[0].name()),
        (ChangeKind::Modified, "node/atlas")
    );
    assert!(changes[0].cells()[1].contains("SchedulingDisabled"));
    assert!(changes[0].object().is_none());
}

#[test]
fn what_is_gone_says_its_last_word() {
    let mut fleet = fleet(true);
    let mut watched = Watched::new(Form::Object);
    watched.follow(&list(&at(&fleet, 1), Kind::Pods, None));
    let uid = fleet
        .pods()
        .iter()
        .find(|(_, pod)| &*pod.key.name == "ollama-0")
        .map(|(uid, _)| uid.clone())
        .unwrap();
    fleet.apply(Update::Pods(Listing::Gone(uid)));
    let changes = watched.follow(&list(&at(&fleet, 1), Kind::Pods, None));
    let gone = changes
        .iter()
        .find(|change| change.kind == ChangeKind::Deleted)
        .unwrap();
    assert_eq!(gone.name(), "pod/home/ollama-0");
    let object = serde_json::to_string(&gone.object()).unwrap();
    assert!(object.starts_with(
        r#"{"schema":"gputop-k3s/v1","kind":"pod","type":"DELETED","object":{"namespace":"home","name":"ollama-0""#
    ), "{object}");
}

#[test]
fn devices_without_an_id_are_told_apart() {
    // Without daemons a node whose label says that it has eight GPUs has rows without an id.
    let mut fleet = fleet(false);
    let mut node = (*fleet.nodes()[&"atlas".into()]).clone();
    node.labels
        .insert("nvidia.com/gpu.count".to_owned(), "8".to_owned());
    fleet.apply(Update::Nodes(Listing::Changed(Box::new(node))));
    let gpus = || list(&at(&fleet, 1), Kind::Gpus, None);
    assert!(gpus().to_names().1 > 1);
    let mut watched = Watched::new(Form::Object);
    assert_eq!(watched.follow(&gpus()).len(), gpus().len());
    assert_eq!(watched.follow(&gpus()), []);
}
