//! What a process belongs to, from the text of `/proc/PID/cgroup`.
//!
//! cgroup v1 has one line a controller (`4:memory:/kubepods/…`) of which any may be `/`; v2 has
//! one line (`0::/…`). The kubelet's two drivers name a pod's group differently (`pod<uid>`;
//! `kubepods-burstable-pod<uid with _>.slice`), and so do the runtimes a container's group. A
//! daemon in a cgroup namespace of its own sees paths such as `/../../kubepods-…`.

use gputop_model::{Holder, OutsideKind, PodUid, printable};

/// Prefixes of container groups and who makes them; of two that fit the longer comes first.
const CONTAINERS: [(&str, Runtime); 7] = [
    ("cri-containerd-", Runtime::Kubernetes),
    ("crio-conmon-", Runtime::Kubernetes),
    ("crio-", Runtime::Kubernetes),
    ("docker-", Runtime::Docker),
    ("libpod-conmon-", Runtime::Docker),
    ("libpod-", Runtime::Docker),
    ("nerdctl-", Runtime::Docker),
];

/// Services that run a graphical session.
const DISPLAY_MANAGERS: [&str; 6] = ["gdm", "gdm3", "sddm", "lightdm", "display-manager", "xdm"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runtime {
    Kubernetes,
    Docker,
}

/// What the process whose cgroups are `text` belongs to.
#[must_use]
pub fn holder_from_cgroups(text: &str) -> Holder {
    let paths = || {
        text.lines()
            .filter_map(|line| line.splitn(3, ':').nth(2))
            .map(str::trim)
    };
    if paths().next().is_none() {
        return Holder::Unknown;
    }
    let mut pods: Vec<_> = paths().filter_map(pod).collect();
    // Some controllers may name the pod and not the container.
    pods.sort_by_key(|(_, container)| container.is_none());
    if let Some((uid, container_id)) = pods.into_iter().next() {
        return Holder::Pod {
            uid,
            container_id,
            namespace: None,
            pod: None,
            container: None,
        };
    }
    // Some v1 controllers know more than others: a container or a job more than the service that
    // started it, and any of these more than the root, where unused controllers stay.
    let telling = |path: &&str| (has_container(path) || job(path).is_some(), path.len());
    let (kind, name) = outside(paths().max_by_key(telling).unwrap_or("/"));
    Holder::Outside {
        kind,
        name: printable(name),
    }
}

/// Uid of the pod and id of the container, if the path is a pod's.
fn pod(path: &str) -> Option<(Option<PodUid>, Option<String>)> {
    let segments: Vec<_> = segments(path).collect();
    // The last one: a cluster may itself run in containers of a cluster.
    let pods = segments.iter().enumerate().rev();
    let mut found = pods.filter_map(|(at, segment)| Some((at, pod_uid(segment)?)));
    if let Some((at, uid)) = found.next() {
        let container = segments[at + 1..]
            .iter()
            .find_map(|segment| container_id(segment));
        return Some((Some(uid), container.map(|(id, _)| id)));
    }
    // Relative to a daemon in the same pod, the pod's own group is out of sight.
    let (id, runtime) = segments.iter().find_map(|segment| container_id(segment))?;
    (runtime == Some(Runtime::Kubernetes)).then_some((None, Some(id)))
}

/// Path segments; containerd with a mismatched driver writes
/// `kubepods-…-pod<uid>.slice:cri-containerd:<id>` as one.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', ':']).filter(|segment| !segment.is_empty())
}

/// The uid in `pod<uid>` or `…-pod<uid>.slice`.
fn pod_uid(segment: &str) -> Option<PodUid> {
    let raw = match segment.strip_suffix(".slice") {
        Some(slice) => slice.rsplit_once("-pod")?.1,
        None => segment.strip_prefix("pod")?,
    };
    let uid = raw.replace('_', "-");
    // A static pod's uid is a hash without dashes.
    let is_hash = uid.len() == 32 && is_hex(&uid);
    let lengths = uid
        .split('-')
        .map(|part| part.len().min(64) * usize::from(is_hex(part)));
    (is_hash || lengths.eq([8, 4, 4, 4, 12])).then(|| uid.into())
}

