//! One supervised stream to each node's daemon.
//!
//! A task a node dials through [`Dial`], folds the daemon's frames into whole snapshots and puts
//! the newest into the node's mailbox. A daemon that is lost costs nobody else anything.

mod backoff;
mod dial;
mod mailbox;
mod session;
mod supervise;

use std::sync::Arc;

use kube::Client;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use backoff::Backoff;
pub use dial::{Dial, DialError, Io, PortForward};
pub use mailbox::Mailboxes;

use crate::watch::Daemons;

/// Port on which every daemon listens, in its pod, on loopback.
pub const DAEMON_PORT: u16 = 7475;

/// Starts the supervisor of all links, through the API server's port-forward.
pub(crate) fn start(
    client: &Client,
    epoch: Instant,
    daemons: watch::Receiver<Daemons>,
    mailboxes: Arc<Mailboxes>,
    cancel: &CancellationToken,
) {
    let dial: Arc<dyn Dial> = Arc::new(PortForward::new(client.clone()));
    let links = supervise::Links {
        dial,
        mailboxes,
        epoch,
    };
    let cancel = cancel.clone();
    tokio::spawn(async move { links.run(daemons, &cancel).await });
}
