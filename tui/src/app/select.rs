//! Which rows a place shows, in which order.

use gputop_fleet::state::{Picture, PodRow, ProcessOwner, ProcessRow};
use gputop_model::{Clock, Phase};

use super::place::Place;
use super::row::Row;
use super::tables::{self, Cx};
use super::view::View;

/// What decides on the rows apart from the place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selection<'a> {
    pub(super) picture: &'a Picture,
    pub(super) clock: Clock,
    /// Pods that do not concern GPUs too.
    pub(super) all_pods: bool,
    /// Pods and processes of this namespace only.
    pub(super) namespace: Option<&'a str>,
}

/// The rows of `place`, filtered.
pub(super) fn rows(selection: Selection<'_>, place: &Place) -> Vec<Row> {
    let mut rows = unfiltered(selection, place);
    if !place.filter.is_empty() {
        let needle = place.filter.to_lowercase();
        let cx = Cx::new(selection.picture, selection.clock);
        rows.retain(|row| tables::contains(cx, place.view, *row, &needle));
    }
    rows
}

fn unfiltered(selection: Selection<'_>, place: &Place) -> Vec<Row> {
    let Selection {
        picture,
        all_pods,
        namespace,
        ..
    } = selection;
    let here = |of: Option<&str>| namespace.is_none_or(|wanted| of == Some(wanted));
    let within = &place.within;
    match place.view {
        View::Nodes => (0..picture.nodes.len()).map(Row::Node).collect(),
        View::Gpus => gpu_rows(picture, place),
        View::Pods => picture
            .pods
            .iter()
            .enumerate()
            .filter(|(_, row)| here(Some(&row.info.key.namespace)))
            .filter(|(_, row)| (all_pods || is_of_interest(row)) && within.has_pod(picture, row))
            .map(|(at, _)| Row::Pod(at))
            .collect(),
        View::Processes => picture
            .processes
            .iter()
            .enumerate()
            .filter(|(_, row)| here(namespace_of(row)))
            .filter(|(_, row)| within.has_process(picture, row))
            .map(|(at, _)| Row::Process(at))
            .collect(),
    }
}

/// Devices, with the gaps in the place where the node's devices would be.
fn gpu_rows(picture: &Picture, place: &Place) -> Vec<Row> {
    let within = &place.within;
    let mut rows: Vec<Row> = picture
        .devices
        .iter()
        .enumerate()
        .filter(|(_, row)| within.has_device(picture, row))
        .map(|(at, _)| Row::Device(at))
        .collect();
    if within.views().contains(&View::Gpus) && !matches!(within, super::place::Within::Pod { .. }) {
        let gaps = picture.gaps.iter().enumerate();
        rows.extend(
            gaps.filter(|(_, gap)| within.has_node(&gap.node))
                .map(|(at, _)| Row::Gap(at)),
        );
        rows.sort_by(|a, b| node_of(picture, *a).cmp(&node_of(picture, *b)));
    }
    rows
}

fn node_of(picture: &Picture, row: Row) -> Option<&gputop_model::NodeName> {
    match row {
        Row::Device(at) => picture.devices.get(at).map(|row| &row.node),
        Row::Gap(at) => picture.gaps.get(at).map(|gap| &gap.node),
        _ => None,
    }
}

fn namespace_of(row: &ProcessRow) -> Option<&str> {
    match &row.owner {
        ProcessOwner::Pod { namespace, .. } => Some(namespace),
        _ => None,
    }
}

/// Pods that concern GPUs and are not done.
fn is_of_interest(row: &PodRow) -> bool {
    row.concerns_gpus() && row.info.phase != Phase::Succeeded
}
