//! Workloads of a scenario as Kubernetes objects.

use std::time::Duration;

use serde_json::{Value, json};

use super::Birth;
use crate::annotations as a;
use crate::scenario::{WorkloadKind, WorkloadScenario, format_duration};
use crate::store::{Kind, annotation_map};

pub(super) fn birth(workload: &WorkloadScenario) -> Birth {
    let (kind, object) = match workload.kind {
        WorkloadKind::Deployment => (Kind::Deployment, replicated(workload)),
        WorkloadKind::StatefulSet => (Kind::StatefulSet, replicated(workload)),
        WorkloadKind::DaemonSet => (Kind::DaemonSet, replicated(workload)),
        WorkloadKind::Job => (Kind::Job, job(workload)),
        WorkloadKind::Pod => (Kind::Pod, pod(workload)),
    };
    Birth {
        age: workload.age,
        kind,
        object,
    }
}

fn metadata(workload: &WorkloadScenario) -> Value {
    json!({
        "name": workload.name,
        "namespace": workload.namespace,
        "labels": {"app.kubernetes.io/name": workload.name},
    })
}

fn template(workload: &WorkloadScenario) -> Value {
    json!({
        "metadata": {
            "labels": {"app.kubernetes.io/name": workload.name},
            "annotations": annotations(workload),
        },
        "spec": spec(workload),
    })
}

fn replicated(workload: &WorkloadScenario) -> Value {
    let mut spec = json!({
        "selector": {"matchLabels": {"app.kubernetes.io/name": workload.name}},
        "template": template(workload),
    });
    match workload.kind {
        WorkloadKind::Deployment => {
            spec["replicas"] = workload.replicas.into();
            // A second pod beside the first would find no free GPU.
            let strategy = if workload.gpus > 0 {
                "Recreate"
            } else {
                "RollingUpdate"
            };
            spec["strategy"] = json!({"type": strategy});
        }
        WorkloadKind::StatefulSet => {
            spec["replicas"] = workload.replicas.into();
            spec["serviceName"] = workload.name.clone().into();
        }
        _ => {}
    }
    json!({"metadata": metadata(workload), "spec": spec})
}

fn job(workload: &WorkloadScenario) -> Value {
    let mut metadata = metadata(workload);
    let mut template = template(workload);
    template["spec"]["restartPolicy"] = "Never".into();
    if let Some(pause) = workload.next_after {
        let (series, number) = series(&workload.name);
        metadata["name"] = format!("{series}-{number}").into();
        metadata["labels"]["app.kubernetes.io/name"] = series.into();
        template["metadata"]["labels"]["app.kubernetes.io/name"] = series.into();
        metadata["annotations"] = json!({a::SERIES: series, a::NEXT_AFTER: format_duration(pause)});
    }
    json!({
        "metadata": metadata,
        "spec": {
            "backoffLimit": 3,
            "completions": 1,
            "parallelism": 1,
            "ttlSecondsAfterFinished": 900,
            "template": template,
        },
    })
}

/// `train-41` is number 41 of the series `train`; without a number it is the first.
fn series(name: &str) -> (&str, u64) {
    name.rsplit_once('-')
        .and_then(|(series, number)| Some((series, number.parse().ok()?)))
        .unwrap_or((name, 1))
}

fn pod(workload: &WorkloadScenario) -> Value {
    let mut metadata = metadata(workload);
    metadata["annotations"] = annotations(workload);
    json!({"metadata": metadata, "spec": spec(workload)})
}

fn annotations(workload: &WorkloadScenario) -> Value {
    let duration = |value: Option<Duration>| value.map(format_duration);
    let gib = workload
        .gpu_memory
        .map(|memory| format!("{:.2}", memory.0 as f64 / f64::from(1 << 30)));
    annotation_map(&[
        (a::CREATE_DELAY, duration(workload.create_delay)),
        (a::READY_DELAY, duration(workload.ready_delay)),
        (a::TERM_DELAY, duration(workload.term_delay)),
        (a::COMPLETE_AFTER, duration(workload.completes_after)),
        (a::CRASH_AFTER, duration(workload.crash_after)),
        (a::INIT_DELAY, duration(workload.init_delay)),
        (a::IDLE_BEFORE, duration(workload.idle_for)),
        (a::BEHAVIOUR, workload.behaviour.clone()),
        (a::MEMORY_GIB, gib),
        (a::USER, workload.user.clone()),
        (a::PROCESS, workload.process.clone()),
        (
            a::UNREQUESTED,
            workload.unrequested_gpu.map(|gpu| gpu.to_string()),
        ),
    ])
}

fn spec(workload: &WorkloadScenario) -> Value {
    let mut limits = json!({"memory": workload.memory});
    if workload.gpus > 0 {
        limits[&workload.resource] = workload.gpus.to_string().into();
    }
    let name = workload
        .name
        .trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '-');
    let mut container = json!({
        "name": name,
        "image": workload.image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {
            "requests": {"cpu": workload.cpu, "memory": workload.memory},
            "limits": limits,
        },
    });
    if workload.unrequested_gpu.is_some() {
        container["env"] = json!([
            {"name": "NVIDIA_VISIBLE_DEVICES", "value": "all"},
            {"name": "NVIDIA_DRIVER_CAPABILITIES", "value": "compute,video,utility"},
        ]);
    }
    let mut spec = json!({"containers": [container]});
    let inits: Vec<Value> = workload
        .init
        .iter()
        .map(|name| json!({"name": name, "image": workload.image, "resources": {}}))
        .collect();
    if !inits.is_empty() {
        spec["initContainers"] = inits.into();
    }
    if workload.gpus > 0 || workload.unrequested_gpu.is_some() {
        spec["runtimeClassName"] = "nvidia".into();
    }
    let mut selector = workload.node_selector.clone();
    if let Some(node) = &workload.node {
        selector.insert("kubernetes.io/hostname".to_owned(), node.clone());
    }
    if !selector.is_empty() {
        spec["nodeSelector"] = json!(selector);
    }
    if workload.kind == WorkloadKind::DaemonSet {
        spec["tolerations"] = json!([{"operator": "Exists"}]);
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_goes_on_from_its_number() {
        assert_eq!(series("finetune-llama3-41"), ("finetune-llama3", 41));
        assert_eq!(series("train"), ("train", 1));
        assert_eq!(series("sd-xl"), ("sd-xl", 1));
    }
}
