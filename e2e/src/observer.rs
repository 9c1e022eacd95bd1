//! Looks at a cluster as the app does: an engine, the store, and the tables made of it.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::bail;
use gputop_fleet::engine::{self, Engine, Event, Options};
use gputop_fleet::state::{Fleet, Picture, Settings, join};
use gputop_model::Clock;
use jiff::Timestamp;
use kube::Client;
use tokio::time::Instant;

/// A running engine and what it has said.
pub struct Observer {
    engine: Engine,
    fleet: Fleet,
    epoch: Instant,
}

impl Observer {
    /// Starts to look.
    #[must_use]
    pub fn start(client: &Client) -> Self {
        Self::with(client, true)
    }

    /// Starts to look at the API server alone.
    #[must_use]
    pub fn without_agents(client: &Client) -> Self {
        Self::with(client, false)
    }

    fn with(client: &Client, agents: bool) -> Self {
        let epoch = Instant::now();
        let options = Options {
            agents,
            namespace: "default".to_owned(),
            epoch,
        };
        Self {
            engine: Engine::start(client, &options),
            fleet: Fleet::for_agents(agents),
            epoch,
        }
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The store as it is.
    #[must_use]
    pub const fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// The tables as they are.
    #[must_use]
    pub fn picture(&self) -> Picture {
        let clock = Clock {
            now: engine::moment(self.epoch),
            wall: Timestamp::now(),
        };
        join(&self.fleet, clock, &Settings::default())
    }

    /// Takes events until `wanted` holds; an error names `what` when that takes too long.
    pub async fn until(
        &mut self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&Fleet, &Picture) -> bool,
    ) -> Result<Picture> {
        let deadline = Instant::now() + patience;
        loop {
            let picture = self.picture();
            if wanted(&self.fleet, &picture) {
                return Ok(picture);
            }
            // Ages grow without events too.
            let next = Instant::now() + Duration::from_millis(500);
            match tokio::time::timeout_at(next.min(deadline), self.engine.next()).await {
                Ok(event) => self.take(event),
                Err(_quiet) if Instant::now() >= deadline => {
                    bail!(
                        "{what}: not within {patience:?}; totals are {:?}",
                        picture.totals
                    )
                }
                Err(_quiet) => {}
            }
        }
    }

    /// Takes events for that long; `seen` is shown the store after each.
    pub async fn run(&mut self, time: Duration, mut seen: impl FnMut(&Fleet)) {
        let until = Instant::now() + time;
        while let Ok(event) = tokio::time::timeout_at(until, self.engine.next()).await {
            self.take(event);
            seen(&self.fleet);
        }
    }

    fn take(&mut self, event: Event) {
        // Nothing is asked here.
        let _answer = event.apply(&mut self.fleet);
    }
}
