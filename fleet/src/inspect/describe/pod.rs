//! A pod in words.

use serde_json::Value;

use super::page::Page;
use super::{conditions, container, equals, is_extended, metadata, placement};
use crate::inspect::json::Json;

/// Everything but the events.
pub(super) fn describe(page: &mut Page, pod: &Value) {
    head(page, pod);
    metadata(page, pod);
    gpu(page, pod);
    placing(page, pod);
    for (title, list) in [
        ("Init containers", "initContainer"),
        ("Containers", "container"),
        ("Ephemeral containers", "ephemeralContainer"),
    ] {
        let containers = pod.items(&format!("/spec/{list}s"));
        if containers.is_empty() {
            continue;
        }
        page.section(title);
        let statuses = pod.items(&format!("/status/{list}Statuses"));
        for one in containers {
            let status = statuses
                .iter()
                .find(|s| s.text("/name") == one.text("/name"));
            let sidecar = list == "initContainer" && one.text("/restartPolicy") == "Always";
            container::describe(page, one, status, sidecar);
        }
    }
    volumes(page, pod);
    conditions(page, pod);
}

fn head(page: &mut Page, pod: &Value) {
    page.field("Name", pod.text("/metadata/name"));
    page.field("Namespace", pod.text("/metadata/namespace"));
    page.field("UID", pod.text("/metadata/uid"));
    let (node, address) = (pod.text("/spec/nodeName"), pod.text("/status/hostIP"));
    let node = match (node.is_empty(), address.is_empty()) {
        (true, _) => "none yet".to_owned(),
        (false, true) => node.to_owned(),
        (false, false) => format!("{node} ({address})"),
    };
    page.field("Node", &node);
    page.field("Phase", &phase(pod));
    page.field("Created", pod.text("/metadata/creationTimestamp"));
    page.field("Started", pod.text("/status/startTime"));
    if let Some(owner) = pod
        .items("/metadata/ownerReferences")
        .iter()
        .find(|owner| owner.flag("/controller"))
    {
        let owner = format!("{} {}", owner.text("/kind"), owner.text("/name"));
        page.field("Controlled by", &owner);
    }
    page.field("Pod IP", pod.text("/status/podIP"));
    page.field("QoS class", pod.text("/status/qosClass"));
    page.field("Restart policy", pod.text("/spec/restartPolicy"));
    page.field("Service account", pod.text("/spec/serviceAccountName"));
    let priority = pod.int("/spec/priority").unwrap_or_default();
    let class = pod.text("/spec/priorityClassName");
    if priority != 0 || !class.is_empty() {
        page.field("Priority", &format!("{priority} {class}"));
    }
    let grace = pod.int("/spec/terminationGracePeriodSeconds");
    page.field(
        "Grace period",
        &grace
            .map(|seconds| format!("{seconds} s"))
            .unwrap_or_default(),
    );
    let host = [
        ("/spec/hostNetwork", "network"),
        ("/spec/hostPID", "processes"),
        ("/spec/hostIPC", "IPC"),
    ];
    let shared = host.iter().filter(|(field, _)| pod.flag(field));
    let shared: Vec<&str> = shared.map(|(_, what)| *what).collect();
    page.field("Shares with host", &shared.join(", "));
}

/// The phase with the reason that goes with it; a pod that ends says since when.
fn phase(pod: &Value) -> String {
    let mut text = pod.text("/status/phase").to_owned();
    for part in ["/status/reason", "/status/message"] {
        let part = pod.text(part);
        if !part.is_empty() {
            text = format!("{text}, {part}");
        }
    }
    let ends = pod.text("/metadata/deletionTimestamp");
    if ends.is_empty() {
        text
    } else {
        format!("{text}, is ending (until {ends} at the latest)")
    }
}

