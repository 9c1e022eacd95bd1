//! A shell in a container, through the API server (`pods/exec`).

use std::time::Duration;

use futures::SinkExt;
use futures::channel::mpsc;
use gputop_model::PodKey;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{AttachParams, AttachedProcess, TerminalSize};
use kube::{Api, Client};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::Subject;
use super::container::container_of;
use super::problem::{about, from_words, problem};
use crate::connect::Problem;

/// bash where it is there, else what every image with a shell has.
const COMMAND: [&str; 3] = [
    "sh",
    "-c",
    "command -v bash >/dev/null 2>&1 && exec bash -l || exec sh",
];

/// Bytes that wait in each direction.
const BUFFER: usize = 64 * 1024;

/// A shell that writes no prompt within this time is taken for one without.
const SILENT_START: Duration = Duration::from_secs(1);

/// How long the terminal may take for what the shell wrote last.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where to open a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellTarget {
    /// The pod.
    pub pod: PodKey,
    /// Absent: the pod's default container, else its first.
    pub container: Option<String>,
}

/// How a shell ended that ended by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShellEnd {
    code: i32,
}

impl ShellEnd {
    /// Its exit code; 0 is what `exit` and ctrl-d give after a command that went well.
    #[must_use]
    pub const fn code(self) -> i32 {
        self.code
    }
}

/// Connects a terminal to a shell in the container until the shell ends.
///
/// `stdin` is sent as it comes and must be a terminal's in raw mode; its end is the shell's end of
/// input. `sizes` are columns and rows; the present ones are sent first. Dropping the future ends
/// the shell's connection, at any time.
///
/// Fails, in the operator's words, when it may not be opened, when the container does not run or
/// has no shell, and when the connection breaks.
pub async fn shell(
    client: &Client,
    target: ShellTarget,
    stdin: impl AsyncRead,
    stdout: impl AsyncWrite,
    sizes: watch::Receiver<(u16, u16)>,
) -> Result<ShellEnd, Problem> {
    let subject = Subject::Pod(target.pod.clone());
    let container = container_of(client, &target.pod, target.container).await;
    let mut parameters = AttachParams::interactive_tty()
        .max_stdin_buf_size(BUFFER)
        .max_stdout_buf_size(BUFFER);
    parameters.container.clone_from(&container);
    let api = Api::<Pod>::namespaced(client.clone(), &target.pod.namespace);
    let process = api.exec(&target.pod.name, COMMAND, &parameters).await;
    let process = process.map_err(|error| refused(&error, &subject, container.as_deref()))?;
    let status = Box::pin(attend(process, stdin, stdout, sizes)).await?;
    ended(&status, container.as_deref())
}

/// Carries bytes and sizes until the shell's status is there.
async fn attend(
    mut process: AttachedProcess,
    stdin: impl AsyncRead,
    stdout: impl AsyncWrite,
    sizes: watch::Receiver<(u16, u16)>,
) -> Result<Status, Problem> {
    let missing = || {
        problem(
            "the API server opened the shell without a terminal for it",
            "`kubectl exec -it POD -- sh` shows whether it can open one; a proxy before it may not.",
        )
    };
    let mut input = process.stdin().ok_or_else(missing)?;
    let mut output = process.stdout().ok_or_else(missing)?;
    let resizes = process.terminal_size().ok_or_else(missing)?;
    let status = process.take_status().ok_or_else(missing)?;
    tokio::pin!(stdin, stdout);
    // What is sent to a shell that could not be started would break the connection before its
    // status, which tells why, is read: nothing is sent before the shell has said something.
    let (speaks, spoken) = watch::channel(false);
    let into = async {
        begun(spoken.clone()).await;
        // At the end of the input the shell is told so, and may go on.
        if tokio::io::copy(&mut stdin, &mut input).await.is_ok() {
            let _gone = input.shutdown().await;
        }
        std::future::pending::<()>().await;
    };
    let out = async {
        let mut first = [0; 1];
        if output.read(&mut first).await? > 0 {
            stdout.write_all(&first).await?;
            speaks.send_replace(true);
            tokio::io::copy(&mut output, &mut stdout).await?;
        }
        stdout.flush().await
    };
    let resize = async {
        begun(spoken.clone()).await;
        resize(sizes, resizes).await;
    };
    tokio::pin!(out, status);
    // A connection that breaks ends the status and not the output, which would be waited for.
    let (told, written) = tokio::select! {
        written = &mut out => (None, written),
        told = &mut status => {
            let rest = timeout(LAST_WORDS, &mut out).await;
            (Some(told), rest.unwrap_or(Ok(())))
        }
        () = into => (None, Ok(())),
        () = resize => (None, Ok(())),
    };
    if let Err(error) = written {
        return Err(problem(
            &format!("this terminal can not be written to: {error}"),
            "Open the shell from another terminal.",
        ));
    }
    let told = match told {
        Some(told) => told,
        None => status.await,
    };
    if let Some(status) = told {
        return Ok(status);
    }
    let why = match process.join().await {
        Err(error) => format!(": {error}"),
        Ok(()) => String::new(),
    };
    Err(problem(
        &format!("the connection to the shell broke{why}"),
        "What ran in it may have ended with it. Open it again.",
    ))
}

