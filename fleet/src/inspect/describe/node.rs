//! A node in words.

use serde_json::Value;

use super::page::Page;
use super::{conditions, equals, is_extended, metadata, placement};
use crate::inspect::json::Json;

/// What role labels begin with.
const ROLE: &str = "node-role.kubernetes.io/";

/// Labels by which NVIDIA's feature discovery tells of GPUs, and ours.
const GPU_LABELS: [&str; 3] = [
    "nvidia.com/",
    "feature.node.kubernetes.io/pci-10de",
    "gputop-k3s.io/",
];

/// Everything but the events.
pub(super) fn describe(page: &mut Page, node: &Value) {
    page.field("Name", node.text("/metadata/name"));
    let labels = node.pairs("/metadata/labels");
    let roles = labels.iter().filter_map(|(key, _)| key.strip_prefix(ROLE));
    page.field("Roles", &roles.collect::<Vec<_>>().join(", "));
    page.field("Created", node.text("/metadata/creationTimestamp"));
    let cordoned = node.flag("/spec/unschedulable");
    page.field(
        "Schedulable",
        if cordoned { "no (cordoned)" } else { "yes" },
    );
    let taints = node.items("/spec/taints").iter();
    page.list("Taints", &taints.map(placement::taint).collect::<Vec<_>>());
    let addresses = node.items("/status/addresses").iter();
    let addresses: Vec<String> = addresses
        .map(|address| format!("{} {}", address.text("/type"), address.text("/address")))
        .collect();
    page.list("Addresses", &addresses);
    page.field("Pod network", node.text("/spec/podCIDR"));
    page.field("Provider id", node.text("/spec/providerID"));
    metadata(page, node);
    gpu(page, node, &labels);
    conditions(page, node);
    system(page, node);
    resources(page, node);
}

/// What the node offers of devices, and by what containers reach them.
fn gpu(page: &mut Page, node: &Value, labels: &[(String, String)]) {
    let told: Vec<(String, String)> = labels
        .iter()
        .filter(|(key, _)| GPU_LABELS.iter().any(|begin| key.starts_with(begin)))
        .cloned()
        .collect();
    let capacity = node.pairs("/status/capacity");
    let allocatable = node.pairs("/status/allocatable");
    let devices: Vec<String> = capacity
        .iter()
        .filter(|(name, _)| is_extended(name))
        .map(|(name, count)| {
            let free = allocatable.iter().find(|(other, _)| other == name);
            let healthy = free.map_or("0", |(_, count)| count.as_str());
            format!("{name}: {healthy} allocatable of {count}")
        })
        .collect();
    page.section("GPU");
    if devices.is_empty() {
        page.field("Resources", "none: no device plugin has offered any");
    }
    page.list("Resources", &devices);
    page.list("Labels", &equals(&told));
    let handlers = node.items("/status/runtimeHandlers").iter();
    let handlers: Vec<&str> = handlers
        .map(|handler| handler.text("/name"))
        .filter(|name| !name.is_empty())
        .collect();
    page.field("Runtime handlers", &handlers.join(", "));
}

fn system(page: &mut Page, node: &Value) {
    page.section("System");
    for (label, field) in [
        ("Operating system", "osImage"),
        ("Kernel", "kernelVersion"),
        ("Architecture", "architecture"),
        ("Container runtime", "containerRuntimeVersion"),
        ("Kubelet", "kubeletVersion"),
        ("Machine id", "machineID"),
        ("Boot id", "bootID"),
    ] {
        page.field(label, node.text(&format!("/status/nodeInfo/{field}")));
    }
}

fn resources(page: &mut Page, node: &Value) {
    let capacity = node.pairs("/status/capacity");
    if capacity.is_empty() {
        return;
    }
    let allocatable = node.pairs("/status/allocatable");
    page.section("Resources");
    let head = ["NAME", "CAPACITY", "ALLOCATABLE"].map(str::to_owned);
    let rows = capacity.into_iter().map(|(name, count)| {
        let free = allocatable.iter().find(|(other, _)| *other == name);
        let free = free.map_or_else(|| "–".to_owned(), |(_, count)| count.clone());
        [name, count, free]
    });
    page.table(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
}
