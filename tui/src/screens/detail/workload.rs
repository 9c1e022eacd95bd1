//! A workload in full: its pods and what they come to together.

use gputop_fleet::state::{PodRow, WorkloadRow};

use super::{Facts, list, say};
use crate::app::format;
use crate::app::tables::{Cx, Piece, Tone, status_tone};

pub(super) fn facts(cx: Cx<'_>, row: &WorkloadRow) -> Facts {
    let mut facts = Facts {
        title: vec![
            Piece::new(format!("{}/", row.namespace), Tone::Muted),
            Piece::new(row.name.clone(), Tone::Strong),
            Piece::new(format!("  {}", row.kind), Tone::Muted),
        ],
        ..Facts::default()
    };
    let pods = || row.pods.iter().filter_map(|at| cx.picture.pods.get(*at));
    let lead = &mut facts.lead;
    if row.unrequested {
        let text = "uses a GPU that it did not ask for: the scheduler does not know of it";
        say(lead, "notice", text, Tone::Notice);
    }
    if let Some(since) = row.idle_since {
        let idle = format::spoken(cx.clock.age(since));
        let text = format!("one of its pods, for {idle}: it keeps its GPU from others");
        say(lead, "idle", text, Tone::Warn);
    }
    if row.pending > 0 {
        let text = format!(
            "{} of {}",
            row.pending,
            format::count(row.pods.len(), "pod")
        );
        say(lead, "pending", text, Tone::Warn);
        let waiting = pods().filter_map(|pod| Some((pod.pending()?, pod)));
        if let Some((pending, pod)) = waiting.into_iter().next() {
            let why = pending.plain(&pod.info.requests);
            say(lead, "why", format::one_line(&why), Tone::Warn);
            say(
                lead,
                "what to do",
                pending.fix().unwrap_or_default(),
                Tone::Plain,
            );
        }
    }
    say(lead, "requested", units(row.requested), Tone::Plain);
    let devices = |count: Option<usize>| match count {
        Some(count) => format::count(count, "device"),
        None => "not known of all its pods".to_owned(),
    };
    say(lead, "allocated", devices(row.devices), Tone::Plain);
    let memory = row.memory_used;
    let memory = memory.map(|bytes| format!(", {bytes} of device memory held"));
    let used = format!("{}{}", devices(row.in_use), memory.unwrap_or_default());
    say(lead, "used", used, Tone::Plain);
    list(
        &mut facts.parts,
        "pods",
        pods().map(|pod| pod_line(cx, pod)),
    );
    if row.kind == "Pod" {
        let text = "nobody owns this pod: once gone, nothing starts it again";
        say(&mut facts.rest, "owner", text, Tone::Muted);
    }
    facts
}

fn units(units: i64) -> String {
    format!("{units} GPU unit{}", if units == 1 { "" } else { "s" })
}

fn pod_line(cx: Cx<'_>, row: &PodRow) -> Vec<Piece> {
    let mut line = vec![
        Piece::new(row.info.key.name.to_string(), Tone::Plain),
        Piece::new(format!(" {}", row.status()), status_tone(row)),
    ];
    if let Some(node) = &row.info.node {
        line.push(Piece::new(format!("  on {node}"), Tone::Muted));
    }
    if let Some(since) = row.idle_since {
        let idle = format!("  idle {}", format::age(cx.clock.age(since)));
        line.push(Piece::new(idle, Tone::Warn));
    }
    line
}
