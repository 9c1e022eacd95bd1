//! Credential plug-ins (`users[].user.exec`, client.authentication.k8s.io).
//!
//! The first run happens before any screen is taken and may use the terminal. Later runs get no
//! terminal; what they print to stderr is part of the error.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use jiff::Timestamp;
use kube::client::Body;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use tower::BoxError;
use tower::filter::AsyncPredicate;

use super::Problem;

/// A plug-in that hangs is given up after this time; the first, interactive run may wait for a
/// person.
const LATER_RUN: Duration = Duration::from_secs(30);

/// A token is renewed this long before it ends.
const EARLY: Duration = Duration::from_secs(30);

/// A token that is refused this soon after it was given is not asked for again at once: every open
/// stream may be refused at the same moment.
const RENEW_PAUSE: Duration = Duration::from_secs(10);

/// What a plug-in answers.
#[derive(Debug, Clone, Default, Deserialize)]
struct Credential {
    #[serde(default)]
    status: Status,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<Timestamp>,
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // No secret in logs.
        f.debug_struct("Status")
            .field("expires", &self.expiration_timestamp)
            .finish_non_exhaustive()
    }
}

/// A bearer token that a plug-in renews.
#[derive(Clone)]
pub(super) struct ExecToken {
    exec: Arc<ExecConfig>,
    current: Arc<Mutex<Current>>,
    /// One run at a time.
    running: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Clone)]
struct Current {
    header: HeaderValue,
    expires: Option<Timestamp>,
    renewed: Instant,
}

impl Current {
    fn new(header: HeaderValue, expires: Option<Timestamp>) -> Self {
        Self {
            header,
            expires,
            renewed: Instant::now(),
        }
    }
}

/// Runs the plug-in for the first time. A certificate goes into `auth`; a token comes back.
pub(super) async fn first_credential(
    exec: ExecConfig,
    auth: &mut AuthInfo,
) -> Result<Option<ExecToken>, Problem> {
    // Nobody answers a question that goes to a pipe.
    let interactive =
        exec.interactive_mode != Some(ExecInteractiveMode::Never) && std::io::stdin().is_terminal();
    let status = if interactive {
        run(&exec, true).await?
    } else {
        limited(&exec).await?
    };
    if let (Some(certificate), Some(key)) =
        (&status.client_certificate_data, &status.client_key_data)
    {
        auth.client_certificate_data = Some(encode(certificate));
        auth.client_key_data = Some(encode(key).into());
    }
    let Some(token) = &status.token else {
        return Ok(None);
    };
    let current = Current::new(header(token)?, status.expiration_timestamp);
    Ok(Some(ExecToken {
        exec: Arc::new(exec),
        current: Arc::new(Mutex::new(current)),
        running: Arc::default(),
    }))
}

impl ExecToken {
    /// The server refused a token: the next request asks the plug-in for another one, unless it
    /// has just been asked.
    pub(super) fn expire(&self) {
        let mut current = self.lock();
        if current.renewed.elapsed() >= RENEW_PAUSE {
            current.expires = Some(Timestamp::UNIX_EPOCH);
        }
    }

    async fn header(&self) -> Result<HeaderValue, Problem> {
        if let Some(header) = self.valid() {
            return Ok(header);
        }
        let _one = self.running.lock().await;
        if let Some(header) = self.valid() {
            return Ok(header);
        }
        let status = limited(&self.exec).await?;
        let token = status.token.as_deref();
        let token = token.ok_or_else(|| problem(&self.exec, "gave no token this time"))?;
        let header = header(token)?;
        *self.lock() = Current::new(header.clone(), status.expiration_timestamp);
        Ok(header)
    }

    fn valid(&self) -> Option<HeaderValue> {
        let current = self.lock();
        let valid = match current.expires {
            None => true,
            Some(end) => Timestamp::now()
                .checked_add(EARLY)
                .is_ok_and(|soon| soon < end),
        };
        valid.then(|| current.header.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncPredicate<Request<Body>> for ExecToken {
    type Future = BoxFuture<'static, Result<Request<Body>, BoxError>>;
    type Request = Request<Body>;

    fn check(&mut self, mut request: Request<Body>) -> Self::Future {
        let token = self.clone();
        Box::pin(async move {
            let header = token.header().await?;
            request.headers_mut().insert(AUTHORIZATION, header);
            Ok(request)
        })
    }
}

/// A run without a terminal, for a bounded time.
async fn limited(exec: &ExecConfig) -> Result<Status, Problem> {
    let answer = tokio::time::timeout(LATER_RUN, run(exec, false)).await;
    answer.unwrap_or_else(|_| {
        let seconds = LATER_RUN.as_secs();
        Err(problem(exec, &format!("has not answered for {seconds} s")))
    })
}

async fn run(exec: &ExecConfig, interactive: bool) -> Result<Status, Problem> {
    let name = exec
        .command
        .as_deref()
        .ok_or_else(|| problem(exec, "has no command"))?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts credential plug-ins"
    )]
    let mut command = tokio::process::Command::new(name);
    command.args(exec.args.iter().flatten());
    for pair in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (pair.get("name"), pair.get("value")) {
            command.env(name, value);
        }
    }
    command.env("KUBERNETES_EXEC_INFO", exec_info(exec, interactive));
    command.kill_on_drop(true).stdout(Stdio::piped());
    if interactive {
        command.stdin(Stdio::inherit()).stderr(Stdio::inherit());
    } else {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
    }
    let output = command.output().await.map_err(|error| {
        let hint = exec.install_hint.clone().unwrap_or_else(|| {
            "Install it, or correct `exec.command` in the kubeconfig.".to_owned()
        });
        Problem {
            what: format!("the credential plug-in {name} can not be started: {error}"),
            fix: hint,
        }
    })?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let last = stderr
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        return Err(problem(
            exec,
            &format!("failed ({}): {}", output.status, last.trim()),
        ));
    }
    // Some plug-ins answer in YAML, of which JSON is a part. What could not be read may be a
    // secret: only the place of the mistake is said.
    let credential: Credential = serde_yaml_ng::from_slice(&output.stdout).map_err(|error| {
        let place = error.location().map_or(1, |location| location.line());
        let what = format!("gave an answer that is no ExecCredential (line {place})");
        problem(exec, &what)
    })?;
    Ok(credential.status)
}

fn exec_info(exec: &ExecConfig, interactive: bool) -> String {
    let mut spec = HashMap::from([("interactive", json!(interactive))]);
    if exec.provide_cluster_info
        && let Some(cluster) = exec.cluster.as_ref()
    {
        spec.insert("cluster", json!(cluster));
    }
    let version = exec
        .api_version
        .as_deref()
        .unwrap_or("client.authentication.k8s.io/v1");
    json!({"apiVersion": version, "kind": "ExecCredential", "spec": spec}).to_string()
}

fn header(token: &str) -> Result<HeaderValue, Problem> {
    let mut header = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Problem {
        what: "the credential plug-in's token has characters that no header can hold".to_owned(),
        fix: "Run the plug-in by hand and look at its answer.".to_owned(),
    })?;
    header.set_sensitive(true);
    Ok(header)
}

/// Kubeconfig fields hold base64; a plug-in answers in plain PEM.
fn encode(pem: &str) -> String {
    BASE64_STANDARD.encode(pem)
}

fn problem(exec: &ExecConfig, what: &str) -> Problem {
    let name = exec.command.as_deref().unwrap_or("(unnamed)");
    Problem {
        what: format!("the credential plug-in {name} {what}"),
        fix: "Log in again with it in another terminal; the next request tries it once more."
            .to_owned(),
    }
}
