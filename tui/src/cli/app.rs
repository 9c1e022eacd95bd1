//! The app itself: on a real cluster, on the simulated one, on a recording.

use std::io;
use std::path::Path;
use std::time::Duration;

use gputop_fleet::connect::{ConnectError, Connection, Request, connect, contexts};
use gputop_fleet::engine::{Engine, Options};
use gputop_model::Clock;
use tokio::time::Instant;

use super::args::Global;
use super::config;
use super::exit::{Exit, Failure, note};
use super::tape::{self, Record};
use crate::app::{Session, State};
use crate::config::load::Sources;
use crate::config::{Effective, to_session, to_state};
use crate::recording::Recorder;
use crate::runtime::{self, Source as _, signals};
use crate::theme::TerminalHints;

/// How long it may take to connect without a word.
const SILENCE: Duration = Duration::from_millis(700);

/// Opens the app on the kubeconfig's cluster, and on others when the user goes there. Only the
/// first is recorded.
pub(super) async fn cluster(global: &Global, record: &Record) -> Result<(), Failure> {
    runtime::require_terminal().map_err(|error| no_screen(&error))?;
    let sources = config::sources(global)?;
    let mut request = global.request();
    // Everything that may need the terminal (a credential plug-in's question) happens first.
    let mut connection = patiently(&request).await?;
    let known = contexts(global.kubeconfig.as_deref()).await?;
    let mut record = record.clone();
    let mut last_words = None;
    loop {
        let session = Session {
            contexts: known.clone(),
            ..session(&connection, global)
        };
        let mut open = Open::new(&connection, session, &sources, &std::mem::take(&mut record))?;
        if let Some(text) = last_words.take() {
            open.state.say(text);
        }
        connection = loop {
            let ran = open.run(&connection).await;
            let Ok(Some(context)) = ran else {
                open.end().await;
                return ran.map(|_| ());
            };
            let next = Request {
                context: Some(context.clone()),
                ..request.clone()
            };
            let connected = match unless_stopped(Box::pin(patiently(&next))).await {
                Ok(Some(connected)) => connected,
                Ok(None) => {
                    open.end().await;
                    return Ok(());
                }
                Err(error) => {
                    open.end().await;
                    return Err(no_screen(&error.into()));
                }
            };
            match connected {
                Ok(connection) => {
                    request = next;
                    let recorded = open.source.finish().await;
                    last_words = recorded.map(|summary| tape::told(&summary));
                    break connection;
                }
                Err(error) => {
                    // Back to where the user was, saying why.
                    let why = error.to_string().replace('\n', " ");
                    open.state.say(format!("{context}: {why}"));
                }
            }
        };
    }
}

/// Opens the app on the simulated cluster.
#[cfg(feature = "demo")]
pub(super) async fn demo(global: &Global, args: &super::args::Demo) -> Result<(), Failure> {
    runtime::require_terminal().map_err(|error| no_screen(&error))?;
    let sources = config::sources(global)?;
    let demo = super::demo::start(&args.scenario, args.seed).await?;
    let mut connection = demo.connection.clone();
    if let Some(namespace) = &global.namespace {
        connection.namespace.clone_from(namespace);
    }
    let session = Session {
        seed: Some(demo.seed),
        ..session(&connection, global)
    };
    let mut open = Open::new(&connection, session, &sources, &args.record)?;
    let ran = open.run(&connection).await;
    open.end().await;
    ran.map(|_| ())
}

/// Opens the app on a recording.
pub(super) async fn replay(global: &Global, file: &Path) -> Result<(), Failure> {
    runtime::require_terminal().map_err(|error| no_screen(&error))?;
    let effective = config::effective(&config::sources(global)?, None)?;
    let mut replay = tape::open(file)?;
    let recorded = replay.session();
    let mut session = recorded.clone();
    to_session(&effective.config, &mut session);
    // What was idle then is idle now.
    session.settings = recorded.settings;
    session.only_namespace = global.namespace.clone().or(recorded.only_namespace);
    let epoch = Instant::now();
    let mut state = state(&effective, session, replay.clock(epoch));
    let ran = runtime::run_in_terminal(&mut replay, &mut state, epoch, None).await;
    ran.map(|_| ()).map_err(|error| no_screen(&error))
}

/// Connects; says so when that takes its time, for until then nothing is drawn.
async fn patiently(request: &Request) -> Result<Connection, ConnectError> {
    let mut connecting = std::pin::pin!(connect(request));
    tokio::select! {
        connected = &mut connecting => connected,
        () = tokio::time::sleep(SILENCE) => {
            let place = request.context.as_deref().unwrap_or("the current context");
            note(&format!("connecting to {place}…"));
            connecting.await
        }
    }
}

/// What `work` comes to; `None`: the program was told to end before. Outside the app nothing else
/// hears ctrl-c and signals.
async fn unless_stopped<T>(work: impl Future<Output = T>) -> io::Result<Option<T>> {
    let stop = signals::termination()?;
    Ok(tokio::select! {
        done = work => Some(done),
        () = stop => None,
    })
}

/// The app before it has heard anything.
fn state(effective: &Effective, session: Session, clock: Clock) -> State {
    let mut state = State::new(session, clock);
    let hints = TerminalHints::read(|name| std::env::var(name).ok());
    to_state(&effective.config, &hints, &mut state);
    state
}

/// What is known of a cluster before anything is shown.
fn session(connection: &Connection, global: &Global) -> Session {
    Session {
        context: connection.context.clone(),
        server_version: connection.server_version.clone(),
        namespace: connection.namespace.clone(),
        only_namespace: global.namespace.clone(),
        ..Session::default()
    }
}

/// The app on one cluster.
struct Open {
    source: Recorder<Engine>,
    state: State,
    epoch: Instant,
}

impl Open {
    fn new(
        connection: &Connection,
        mut session: Session,
        sources: &Sources,
        record: &Record,
    ) -> Result<Self, Failure> {
        let effective = config::effective(sources, Some(&session.context))?;
        to_session(&effective.config, &mut session);
        let epoch = Instant::now();
        let options = Options {
            agents: true,
            namespace: connection.namespace.clone(),
            epoch,
        };
        let engine = Engine::start(&connection.client, &options);
        let source = record.start(engine, &mut session, epoch)?;
        Ok(Self {
            state: state(&effective, session, source.clock(epoch)),
            source,
            epoch,
        })
    }

    /// Runs until the user quits (`None`) or wants another context.
    async fn run(&mut self, connection: &Connection) -> Result<Option<String>, Failure> {
        runtime::run_in_terminal(
            &mut self.source,
            &mut self.state,
            self.epoch,
            Some(connection),
        )
        .await
        .map_err(|error| no_screen(&error))
    }

    /// Ends the recording, if there is one, and says what has become of it.
    async fn end(self) {
        if let Some(summary) = self.source.finish().await {
            tape::report(&summary);
        }
    }
}

fn no_screen(error: &color_eyre::eyre::Report) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("the screen can not be used: {error}"),
        "For output without a screen: `gputop-k3s get gpus`.",
    )
}
