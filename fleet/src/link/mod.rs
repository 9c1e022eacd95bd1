//! The links to the nodes' daemons: a supervised stream to each that is looked at, a visit now and
//! then to the others.
//!
//! A task a node dials through [`Dial`], folds the daemon's frames into whole snapshots and puts
//! the newest into the node's mailbox. A daemon that is lost costs nobody else anything.
//! [`Interest`] says which daemons are looked at, and how closely; no more than [`MAX_OPEN`]
//! tunnels are open at a time.

mod backoff;
mod catch_up;
mod dial;
mod failure;
mod interest;
mod line;
mod mailbox;
mod pacing;
mod session;
mod sniff;
mod supervise;
mod tunnel;

use std::sync::Arc;

use kube::Client;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use backoff::Backoff;
pub(crate) use backoff::{jittered, random};
pub use dial::{Dial, DialError, Io, Place, PortForward};
pub use interest::{Interest, Pace};
pub use mailbox::{Mail, Mailboxes};
pub use pacing::MAX_OPEN;

use crate::watch::Daemons;

/// Port on which every daemon listens, in its pod, on loopback.
pub const DAEMON_PORT: u16 = 7475;

/// Starts the supervisor of all links, through the API server's port-forward.
pub(crate) fn start(
    client: &Client,
    epoch: Instant,
    daemons: watch::Receiver<Daemons>,
    interest: watch::Receiver<Option<Interest>>,
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
    tokio::spawn(async move { links.run(daemons, interest, &cancel).await });
}

#[cfg(test)]
mod tests;
