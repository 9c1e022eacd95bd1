//! All that the screen is a function of.

use std::borrow::Cow;

use gputop_fleet::state::{Fleet, Picture, Settings, WatchState, Watched, join};
use gputop_model::{Clock, Phase};
use tui_input::Input;

use super::actions::Reason;
use super::api::Api;
use super::layout::Layout;
use super::navigation;
use super::place::{Place, Within};
use super::row::Row;
use super::select::{self, Selection};
use super::tables::Cx;
use super::view::View;
use crate::theme::Theme;

/// What is known before anything is shown, and does not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Name of the kubeconfig context, or `demo`.
    pub context: String,
    /// Version of the API server.
    pub server_version: String,
    /// Default namespace, as kubectl's.
    pub namespace: String,
    /// Show only the pods and processes of this namespace at first (`-n`).
    pub only_namespace: Option<String>,
    /// Seed of the simulated cluster; `None`: the cluster is real.
    pub seed: Option<u64>,
    /// The nodes' daemons are asked.
    pub agents: bool,
    /// Draw without colours.
    pub no_color: bool,
    /// When something counts as idle or stale.
    pub settings: Settings,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            context: String::new(),
            server_version: String::new(),
            namespace: "default".to_owned(),
            only_namespace: None,
            seed: None,
            agents: true,
            no_color: false,
            settings: Settings::default(),
        }
    }
}

/// What lies over the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layer {
    /// The keys and signs.
    Help {
        /// Lines scrolled away.
        scroll: u16,
    },
}

/// The application.
#[derive(Debug, Clone)]
pub struct State {
    /// What is known before anything is shown.
    pub session: Session,
    /// Colours.
    pub theme: Theme,
    /// What the watches and the daemons have said.
    pub fleet: Fleet,
    /// The tables made of it; as of the last [`State::refresh`].
    pub picture: Picture,
    /// Now.
    pub clock: Clock,
    /// Pods without a GPU are shown too.
    pub all_pods: bool,
    /// The only namespace whose pods and processes are shown.
    pub namespace: Option<String>,
    /// The filter while it is edited.
    pub filter_input: Option<Input>,
    /// What lies over the tables, the topmost last.
    pub layers: Vec<Layer>,
    /// Where things were drawn last.
    pub layout: Layout,
    pub(super) current: View,
    pub(super) roots: [Place; 4],
    pub(super) drill: Vec<Place>,
    pub(super) rows: Vec<Row>,
    pub(super) counts: [usize; 4],
    pub(super) data_changed: bool,
    pub(super) rows_changed: bool,
}

impl State {
    /// The application before it has heard anything.
    #[must_use]
    pub fn new(session: Session, clock: Clock) -> Self {
        let fleet = if session.agents {
            Fleet::new()
        } else {
            Fleet::without_agents()
        };
        Self {
            theme: if session.no_color {
                Theme::mono()
            } else {
                Theme::dark()
            },
            namespace: session.only_namespace.clone(),
            session,
            fleet,
            picture: Picture::default(),
            clock,
            all_pods: false,
            filter_input: None,
            layers: Vec::new(),
            layout: Layout::default(),
            current: View::Nodes,
            roots: View::ALL.map(|view| Place {
                view,
                ..Place::default()
            }),
            drill: Vec::new(),
            rows: Vec::new(),
            counts: [0; 4],
            data_changed: true,
            rows_changed: true,
        }
    }

    /// Where the user is.
    #[must_use]
    pub fn place(&self) -> &Place {
        self.drill
            .last()
            .unwrap_or(&self.roots[self.current.position()])
    }

    pub(super) fn place_mut(&mut self) -> &mut Place {
        self.drill
            .last_mut()
            .unwrap_or(&mut self.roots[self.current.position()])
    }

    /// The way here: the whole table first.
    pub fn path(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.roots[self.current.position()]).chain(&self.drill)
    }

    /// The rows of the table, as of the last [`State::refresh`].
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Number of rows of each whole table.
    #[must_use]
    pub const fn counts(&self) -> [usize; 4] {
        self.counts
    }

    /// The selected row.
    #[must_use]
    pub fn selected(&self) -> Option<Row> {
        self.rows.get(self.place().cursor.index).copied()
    }

    /// How the API server is reached.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::of(&self.fleet, self.clock)
    }

    /// Whether the first lists have brought anything that can be counted.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        let refused = matches!(
            self.fleet.watch(Watched::Nodes),
            WatchState::Forbidden { .. }
        );
        !self.picture.nodes.is_empty() || (self.fleet.is_listed() && !refused)
    }

    /// What cells are made from.
    #[must_use]
    pub fn cx(&self) -> Cx<'_> {
        Cx::new(&self.picture, self.clock)
    }

    /// Whether the next [`State::refresh`] has anything to do.
    #[must_use]
    pub const fn is_changed(&self) -> bool {
        self.data_changed || self.rows_changed
    }

    /// Brings what is derived up to date: the picture, the rows, the position of the cursor.
    /// Called once before each frame, however many messages came since the last.
    pub fn refresh(&mut self) {
        if self.data_changed {
            self.picture = join(&self.fleet, self.clock, &self.session.settings);
        }
        if self.data_changed || self.rows_changed {
            let selection = self.selection();
            let whole = |view| {
                select::rows(
                    selection,
                    &Place {
                        view,
                        ..Place::default()
                    },
                )
            };
            let counts = View::ALL.map(|view| whole(view).len());
            let rows = select::rows(selection, self.place());
            self.counts = counts;
            self.rows = rows;
            navigation::settle_cursor(self);
        }
        self.data_changed = false;
        self.rows_changed = false;
    }

    fn selection(&self) -> Selection<'_> {
        Selection {
            picture: &self.picture,
            clock: self.clock,
            all_pods: self.all_pods,
            namespace: self.namespace.as_deref(),
        }
    }

    /// Whether there is a table to go down to, and which.
    pub(super) fn can_open(&self) -> Result<(), Reason> {
        navigation::target(self).map(|_| ())
    }

    pub(super) fn open_label(&self) -> Cow<'static, str> {
        match navigation::target(self) {
            Ok(Place {
                view: View::Gpus, ..
            }) => "its GPUs".into(),
            Ok(Place {
                view: View::Pods, ..
            }) => "its pods".into(),
            Ok(_) => "its processes".into(),
            Err(_) => "open".into(),
        }
    }

    pub(super) fn can_go_back(&self) -> Result<(), Reason> {
        if self.drill.is_empty() && self.place().filter.is_empty() {
            return Err("at the top".into());
        }
        Ok(())
    }

    /// Pods of the whole cluster that the table leaves out.
    #[must_use]
    pub fn hidden_pods(&self) -> usize {
        if self.all_pods || self.place().within != Within::Everything {
            return 0;
        }
        let hidden = |row: &&gputop_fleet::state::PodRow| {
            !row.concerns_gpus() || row.info.phase == Phase::Succeeded
        };
        self.picture.pods.iter().filter(hidden).count()
    }
}
