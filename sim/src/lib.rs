//! A simulated K3s cluster with GPUs in one process: the demo and the fast test bed.
//!
//! [`SimCluster`] serves a Kubernetes API over in-memory connections; behind it work a scheduler,
//! kubelets and controllers of its own, and on each node the real service of `gputop-node` over
//! made-up cards. Nothing listens on a socket, nothing runs on a thread of its own, and time is
//! tokio's: tests may pause it. The same seed, scenario and time give the same picture.
//!
//! | folder | does |
//! |---|---|
//! | `store` | objects, revisions, the window of past changes |
//! | `selector` | label and field selectors |
//! | `api` | HTTP in front of the store: list, watch, write, logs, exec, port-forward |
//! | `shell` | what answers to an exec into a container |
//! | `transport` | connections in memory, for clients and server |
//! | `scheduler` | which node a pod gets |
//! | `kubelet` | pods from bound to gone, device ids, node heartbeats |
//! | `controllers` | Deployments, ReplicaSets, StatefulSets, `DaemonSet`s, Jobs |
//! | `daemon` | the daemons on the nodes and the processes that they see |
//! | [`scenario`] | what a cluster is made of |
//! | `world` | makes it all out of a scenario and keeps it moving |

mod annotations;
mod api;
mod clock;
mod cluster;
mod controllers;
mod daemon;
mod identity;
mod kubelet;
pub mod scenario;
mod scheduler;
mod selector;
mod shell;
mod store;
mod transport;
mod world;

/// Version that the simulated K3s says it is.
const VERSION: &str = "v1.36.3+k3s1";

pub use api::{Access, ApiFault, ApiRequest};
pub use cluster::{Options, SimCluster};
pub use gputop_node::source::simulated::Fault;
pub use scenario::Scenario;
pub use transport::{SimConnector, SimStream};
