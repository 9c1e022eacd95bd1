//! All that the screen is a function of.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use gputop_fleet::inspect::{AskId, Rights};
use gputop_fleet::link::Interest;
use gputop_fleet::state::{Fleet, Picture, WatchState, Watched, join};
use gputop_model::{Clock, Moment, Phase};
use tui_input::Input;

use super::actions::Reason;
use super::api::Api;
use super::filter::{Filter, Texts};
use super::keymap::Keymap;
use super::layers::Layer;
use super::layout::Layout;
use super::navigation;
use super::place::{Place, Within};
use super::row::{Look, Row, RowId};
use super::select::{self, Chosen, Selection};
use super::session::Session;
use super::sort::Sort;
use super::tables::Cx;
use super::view::View;
use super::wishes::Wish;
use crate::theme::{Glyphs, Theme};

/// How long something that was said stays on the screen.
const MESSAGE: Duration = Duration::from_secs(5);

/// The application.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is switched by its own key"
)]
pub struct State {
    /// What is known before anything is shown.
    pub session: Session,
    /// Colours.
    pub theme: Theme,
    /// Signs.
    pub glyphs: Glyphs,
    /// Titles of the columns that were chosen for each table; `None`: those that fit.
    pub columns: [Option<Vec<&'static str>>; 4],
    /// What the watches and the daemons have said, as it is shown.
    pub fleet: Fleet,
    /// The tables made of it; as of the last [`State::refresh`].
    pub picture: Picture,
    /// Now; while the screen is frozen, the time of what it shows.
    pub clock: Clock,
    /// Now, also while the screen is frozen.
    pub(super) time: Moment,
    /// Pods without a GPU are shown too.
    pub all_pods: bool,
    /// The only namespace whose pods and processes are shown.
    pub namespace: Option<String>,
    /// The namespace that was chosen before.
    pub last_namespace: Option<String>,
    /// Keys that the configuration has changed.
    pub keymap: Keymap,
    /// What the user may do, as far as it is known.
    pub rights: Rights,
    /// The namespace in which that holds; `None`: in all.
    pub(super) rights_in: Option<String>,
    /// The screen is frozen since then.
    pub paused: Option<Moment>,
    /// What was said last, and until when it is shown.
    pub message: Option<(String, Moment)>,
    /// Where the recording is that is played, and how long it is.
    pub replay_position: Option<(Duration, Duration)>,
    /// Daemons' reports that are missing in the recording that is being made: the disk was too slow.
    pub dropped: u64,
    /// What the user wants to be told.
    pub wishes: Vec<Wish>,
    /// The filter while it is edited.
    pub filter_input: Option<Input>,
    /// What lies over the tables, the topmost last.
    pub layers: Vec<Layer>,
    /// Where things were drawn last.
    pub layout: Layout,
    /// Columns of second rank are shown too.
    pub wide: bool,
    /// Pods are shown below their workloads.
    pub pod_tree: bool,
    /// Workloads whose pods are folded away.
    pub collapsed: BTreeSet<RowId>,
    /// Rows that were marked.
    pub marks: BTreeSet<RowId>,
    /// The namespaces that the API server has listed last.
    pub(super) namespaces: Vec<String>,
    /// When it was asked for them last.
    pub(super) namespaces_asked: Option<Moment>,
    /// What the links were told last.
    pub(super) interest: Option<Interest>,
    /// All that is known now, while the screen shows an earlier time.
    ahead: Option<Box<Fleet>>,
    asks: u64,
    pub(super) current: View,
    pub(super) roots: [Place; 4],
    pub(super) drill: Vec<Place>,
    pub(super) rows: Vec<Row>,
    chosen: Chosen,
    pub(super) counts: [usize; 4],
    pub(super) data_changed: bool,
    pub(super) rows_changed: bool,
}

impl State {
    /// The application before it has heard anything.
    #[must_use]
    pub fn new(session: Session, clock: Clock) -> Self {
        let fleet = Fleet::for_agents(session.agents);
        Self {
            theme: Theme::dark(),
            glyphs: Glyphs::Unicode,
            columns: [const { None }; 4],
            namespace: session.only_namespace.clone(),
            rights_in: session.only_namespace.clone(),
            session,
            fleet,
            picture: Picture::default(),
            clock,
            time: clock.now,
            all_pods: false,
            last_namespace: None,
            keymap: Keymap::default(),
            rights: Rights::default(),
            paused: None,
            message: None,
            replay_position: None,
            dropped: 0,
            wishes: Vec::new(),
            filter_input: None,
            layers: Vec::new(),
            layout: Layout::default(),
            wide: false,
            pod_tree: false,
            collapsed: BTreeSet::new(),
            marks: BTreeSet::new(),
            namespaces: Vec::new(),
            namespaces_asked: None,
            interest: None,
            ahead: None,
            asks: 0,
            current: View::Nodes,
            roots: View::ALL.map(|view| Place {
                view,
                ..Place::default()
            }),
            drill: Vec::new(),
            rows: Vec::new(),
            chosen: Chosen::default(),
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

    /// How many rows match the filter, and how many there would be without it.
    #[must_use]
    pub const fn found(&self) -> (usize, usize) {
        (self.chosen.matching, self.chosen.of)
    }

    /// The filter of the table as it was understood.
    #[must_use]
    pub const fn filter(&self) -> Option<&Filter> {
        self.chosen.memory.filter.as_ref()
    }

    /// How the row at `index` is shown.
    #[must_use]
    pub fn look(&self, index: usize) -> Look {
        self.chosen.looks.get(index).copied().unwrap_or_default()
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

    /// Brings what is derived up to date: the picture, the rows, the position of the cursor.
    /// Called once before each frame, however many messages came since the last.
    pub fn refresh(&mut self) {
        if self.data_changed {
            self.picture = join(&self.fleet, self.clock, &self.session.settings);
            self.chosen.memory.texts = Texts::default();
            self.rows_changed = true;
        }
        self.data_changed = false;
        self.refresh_rows();
    }

    /// The same without news: the tables stay as they are, and what keys have changed is shown.
    pub fn refresh_rows(&mut self) {
        if self.rows_changed {
            let memory = std::mem::take(&mut self.chosen.memory);
            let selection = self.selection();
            let counts = View::ALL.map(|view| select::count(selection, view));
            let chosen = select::choose(selection, self.place(), memory);
            self.counts = counts;
            self.chosen = chosen;
            self.rows = std::mem::take(&mut self.chosen.rows);
            navigation::settle_cursor(self);
        }
        self.rows_changed = false;
    }

    /// How a table begins.
    pub fn begin(&mut self, view: View, columns: Option<Vec<&'static str>>, sort: Option<Sort>) {
        self.columns[view.position()] = columns;
        self.roots[view.position()].sort = sort;
        self.rows_changed = true;
    }

    /// Goes to a whole table.
    pub fn go_to(&mut self, view: View) {
        navigation::show(self, view);
    }

    /// Time has passed, or data has come: the tables are made anew.
    pub(super) fn tick(&mut self, clock: Clock) {
        self.set_time(clock);
        if self.paused.is_none() {
            self.data_changed = true;
        }
    }

    /// What time it is. What is on the screen stays as it is.
    pub(super) fn set_time(&mut self, clock: Clock) {
        if self
            .message
            .as_ref()
            .is_some_and(|(_, until)| *until <= clock.now)
        {
            self.message = None;
        }
        self.time = clock.now;
        if self.paused.is_none() {
            self.clock = clock;
        }
    }

    /// Freezes what is shown, or goes on. Data is taken in all the while.
    pub(super) fn pause(&mut self) {
        if self.paused.is_some() {
            self.resume();
        } else {
            self.paused = Some(self.time);
            self.ahead = Some(Box::new(self.fleet.clone()));
            // What is on the screen stays, not what has come since it was drawn.
            self.data_changed = false;
        }
    }

    /// Shows the newest again.
    pub(super) fn resume(&mut self) {
        self.paused = None;
        if let Some(newest) = self.ahead.take() {
            self.fleet = *newest;
            self.data_changed = true;
        }
    }

    /// The tables as they would be shown now, also while the screen is frozen.
    pub(super) fn newest_picture(&self) -> Cow<'_, Picture> {
        match &self.ahead {
            None => Cow::Borrowed(&self.picture),
            Some(fleet) => {
                let clock = Clock {
                    now: self.time,
                    ..self.clock
                };
                Cow::Owned(join(fleet, clock, &self.session.settings))
            }
        }
    }

    /// Where data is taken in: what is shown, or, while the screen is frozen, what will be.
    pub(super) fn newest_mut(&mut self) -> &mut Fleet {
        self.ahead.as_deref_mut().unwrap_or(&mut self.fleet)
    }

    /// For how long the screen has been frozen.
    #[must_use]
    pub fn paused_for(&self) -> Option<Duration> {
        self.paused.map(|since| self.time.since(since))
    }

    /// Says something for a few seconds.
    pub fn say(&mut self, text: impl Into<String>) {
        let until = Moment(self.time.0 + MESSAGE);
        self.message = Some((text.into(), until));
    }

    /// What was said has been read.
    pub(super) fn hush(&mut self) {
        self.message = None;
    }

    /// A new name for a question.
    pub(super) const fn next_ask(&mut self) -> AskId {
        self.asks += 1;
        AskId(self.asks)
    }

    /// The line of text that is being entered.
    pub(super) fn input_mut(&mut self) -> Option<&mut Input> {
        match self.layers.last_mut() {
            Some(Layer::Picker(picker)) => Some(&mut picker.input),
            Some(Layer::Prompt(prompt)) => Some(&mut prompt.input),
            Some(Layer::Page(page)) => page.search.input.as_mut(),
            Some(Layer::Help { .. }) => None,
            None => self.filter_input.as_mut(),
        }
    }

    fn selection(&self) -> Selection<'_> {
        Selection {
            picture: &self.picture,
            clock: self.clock,
            all_pods: self.all_pods,
            namespace: self.namespace.as_deref(),
            wide: self.wide,
            pod_tree: self.pod_tree,
            collapsed: &self.collapsed,
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

    /// Pods that the whole table leaves out: of the chosen namespace, where one is chosen.
    #[must_use]
    pub fn hidden_pods(&self) -> usize {
        if self.all_pods || self.place().within != Within::Everything {
            return 0;
        }
        let namespace = self.namespace.as_deref();
        let hidden = |row: &&gputop_fleet::state::PodRow| {
            namespace.is_none_or(|namespace| *row.info.key.namespace == *namespace)
                && (!row.concerns_gpus() || row.info.phase == Phase::Succeeded)
        };
        self.picture.pods.iter().filter(hidden).count()
    }
}