/// What the pod asks of devices and what it was given.
fn gpu(page: &mut Page, pod: &Value) {
    let mut requests = Vec::new();
    let mut devices = Vec::new();
    let lists = [
        ("initContainers", "initContainerStatuses"),
        ("containers", "containerStatuses"),
    ];
    for (containers, statuses) in lists {
        for one in pod.items(&format!("/spec/{containers}")) {
            // An extended resource has one number: a limit is its request.
            let limits = one.pairs("/resources/limits");
            let asked = one.pairs("/resources/requests");
            let extended = limits.iter().chain(
                asked
                    .iter()
                    .filter(|(name, _)| !limits.iter().any(|(limited, _)| limited == name)),
            );
            for (name, count) in extended.filter(|(name, _)| is_extended(name)) {
                requests.push(format!("{name} × {count} for {}", one.text("/name")));
            }
        }
        for status in pod.items(&format!("/status/{statuses}")) {
            devices.extend(allocated(status));
        }
    }
    let claims: Vec<String> = pod
        .items("/spec/resourceClaims")
        .iter()
        .map(claim)
        .collect();
    let runtime = pod.text("/spec/runtimeClassName");
    if requests.is_empty() && claims.is_empty() && devices.is_empty() && runtime.is_empty() {
        return;
    }
    page.section("GPU");
    if requests.is_empty() {
        page.field("Requests", "no device");
    }
    page.list("Requests", &requests);
    page.list("Resource claims", &claims);
    page.list("Devices", &devices);
    if devices.is_empty() && !requests.is_empty() && !pod.text("/spec/nodeName").is_empty() {
        page.field(
            "Devices",
            "not told by the API server (the daemon on the node knows them)",
        );
    }
    let runtime = if runtime.is_empty() {
        "the node's default"
    } else {
        runtime
    };
    page.field("Runtime class", runtime);
}

/// The devices in a container's status, with their health.
fn allocated(status: &Value) -> Vec<String> {
    let container = status.text("/name");
    let mut lines = Vec::new();
    for resource in status.items("/allocatedResourcesStatus") {
        for device in resource.items("/resources") {
            let health = device.text("/health");
            let health = if health.is_empty() {
                "health unknown"
            } else {
                health
            };
            lines.push(format!(
                "{} {} {health} in {container}",
                resource.text("/name"),
                device.text("/resourceID")
            ));
        }
    }
    lines
}

fn claim(claim: &Value) -> String {
    let name = claim.text("/name");
    let template = claim.text("/resourceClaimTemplateName");
    if template.is_empty() {
        format!("{name}: {}", claim.text("/resourceClaimName"))
    } else {
        format!("{name}: made from template {template}")
    }
}

/// Where the pod may run.
fn placing(page: &mut Page, pod: &Value) {
    let Some(spec) = pod.get("spec") else { return };
    page.section("Placement");
    page.list("Node selector", &equals(&spec.pairs("/nodeSelector")));
    page.list("Affinity", &placement::affinity(spec));
    let spread = spec.items("/topologySpreadConstraints").iter();
    page.list("Spread", &spread.map(placement::spread).collect::<Vec<_>>());
    let tolerations = spec.items("/tolerations").iter();
    page.list(
        "Tolerations",
        &tolerations.map(placement::toleration).collect::<Vec<_>>(),
    );
    let gates = spec.items("/schedulingGates").iter();
    let gates: Vec<&str> = gates.map(|gate| gate.text("/name")).collect();
    page.list("Held back by", &gates);
    let scheduler = spec.text("/schedulerName");
    if scheduler != "default-scheduler" {
        page.field("Scheduler", scheduler);
    }
    page.field("Nominated node", pod.text("/status/nominatedNodeName"));
}

fn volumes(page: &mut Page, pod: &Value) {
    let volumes = pod.items("/spec/volumes");
    if volumes.is_empty() {
        return;
    }
    page.section("Volumes");
    let rows: Vec<[String; 2]> = volumes
        .iter()
        .map(|volume| [volume.text("/name").to_owned(), volume_kind(volume)])
        .collect();
    page.table(&rows);
}

/// What a volume is and, in a word, what happens to its contents.
fn volume_kind(volume: &Value) -> String {
    let fields = volume.as_object().into_iter().flatten();
    let Some((kind, source)) = fields.into_iter().find(|(key, _)| *key != "name") else {
        return "emptyDir, gone with the pod".to_owned();
    };
    match kind.as_str() {
        "emptyDir" if source.text("/medium") == "Memory" => {
            "emptyDir in memory, gone with the pod".to_owned()
        }
        "emptyDir" => "emptyDir, gone with the pod".to_owned(),
        "hostPath" => format!("hostPath {}, on this node only", source.text("/path")),
        "persistentVolumeClaim" => format!("claim {}", source.text("/claimName")),
        "ephemeral" => "claim made for this pod, gone with it".to_owned(),
        "configMap" => format!("config map {}", source.text("/name")),
        "secret" => format!("secret {}", source.text("/secretName")),
        "nfs" => format!("NFS {}:{}", source.text("/server"), source.text("/path")),
        "csi" => format!("CSI {}", source.text("/driver")),
        "image" => format!("image {}", source.text("/reference")),
        "projected" => {
            let parts = source.items("/sources").iter().filter_map(Value::as_object);
            let parts: Vec<&str> = parts
                .filter_map(|part| part.keys().next())
                .map(String::as_str)
                .collect();
            format!("projected: {}", parts.join(", "))
        }
        other => other.to_owned(),
    }
}
