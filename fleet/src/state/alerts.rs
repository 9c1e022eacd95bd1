//! What needs somebody's attention, in plain words. Colours are for states; an alert is something
//! to act on.

use gputop_model::{
    DeviceKind, GpuUuid, Health, NodeName, PodKey, PodUid, ThrottleReason, short_product,
};
use jiff::Timestamp;

use super::agent::AgentStatus;
use super::no_gpu::NoGpu;
use super::pod_row::PodRow;
use super::rows::{DeviceRow, Gap, NodeRow, NodeState, Picture};

/// Core temperature in °C from which a card is too hot.
const TOO_HOT: i32 = 90;

/// How much an alert matters; the gravest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something does not work, or soon will not.
    Critical,
    /// Something is wasted, slowed down, or not seen.
    Warning,
    /// Good to know.
    Notice,
}

impl Severity {
    /// Every severity, the gravest first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Warning, Self::Notice];

    /// Stable name for JSON and the word on screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertSubject {
    /// A node.
    Node(NodeName),
    /// A device of a node.
    Device(NodeName, GpuUuid),
    /// A pod.
    Pod(PodKey, PodUid),
}

/// Something that needs attention. Ordered by severity, then by what it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alert {
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub subject: AlertSubject,
    /// What is the matter, with the name of the thing, in one sentence that stays the same while
    /// the matter does.
    pub what: String,
    /// Since when, where known.
    pub since: Option<Timestamp>,
}

/// Number of alerts by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlertCounts {
    /// [`Severity::Critical`].
    pub critical: usize,
    /// [`Severity::Warning`].
    pub warning: usize,
    /// [`Severity::Notice`].
    pub notice: usize,
}

impl AlertCounts {
    pub(super) fn of(alerts: &[Alert]) -> Self {
        let count = |severity| alerts.iter().filter(|a| a.severity == severity).count();
        Self {
            critical: count(Severity::Critical),
            warning: count(Severity::Warning),
            notice: count(Severity::Notice),
        }
    }

    /// Number of alerts of that severity.
    #[must_use]
    pub const fn count(&self, severity: Severity) -> usize {
        match severity {
            Severity::Critical => self.critical,
            Severity::Warning => self.warning,
            Severity::Notice => self.notice,
        }
    }
}

/// All alerts, the gravest first.
pub(super) fn alerts(picture: &Picture) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for row in &picture.nodes {
        of_node(row, &mut alerts);
    }
    for gap in picture.gaps.iter().filter(|gap| gap.is_part) {
        of_hidden(gap, &mut alerts);
    }
    for row in picture.devices.iter().filter(|row| !row.stale) {
        of_device(row, &mut alerts);
    }
    for row in &picture.pods {
        of_pod(row, &mut alerts);
    }
    alerts.sort();
    alerts
}

fn of_node(row: &NodeRow, alerts: &mut Vec<Alert>) {
    let name = &row.info.name;
    let mut alert = |severity, what: String, since| {
        alerts.push(Alert {
            severity,
            subject: AlertSubject::Node(name.clone()),
            what: format!("{name}: {what}"),
            since,
        });
    };
    match row.state() {
        // It was said that it would be: nothing on it is an alarm.
        NodeState::Away => return,
        NodeState::NotReady => {
            let why = row.reason.as_deref().unwrap_or("node not ready");
            alert(
                Severity::Critical,
                why.to_owned(),
                row.info.not_ready_since(),
            );
            // What its kubelet and its daemon said last is explained by that.
            return;
        }
        NodeState::Ready | NodeState::Cordoned | NodeState::Unknown => {}
    }
    for condition in &row.info.conditions {
        let why = [&condition.message, &condition.reason]
            .into_iter()
            .find(|text| !text.is_empty());
        let what = match why {
            Some(why) => format!("{}: {why}", condition.kind),
            None => condition.kind.clone(),
        };
        alert(Severity::Warning, what, condition.since);
    }
    match &row.agent {
        AgentStatus::Lost { .. } | AgentStatus::NotRunning { .. } => {
            if let Some(what) = row.agent.reason() {
                alert(Severity::Warning, what, None);
            }
        }
        AgentStatus::Live if row.stale => {
            let what = "the daemon is connected and says nothing";
            alert(Severity::Warning, what.to_owned(), None);
        }
        _ => {}
    }
    match &row.no_gpu {
        Some(no_gpu @ (NoGpu::Mismatch { .. } | NoGpu::DriverFails { .. })) => {
            alert(Severity::Critical, no_gpu.what(), None);
        }
        Some(no_gpu @ NoGpu::PluginAway { .. }) => alert(Severity::Warning, no_gpu.what(), None),
        // Its units are gone, and nobody sees its cards.
        Some(no_gpu @ (NoGpu::NoDriver { .. } | NoGpu::NoCard { .. })) if row.capacity() > 0 => {
            alert(Severity::Critical, no_gpu.what(), None);
        }
        _ => {}
    }
    for resource in &row.resources {
        let lost = resource.capacity - resource.allocatable;
        if lost > 0 && resource.allocatable > 0 {
            let what = format!(
                "the device plugin calls {lost} of {} {} unhealthy; it calls none well again \
                 before it is restarted",
                resource.capacity, resource.name
            );
            alert(Severity::Warning, what, None);
        }
    }
    of_limits(row, &mut alert);
}

