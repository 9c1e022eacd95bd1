//! The metrics are OpenMetrics, and say what JSON says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gputop_fleet::state::{Fleet, LinkState};
use gputop_k3s::export::{Kind, list};
use gputop_model::{Moment, NodeSnapshot};
use serde_json::Value;

use crate::picture::{KINDS, at, fleet, items, now};

/// A sample: labels and value.
type Sample = (BTreeMap<String, String>, f64);

#[derive(Debug, Default)]
struct Family {
    kind: String,
    unit: String,
    help: String,
    samples: Vec<Sample>,
}

/// Reads a text as the specification of OpenMetrics 1.0 has it, and refuses what it forbids.
fn read(text: &str) -> BTreeMap<String, Family> {
    let lines = text.strip_suffix("# EOF\n").expect("the end is marked");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in lines.lines() {
        assert!(line == line.trim() && !line.is_empty(), "{line:?}");
        if let Some(head) = line.strip_prefix("# ") {
            let mut words = head.splitn(3, ' ');
            let (what, name) = (words.next().unwrap(), words.next().unwrap());
            let text = words.next().unwrap().to_owned();
            if name != current {
                assert_eq!(what, "TYPE", "{line}");
                assert!(!families.contains_key(name), "{name} is not in one place");
                name.clone_into(&mut current);
                families.insert(current.clone(), Family::default());
            }
            let family = families.get_mut(name).unwrap();
            assert!(family.samples.is_empty(), "{line} after samples");
            let field = match what {
                "TYPE" => &mut family.kind,
                "UNIT" => &mut family.unit,
                "HELP" => &mut family.help,
                other => panic!("{other}"),
            };
            assert!(field.is_empty(), "{line} twice");
            *field = text;
            continue;
        }
        let (name, rest) = line.split_once('{').expect("labels");
        let family = families.get_mut(&current).unwrap();
        let suffix = match &*family.kind {
            "counter" => "_total",
            "gauge" | "stateset" => "",
            other => panic!("{other}"),
        };
        assert_eq!(name, format!("{current}{suffix}"), "{line}");
        let (labels, value) = labels(rest);
        assert!(!value.contains(' '), "{line}");
        family
            .samples
            .push((labels, value.parse().expect("a number")));
    }
    for (name, family) in &families {
        assert!(!family.help.is_empty(), "{name}");
        if !family.unit.is_empty() {
            assert!(
                name.ends_with(&format!("_{}", family.unit)),
                "{name} {}",
                family.unit
            );
        }
        let labels: BTreeSet<_> = family.samples.iter().map(|sample| &sample.0).collect();
        assert_eq!(
            labels.len(),
            family.samples.len(),
            "{name} has a sample twice"
        );
        if family.kind == "stateset" {
            for (labels, value) in &family.samples {
                assert!([0.0, 1.0].contains(value));
                assert!(
                    labels.contains_key(name),
                    "the state is in a label of that name"
                );
            }
        }
    }
    families
}

fn labels(text: &str) -> (BTreeMap<String, String>, &str) {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    while !rest.starts_with('}') {
        let (name, after) = rest.split_once("=\"").expect("a label");
        let name = name.strip_prefix(',').unwrap_or(name);
        assert!(
            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
            "{name}"
        );
        let mut value = String::new();
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next().expect("an end of the label") {
                (at, '"') => break at,
                (_, '\\') => match letters.next().unwrap().1 {
                    'n' => value.push('\n'),
                    letter @ ('\\' | '"') => value.push(letter),
                    other => panic!("\\{other}"),
                },
                (_, letter) => value.push(letter),
            }
        };
        assert!(
            labels.insert(name.to_owned(), value).is_none(),
            "{name} twice"
        );
        rest = &after[end + 1..];
    }
    (labels, rest[1..].strip_prefix(' ').unwrap())
}

fn metrics(kind: Kind) -> BTreeMap<String, Family> {
    read(&list(&now(true), kind, None).to_openmetrics())
}

/// The value of the sample with these labels.
fn value(family: &Family, labels: &[(&str, &str)]) -> Option<f64> {
    let fits = |sample: &&Sample| {
        let has = |(name, value): &(&str, &str)| sample.0.get(*name).is_some_and(|v| v == value);
        labels.iter().all(has)
    };
    let mut samples = family.samples.iter().filter(fits);
    let found = samples.next()?;
    assert!(samples.next().is_none(), "{labels:?} is not one sample");
    Some(found.1)
}

#[test]
fn every_list_keeps_to_the_format_also_without_anything_in_it() {
    for picture in [now(true), now(false)] {
        for kind in KINDS {
            read(&list(&picture, kind, None).to_openmetrics());
        }
    }
    let nothing = list(&now(true), Kind::Pods, Some("nowhere"));
    assert_eq!(nothing.to_openmetrics(), "# EOF\n");
}

