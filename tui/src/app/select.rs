//! Which rows a place shows, in which order.

use std::collections::BTreeSet;

use gputop_fleet::state::{AllocatedTo, DeviceRow, Picture, PodRow, ProcessOwner, ProcessRow};
use gputop_model::{Clock, DeviceKind, NodeName, Phase};

use super::filter::{Filter, Sieve, Texts};
use super::place::{Place, Within};
use super::row::{Look, Row, RowId};
use super::sort::{self, Entry};
use super::tables::Cx;
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
    /// Columns of second rank are shown, so a filter looks at them.
    pub(super) wide: bool,
    /// Pods below their workloads.
    pub(super) pod_tree: bool,
    /// Workloads whose pods are folded away.
    pub(super) collapsed: &'a BTreeSet<RowId>,
}

/// The rows of a place, and how they came to be.
#[derive(Debug, Clone, Default)]
pub(super) struct Chosen {
    /// What is shown, from the top.
    pub(super) rows: Vec<Row>,
    /// How each of them is shown.
    pub(super) looks: Vec<Look>,
    /// Rows that match the filter, folded away or not.
    pub(super) matching: usize,
    /// Rows that there are without it.
    pub(super) of: usize,
    /// What the next time can use.
    pub(super) memory: Memory,
}

/// What need not be made anew with each key.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// The filter, if there is one.
    pub(super) filter: Option<Filter>,
    /// What rows say; of one picture at one time.
    pub(super) texts: Texts,
}

/// The rows of `place`: filtered, sorted, folded. A filter that is the same as in `memory` is not
/// read again.
pub(super) fn choose(selection: Selection<'_>, place: &Place, memory: Memory) -> Chosen {
    let mut entries = entries(selection, place);
    let cx = Cx::new(selection.picture, selection.clock);
    let of = entries.iter().filter(|entry| is_counted(entry.row)).count();
    let Memory { filter, mut texts } = memory;
    let filter = (!place.filter.is_empty()).then(|| {
        filter
            .filter(|known| known.is(place.view, &place.filter))
            .unwrap_or_else(|| Filter::typed(place.view, &place.filter))
    });
    let matching = match &filter {
        None => {
            texts = Texts::default();
            of
        }
        Some(filter) => {
            let mut sieve = Sieve::again(filter, selection.wide, texts);
            let matching = filtered(&mut entries, cx, &mut sieve);
            texts = sieve.into_texts();
            matching
        }
    };
    if let Some(sort) = place.sort {
        sort::sort(cx, place.view, sort, &mut entries);
    }
    unfold(selection, &mut entries);
    Chosen {
        rows: entries.iter().map(|entry| entry.row).collect(),
        looks: entries.iter().map(|entry| entry.look).collect(),
        matching,
        of,
        memory: Memory { filter, texts },
    }
}

/// How many rows the whole table has. What is shown as a part only, a share or the head of a
/// group, is no row of its own.
pub(super) fn count(selection: Selection<'_>, view: View) -> usize {
    let place = Place {
        view,
        ..Place::default()
    };
    let entries = entries(selection, &place);
    entries.iter().filter(|entry| is_counted(entry.row)).count()
}

/// Whether it is a row of its own: shares are units and no devices, and the head of a group is no
/// pod.
const fn is_counted(row: Row) -> bool {
    !matches!(row, Row::Share(..) | Row::Workload(_))
}

/// Keeps what matches, and what a matching row is a part of; returns how many match.
fn filtered(entries: &mut Vec<Entry>, cx: Cx<'_>, sieve: &mut Sieve<'_>) -> usize {
    let mut found = 0;
    for entry in &mut *entries {
        entry.look.is_context = !sieve.keeps(cx, entry.row);
        found += usize::from(!entry.look.is_context && is_counted(entry.row));
    }
    // From the end: whether a part of what is still to come is kept, by depth.
    let mut part_kept = [false; Look::DEEPEST as usize + 2];
    let mut kept = vec![false; entries.len()];
    for (entry, kept) in entries.iter().zip(&mut kept).rev() {
        let depth = usize::from(entry.look.depth.min(Look::DEEPEST));
        let has_part = std::mem::take(&mut part_kept[depth + 1]);
        // The head of a group is there for its pods alone.
        let matches = !entry.look.is_context && !matches!(entry.row, Row::Workload(_));
        *kept = matches || has_part;
        part_kept[depth] |= *kept;
    }
    let mut kept = kept.into_iter();
    entries.retain(|_| kept.next().unwrap_or_default());
    found
}

