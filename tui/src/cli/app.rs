//! The app itself: on a real cluster, on the simulated one, on a recording.

use gputop_fleet::connect::{Connection, Request, connect, contexts};
use gputop_fleet::engine::{Engine, Options};
use tokio::time::Instant;

use super::args::Global;
use super::exit::{Exit, Failure};
use crate::app::{Session, State};
use crate::runtime::{self, Source as _};

/// Opens the app on the kubeconfig's cluster, and on others when the user goes there.
pub(super) async fn cluster(global: &Global) -> Result<(), Failure> {
    runtime::require_terminal().map_err(|error| no_screen(&error))?;
    let mut request = global.request();
    // Everything that may need the terminal (a credential plug-in's question) happens first.
    let mut connection = connect(&request).await?;
    let known = contexts(global.kubeconfig.as_deref()).await?;
    loop {
        let mut open = Open::new(&connection, global, known.clone(), None);
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
    let demo = super::demo::start(args.seed).await?;
    let mut connection = demo.connection.clone();
    if let Some(namespace) = &global.namespace {
        connection.namespace.clone_from(namespace);
    }
    let mut open = Open::new(&connection, global, Vec::new(), Some(demo.seed));
    open.run(&connection).await.map(|_| ())
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
        global: &Global,
        contexts: Vec<String>,
        seed: Option<u64>,
    ) -> Self {
        let epoch = Instant::now();
        let options = Options {
            agents: true,
            namespace: connection.namespace.clone(),
            epoch,
        };
        let engine = Engine::start(&connection.client, &options);
        let session = Session {
            context: connection.context.clone(),
            server_version: connection.server_version.clone(),
            namespace: connection.namespace.clone(),
            only_namespace: global.namespace.clone(),
            seed,
            contexts,
            // https://no-color.org: any value that is not empty.
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            ..Session::default()
        };
        let state = State::new(session, engine.clock(epoch));
        Self {
            engine,
            state,
            epoch,
        }
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
