//! What an exec asks for, and where.

use gputop_model::{Device, DeviceKind, DriverState, NodeSnapshot};
use serde_json::Value;

use crate::annotations;
use crate::api::container;
use crate::api::path::Target;
use crate::api::query::Query;
use crate::api::status::Failure;
use crate::api::write::key_of;
use crate::daemon::{DaemonNode, Daemons};
use crate::shell::{Card, Cards, Place, has_program, has_shell};
use crate::store::{Key, Kind, ObjectExt, Store};

/// A checked request.
#[derive(Debug)]
pub(crate) struct Exec {
    pub(super) key: Key,
    pub(super) container: String,
    /// Start of the container's run; absent when it does not run.
    pub(super) started: Option<String>,
    pub(super) program: Program,
    pub(super) tty: bool,
    pub(super) stdin: bool,
    pub(super) place: Place,
}

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Program {
    /// A shell that reads its input.
    Shell,
    /// Commands, then the end.
    Script(String),
    /// What is not in the image.
    Missing(String),
}

impl Exec {
    /// Checks what the API server checks before it upgrades the connection.
    pub(crate) fn open(
        store: &Store,
        daemons: &Daemons,
        target: &Target,
        query: &Query,
    ) -> Result<Self, Failure> {
        let key = key_of(target);
        let pod = store.require(Kind::Pod, &key)?;
        let command: Vec<&str> = query.all("command").collect();
        if command.is_empty() {
            return Err(Failure::bad_request(
                "you must specify at least one of stdin, stdout, stderr and a command",
            ));
        }
        let container = container::named(pod, query)?;
        let node = pod.text("/spec/nodeName");
        if node.is_empty() {
            return Err(Failure::bad_request(format!(
                "pod {} does not have a host assigned",
                pod.name()
            )));
        }
        let status = container::status(pod, &container);
        let started = status.map(|status| status.text("/state/running/startedAt"));
        let started = started.filter(|at| !at.is_empty()).map(str::to_owned);
        let spec = container::spec(pod, &container);
        let image = spec.map_or("", |spec| spec.text("/image"));
        let kernel = store
            .get(Kind::Node, &Key::new("", node))
            .map_or("", |node| node.text("/status/nodeInfo/kernelVersion"));
        let snapshot = daemons.node(node).and_then(DaemonNode::latest);
        Ok(Self {
            program: program(&command, has_shell(image)),
            tty: query.flag("tty"),
            stdin: query.flag("stdin"),
            place: place(pod, &container, kernel, snapshot.as_deref()),
            key,
            container,
            started,
        })
    }
}

/// A shell whose script goes over into an interactive one is that one.
fn program(command: &[&str], image_has_shell: bool) -> Program {
    let [first, arguments @ ..] = command else {
        return Program::Missing(String::new());
    };
    let name = first.rsplit('/').next().unwrap_or(first);
    if !image_has_shell || !(has_program(name) || is_shell(name)) {
        return Program::Missing((*first).to_owned());
    }
    if !is_shell(name) {
        let quoted = command.iter().map(|word| format!("'{word}'"));
        return Program::Script(quoted.collect::<Vec<_>>().join(" "));
    }
    let script = arguments.iter().skip_while(|word| **word != "-c").nth(1);
    match script {
        Some(script) if !script.split_whitespace().any(is_shell) => {
            Program::Script((*script).to_owned())
        }
        _ => Program::Shell,
    }
}

fn is_shell(name: &str) -> bool {
    matches!(name, "sh" | "bash" | "ash" | "dash")
}

fn place(pod: &Value, container: &str, kernel: &str, snapshot: Option<&NodeSnapshot>) -> Place {
    let spec = container::spec(pod, container);
    let mut environment: Vec<(String, String)> = spec
        .map_or(&[][..], |spec| spec.items("/env"))
        .iter()
        .map(|item| {
            (
                item.text("/name").to_owned(),
                item.text("/value").to_owned(),
            )
        })
        .collect();
    let cards = cards(pod, container, &environment, snapshot);
    let user = pod.annotation(annotations::USER).unwrap_or("root");
    let home = if user == "root" {
        "/root".to_owned()
    } else {
        format!("/home/{user}")
    };
    for (name, value) in [
        ("HOME", home.as_str()),
        ("HOSTNAME", pod.name()),
        ("KUBERNETES_SERVICE_HOST", "10.43.0.1"),
        (
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ),
        ("TERM", "xterm"),
    ] {
        environment.push((name.to_owned(), value.to_owned()));
    }
    if let Some(cards) = &cards
        && !environment.iter().any(|(name, _)| name == VISIBLE)
    {
        let ids: Vec<&str> = cards.list.iter().map(Card::uuid).collect();
        environment.push((VISIBLE.to_owned(), ids.join(",")));
    }
    environment.sort();
    Place {
        pod: pod.name().to_owned(),
        user: user.to_owned(),
        process: pod
            .annotation(annotations::PROCESS)
            .unwrap_or(container)
            .to_owned(),
        kernel: kernel.to_owned(),
        environment,
        cards,
    }
}

/// By this variable NVIDIA's runtime knows which devices a container is to see.
const VISIBLE: &str = "NVIDIA_VISIBLE_DEVICES";

/// The cards that the container sees; `None` where it sees none.
fn cards(
    pod: &Value,
    container: &str,
    environment: &[(String, String)],
    snapshot: Option<&NodeSnapshot>,
) -> Option<Cards> {
    let status = container::status(pod, container);
    let given: Vec<&str> = status
        .map_or(&[][..], |status| status.items("/allocatedResourcesStatus"))
        .iter()
        .flat_map(|resource| resource.items("/resources"))
        .map(|device| device.text("/resourceID"))
        // Several shares of a card are one card.
        .map(|id| id.split("::").next().unwrap_or(id))
        .collect();
    let all = environment
        .iter()
        .any(|(name, value)| name == VISIBLE && value == "all");
    if given.is_empty() && !all {
        return None;
    }
    let sees = |device: &&Device| {
        given.contains(&device.uuid.as_str())
            || all && matches!(device.kind, DeviceKind::Gpu { .. })
    };
    let Some(snapshot) = snapshot else {
        // Nobody watches the cards of this node: their ids are all that is known.
        let mut list: Vec<Card> = given.iter().map(|id| Card::unknown(id)).collect();
        list.dedup();
        return Some(Cards {
            list,
            ..Cards::default()
        });
    };
    let (driver, cuda) = match &snapshot.driver {
        DriverState::Ready { version, cuda } => (version.clone(), cuda.clone()),
        _ => (String::new(), None),
    };
    Some(Cards {
        driver,
        cuda: cuda.unwrap_or_default(),
        list: snapshot.devices.iter().filter(sees).map(Card::of).collect(),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&["sh"], true, Program::Shell)]
    #[case(&["/bin/bash", "-l"], true, Program::Shell)]
    #[case(&["sh", "-c", "command -v bash >/dev/null && exec bash -l || exec sh"], true, Program::Shell)]
    #[case(&["sh", "-c", "echo a; exit 3"], true, Program::Script("echo a; exit 3".into()))]
    #[case(&["echo", "a b"], true, Program::Script("'echo' 'a b'".into()))]
    #[case(&["python3"], true, Program::Missing("python3".into()))]
    #[case(&["sh"], false, Program::Missing("sh".into()))]
    fn what_is_run(#[case] command: &[&str], #[case] shell: bool, #[case] expected: Program) {
        assert_eq!(program(command, shell), expected);
    }
}