/// Drops the parts of what is folded.
fn unfold(selection: Selection<'_>, entries: &mut Vec<Entry>) {
    if selection.collapsed.is_empty() {
        return;
    }
    let mut folded: Option<u8> = None;
    entries.retain(|entry| {
        if folded.is_some_and(|depth| entry.look.depth > depth) {
            return false;
        }
        let is_folded = RowId::of(selection.picture, entry.row)
            .is_some_and(|id| selection.collapsed.contains(&id));
        folded = is_folded.then_some(entry.look.depth);
        true
    });
}

fn entries(selection: Selection<'_>, place: &Place) -> Vec<Entry> {
    let Selection {
        picture, namespace, ..
    } = selection;
    let within = &place.within;
    match place.view {
        View::Nodes => (0..picture.nodes.len())
            .map(|at| alone(Row::Node(at)))
            .collect(),
        View::Gpus => gpu_entries(picture, within),
        View::Pods => pod_entries(selection, within),
        View::Processes => picture
            .processes
            .iter()
            .enumerate()
            .filter(|(_, row)| namespace.is_none_or(|wanted| namespace_of(row) == Some(wanted)))
            .filter(|(_, row)| within.has_process(picture, row))
            .map(|(at, _)| alone(Row::Process(at)))
            .collect(),
    }
}

const fn alone(row: Row) -> Entry {
    part(row, 0)
}

/// A row that is a part of the one above with a smaller depth.
const fn part(row: Row, depth: u8) -> Entry {
    Entry {
        row,
        look: Look {
            depth,
            is_context: false,
        },
    }
}

/// Devices, with the gaps in the place where the node's devices would be.
fn gpu_entries(picture: &Picture, within: &Within) -> Vec<Entry> {
    let mut entries = Vec::new();
    // Instances follow their GPU; without it they stand alone.
    let mut parent = None;
    for (at, row) in picture.devices.iter().enumerate() {
        if !within.has_device(picture, row) {
            continue;
        }
        let device = row.device();
        let depth = match &device.kind {
            DeviceKind::Gpu { .. } => {
                parent = Some((&row.node, &device.uuid));
                0
            }
            DeviceKind::MigInstance { parent: of, .. } => u8::from(parent == Some((&row.node, of))),
        };
        entries.push(part(Row::Device(at), depth));
        let shares = shares(row, within);
        entries.extend(shares.map(|holder| part(Row::Share(at, holder), depth + 1)));
    }
    if within.views().contains(&View::Gpus) && !matches!(within, Within::Pod { .. }) {
        let gaps = picture.gaps.iter().enumerate();
        entries.extend(
            gaps.filter(|(_, gap)| within.has_node(&gap.node))
                .map(|(at, _)| alone(Row::Gap(at))),
        );
        entries.sort_by(|a, b| node_of(picture, a.row).cmp(&node_of(picture, b.row)));
    }
    entries
}

/// Those who have a share of the device, by position among its holders, in the order of shares.
fn shares(row: &DeviceRow, within: &Within) -> impl Iterator<Item = usize> + use<> {
    let holders = row.allocated_to.iter().flatten().enumerate();
    let here = |to: &AllocatedTo| match within {
        Within::Pod { key, .. } => *to.namespace == *key.namespace && *to.pod == *key.name,
        Within::Everything | Within::Node(_) | Within::Device { .. } => true,
    };
    let mut shares: Vec<(u32, usize)> = holders
        .filter(|(_, to)| here(to))
        .filter_map(|(at, to)| Some((to.device_id.share()?, at)))
        .collect();
    shares.sort_unstable();
    shares.into_iter().map(|(_, at)| at)
}

fn node_of(picture: &Picture, row: Row) -> Option<&NodeName> {
    super::tables::node_of(picture, row)
}

fn pod_entries(selection: Selection<'_>, within: &Within) -> Vec<Entry> {
    let Selection {
        picture,
        all_pods,
        namespace,
        ..
    } = selection;
    let is_shown = |row: &PodRow| {
        namespace.is_none_or(|wanted| *wanted == *row.info.key.namespace)
            && (all_pods || is_of_interest(row))
            && within.has_pod(picture, row)
    };
    if !selection.pod_tree {
        let pods = picture.pods.iter().enumerate();
        return pods
            .filter(|(_, row)| is_shown(row))
            .map(|(at, _)| alone(Row::Pod(at)))
            .collect();
    }
    let mut entries = Vec::new();
    for (at, workload) in picture.workloads.iter().enumerate() {
        // A pod that nobody owns is its own workload.
        let depth = u8::from(workload.kind != "Pod");
        let head = entries.len();
        let pods = workload.pods.iter().copied();
        let shown = pods.filter(|pod| picture.pods.get(*pod).is_some_and(&is_shown));
        entries.extend(shown.map(|pod| part(Row::Pod(pod), depth)));
        if depth > 0 && entries.len() > head {
            entries.insert(head, alone(Row::Workload(at)));
        }
    }
    entries
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
