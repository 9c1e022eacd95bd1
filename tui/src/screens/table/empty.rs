//! What is said where there is not a single row.

use gputop_fleet::state::{WatchState, Watched};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::MARGIN;
use crate::app::api::Api;
use crate::app::filter::Filter;
use crate::app::format;
use crate::app::place::Within;
use crate::app::tables::{Piece, Tone};
use crate::app::{State, View};
use crate::widgets::text;

/// Why there is not a single row.
pub(super) fn draw(state: &State, area: Rect, buf: &mut Buffer) {
    let place = state.place();
    let message = if let (Some(filter), (_, of @ 1..)) = (state.filter(), state.found()) {
        nothing_found(&place.filter, filter, of)
    } else if let Api::Connecting = state.api() {
        "Asking the API server for nodes and pods…".to_owned()
    } else if let Api::Lost { shown: false, .. } = state.api() {
        "The API server has not answered yet.".to_owned()
    } else {
        nothing(state, place.view, &place.within)
    };
    let first = u16::from(area.height > 4);
    let message = [Piece::new(message, Tone::Muted)];
    let lines = text::wrap(&message, area.width.saturating_sub(2 * (MARGIN + 1)));
    for (y, words) in (first..area.height).zip(lines) {
        let line = text::skip(text::line(area, y), MARGIN + 1);
        text::put_pieces(buf, line, &words, &state.theme);
    }
}

/// That a filter lets nothing through, and what may be wrong with it.
fn nothing_found(text: &str, filter: &Filter, of: usize) -> String {
    let of = format::count(of, "row");
    match filter.problem() {
        Some(problem) => {
            let problem = problem.to_string();
            let end = if problem.ends_with('?') { "" } else { "." };
            format!("None of {of}. {problem}{end} Esc drops the filter.")
        }
        None => format!("None of {of} is like “{text}”. Esc drops the filter."),
    }
}

/// That no pod has to do with GPUs, and what there is beside.
fn no_pods(state: &State) -> String {
    let hidden = state.hidden_pods();
    let all = format::count(hidden, "pod");
    match (&state.namespace, hidden) {
        (Some(namespace), 0) => {
            let namespace = format::one_line(namespace);
            format!("Namespace {namespace} has no pods. 0 shows all namespaces.")
        }
        (Some(namespace), _) => {
            let namespace = format::one_line(namespace);
            format!("No pod of namespace {namespace} asks for a GPU. a shows all ({all}).")
        }
        (None, _) => format!("No pod asks for a GPU. a shows all ({all})."),
    }
}

fn nothing(state: &State, view: View, within: &Within) -> String {
    let narrowed = *within != Within::Everything;
    let forbidden = |watched| matches!(state.fleet.watch(watched), WatchState::Forbidden { .. });
    if forbidden(Watched::Nodes) && view != View::Pods {
        return "You have no right to list the nodes of this cluster.".to_owned();
    }
    if forbidden(Watched::Pods) && view != View::Nodes {
        return "You have no right to list the pods of this cluster.".to_owned();
    }
    match view {
        View::Nodes => "The cluster has no nodes.".to_owned(),
        View::Gpus if narrowed => "No GPU here.".to_owned(),
        View::Gpus => "No GPU is known in this cluster. The Nodes table says why.".to_owned(),
        View::Pods if narrowed => "No pod here holds or uses a GPU.".to_owned(),
        View::Pods => no_pods(state),
        View::Processes if narrowed => "No process here.".to_owned(),
        View::Processes if state.session.agents => "No process is on a GPU.".to_owned(),
        View::Processes => "Processes come from the daemons, and those were not asked.".to_owned(),
    }
}
