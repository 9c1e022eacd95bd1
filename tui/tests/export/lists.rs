//! What is chosen, in which order, and how tables say it.

use std::collections::BTreeSet;
use std::sync::Arc;

use gputop_fleet::state::Picture;
use gputop_k3s::export::{Form, Kind, List, Missing, Scope, SortBy, list, select};

use crate::picture::{KINDS, at, fleet, items, json, now};

fn names(list: &List) -> Vec<String> {
    let (names, _) = list.to_names();
    names.lines().map(str::to_owned).collect()
}

fn picked(kind: Kind, wanted: &[&str]) -> (Vec<String>, Vec<Missing>) {
    let mut list = list(&now(true), kind, None);
    let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
    let missing = list.pick(&wanted);
    (names(&list), missing)
}

#[test]
fn what_is_printed_as_a_name_is_understood_as_one() {
    let picture = now(true);
    for kind in KINDS {
        let all = names(&list(&picture, kind, None));
        assert!(!all.is_empty());
        for name in &all {
            let mut one = list(&picture, kind, None);
            assert_eq!(one.pick(std::slice::from_ref(name)), []);
            assert_eq!(names(&one), std::slice::from_ref(name));
        }
    }
}

#[test]
fn short_names_are_understood_too() {
    let (found, missing) = picked(Kind::Nodes, &["tesla", "node/atlas"]);
    assert_eq!(
        (found, missing.len()),
        (vec!["node/atlas".into(), "node/tesla".into()], 0)
    );
    let (found, _) = picked(Kind::Gpus, &["atlas/1"]);
    assert!(found.len() == 1 && found[0].starts_with("gpu/atlas/GPU-"));
    // A GPU in MIG mode and its instances have one index; each instance has a number of its own.
    assert!(picked(Kind::Gpus, &["dgx/0"]).0.len() > 1);
    let (found, missing) = picked(Kind::Gpus, &["dgx/0.1"]);
    assert!(found.len() == 1 && found[0].starts_with("gpu/dgx/MIG-"));
    assert_eq!(missing, []);
    // A node stands for all its GPUs.
    let (found, missing) = picked(Kind::Gpus, &["atlas"]);
    assert!(found.len() > 1 && found.iter().all(|name| name.starts_with("gpu/atlas/")));
    assert_eq!(missing, []);
    assert_eq!(picked(Kind::Pods, &["ollama-0"]).0, ["pod/home/ollama-0"]);
    assert_eq!(
        picked(Kind::Pods, &["home/ollama-0"]).0,
        ["pod/home/ollama-0"]
    );
}

#[test]
fn a_name_that_nothing_has_is_told_with_the_nearest() {
    let near = |kind, name: &str| {
        let (found, missing) = picked(kind, &[name]);
        assert_eq!(found, [""; 0]);
        missing.into_iter().next().unwrap().nearest
    };
    assert_eq!(near(Kind::Nodes, "altas").as_deref(), Some("atlas"));
    assert_eq!(near(Kind::Pods, "olama-0").as_deref(), Some("ollama-0"));
    assert_eq!(
        near(Kind::Pods, "hme/ollama-0").as_deref(),
        Some("home/ollama-0")
    );
    assert_eq!(near(Kind::Nodes, "zzzzzzzzz"), None);
}

#[test]
fn labels_select_nodes_and_all_that_is_on_them() {
    let picture = now(true);
    let scope = Scope {
        selector: "topology.kubernetes.io/zone=rack".parse().unwrap(),
        ..Scope::default()
    };
    assert_eq!(names(&select(&picture, Kind::Nodes, &scope)), ["node/dgx"]);
    for kind in [Kind::Gpus, Kind::Processes] {
        let chosen = json(&select(&picture, kind, &scope));
        let all = items(&picture, kind);
        let on_dgx = all.iter().filter(|item| item["node"] == "dgx").count();
        assert!(on_dgx > 0 && chosen.iter().all(|item| item["node"] == "dgx"));
        assert_eq!(chosen.len(), on_dgx);
    }
    // Pods go by their own labels.
    assert!(select(&picture, Kind::Pods, &scope).is_empty());
    let labelled = picture.pods.iter().find(|row| !row.info.labels.is_empty());
    let (key, value) = labelled.unwrap().info.labels.iter().next().unwrap();
    let scope = Scope {
        selector: format!("{key}={value}").parse().unwrap(),
        ..Scope::default()
    };
    let chosen = select(&picture, Kind::Pods, &scope).len();
    let expected = picture
        .pods
        .iter()
        .filter(|row| row.info.labels.get(key) == Some(value));
    assert_eq!(chosen, expected.count());
}

