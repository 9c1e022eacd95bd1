//! Why a pod does not run, or is not ready: the most telling word that the API has.

use super::pod::{ContainerStatus, Status};

/// The reason; `None` when all is well.
pub(super) fn pod_reason(status: &Status) -> Option<String> {
    // Evicted, UnexpectedAdmissionError, NodeLost, …
    if !status.reason.is_empty() {
        return Some(status.reason.clone());
    }
    let scheduled = status.conditions.iter().find(|c| c.kind == "PodScheduled");
    if let Some(refused) = scheduled.filter(|c| c.status == "False") {
        let text = if refused.message.is_empty() {
            &refused.reason
        } else {
            &refused.message
        };
        return Some(text.clone());
    }
    if let Some(reason) = status.init_container_statuses.iter().find_map(stopped) {
        return Some(format!("Init:{reason}"));
    }
    if status.phase == "Succeeded" {
        return None;
    }
    status.container_statuses.iter().find_map(stopped)
}

fn stopped(status: &ContainerStatus) -> Option<String> {
    if let Some(waiting) = &status.state.waiting {
        return Some(waiting.reason.clone()).filter(|reason| !reason.is_empty());
    }
    // An out-of-memory kill in a pipeline ends with exit code 0.
    let ended = status.state.terminated.as_ref()?;
    let well = ended.exit_code == 0 && (ended.reason == "Completed" || ended.reason.is_empty());
    if well {
        return None;
    }
    Some(if ended.reason.is_empty() {
        format!("ExitCode:{}", ended.exit_code)
    } else {
        ended.reason.clone()
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[rstest]
    #[case(json!({"phase": "Failed", "reason": "Evicted"}), Some("Evicted"))]
    #[case(json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": "0/3 nodes are available"}]}),
        Some("0/3 nodes are available"))]
    #[case(json!({"phase": "Pending", "initContainerStatuses":
        [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}), Some("Init:CrashLoopBackOff"))]
    #[case(json!({"phase": "Running", "containerStatuses":
        [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}), Some("ImagePullBackOff"))]
    #[case(json!({"phase": "Failed", "containerStatuses":
        [{"state": {"terminated": {"reason": "OOMKilled", "exitCode": 0}}}]}), Some("OOMKilled"))]
    #[case(json!({"phase": "Failed", "containerStatuses":
        [{"state": {"terminated": {"exitCode": 3}}}]}), Some("ExitCode:3"))]
    #[case(json!({"phase": "Running", "initContainerStatuses":
        [{"state": {"terminated": {"reason": "Completed", "exitCode": 0}}}]}), None)]
    #[case(json!({"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}), None)]
    fn the_most_telling_word(#[case] status: Value, #[case] expected: Option<&str>) {
        let status: Status = serde_json::from_value(status).unwrap();
        assert_eq!(pod_reason(&status).as_deref(), expected);
    }
}
