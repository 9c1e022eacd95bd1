//! Carrying out actions.

use tui_input::Input;

use super::actions::{ActionId, Motion};
use super::layers::{self, Layer, PageKind, PickerKind, Prompt};
use super::row::{Row, RowId};
use super::sort::{self, Sort};
use super::state::State;
use super::update::{Effect, Seek};
use super::{names, navigation, pages, pickers, wishes};

/// Carries out an action that can be done now.
pub(super) fn perform(state: &mut State, action: ActionId) -> Vec<Effect> {
    match action {
        ActionId::Quit => return vec![Effect::Quit],
        ActionId::Suspend => return vec![Effect::Suspend],
        ActionId::Help => state.layers.push(Layer::Help { scroll: 0 }),
        ActionId::Palette => return pickers::open(state, PickerKind::Palette),
        ActionId::Sort => return pickers::open(state, PickerKind::Sort),
        ActionId::Namespace => return pickers::open(state, PickerKind::Namespace),
        ActionId::Context => return pickers::open(state, PickerKind::Context),
        ActionId::Theme => return pickers::open(state, PickerKind::Theme),
        ActionId::Container => return pickers::open(state, PickerKind::LogContainer),
        ActionId::Describe => return pages::open(state, PageKind::Describe),
        ActionId::Yaml => return pages::open(state, PageKind::Yaml),
        ActionId::Events => return pages::open(state, PageKind::Events),
        ActionId::Alerts => pages::alerts(state),
        ActionId::Logs => return pages::open(state, PageKind::Logs),
        ActionId::Shell => return pickers::shell(state),
        ActionId::CloseLayer => return pages::close(state),
        ActionId::Move(motion) => travel(state, motion),
        ActionId::Filter => {
            state.filter_input = Some(Input::new(state.place().filter.clone()));
        }
        ActionId::Accept => return accept(state),
        ActionId::Cancel => cancel(state),
        ActionId::Show(view) => navigation::show(state, view),
        ActionId::NextView => navigation::cycle(state, 1),
        ActionId::PreviousView => {
            let views = state.place().within.views().len();
            navigation::cycle(state, views - 1);
        }
        ActionId::Open => navigation::open(state),
        ActionId::Back => navigation::back(state),
        ActionId::AllPods => toggle(state, |state| &mut state.all_pods),
        ActionId::Tree => toggle(state, |state| &mut state.pod_tree),
        ActionId::Wide => {
            toggle(state, |state| &mut state.wide);
            state.place_mut().shift = 0;
        }
        ActionId::ColumnsRight => {
            // As far as it was drawn: a larger screen may have taken some back.
            let shown = state.layout.columns_before;
            state.place_mut().shift = shown + 1;
        }
        ActionId::ColumnsLeft => {
            let shown = state.layout.columns_before;
            state.place_mut().shift = shown.saturating_sub(1);
        }
        ActionId::Fold => navigation::fold(state),
        ActionId::AllNamespaces => {
            let other = state.last_namespace.take();
            state.last_namespace = std::mem::replace(&mut state.namespace, other);
            state.rows_changed = true;
        }
        ActionId::ReverseSort => reverse(state),
        ActionId::Mark => mark(state),
        ActionId::Unmark => state.marks.clear(),
        ActionId::Copy => return copy(state),
        ActionId::Pause => state.pause(),
        ActionId::TellMe => {
            let example = wishes::suggestion(state);
            state
                .layers
                .push(Layer::Prompt(Box::new(Prompt::new(example))));
        }
        ActionId::SeekBack => return vec![Effect::Seek(Seek::Back)],
        ActionId::SeekOn => return vec![Effect::Seek(Seek::On)],
        ActionId::Search => {
            if let Some(Layer::Page(page)) = state.layers.last_mut() {
                page.search.input = Some(Input::default());
            }
        }
        ActionId::NextHit => pages::hit(state, true),
        ActionId::PreviousHit => pages::hit(state, false),
        ActionId::Wrap => {
            if let Some(Layer::Page(page)) = state.layers.last_mut() {
                page.wrap = !page.wrap;
            }
        }
        ActionId::Follow => {
            let last = state.layout.page_text.last_top;
            if let Some(Layer::Page(page)) = state.layers.last_mut() {
                page.follow = !page.follow;
                page.top = last;
            }
        }
        ActionId::PreviousLogs => {
            return pages::with_page(state, |state, page| {
                page.previous = !page.previous;
                page.follow = true;
                pages::ask(state, page)
            });
        }
    }
    Vec::new()
}

