//! The rows of the registry that belong to what lies over the tables.

use crossterm::event::KeyCode;

use super::{Action, ActionId, Motion, Scope, action};
use crate::app::keys::Chord;
use crate::app::state::State;

const fn code(code: KeyCode) -> Chord {
    Chord::key(code)
}

const DOWN: &[Chord] = &[code(KeyCode::Down), Chord::char('j')];
const UP: &[Chord] = &[code(KeyCode::Up), Chord::char('k')];
const PAGE_DOWN: &[Chord] = &[code(KeyCode::PageDown), Chord::ctrl('f'), Chord::char(' ')];
const PAGE_UP: &[Chord] = &[code(KeyCode::PageUp), Chord::ctrl('b')];
const FIRST: &[Chord] = &[Chord::char('g'), code(KeyCode::Home)];
const LAST: &[Chord] = &[Chord::char('G'), code(KeyCode::End)];
const ENTER: &[Chord] = &[code(KeyCode::Enter)];
const ESC: &[Chord] = &[code(KeyCode::Esc)];

pub(super) static ACTIONS: &[Action] = &[
    action(
        ActionId::Accept,
        "keep-filter",
        Scope::Filter,
        ENTER,
        "keep the filter",
    )
    .hint(10, |_| "keep filter".into()),
    action(
        ActionId::Cancel,
        "drop-filter",
        Scope::Filter,
        ESC,
        "drop the filter",
    )
    .hint(20, |_| "drop filter".into()),
    // Help
    action(
        ActionId::CloseLayer,
        "close-help",
        Scope::Help,
        &[
            code(KeyCode::Esc),
            Chord::char('?'),
            code(KeyCode::F(1)),
            code(KeyCode::Enter),
        ],
        "close this page",
    )
    .hint(10, |_| "close".into()),
    action(
        ActionId::Move(Motion::Down),
        "help-down",
        Scope::Help,
        DOWN,
        "scroll down",
    )
    .hint(5, |_| "more below".into())
    .when(State::has_more_help),
    action(
        ActionId::Move(Motion::Up),
        "help-up",
        Scope::Help,
        UP,
        "scroll up",
    ),
    action(
        ActionId::Move(Motion::PageDown),
        "help-page-down",
        Scope::Help,
        PAGE_DOWN,
        "screen down",
    ),
    action(
        ActionId::Move(Motion::PageUp),
        "help-page-up",
        Scope::Help,
        PAGE_UP,
        "screen up",
    ),
    action(
        ActionId::Move(Motion::First),
        "help-first",
        Scope::Help,
        FIRST,
        "to the beginning",
    ),
    action(
        ActionId::Move(Motion::Last),
        "help-last",
        Scope::Help,
        LAST,
        "to the end",
    ),
    action(
        ActionId::Quit,
        "quit-from-help",
        Scope::Help,
        &[Chord::char('q')],
        "quit",
    )
    .hint(90, |_| "quit".into()),
    // Pages of text
    action(
        ActionId::CloseLayer,
        "close-page",
        Scope::Page,
        ESC,
        "back to the table",
    )
    .hint(10, |_| "back".into()),
    action(
        ActionId::Move(Motion::Down),
        "page-line-down",
        Scope::Page,
        DOWN,
        "line below",
    ),
    action(
        ActionId::Move(Motion::Up),
        "page-line-up",
        Scope::Page,
        UP,
        "line above",
    ),
    action(
        ActionId::Move(Motion::PageDown),
        "page-screen-down",
        Scope::Page,
        PAGE_DOWN,
        "screen down",
    ),
    action(
        ActionId::Move(Motion::PageUp),
        "page-screen-up",
        Scope::Page,
        PAGE_UP,
        "screen up",
    ),
    action(
        ActionId::Move(Motion::First),
        "page-first",
        Scope::Page,
        FIRST,
        "to the beginning",
    ),
    action(
        ActionId::Move(Motion::Last),
        "page-last",
        Scope::Page,
        LAST,
        "to the end",
    ),
    action(
        ActionId::Search,
        "search",
        Scope::Page,
        &[Chord::char('/')],
        "search in the text",
    )
    .hint(30, |_| "search".into()),
    action(
        ActionId::NextHit,
        "next-hit",
        Scope::Page,
        &[Chord::char('n')],
        "next hit",
    )
    .hint(31, |_| "next".into())
    .when(State::has_search),
    action(
        ActionId::PreviousHit,
        "previous-hit",
        Scope::Page,
        &[Chord::char('N')],
        "hit before",
    )
    .hint(32, |_| "before".into())
    .when(State::has_search),
    action(
        ActionId::Wrap,
        "wrap",
        Scope::Page,
        &[Chord::char('w')],
        "break long lines, or cut them",
    )
    .hint(40, |_| "wrap".into()),
    action(
        ActionId::Follow,
        "follow",
        Scope::Page,
        &[Chord::char('f')],
        "follow the end of the log, or stay",
    )
    .hint(20, State::follow_label)
    .when(State::is_log),
    action(
        ActionId::Container,
        "container",
        Scope::Page,
        &[Chord::char('c')],
        "logs of another container",
    )
    .hint(22, |_| "container".into())
    .when(State::has_containers),
    action(
        ActionId::PreviousLogs,
        "previous-logs",
        Scope::Page,
        &[Chord::char('p')],
        "logs from before the last restart, or since",
    )
    .hint(24, State::previous_label)
    .when(State::is_log),
    action(
        ActionId::Copy,
        "copy-page",
        Scope::Page,
        &[Chord::ctrl('y')],
        "copy the text to the clipboard",
    )
    .hint(50, |_| "copy".into()),
    action(
        ActionId::Quit,
        "quit-from-page",
        Scope::Page,
        &[Chord::char('q')],
        "quit",
    )
    .hint(90, |_| "quit".into()),
    // Searching in a page
    action(
        ActionId::Accept,
        "keep-search",
        Scope::Search,
        ENTER,
        "search",
    )
    .hint(10, |_| "search".into()),
    action(
        ActionId::Cancel,
        "drop-search",
        Scope::Search,
        ESC,
        "drop the search",
    )
    .hint(20, |_| "drop".into()),
    // Lists
    action(ActionId::Accept, "choose", Scope::Picker, ENTER, "choose")
        .hint(10, |_| "choose".into()),
    action(
        ActionId::CloseLayer,
        "close-list",
        Scope::Picker,
        ESC,
        "choose nothing",
    )
    .hint(20, |_| "close".into()),
    action(
        ActionId::Move(Motion::Down),
        "list-down",
        Scope::Picker,
        &[code(KeyCode::Down), Chord::ctrl('n'), code(KeyCode::Tab)],
        "next",
    ),
    action(
        ActionId::Move(Motion::Up),
        "list-up",
        Scope::Picker,
        &[code(KeyCode::Up), Chord::ctrl('p'), code(KeyCode::BackTab)],
        "before",
    ),
    action(
        ActionId::Move(Motion::PageDown),
        "list-page-down",
        Scope::Picker,
        &[code(KeyCode::PageDown)],
        "screen down",
    ),
    action(
        ActionId::Move(Motion::PageUp),
        "list-page-up",
        Scope::Picker,
        &[code(KeyCode::PageUp)],
        "screen up",
    ),
    // Questions
    action(ActionId::Accept, "answer", Scope::Prompt, ENTER, "do it").hint(10, |_| "do it".into()),
    action(
        ActionId::CloseLayer,
        "close-question",
        Scope::Prompt,
        ESC,
        "do nothing",
    )
    .hint(20, |_| "close".into()),
];
