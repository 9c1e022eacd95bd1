//! The Telemetry service.

use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use gputop_model::NodeSnapshot;
use gputop_proto::pb;
use gputop_proto::pb::frame::Content;
use gputop_proto::pb::telemetry_server::Telemetry;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

type Snapshots = watch::Receiver<Arc<NodeSnapshot>>;

/// Answers from what the sampler publishes.
pub(super) struct TelemetryService {
    snapshots: Snapshots,
    cancel: CancellationToken,
}

impl TelemetryService {
    pub(super) fn new(snapshots: Snapshots, cancel: CancellationToken) -> Self {
        Self { snapshots, cancel }
    }
}

#[tonic::async_trait]
impl Telemetry for TelemetryService {
    type WatchStream = BoxStream<'static, Result<pb::Frame, Status>>;

    async fn watch(
        &self,
        _request: Request<pb::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let frames = Frames {
            snapshots: self.snapshots.clone(),
            sent: None,
        };
        let frames = stream::unfold(frames, Frames::next).boxed();
        let ended = self.cancel.clone().cancelled_owned();
        Ok(Response::new(frames.take_until(ended).boxed()))
    }

    async fn get(
        &self,
        _request: Request<pb::GetRequest>,
    ) -> Result<Response<pb::Snapshot>, Status> {
        let mut snapshots = self.snapshots.clone();
        let snapshot = sampled(&mut snapshots).await.ok_or_else(stopped)?;
        Ok(Response::new((&*snapshot).into()))
    }
}

/// The frames of one stream: what the client has been sent, and under which number.
struct Frames {
    snapshots: Snapshots,
    sent: Option<(u64, Arc<NodeSnapshot>)>,
}

impl Frames {
    /// Called when the client has room for a frame, so that what was published in between is
    /// skipped. Frames are numbered on from the first snapshot's number, without a gap.
    async fn next(mut self) -> Option<(Result<pb::Frame, Status>, Self)> {
        let (sequence, content, snapshot) = match self.sent.take() {
            None => {
                let snapshot = sampled(&mut self.snapshots).await?;
                let full = Content::Full((&*snapshot).into());
                (snapshot.sequence, full, snapshot)
            }
            Some((sequence, before)) => {
                self.snapshots.changed().await.ok()?;
                let snapshot = Arc::clone(&self.snapshots.borrow_and_update());
                let delta = gputop_proto::delta(&before, &snapshot);
                (sequence + 1, Content::Delta(delta), snapshot)
            }
        };
        let frame = pb::Frame {
            sequence,
            content: Some(content),
        };
        self.sent = Some((sequence, snapshot));
        Some((Ok(frame), self))
    }
}

/// The newest snapshot, or the first when nothing has been sampled yet; `None` when the sampler
/// has stopped before that.
async fn sampled(snapshots: &mut Snapshots) -> Option<Arc<NodeSnapshot>> {
    let snapshot = snapshots.wait_for(|snapshot| snapshot.sequence > 0).await;
    snapshot.ok().map(|snapshot| Arc::clone(&snapshot))
}

fn stopped() -> Status {
    Status::unavailable("the daemon is shutting down")
}
