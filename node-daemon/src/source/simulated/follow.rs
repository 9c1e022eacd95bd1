//! Simulated processes that follow a real kubelet's allocations, so that a daemon with simulated
//! cards agrees with the scheduler of a real control plane.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use gputop_model::{Allocation, Bytes, GpuUuid, Holder, ProcessKind, Reading};
use tokio::time::Instant;

use super::builtin::UPTIME;
use super::noise::fnv;
use super::{Behaviour, NodeSpec, SimulatedSource, Tenant};
use crate::pods::Allocations;

/// Passes a kubelet's answers on and gives each container that holds a device a process there.
pub struct FollowKubelet {
    kubelet: Arc<dyn Allocations>,
    source: Arc<SimulatedSource>,
    start: Instant,
    tenants: Mutex<Vec<Tenant>>,
}

impl FollowKubelet {
    /// Lets `source` follow `kubelet`. The daemon's clock starts now.
    #[must_use]
    pub fn new(kubelet: Arc<dyn Allocations>, source: Arc<SimulatedSource>) -> Self {
        Self {
            kubelet,
            source,
            start: Instant::now(),
            tenants: Mutex::default(),
        }
    }

    fn follow(&self, allocations: &[Allocation]) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let spec = self.source.spec();
        *tenants = tenants_for(&spec, allocations, &tenants, self.start.elapsed());
        self.source.set_tenants(tenants.clone());
    }
}

impl Allocations for FollowKubelet {
    fn list(&self) -> BoxFuture<'_, Reading<Vec<Allocation>>> {
        async {
            let reading = self.kubelet.list().await;
            // While the kubelet is away its containers run on.
            if let Some(allocations) = reading.known() {
                self.follow(allocations);
            }
            reading
        }
        .boxed()
    }
}

/// A process for each container and device in `allocations`; those in `before` stay as they are.
///
/// What a new one does is guessed from the name of its pod, and it takes most of its share of the
/// device's memory.
#[must_use]
pub fn tenants_for(
    spec: &NodeSpec,
    allocations: &[Allocation],
    before: &[Tenant],
    now: Duration,
) -> Vec<Tenant> {
    let rooms = rooms(spec);
    let mut tenants: Vec<Tenant> = Vec::new();
    for allocation in allocations {
        let device = allocation.device_id.device();
        let Some(&room) = rooms.get(&device) else {
            continue;
        };
        let pid = pid(allocation, &device);
        // Several shares of one card in one container are one process.
        if tenants.iter().any(|tenant| tenant.pid == pid) {
            continue;
        }
        let old = before.iter().find(|tenant| tenant.pid == pid);
        tenants.push(old.cloned().unwrap_or_else(|| Tenant {
            pid,
            start_ticks: Some(start_ticks(now)),
            name: "python3".to_owned(),
            user: "root".to_owned(),
            kind: ProcessKind::Compute,
            device,
            holder: Holder::Pod {
                uid: None,
                container_id: None,
                namespace: Some(allocation.namespace.clone()),
                pod: Some(allocation.pod.clone()),
                container: Some(allocation.container.clone()),
            },
            behaviour: guess(&allocation.pod),
            memory: Bytes(room.0 / 10 * 7),
            since: now,
            age_before: Duration::ZERO,
            idle_before: Duration::ZERO,
        }));
    }
    tenants
}

/// Memory of a share of each device.
fn rooms(spec: &NodeSpec) -> BTreeMap<GpuUuid, Bytes> {
    let mut rooms = BTreeMap::new();
    for (index, gpu) in spec.gpus.iter().enumerate() {
        let shares = u64::from(gpu.time_slices.unwrap_or(1).max(1));
        rooms.insert(spec.gpu_uuid(index), Bytes(gpu.memory.0 / shares));
        for (slot, profile) in gpu.mig.iter().enumerate() {
            let memory = super::spec::profile_memory(profile).unwrap_or_default();
            rooms.insert(spec.mig_uuid(index, slot), memory);
        }
    }
    rooms
}

