//! A process in full.

use gputop_fleet::state::{ProcessOwner, ProcessRow};
use gputop_model::ProcessKind;

use super::{Facts, add, list, say};
use crate::app::format;
use crate::app::tables::{Cx, Piece, Tone, device_line, owner_pieces};

pub(super) fn facts(cx: Cx<'_>, row: &ProcessRow) -> Facts {
    let process = row.process();
    let mut facts = Facts {
        title: vec![
            Piece::new(row.node.to_string(), Tone::Muted),
            Piece::new(
                format!("  {}", format::one_line(&process.name)),
                Tone::Strong,
            ),
            Piece::new(format!("  pid {}", process.pid), Tone::Muted),
        ],
        ..Facts::default()
    };
    let held = match (&row.owner, row.allocated) {
        (ProcessOwner::Outside(_), _) => {
            Some("outside the cluster: the scheduler knows nothing of it")
        }
        (ProcessOwner::Pod { .. }, Some(false)) => {
            Some("its pod did not ask for this GPU: the scheduler takes the GPU for free")
        }
        (ProcessOwner::UnknownPod(_), _) => Some("its pod is not, or no longer, in the API"),
        _ => None,
    };
    let lead = &mut facts.lead;
    say(lead, "notice", held.unwrap_or_default(), Tone::Notice);
    add(lead, "held by", owner_pieces(&row.owner));
    if let Some(idle) = process.idle_for.get() {
        let text = if idle.as_secs() == 0 {
            "at work".to_owned()
        } else {
            format!("quiet for {}", format::spoken(idle))
        };
        say(lead, "kernels", text, Tone::Plain);
    }
    let device = cx.device(&row.node, &process.device);
    let total = device.and_then(|device| device.device().memory_total.get());
    if let Some(used) = process.memory_used.get() {
        let share = total.map(|total| format!(" of the {total} of its device"));
        let text = format!("{used}{}", share.unwrap_or_default());
        say(lead, "VRAM", text, Tone::Plain);
    }
    if let Some(sm) = process.sm.fresh().filter(|_| !row.stale) {
        say(lead, "SM", format!("busy {sm} of the time"), Tone::Plain);
    }
    if row.stale {
        let age = format::spoken(row.age);
        say(lead, "stale", format!("as of {age} ago"), Tone::Warn);
    }
    let device = device.map(|device| device_line(&cx, device));
    list(&mut facts.parts, "device", device);
    let rest = &mut facts.rest;
    if let ProcessOwner::Pod {
        container: Some(container),
        ..
    } = &row.owner
    {
        say(rest, "container", format::one_line(container), Tone::Plain);
    }
    if let Some(user) = process.user.known() {
        say(rest, "user", format::one_line(user), Tone::Plain);
    }
    let kind = match process.kind {
        ProcessKind::Compute => "compute (CUDA)",
        ProcessKind::Graphics => "graphics",
        ProcessKind::ComputeAndGraphics => "compute and graphics",
        ProcessKind::Mps => "compute (CUDA, through MPS)",
    };
    say(rest, "does", kind, Tone::Plain);
    facts
}
