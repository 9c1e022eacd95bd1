//! The rows of the registry that belong to the tables.

use crossterm::event::KeyCode;

use super::{Action, ActionId, Motion, Scope, action};
use crate::app::keys::Chord;
use crate::app::state::State;
use crate::app::view::View;

const PODS: Scope = Scope::Table(View::Pods);
const T: Scope = Scope::Tables;

const fn code(code: KeyCode) -> Chord {
    Chord::key(code)
}

pub(super) static ACTIONS: &[Action] = &[
    action(
        ActionId::Open,
        "open",
        T,
        &[code(KeyCode::Enter)],
        "into it: node → GPUs → pods → processes",
    )
    .hint(10, State::open_label)
    .when(State::can_open),
    action(
        ActionId::Back,
        "back",
        T,
        &[code(KeyCode::Esc)],
        "back (the filter first)",
    )
    .hint(20, |state| {
        if state.place().filter.is_empty() {
            "back"
        } else {
            "drop filter"
        }
        .into()
    })
    .when(State::can_go_back),
    action(
        ActionId::Filter,
        "filter",
        T,
        &[Chord::char('/')],
        "rows like: text, !text, -l a=b, -f fuzzy, util<5 & vram>10G",
    )
    .hint(30, |_| "filter".into()),
    action(
        ActionId::Palette,
        "palette",
        T,
        &[Chord::char(':'), Chord::ctrl('p')],
        "everything by its name",
    )
    .hint(78, |_| "all actions".into()),
    action(
        ActionId::Show(View::Nodes),
        "nodes",
        T,
        &[Chord::char('1')],
        "all nodes",
    ),
    action(
        ActionId::Show(View::Gpus),
        "gpus",
        T,
        &[Chord::char('2')],
        "all GPUs",
    ),
    action(
        ActionId::Show(View::Pods),
        "pods",
        T,
        &[Chord::char('3')],
        "all pods that concern GPUs",
    ),
    action(
        ActionId::Show(View::Processes),
        "processes",
        T,
        &[Chord::char('4')],
        "all processes on GPUs",
    ),
    action(
        ActionId::NextView,
        "next-table",
        T,
        &[code(KeyCode::Tab)],
        "next table of what is shown",
    )
    .hint(70, |_| "next table".into()),
    action(
        ActionId::PreviousView,
        "previous-table",
        T,
        &[code(KeyCode::BackTab)],
        "table before",
    ),
    action(
        ActionId::Move(Motion::Down),
        "down",
        T,
        &[code(KeyCode::Down), Chord::char('j')],
        "row below",
    ),
    action(
        ActionId::Move(Motion::Up),
        "up",
        T,
        &[code(KeyCode::Up), Chord::char('k')],
        "row above",
    ),
    action(
        ActionId::Move(Motion::PageDown),
        "page-down",
        T,
        &[code(KeyCode::PageDown), Chord::ctrl('f')],
        "screen down",
    ),
    action(
        ActionId::Move(Motion::PageUp),
        "page-up",
        T,
        &[code(KeyCode::PageUp), Chord::ctrl('b')],
        "screen up",
    ),
    action(
        ActionId::Move(Motion::First),
        "first",
        T,
        &[Chord::char('g'), code(KeyCode::Home)],
        "first row",
    ),
    action(
        ActionId::Move(Motion::Last),
        "last",
        T,
        &[Chord::char('G'), code(KeyCode::End)],
        "last row",
    ),
    action(
        ActionId::Describe,
        "describe",
        T,
        &[Chord::char('d')],
        "all about it, with graphs and events",
    )
    .hint(32, |_| "describe".into())
    .when(State::has_selection),
    action(
        ActionId::Logs,
        "logs",
        T,
        &[Chord::char('l')],
        "logs of the pod",
    )
    .hint(36, |_| "logs".into())
    .when(State::can_see_logs),
    action(
        ActionId::Shell,
        "shell",
        T,
        &[Chord::char('s')],
        "a shell in the pod",
    )
    .hint(38, |_| "shell".into())
    .when(State::can_open_shell)
    .dangerous(),
    action(
        ActionId::Yaml,
        "yaml",
        T,
        &[Chord::char('y')],
        "the object as YAML",
    )
    .hint(42, |_| "YAML".into())
    .when(State::can_see_object),
    action(
        ActionId::Events,
        "events",
        T,
        &[Chord::char('v')],
        "events of the object",
    )
    .hint(44, |_| "events".into())
    .when(State::can_see_events),
    action(
        ActionId::Alerts,
        "alerts",
        T,
        &[Chord::char('!')],
        "what is wrong in the whole cluster",
    )
    .hint(46, |_| "alerts".into())
    .when(State::has_alerts),
    action(
        ActionId::Sort,
        "sort",
        T,
        &[Chord::char('o')],
        "choose the column to sort by",
    )
    .hint(50, |_| "sort".into()),
    action(
        ActionId::ReverseSort,
        "reverse-sort",
        T,
        &[Chord::char('O')],
        "sort the other way round",
    ),
    action(
        ActionId::Wide,
        "wide",
        T,
        &[Chord::ctrl('w')],
        "more columns, or fewer",
    ),
    action(
        ActionId::ColumnsRight,
        "columns-right",
        T,
        &[code(KeyCode::Right)],
        "further columns, where not all fit",
    )
    .hint(33, |_| "more columns".into())
    .when(State::has_columns_right),
    action(
        ActionId::ColumnsLeft,
        "columns-left",
        T,
        &[code(KeyCode::Left)],
        "back to the columns before",
    )
    .when(State::has_columns_left),
    action(
        ActionId::Mark,
        "mark",
        T,
        &[Chord::char(' ')],
        "mark the row, for copying and for actions on several",
    )
    .when(State::has_selection),
    action(
        ActionId::Unmark,
        "unmark",
        T,
        &[Chord::ctrl('u')],
        "take all marks away",
    )
    .when(State::can_unmark),
    action(
        ActionId::Copy,
        "copy",
        T,
        &[Chord::ctrl('y')],
        "copy the name, or the marked names, to the clipboard",
    )
    .when(State::has_selection),
    action(
        ActionId::AllPods,
        "all-pods",
        PODS,
        &[Chord::char('a')],
        "show or hide pods without a GPU",
    )
    .hint(34, |state| {
        if state.all_pods {
            "GPU pods only"
        } else {
            "all pods"
        }
        .into()
    }),
    action(
        ActionId::Tree,
        "tree",
        PODS,
        &[Chord::char('t')],
        "by workload, or flat",
    )
    .hint(35, |state| {
        if state.pod_tree {
            "flat"
        } else {
            "by workload"
        }
        .into()
    }),
    action(
        ActionId::Fold,
        "fold",
        PODS,
        &[Chord::char('-')],
        "fold the pods of the workload away, or unfold them",
    )
    .when(State::can_fold),
    action(
        ActionId::Namespace,
        "namespace",
        T,
        &[Chord::char('n')],
        "choose the namespace whose pods and processes are shown",
    ),
    action(
        ActionId::AllNamespaces,
        "all-namespaces",
        T,
        &[Chord::char('0')],
        "all namespaces, or the one chosen before",
    )
    .when(State::can_switch_namespaces),
    action(
        ActionId::Context,
        "context",
        T,
        &[],
        "choose another kubeconfig context",
    )
    .when(State::can_switch_context),
    action(ActionId::Theme, "theme", T, &[], "choose other colours"),
    action(
        ActionId::Pause,
        "pause",
        T,
        &[Chord::char('P')],
        "freeze the screen, or go on",
    )
    .hint(75, |state| {
        if state.paused.is_some() {
            "go on"
        } else {
            "pause"
        }
        .into()
    }),
    action(
        ActionId::TellMe,
        "tell-me",
        T,
        &[Chord::char('N')],
        "ring the bell when GPUs are free",
    ),
    action(
        ActionId::SeekBack,
        "seek-back",
        T,
        &[Chord::char(',')],
        "back in the recording",
    )
    .hint(1, |_| "back 10 s".into())
    .when(State::can_seek),
    action(
        ActionId::SeekOn,
        "seek-on",
        T,
        &[Chord::char('.')],
        "on in the recording",
    )
    .hint(2, |_| "on 10 s".into())
    .when(State::can_seek),
    action(
        ActionId::Quit,
        "interrupt",
        Scope::Everywhere,
        &[Chord::ctrl('c')],
        "quit",
    ),
    action(
        ActionId::Suspend,
        "suspend",
        Scope::Everywhere,
        &[Chord::ctrl('z')],
        "back to the shell until `fg`",
    ),
    action(ActionId::Quit, "quit", T, &[Chord::char('q')], "quit").hint(90, |_| "quit".into()),
    action(
        ActionId::Help,
        "help",
        T,
        &[Chord::char('?'), Chord::key(KeyCode::F(1))],
        "this page",
    )
    .hint(80, |_| "keys".into()),
];
