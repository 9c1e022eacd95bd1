//! How old what a snapshot says is.

use std::time::Duration;

use gputop_model::{Device, GpuProcess, Host, NodeSnapshot};

use crate::source::aged_process;

/// The snapshot after `last` when nobody has looked since: the same values with their ages at
/// `now`, a time since the daemon's start.
pub(super) fn aged(last: &NodeSnapshot, now: Duration) -> NodeSnapshot {
    let by = now.saturating_sub(last.uptime);
    let mut next = last.clone();
    next.sequence += 1;
    next.uptime = now;
    next.devices = next.devices.into_iter().map(|d| d.aged(by)).collect();
    let processes = next.processes.into_iter();
    next.processes = processes.map(|p| aged_process(p, by)).collect();
    next.allocations = next.allocations.aged(by);
    next.host = next.host.aged(by);
    next
}

/// Whether `after` differs from `before` in its number, its time and in ages only: idle times that
/// go on, stale values that stay what they were.
pub(super) fn same_but_for_ages(before: &NodeSnapshot, after: &NodeSnapshot) -> bool {
    before.driver == after.driver
        && before.allocations.same_but_for_age(&after.allocations)
        && before.events == after.events
        && same_list(&before.devices, &after.devices, Device::same_but_for_ages)
        && before.limitations == after.limitations
        && same_host(&before.host, &after.host)
        && same_list(
            &before.processes,
            &after.processes,
            GpuProcess::same_but_for_ages,
        )
}

fn same_list<T>(before: &[T], after: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    before.len() == after.len() && before.iter().zip(after).all(|(a, b)| same(a, b))
}

/// A machine whose time goes on.
fn same_host(before: &Host, after: &Host) -> bool {
    let before = Host {
        uptime: after.uptime.clone(),
        ..before.clone()
    };
    before.same_but_for_ages(after)
}
