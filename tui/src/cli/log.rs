//! The log: to a file only, since the screen belongs to the app.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use super::exit::{Exit, Failure};

/// Names what is logged.
const FILTER: &str = "GPUTOP_K3S_LOG";

/// Starts the log, if one is wanted.
pub(super) fn start(file: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = file else { return Ok(()) };
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        // Node, pod and user names are nobody else's business.
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("the log file {} can not be opened: {error}", path.display()),
                "Name a file in a folder that you may write to.",
            )
        })?;
    let filter = match std::env::var(FILTER) {
        Ok(filter) if !filter.is_empty() => EnvFilter::try_new(&filter).map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("{FILTER}={filter} is no filter of the log: {error}"),
                "Write it like `debug` or `warn,gputop_fleet=trace`.",
            )
        })?,
        _ => EnvFilter::new("info"),
    };
    tracing_subscriber::fmt()
        .with_writer(Mutex::new(file))
        .with_ansi(false)
        .with_env_filter(filter)
        .init();
    Ok(())
}
