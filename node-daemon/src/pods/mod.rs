//! Which devices the kubelet has given to which container.

#[cfg(feature = "host")]
mod kubelet;
mod last_good;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use gputop_model::{Allocation, Reading};

#[cfg(feature = "host")]
pub use kubelet::{DEFAULT_SOCKET, KubeletSocket};
pub use last_good::LastGood;

/// Someone who knows the allocations of a node.
pub trait Allocations: Send + Sync {
    /// GPU devices (`nvidia.com/*`) and their containers, one entry a device id.
    ///
    /// Answers within about a second, whatever the kubelet does.
    fn list(&self) -> BoxFuture<'_, Reading<Vec<Allocation>>>;
}

/// There is no kubelet: a machine outside any cluster.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoKubelet;

impl Allocations for NoKubelet {
    fn list(&self) -> BoxFuture<'_, Reading<Vec<Allocation>>> {
        ready(Reading::Unsupported).boxed()
    }
}
