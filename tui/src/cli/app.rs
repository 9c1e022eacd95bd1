//! The app itself, on a real cluster or on the simulated one.

use gputop_fleet::connect::{Connection, connect};
use gputop_fleet::engine::{Engine, Options};
use tokio::time::Instant;

use super::args::Global;
use super::exit::{Exit, Failure};
use crate::app::Session;
use crate::runtime;

/// Opens the app on the kubeconfig's cluster.
pub(super) async fn cluster(global: &Global) -> Result<(), Failure> {
    runtime::require_terminal().map_err(|error| no_screen(&error))?;
    // Everything that may need the terminal (a credential plug-in's question) happens first.
    let connection = connect(&global.request()).await?;
    open(&connection, global, None).await
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
    open(&connection, global, Some(demo.seed)).await
}

async fn open(connection: &Connection, global: &Global, seed: Option<u64>) -> Result<(), Failure> {
    let epoch = Instant::now();
    let namespace = connection.namespace.clone();
    let options = Options {
        agents: true,
        namespace: namespace.clone(),
        epoch,
    };
    let engine = Engine::start(&connection.client, &options);
    let session = Session {
        context: connection.context.clone(),
        server_version: connection.server_version.clone(),
        namespace,
        only_namespace: global.namespace.clone(),
        seed,
        ..Session::default()
    };
    runtime::run_in_terminal(engine, session, epoch)
        .await
        .map_err(|error| no_screen(&error))
}

fn no_screen(error: &color_eyre::eyre::Report) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("the screen can not be used: {error}"),
        "For output without a screen: `gputop-k3s get gpus`.",
    )
}
