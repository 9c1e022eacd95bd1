//! Moving: the cursor, from table to table, down into a row and back.

use gputop_fleet::state::{AgentStatus, DeviceRow, ProcessOwner};
use gputop_model::DeviceKind;

use super::actions::Reason;
use super::format;
use super::place::{Cursor, Place, Within};
use super::row::{Row, RowId};
use super::state::State;
use super::view::View;

/// Puts the cursor where its row is now. A row that is gone leaves the cursor where it was.
pub(super) fn settle_cursor(state: &mut State) {
    let cursor = &state.place().cursor;
    let position = cursor
        .selected
        .as_ref()
        .and_then(|id| {
            state
                .rows
                .iter()
                .position(|row| id.is(&state.picture, *row))
        })
        .or_else(|| same_node(state, cursor.selected.as_ref()?));
    let last = state.rows.len().saturating_sub(1);
    // A row that is there only for its parts is not what was looked for.
    let found = |from: usize| (from..=last).find(|index| !state.look(*index).is_context);
    let index = position.unwrap_or_else(|| {
        let index = cursor.index.min(last);
        found(index).or_else(|| found(0)).unwrap_or(index)
    });
    // Until everything has arrived, rows appear above the first one and the cursor stays on top.
    let anchored = cursor.selected.is_some() || is_complete(state);
    // A row that is only filtered out for the moment stays chosen.
    let editing = state.filter_input.is_some();
    let index = if anchored { index } else { 0 };
    let selected = match position {
        Some(_) => id_at(state, index),
        None if editing => cursor.selected.clone(),
        None => anchored.then(|| id_at(state, index)).flatten(),
    };
    state.place_mut().cursor = Cursor { selected, index };
}

/// The devices of a node take the place of its gap, and the other way round.
fn same_node(state: &State, id: &RowId) -> Option<usize> {
    let (RowId::Device(node, _) | RowId::Gap(node)) = id else {
        return None;
    };
    state.rows.iter().position(|row| match row {
        Row::Device(at) => state.picture.devices[*at].node == *node,
        Row::Gap(at) => state.picture.gaps[*at].node == *node,
        _ => false,
    })
}

/// Whether the first lists and the first word of every daemon have arrived.
fn is_complete(state: &State) -> bool {
    state.fleet.is_listed()
        && !state
            .picture
            .nodes
            .iter()
            .any(|row| row.agent == AgentStatus::Connecting)
}

fn id_at(state: &State, index: usize) -> Option<RowId> {
    state
        .rows
        .get(index)
        .and_then(|row| RowId::of(&state.picture, *row))
}

/// Selects the row at `index`, or the last one.
pub(super) fn select(state: &mut State, index: usize) {
    let index = index.min(state.rows.len().saturating_sub(1));
    let selected = id_at(state, index);
    state.place_mut().cursor = Cursor { selected, index };
}

/// Moves the cursor by `by` rows and stops at the ends.
pub(super) fn step(state: &mut State, by: isize) {
    let index = state.place().cursor.index.saturating_add_signed(by);
    select(state, index);
}

/// Goes to a whole table.
pub(super) fn show(state: &mut State, view: View) {
    state.drill.clear();
    state.current = view;
    state.rows_changed = true;
}

/// Goes `by` tables further: among all, or among those that can show what is narrowed to.
pub(super) fn cycle(state: &mut State, by: usize) {
    let place = state.place();
    let views = place.within.views();
    let at = views
        .iter()
        .position(|view| *view == place.view)
        .unwrap_or_default();
    let view = views[(at + by) % views.len()];
    match state.drill.last_mut() {
        None => show(state, view),
        Some(place) => {
            let within = place.within.clone();
            *place = Place {
                view,
                within,
                ..Place::default()
            };
            state.rows_changed = true;
        }
    }
}

/// Goes down into the selected row.
pub(super) fn open(state: &mut State) {
    if let Ok(place) = target(state) {
        let index = state.place().cursor.index;
        select(state, index);
        state.drill.push(place);
        state.rows_changed = true;
    }
}

/// Drops the filter, or else goes back up.
pub(super) fn back(state: &mut State) {
    if !state.place().filter.is_empty() {
        state.place_mut().filter.clear();
    } else if state.drill.pop().is_none() {
        return;
    }
    state.rows_changed = true;
}

/// Where going down from the selected row leads.
pub(super) fn target(state: &State) -> Result<Place, Reason> {
    let picture = &state.picture;
    let place = |view, within| {
        Ok(Place {
            view,
            within,
            ..Place::default()
        })
    };
    match state.selected() {
        None => Err("nothing is selected".into()),
        Some(Row::Node(at)) => {
            let row = &picture.nodes[at];
            if row.devices.is_none() && row.capacity() == 0 {
                return Err("no GPU of this node is known".into());
            }
            place(View::Gpus, Within::Node(row.info.name.clone()))
        }
        Some(Row::Gap(_)) => Err("nothing is known of these GPUs".into()),
        Some(Row::Device(at)) => {
            let row = &picture.devices[at];
            let within = device(row);
            if picture.pods.iter().any(|pod| within.has_pod(picture, pod)) {
                return place(View::Pods, within);
            }
            if picture
                .processes
                .iter()
                .any(|process| within.has_process(picture, process))
            {
                return place(View::Processes, within);
            }
            Err("nobody uses this GPU".into())
        }
        Some(Row::Workload(_)) => Err("its pods are below; - folds them away".into()),
        Some(row @ (Row::Pod(_) | Row::Share(..))) => {
            let key = match row {
                Row::Pod(at) => picture.pods[at].info.key.clone(),
                _ => state.pod()?,
            };
            let Some(info) = state.pod_info(&key) else {
                return Err("the API does not show this pod".into());
            };
            let within = Within::Pod {
                uid: info.uid.clone(),
                key,
            };
            if picture
                .processes
                .iter()
                .any(|process| within.has_process(picture, process))
            {
                return place(View::Processes, within);
            }
            Err("no process of this pod is on a GPU".into())
        }
        Some(Row::Process(at)) => Err(match &picture.processes[at].owner {
            ProcessOwner::Outside(_) => "this process is outside the cluster".into(),
            _ => "processes are the lowest level".into(),
        }),
    }
}

fn device(row: &DeviceRow) -> Within {
    let device = row.device();
    let label = match &device.kind {
        DeviceKind::Gpu { .. } => {
            format!("GPU {} {}", device.index, format::product(&device.product))
        }
        DeviceKind::MigInstance { profile, .. } => format!("GPU {} {profile}", row.label()),
    };
    Within::Device {
        node: row.node.clone(),
        device: device.uuid.clone(),
        label,
    }
}

/// Folds the pods of the selected workload away, or unfolds them. On a pod, its workload is meant.
pub(super) fn fold(state: &mut State) {
    let workload = state
        .selected()
        .and_then(|row| super::names::workload_of(&state.picture, row));
    if let Some(id) = workload {
        if !state.collapsed.remove(&id) {
            state.collapsed.insert(id.clone());
            state.place_mut().cursor.selected = Some(id);
        }
        state.rows_changed = true;
    }
}
