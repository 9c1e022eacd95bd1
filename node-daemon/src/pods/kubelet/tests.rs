//! A made-up kubelet on a real unix socket.

use std::sync::Arc;

use gputop_proto::pod_resources::pod_resources_lister_server::{
    PodResourcesLister, PodResourcesListerServer,
};
use gputop_proto::pod_resources::{
    AllocatableResourcesRequest, AllocatableResourcesResponse, ContainerDevices,
    ContainerResources, ListPodResourcesResponse,
};
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response};

use super::*;

/// Answers with the pods that it is told, or refuses as it is told.
#[derive(Clone, Default)]
struct Kubelet(Arc<Mutex<Vec<PodResources>>>, Arc<Mutex<Option<Status>>>);

#[tonic::async_trait]
impl PodResourcesLister for Kubelet {
    async fn list(
        &self,
        _: Request<ListPodResourcesRequest>,
    ) -> Result<Response<ListPodResourcesResponse>, Status> {
        if let Some(refusal) = self.1.lock().unwrap().clone() {
            return Err(refusal);
        }
        let pod_resources = self.0.lock().unwrap().clone();
        Ok(Response::new(ListPodResourcesResponse { pod_resources }))
    }

    async fn get_allocatable_resources(
        &self,
        _: Request<AllocatableResourcesRequest>,
    ) -> Result<Response<AllocatableResourcesResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }
}

/// Runs `kubelet` on `path` until the token is cancelled.
fn run(path: &Path, kubelet: &Kubelet) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    // A kubelet removes the socket that an earlier one has left.
    std::fs::remove_file(path).ok();
    let listener = UnixListenerStream::new(UnixListener::bind(path).unwrap());
    let service = PodResourcesListerServer::new(kubelet.clone());
    let stop = CancellationToken::new();
    let stopped = stop.clone().cancelled_owned();
    let task = tokio::spawn(async move {
        tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming_shutdown(listener, stopped)
            .await
            .unwrap();
    });
    (stop, task)
}

fn pod(name: &str, devices: &[(&str, &[&str])]) -> PodResources {
    let devices = devices.iter().map(|(resource, ids)| ContainerDevices {
        resource_name: (*resource).to_owned(),
        device_ids: ids.iter().map(|&id| id.to_owned()).collect(),
    });
    PodResources {
        name: name.to_owned(),
        namespace: "default".to_owned(),
        containers: vec![ContainerResources {
            name: "main".to_owned(),
            devices: devices.collect(),
        }],
    }
}

fn ids(reading: &Reading<Vec<Allocation>>) -> Option<Vec<&str>> {
    let list = reading.known()?;
    Some(list.iter().map(|a| a.device_id.as_str()).collect())
}

#[tokio::test]
async fn only_gpus_are_listed_one_entry_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubelet.sock");
    let kubelet = Kubelet::default();
    *kubelet.0.lock().unwrap() = vec![
        pod("plain", &[]),
        pod("nic", &[("example.com/nic", &["eth1"])]),
        pod(
            "train",
            &[
                ("nvidia.com/gpu", &["GPU-1::3"]),
                ("nvidia.com/gpu", &["GPU-1::0"]),
                ("nvidia.com/mig-1g.10gb", &["MIG-1", "MIG-2"]),
            ],
        ),
    ];
    let (_stop, _task) = run(&path, &kubelet);
    let reading = KubeletSocket::new(&path).list().await;
    let expected = ["GPU-1::0", "GPU-1::3", "MIG-1", "MIG-2"];
    assert_eq!(ids(&reading).unwrap(), expected);
    assert!(reading.fresh().is_some());
    assert!(reading.fresh().unwrap().iter().all(|a| a.pod == "train"));
}

#[tokio::test]
async fn a_missing_socket_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let socket = KubeletSocket::new(folder.path().join("kubelet.sock"));
    assert_eq!(socket.list().await, Reading::Failed(Failure::NotFound));
}

#[tokio::test]
async fn a_restarted_kubelet_does_not_free_all_gpus() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubelet.sock");
    let kubelet = Kubelet::default();
    let pods = vec![pod("train", &[("nvidia.com/gpu", &["GPU-1"])])];
    *kubelet.0.lock().unwrap() = pods.clone();
    let socket = KubeletSocket::new(&path);
    let (stop, task) = run(&path, &kubelet);
    assert!(socket.list().await.fresh().is_some());
    stop.cancel();
    task.await.unwrap();
    // Away: the last list, and its age.
    let away = socket.list().await;
    assert_eq!(
        (ids(&away), away.age().is_some()),
        (Some(vec!["GPU-1"]), true)
    );
    // Back, and it has not heard from the API server yet.
    kubelet.0.lock().unwrap().clear();
    let (_stop, _task) = run(&path, &kubelet);
    let empty = socket.list().await;
    assert_eq!(
        (ids(&empty), empty.age().is_some()),
        (Some(vec!["GPU-1"]), true)
    );
    // Now it has.
    *kubelet.0.lock().unwrap() = pods;
    let whole = socket.list().await;
    assert_eq!((ids(&whole), whole.age()), (Some(vec!["GPU-1"]), None));
    // On this connection an empty list is believed.
    kubelet.0.lock().unwrap().clear();
    assert_eq!(socket.list().await, Reading::Value(Vec::new()));
}

#[tokio::test]
async fn a_question_too_many_costs_neither_list_nor_connection() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubelet.sock");
    let kubelet = Kubelet::default();
    *kubelet.0.lock().unwrap() = vec![pod("train", &[("nvidia.com/gpu", &["GPU-1"])])];
    let (_stop, _task) = run(&path, &kubelet);
    let socket = KubeletSocket::new(&path);
    assert!(socket.list().await.fresh().is_some());
    let text = "rejected by rate limit";
    *kubelet.1.lock().unwrap() = Some(Status::resource_exhausted(text));
    let limited = socket.list().await;
    assert_eq!(
        (ids(&limited), limited.age().is_some()),
        (Some(vec!["GPU-1"]), true)
    );
    // The same connection: an empty list on it is believed.
    *kubelet.1.lock().unwrap() = None;
    kubelet.0.lock().unwrap().clear();
    assert_eq!(socket.list().await, Reading::Value(Vec::new()));
}

#[tokio::test]
async fn whole_cards_and_shares_of_them_can_be_held_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubelet.sock");
    let kubelet = Kubelet::default();
    // The plugin was given another configuration while the first pod ran.
    *kubelet.0.lock().unwrap() = vec![
        pod("old", &[("nvidia.com/gpu", &["GPU-1"])]),
        pod("new", &[("nvidia.com/gpu", &["GPU-1::2"])]),
    ];
    let (_stop, _task) = run(&path, &kubelet);
    let reading = KubeletSocket::new(&path).list().await;
    let list = reading.fresh().unwrap();
    let card = |one: &Allocation| one.device_id.device().as_str().to_owned();
    assert_eq!(list.iter().map(card).collect::<Vec<_>>(), ["GPU-1"; 2]);
}