#[test]
fn namespaces_limit_pods_and_processes() {
    let picture = now(true);
    for kind in [Kind::Pods, Kind::Processes] {
        let chosen = items(&picture, kind);
        let home = chosen
            .iter()
            .filter(|item| item["namespace"] == "home")
            .count();
        assert!(home > 0 && home < chosen.len());
        assert_eq!(list(&picture, kind, Some("home")).len(), home);
    }
}

#[test]
fn a_namespace_limits_gpus_to_those_that_it_holds() {
    let picture = now(true);
    let chosen = json(&list(&picture, Kind::Gpus, Some("home")));
    let all = items(&picture, Kind::Gpus).len();
    assert!(!chosen.is_empty() && chosen.len() < all);
    let of_home = |holder: &serde_json::Value| holder["namespace"] == "home";
    for gpu in &chosen {
        let given = gpu["allocated_to"].as_array().unwrap();
        let processes = gpu["processes"].as_array().unwrap();
        assert!(given.iter().chain(processes).any(of_home), "{gpu}");
    }
    assert!(list(&picture, Kind::Gpus, Some("nobody")).is_empty());
}

/// The cells of a column of the wide table.
fn column(picture: &Picture, kind: Kind, title: &str) -> Vec<String> {
    let form = Form::Table { wide: true };
    let list = list(picture, kind, None);
    let at = list.headings(form).iter().position(|known| known == title);
    let at = at.unwrap_or_else(|| panic!("no column {title}"));
    let rows = list.cells(form).into_iter();
    rows.map(|row| row[at].clone()).collect()
}

#[test]
fn instances_of_the_same_profile_are_told_apart() {
    let picture = now(true);
    let nodes = column(&picture, Kind::Gpus, "NODE");
    let labels = column(&picture, Kind::Gpus, "GPU");
    let named = nodes.iter().zip(&labels).filter(|(_, label)| *label != "–");
    let named: Vec<_> = named.collect();
    let different: BTreeSet<_> = named.iter().collect();
    assert_eq!(different.len(), named.len());
    assert!(labels.iter().any(|label| label.starts_with("0.1/")));
}

#[test]
fn shares_of_one_pod_are_one_holder_and_free_ones_are_counted() {
    let picture = now(true);
    let gpus = items(&picture, Kind::Gpus);
    let shared: Vec<_> = gpus
        .iter()
        .filter(|gpu| !gpu["shares_total"].is_null())
        .collect();
    assert!(!shared.is_empty() && shared.len() < gpus.len());
    let held_by = column(&picture, Kind::Gpus, "HELD BY");
    let shares = column(&picture, Kind::Gpus, "SHARES");
    for (gpu, (held_by, shares)) in gpus.iter().zip(held_by.iter().zip(&shares)) {
        let holders = gpu["allocated_to"].as_array();
        let (Some(all), Some(holders)) = (gpu["shares_total"].as_u64(), holders) else {
            assert_eq!(shares, "–");
            continue;
        };
        let free = all - u64::try_from(holders.len()).unwrap();
        assert_eq!(gpu["shares_free"], free);
        assert_eq!(*shares, format!("{free}/{all} free"));
        let pods: BTreeSet<_> = holders
            .iter()
            .map(|to| (to["namespace"].as_str(), to["pod"].as_str()))
            .collect();
        let others = held_by
            .rsplit_once(" +")
            .map_or(0, |(_, others)| others.parse().unwrap());
        assert_eq!(pods.len(), others + 1, "{held_by}");
        assert!(holders.len() > pods.len(), "one pod has several shares");
    }
}

