//! `get … -o json` against what the API server and the daemons themselves say.

use std::collections::BTreeMap;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use gputop_proto::pb;
use gputop_proto::pb::telemetry_client::TelemetryClient;
use serde_json::Value;

use super::fixture;

/// Sums over `nvidia.com/*` of one node, as kubectl's `describe node` prints them.
fn described(text: &str) -> (i64, i64) {
    let section = |title: &str| {
        text.split_once(title).map(|(_, rest)| {
            let inside = rest
                .lines()
                .skip(1)
                .take_while(|line| line.starts_with(' '));
            inside.map(str::to_owned).collect::<Vec<_>>()
        })
    };
    let sum = |lines: Option<Vec<String>>| -> i64 {
        lines
            .unwrap_or_default()
            .iter()
            .filter(|line| line.trim().starts_with("nvidia.com/"))
            .filter_map(|line| line.split_whitespace().nth(1)?.parse::<i64>().ok())
            .sum()
    };
    (
        sum(section("\nAllocatable:")),
        sum(section("\nAllocated resources:")),
    )
}

fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

#[tokio::test(flavor = "multi_thread")]
async fn units_are_as_kubectl_counts_them() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let list = real.get(&["nodes"]).await?;
    ensure!(
        list["schema"] == "gputop-k3s/v1" && list["kind"] == "NodeList",
        "{list}"
    );
    ensure!(items(&list).len() == 6, "{} nodes", items(&list).len());
    let mut requested = 0;
    for node in items(&list) {
        let name = node["name"].as_str().ok_or_eyre("no name")?;
        let (allocatable, asked) = described(&real.kubectl(&["describe", "node", name])?);
        ensure!(node["gpu_allocatable"] == allocatable, "{name}: {node}");
        ensure!(
            node["gpu_requested"] == asked,
            "{name}: kubectl says {asked}: {node}"
        );
        ensure!(node["gpu_free"] == allocatable - asked, "{name}: {node}");
        requested += asked;
    }
    ensure!(
        requested > 4,
        "only {requested} units are requested: the fleet is too dull"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_as_the_daemons_say() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    // Twice: the first client wakes the daemons up.
    real.get(&["gpus"]).await?;
    let list = real.get(&["gpus"]).await?;
    let mut shown: BTreeMap<(String, String), &Value> = BTreeMap::new();
    for item in items(&list) {
        let text = |field: &str| item[field].as_str().unwrap_or_default().to_owned();
        shown.insert((text("node"), text("uuid")), item);
    }
    let mut compared = 0;
    for node in real.cluster.nodes() {
        let Some(port) = node.daemon_port else {
            continue;
        };
        // Past the API server, straight to the daemon.
        let mut telemetry = TelemetryClient::connect(format!("http://127.0.0.1:{port}")).await?;
        let said = telemetry.get(pb::GetRequest {}).await?.into_inner();
        let list = said
            .allocations
            .clone()
            .and_then(|a| a.list)
            .unwrap_or_default();
        for device in &said.devices {
            let key = (node.name.clone(), device.uuid.clone());
            let item = shown
                .remove(&key)
                .ok_or_eyre(format!("{key:?} is not shown"))?;
            ensure!(item["product"] == device.product, "{item}");
            ensure!(item["memory_total_bytes"] == serde_json::json!(device.memory_total_bytes));
            ensure!(item["health"] == "ok", "{item}");
            ensure!(
                item["power_limit_mw"] == serde_json::json!(device.power_limit_mw),
                "{item}"
            );
            // Measured a moment later: near, not equal.
            let shown_celsius = item["temperature_celsius"].as_i64();
            let said_celsius = device.temperature_celsius.map(i64::from);
            ensure!(shown_celsius.is_some() == said_celsius.is_some(), "{item}");
            if let Some((shown, said)) = shown_celsius.zip(said_celsius) {
                ensure!(shown.abs_diff(said) <= 15, "{said} °C: {item}");
            }
            let mut pids: Vec<u32> = said
                .processes
                .iter()
                .filter(|process| process.device_uuid == device.uuid)
                .map(|process| process.pid)
                .collect();
            let list_of = item["processes"].as_array().map_or(&[][..], Vec::as_slice);
            let mut shown_pids: Vec<u32> = list_of
                .iter()
                .filter_map(|process| u32::try_from(process["pid"].as_u64()?).ok())
                .collect();
            pids.sort_unstable();
            shown_pids.sort_unstable();
            ensure!(pids == shown_pids, "processes {pids:?}: {item}");
            let mut given: Vec<&str> = list
                .items
                .iter()
                .filter(|a| a.device_id.split("::").next() == Some(&device.uuid))
                .map(|a| a.device_id.as_str())
                .collect();
            let mut held: Vec<&str> = items_of(item, "allocated_to", "device_id");
            given.sort_unstable();
            held.sort_unstable();
            ensure!(
                given == held,
                "{key:?}: the kubelet gave {given:?}, shown {held:?}"
            );
            compared += 1;
        }
    }
    ensure!(shown.is_empty(), "shown and not there: {:?}", shown.keys());
    ensure!(compared >= 10, "only {compared} devices compared");
    Ok(())
}

