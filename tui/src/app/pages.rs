//! Opening pages of text, filling them, moving in them.

use gputop_fleet::connect::Problem;
use gputop_fleet::inspect::{Answer, Ask, AskId, EventInfo, LogRequest, Rights, Subject};
use gputop_model::Clock;

use super::actions::Motion;
use super::format;
use super::layers::{Layer, Page, PageKind};
use super::row::{Row, RowId};
use super::state::State;
use super::update::Effect;

/// Lines of a log that are asked for at first.
const LOG_TAIL: u32 = 2_000;

/// Opens a page about the selected row.
pub(super) fn open(state: &mut State, kind: PageKind) -> Vec<Effect> {
    let Some(row) = state.selected() else {
        return Vec::new();
    };
    let Some(id) = RowId::of(&state.picture, row) else {
        return Vec::new();
    };
    let subject = match kind {
        PageKind::Describe if matches!(row, Row::Device(_) | Row::Process(_)) => None,
        PageKind::Logs => state.pod().ok().map(Subject::Pod),
        _ => state.subject().ok(),
    };
    let title = match &subject {
        Some(Subject::Node(name)) => format!("node {name}"),
        Some(Subject::Pod(key)) => format!("pod {key}"),
        None => super::names::name_of(&state.picture, row),
    };
    let mut page = Page::new(kind, Some(id), title, subject);
    let effects = ask(state, &mut page);
    state.layers.push(Layer::Page(Box::new(page)));
    effects
}

/// Opens the page of what is wrong.
pub(super) fn alerts(state: &mut State) {
    let page = Page::new(PageKind::Alerts, None, "the whole cluster".to_owned(), None);
    state.layers.push(Layer::Page(Box::new(page)));
}

/// Asks for the text of a page anew.
pub(super) fn ask(state: &mut State, page: &mut Page) -> Vec<Effect> {
    let mut effects: Vec<Effect> = page.ask.take().map(Effect::Cancel).into_iter().collect();
    page.lines.clear();
    page.dropped = 0;
    page.problem = None;
    page.top = 0;
    let Some(subject) = page.subject.clone() else {
        return effects;
    };
    if state.session.replay {
        return effects;
    }
    let question = match (page.kind, subject) {
        (PageKind::Describe, subject) => Ask::Describe(subject),
        (PageKind::Yaml, subject) => Ask::Manifest(subject),
        (PageKind::Events, subject) => Ask::Events(subject),
        (PageKind::Logs, Subject::Pod(pod)) => Ask::Logs(LogRequest {
            pod,
            container: page.container.clone(),
            previous: page.previous,
            follow: !page.previous,
            tail: LOG_TAIL,
            timestamps: false,
        }),
        (PageKind::Logs, Subject::Node(_)) | (PageKind::Alerts, _) => return effects,
    };
    let id = state.next_ask();
    page.ask = Some(id);
    effects.push(Effect::Ask(id, question));
    effects
}

