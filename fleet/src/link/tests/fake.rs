//! Daemons of all sorts behind in-memory pipes: the real gRPC service, and what may stand in its
//! place.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use gputop_model::NodeName;
use gputop_proto::pb;
use gputop_proto::pb::telemetry_server::{Telemetry, TelemetryServer};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf,
};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::link::{Dial, DialError, Io, Place};
use crate::watch::DaemonPod;

/// What answers when a node is dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Answers {
    /// A daemon.
    #[default]
    Daemon,
    /// Nobody: the dial fails.
    Nobody,
    /// Nobody: the dial panics.
    Panic,
    /// Somebody who says nothing.
    Silence,
    /// An SSH server.
    Ssh,
    /// A web server.
    Web,
    /// A gRPC server without telemetry.
    OtherService,
    /// Frames without content.
    EmptyFrames,
    /// A message of five mebibytes.
    Huge,
    /// Frames without any pause.
    Flood,
    /// A daemon that ends each stream after one frame.
    OneFrame,
    /// A daemon with a card, of which it knows the past.
    Remembers,
    /// One that says that it does, and then does not answer.
    Forgets,
}

/// All daemons of a made-up cluster, and what happened to them.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    answers: Mutex<BTreeMap<NodeName, Answers>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
    /// Each stream that was opened: of whom, and the pause that was asked for, in milliseconds.
    asked: Mutex<Vec<(NodeName, Option<u32>)>>,
    frames: Mutex<BTreeMap<NodeName, u32>>,
    /// Each time that the past was asked for: of whom, and since how many seconds.
    past: Mutex<Vec<(NodeName, u32)>>,
}

/// The way to them.
pub(super) struct FakeDial(pub(super) Arc<Fleet>);

impl Fleet {
    pub(super) fn set(&self, node: &str, answers: Answers) {
        self.answers.lock().unwrap().insert(node.into(), answers);
    }

    /// Connections at the moment, and the most that there ever were.
    pub(super) fn open(&self) -> (usize, usize) {
        let load = |number: &AtomicUsize| number.load(Ordering::SeqCst);
        (load(&self.open), load(&self.most_open))
    }

    /// The pauses that a node was asked for, in order.
    pub(super) fn asked(&self, node: &str) -> Vec<Option<u32>> {
        let asked = self.asked.lock().unwrap();
        let of_node = asked.iter().filter(|(known, _)| known.as_str() == node);
        of_node.map(|(_, pause)| *pause).collect()
    }

    /// How far back a node was asked for its past, in seconds, in order.
    pub(super) fn past(&self, node: &str) -> Vec<u32> {
        let past = self.past.lock().unwrap();
        let of_node = past.iter().filter(|(known, _)| known.as_str() == node);
        of_node.map(|(_, seconds)| *seconds).collect()
    }

    /// Frames that a node has been asked for.
    pub(super) fn frames(&self, node: &str) -> u32 {
        let frames = self.frames.lock().unwrap();
        frames.get(&node.into()).copied().unwrap_or_default()
    }
}

impl Dial for FakeDial {
    fn dial(
        &self,
        daemon: &DaemonPod,
        place: Place,
    ) -> BoxFuture<'static, Result<Box<dyn Io>, DialError>> {
        let node: NodeName = daemon.name.as_str().into();
        let fleet = self.0.clone();
        Box::pin(async move {
            let answers = fleet.answers.lock().unwrap().get(&node).copied();
            let answers = answers.unwrap_or_default();
            assert!(answers != Answers::Panic, "a mistake in the program");
            if answers == Answers::Nobody {
                return Err(DialError("nobody is there".to_owned()));
            }
            let (near, far) = tokio::io::duplex(64 * 1024);
            tokio::spawn(answer(answers, node, fleet.clone(), far));
            let open = fleet.open.fetch_add(1, Ordering::SeqCst) + 1;
            fleet.most_open.fetch_max(open, Ordering::SeqCst);
            Ok(Box::new(Counted {
                io: near,
                fleet,
                _place: place,
            }) as Box<dyn Io>)
        })
    }
}

async fn answer(answers: Answers, node: NodeName, fleet: Arc<Fleet>, mut io: DuplexStream) {
    match answers {
        Answers::Nobody | Answers::Panic => {}
        Answers::Silence => {
            // Reads, so that nothing backs up.
            let mut sink = Vec::new();
            let _ = io.read_to_end(&mut sink).await;
        }
        Answers::Ssh => {
            let _ = io.write_all(b"SSH-2.0-OpenSSH_9.6p1 Ubuntu-3\r\n").await;
            let _ = io.read(&mut [0; 64]).await;
        }
        Answers::Web => {
            let _ = io.read(&mut [0; 64]).await;
            let _ = io
                .write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                .await;
        }
        _ => {
            let service = Service {
                node,
                answers,
                fleet,
            };
            let incoming = stream::iter([Ok::<_, Infallible>(io)]).chain(stream::pending());
            let _ = Server::builder()
                .add_service(TelemetryServer::new(service))
                .serve_with_incoming(incoming)
                .await;
        }
    }
}

