//! `pods/NAME/exec` over WebSocket (`v5.channel.k8s.io`, and `v4`, which can not end the input).
//!
//! A frame is one byte of channel number and the payload. What goes wrong after the upgrade is a
//! `Status` on the channel of errors, as real API servers do it.

mod request;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};

use super::container;
use crate::shell::{Shell, run_script};
use crate::store::{Kind, ObjectExt, Shared};
pub(crate) use request::Exec;
use request::Program;

/// The subprotocols that are spoken, the best first.
pub(crate) const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;
/// Its payload is the channel that ends.
const CLOSE: u8 = 255;

/// How long the other side may take to close its end too.
const FAREWELL: Duration = Duration::from_secs(5);

/// What the other side is told at the end.
enum End {
    Exit(i32),
    Failed(String),
}

/// Serves the request until the program or the container ends, or the client goes.
pub(crate) async fn serve(mut socket: WebSocket, exec: Exec, shared: Arc<Shared>) {
    if let Some(end) = run(&mut socket, exec, &shared).await {
        finish(&mut socket, &end).await;
    }
}

/// `None`: the client is gone.
async fn run(socket: &mut WebSocket, exec: Exec, shared: &Shared) -> Option<End> {
    if exec.started.is_none() {
        return Some(End::Failed(format!(
            "unable to upgrade connection: container not found (\"{}\")",
            exec.container
        )));
    }
    match &exec.program {
        Program::Missing(name) => Some(End::Failed(format!(
            "error executing command in container: failed to exec in container: failed to start \
             exec: OCI runtime exec failed: exec failed: unable to start container process: \
             exec: \"{name}\": executable file not found in $PATH: unknown"
        ))),
        Program::Script(script) => {
            let (text, code) = run_script(script, &exec.place);
            let text = if exec.tty {
                text.replace('\n', "\r\n")
            } else {
                text
            };
            write(socket, &text).await?;
            Some(End::Exit(code))
        }
        Program::Shell => converse(socket, &exec, shared).await,
    }
}

async fn converse(socket: &mut WebSocket, exec: &Exec, shared: &Shared) -> Option<End> {
    let (mut shell, first) = Shell::start(exec.place.clone(), exec.tty);
    write(socket, &first).await?;
    if !exec.stdin {
        shell.end_of_input();
    }
    let mut revisions = shared.revisions();
    loop {
        if let Some(code) = shell.ended() {
            return Some(End::Exit(code));
        }
        let message = tokio::select! {
            message = socket.recv() => message,
            changed = revisions.changed() => {
                if changed.is_err() || !still_runs(exec, shared) {
                    // The container's end takes all its processes with it.
                    return Some(End::Exit(137));
                }
                continue;
            }
        };
        let data = match message {
            Some(Ok(Message::Binary(data))) => data,
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => continue,
        };
        match data.split_first() {
            Some((&STDIN, typed)) => {
                let shown = shell.typed(typed);
                write(socket, &shown).await?;
            }
            Some((&RESIZE, size)) => {
                let size: Value = serde_json::from_slice(size).unwrap_or_default();
                let part = |name| size.int(name).and_then(|part| u16::try_from(part).ok());
                if let (Some(width), Some(height)) = (part("/Width"), part("/Height")) {
                    shell.resize(width, height);
                }
            }
            Some((&CLOSE, [STDIN])) => shell.end_of_input(),
            _ => {}
        }
    }
}

fn still_runs(exec: &Exec, shared: &Shared) -> bool {
    shared.with(|store, _| {
        let pod = store.get(Kind::Pod, &exec.key);
        let status = pod.and_then(|pod| container::status(pod, &exec.container));
        status.map(|status| status.text("/state/running/startedAt")) == exec.started.as_deref()
    })
}

async fn write(socket: &mut WebSocket, text: &str) -> Option<()> {
    if text.is_empty() {
        return Some(());
    }
    let frame = frame(STDOUT, text.as_bytes());
    socket.send(Message::Binary(frame)).await.ok()
}

async fn finish(socket: &mut WebSocket, end: &End) {
    let status = frame(ERROR, status(end).to_string().as_bytes());
    let goodbye = CloseFrame {
        code: 1000,
        reason: "".into(),
    };
    // The other side may be gone already.
    if socket.send(Message::Binary(status)).await.is_ok()
        && socket.send(Message::Close(Some(goodbye))).await.is_ok()
    {
        // What it still sends must not break the pipe before it has read the status.
        let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
        let _ = tokio::time::timeout(FAREWELL, rest).await;
    }
}

fn status(end: &End) -> Value {
    match end {
        End::Exit(0) => json!({"metadata": {}, "status": "Success"}),
        End::Exit(code) => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        }),
        End::Failed(why) => json!({
            "metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500,
            "message": format!("Internal error occurred: {why}"),
            "details": {"causes": [{"message": why}]},
        }),
    }
}

fn frame(channel: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 1);
    frame.put_u8(channel);
    frame.put_slice(payload);
    frame.freeze()
}
