//! A stream of the daemon that no restart of Kubernetes breaks: straight into its pod's network.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, WrapErr as _, bail, ensure};
use gputop_model::{Allocation, NodeSnapshot, Reading};
use gputop_proto::pb::frame::Content;
use gputop_proto::pb::telemetry_client::TelemetryClient;
use gputop_proto::{apply, pb};
use hyper_util::rt::TokioIo;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::Streaming;
use tonic::transport::Endpoint;
use xtask::cluster::node::{Inside, enter_network, network_of};

use super::fixture::{Node, PATIENCE, eventually};

/// The daemon's port.
const PORT: u16 = 7475;

/// The daemon, watched.
pub(crate) struct Daemon {
    /// The process that is watched.
    pub(crate) process: Inside,
    snapshots: watch::Receiver<Option<Arc<NodeSnapshot>>>,
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

/// What was seen so far.
#[derive(Debug, Default)]
struct Counts {
    seen: AtomicUsize,
    /// Snapshots that say that no GPU is held, be it with an age.
    free: AtomicUsize,
}

impl Daemon {
    /// Begins to watch the daemon as soon as there is one.
    pub(crate) async fn watch(node: &Node) -> Result<Self> {
        let (process, frames) = eventually("a daemon", PATIENCE, async || {
            let Some(process) = node.daemon_process()? else {
                return Ok(None);
            };
            // It may be starting still, or ending.
            Ok(open(process.outer)
                .await
                .ok()
                .map(|frames| (process, frames)))
        })
        .await?;
        let (sender, snapshots) = watch::channel(None);
        let counts = Arc::new(Counts::default());
        let task = tokio::spawn(follow(frames, sender, Arc::clone(&counts)));
        let daemon = Self {
            process,
            snapshots,
            counts,
            task,
        };
        daemon.until("a first snapshot", |_| true).await?;
        Ok(daemon)
    }

    /// Waits for a snapshot that is as `wanted`.
    pub(crate) async fn until(
        &self,
        what: &str,
        wanted: impl Fn(&NodeSnapshot) -> bool,
    ) -> Result<Arc<NodeSnapshot>> {
        let mut snapshots = self.snapshots.clone();
        let found = snapshots.wait_for(|latest| latest.as_deref().is_some_and(&wanted));
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(Ok(latest)) => latest.clone().ok_or_eyre("no snapshot"),
            Ok(Err(_ended)) => bail!("{what}: the daemon's stream has ended"),
            Err(_late) => {
                let latest = self.snapshots.borrow();
                let held = latest.as_ref().map(|latest| &latest.allocations);
                bail!("{what}: not within {PATIENCE:?}; the daemon says {held:?}")
            }
        }
    }

    /// Waits until it says, freshly, that exactly these are held.
    pub(crate) async fn until_held(
        &self,
        what: &str,
        devices: &BTreeSet<(String, String)>,
    ) -> Result<Arc<NodeSnapshot>> {
        self.until(what, |snapshot| {
            snapshot.allocations.fresh().map(|list| held(list)).as_ref() == Some(devices)
        })
        .await
    }

    /// Watches for that long.
    pub(crate) async fn run(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// How many snapshots came so far, and how many of them said that no GPU is held.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let load = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (load(&self.counts.seen), load(&self.counts.free))
    }

    /// Fails when a snapshot since `before` said that no GPU is held. Waits for one more when none
    /// came: it sends one every few seconds if nothing changes.
    pub(crate) async fn ensure_never_free(&self, before: (usize, usize)) -> Result<()> {
        let mut snapshots = self.snapshots.clone();
        snapshots.mark_unchanged();
        if self.counts().0 == before.0 {
            let next = tokio::time::timeout(PATIENCE, snapshots.changed()).await;
            next.wrap_err("the daemon is silent")??;
        }
        let (seen, free) = self.counts();
        ensure!(
            free == before.1,
            "{} of {} snapshots said that all GPUs are free while a pod held one",
            free - before.1,
            seen - before.0
        );
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Pod and device id of what is held.
pub(crate) fn held(list: &[Allocation]) -> BTreeSet<(String, String)> {
    let pair = |one: &Allocation| (one.pod.clone(), one.device_id.as_str().to_owned());
    list.iter().map(pair).collect()
}

/// A stream from the daemon whose process that is.
async fn open(process: u32) -> Result<Streaming<pb::Frame>> {
    // The thread stays in the pod's network, so that it must be one that ends.
    let (sender, stream) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let connected = enter_network(&network_of(process)).and_then(|()| {
            let address = (Ipv4Addr::LOCALHOST, PORT).into();
            Ok(TcpStream::connect_timeout(
                &address,
                Duration::from_secs(2),
            )?)
        });
        // Nobody waits any more: the test has ended.
        let _ = sender.send(connected);
    });
    let stream = stream.await.wrap_err("the connecting thread has ended")??;
    stream.set_nonblocking(true)?;
    let mut stream = Some(TokioIo::new(tokio::net::TcpStream::from_std(stream)?));
    let connector = tower::service_fn(move |_: http::Uri| {
        let stream = stream.take();
        async move { stream.ok_or_else(|| std::io::Error::other("the stream has ended")) }
    });
    let channel = Endpoint::from_static("http://gputop-node")
        .connect_with_connector(connector)
        .await?;
    let request = pb::WatchRequest::default();
    Ok(TelemetryClient::new(channel)
        .watch(request)
        .await?
        .into_inner())
}

/// Folds frames into snapshots until the stream's end.
async fn follow(
    mut frames: Streaming<pb::Frame>,
    sender: watch::Sender<Option<Arc<NodeSnapshot>>>,
    counts: Arc<Counts>,
) {
    let mut current: Option<Arc<NodeSnapshot>> = None;
    while let Ok(Some(frame)) = frames.message().await {
        let next = match (frame.content, &current) {
            (Some(Content::Full(full)), _) => NodeSnapshot::try_from(full),
            (Some(Content::Delta(delta)), Some(current)) => apply(current, frame.sequence, delta),
            // Steps are not asked for; anything else ends what is watched, and so the test.
            _ => return,
        };
        let Ok(next) = next else {
            return;
        };
        counts.seen.fetch_add(1, Ordering::Relaxed);
        if says_free(&next.allocations) {
            counts.free.fetch_add(1, Ordering::Relaxed);
        }
        let next = Arc::new(next);
        current = Some(Arc::clone(&next));
        if sender.send(Some(next)).is_err() {
            return;
        }
    }
}

fn says_free(allocations: &Reading<Vec<Allocation>>) -> bool {
    allocations.known().is_some_and(Vec::is_empty)
}
