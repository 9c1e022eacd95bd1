//! The machine around a node's GPUs, and what its daemon can not see.

use gputop_fleet::state::NodeRow;
use gputop_model::{Disk, Host, Limitation, Reading};

use super::{Fact, add, list, say};
use crate::app::format;
use crate::app::tables::{FULL, Piece, Tone};

/// What has to be known before the rest: what is not seen, and that a restart is due.
pub(super) fn lead(facts: &mut Vec<Fact>, row: &NodeRow) {
    for (at, limitation) in row.limitations().iter().enumerate() {
        let label = if at == 0 { "not seen" } else { "" };
        add(facts, label, limit(limitation));
    }
    let due = row.host().and_then(|host| host.reboot_required.get());
    if due == Some(true) {
        let text = "▲ packages of its system wait for a restart of the machine";
        say(facts, "restart", text, Tone::Warn);
    }
}

fn limit(limitation: &Limitation) -> Vec<Piece> {
    let mut pieces = vec![Piece::new(format::one_line(&limitation.lost), Tone::Warn)];
    if !limitation.fix.is_empty() {
        let fix = format!("  to see it: {}", format::one_line(&limitation.fix));
        pieces.push(Piece::new(fix, Tone::Plain));
    }
    pieces
}

/// What is measured of the machine. What is not known is left out.
pub(super) fn rest(facts: &mut Vec<Fact>, row: &NodeRow) {
    let Some(host) = row.host() else { return };
    say(facts, "machine", machine(host), Tone::Plain);
    let rate = |what: &str, reading: &Reading<_>| {
        shown(reading, |rate: &gputop_model::BytesPerSecond| {
            format!("{what} {rate}")
        })
    };
    let network = [
        rate("in", &host.network_receive),
        rate("out", &host.network_transmit),
    ];
    say(facts, "network", joined(network), Tone::Plain);
    let age = host.disks.age();
    let disks = host.disks.known().into_iter().flatten();
    list(facts, "disks", disks.map(|disk| disk_line(disk, age)));
    let kernel = host.kernel.known().map(|kernel| format::one_line(kernel));
    let up = shown(&host.uptime, |time| {
        format!("up for {}", format::spoken(*time))
    });
    say(facts, "kernel", joined([kernel, up]), Tone::Plain);
}

fn machine(host: &Host) -> String {
    let cpus = host.cpus.get().map(|count| {
        let busy = shown(&host.cpu, |share| format!(" busy {share}"));
        format!("{count} cpus{}", busy.unwrap_or_default())
    });
    let load = shown(&host.load, |load| format!("load {load}"));
    let memory = host.memory_total.get().and_then(|total| {
        shown(&host.memory_available, |available| {
            format!("{available} of {total} memory available")
        })
    });
    joined([cpus, load, memory])
}

fn disk_line(disk: &Disk, age: Option<std::time::Duration>) -> Vec<Piece> {
    let text = format!(
        "{}  {} of {} free",
        format::one_line(&disk.mount),
        disk.available,
        disk.total
    );
    let used = gputop_model::Bytes(disk.total.0.saturating_sub(disk.available.0));
    let full = used.share_of(disk.total);
    let (sign, tone) = if full.is_some_and(|share| share.0 >= FULL) {
        ("▲ ", Tone::Bad)
    } else {
        ("", Tone::Plain)
    };
    let mut pieces = vec![Piece::new(format!("{sign}{text}"), tone)];
    if let Some(age) = age {
        let old = format!("  ({} ago)", format::spoken(age));
        pieces.push(Piece::new(old, Tone::Muted));
    }
    pieces
}

/// A measurement, with its age once it has one.
fn shown<T>(reading: &Reading<T>, show: impl FnOnce(&T) -> String) -> Option<String> {
    let text = show(reading.known()?);
    Some(match reading.age() {
        Some(age) => format!("{text} ({} ago)", format::spoken(age)),
        None => text,
    })
}

fn joined(parts: impl IntoIterator<Item = Option<String>>) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(" · ")
}
