//! A daemon reached through the API server.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{ensure, eyre};
use gputop_proto::pb;
use gputop_proto::pb::telemetry_client::TelemetryClient;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};
use tonic::transport::Endpoint;

pub(super) async fn reaches_the_daemon(client: &Client) -> Result<()> {
    let daemons: Api<Pod> = Api::namespaced(client.clone(), "gputop-k3s");
    let label = ListParams::default().labels("app.kubernetes.io/name=gputop-node");
    let list = daemons.list(&label).await?.items;
    ensure!(list.len() >= 2, "only {} daemons", list.len());
    for pod in list {
        let name = pod.name_any();
        let node = pod.spec.and_then(|spec| spec.node_name).unwrap_or_default();
        let mut forward = daemons.portforward(&name, &[7475]).await?;
        let stream = forward
            .take_stream(7475)
            .ok_or_else(|| eyre!("no stream"))?;
        let mut stream = Some(TokioIo::new(stream));
        let connector = tower::service_fn(move |_: http::Uri| {
            let stream = stream
                .take()
                .ok_or_else(|| std::io::Error::other("dialled twice"));
            async move { stream }
        });
        let channel = Endpoint::from_static("http://daemon")
            .connect_with_connector(connector)
            .await?;
        let mut telemetry = TelemetryClient::new(channel);
        let call = telemetry.get(pb::GetRequest {});
        let answer = tokio::time::timeout(Duration::from_secs(20), call).await??;
        let said = answer.into_inner().node;
        ensure!(
            said == node,
            "the daemon behind {name} speaks of {said}, not of {node}"
        );
    }
    Ok(())
}