fn toggle(state: &mut State, flag: impl FnOnce(&mut State) -> &mut bool) {
    let flag = flag(state);
    *flag = !*flag;
    state.rows_changed = true;
}

/// Moves in what is on top.
fn travel(state: &mut State, motion: Motion) {
    let page = isize::try_from(state.layout.page().saturating_sub(1).max(1)).unwrap_or(1);
    let lines = match motion {
        Motion::Down => 1,
        Motion::Up => -1,
        Motion::PageDown => page,
        Motion::PageUp => -page,
        Motion::First => isize::MIN / 2,
        Motion::Last => isize::MAX / 2,
    };
    match state.layers.last_mut() {
        Some(Layer::Help { scroll }) => layers::turn(scroll, lines, state.layout.help_overflow),
        Some(Layer::Page(_)) => pages::scroll(state, motion),
        Some(Layer::Picker(picker)) => picker.step(lines),
        Some(Layer::Prompt(_)) => {}
        None => match motion {
            Motion::First => navigation::select(state, 0),
            Motion::Last => navigation::select(state, usize::MAX),
            _ => navigation::step(state, lines),
        },
    }
}

/// Enter, where something was entered.
fn accept(state: &mut State) -> Vec<Effect> {
    match state.layers.last_mut() {
        Some(Layer::Picker(_)) => return pickers::choose(state),
        Some(Layer::Prompt(_)) => return wishes::accept(state),
        Some(Layer::Page(page)) => {
            page.search.input = None;
            pages::hit(state, true);
        }
        Some(Layer::Help { .. }) => {}
        None => {
            state.filter_input = None;
            state.rows_changed = true;
        }
    }
    Vec::new()
}

/// Escape, where something was entered.
fn cancel(state: &mut State) {
    if let Some(Layer::Page(page)) = state.layers.last_mut() {
        page.search = super::layers::Search::default();
    } else {
        state.filter_input = None;
        state.place_mut().filter.clear();
        state.rows_changed = true;
    }
}

fn reverse(state: &mut State) {
    let view = state.place().view;
    let sort = match state.place().sort {
        Some(sort) => Some(Sort {
            descending: !sort.descending,
            ..sort
        }),
        // The own order begins with the first column.
        None => sort::columns(view).first().map(|column| Sort {
            column,
            descending: true,
        }),
    };
    state.place_mut().sort = sort;
    state.rows_changed = true;
}

/// Marks the row or takes the mark away, and goes on to the next.
fn mark(state: &mut State) {
    let id = state
        .selected()
        .and_then(|row| RowId::of(&state.picture, row));
    if let Some(id) = id {
        if !state.marks.remove(&id) {
            state.marks.insert(id);
        }
        navigation::step(state, 1);
    }
}

/// The text of the page, or the names of the marked rows, or that of the selected one.
fn copy(state: &mut State) -> Vec<Effect> {
    let text = if let Some(page) = state.page() {
        page.lines.iter().flat_map(|line| [line, "\n"]).collect()
    } else {
        let rows: Vec<Row> = if state.marks.is_empty() {
            state.selected().into_iter().collect()
        } else {
            let marked = |row: &Row| state.marks.iter().any(|id| id.is(&state.picture, *row));
            state.rows().iter().copied().filter(marked).collect()
        };
        let names: Vec<String> = rows
            .into_iter()
            .map(|row| names::name_of(&state.picture, row))
            .collect();
        names.join("\n")
    };
    if text.is_empty() {
        state.say("nothing to copy here");
        return Vec::new();
    }
    let lines = text.lines().count();
    state.say(match lines {
        1 => format!("copied {}", text.trim_end()),
        _ => format!("copied {lines} lines"),
    });
    vec![Effect::Copy(text)]
}