/// The container id in `<id>` or `<runtime>-<id>.scope`, and which runtime names itself there.
fn container_id(segment: &str) -> Option<(String, Option<Runtime>)> {
    let name = segment.strip_suffix(".scope").unwrap_or(segment);
    let prefixed = CONTAINERS
        .iter()
        .find_map(|(prefix, runtime)| Some((name.strip_prefix(prefix)?, Some(*runtime))));
    let (id, runtime) = prefixed.unwrap_or((name, None));
    (id.len() == 64 && is_hex(id)).then(|| (id.to_owned(), runtime))
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn has_container(path: &str) -> bool {
    segments(path).any(|segment| container_id(segment).is_some())
}

/// The number in Slurm's `/slurm/uid_<uid>/job_<number>/…` (v1) and
/// `/system.slice/slurmstepd.scope/job_<number>/…` (v2).
fn job(path: &str) -> Option<&str> {
    let mut segments = segments(path);
    segments.find(|segment| segment.starts_with("slurm"))?;
    let number = segments.find_map(|segment| segment.strip_prefix("job_"))?;
    number
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(number)
}

/// What holds a process outside any pod, and its name.
fn outside(path: &str) -> (OutsideKind, String) {
    let parts: Vec<_> = segments(path).filter(|part| *part != "..").collect();
    if let Some((id, _)) = parts.iter().find_map(|part| container_id(part)) {
        // As `docker ps` shows it.
        return (OutsideKind::Docker, id[..12].to_owned());
    }
    if let Some(number) = job(path) {
        return (OutsideKind::Other, format!("Slurm job {number}"));
    }
    let lxc = |part: &&str| part.strip_prefix("lxc.payload.").map(str::to_owned);
    if let Some(name) = parts.iter().find_map(lxc) {
        return (OutsideKind::Other, format!("LXC container {name}"));
    }
    let user = parts.iter().find_map(|part| uid_of_slice(part));
    let plain = |part: &&&str| part.strip_suffix(".slice").is_none();
    let last = parts.iter().rev().find(plain).copied();
    if let Some(user) = user {
        return user_session(user, &parts, last.unwrap_or_default());
    }
    // A unit may have made groups of its own below, and those in it are its.
    let is_unit = |part: &&&str| {
        let ends = |kind: &str| part.strip_suffix(kind).is_some();
        ends(".service") || ends(".scope")
    };
    match (parts.iter().find(is_unit), last) {
        (Some(unit), _) => {
            let service = unit.strip_suffix(".service");
            let managed = service.is_some_and(|name| DISPLAY_MANAGERS.contains(&name));
            let kind = if managed {
                OutsideKind::Desktop
            } else {
                OutsideKind::Unit
            };
            (kind, (*unit).to_owned())
        }
        (None, Some(last)) => match last.strip_prefix("openrc.") {
            Some(service) => (OutsideKind::Unit, service.to_owned()),
            None => (OutsideKind::Other, last.to_owned()),
        },
        (None, None) => (OutsideKind::Other, "host".to_owned()),
    }
}

/// A process in `user-<uid>.slice`: part of a desktop, a service of the user, or a login session.
fn user_session(uid: &str, parts: &[&str], last: &str) -> (OutsideKind, String) {
    let in_slice = |names: &[&str]| parts.iter().any(|part| names.contains(part));
    if last.starts_with("vte-spawn-") {
        return (OutsideKind::Login, format!("terminal of user {uid}"));
    }
    if in_slice(&["app.slice"]) && is_own_service(last) {
        return (OutsideKind::Unit, format!("{last} of user {uid}"));
    }
    if in_slice(&["app.slice", "session.slice", "background.slice"]) {
        return (OutsideKind::Desktop, app_name(last));
    }
    match last.strip_prefix("session-") {
        Some(session) => {
            let number = session.trim_end_matches(".scope");
            (
                OutsideKind::Login,
                format!("session {number} of user {uid}"),
            )
        }
        None => (OutsideKind::Login, format!("{last} of user {uid}")),
    }
}

/// Whether a unit in `app.slice` is a service that the user has set up, and not a part of the
/// desktop, whose units have its names.
fn is_own_service(unit: &str) -> bool {
    const DESKTOP: [&str; 8] = [
        "app-",
        "dbus-",
        "evolution-",
        "gnome-",
        "gvfs-",
        "org.",
        "plasma-",
        "xdg-",
    ];
    unit.ends_with(".service") && !DESKTOP.iter().any(|prefix| unit.starts_with(prefix))
}

fn uid_of_slice(part: &str) -> Option<&str> {
    let uid = part.strip_prefix("user-")?.strip_suffix(".slice")?;
    uid.bytes().all(|byte| byte.is_ascii_digit()).then_some(uid)
}

/// The application in `app-<launcher>-<name>-<pid>.scope` or `<name>.service`
/// (systemd's "Desktop Environments" rules).
fn app_name(unit: &str) -> String {
    let stem = unit
        .trim_end_matches(".scope")
        .trim_end_matches(".service")
        .split('@')
        .next()
        .unwrap_or(unit);
    let Some(app) = stem.strip_prefix("app-") else {
        return stem.to_owned();
    };
    let mut parts: Vec<_> = app.split('-').collect();
    if parts.len() > 1
        && parts
            .last()
            .is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()))
    {
        parts.pop();
    }
    // Dashes within a name are escaped as \x2d.
    parts
        .last()
        .map_or(stem.to_owned(), |name| name.replace("\\x2d", "-"))
}

#[cfg(test)]
mod tests;
