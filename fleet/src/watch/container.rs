//! The containers of a pod, as the store keeps them.

use gputop_model::{ContainerInfo, ContainerRole, ContainerState, printable};

use super::pod::{Container, ContainerStatus, Spec, State, Status, is_sidecar, statuses};

/// All containers in the order in which they start; those added later come last.
pub(super) fn containers(spec: &Spec, status: &Status) -> Vec<ContainerInfo> {
    let init = spec.init_containers.iter().map(|container| {
        if is_sidecar(container) {
            (ContainerRole::Sidecar, container)
        } else {
            (ContainerRole::Init, container)
        }
    });
    let main = spec.containers.iter().map(|c| (ContainerRole::Main, c));
    let added = spec.ephemeral_containers.iter();
    init.chain(main)
        .chain(added.map(|c| (ContainerRole::Ephemeral, c)))
        .map(|(role, container)| {
            let said = statuses(status).find(|status| status.name == container.name);
            container_info(role, container, said)
        })
        .collect()
}

fn container_info(
    role: ContainerRole,
    container: &Container,
    said: Option<&ContainerStatus>,
) -> ContainerInfo {
    ContainerInfo {
        name: container.name.clone(),
        id: said
            .and_then(|status| status.container_id.split_once("://"))
            .map(|(_, id)| id.to_owned()),
        role,
        image: printable(container.image.clone()),
        ready: said.is_some_and(|status| status.ready),
        restarts: said.map_or(0, |status| {
            u32::try_from(status.restart_count).unwrap_or_default()
        }),
        state: said.map_or(ContainerState::Unknown, |status| state(&status.state)),
    }
}

fn state(state: &State) -> ContainerState {
    if let Some(ended) = &state.terminated {
        return ContainerState::Terminated {
            reason: printable(ended.reason.clone()),
            code: ended.exit_code,
            at: ended.finished_at.as_ref().map(|time| time.0),
        };
    }
    if let Some(running) = &state.running {
        let since = running.started_at.as_ref().map(|time| time.0);
        return ContainerState::Running { since };
    }
    match &state.waiting {
        Some(waiting) => ContainerState::Waiting {
            reason: printable(waiting.reason.clone()),
        },
        None => ContainerState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn containers_have_their_part_and_their_state() {
        let spec: Spec = serde_json::from_value(json!({
            "initContainers": [{"name": "fetch", "image": "busybox"},
                {"name": "proxy", "restartPolicy": "Always"}],
            "containers": [{"name": "main", "image": "ghcr.io/x/serve:1"}, {"name": "side"}],
            "ephemeralContainers": [{"name": "debugger-x"}],
        }))
        .unwrap();
        let status: Status = serde_json::from_value(json!({
            "initContainerStatuses": [
                {"name": "fetch", "ready": true, "state": {"terminated": {"reason": "Completed",
                    "exitCode": 0, "finishedAt": "1970-01-01T00:00:09Z"}}},
                {"name": "proxy", "state": {"running": {"startedAt": "1970-01-01T00:00:05Z"}}}],
            "containerStatuses": [{"name": "main", "restartCount": 7, "containerID": "cri-o://ab",
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}],
        }))
        .unwrap();
        let all = containers(&spec, &status);
        let parts: Vec<_> = all
            .iter()
            .map(|c| (c.name.as_str(), c.role.name()))
            .collect();
        let expected = [
            ("fetch", "init"),
            ("proxy", "sidecar"),
            ("main", "main"),
            ("side", "main"),
            ("debugger-x", "debug"),
        ];
        assert_eq!(parts, expected);
        let at = |second| jiff::Timestamp::from_second(second).ok();
        let ended = ContainerState::Terminated {
            reason: "Completed".to_owned(),
            code: 0,
            at: at(9),
        };
        assert_eq!((&all[0].state, all[0].ready), (&ended, true));
        assert_eq!(all[1].state, ContainerState::Running { since: at(5) });
        let waiting = ContainerState::Waiting {
            reason: "CrashLoopBackOff".to_owned(),
        };
        assert_eq!((&all[2].state, all[2].restarts), (&waiting, 7));
        assert_eq!(all[2].id.as_deref(), Some("ab"));
        assert_eq!(all[2].image, "ghcr.io/x/serve:1");
        assert_eq!(all[3].state, ContainerState::Unknown);
    }
}
