//! The app on the simulated cluster, driven without a terminal.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use crossterm::event::KeyEvent;
use gputop_fleet::engine::{Engine, Options, moment};
use gputop_fleet::state::Picture;
use gputop_k3s::app::keys::Chord;
use gputop_k3s::app::{Effect, Msg, Session, State, update};
use gputop_k3s::screens;
use gputop_model::Clock;
use gputop_sim::{Options as SimOptions, Scenario, SimCluster};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::time::Instant;

/// How long the cluster has lived when the pictures are taken.
const AFTER: Duration = Duration::from_secs(40);

/// The wall clock in the pictures.
const WALL: &str = "2026-03-14T09:26:53Z";

/// How long the cluster may take to answer what a page asks for.
const ANSWERS: Duration = Duration::from_secs(2);

/// A picture: how to get there, and how large the terminal is.
struct Shot {
    name: &'static str,
    /// Keys as the configuration writes them; what is no key's name is typed letter by letter.
    keys: &'static [&'static str],
    size: (u16, u16),
}

const MIDDLE: (u16, u16) = (140, 34);
const LARGE: (u16, u16) = (200, 60);
const SMALL: (u16, u16) = (80, 24);

const fn shot(name: &'static str, keys: &'static [&'static str], size: (u16, u16)) -> Shot {
    Shot { name, keys, size }
}

/// Every view of the app.
const SHOTS: &[Shot] = &[
    shot("nodes", &["1"], MIDDLE),
    shot("gpus", &["2"], MIDDLE),
    shot("pods", &["3"], MIDDLE),
    shot("processes", &["4"], MIDDLE),
    shot("tree", &["3", "t"], MIDDLE),
    shot("wide", &["2", "ctrl-w"], LARGE),
    shot("large", &["2", "j", "j"], LARGE),
    shot("small", &["1"], SMALL),
    shot("tiny", &["2"], (60, 15)),
    shot("filter", &["2", "/", "util<5 & vram>10G"], MIDDLE),
    shot("sort", &["3", "o"], MIDDLE),
    shot("palette", &[":", "sh"], MIDDLE),
    shot("describe", &["3", "d"], LARGE),
    shot("yaml", &["3", "y"], MIDDLE),
    shot("logs", &["3", "l"], MIDDLE),
    shot("events", &["3", "v"], MIDDLE),
    shot("help", &["?"], (160, 60)),
    shot("light", &[":", "theme light", "enter", "2"], MIDDLE),
    shot(
        "colorblind",
        &[":", "theme colorblind", "enter", "2"],
        MIDDLE,
    ),
];

/// What was taken.
pub(super) struct Shots {
    pub(super) frames: Vec<(&'static str, Buffer)>,
    pub(super) picture: Picture,
}

/// The app with its cluster.
struct Stage {
    engine: Engine,
    state: State,
    epoch: Instant,
    start: Timestamp,
    /// Kept alive.
    _cluster: SimCluster,
}

pub(super) async fn take(scenario: Scenario, seed: u64) -> Result<Shots> {
    let mut stage = Stage::open(scenario, seed).await?;
    let end = stage.epoch + AFTER;
    stage.listen(end).await;
    stage.tick();
    stage.state.refresh();
    let picture = stage.state.picture.clone();
    let fresh = stage.state.clone();
    let mut frames = Vec::new();
    for shot in SHOTS {
        // Each begins where the first began; only the cluster has gone on.
        let mut state = fresh.clone();
        state.fleet = stage.state.fleet.clone();
        stage.state = state;
        stage.draw(shot.size);
        for key in shot.keys {
            stage.press(key, shot.size)?;
        }
        let answered = Instant::now() + ANSWERS;
        stage.listen(answered).await;
        stage.tick();
        frames.push((shot.name, stage.draw(shot.size)));
    }
    Ok(Shots { frames, picture })
}

impl Stage {
    async fn open(scenario: Scenario, seed: u64) -> Result<Self> {
        let start: Timestamp = WALL.parse()?;
        let cluster = SimCluster::start(scenario, SimOptions { seed, start });
        let epoch = Instant::now();
        let client = cluster.client();
        let options = Options {
            agents: true,
            namespace: "default".to_owned(),
            epoch,
        };
        let engine = Engine::start(&client, &options);
        let session = Session {
            context: "demo".to_owned(),
            server_version: client.apiserver_version().await?.git_version,
            seed: Some(seed),
            ..Session::default()
        };
        Ok(Self {
            engine,
            state: State::new(session, clock(epoch, start)),
            epoch,
            start,
            _cluster: cluster,
        })
    }

    fn now(&self) -> Clock {
        clock(self.epoch, self.start)
    }

    fn tick(&mut self) {
        let now = self.now();
        let _effects = update(&mut self.state, Msg::Tick(now));
    }

    /// Takes in what comes until `end`.
    async fn listen(&mut self, end: Instant) {
        while let Ok(event) = tokio::time::timeout_at(end, self.engine.next()).await {
            let now = self.now();
            let effects = update(&mut self.state, Msg::Engine(event, now));
            self.carry_out(effects);
        }
    }

    fn press(&mut self, keys: &str, size: (u16, u16)) -> Result<()> {
        let chords: Vec<Chord> = match keys.parse::<Chord>() {
            Ok(chord) => vec![chord],
            Err(_) => keys.chars().map(Chord::char).collect(),
        };
        if chords.is_empty() {
            return Err(eyre!("no key in {keys:?}"));
        }
        for chord in chords {
            let key = KeyEvent::new(chord.code, chord.modifiers);
            let effects = update(&mut self.state, Msg::Key(key));
            self.carry_out(effects);
            self.draw(size);
        }
        Ok(())
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(id, ask) => self.engine.ask(id, ask),
                Effect::Cancel(id) => self.engine.cancel(id),
                _ => {}
            }
        }
    }

    fn draw(&mut self, (width, height): (u16, u16)) -> Buffer {
        self.state.refresh();
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let layout = screens::render(&self.state, area, &mut buffer);
        let effects = update(&mut self.state, Msg::Drawn(layout));
        self.carry_out(effects);
        buffer
    }
}

fn clock(epoch: Instant, start: Timestamp) -> Clock {
    let now = moment(epoch);
    Clock {
        now,
        wall: start.checked_add(now.0).unwrap_or(start),
    }
}
