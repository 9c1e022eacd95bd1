//! The simulated cluster as others use it.

use std::collections::BTreeMap;
use std::sync::Arc;

use gputop_node::source::simulated::Fault;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::api::{Access, ApiFault, ApiRequest, ApiState, router};
use crate::clock::Clock;
use crate::daemon::{Daemons, Outside, behaviour_by_name};
use crate::scenario::{NodeScenario, Scenario};
use crate::store::{Shared, Store};
use crate::transport::{self, Door, SimConnector};
use crate::world::{World, drive, manifests, populate};

/// How to simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// What all ids, names and loads follow from.
    pub seed: u64,
    /// Wall-clock time at the start; all timestamps are this plus tokio's time.
    pub start: Timestamp,
}

impl Options {
    /// These options with the machine's own time as the start.
    #[must_use]
    pub fn now(seed: u64) -> Self {
        Self {
            seed,
            start: Timestamp::now(),
        }
    }
}

/// A running simulated cluster; it stops when dropped.
#[derive(Debug)]
pub struct SimCluster {
    seed: u64,
    shared: Arc<Shared>,
    daemons: Arc<Daemons>,
    door: Arc<Door>,
    runtime: Handle,
    stop: CancellationToken,
    _guard: DropGuard,
}

impl SimCluster {
    /// Makes the cluster out of `scenario` and lets it run on the current tokio runtime.
    ///
    /// What the scenario says to be old has lived through its past when this returns. Must be
    /// called within a runtime.
    #[must_use]
    pub fn start(scenario: Scenario, options: Options) -> Self {
        let stop = CancellationToken::new();
        let clock = Clock::starting_at(options.start);
        let mut store = Store::new(options.seed);
        let nodes = scenario
            .nodes
            .iter()
            .map(|node| (node.spec.clone(), outside(node)));
        let daemons = Arc::new(Daemons::new(nodes, options.seed, options.start, &stop));
        let births = manifests(&scenario);
        let mut world = World::new(scenario.nodes);
        populate(&mut store, &mut world, births, options.start);
        world.begin(&mut store, &daemons, options.start);
        store.forget_history();
        let shared = Arc::new(Shared::new(store, clock));
        let state = ApiState {
            shared: shared.clone(),
            daemons: daemons.clone(),
        };
        let door = Arc::new(Door::new(router(state), stop.clone()));
        tokio::spawn(drive(world, shared.clone(), daemons.clone(), stop.clone()));
        Self {
            seed: options.seed,
            shared,
            daemons,
            door,
            runtime: Handle::current(),
            _guard: stop.clone().drop_guard(),
            stop,
        }
    }

    /// A kube client that may do everything.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        self.client_as(Access::Admin)
    }

    /// A kube client with these rights.
    #[must_use]
    pub fn client_as(&self, access: Access) -> kube::Client {
        transport::client(self.connector_as(access))
    }

    /// The transport of [`Self::client`], for a client stack of one's own. It speaks plain HTTP/1,
    /// whatever the host in the address.
    #[must_use]
    pub fn connector(&self) -> SimConnector {
        self.connector_as(Access::Admin)
    }

    /// A transport with these rights.
    #[must_use]
    pub fn connector_as(&self, access: Access) -> SimConnector {
        SimConnector::new(self.door.clone(), access)
    }

    /// What everything random follows from.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The cluster's wall-clock time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.clock().now()
    }

    /// Names of the nodes, sorted.
    #[must_use]
    pub fn nodes(&self) -> Vec<String> {
        self.daemons
            .iter()
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    /// Stops the daemon's process on a node: its connections end, new ones are refused by the
    /// kubelet. Its pod goes on running. Nothing happens on a node without daemon.
    pub fn stop_daemon(&self, node: &str) {
        self.daemons.set_stopped(node, true, self.now());
    }

    /// Starts the daemon's process again.
    pub fn start_daemon(&self, node: &str) {
        // The daemon's tasks belong to the cluster's runtime, whoever calls.
        let _runtime = self.runtime.enter();
        self.daemons.set_stopped(node, false, self.now());
    }

    /// `false`: cuts all connections to the API server, port-forwards included, and refuses new
    /// ones until `true`. The cluster itself goes on.
    pub fn set_api_available(&self, available: bool) {
        self.door.set_open(available);
    }

    /// Cuts all connections to the API server, port-forwards included; new ones are taken.
    pub fn cut_connections(&self) {
        self.door.set_open(false);
        self.door.set_open(true);
    }

    /// Forgets all past changes, as the API server does at its start: who wants to go on from one
    /// is told that it is too old (410).
    pub fn forget_changes(&self) {
        self.shared.with(|store, _| store.forget_history());
    }

    /// Begins a fault of the API server, or ends the one that is.
    pub fn set_api_fault(&self, fault: Option<ApiFault>) {
        self.door.faults().set(fault);
    }

    /// How often the API server has been asked for what.
    #[must_use]
    pub fn api_requests(&self) -> BTreeMap<ApiRequest, u64> {
        self.door.faults().requests()
    }

    /// Begins a fault of a node's cards, or ends the one that is.
    pub fn set_gpu_fault(&self, node: &str, fault: Option<Fault>) {
        self.daemons.set_fault(node, fault);
    }

    /// Stops everything, as dropping does.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

/// The processes outside the cluster, with the ids of their cards.
fn outside(node: &NodeScenario) -> Vec<Outside> {
    let known = node.outside.iter().filter_map(|item| {
        Some(Outside {
            device: node.spec.gpu_uuid(item.gpu),
            kind: item.kind,
            holder: item.holder.clone(),
            process: item.process.clone(),
            user: item.user.clone(),
            behaviour: behaviour_by_name(&item.behaviour)?,
            memory: item.memory,
            age: item.age,
            idle_before: item.idle_for,
        })
    });
    known.collect()
}