/// A process id that belongs to the container and the device: above 10 000 and below 2^22, the
/// kernel's largest.
fn pid(allocation: &Allocation, device: &GpuUuid) -> u32 {
    let Allocation {
        namespace,
        pod,
        container,
        ..
    } = allocation;
    let hash = fnv(&format!("{namespace}/{pod}/{container}/{device}"));
    10_000 + u32::try_from(hash % 4_000_000).unwrap_or(0)
}

/// When a process began that appears `now`, in hundredths of a second since the machine's start.
fn start_ticks(now: Duration) -> u64 {
    let since_boot = UPTIME.saturating_add(now);
    u64::try_from(since_boot.as_millis() / 10).unwrap_or(u64::MAX)
}

fn guess(pod: &str) -> Behaviour {
    let named = |words: &[&str]| words.iter().any(|word| pod.contains(word));
    if named(&["train", "job"]) {
        Behaviour::Training
    } else if named(&["notebook", "jupyter"]) {
        Behaviour::Notebook
    } else if named(&["media", "jellyfin"]) {
        Behaviour::Media
    } else {
        Behaviour::Inference
    }
}

#[cfg(test)]
mod tests {
    use gputop_model::DeviceId;

    use super::*;
    use crate::source::simulated::builtin_node;
    use crate::source::{Round, Source as _};

    fn allocation(pod: &str, device_id: String) -> Allocation {
        Allocation {
            namespace: "default".to_owned(),
            pod: pod.to_owned(),
            container: "main".to_owned(),
            resource: "nvidia.com/gpu".to_owned(),
            device_id: DeviceId::new(device_id),
        }
    }

    #[test]
    fn shares_of_one_card_in_one_container_are_one_process() {
        let mut spec = builtin_node("n".into());
        spec.gpus[0].time_slices = Some(4);
        let uuid = spec.gpu_uuid(0);
        let shares = [
            allocation("train-1", format!("{uuid}::0")),
            allocation("train-1", format!("{uuid}::3")),
            allocation("jupyter-0", format!("{uuid}::1")),
            allocation("elsewhere", "GPU-of-another-node".to_owned()),
        ];
        let tenants = tenants_for(&spec, &shares, &[], Duration::ZERO);
        let behaviours: Vec<_> = tenants.iter().map(|tenant| tenant.behaviour).collect();
        assert_eq!(behaviours, [Behaviour::Training, Behaviour::Notebook]);
    }

    /// A kubelet that always says the same.
    struct Told(Reading<Vec<Allocation>>);

    impl Allocations for Told {
        fn list(&self) -> BoxFuture<'_, Reading<Vec<Allocation>>> {
            futures::future::ready(self.0.clone()).boxed()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_source_shows_what_the_kubelet_says() {
        let spec = builtin_node("n".into());
        let held = Reading::Value(vec![allocation("train", spec.gpu_uuid(1).to_string())]);
        let source = Arc::new(SimulatedSource::new(spec.clone(), 1));
        let follow = FollowKubelet::new(Arc::new(Told(held.clone())), Arc::clone(&source));
        assert_eq!(follow.list().await, held);
        let sample = source.sample(Round::watched(Duration::from_secs(60))).await;
        let [process] = sample.processes.as_slice() else {
            panic!("one process, not {:?}", sample.processes);
        };
        assert_eq!(process.device, spec.gpu_uuid(1));
        assert!(matches!(
            &process.holder,
            Holder::Pod { pod: Some(pod), .. } if pod == "train"
        ));
    }

    #[test]
    fn a_process_stays_as_long_as_its_allocation() {
        let spec = builtin_node("n".into());
        let held = [allocation("web", spec.gpu_uuid(0).to_string())];
        let first = tenants_for(&spec, &held, &[], Duration::from_secs(5));
        let later = tenants_for(&spec, &held, &first, Duration::from_secs(60));
        assert_eq!(first, later);
        assert_eq!(tenants_for(&spec, &[], &later, Duration::from_secs(61)), []);
    }
}
