//! An hour of sampling and serving on a clock that does not wait, in this process: what grows?

use std::sync::Arc;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::OptionExt as _;
use gputop_node::machine::NoMachine;
use gputop_node::pods::NoKubelet;
use gputop_node::procs::NoAttribution;
use gputop_node::sampler::{Inputs, Options, Sampler};
use gputop_node::service::serve_one;
use gputop_node::source::simulated::{SimulatedSource, builtin_node, builtin_tenants};
use gputop_proto::pb;
use gputop_proto::pb::telemetry_client::TelemetryClient;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;

use super::machine::GPUS;
use crate::measure::process::Usage;
use crate::measure::table::Row;

/// Until everything is as large as it gets by itself.
const WARM: Duration = Duration::from_secs(3_600);

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) fn measure() -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    let [warm, end] = runtime.block_on(run())?;
    Ok(vec![
        Row::bytes("an hour of a simulated node: RSS before", warm.resident),
        Row::bytes("an hour of a simulated node: RSS after", end.resident),
    ])
}

async fn run() -> Result<[Usage; 2]> {
    let mut node = builtin_node("measured".into());
    let cards = node.gpus.clone();
    node.gpus = cards.into_iter().cycle().take(GPUS).collect();
    let source = SimulatedSource::new(node, 1);
    source.set_tenants(builtin_tenants(&source.spec()));
    let inputs = Inputs {
        source: Arc::new(source),
        allocations: Arc::new(NoKubelet),
        attribution: Arc::new(NoAttribution),
        machine: Arc::new(NoMachine),
    };
    let cancel = CancellationToken::new();
    let sampler = Sampler::start(
        "measured".into(),
        inputs,
        Options::default(),
        cancel.clone(),
    );
    let (near, far) = tokio::io::duplex(64 * 1024);
    let served = tokio::spawn(serve_one(far, sampler.subscribe(), cancel.clone()));
    let mut io = Some(TokioIo::new(near));
    let channel = Endpoint::from_static("http://node")
        .connect_with_connector(tower::service_fn(move |_: http::Uri| {
            let io = io.take();
            async move { io.ok_or_else(|| std::io::Error::other("the connection is closed")) }
        }))
        .await?;
    let request = pb::WatchRequest {
        min_interval_ms: None,
        protocol: gputop_model::Protocol::VERSION,
    };
    let mut frames = TelemetryClient::new(channel)
        .watch(request)
        .await?
        .into_inner();
    let began = Instant::now();
    let mut usages = Vec::new();
    for until in [WARM, WARM + HOUR] {
        while began.elapsed() < until {
            frames.message().await?.ok_or_eyre("the stream has ended")?;
        }
        usages.push(Usage::of(std::process::id())?);
    }
    cancel.cancel();
    served.await??;
    Ok([usages[0], usages[1]])
}
