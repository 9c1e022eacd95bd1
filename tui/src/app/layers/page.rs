//! A page of text about one object.

use std::collections::VecDeque;

use gputop_fleet::connect::Problem;
use gputop_fleet::inspect::{AskId, Subject};
use tui_input::Input;

use crate::app::row::RowId;

/// Lines of a log that are kept; older ones are dropped, and the page says so.
pub const LOG_LINES: usize = 10_000;

/// What a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PageKind {
    /// What is measured, and the object in words.
    Describe,
    /// The object as YAML.
    Yaml,
    /// The object's events.
    Events,
    /// A container's log.
    Logs,
    /// What is wrong in the whole cluster.
    Alerts,
}

impl PageKind {
    /// The word in the page's title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Yaml => "YAML",
            Self::Events => "events",
            Self::Logs => "logs",
            Self::Alerts => "alerts",
        }
    }
}

/// A page of text.
#[derive(Debug, Clone)]
pub struct Page {
    /// What it shows.
    pub kind: PageKind,
    /// The row it is about; `None`: the whole cluster.
    pub row: Option<RowId>,
    /// What it is about, for its title.
    pub title: String,
    /// The API object, if it has one.
    pub subject: Option<Subject>,
    /// The question that is not answered to the end.
    pub ask: Option<AskId>,
    /// The answer so far, line by line.
    pub lines: VecDeque<String>,
    /// Lines of a long log that are gone.
    pub dropped: usize,
    /// Why there is no (further) answer.
    pub problem: Option<Problem>,
    /// The line that is drawn first.
    pub top: usize,
    /// The end is shown, also when it moves.
    pub follow: bool,
    /// Long lines are broken, not cut.
    pub wrap: bool,
    /// What is looked for.
    pub search: Search,
    /// The container whose log is shown; `None`: the pod's default.
    pub container: Option<String>,
    /// The log is that from before the last restart.
    pub previous: bool,
}

/// A search on a page.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The text while it is edited.
    pub input: Option<Input>,
    /// The text that is looked for, in lower case; empty: none.
    pub text: String,
}

impl Search {
    /// The text is being edited.
    #[must_use]
    pub const fn is_editing(&self) -> bool {
        self.input.is_some()
    }
}

impl Page {
    /// A page that waits for its text.
    #[must_use]
    pub fn new(
        kind: PageKind,
        row: Option<RowId>,
        title: String,
        subject: Option<Subject>,
    ) -> Self {
        Self {
            kind,
            row,
            title,
            subject,
            ask: None,
            lines: VecDeque::new(),
            dropped: 0,
            problem: None,
            top: 0,
            follow: kind == PageKind::Logs,
            wrap: kind != PageKind::Logs,
            search: Search::default(),
            container: None,
            previous: false,
        }
    }

    /// Replaces the text.
    pub fn set(&mut self, text: &str) {
        self.lines = text.lines().map(str::to_owned).collect();
    }

    /// Adds lines at the end; the oldest go when there are too many.
    pub fn extend(&mut self, lines: Vec<String>) {
        self.lines.extend(lines);
        let over = self.lines.len().saturating_sub(LOG_LINES);
        if over > 0 {
            self.lines.drain(..over);
            self.dropped += over;
            if !self.follow {
                self.top = self.top.saturating_sub(over);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_keeps_its_end_and_says_what_is_gone() {
        let mut page = Page::new(PageKind::Logs, None, "a".into(), None);
        page.follow = false;
        page.top = 700;
        page.extend((0..LOG_LINES).map(|n| n.to_string()).collect());
        page.extend((0..500).map(|n| format!("new {n}")).collect());
        assert_eq!(page.lines.len(), LOG_LINES);
        assert_eq!(page.lines.back().map(String::as_str), Some("new 499"));
        assert_eq!((page.dropped, page.top), (500, 200));
    }
}