/// Waits until the shell has said something, or is of those that do not.
async fn begun(mut spoken: watch::Receiver<bool>) {
    let _late = timeout(SILENT_START, spoken.wait_for(|spoken| *spoken)).await;
}

/// Sends the present size and every new one; never ends by itself.
async fn resize(mut sizes: watch::Receiver<(u16, u16)>, mut to: mpsc::Sender<TerminalSize>) {
    loop {
        let (width, height) = *sizes.borrow_and_update();
        let sent = to.send(TerminalSize { width, height }).await;
        if sent.is_err() || sizes.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// What the status on the error channel means.
fn ended(status: &Status, container: Option<&str>) -> Result<ShellEnd, Problem> {
    if status.status.as_deref() == Some("Success") {
        return Ok(ShellEnd::default());
    }
    let causes = status
        .details
        .as_ref()
        .and_then(|details| details.causes.as_ref());
    let code = causes
        .into_iter()
        .flatten()
        .find(|cause| cause.reason.as_deref() == Some("ExitCode"))
        .and_then(|cause| cause.message.as_deref()?.parse().ok());
    if let Some(code) = code {
        return Ok(ShellEnd { code });
    }
    let message = status.message.as_deref().unwrap_or("unknown");
    let code = status.code.and_then(|code| u16::try_from(code).ok());
    Err(explained(code.unwrap_or(500), message, container))
}

/// Why no shell was opened.
fn refused(error: &kube::Error, subject: &Subject, container: Option<&str>) -> Problem {
    match error {
        kube::Error::Api(status) if status.code == 403 => problem(
            &format!("you may not open a shell here: {}", status.message),
            "Ask the cluster's administrator for get and create on pods/exec.",
        ),
        kube::Error::Api(status) if !matches!(status.code, 401 | 404 | 429 | 503) => {
            explained(status.code, &status.message, container)
        }
        kube::Error::UpgradeConnection(error) => problem(
            &format!("the connection could not become a shell: {error}"),
            "A proxy before the API server may not pass WebSockets on: connect without it.",
        ),
        other => about(other, subject),
    }
}

/// What kubelets and container runtimes can only be understood by: their words.
fn explained(code: u16, message: &str, container: Option<&str>) -> Problem {
    let name = container.map_or_else(|| "the container".to_owned(), |c| format!("container {c}"));
    let has = |words: &str| message.contains(words);
    if has("executable file not found") || has("exec: \"sh\"") && has("no such file") {
        return problem(
            &format!("{name} has no shell: its image holds the program alone (distroless)"),
            "Use `kubectl debug -it POD --image=busybox --target=CONTAINER` beside it.",
        );
    }
    let not_running = [
        "container not found",
        "completed pod",
        "is not running",
        "not in running state",
        "is not created or running",
        "cannot exec in a stopped",
    ];
    if not_running.iter().any(|words| has(words)) {
        return problem(
            &format!("{name} does not run, so there is nothing to open a shell in"),
            "Look at its state, its last state and its log.",
        );
    }
    from_words(code, message)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{StatusCause, StatusDetails};
    use rstest::rstest;

    use super::*;

    fn failure(message: &str, exit: Option<&str>) -> Status {
        let cause = exit.map(|code| StatusCause {
            reason: Some("ExitCode".into()),
            message: Some(code.into()),
            ..StatusCause::default()
        });
        Status {
            status: Some("Failure".into()),
            message: Some(message.into()),
            details: Some(StatusDetails {
                causes: cause.map(|cause| vec![cause]),
                ..StatusDetails::default()
            }),
            ..Status::default()
        }
    }

    #[test]
    fn exit_codes_are_the_shells() {
        let success = Status {
            status: Some("Success".into()),
            ..Status::default()
        };
        assert_eq!(ended(&success, None), Ok(ShellEnd { code: 0 }));
        let failed = failure("command terminated with non-zero exit code", Some("130"));
        assert_eq!(ended(&failed, None), Ok(ShellEnd { code: 130 }));
    }

    #[rstest]
    #[case(
        "Internal error occurred: error executing command in container: failed to exec in \
         container: failed to start exec \"d1\": OCI runtime exec failed: exec failed: unable to \
         start container process: exec: \"sh\": executable file not found in $PATH: unknown",
        "has no shell"
    )]
    #[case("exec: \"sh\": stat sh: no such file or directory", "has no shell")]
    #[case("container not found (\"main\")", "does not run")]
    #[case(
        "cannot exec into a container in a completed pod; current phase is Succeeded",
        "does not run"
    )]
    #[case("something else", "something else")]
    fn what_runtimes_say(#[case] message: &str, #[case] expected: &str) {
        let said = ended(&failure(message, None), Some("main")).unwrap_err();
        assert!(said.what.contains(expected), "{said}");
    }

    #[test]
    fn a_missing_right_is_named() {
        let status = kube::core::Status {
            code: 403,
            message: "pods \"p\" is forbidden: User \"bob\" cannot create resource \"pods/exec\""
                .into(),
            ..kube::core::Status::default()
        };
        let subject = Subject::Pod(PodKey::new("ml", "p"));
        let said = refused(&kube::Error::Api(Box::new(status)), &subject, None);
        assert!(
            said.what.contains("bob") && said.fix.contains("pods/exec"),
            "{said}"
        );
    }
}