/// A snapshot as a daemon without GPUs sends it.
pub(super) fn snapshot(node: &str, sequence: u64) -> pb::Snapshot {
    pb::Snapshot {
        node: node.to_owned(),
        sequence,
        driver: Some(pb::Driver {
            state: pb::driver::State::NoGpu.into(),
            version: "580".to_owned(),
            ..pb::Driver::default()
        }),
        allocations: Some(pb::Allocations::default()),
        ..pb::Snapshot::default()
    }
}

struct Service {
    node: NodeName,
    answers: Answers,
    fleet: Arc<Fleet>,
}

#[tonic::async_trait]
impl Telemetry for Service {
    type WatchStream = BoxStream<'static, Result<pb::Frame, Status>>;

    async fn watch(
        &self,
        request: Request<pb::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        if self.answers == Answers::OtherService {
            return Err(Status::unimplemented(""));
        }
        let pause = request.get_ref().min_interval_ms;
        let asked = (self.node.clone(), pause);
        self.fleet.asked.lock().unwrap().push(asked);
        let every = Duration::from_millis(u64::from(pause.unwrap_or(1_000)).max(1_000));
        let (node, answers, fleet) = (self.node.clone(), self.answers, self.fleet.clone());
        let frames = stream::unfold(1_u64, move |sequence| {
            let (node, fleet) = (node.clone(), fleet.clone());
            async move {
                if sequence > 1 && answers != Answers::Flood {
                    tokio::time::sleep(every).await;
                }
                *fleet
                    .frames
                    .lock()
                    .unwrap()
                    .entry(node.clone())
                    .or_default() += 1;
                Some((Ok(frame(&node, answers, sequence)), sequence + 1))
            }
        });
        let limit = if answers == Answers::OneFrame {
            1
        } else {
            usize::MAX
        };
        Ok(Response::new(frames.take(limit).boxed()))
    }

    async fn get(
        &self,
        _request: Request<pb::GetRequest>,
    ) -> Result<Response<pb::Snapshot>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn history(
        &self,
        request: Request<pb::HistoryRequest>,
    ) -> Result<Response<pb::HistoryReply>, Status> {
        let seconds = request.get_ref().from_ms_ago() / 1_000;
        let asked = (self.node.clone(), seconds);
        self.fleet.past.lock().unwrap().push(asked);
        match self.answers {
            Answers::Remembers => Ok(Response::new(past(seconds))),
            Answers::Forgets => std::future::pending().await,
            _ => Err(Status::unimplemented("")),
        }
    }
}

/// The card of a daemon that remembers.
pub(super) const CARD: &str = "GPU-0";

/// Of the card a sample a second, and of another one that nobody has heard of.
fn past(seconds: u32) -> pb::HistoryReply {
    let count = usize::try_from(seconds).unwrap();
    let device = |uuid: &str| pb::DeviceHistory {
        device_uuid: uuid.to_owned(),
        older_by_tenths: vec![10; count],
        utilization_percent_and_1: vec![8; count],
        ..pb::DeviceHistory::default()
    };
    pb::HistoryReply {
        devices: vec![device(CARD), device("GPU-other")],
    }
}

fn frame(node: &NodeName, answers: Answers, sequence: u64) -> pb::Frame {
    use pb::frame::Content;
    let mut full = snapshot(node.as_str(), sequence);
    let content = match answers {
        Answers::EmptyFrames => None,
        Answers::Huge => {
            full.daemon_version = "x".repeat(5 * 1024 * 1024);
            Some(Content::Full(full))
        }
        Answers::Remembers | Answers::Forgets if sequence == 1 => {
            full.driver = Some(pb::Driver {
                state: pb::driver::State::Ready.into(),
                ..pb::Driver::default()
            });
            full.devices = vec![pb::Device {
                uuid: CARD.to_owned(),
                utilization_percent: Some(99),
                ..pb::Device::default()
            }];
            full.capabilities = vec!["history".to_owned()];
            Some(Content::Full(full))
        }
        _ if sequence == 1 => Some(Content::Full(full)),
        _ => Some(Content::Delta(pb::Delta::default())),
    };
    pb::Frame { sequence, content }
}

/// Counts itself for as long as it lives.
struct Counted {
    io: DuplexStream,
    fleet: Arc<Fleet>,
    _place: Place,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.fleet.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