fn items_of<'a>(item: &'a Value, list: &str, field: &str) -> Vec<&'a str> {
    let list = item[list].as_array().map_or(&[][..], Vec::as_slice);
    list.iter()
        .filter_map(|entry| entry[field].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_name_their_workloads_and_hold_what_they_asked_for() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let list = real.get(&["pods", "-A"]).await?;
    ensure!(list["kind"] == "PodList", "{list}");
    let names: Vec<&str> = real
        .kubectl(&["get", "pods", "-A", "-o", "name"])?
        .lines()
        .map(|_| "")
        .collect();
    ensure!(
        items(&list).len() == names.len(),
        "{} of {} pods",
        items(&list).len(),
        names.len()
    );
    let mut kinds: Vec<&str> = items(&list)
        .iter()
        .filter_map(|pod| pod["workload"]["kind"].as_str())
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    ensure!(
        kinds == ["DaemonSet", "Deployment", "Job", "Pod", "StatefulSet"],
        "workload kinds are {kinds:?}"
    );
    for pod in items(&list) {
        let asked = pod["gpus_requested"].as_i64().unwrap_or_default();
        let running = pod["phase"] == "Running";
        if asked > 0 && running {
            ensure!(
                pod["gpus_allocated"].as_i64().unwrap_or_default() >= 1,
                "{pod}"
            );
        }
        if pod["name"] == "big-train" {
            let reason = pod["reason"].as_str().unwrap_or_default();
            ensure!(reason.contains("Insufficient nvidia.com/gpu"), "{pod}");
            ensure!(pod["phase"] == "Pending" && pod["node"].is_null(), "{pod}");
        }
    }
    // The default namespace, as kubectl's.
    let here = real.get(&["pods"]).await?;
    ensure!(!items(&here).is_empty() && items(&here).len() < items(&list).len());
    ensure!(items(&here).iter().all(|pod| pod["namespace"] == "default"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_daemons_unknown_is_null() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    let list = real.get(&["gpus", "--no-agents"]).await?;
    ensure!(!items(&list).is_empty(), "{list}");
    for gpu in items(&list) {
        ensure!(gpu["utilization_percent"].is_null() && gpu["temperature_celsius"].is_null());
        ensure!(gpu["state"] != "free", "nobody has looked: {gpu}");
    }
    let nodes = real.get(&["nodes", "--no-agents"]).await?;
    for node in items(&nodes) {
        ensure!(
            node["agent"]["state"] == "not_asked" && node["devices"].is_null(),
            "{node}"
        );
    }
    let usage = real.gputop(&["get", "processes", "--no-agents"]).await?;
    ensure!(usage.status.code() == Some(2), "{usage:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_belong_to_pods_that_exist() -> Result<()> {
    let Some(real) = fixture::cluster().await? else {
        return Ok(());
    };
    real.get(&["gpus"]).await?;
    let list = real.get(&["processes"]).await?;
    let pods = real.kubectl(&["get", "pods", "-A"])?;
    ensure!(items(&list).len() >= 5, "{} processes", items(&list).len());
    for process in items(&list) {
        let pod = process["pod"]
            .as_str()
            .ok_or_eyre(format!("no pod: {process}"))?;
        ensure!(pods.contains(pod), "{pod} is not a pod of this cluster");
        ensure!(process["memory_used_bytes"].as_u64() > Some(0), "{process}");
    }
    Ok(())
}
