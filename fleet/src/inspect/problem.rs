//! Why an ask failed, in the operator's words.

use gputop_model::printable;
use kube::core::Status;

use super::Subject;
use crate::connect::{Problem, api_problem};

/// Why something about this object could not be had.
pub(super) fn about(error: &kube::Error, subject: &Subject) -> Problem {
    let (kind, name) = match subject {
        Subject::Node(name) => ("node", name.to_string()),
        Subject::Pod(key) => ("pod", key.to_string()),
    };
    match error {
        kube::Error::Api(status) if is_gone(status, subject) => problem(
            &format!("{kind} {name} is not there any more"),
            "Go back to the table.",
        ),
        other => plain(other),
    }
}

/// Why a question about no object in particular failed.
pub(super) fn plain(error: &kube::Error) -> Problem {
    let said = match error {
        kube::Error::Api(status) if !matches!(status.code, 401 | 403 | 429 | 503) => {
            from_words(status.code, &status.message)
        }
        other => api_problem(Some(other)),
    };
    // Nothing that is asked for here is repeated behind the operator's back.
    Problem {
        what: printable(said.what),
        fix: if said.fix.contains("tried again by itself") {
            "Try again.".to_owned()
        } else {
            printable(said.fix)
        },
    }
}

/// The server has not said anything for this long.
pub(super) fn silent(patience: std::time::Duration) -> Problem {
    problem(
        &format!(
            "the API server has not answered for {} s",
            patience.as_secs()
        ),
        "Try again.",
    )
}

fn is_gone(status: &Status, subject: &Subject) -> bool {
    let kind = match subject {
        Subject::Node(_) => "nodes",
        Subject::Pod(_) => "pods",
    };
    // A container that is not found is a 404 as well, of other words.
    status.code == 404
        && status
            .details
            .as_ref()
            .is_none_or(|details| details.kind.is_empty() || details.kind == kind)
}

/// The kubelets' refusals can only be told by their words.
pub(super) fn from_words(code: u16, message: &str) -> Problem {
    let has = |words: &str| message.contains(words);
    let quoted = |at: usize| message.split('"').nth(at).unwrap_or_default().to_owned();
    if has("is waiting to start") {
        let why = message.rsplit(": ").next().unwrap_or_default();
        let fix = if has("can't be pulled") || has("failing to pull image") {
            "Its image can not be pulled; the pod's events tell why."
        } else {
            "Try again when it runs; the pod's events tell what it waits for."
        };
        return problem(
            &format!("container {} has not started yet ({why})", quoted(1)),
            fix,
        );
    }
    if has("previous terminated container") {
        return problem(
            &format!("container {} has no earlier run", quoted(1)),
            "It has not been restarted on this node, or the log was cleaned up: show the current one.",
        );
    }
    if has("does not have a host assigned") {
        return problem(
            "the pod has no node yet, so nothing of it runs",
            "Look at its events: they tell what the scheduler waits for.",
        );
    }
    if has("container name must be specified") {
        let known = message
            .split_once("choose one of: ")
            .map_or("", |(_, list)| list);
        return problem(
            &format!("the pod has several containers: {known}"),
            "Choose one of them.",
        );
    }
    if has("is not valid for pod") {
        return problem(
            &format!("the pod has no container {}", message_container(message)),
            "Choose one that it has.",
        );
    }
    if has(":10250") || has("No agent available") || has("no agent available") {
        return problem(
            &format!("the API server can not reach the node's kubelet: {message}"),
            "Check that the node is up and that K3s runs there.",
        );
    }
    if code == 400 || code == 404 {
        return problem(
            &format!("the API server answers {code}: {message}"),
            "Look at the pod's state and events.",
        );
    }
    problem(
        &format!("the API server answers {code}: {message}"),
        "Try again.",
    )
}

/// `container NAME is not valid for pod POD`.
fn message_container(message: &str) -> &str {
    let mut words = message.split_whitespace();
    words
        .find(|word| *word == "container")
        .and_then(|_| words.next())
        .unwrap_or_default()
}

/// What happened and what to do; both are made safe to show.
pub(super) fn problem(what: &str, fix: &str) -> Problem {
    Problem {
        what: printable(what.to_owned()),
        fix: printable(fix.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use gputop_model::PodKey;
    use rstest::rstest;

    use super::*;

    fn status(code: u16, message: &str) -> kube::Error {
        kube::Error::Api(Box::new(Status {
            code,
            message: message.to_owned(),
            ..Status::default()
        }))
    }

    fn pod() -> Subject {
        Subject::Pod(PodKey::new("ml", "train-0"))
    }

    #[rstest]
    #[case(
        404,
        "pods \"train-0\" not found",
        "pod ml/train-0 is not there any more"
    )]
    #[case(403, "pods \"train-0\" is forbidden", "refuses")]
    #[case(
        400,
        "container \"main\" in pod \"train-0\" is waiting to start: ContainerCreating",
        "container main has not started yet (ContainerCreating)"
    )]
    #[case(
        400,
        "previous terminated container \"main\" in pod \"train-0\" not found",
        "container main has no earlier run"
    )]
    #[case(
        400,
        "container mein is not valid for pod train-0",
        "the pod has no container mein"
    )]
    #[case(
        400,
        "a container name must be specified for pod train-0, choose one of: [main side]",
        "several containers: [main side]"
    )]
    #[case(
        500,
        "Get \"https://10.0.0.7:10250/containerLogs/ml/train-0/main\": dial tcp 10.0.0.7:10250: connect: no route to host",
        "can not reach the node's kubelet"
    )]
    fn each_refusal_has_its_sentence(
        #[case] code: u16,
        #[case] message: &str,
        #[case] expected: &str,
    ) {
        let said = about(&status(code, message), &pod());
        assert!(said.what.contains(expected), "{said}");
    }

    #[test]
    fn no_answer_promises_to_try_again_by_itself() {
        for code in [400, 404, 409, 429, 500, 502, 503, 504] {
            let said = plain(&status(code, "something"));
            assert!(!said.fix.contains("by itself"), "{said}");
        }
    }

    #[test]
    fn words_of_the_server_move_no_cursor() {
        let said = about(&status(500, "a\u{1b}[2Jb"), &pod());
        assert!(!said.what.contains('\u{1b}'), "{said}");
    }
}
