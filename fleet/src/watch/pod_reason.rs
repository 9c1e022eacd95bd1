//! Why a pod does not run, or is not ready: the most telling word that the API has.

use gputop_model::printable;

use super::pod::{ContainerStatus, Status};

/// The reason; `None` when all is well.
pub(super) fn pod_reason(status: &Status) -> Option<String> {
    reason(status).map(printable)
}

/// What the API says beside the reason: why the kubelet refused the pod, why an image can not be
/// pulled, why a container can not start.
pub(super) fn pod_message(status: &Status) -> Option<String> {
    let text = if status.reason.is_empty() {
        let all = status
            .init_container_statuses
            .iter()
            .chain(&status.container_statuses);
        all.filter_map(|container| container.state.waiting.as_ref())
            .map(|waiting| waiting.message.as_str())
            .find(|message| !message.is_empty())?
    } else {
        &status.message
    };
    Some(printable(text.to_owned())).filter(|text| !text.is_empty())
}

fn reason(status: &Status) -> Option<String> {
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

    #[rstest]
    #[case(json!({"phase": "Failed", "reason": "UnexpectedAdmissionError",
        "message": "Pod was rejected: Allocate failed"}), Some("Pod was rejected: Allocate failed"))]
    #[case(json!({"phase": "Pending", "containerStatuses": [{"state": {"waiting":
        {"reason": "ImagePullBackOff", "message": "Back-off\u{1b} pulling image \"x\""}}}]}),
        Some("Back-off\u{fffd} pulling image \"x\""))]
    #[case(json!({"phase": "Running", "message": "nothing was refused"}), None)]
    fn what_comes_beside_the_reason(#[case] status: Value, #[case] expected: Option<&str>) {
        let status: Status = serde_json::from_value(status).unwrap();
        assert_eq!(pod_message(&status).as_deref(), expected);
    }
}
