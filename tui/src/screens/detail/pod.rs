//! A pod in full.

use gputop_fleet::state::PodRow;
use gputop_model::GpuUuid;

use super::Facts;
use crate::app::format;
use crate::app::tables::{Cx, Piece, Tone, product_of, status_tone};

pub(super) fn facts(cx: Cx<'_>, row: &PodRow) -> Facts {
    let info = &row.info;
    let mut facts = Facts {
        title: vec![
            Piece::new(format!("{}/", info.key.namespace), Tone::Muted),
            Piece::new(info.key.name.to_string(), Tone::Strong),
            Piece::new(format!("  {}", row.status()), status_tone(row)),
        ],
        ..Facts::default()
    };
    if let Some(reason) = &info.reason {
        facts.say("why", format::one_line(reason), Tone::Warn);
    }
    if row.unrequested {
        let text = "uses a GPU that it did not ask for: the scheduler does not know of it";
        facts.say("notice", text, Tone::Notice);
    }
    if let Some(since) = row.idle_since {
        let idle = format::spoken(cx.clock.age(since));
        facts.say("idle", format!("has had its GPU and not used it for {idle}"), Tone::Warn);
    }
    facts.add("requested", requested(row));
    facts.add("allocated", allocated(cx, row));
    facts.add("used", used(row));
    facts.say("workload", format!("{} {}", info.workload.kind, info.workload.name), Tone::Plain);
    let node = info.node.as_ref().map_or_else(|| "none yet".to_owned(), ToString::to_string);
    facts.say("node", node, Tone::Plain);
    let containers: Vec<&str> = info.containers.iter().map(|c| c.name.as_str()).collect();
    facts.say("containers", containers.join(", "), Tone::Plain);
    if let Some(created) = info.created {
        facts.say("age", format::spoken(cx.clock.age(created)), Tone::Plain);
    }
    facts
}

fn requested(row: &PodRow) -> Vec<Piece> {
    let requests: Vec<String> =
        row.info.requests.iter().map(|(name, units)| format!("{units} × {name}")).collect();
    if requests.is_empty() {
        return vec![Piece::new("no GPU", Tone::Muted)];
    }
    vec![Piece::new(requests.join(", "), Tone::Plain)]
}

fn allocated(cx: Cx<'_>, row: &PodRow) -> Vec<Piece> {
    match &row.devices {
        None => vec![Piece::new("not known", Tone::Muted)],
        Some(devices) if devices.is_empty() => vec![Piece::new("no device", Tone::Muted)],
        Some(devices) => {
            let names: Vec<String> = devices.iter().map(|uuid| name(cx, row, uuid)).collect();
            vec![Piece::new(names.join(", "), Tone::Plain)]
        }
    }
}

fn name(cx: Cx<'_>, row: &PodRow, uuid: &GpuUuid) -> String {
    let device = row.info.node.as_ref().and_then(|node| cx.device(node, uuid));
    match device {
        Some(device) => format!("GPU {} {}", device.device().index, product_of(device)),
        None => uuid.to_string(),
    }
}

fn used(row: &PodRow) -> Vec<Piece> {
    let devices = match row.in_use {
        None => return vec![Piece::new("not known", Tone::Muted)],
        Some(number) => format::count(number, "device"),
    };
    let memory = row.memory_used.map(|bytes| format!(", {bytes} of its memory"));
    vec![Piece::new(format!("{devices}{}", memory.unwrap_or_default()), Tone::Plain)]
}
