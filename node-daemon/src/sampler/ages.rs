//! Whether two snapshots say the same, apart from how old what they say is.

use gputop_model::{Device, GpuProcess, NodeSnapshot};

/// Whether `after` differs from `before` in its number, its time and in ages only: idle times that
/// go on, stale values that stay what they were.
pub(super) fn same_but_for_ages(before: &NodeSnapshot, after: &NodeSnapshot) -> bool {
    before.driver == after.driver
        && before.allocations.same_but_for_age(&after.allocations)
        && before.events == after.events
        && same_list(&before.devices, &after.devices, Device::same_but_for_ages)
        && same_list(&before.processes, &after.processes, same_process)
}

fn same_list<T>(before: &[T], after: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    before.len() == after.len() && before.iter().zip(after).all(|(a, b)| same(a, b))
}

fn same_process(a: &GpuProcess, b: &GpuProcess) -> bool {
    a.pid == b.pid
        && a.start_ticks == b.start_ticks
        && a.device == b.device
        && a.kind == b.kind
        && a.name == b.name
        && a.user == b.user
        && a.memory_used.same_but_for_age(&b.memory_used)
        && a.sm.same_but_for_age(&b.sm)
        && a.idle_for.same_idle(&b.idle_for)
        && a.holder == b.holder
}