#[test]
fn what_is_free_on_a_node_that_takes_no_pods_is_not_promised() {
    let mut picture = now(true);
    let free = |picture: &Picture| column(picture, Kind::Nodes, "FREE");
    let before = free(&picture);
    let at = before
        .iter()
        .position(|free| free.parse().is_ok_and(|free: i64| free > 0));
    let at = at.expect("a node with free units");
    Arc::make_mut(&mut picture.nodes[at].info).cordoned = true;
    assert_eq!(free(&picture)[at], format!("({})", before[at]));
    // Programs read both figures.
    let node = &items(&picture, Kind::Nodes)[at];
    assert_eq!(node["gpu_free"].to_string(), before[at]);
    assert_eq!(node["cordoned"], true);
}

#[test]
fn lists_are_sorted_by_fields_and_titles() {
    let picture = now(true);
    let sorted = |wish: &str| {
        let mut list = list(&picture, Kind::Gpus, None);
        list.sort(&[wish.parse::<SortBy>().unwrap()]).unwrap();
        let items = json(&list);
        let values = items
            .iter()
            .map(|item| item["utilization_percent"].as_u64());
        values.collect::<Vec<_>>()
    };
    let up = sorted("utilization_percent");
    let known: Vec<u64> = up.iter().map_while(|value| *value).collect();
    assert!(known.is_sorted() && known.len() > 3);
    assert!(up[known.len()..].iter().all(Option::is_none) && known.len() < up.len());
    let down: Vec<u64> = sorted("-UTIL")
        .into_iter()
        .map_while(|value| value)
        .collect();
    assert!(down.is_sorted_by(|a, b| a >= b) && down.len() == known.len());
}

#[test]
fn every_field_that_is_offered_can_be_sorted_by() {
    let picture = now(true);
    for kind in KINDS {
        for field in kind.fields() {
            let mut list = list(&picture, kind, None);
            let before = list.len();
            list.sort(&[field.parse().unwrap()]).unwrap();
            assert_eq!(list.len(), before);
        }
    }
}

#[test]
fn nodes_say_how_their_machine_is_and_what_is_not_seen() {
    let mut fleet = fleet(true);
    let name: gputop_model::NodeName = {
        let picture = at(&fleet, 1);
        let row = picture.nodes.iter().find(|row| row.host().is_some());
        row.unwrap().info.name.clone()
    };
    let mut report = fleet.agents()[&name].clone();
    let last = report.last.as_mut().unwrap();
    let mut snapshot = gputop_model::NodeSnapshot::clone(&last.snapshot);
    snapshot.limitations = vec![gputop_model::Limitation {
        name: "no_host_root".to_owned(),
        lost: "its disks are not known".to_owned(),
        fix: String::new(),
    }];
    snapshot.host.cpus = 16.into();
    snapshot.host.disks = gputop_model::Reading::Failed(gputop_model::Failure::NotFound);
    last.snapshot = std::sync::Arc::new(snapshot);
    fleet.report(name.clone(), report);
    let items = items(&at(&fleet, 1), Kind::Nodes);
    let of = |wanted: &str| items.iter().find(|item| item["name"] == wanted).unwrap();
    let node = of(name.as_str());
    let expected = serde_json::json!([
        {"name": "no_host_root", "lost": "its disks are not known", "fix": null}
    ]);
    assert_eq!(node["limitations"], expected);
    assert_eq!(node["host"]["cpus"], 16);
    assert!(node["host"]["disks"].is_null() && node["host"]["uptime_ms"].is_u64());
    assert!(node["host"]["reboot_required"].is_boolean());
    let silent = items.iter().find(|item| item["age_ms"].is_null()).unwrap();
    assert!(silent["host"].is_null());
}
