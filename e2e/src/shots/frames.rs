//! The app on the simulated cluster, driven without a terminal.

use std::time::Duration;

use color_eyre::Result;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use gputop_fleet::engine::{Engine, Options, moment};
use gputop_fleet::state::Picture;
use gputop_k3s::app::{Msg, Session, State, update};
use gputop_k3s::screens::frame;
use gputop_model::Clock;
use gputop_sim::{Options as SimOptions, Scenario, SimCluster};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use tokio::time::Instant;

/// How long the cluster has lived when the pictures are taken.
const AFTER: Duration = Duration::from_secs(40);

/// The wall clock in the pictures.
const WALL: &str = "2026-03-14T09:26:53Z";

/// Columns and rows of a picture.
const SIZE: (u16, u16) = (140, 34);

/// What was taken.
pub(super) struct Shots {
    pub(super) frames: Vec<(&'static str, Buffer)>,
    pub(super) picture: Picture,
}

pub(super) async fn take(scenario: Scenario, seed: u64) -> Result<Shots> {
    let start: Timestamp = WALL.parse()?;
    let cluster = SimCluster::start(scenario, SimOptions { seed, start });
    let epoch = Instant::now();
    let client = cluster.client();
    let namespace = "default".to_owned();
    let mut engine = Engine::start(
        &client,
        &Options {
            agents: true,
            namespace,
            epoch,
        },
    );
    let now = || {
        let now = moment(epoch);
        Clock {
            now,
            wall: start.checked_add(now.0).unwrap_or(start),
        }
    };
    let session = Session {
        context: "demo".to_owned(),
        server_version: client.apiserver_version().await?.git_version,
        seed: Some(seed),
        ..Session::default()
    };
    let mut state = State::new(session, now());
    let end = epoch + AFTER;
    while let Ok(event) = tokio::time::timeout_at(end, engine.next()).await {
        let _effects = update(&mut state, Msg::Engine(event, now()));
    }
    let _effects = update(&mut state, Msg::Tick(now()));
    let mut frames = Vec::new();
    for (key, name) in [
        ('1', "nodes"),
        ('2', "gpus"),
        ('3', "pods"),
        ('4', "processes"),
    ] {
        let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
        let _effects = update(&mut state, Msg::Key(key));
        state.refresh();
        frames.push((name, frame(&state, SIZE.0, SIZE.1)));
    }
    Ok(Shots {
        frames,
        picture: state.picture,
    })
}
