//! One container in words: what it is, what it does, what it may use.

use serde_json::{Map, Value};

use super::equals;
use super::page::Page;
use crate::inspect::json::{Json, scalar};

/// A container of the spec with its status.
pub(super) fn describe(page: &mut Page, container: &Value, status: Option<&Value>, sidecar: bool) {
    let name = container.text("/name");
    let now = status
        .and_then(|status| state(status.get("state")))
        .unwrap_or_else(|| "not started".to_owned());
    let kind = if sidecar { " (sidecar)" } else { "" };
    page.part(&format!("{name}{kind}: {now}"));
    if let Some(status) = status {
        let ready = if status.flag("/ready") { "yes" } else { "no" };
        page.field("Ready", ready);
        let restarts = status.int("/restartCount").unwrap_or_default();
        page.field("Restarts", &restarts.to_string());
        let last = state(status.get("lastState"));
        page.field("Last state", &last.unwrap_or_default());
    }
    page.field("Image", container.text("/image"));
    page.field("Command", &words(container.items("/command")));
    page.field("Arguments", &words(container.items("/args")));
    let (requests, limits) = (
        container.pairs("/resources/requests"),
        container.pairs("/resources/limits"),
    );
    page.field("Requests", &equals(&requests).join(", "));
    page.field("Limits", &equals(&limits).join(", "));
    page.list("Ports", &ports(container));
    page.list("Environment", &environment(container));
    page.list("Mounts", &mounts(container));
    for (label, field) in [
        ("Startup probe", "startupProbe"),
        ("Liveness probe", "livenessProbe"),
        ("Readiness probe", "readinessProbe"),
    ] {
        page.field(label, &container.get(field).map(probe).unwrap_or_default());
    }
    page.field("Security", &security(container));
}

/// `running since …`, `waiting: reason (message)`, `ended: reason, exit code …`.
fn state(state: Option<&Value>) -> Option<String> {
    let state = state?;
    if let Some(running) = state.get("running") {
        return Some(format!("running since {}", running.text("/startedAt")));
    }
    if let Some(waiting) = state.get("waiting") {
        return Some(with_message(
            format!("waiting: {}", waiting.text("/reason")),
            waiting.text("/message"),
        ));
    }
    let ended = state.get("terminated")?;
    let code = ended.int("/exitCode").unwrap_or_default();
    // A signal is told by the code, and the one that matters here by its meaning.
    let code = match (code, ended.text("/reason")) {
        (137, "OOMKilled") => "137, out of memory".to_owned(),
        (137, _) => "137, killed".to_owned(),
        (143, _) => "143, asked to end".to_owned(),
        (code, _) => code.to_string(),
    };
    Some(with_message(
        format!(
            "ended: {}, exit code {code}, from {} to {}",
            ended.text("/reason"),
            ended.text("/startedAt"),
            ended.text("/finishedAt")
        ),
        ended.text("/message"),
    ))
}

fn with_message(text: String, message: &str) -> String {
    let message = message.trim();
    if message.is_empty() {
        text
    } else {
        format!("{text} ({message})")
    }
}

/// A command line; words with spaces are quoted.
fn words(arguments: &[Value]) -> String {
    let quoted = arguments.iter().filter_map(Value::as_str).map(|word| {
        if word.is_empty() || word.contains(char::is_whitespace) {
            format!("{word:?}")
        } else {
            word.to_owned()
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn ports(container: &Value) -> Vec<String> {
    let port = |port: &Value| {
        let number = port.int("/containerPort").unwrap_or_default();
        let protocol = port.text("/protocol");
        let protocol = if protocol.is_empty() { "TCP" } else { protocol };
        let host = port.int("/hostPort").filter(|host| *host > 0);
        let host = host.map(|host| format!(", {host} on the host"));
        format!(
            "{number}/{protocol} {}{}",
            port.text("/name"),
            host.unwrap_or_default()
        )
    };
    container.items("/ports").iter().map(port).collect()
}

fn environment(container: &Value) -> Vec<String> {
    let from = container.items("/envFrom").iter().map(|source| {
        let (kind, name) = if source.get("secretRef").is_some() {
            ("secret", source.text("/secretRef/name"))
        } else {
            ("config map", source.text("/configMapRef/name"))
        };
        format!("{}* from {kind} {name}", source.text("/prefix"))
    });
    let single = container.items("/env").iter().map(|variable| {
        let name = variable.text("/name");
        match variable.get("valueFrom").and_then(Value::as_object) {
            Some(source) => format!("{name} from {}", reference(source)),
            None => format!("{name}={}", variable.text("/value")),
        }
    });
    from.chain(single).collect()
}

/// Where a variable's value comes from.
fn reference(source: &Map<String, Value>) -> String {
    let Some((kind, of)) = source.iter().next() else {
        return "nothing".to_owned();
    };
    match kind.as_str() {
        "secretKeyRef" => format!("secret {}, key {}", of.text("/name"), of.text("/key")),
        "configMapKeyRef" => format!("config map {}, key {}", of.text("/name"), of.text("/key")),
        "fieldRef" => format!("the pod's {}", of.text("/fieldPath")),
        "resourceFieldRef" => format!("the container's {}", of.text("/resource")),
        other => other.to_owned(),
    }
}

fn mounts(container: &Value) -> Vec<String> {
    let mount = |mount: &Value| {
        let read_only = if mount.flag("/readOnly") {
            " (read only)"
        } else {
            ""
        };
        let part = mount.text("/subPath");
        let part = if part.is_empty() {
            String::new()
        } else {
            format!("/{part}")
        };
        format!(
            "{} from {}{part}{read_only}",
            mount.text("/mountPath"),
            mount.text("/name")
        )
    };
    container.items("/volumeMounts").iter().map(mount).collect()
}

fn probe(probe: &Value) -> String {
    let every = probe.int("/periodSeconds").unwrap_or(10);
    let failures = probe.int("/failureThreshold").unwrap_or(3);
    let how = if let Some(http) = probe.get("httpGet") {
        let port = http.get("port").and_then(scalar).unwrap_or_default();
        format!("GET {} at port {port}", http.text("/path"))
    } else if let Some(exec) = probe.get("exec") {
        words(exec.items("/command"))
    } else if let Some(tcp) = probe.get("tcpSocket") {
        format!(
            "connect to port {}",
            tcp.get("port").and_then(scalar).unwrap_or_default()
        )
    } else {
        format!(
            "gRPC at port {}",
            probe.int("/grpc/port").unwrap_or_default()
        )
    };
    format!("{how}, every {every} s, {failures} failures")
}

/// What makes a container more than an ordinary one.
fn security(container: &Value) -> String {
    let mut words = Vec::new();
    if container.flag("/securityContext/privileged") {
        words.push("privileged".to_owned());
    }
    if let Some(user) = container.int("/securityContext/runAsUser") {
        words.push(format!("user {user}"));
    }
    let added = container.items("/securityContext/capabilities/add");
    let added: Vec<&str> = added.iter().filter_map(Value::as_str).collect();
    if !added.is_empty() {
        words.push(format!("with {}", added.join(", ")));
    }
    words.join(", ")
}
