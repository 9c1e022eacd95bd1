//! From a kubeconfig to a client.
//!
//! [`locate`] finds the files, [`connect`] tries the server, and every failure comes back as a
//! [`Problem`]: what happened and what to do, one sentence each.

mod client;
mod diagnose;
mod exec;
mod locate;
mod problem;

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

pub use diagnose::api_problem;
pub use locate::{Locations, locate};
pub use problem::Problem;

use diagnose::{Target, diagnose};

/// How long the server may take to answer the first request.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// What the operator asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `-n`.
    pub namespace: Option<String>,
    /// `--as`.
    pub impersonate: Option<String>,
    /// `--as-group`, repeated.
    pub impersonate_groups: Vec<String>,
    /// `--request-timeout`: how long the server may take to answer at first; `None`: 10 s.
    pub timeout: Option<Duration>,
}

/// A connection that has been tried.
#[derive(Clone)]
pub struct Connection {
    /// The client, with the user's rights.
    pub client: Client,
    /// Name of the kubeconfig context (`in-cluster` inside a pod, `demo` on the simulation).
    pub context: String,
    /// Default namespace, as kubectl's.
    pub namespace: String,
    /// Version of the API server, such as `v1.36.3+k3s1`.
    pub server_version: String,
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// There is no kubeconfig anywhere.
    #[error("{0}")]
    NoCluster(Problem),
    /// What was asked for is not in the kubeconfig.
    #[error("{0}")]
    Usage(Problem),
    /// A kubeconfig is there and can not be used, or its server can not.
    #[error("{0}")]
    Failed(Problem),
}

/// Finds the cluster, authenticates, and asks the server for its version.
///
/// A credential plug-in is run here for the first time and may ask questions on the terminal;
/// later runs are never interactive.
pub async fn connect(request: &Request) -> Result<Connection, ConnectError> {
    let (config, context) = match locate(request.kubeconfig.as_deref()).await? {
        Locations::Files(files) => from_files(&files, request).await?,
        Locations::InCluster => {
            let config = Config::incluster().map_err(|error| {
                failed(
                    format!("the pod's service account can not be used: {error}"),
                    "Mount it.",
                )
            })?;
            (config, "in-cluster".to_owned())
        }
    };
    let timeout = request.timeout.unwrap_or(FIRST_ANSWER);
    connect_with(config, context, request, timeout).await
}

/// Names of the contexts in the kubeconfig, in its order; none where this runs in a pod.
///
/// # Errors
/// When there is no kubeconfig, or it can not be read.
pub async fn contexts(kubeconfig: Option<&Path>) -> Result<Vec<String>, ConnectError> {
    match locate(kubeconfig).await? {
        Locations::InCluster => Ok(Vec::new()),
        Locations::Files(files) => {
            let merged = merge(&files).await?;
            Ok(merged
                .contexts
                .into_iter()
                .map(|known| known.name)
                .collect())
        }
    }
}

/// Several kubeconfig files as one; what comes first holds.
async fn merge(files: &[PathBuf]) -> Result<Kubeconfig, ConnectError> {
    let mut merged = Kubeconfig::default();
    for file in files {
        let text = tokio::fs::read_to_string(file).await;
        let text = text.map_err(|error| locate::unreadable(file, &error))?;
        let next = parse(file, &text)?;
        merged = merged.merge(next).map_err(|error| {
            failed(
                format!("the kubeconfig files do not fit together: {error}"),
                "Name one of them with --kubeconfig.",
            )
        })?;
    }
    Ok(merged)
}

async fn from_files(
    files: &[PathBuf],
    request: &Request,
) -> Result<(Config, String), ConnectError> {
    let merged = merge(files).await?;
    let shown = files
        .iter()
        .map(|f| f.display().to_string())
        .collect::<Vec<_>>()
        .join(", ");
    let context = request
        .context
        .clone()
        .or_else(|| merged.current_context.clone());
    let Some(context) = context.filter(|context| !context.is_empty()) else {
        return Err(failed(
            format!("no context is selected in {shown}"),
            "Name one with --context, or run `kubectl config use-context NAME`.",
        ));
    };
    if !merged.contexts.iter().any(|known| known.name == context) {
        let known: Vec<_> = merged
            .contexts
            .iter()
            .map(|known| known.name.as_str())
            .collect();
        return Err(ConnectError::Usage(Problem {
            what: format!("there is no context {context} in {shown}"),
            fix: format!("It has: {}.", known.join(", ")),
        }));
    }
    let options = KubeConfigOptions {
        context: Some(context.clone()),
        ..Default::default()
    };
    let config = Config::from_custom_kubeconfig(merged, &options)
        .await
        .map_err(|error| {
            failed(
                format!("context {context} in {shown} can not be used: {error}"),
                "Correct it.",
            )
        })?;
    Ok((config, context))
}

/// kube's own reader resolves relative paths of certificates against the file's folder.
fn parse(file: &std::path::Path, text: &str) -> Result<Kubeconfig, ConnectError> {
    let unreadable = |error: String| {
        failed(
            format!("{} is not a kubeconfig: {error}", file.display()),
            "Correct it, or name another file with --kubeconfig.",
        )
    };
    if text.trim().is_empty() {
        return Err(unreadable("it is empty".to_owned()));
    }
    Kubeconfig::read_from(file).map_err(|error| unreadable(error.to_string()))
}

async fn connect_with(
    mut config: Config,
    context: String,
    request: &Request,
    timeout: Duration,
) -> Result<Connection, ConnectError> {
    if let Some(namespace) = &request.namespace {
        config.default_namespace.clone_from(namespace);
    }
    // The kubeconfig's own `as:` holds unless another one is asked for.
    if let Some(user) = &request.impersonate {
        config.auth_info.impersonate = Some(user.clone());
        config.auth_info.impersonate_groups =
            (!request.impersonate_groups.is_empty()).then(|| request.impersonate_groups.clone());
    }
    config.connect_timeout = Some(timeout);
    let target = Target {
        server: config.cluster_url.clone(),
        proxy: config.proxy_url.clone(),
    };
    let namespace = config.default_namespace.clone();
    let client = client::build(config).await.map_err(ConnectError::Failed)?;
    let version = tokio::time::timeout(timeout, client.apiserver_version()).await;
    let version = match version {
        Ok(Ok(version)) => version.git_version,
        // A server may hide its version from a user who can do everything else.
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => String::new(),
        Ok(Err(error)) => return Err(ConnectError::Failed(diagnose(&error, Some(&target)))),
        Err(_elapsed) => {
            return Err(failed(
                format!(
                    "{} has not answered for {} s",
                    target.server,
                    timeout.as_secs()
                ),
                "Check that the machine is up and that no firewall drops the port \
                 (K3s: 6443/tcp).",
            ));
        }
    };
    Ok(Connection {
        client,
        context,
        namespace,
        server_version: version,
    })
}

fn failed(what: String, fix: &str) -> ConnectError {
    ConnectError::Failed(Problem {
        what,
        fix: fix.to_owned(),
    })
}
