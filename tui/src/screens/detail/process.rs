//! A process in full.

use gputop_fleet::state::{ProcessOwner, ProcessRow};
use gputop_model::ProcessKind;

use super::Facts;
use crate::app::format;
use crate::app::tables::{Cx, Piece, Tone, owner_pieces, product_of};

pub(super) fn facts(cx: Cx<'_>, row: &ProcessRow) -> Facts {
    let process = row.process();
    let mut facts = Facts {
        title: vec![
            Piece::new(row.node.to_string(), Tone::Muted),
            Piece::new(format!("  {}", format::one_line(&process.name)), Tone::Strong),
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
    facts.say("notice", held.unwrap_or_default(), Tone::Notice);
    facts.add("held by", owner_pieces(&row.owner));
    if let Some(device) = cx.device(&row.node, &process.device) {
        let index = device.device().index;
        facts.say("device", format!("GPU {index} {}", product_of(device)), Tone::Plain);
    }
    let kind = match process.kind {
        ProcessKind::Compute => "compute (CUDA)",
        ProcessKind::Graphics => "graphics",
        ProcessKind::ComputeAndGraphics => "compute and graphics",
    };
    facts.say("does", kind, Tone::Plain);
    if let Some(idle) = process.idle_for.get() {
        let text = if idle.as_secs() == 0 {
            "at work".to_owned()
        } else {
            format!("quiet for {}", format::spoken(idle))
        };
        facts.say("kernels", text, Tone::Plain);
    }
    if let Some(user) = process.user.known() {
        facts.say("user", format::one_line(user), Tone::Plain);
    }
    if row.stale {
        facts.say("stale", format!("as of {} ago", format::spoken(row.age)), Tone::Warn);
    }
    facts
}
