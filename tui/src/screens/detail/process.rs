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
    let kind = match process.kind {
        ProcessKind::Compute => "compute (CUDA)",
        ProcessKind::Graphics => "graphics",
        ProcessKind::ComputeAndGraphics => "compute and graphics",
    };
    say(lead, "does", kind, Tone::Plain);
    if let Some(idle) = process.idle_for.get() {
        let text = if idle.as_secs() == 0 {
            "at work".to_owned()
        } else {
            format!("quiet for {}", format::spoken(idle))
        };
        say(lead, "kernels", text, Tone::Plain);
    }
    if let Some(user) = process.user.known() {
        say(lead, "user", format::one_line(user), Tone::Plain);
    }
    if row.stale {
        say(
            lead,
            "stale",
            format!("as of {} ago", format::spoken(row.age)),
            Tone::Warn,
        );
    }
    let device = cx.device(&row.node, &process.device);
    list(
        &mut facts.parts,
        "device",
        device.map(|device| device_line(&cx, device)),
    );
    facts
}
