//! The cluster engine: everything that talks to the cluster, and the one model made of it.
//!
//! - [`connect`]: from a kubeconfig to a client, and what went wrong in the operator's words.
//! - [`watch`]: kube watches reduced to small typed deltas at the edge.
//! - [`link`]: one supervised stream to each node's daemon.
//! - [`state`]: the store and the join of nodes, pods, devices and processes (pure).
//! - [`fit`]: the scheduler's arithmetic (pure).
//! - [`inspect`]: what a detail page asks for: events, manifests, logs, rights, a shell.
//! - [`engine`]: the tasks behind one screen or one command, wired together.

pub mod connect;
pub mod engine;
pub mod fit;
pub mod inspect;
pub mod link;
pub mod state;
pub mod watch;
