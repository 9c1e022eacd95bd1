//! What can be configured, typed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::app::View;
use crate::app::keys::Chord;
use crate::app::sort::Sort;
use crate::theme::ThemeName;

/// The configuration as it holds: every value has one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting that has nothing to do with the others"
)]
pub struct Config {
    /// Colours; `None`: what suits the terminal.
    pub theme: Option<ThemeName>,
    /// Draw with ASCII alone; `None`: where the terminal shows no more.
    pub ascii: Option<bool>,
    /// Take the mouse.
    pub mouse: bool,
    /// Nothing blinks or moves by itself.
    pub reduced_motion: bool,
    /// Columns of second rank from the start.
    pub wide: bool,
    /// The table at the start.
    pub default_view: View,
    /// How pods are listed at the start.
    pub pods: PodLayout,
    /// How often what is on the screen is refreshed.
    pub pace: Pace,
    /// A device that was given to a container and has been quiet for this long is idle.
    pub idle_after: Duration,
    /// Telemetry older than this is stale.
    pub stale_after: Duration,
    /// Offer nothing that changes anything.
    pub readonly: bool,
    /// Show only the pods and processes of this namespace at the start, as `-n` does.
    pub namespace: Option<String>,
    /// The tables, by [`View::position`].
    pub tables: [TableConfig; 4],
    /// Keys of actions, by the action's name, where they are not the usual ones.
    pub keys: BTreeMap<String, Vec<Chord>>,
}

impl Default for Config {
    fn default() -> Self {
        let settings = gputop_fleet::state::Settings::default();
        Self {
            theme: None,
            ascii: None,
            mouse: true,
            reduced_motion: false,
            wide: false,
            default_view: View::Nodes,
            pods: PodLayout::Flat,
            pace: Pace::Live,
            idle_after: settings.idle_after,
            stale_after: settings.stale_after,
            readonly: false,
            namespace: None,
            tables: Default::default(),
            keys: BTreeMap::new(),
        }
    }
}

/// How pods are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PodLayout {
    /// Below their workloads.
    Tree,
    /// One below the other.
    Flat,
}

impl PodLayout {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Tree, Self::Flat];

    /// The word in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Flat => "flat",
        }
    }
}

/// How often what is on the screen is refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Every second.
    Live,
    /// Every five seconds: for slow links.
    Calm,
}

impl Pace {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Live, Self::Calm];

    /// The word in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Calm => "calm",
        }
    }
}

/// What can be said about one table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableConfig {
    /// Titles of the columns that are shown, from the left; `None`: those that fit.
    pub columns: Option<Vec<&'static str>>,
    /// The order at the start; `None`: the table's own.
    pub sort: Option<Sort>,
}

/// The word for a table in the configuration.
#[must_use]
pub const fn view_name(view: View) -> &'static str {
    match view {
        View::Nodes => "nodes",
        View::Gpus => "gpus",
        View::Pods => "pods",
        View::Processes => "processes",
    }
}
