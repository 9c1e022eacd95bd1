//! The Telemetry service.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use gputop_model::{NodeSnapshot, PastQuery};
use gputop_proto::pb;
use gputop_proto::pb::frame::Content;
use gputop_proto::pb::telemetry_server::Telemetry;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use crate::sampler::Feed;

type Snapshots = watch::Receiver<Arc<NodeSnapshot>>;

/// Longest pause between two frames that a client may ask for: a stream that is silent for much
/// longer counts as broken.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Answers from what the sampler publishes.
pub(super) struct TelemetryService {
    feed: Arc<Feed>,
    /// There is room for this client.
    admitted: bool,
    /// Since the client looked for the first time.
    snapshots: OnceLock<Snapshots>,
    cancel: CancellationToken,
}

impl TelemetryService {
    /// Refuses every answer unless `admitted`.
    pub(super) const fn new(feed: Arc<Feed>, admitted: bool, cancel: CancellationToken) -> Self {
        Self {
            feed,
            admitted,
            snapshots: OnceLock::new(),
            cancel,
        }
    }

    fn check_room(&self) -> Result<(), Status> {
        if self.admitted {
            return Ok(());
        }
        Err(Status::resource_exhausted(
            "this daemon has as many clients as it serves; close one, or try again later",
        ))
    }

    /// The snapshots; the node is sampled at full pace from now until the connection's end.
    fn look(&self) -> Result<Snapshots, Status> {
        self.check_room()?;
        Ok(self.snapshots.get_or_init(|| self.feed.subscribe()).clone())
    }
}

#[tonic::async_trait]
impl Telemetry for TelemetryService {
    type WatchStream = BoxStream<'static, Result<pb::Frame, Status>>;

    async fn watch(
        &self,
        request: Request<pb::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let request = request.get_ref();
        let pause = u64::from(request.min_interval_ms());
        let frames = Frames {
            snapshots: self.look()?,
            sent: None,
            steps: request.protocol >= 1,
            pause: Duration::from_millis(pause).min(LONGEST_PAUSE),
            not_before: Instant::now(),
        };
        let frames = stream::unfold(frames, Frames::next).boxed();
        let ended = self.cancel.clone().cancelled_owned();
        Ok(Response::new(frames.take_until(ended).boxed()))
    }

    async fn get(
        &self,
        _request: Request<pb::GetRequest>,
    ) -> Result<Response<pb::Snapshot>, Status> {
        let mut snapshots = self.look()?;
        let snapshot = sampled(&mut snapshots).await.ok_or_else(stopped)?;
        Ok(Response::new((&*snapshot).into()))
    }

    async fn history(
        &self,
        request: Request<pb::HistoryRequest>,
    ) -> Result<Response<pb::HistoryReply>, Status> {
        self.check_room()?;
        let query = PastQuery::try_from(request.into_inner());
        let query = query.map_err(|error| Status::invalid_argument(error.to_string()))?;
        let past = self.feed.history.read(&query);
        let reply = gputop_proto::past_to_wire(&past, self.feed.history.now());
        Ok(Response::new(reply))
    }
}

/// The frames of one stream: what the client has been sent, and under which number.
struct Frames {
    snapshots: Snapshots,
    sent: Option<(u64, Arc<NodeSnapshot>)>,
    /// The client speaks protocol 1 or a later one.
    steps: bool,
    /// The time between two frames that the client asked for.
    pause: Duration,
    /// When the next frame may be sent.
    not_before: Instant,
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
                // First the pause: what changes in it is part of the frame.
                sleep_until(self.not_before).await;
                self.snapshots.changed().await.ok()?;
                let snapshot = Arc::clone(&self.snapshots.borrow_and_update());
                let change = if self.steps {
                    Content::Step(gputop_proto::step(&before, &snapshot))
                } else {
                    Content::Delta(gputop_proto::delta(&before, &snapshot))
                };
                (sequence + 1, change, snapshot)
            }
        };
        let frame = pb::Frame {
            sequence,
            content: Some(content),
        };
        self.sent = Some((sequence, snapshot));
        self.not_before = Instant::now() + self.pause;
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
