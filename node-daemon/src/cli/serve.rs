//! `gputop-node serve`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use color_eyre::Section as _;
use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};
use gputop_model::{DriverState, NodeSnapshot};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::TelemetryArgs;
use crate::metrics;
use crate::sampler::SamplerHandle;
use crate::service;

/// Most connections at a time; each client needs one.
const CONNECTIONS: usize = 64;

/// Places beside those, for the probes that ask whether the daemon is well, and for telling other
/// clients that there is no room. None is held for long.
const GUESTS: usize = 8;

/// How long open streams may take to end at shutdown.
const GRACE: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Address to listen on; loopback only, since clients come through the API server.
    #[arg(long, default_value = super::DEFAULT_ADDRESS, value_name = "IP:PORT")]
    listen: SocketAddr,
    /// Time between samples while a client looks, such as 1s or 500ms.
    #[arg(long, default_value = "1s", value_parser = interval, value_name = "TIME")]
    interval: Duration,
    /// Address for Prometheus to read metrics from (/metrics, HTTP) [default: none]. Whoever
    /// reaches it sees the names of pods and processes.
    #[arg(long, value_name = "IP:PORT")]
    metrics_listen: Option<SocketAddr>,
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

pub(super) async fn run(args: ServeArgs) -> Result<()> {
    let listen = loopback(args.listen)?;
    let listener = TcpListener::bind(listen)
        .await
        .wrap_err_with(|| format!("can not listen on {listen}"))
        .suggestion("another gputop-node may run here; choose another port with --listen")?;
    let metrics = match args.metrics_listen {
        Some(address) => Some(metrics_listener(address).await?),
        None => None,
    };
    let cancel = CancellationToken::new();
    let sampler = super::telemetry::start(&args.telemetry, args.interval, cancel.clone())?;
    tracing::info!(address = %listener.local_addr()?, version = crate::VERSION, "serving");
    let connections = tokio::spawn(accept(listener, sampler.clone(), cancel.clone()));
    if let Some(listener) = metrics {
        tracing::info!(address = %listener.local_addr()?, "metrics at /metrics");
        tokio::spawn(metrics::serve(listener, sampler.clone(), cancel.clone()));
    }
    let ended = tokio::select! {
        result = signalled() => result,
        error = watch_driver(sampler) => Err(error),
    };
    cancel.cancel();
    if tokio::time::timeout(GRACE, connections).await.is_err() {
        tracing::warn!("a client did not end its stream; leaving it");
    }
    ended
}

async fn metrics_listener(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .wrap_err_with(|| format!("can not listen on {address} for metrics"))
        .suggestion("name an address of this machine, or of its pod, with --metrics-listen")
}

/// Takes connections until cancelled and waits for the last to end. Each subscribes when its client
/// looks, so that the node is sampled at full pace only while someone does.
async fn accept(listener: TcpListener, sampler: SamplerHandle, cancel: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let guests = Arc::new(Semaphore::new(GUESTS));
    let connections = TaskTracker::new();
    loop {
        // Waits for a place before it takes the next connection.
        let place = tokio::select! {
            biased;
            place = Arc::clone(&room).acquire_owned() => place,
            place = Arc::clone(&guests).acquire_owned() => place,
            () = cancel.cancelled() => break,
        };
        let Ok(mut place) = place else {
            break;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = cancel.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            // The client is gone already, or the process has too many files open.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        // A client may have left while this one was waited for.
        if let Ok(better) = Arc::clone(&room).try_acquire_owned() {
            place = better;
        }
        let admitted = Arc::ptr_eq(place.semaphore(), &room);
        let (feed, cancel) = (sampler.feed(), cancel.clone());
        connections.spawn(async move {
            let served = if admitted {
                service::serve_one(stream, feed, cancel).await
            } else {
                service::serve_guest(stream, feed, cancel).await
            };
            if let Err(error) = served {
                tracing::warn!(%error, "a connection failed");
            }
            drop(place);
        });
    }
    connections.close();
    connections.wait().await;
}

async fn signalled() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).wrap_err("can not wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).wrap_err("can not wait for SIGINT")?;
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!(signal = name, "ending");
    Ok(())
}