/// What the daemon says of what it can not say.
fn of_limits(row: &NodeRow, alert: &mut impl FnMut(Severity, String, Option<Timestamp>)) {
    if row.stale {
        return;
    }
    if row.holders_age.is_some() {
        let what = "the kubelet does not answer the daemon: who holds its GPUs is as it was said \
                    last, and who came since is not known";
        alert(Severity::Warning, what.to_owned(), None);
    }
    let what = match row.limitations() {
        [] => return,
        [only] => only.lost.clone(),
        [first, others @ ..] => format!("{} (+{} more)", first.lost, others.len()),
    };
    alert(Severity::Notice, format!("not seen: {what}"), None);
}

/// Devices that containers hold and nobody sees.
fn of_hidden(gap: &Gap, alerts: &mut Vec<Alert>) {
    let what = match gap.named.len() {
        1 => "a device that a container was given is not shown by the driver".to_owned(),
        count => format!("{count} devices that containers were given are not shown by the driver"),
    };
    alerts.push(Alert {
        severity: Severity::Warning,
        subject: AlertSubject::Node(gap.node.clone()),
        what: format!("{}: {what}", gap.node),
        since: None,
    });
}

fn of_device(row: &DeviceRow, alerts: &mut Vec<Alert>) {
    let device = row.device();
    let mut alert = |severity, what: String| {
        let subject = AlertSubject::Device(row.node.clone(), device.uuid.clone());
        let name = name_of(row);
        alerts.push(Alert {
            severity,
            subject,
            what: format!("{} {name}: {what}", row.node),
            since: None,
        });
    };
    match own_health(row) {
        Some(Health::Sick { why }) => alert(Severity::Critical, format!("sick: {why}")),
        Some(Health::Degraded { why }) => alert(Severity::Warning, why.clone()),
        Some(Health::Ok) | None => {}
    }
    let reasons = device
        .throttle_reasons
        .fresh()
        .map_or(&[][..], Vec::as_slice);
    let held_back = |reason| reasons.contains(&reason);
    let hot = device
        .temperature
        .fresh()
        .filter(|celsius| celsius.0 >= TOO_HOT);
    let by_heat = held_back(ThrottleReason::HardwareThermalSlowdown)
        || held_back(ThrottleReason::SoftwareThermalSlowdown);
    match (hot, by_heat) {
        (Some(_), true) => alert(
            Severity::Critical,
            format!("{TOO_HOT}°C or hotter, and held back by the heat"),
        ),
        (Some(_), false) => alert(Severity::Critical, format!("{TOO_HOT}°C or hotter")),
        (None, true) => alert(Severity::Warning, "held back by heat".to_owned()),
        (None, false) => {}
    }
    if held_back(ThrottleReason::HardwarePowerBrake) {
        let what = "held back by a brake of the power supply";
        alert(Severity::Warning, what.to_owned());
    } else if held_back(ThrottleReason::HardwareSlowdown) && !by_heat {
        alert(
            Severity::Warning,
            "held back by the hardware (heat, power or a brake)".to_owned(),
        );
    }
    // A lower generation comes and goes with the load; missing lanes stay until somebody looks.
    if let Some(link) = device.pcie.degraded(false) {
        alert(Severity::Notice, format!("PCIe link {link}"));
    }
}

/// The device's health, unless that of the card that it is a part of is the same.
fn own_health(row: &DeviceRow) -> Option<&Health> {
    let device = row.device();
    let parent = match &device.kind {
        DeviceKind::MigInstance { parent, .. } => {
            let card = row.snapshot.devices.iter().find(|d| d.uuid == *parent);
            card.and_then(|card| card.health.known())
        }
        DeviceKind::Gpu { .. } => None,
    };
    device.health.known().filter(|own| Some(*own) != parent)
}

/// `GPU 2 (RTX 3090)`, `MIG 1g.10gb (0.3)`.
fn name_of(row: &DeviceRow) -> String {
    let device = row.device();
    match &device.kind {
        DeviceKind::Gpu { .. } => {
            format!("GPU {} ({})", device.index, short_product(&device.product))
        }
        DeviceKind::MigInstance { profile, .. } => {
            format!("MIG {profile} ({})", row.label())
        }
    }
}

fn of_pod(row: &PodRow, alerts: &mut Vec<Alert>) {
    if row.stale {
        return;
    }
    let key = &row.info.key;
    let mut alert = |severity, what: String, since| {
        alerts.push(Alert {
            severity,
            subject: AlertSubject::Pod(key.clone(), row.info.uid.clone()),
            what: format!("{key}: {what}"),
            since,
        });
    };
    if let Some(since) = row.idle_since {
        let held = row.devices.as_ref().map_or(0, Vec::len);
        let what = match held {
            0 | 1 => "holds a GPU and does not use it".to_owned(),
            held => format!("holds {held} GPUs and uses none"),
        };
        alert(Severity::Warning, what, Some(since));
    }
    if row.unrequested {
        alert(
            Severity::Notice,
            "uses a GPU that it was not given".to_owned(),
            None,
        );
    }
}
