//! One node's daemon: started with its pod, stopped with it or by a test.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gputop_model::{Allocation, NodeSnapshot};
use gputop_node::procs::NoAttribution;
use gputop_node::sampler::{Inputs, Options, Sampler, SamplerHandle};
use gputop_node::service::serve_one;
use gputop_node::source::simulated::{Fault, NodeSpec, SimulatedMachine, SimulatedSource};
use jiff::Timestamp;
use tokio::io::DuplexStream;
use tokio_util::sync::CancellationToken;

use super::Refused;
use super::allocations::KubeletAllocations;
use super::tenants::{Moments, Occupant, Outside, uptime};

/// The port that the daemon listens on, on its pod's loopback.
pub(crate) const PORT: u16 = 7475;

/// Bytes that fit into a connection before its writer waits.
const PIPE: usize = 64 * 1024;

/// A node's cards and the daemon that watches them.
#[derive(Debug)]
pub(crate) struct DaemonNode {
    spec: NodeSpec,
    outside: Vec<Outside>,
    seed: u64,
    start: Timestamp,
    stop: CancellationToken,
    allocations: Arc<KubeletAllocations>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    occupants: Vec<Occupant>,
    fault: Option<Fault>,
    /// A test holds the process down.
    stopped: bool,
    /// The daemon's pod and container, while it runs.
    pod: Option<(String, String)>,
    process: Option<Process>,
}

/// A connection to a daemon.
#[derive(Debug)]
pub(crate) struct Wire {
    /// The client's end.
    pub(crate) stream: DuplexStream,
    /// Cancelled when the daemon's process dies, which ends its connections at once; the service
    /// alone would wait for its clients.
    pub(crate) dead: CancellationToken,
}

/// A running daemon.
#[derive(Debug)]
struct Process {
    source: Arc<SimulatedSource>,
    sampler: SamplerHandle,
    began: Timestamp,
    cancel: CancellationToken,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl DaemonNode {
    pub(super) fn new(
        spec: NodeSpec,
        outside: Vec<Outside>,
        seed: u64,
        start: Timestamp,
        stop: CancellationToken,
    ) -> Self {
        Self {
            spec,
            outside,
            seed,
            start,
            stop,
            allocations: Arc::default(),
            state: Mutex::default(),
        }
    }

    /// The fault of now.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.lock().fault
    }

    /// What the daemon saw last, while it runs.
    pub(crate) fn latest(&self) -> Option<Arc<NodeSnapshot>> {
        Some(self.lock().process.as_ref()?.sampler.latest())
    }

    /// Tells the daemon what the kubelet knows: its own pod and container while these run, who
    /// uses the cards, and who was given them.
    pub(crate) fn follow(
        &self,
        pod: Option<(String, String)>,
        occupants: Vec<Occupant>,
        allocations: Vec<Allocation>,
        now: Timestamp,
    ) {
        self.allocations.set(allocations);
        let mut state = self.lock();
        if state.pod != pod {
            // A new container is a new process.
            state.process = None;
            state.pod = pod;
        }
        if state.occupants != occupants {
            state.occupants = occupants;
            self.give_tenants(&state);
        }
        self.run(&mut state, now);
    }

    pub(super) fn set_stopped(&self, stopped: bool, now: Timestamp) {
        let mut state = self.lock();
        state.stopped = stopped;
        self.run(&mut state, now);
    }

    pub(super) fn set_fault(&self, fault: Option<Fault>) {
        let mut state = self.lock();
        state.fault = fault;
        if let Some(process) = &state.process {
            process.source.set_fault(fault);
        }
    }

    pub(super) fn connect(&self, pod_uid: &str, port: u16) -> Result<Wire, Refused> {
        let state = self.lock();
        let is_daemon = matches!(&state.pod, Some((uid, _)) if uid == pod_uid);
        let process = state.process.as_ref().filter(|_| is_daemon && port == PORT);
        let process = process.ok_or(Refused::NothingListens)?;
        let (client, server) = tokio::io::duplex(PIPE);
        let serve = serve_one(server, process.sampler.feed(), process.cancel.child_token());
        tokio::spawn(async move {
            if let Err(error) = serve.await {
                tracing::debug!(%error, "daemon's connection ended");
            }
        });
        Ok(Wire {
            stream: client,
            dead: process.cancel.clone(),
        })
    }

    /// Starts or stops the process, as pod and tests want it.
    fn run(&self, state: &mut State, now: Timestamp) {
        let wanted = state.pod.is_some() && !state.stopped;
        if !wanted {
            state.process = None;
        } else if state.process.is_none() {
            let source = Arc::new(SimulatedSource::new(self.spec.clone(), self.seed));
            source.set_fault(state.fault);
            let cancel = self.stop.child_token();
            // Before the sampler's first look.
            source.set_tenants(self.tenants(&state.occupants, now));
            let sampler = Sampler::start(
                self.spec.name.clone(),
                Inputs {
                    source: source.clone(),
                    allocations: self.allocations.clone(),
                    attribution: Arc::new(NoAttribution),
                    machine: Arc::new(SimulatedMachine::new(
                        &self.spec,
                        self.seed,
                        Some(uptime(now, self.start)),
                    )),
                },
                Options::default(),
                cancel.clone(),
            );
            state.process = Some(Process {
                source,
                sampler,
                began: now,
                cancel,
            });
        }
    }

    fn give_tenants(&self, state: &State) {
        if let Some(process) = &state.process {
            let tenants = self.tenants(&state.occupants, process.began);
            process.source.set_tenants(tenants);
        }
    }

    fn tenants(
        &self,
        occupants: &[Occupant],
        daemon: Timestamp,
    ) -> Vec<gputop_node::source::simulated::Tenant> {
        let moments = Moments {
            cluster: self.start,
            daemon,
        };
        let outside = self.outside.iter().map(|outside| outside.tenant(moments));
        let pods = occupants.iter().map(|occupant| occupant.tenant(moments));
        outside.chain(pods).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