/// Says what becomes of the driver. Returns only in a pod whose library no longer matches the
/// driver: the kubelet then starts it anew with the right one.
async fn watch_driver(sampler: SamplerHandle) -> color_eyre::Report {
    let mut log = DriverLog::default();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let snapshot = sampler.latest();
        if snapshot.sequence == 0 {
            continue;
        }
        log.note(&snapshot);
        if log.must_restart(&snapshot.driver) && super::in_pod() {
            return eyre!("the driver was replaced while this container ran")
                .note("the library in this container was injected for the driver of its start")
                .suggestion("nothing to do: the kubelet starts the container anew");
        }
    }
}

/// What has been said of the driver.
#[derive(Debug, Default)]
struct DriverLog {
    said: Option<DriverState>,
    was_ready: bool,
}

impl DriverLog {
    fn note(&mut self, snapshot: &NodeSnapshot) {
        let driver = &snapshot.driver;
        self.was_ready |= matches!(driver, DriverState::Ready { .. });
        if self.said.as_ref().map(DriverState::name) == Some(driver.name()) {
            return;
        }
        match driver {
            DriverState::Ready { version, .. } => {
                tracing::info!(
                    driver = version,
                    devices = snapshot.devices.len(),
                    "driver ready"
                );
            }
            other => {
                let reason = other.reason().unwrap_or_default();
                tracing::warn!(state = other.name(), "{reason}; serving without GPUs");
            }
        }
        self.said = Some(driver.clone());
    }

    /// A driver that was ready when this process started no longer fits its library. One that
    /// never fitted would not be helped by another start.
    fn must_restart(&self, driver: &DriverState) -> bool {
        self.was_ready && matches!(driver, DriverState::Mismatch { .. })
    }
}

/// Only loopback: there is no other access control than the API server's in front of it.
fn loopback(address: SocketAddr) -> Result<SocketAddr> {
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(eyre!("refusing to listen on {address}: it is not a loopback address")
        .note("the daemon has no access control of its own; whoever reaches it sees all processes")
        .suggestion("listen on 127.0.0.1 or [::1] and reach it by kubectl port-forward or ssh"))
}

/// `1s`, `500ms`, `2m`: 100 ms to one hour.
fn interval(text: &str) -> Result<Duration> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number
        .parse()
        .wrap_err("expected a number and a unit, such as 1s or 500ms")?;
    let time = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.saturating_mul(60)),
        _ => bail!("expected a unit: ms, s or m"),
    };
    // NVML renews its values at most about six times a second.
    if !(Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&time) {
        bail!("expected a time between 100ms and 60m");
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use gputop_model::Reading;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("127.0.0.1:7475", true)]
    #[case("127.9.0.1:0", true)]
    #[case("[::1]:7475", true)]
    #[case("0.0.0.0:7475", false)]
    #[case("10.0.0.1:7475", false)]
    #[case("[::]:7475", false)]
    fn only_loopback_is_listened_on(#[case] address: &str, #[case] allowed: bool) {
        assert_eq!(loopback(address.parse().unwrap()).is_ok(), allowed);
    }

    #[rstest]
    #[case("1s", Some(1000))]
    #[case("500ms", Some(500))]
    #[case("2m", Some(120_000))]
    #[case("50ms", None)]
    #[case("61m", None)]
    #[case("1", None)]
    #[case("s", None)]
    #[case("1h", None)]
    #[case("-1s", None)]
    fn intervals_are_read(#[case] text: &str, #[case] expected: Option<u64>) {
        assert_eq!(interval(text).ok(), expected.map(Duration::from_millis));
    }

    fn snapshot(driver: DriverState) -> NodeSnapshot {
        NodeSnapshot {
            sequence: 1,
            driver,
            devices: Vec::new(),
            allocations: Reading::Unsupported,
            ..NodeSnapshot::unsampled("n".into())
        }
    }

    #[test]
    fn only_a_driver_that_fitted_once_is_worth_a_restart() {
        let mismatch = snapshot(DriverState::Mismatch { why: String::new() });
        let ready = snapshot(DriverState::Ready {
            version: "1".to_owned(),
            cuda: None,
        });
        let mut log = DriverLog::default();
        log.note(&mismatch);
        assert!(!log.must_restart(&mismatch.driver));
        log.note(&ready);
        assert!(!log.must_restart(&ready.driver));
        log.note(&mismatch);
        assert!(log.must_restart(&mismatch.driver));
    }
}
