//! A share of a device (time-slicing, MPS) as a part of it: what its pod does there.

use gputop_fleet::state::{AllocatedTo, DeviceRow, DeviceState, PodRow, ProcessOwner, ProcessRow};
use gputop_model::{Bytes, PodKey};

use super::cell::{Cell, Piece, Tone};
use super::column::Column;
use super::gpus::{held_by, node_name, process_count, processes_of};
use super::state_sign::{sign, state_tone};
use super::{Branch, Cx};

/// The cell of a column of the devices' table.
pub(super) fn cell(cx: &Cx<'_>, column: &Column, row: &DeviceRow, to: &AllocatedTo) -> Cell {
    let again = is_again(row, to);
    match column.title {
        // What its pod does is said once.
        "UTIL" | "VRAM" | "PROC" if again => Cell::default(),
        "NODE" => node_name(cx, &row.node),
        "GPU" => Cell::new(row.device().index.to_string(), Tone::Faint),
        "PRODUCT" => Cell::of(vec![
            Piece::new(cx.branch.map_or("", Branch::sign), Tone::Faint),
            Piece::new(name(to), Tone::Plain),
        ]),
        "STATE" => {
            let state = state(cx, to);
            Cell::new(
                format!("{} {}", sign(state), state.name()),
                state_tone(state),
            )
        }
        "UTIL" => Cell::known(utilization(cx, row, to), |percent| {
            Cell::new(format!("{percent}%"), Tone::Muted)
        }),
        "VRAM" => Cell::known(memory(cx, row, to), |bytes| {
            Cell::new(bytes.to_string(), Tone::Plain)
        }),
        "HELD BY" => Cell {
            stale: row.holders_age.is_some(),
            ..Cell::new(held_by(to), Tone::Plain)
                .or_short(vec![Piece::new(to.pod.clone(), Tone::Plain)])
        },
        "PROC" => process_count(process_number(cx, row, to)),
        _ => Cell::default(),
    }
}

/// Whether its pod has a share of the device with a lower number too.
fn is_again(row: &DeviceRow, to: &AllocatedTo) -> bool {
    let holders = row.allocated_to.iter().flatten();
    let mut of_pod = holders.filter(|other| other.namespace == to.namespace && other.pod == to.pod);
    of_pod.any(|other| other.device_id.share() < to.device_id.share())
}

/// `share 3`.
#[must_use]
pub fn name(to: &AllocatedTo) -> String {
    match to.device_id.share() {
        Some(share) => format!("share {share}"),
        None => "share".to_owned(),
    }
}

/// Idle if its pod is; else nobody can tell what a share alone does.
pub(super) fn state(cx: &Cx<'_>, to: &AllocatedTo) -> DeviceState {
    match pod(cx, to) {
        Some(pod) if pod.idle_since.is_some() => DeviceState::Idle,
        _ => DeviceState::Allocated,
    }
}

/// The pod that has the share. Pods are sorted by namespace and name.
fn pod<'a>(cx: &Cx<'a>, to: &AllocatedTo) -> Option<&'a PodRow> {
    let key = PodKey::new(&*to.namespace, &*to.pod);
    let pods = &cx.picture.pods;
    let at = pods.binary_search_by(|row| row.info.key.cmp(&key)).ok()?;
    pods.get(at)
}

/// Its pod's processes on the device.
fn processes<'a>(
    cx: &Cx<'a>,
    row: &'a DeviceRow,
    to: &'a AllocatedTo,
) -> impl Iterator<Item = &'a ProcessRow> + use<'a> {
    let all = &cx.picture.processes;
    row.processes
        .iter()
        .filter_map(|at| all.get(*at))
        .filter(|process| {
            matches!(&process.owner, ProcessOwner::Pod { namespace, pod, .. }
                if *namespace == to.namespace && *pod == to.pod)
        })
}

/// How many they are; `None`: nobody lists the processes of the device.
pub(super) fn process_number(cx: &Cx<'_>, row: &DeviceRow, to: &AllocatedTo) -> Option<usize> {
    processes_of(row).map(|_seen| processes(cx, row, to).count())
}

/// Memory that its pod holds on the device; `None`: not known of all its processes, or said of
/// another share of the pod.
pub(super) fn memory(cx: &Cx<'_>, row: &DeviceRow, to: &AllocatedTo) -> Option<Bytes> {
    row.device().process_count.known()?;
    if is_again(row, to) {
        return None;
    }
    processes(cx, row, to)
        .map(|process| process.process().memory_used.get())
        .sum()
}

/// What its pod's processes take of the device's time, in percent; `None` as for [`memory`].
pub(super) fn utilization(cx: &Cx<'_>, row: &DeviceRow, to: &AllocatedTo) -> Option<u8> {
    row.device().process_count.known()?;
    if is_again(row, to) {
        return None;
    }
    let shares = processes(cx, row, to).map(|process| process.process().sm.get());
    let sum = shares
        .map(|sm| sm.map(|percent| u32::from(percent.0)))
        .sum::<Option<u32>>()?;
    u8::try_from(sum.min(100)).ok()
}
