//! `gputop-node health`: the probe of the pod.

use std::process::ExitCode;
use std::time::Duration;

use color_eyre::Section as _;
use color_eyre::eyre::{Result, WrapErr as _};
use tonic::transport::Endpoint;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// Below the kubelet's patience, which is set to more than this.
const LIMIT: Duration = Duration::from_secs(3);

/// The daemon's own service.
const SERVICE: &str = "gputop.v1.Telemetry";

pub(super) async fn run(address: &str) -> Result<ExitCode> {
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .wrap_err_with(|| format!("{address:?} is no address; one looks like 127.0.0.1:7475"))?
        .connect_timeout(LIMIT)
        .timeout(LIMIT)
        .tcp_nodelay(true)
        .connect()
        .await
        .wrap_err_with(|| format!("no daemon answers on {address}"))
        .suggestion("start one with gputop-node serve, or name its address with --connect")?;
    let service = SERVICE.to_owned();
    let answer = HealthClient::new(channel)
        .check(HealthCheckRequest { service })
        .await
        .wrap_err_with(|| format!("what answers on {address} is not a gputop-node"))?;
    let status = answer.into_inner().status();
    if i32::from(status) == ServingStatus::Serving as i32 {
        return Ok(ExitCode::SUCCESS);
    }
    tracing::error!(
        ?status,
        "the daemon answers and has taken no sample for more than 30 s: the driver, the host's \
         disks or the kubelet may hang"
    );
    Ok(ExitCode::FAILURE)
}
