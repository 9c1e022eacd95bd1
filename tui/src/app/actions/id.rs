//! What can be done, as plain data.

use crate::app::view::View;

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActionId {
    /// Leave the program.
    Quit,
    /// Stop the program and give the shell back until it is continued.
    Suspend,
    /// Show the keys.
    Help,
    /// Choose an action by its name.
    Palette,
    /// Narrow the table by text.
    Filter,
    /// Go to a whole table.
    Show(View),
    /// The next table of what is shown.
    NextView,
    /// The table before.
    PreviousView,
    /// Move within the table, the page or the list on top.
    Move(Motion),
    /// Into the selected row.
    Open,
    /// Back where one came from.
    Back,
    /// Pods without a GPU too.
    AllPods,
    /// Pods below their workloads, or flat.
    Tree,
    /// Fold the pods of a workload away, or unfold them.
    Fold,
    /// All namespaces, or only the one that was asked for.
    AllNamespaces,
    /// Choose a namespace.
    Namespace,
    /// Choose another kubeconfig context.
    Context,
    /// Choose the column to sort by.
    Sort,
    /// Sort the other way round.
    ReverseSort,
    /// Columns of second rank too.
    Wide,
    /// The columns to the left of those that are shown.
    ColumnsLeft,
    /// The columns to the right of those that are shown.
    ColumnsRight,
    /// Mark the row, or take the mark away.
    Mark,
    /// Take all marks away.
    Unmark,
    /// All about the selected row.
    Describe,
    /// The object as YAML.
    Yaml,
    /// Events of the object.
    Events,
    /// What is wrong in the whole cluster.
    Alerts,
    /// Logs of the pod.
    Logs,
    /// A shell in the pod.
    Shell,
    /// Copy names to the clipboard of the terminal.
    Copy,
    /// Freeze what is shown.
    Pause,
    /// Tell me when GPUs are free.
    TellMe,
    /// Choose a theme.
    Theme,
    /// Back in a recording.
    SeekBack,
    /// On in a recording.
    SeekOn,
    /// Keep what was entered and go on.
    Accept,
    /// Drop what was entered.
    Cancel,
    /// Close the topmost layer.
    CloseLayer,
    /// Search in the page.
    Search,
    /// The next hit in the page.
    NextHit,
    /// The hit before.
    PreviousHit,
    /// Break long lines, or cut them.
    Wrap,
    /// Follow the end of the log.
    Follow,
    /// Logs of another container.
    Container,
    /// Logs of the container before its restart.
    PreviousLogs,
}

/// A movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Motion {
    /// One down.
    Down,
    /// One up.
    Up,
    /// A screen down.
    PageDown,
    /// A screen up.
    PageUp,
    /// To the beginning.
    First,
    /// To the end.
    Last,
}
