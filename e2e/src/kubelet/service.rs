//! The PodResources API on a unix socket.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use gputop_proto::pod_resources::pod_resources_lister_server::{
    PodResourcesLister, PodResourcesListerServer,
};
use gputop_proto::pod_resources::{
    AllocatableResourcesRequest, AllocatableResourcesResponse, ContainerDevices,
    ContainerResources, ListPodResourcesRequest, ListPodResourcesResponse, PodResources,
};
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status};

use super::devices::DeviceManager;

struct Lister {
    manager: Arc<Mutex<DeviceManager>>,
}

/// Serves `manager` at `socket` until the task is dropped.
pub async fn serve(socket: &Path, manager: Arc<Mutex<DeviceManager>>) -> color_eyre::Result<()> {
    if tokio::fs::try_exists(socket).await? {
        tokio::fs::remove_file(socket).await?;
    }
    let listener = UnixListener::bind(socket)?;
    tonic::transport::Server::builder()
        .add_service(PodResourcesListerServer::new(Lister { manager }))
        .serve_with_incoming(UnixListenerStream::new(listener))
        .await?;
    Ok(())
}

#[tonic::async_trait]
impl PodResourcesLister for Lister {
    async fn list(
        &self,
        _request: Request<ListPodResourcesRequest>,
    ) -> Result<Response<ListPodResourcesResponse>, Status> {
        let manager = self.manager.lock().unwrap_or_else(PoisonError::into_inner);
        let pod_resources = manager
            .pods()
            .map(|(pod, containers)| PodResources {
                name: pod.name.clone(),
                namespace: pod.namespace.clone(),
                containers: containers
                    .into_iter()
                    .map(|(name, given)| ContainerResources {
                        name: name.to_owned(),
                        // As the kubelet does it: one entry a device.
                        devices: given
                            .iter()
                            .flat_map(|given| {
                                given.ids.iter().map(|id| ContainerDevices {
                                    resource_name: given.resource.clone(),
                                    device_ids: vec![id.to_string()],
                                })
                            })
                            .collect(),
                    })
                    .collect(),
            })
            .collect();
        Ok(Response::new(ListPodResourcesResponse { pod_resources }))
    }

    async fn get_allocatable_resources(
        &self,
        _request: Request<AllocatableResourcesRequest>,
    ) -> Result<Response<AllocatableResourcesResponse>, Status> {
        let manager = self.manager.lock().unwrap_or_else(PoisonError::into_inner);
        let devices = manager
            .devices()
            .map(|(resource, id)| ContainerDevices {
                resource_name: resource.to_owned(),
                device_ids: vec![id.to_string()],
            })
            .collect();
        Ok(Response::new(AllocatableResourcesResponse { devices }))
    }
}
