//! What a command without a screen looks at: a real cluster or the simulated one, once or for
//! some time.

use std::time::Duration;

use gputop_fleet::connect::{Connection, Problem, connect};
use gputop_fleet::engine::{self, Engine, Options};
use gputop_fleet::state::{Fleet, Picture, Settings, WatchState, Watched, join};
use gputop_model::Clock;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::args::{Global, Simulated};
use super::config;
use super::exit::{Exit, Failure, note};

/// How long the daemons may take at first; those that are late are unknown until they answer.
pub(super) const AGENTS: Duration = Duration::from_millis(500);

/// A cluster that answers.
pub(super) struct Source {
    /// The client and the names of things.
    pub(super) connection: Connection,
    /// The namespace whose pods are meant; `None`: all.
    pub(super) namespace: Option<String>,
    /// When something counts as idle or stale.
    settings: Settings,
    #[cfg(feature = "demo")]
    _simulation: Option<super::demo::Demo>,
}

impl Source {
    /// As [`Self::open`], with the settings of the configuration. Mistakes in it are found before
    /// anything is asked.
    pub(super) async fn configured(
        global: &Global,
        simulated: &Simulated,
    ) -> Result<Self, Failure> {
        let sources = config::sources(global)?;
        let mut source = Self::open(global, simulated).await?;
        let effective = config::effective(&sources, Some(&source.connection.context))?;
        source.settings.idle_after = effective.config.idle_after;
        source.settings.stale_after = effective.config.stale_after;
        Ok(source)
    }

    /// Connects to the kubeconfig's cluster, or starts the simulated one.
    #[cfg_attr(not(feature = "demo"), expect(unused_variables, reason = "no demo"))]
    pub(super) async fn open(global: &Global, simulated: &Simulated) -> Result<Self, Failure> {
        #[cfg(feature = "demo")]
        if simulated.demo {
            let demo = super::demo::start(&simulated.scenario, simulated.seed).await?;
            return Ok(Self {
                connection: demo.connection.clone(),
                namespace: global.namespace.clone(),
                settings: Settings::default(),
                _simulation: Some(demo),
            });
        }
        let connection = connect(&global.request()).await?;
        Ok(Self {
            namespace: Some(connection.namespace.clone()),
            connection,
            settings: Settings::default(),
            #[cfg(feature = "demo")]
            _simulation: None,
        })
    }

    fn options(&self, agents: bool, epoch: Instant) -> Options {
        Options {
            agents,
            namespace: self.connection.namespace.clone(),
            epoch,
        }
    }

    /// Lists once and asks every daemon once, if `agents`.
    pub(super) async fn once(
        &self,
        agents: bool,
        lists: Duration,
    ) -> Result<(Fleet, Picture), Failure> {
        let epoch = Instant::now();
        let options = self.options(agents, epoch);
        let fleet = engine::collect(&self.connection.client, &options, lists, AGENTS).await;
        let fleet = fleet.map_err(unreachable)?;
        let picture = picture(&fleet, epoch, &self.settings);
        Ok((fleet, picture))
    }

    /// Begins to watch; returns when the first lists are there and the daemons have had their
    /// time.
    pub(super) async fn live(&self, agents: bool, lists: Duration) -> Result<Live, Failure> {
        let epoch = Instant::now();
        let mut live = Live {
            engine: Engine::start(&self.connection.client, &self.options(agents, epoch)),
            fleet: Fleet::for_agents(agents),
            epoch,
            settings: self.settings.clone(),
            lost: false,
        };
        let listed = engine::listed(&mut live.engine, &mut live.fleet, lists).await;
        listed.map_err(unreachable)?;
        if let Some(why) = live.loss() {
            return Err(unreachable(engine::unlisted(why)));
        }
        if agents {
            engine::answered(&mut live.engine, &mut live.fleet, AGENTS).await;
        }
        Ok(live)
    }
}

/// A cluster that is watched.
pub(super) struct Live {
    engine: Engine,
    fleet: Fleet,
    epoch: Instant,
    settings: Settings,
    /// It has been said that the API server is lost.
    lost: bool,
}

impl Live {
    /// Follows the cluster for `time`. Nothing is lost when this is dropped before.
    pub(super) async fn follow(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            let Ok(event) = timeout_at(deadline, self.engine.next()).await else {
                break;
            };
            // Nobody asks anything here.
            let _answer = event.apply(&mut self.fleet);
        }
        let why = self.loss().map(str::to_owned);
        match (why, self.lost) {
            (Some(why), false) => {
                note(&format!(
                    "the API server is lost ({why}); going on when it is back"
                ));
                self.lost = true;
            }
            (None, true) => {
                note("the API server is back");
                self.lost = false;
            }
            _ => {}
        }
    }

    /// Why the API server is out of reach; `None`: it is not.
    pub(super) fn loss(&self) -> Option<&str> {
        [Watched::Nodes, Watched::Pods, Watched::Server]
            .into_iter()
            .find_map(|watched| match self.fleet.watch(watched) {
                WatchState::Lost { why, .. } => Some(&**why),
                _ => None,
            })
    }

    /// What is known.
    pub(super) const fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// The tables made of it.
    pub(super) fn picture(&self) -> Picture {
        picture(&self.fleet, self.epoch, &self.settings)
    }
}

fn picture(fleet: &Fleet, epoch: Instant, settings: &Settings) -> Picture {
    let clock = Clock {
        now: engine::moment(epoch),
        wall: Timestamp::now(),
    };
    join(fleet, clock, settings)
}

fn unreachable(problem: Problem) -> Failure {
    Failure {
        exit: Exit::Unreachable,
        problem,
    }
}