#[test]
fn measurements_are_those_of_json_in_base_units() {
    let families = metrics(Kind::Gpus);
    let mut compared = 0;
    for item in items(&now(true), Kind::Gpus) {
        let uuid = item["uuid"].as_str().unwrap();
        for (family, field, scale) in [
            ("gputop_gpu_utilization_ratio", "utilization_percent", 0.01),
            ("gputop_gpu_memory_used_bytes", "memory_used_bytes", 1.0),
            ("gputop_gpu_memory_total_bytes", "memory_total_bytes", 1.0),
            ("gputop_gpu_power_watts", "power_mw", 0.001),
            ("gputop_gpu_temperature_celsius", "temperature_celsius", 1.0),
        ] {
            let sample = value(&families[family], &[("uuid", uuid)]);
            let expected = item[field].as_f64().map(|number| number * scale);
            assert_eq!(sample.is_some(), expected.is_some(), "{family} of {uuid}");
            if let Some((sample, expected)) = sample.zip(expected) {
                let near = (sample - expected).abs() <= expected.abs() * 1e-9;
                assert!(near, "{family}: {sample} {expected}");
                compared += 1;
            }
        }
        let states = &families["gputop_gpu_state"];
        let state = item["state"].as_str().unwrap();
        assert_eq!(
            value(states, &[("uuid", uuid), ("gputop_gpu_state", state)]),
            Some(1.0)
        );
        let of_it = |sample: &&Sample| sample.0["uuid"] == uuid && sample.1 > 0.5;
        let holding = states.samples.iter().filter(of_it).count();
        assert_eq!(holding, 1, "one state at a time");
    }
    assert!(compared > 30, "{compared}");
}

#[test]
fn units_are_counted_by_node_and_resource() {
    let families = metrics(Kind::Nodes);
    for node in items(&now(true), Kind::Nodes) {
        let name = node["name"].as_str().unwrap();
        for resource in node["resources"].as_array().unwrap() {
            let labels = [
                ("node", name),
                ("resource", resource["name"].as_str().unwrap()),
            ];
            for what in ["allocatable", "requested", "capacity"] {
                let family = &families[&format!("gputop_node_units_{what}")];
                assert_eq!(
                    value(family, &labels),
                    resource[what].as_f64(),
                    "{name} {what}"
                );
            }
        }
    }
    assert!(families["gputop_node_units_allocatable"].samples.len() > 4);
}

#[test]
fn pods_hold_and_use() {
    let families = metrics(Kind::Pods);
    let mut holding = 0;
    for pod in items(&now(true), Kind::Pods) {
        let labels = [
            ("namespace", pod["namespace"].as_str().unwrap()),
            ("pod", pod["name"].as_str().unwrap()),
        ];
        let held = value(&families["gputop_pod_gpus_held"], &labels);
        if pod["gpus_requested"].as_i64() > Some(0) && !pod["node"].is_null() {
            assert_eq!(held, pod["gpus_allocated"].as_f64(), "{labels:?}");
            let used = value(&families["gputop_pod_gpus_used"], &labels);
            assert_eq!(used, pod["gpus_in_use"].as_f64(), "{labels:?}");
            holding += 1;
        }
    }
    assert!(holding > 3, "{holding}");
}

#[test]
fn what_a_silent_daemon_said_last_is_no_sample() {
    let fleet = fleet(true);
    let later = at(&fleet, 3600);
    let families = read(&list(&later, Kind::Gpus, None).to_openmetrics());
    assert!(!families.contains_key("gputop_gpu_utilization_ratio"));
    let unknown = |sample: &&Sample| sample.0["gputop_gpu_state"] == "unknown";
    let states = &families["gputop_gpu_state"].samples;
    assert!(states.iter().filter(unknown).all(|sample| sample.1 > 0.5));
    let ages = &families["gputop_gpu_telemetry_age_seconds"].samples;
    assert!(!ages.is_empty() && ages.iter().all(|sample| sample.1 > 3000.0));
}

#[test]
fn a_daemon_that_is_asked_in_turn_delivers() {
    let mut fleet = fleet(true);
    let visited: Vec<_> = fleet.agents().keys().cloned().collect();
    for node in &visited {
        let mut report = fleet.agents()[node].clone();
        let next = Moment(Duration::from_secs(61));
        report.link = LinkState::Visited { next };
        fleet.report(node.clone(), report);
    }
    let families = read(&list(&at(&fleet, 1), Kind::Nodes, None).to_openmetrics());
    let live = &families["gputop_node_daemon_live"];
    for node in &visited {
        assert_eq!(value(live, &[("node", node.as_str())]), Some(1.0), "{node}");
    }
    assert!(!visited.is_empty());
}

#[test]
fn holders_that_the_kubelet_named_too_long_ago_are_no_samples() {
    let held = |fleet: &Fleet| {
        let families = read(&list(&at(fleet, 1), Kind::Gpus, None).to_openmetrics());
        let count = |name: &str| families.get(name).map_or(0, |family| family.samples.len());
        (count("gputop_gpu_held"), count("gputop_gpu_holders"))
    };
    let mut fleet = fleet(true);
    let (fresh, counted) = held(&fleet);
    assert!(fresh > 0 && counted > 0);
    let reports: Vec<_> = fleet.agents().clone().into_iter().collect();
    for (node, mut report) in reports {
        let last = report.last.as_mut().unwrap();
        let mut snapshot = NodeSnapshot::clone(&last.snapshot);
        snapshot.allocations = snapshot.allocations.aged(Duration::from_secs(60));
        last.snapshot = Arc::new(snapshot);
        fleet.report(node, report);
    }
    let (old, _) = held(&fleet);
    assert_eq!(old, 0);
    let ages = items(&at(&fleet, 1), Kind::Gpus);
    let aged = |item: &&Value| item["allocated_to_age_ms"].as_u64() >= Some(60_000);
    assert!(ages.iter().filter(aged).count() > 0);
}

#[test]
fn devices_that_nobody_measures_are_counted() {
    let picture = now(false);
    let families = read(&list(&picture, Kind::Gpus, None).to_openmetrics());
    let total: f64 = families["gputop_gpu_unmeasured"]
        .samples
        .iter()
        .map(|sample| sample.1)
        .sum();
    let unnamed = list(&picture, Kind::Gpus, None).to_names().1;
    assert!(
        unnamed > 0 && (total - unnamed as f64).abs() < 0.5,
        "{total} {unnamed}"
    );
}
