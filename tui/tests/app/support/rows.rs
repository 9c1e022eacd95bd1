//! What the rows of a table are called, shortly.

use gputop_k3s::app::State;
use gputop_k3s::app::row::Row;
use gputop_k3s::app::tables;

fn name(state: &State, row: Row) -> String {
    let picture = &state.picture;
    match row {
        Row::Node(at) => picture.nodes[at].info.name.to_string(),
        Row::Device(at) => {
            let row = &picture.devices[at];
            format!("{}:{}", row.node, tables::product_of(row))
        }
        Row::Gap(at) => format!("{}:gap", picture.gaps[at].node),
        Row::Share(at, holder) => {
            let row = &picture.devices[at];
            let to = row.allocated_to.iter().flatten().nth(holder);
            format!(
                "{}:{}",
                row.node,
                to.map(tables::share_name).unwrap_or_default()
            )
        }
        Row::Workload(at) => format!("[{}]", picture.workloads[at].name),
        Row::Pod(at) => picture.pods[at].info.key.name.to_string(),
        Row::Process(at) => picture.processes[at].process().name.clone(),
    }
}

/// The names of the rows, from the top.
pub(crate) fn shown(state: &State) -> Vec<String> {
    state.rows().iter().map(|row| name(state, *row)).collect()
}
