//! Whether two snapshots say the same, apart from how old what they say is.

use std::time::Duration;

use gputop_model::{Device, GpuProcess, NodeSnapshot, Reading};

/// Whether `after` differs from `before` in its number and in ages only: idle times that go on,
/// stale values that stay what they were.
pub(super) fn same_but_for_ages(before: &NodeSnapshot, after: &NodeSnapshot) -> bool {
    before.driver == after.driver
        && same_reading(&before.allocations, &after.allocations)
        && same_list(&before.devices, &after.devices, same_device)
        && same_list(&before.processes, &after.processes, same_process)
}

fn same_list<T>(before: &[T], after: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    before.len() == after.len() && before.iter().zip(after).all(|(a, b)| same(a, b))
}

fn same_device(a: &Device, b: &Device) -> bool {
    a.index == b.index
        && a.uuid == b.uuid
        && a.product == b.product
        && a.kind == b.kind
        && same_reading(&a.memory_total, &b.memory_total)
        && same_reading(&a.memory_used, &b.memory_used)
        && same_reading(&a.utilization, &b.utilization)
        && same_reading(&a.memory_utilization, &b.memory_utilization)
        && same_reading(&a.temperature, &b.temperature)
        && same_reading(&a.power, &b.power)
        && same_reading(&a.power_limit, &b.power_limit)
        && same_reading(&a.throttle_reasons, &b.throttle_reasons)
        && same_reading(&a.health, &b.health)
        && same_idle(&a.idle_for, &b.idle_for)
}

fn same_process(a: &GpuProcess, b: &GpuProcess) -> bool {
    a.pid == b.pid
        && a.start_ticks == b.start_ticks
        && a.device == b.device
        && a.kind == b.kind
        && a.name == b.name
        && a.user == b.user
        && same_reading(&a.memory_used, &b.memory_used)
        && same_reading(&a.sm, &b.sm)
        && same_idle(&a.idle_for, &b.idle_for)
        && a.holder == b.holder
}

fn same_reading<T: PartialEq>(before: &Reading<T>, after: &Reading<T>) -> bool {
    match (before, after) {
        (Reading::Stale { value: a, .. }, Reading::Stale { value: b, .. }) => a == b,
        _ => before == after,
    }
}

/// Idle before and idle after, or busy both times.
fn same_idle(before: &Reading<Duration>, after: &Reading<Duration>) -> bool {
    let idle = |reading: &Reading<Duration>| reading.clone().map(|time| !time.is_zero());
    same_reading(&idle(before), &idle(after))
}
