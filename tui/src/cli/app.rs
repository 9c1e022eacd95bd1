//! The app itself: on a real cluster, on the simulated one, on a recording.

use gputop_fleet::connect::{Connection, Request, connect, contexts};
use gputop_fleet::engine::{Engine, Options};
use tokio::time::Instant;

use super::args::Global;
use super::config;
use super::exit::{Exit, Failure};
use crate::app::{Session, State};
use crate::config::load::Sources;
use crate::config::{to_session, to_state};
use crate::runtime::{self, Source as _};
use crate::theme::TerminalHints;

/// Opens the app on the kubeconfig's cluster, and on others when the user goes there.
pub(super) async fn cluster(global: &Global) -> Result<(), Failure> {
    runtime::require_terminal().map_err(|error| no_screen(&error))?;
    let sources = config::sources(global)?;
    let mut request = global.request();
    // Everything that may need the terminal (a credential plug-in's question) happens first.
    let mut connection = connect(&request).await?;
    let known = contexts(global.kubeconfig.as_deref()).await?;
    loop {
        let session = Session {
            contexts: known.clone(),
            ..session(&connection, global)
        };
        let mut open = Open::new(&connection, session, &sources)?;
        connection = loop {
            let Some(context) = open.run(&connection).await? else {
                return Ok(());
            };
            let next = Request {
                context: Some(context.clone()),
                ..request.clone()
            };
            match connect(&next).await {
                Ok(connection) => {
                    request = next;
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
    let demo = super::demo::start(args.seed).await?;
    let mut connection = demo.connection.clone();
    if let Some(namespace) = &global.namespace {
        connection.namespace.clone_from(namespace);
    }
    let session = Session {
        seed: Some(demo.seed),
        ..session(&connection, global)
    };
    let mut open = Open::new(&connection, session, &sources)?;
    open.run(&connection).await.map(|_| ())
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
    engine: Engine,
    state: State,
    epoch: Instant,
}

impl Open {
    fn new(
        connection: &Connection,
        mut session: Session,
        sources: &Sources,
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
        let mut state = State::new(session, engine.clock(epoch));
        let hints = TerminalHints::read(|name| std::env::var(name).ok());
        to_state(&effective.config, &hints, &mut state);
        Ok(Self {
            engine,
            state,
            epoch,
        })
    }

    /// Runs until the user quits (`None`) or wants another context.
    async fn run(&mut self, connection: &Connection) -> Result<Option<String>, Failure> {
        runtime::run_in_terminal(
            &mut self.engine,
            &mut self.state,
            self.epoch,
            Some(connection),
        )
        .await
        .map_err(|error| no_screen(&error))
    }
}

fn no_screen(error: &color_eyre::eyre::Report) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("the screen can not be used: {error}"),
        "For output without a screen: `gputop-k3s get gpus`.",
    )
}
