//! The machine around the GPUs, as far as the daemon may see it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::group::readings;
use crate::{Bytes, BytesPerSecond, LoadAverage, Percent};

readings! {
    /// What is measured of the node's machine. A reading that needs a mount which the daemon does
    /// not have is [`Failed`](crate::Reading::Failed)`(NotFound)`.
    Host {
        /// Time in which the processors worked, of all processors' time since the last sample.
        measured cpu: Percent,
        /// Logical processors that are online.
        fixed cpus: u32,
        /// Load average of the last minute.
        measured load: LoadAverage,
        /// Memory that the kernel manages (`MemTotal`).
        fixed memory_total: Bytes,
        /// Memory that programs can have without swapping (`MemAvailable`).
        measured memory_available: Bytes,
        /// The file systems that fill up: `/`, and what holds K3s's data where it is another one.
        measured disks: Vec<Disk>,
        /// Received over all physical network interfaces.
        measured network_receive: BytesPerSecond,
        /// Sent over all physical network interfaces.
        measured network_transmit: BytesPerSecond,
        /// Since the machine was started.
        measured uptime: Duration,
        /// Packages wait for a restart (`/run/reboot-required`).
        measured reboot_required: bool,
        /// Release of the running kernel, such as `6.8.0-52-generic`.
        fixed kernel: String,
    }
}

/// A file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Where it is mounted on the node.
    pub mount: String,
    /// Its size.
    pub total: Bytes,
    /// What programs without privileges can still write.
    pub available: Bytes,
}

/// Something that the daemon can not see, why, and what would let it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limitation {
    /// Stable name, such as `foreign_pid_namespace`.
    pub name: String,
    /// Why, and what is lost by it, in one sentence.
    pub lost: String,
    /// What mends it, in one sentence; empty: nothing does.
    pub fix: String,
}
