//! The simulated kubelet's answer to "who holds which device".

use std::sync::{Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use gputop_model::{Allocation, Reading};
use gputop_node::pods::Allocations;

/// What the kubelet of a node says now.
#[derive(Debug, Default)]
pub(crate) struct KubeletAllocations {
    current: Mutex<Vec<Allocation>>,
}

impl KubeletAllocations {
    /// Replaces the answer.
    pub(crate) fn set(&self, allocations: Vec<Allocation>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = allocations;
    }
}

impl Allocations for KubeletAllocations {
    fn list(&self) -> BoxFuture<'_, Reading<Vec<Allocation>>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        ready(Reading::Value(current.clone())).boxed()
    }
}
