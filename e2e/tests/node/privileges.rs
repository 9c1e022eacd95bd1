//! The daemon's pod as the kernel sees it: what its manifest promises.

use std::collections::BTreeMap;
use std::fs;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use serde_json::json;

use super::fixture::{PATIENCE, eventually, node};

fn fields(text: &str) -> BTreeMap<&str, &str> {
    let pair = |line| str::split_once(line, ':').map(|(name, value)| (name, value.trim()));
    text.lines().filter_map(pair).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_root_without_any_power() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    let process = node.daemon_process()?.ok_or_eyre("no daemon")?;
    let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", process.outer));
    let status = read("status")?;
    let status = fields(&status);
    ensure!(status["Uid"].split_whitespace().all(|uid| uid == "0"));
    for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let value = status[name];
        ensure!(value.trim_matches('0').is_empty(), "{name}: {value}");
    }
    ensure!(status["NoNewPrivs"] == "1" && status["Seccomp"] == "2");
    // In the node's own PID namespace.
    let ids = |text: &str| text.split_whitespace().count();
    let pid1 = node.machine()?.read(["cat", "/proc/1/status"])?;
    ensure!(ids(fields(&pid1)["NSpid"]) == 1 && process.pid != 1);

    let mounts = read("mounts")?;
    for place in ["/", "/host/proc", "/var/lib/kubelet/pod-resources"] {
        let mount = mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .find(|mount| mount[1] == place)
            .ok_or_eyre(format!("nothing is mounted at {place}"))?;
        let read_only = mount[3].split(',').any(|option| option == "ro");
        ensure!(read_only, "{mount:?} is not read-only");
    }

    // It listens on loopback and nowhere else: 0100007F is 127.0.0.1, state 0A is listening.
    let (v4, v6) = (read("net/tcp")?, read("net/tcp6").unwrap_or_default());
    let listening: Vec<&str> = [v4.as_str(), v6.as_str()]
        .into_iter()
        .flat_map(|text| text.lines().skip(1))
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|columns| columns[3] == "0A")
        .filter_map(|columns| columns[1].split(':').next())
        .collect();
    ensure!(listening == ["0100007F"], "{listening:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn anyone_but_root_is_kept_out_of_pod_resources() -> Result<()> {
    let Some(node) = node().await? else {
        return Ok(());
    };
    let place = "/var/lib/kubelet/pod-resources";
    node.apply(&json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "nobody", "namespace": "default"},
        "spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": "main", "image": "localhost/shell:testbed", "imagePullPolicy": "Never",
                "command": ["/bin/ls", place],
                "securityContext": {"runAsUser": 65534, "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [{"name": "it", "mountPath": place, "readOnly": true}],
            }],
            "volumes": [{"name": "it", "hostPath": {"path": place, "type": "Directory"}}],
        },
    }))?;
    let end = eventually("its end", PATIENCE, async || {
        let pod = node.object(&["pod", "nobody"])?;
        let state = pod["status"]["containerStatuses"][0]["state"]["terminated"].clone();
        Ok(state.is_object().then_some(state))
    })
    .await?;
    ensure!(end["exitCode"] != 0, "{end}");
    let said = node.kubectl(&["logs", "nobody"])?;
    ensure!(said.contains("Permission denied"), "{said}");
    Ok(())
}
