//! `pods/NAME/portforward` over WebSocket, as kubelets serve it (`v4.channel.k8s.io`).
//!
//! Each port has two channels, `2i` for data and `2i + 1` for an error. A frame is one byte of
//! channel number and the payload; each channel opens with a frame that holds the port.

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::{BufMut, Bytes, BytesMut};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt, future};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use super::path::Target;
use super::query::Query;
use super::status::Failure;
use super::write::key_of;
use crate::daemon::{Daemons, Refused, Wire};
use crate::store::{Kind, ObjectExt, Store};

/// The subprotocol that is spoken.
pub(crate) const PROTOCOL: &str = "v4.channel.k8s.io";

/// Frames that wait for the client.
const FRAMES: usize = 16;
/// Bytes of one frame.
const CHUNK: usize = 32 * 1024;

/// The pod behind a port-forward.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) node: String,
    pub(crate) pod_uid: String,
    pub(crate) ports: Vec<u16>,
}

/// Checks that the request can be served, before the connection is upgraded.
pub(crate) fn endpoint(store: &Store, target: &Target, query: &Query) -> Result<Endpoint, Failure> {
    let pod = store.require(Kind::Pod, &key_of(target))?;
    let node = pod.text("/spec/nodeName");
    if node.is_empty() {
        return Err(Failure::bad_request(format!(
            "pod {} does not have a host assigned",
            pod.name()
        )));
    }
    let texts = query.all("ports").flat_map(|text| text.split(','));
    let ports: Vec<u16> = texts
        .map(|text| text.trim().parse())
        .collect::<Result<_, _>>()
        .map_err(|_| Failure::bad_request("query parameter \"ports\" must be port numbers"))?;
    if ports.is_empty() || ports.contains(&0) || ports.len() > 128 {
        return Err(Failure::bad_request(
            "query parameter \"ports\" is required",
        ));
    }
    if pod.text("/status/phase") != "Running" {
        return Err(Failure::new(
            500,
            "InternalError",
            format!("pod not found (\"{}_{}\")", pod.name(), pod.namespace()),
        ));
    }
    Ok(Endpoint {
        node: node.to_owned(),
        pod_uid: pod.uid().to_owned(),
        ports,
    })
}

/// Carries data until either side ends.
pub(crate) async fn forward(mut socket: WebSocket, endpoint: Endpoint, daemons: &Daemons) {
    for (index, port) in endpoint.ports.iter().enumerate() {
        for channel in [2 * index, 2 * index + 1] {
            let opening = frame(channel, &port.to_le_bytes());
            if socket.send(Message::Binary(opening)).await.is_err() {
                return;
            }
        }
    }
    let (mut sink, stream) = socket.split();
    let (sender, receiver) = mpsc::channel(FRAMES);
    let mut writers = Vec::new();
    let mut readers = Vec::new();
    for (index, port) in endpoint.ports.iter().enumerate() {
        match daemons.connect(&endpoint.node, &endpoint.pod_uid, *port) {
            Ok(Wire { stream, dead }) => {
                let (reader, writer) = tokio::io::split(stream);
                writers.push(writer);
                let read = read_port(index, reader, sender.clone());
                readers.push(dead.run_until_cancelled_owned(read));
            }
            Err(refused) => {
                let text = refusal(&endpoint, *port, refused);
                let error = Message::Binary(frame(2 * index + 1, text.as_bytes()));
                if sink.send(error).await.is_ok() {
                    close(&mut sink).await;
                }
                return;
            }
        }
    }
    drop(sender);
    let down = async {
        future::join(future::join_all(readers), write_frames(receiver, &mut sink)).await;
    };
    // Apart from each other, so that a full pipe in one direction does not hold up the other.
    tokio::select! {
        () = down => {}
        () = write_ports(stream, writers) => {}
    }
    close(&mut sink).await;
}

async fn close(sink: &mut SplitSink<WebSocket, Message>) {
    let goodbye = CloseFrame {
        code: 1000,
        reason: "".into(),
    };
    // The other side may be gone already.
    let _ = sink.send(Message::Close(Some(goodbye))).await;
    let _ = sink.close().await;
}

/// From a port to the client.
async fn read_port(index: usize, mut port: ReadHalf<DuplexStream>, to: mpsc::Sender<Bytes>) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(count) = port.read(&mut chunk).await {
        if count == 0 || to.send(frame(2 * index, &chunk[..count])).await.is_err() {
            return;
        }
    }
}

async fn write_frames(mut frames: mpsc::Receiver<Bytes>, sink: &mut SplitSink<WebSocket, Message>) {
    while let Some(frame) = frames.recv().await {
        if sink.send(Message::Binary(frame)).await.is_err() {
            return;
        }
    }
}

/// From the client to the ports. A dead port does not end the others.
async fn write_ports(mut stream: SplitStream<WebSocket>, mut ports: Vec<WriteHalf<DuplexStream>>) {
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Binary(data) => {
                let Some((channel, payload)) = data.split_first() else {
                    continue;
                };
                let index = usize::from(channel / 2);
                if channel % 2 == 0
                    && let Some(port) = ports.get_mut(index)
                {
                    let _ = port.write_all(payload).await;
                }
            }
            Message::Close(_) => break,
            _ => {}
        }
    }
    for port in &mut ports {
        let _ = port.shutdown().await;
    }
}

fn frame(channel: usize, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 1);
    // At most 128 ports have 256 channels.
    frame.put_u8(u8::try_from(channel).unwrap_or(u8::MAX));
    frame.put_slice(payload);
    frame.freeze()
}

/// What a kubelet with containerd says.
fn refusal(endpoint: &Endpoint, port: u16, refused: Refused) -> String {
    let sandbox = crate::identity::hex64(&[&endpoint.pod_uid, "sandbox"]);
    match refused {
        Refused::NothingListens => format!(
            "error forwarding port {port} to pod {sandbox}, uid : failed to execute portforward \
             in network namespace \"/var/run/netns/cni-{}\": failed to connect to \
             localhost:{port} inside namespace \"{sandbox}\", IPv4: dial tcp4 127.0.0.1:{port}: \
             connect: connection refused IPv6 dial tcp6 [::1]:{port}: connect: connection refused ",
            &endpoint.pod_uid
        ),
        Refused::NotRunning => format!(
            "error forwarding port {port} to pod {sandbox}, uid : failed to find sandbox \
             \"{sandbox}\" in store: not found"
        ),
    }
}