/// Takes the page from the top, changes it, and puts it back.
pub(super) fn with_page(
    state: &mut State,
    change: impl FnOnce(&mut State, &mut Page) -> Vec<Effect>,
) -> Vec<Effect> {
    match state.layers.pop() {
        Some(Layer::Page(mut page)) => {
            let effects = change(state, &mut page);
            state.layers.push(Layer::Page(page));
            effects
        }
        Some(other) => {
            state.layers.push(other);
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Closes the topmost layer and drops what it still waits for.
pub(super) fn close(state: &mut State) -> Vec<Effect> {
    let ask = match state.layers.pop() {
        Some(Layer::Page(page)) => page.ask,
        Some(Layer::Picker(picker)) => picker.ask,
        _ => None,
    };
    ask.map(Effect::Cancel).into_iter().collect()
}

/// Gives an answer to whoever has asked.
pub(super) fn answer(state: &mut State, id: AskId, answer: Answer) -> Vec<Effect> {
    match answer {
        Answer::Rights(rights) => return learn(state, rights),
        answer => {
            if let Answer::Namespaces(names) = &answer {
                state.namespaces.clone_from(names);
            }
            hand_over(state, id, answer);
        }
    }
    Vec::new()
}

/// Takes over what the user may do. Who may not see the pods of all namespaces sees those of their
/// own: what may be done there is another question.
fn learn(state: &mut State, rights: Rights) -> Vec<Effect> {
    if rights.list_all_pods == Some(false) && state.rights_in.is_none() {
        let own = Some(state.session.namespace.clone());
        state.rights_in.clone_from(&own);
        return vec![Effect::Ask(state.next_ask(), Ask::Rights(own))];
    }
    state.rights = rights;
    Vec::new()
}

fn hand_over(state: &mut State, id: AskId, answer: Answer) {
    let clock = state.clock;
    for layer in &mut state.layers {
        match layer {
            Layer::Page(page) if page.ask == Some(id) => {
                if answer.is_last() {
                    page.ask = None;
                }
                return fill(page, answer, clock);
            }
            Layer::Picker(picker) if picker.ask == Some(id) => {
                picker.ask = None;
                if let Answer::Namespaces(names) = answer {
                    super::pickers::offer_namespaces(picker, &names);
                }
                return;
            }
            _ => {}
        }
    }
}

fn fill(page: &mut Page, answer: Answer, clock: Clock) {
    match answer {
        Answer::Manifest(text) | Answer::Describe(text) => page.set(&text),
        Answer::Events(events) => {
            page.lines = event_lines(&events, clock).into();
            if page.lines.is_empty() {
                page.problem = Some(Problem {
                    what: "The API server has no events of this object.".to_owned(),
                    fix: "Events are kept for an hour, as a rule.".to_owned(),
                });
            }
        }
        Answer::LogLines(lines) => page.extend(lines),
        Answer::LogEnded(problem) => {
            page.problem = problem;
            if page.lines.is_empty() && page.problem.is_none() {
                page.problem = Some(Problem {
                    what: "The log is empty.".to_owned(),
                    fix: String::new(),
                });
            }
        }
        Answer::Failed(problem) => page.problem = Some(problem),
        Answer::Rights(_) | Answer::Namespaces(_) => {}
    }
}

/// Events as lines: when, how often, what.
fn event_lines(events: &[EventInfo], clock: Clock) -> Vec<String> {
    events
        .iter()
        .map(|event| {
            let age = event.last.map_or_else(
                || format::UNKNOWN.to_owned(),
                |last| format!("{} ago", format::age(clock.age(last))),
            );
            let times = if event.count > 1 {
                format!(" ({}×)", event.count)
            } else {
                String::new()
            };
            let sign = if event.is_warning() { "▲" } else { " " };
            let source = if event.source.is_empty() {
                String::new()
            } else {
                format!("  [{}]", event.source)
            };
            format!(
                "{sign} {age:>10}  {}{times}: {}{source}",
                event.reason,
                format::one_line(&event.message)
            )
        })
        .collect()
}

/// Moves in the page on top.
pub(super) fn scroll(state: &mut State, motion: Motion) {
    let drawn = state.layout.page_text;
    let Some(Layer::Page(page)) = state.layers.last_mut() else {
        return;
    };
    let height = usize::from(drawn.height).max(2) - 1;
    let from = if page.follow {
        drawn.last_top
    } else {
        page.top
    };
    let top = match motion {
        Motion::Down => from.saturating_add(1),
        Motion::Up => from.saturating_sub(1),
        Motion::PageDown => from.saturating_add(height),
        Motion::PageUp => from.saturating_sub(height),
        Motion::First => 0,
        Motion::Last => usize::MAX,
    };
    page.top = top.min(drawn.last_top);
    // At the end of a log one wants to stay at the end.
    page.follow = page.kind == PageKind::Logs
        && page.top >= drawn.last_top
        && matches!(motion, Motion::Down | Motion::PageDown | Motion::Last);
}

/// Scrolls by lines, as the wheel does.
pub(super) fn scroll_by(state: &mut State, by: isize) {
    for _ in 0..by.unsigned_abs() {
        scroll(state, if by < 0 { Motion::Up } else { Motion::Down });
    }
}

/// Goes to the next line with a hit, or the one before.
pub(super) fn hit(state: &mut State, forward: bool) {
    let last_top = state.layout.page_text.last_top;
    let hits = std::mem::take(&mut state.layout.hits);
    if let Some(Layer::Page(page)) = state.layers.last_mut() {
        let top = if page.follow { last_top } else { page.top };
        let next = if forward {
            hits.iter().find(|at| **at > top).or(hits.first())
        } else {
            hits.iter().rev().find(|at| **at < top).or(hits.last())
        };
        if let Some(next) = next {
            page.follow = false;
            page.top = *next;
        }
    }
    state.layout.hits = hits;
}
