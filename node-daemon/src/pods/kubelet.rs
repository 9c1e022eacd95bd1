//! The kubelet's PodResources service on its unix socket.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use gputop_model::{Allocation, DeviceId, Failure, Reading, is_gpu_resource};
use gputop_proto::pod_resources::pod_resources_lister_client::PodResourcesListerClient;
use gputop_proto::pod_resources::{ListPodResourcesRequest, PodResources};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::Allocations;
use super::last_good::{Answer, LastGood};

/// Where the kubelet listens unless its root folder was moved; K3s leaves it here.
pub const DEFAULT_SOCKET: &str = "/var/lib/kubelet/pod-resources/kubelet.sock";

/// How long one question may take, connecting included. Usual: a few milliseconds.
const LIMIT: Duration = Duration::from_secs(1);

/// Largest answer: what the kubelet itself allows (`defaultPodResourcesMaxSize`, 16 MiB).
const MAX_SIZE: usize = 16 * 1024 * 1024;

type Client = PodResourcesListerClient<Channel>;

/// Asks the kubelet over its socket. A broken connection is dialled anew at the next question.
#[derive(Debug)]
pub struct KubeletSocket {
    path: PathBuf,
    start: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    client: Option<Client>,
    last: LastGood,
}

impl KubeletSocket {
    /// The socket at `path`, which need not exist (yet).
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            start: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// The same; `in_pod`: this process is one of the kubelet's own pods, so that a list without
    /// any pod is not believed.
    #[must_use]
    pub fn seen_from_pod(self, in_pod: bool) -> Self {
        self.lock().last = LastGood::new(in_pod);
        self
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self) -> Result<Answer, Failure> {
        let known = self.lock().client.clone();
        let mut client = if let Some(client) = known {
            client
        } else {
            let client = dial(&self.path).await?;
            let mut state = self.lock();
            state.client = Some(client.clone());
            state.last.connected(self.start.elapsed());
            client
        };
        let answer = client.list(ListPodResourcesRequest {}).await;
        let answer = answer.map_err(|status| failure(&status))?.into_inner();
        Ok(Answer {
            pods: answer.pod_resources.len(),
            allocations: allocations(answer.pod_resources),
        })
    }

    async fn read(&self) -> Reading<Vec<Allocation>> {
        let answer = timeout(LIMIT, self.ask()).await;
        let now = self.start.elapsed();
        let mut state = self.lock();
        match answer.unwrap_or(Err(Failure::Timeout)) {
            Ok(answer) => state.last.answered(now, answer),
            Err(failure) => {
                // The channel would dial again by itself, unseen, and after a wait of its own.
                if failure != RATE_LIMITED {
                    state.client = None;
                }
                state.last.failed(now, failure)
            }
        }
    }
}

impl Allocations for KubeletSocket {
    fn list(&self) -> BoxFuture<'_, Reading<Vec<Allocation>>> {
        self.read().boxed()
    }
}

/// The kubelet answers at most 100 questions a second.
const RATE_LIMITED: Failure = Failure::Other(Code::ResourceExhausted as u32);

async fn dial(path: &Path) -> Result<Client, Failure> {
    // The first connection is made here, so that the reason of a failure is not lost in tonic's.
    let first = UnixStream::connect(path)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => Failure::NotFound,
            ErrorKind::PermissionDenied => Failure::NoPermission,
            _ => {
                let number = error.raw_os_error().unwrap_or_default();
                Failure::Other(u32::try_from(number).unwrap_or_default())
            }
        })?;
    let mut first = Some(TokioIo::new(first));
    let once = tower::service_fn(move |_| {
        let first = first.take();
        // A second connection may lead to another kubelet: that must be noticed.
        async move { first.ok_or_else(|| std::io::Error::from(ErrorKind::NotConnected)) }
    });
    let channel = Endpoint::from_static("http://kubelet")
        .connect_with_connector(once)
        .await
        .map_err(|_| Failure::NotFound)?;
    Ok(Client::new(channel).max_decoding_message_size(MAX_SIZE))
}

fn failure(status: &Status) -> Failure {
    match status.code() {
        Code::Unavailable | Code::NotFound => Failure::NotFound,
        Code::DeadlineExceeded => Failure::Timeout,
        Code::PermissionDenied | Code::Unauthenticated => Failure::NoPermission,
        // The number is gRPC's own.
        other => Failure::Other(other as u32),
    }
}

/// GPU devices and their containers, sorted: the kubelet's order is arbitrary.
fn allocations(pods: Vec<PodResources>) -> Vec<Allocation> {
    let mut list = Vec::new();
    for pod in pods {
        for container in pod.containers {
            for device in container.devices {
                if !is_gpu_resource(&device.resource_name) {
                    continue;
                }
                list.extend(device.device_ids.into_iter().map(|id| Allocation {
                    namespace: pod.namespace.clone(),
                    pod: pod.name.clone(),
                    container: container.name.clone(),
                    resource: device.resource_name.clone(),
                    device_id: DeviceId::new(id),
                }));
            }
        }
    }
    list.sort();
    list
}

#[cfg(test)]
mod tests;
