//! What the scheduler counts for a pod.
//!
//! Kubernetes' `PodRequests` (k8s.io/component-helpers/resource/helpers.go): main containers and
//! sidecars run side by side; ordinary init containers run one after another, each beside the
//! sidecars started before it; the pod counts for the larger of both, plus its overhead.

use std::collections::BTreeMap;

/// Units by resource name.
pub type Units = BTreeMap<String, i64>;

/// What one container asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerRequest {
    /// Units by resource name. For extended resources requests and limits are the same number.
    pub units: Units,
    /// An init container with `restartPolicy: Always`, which stays beside the main containers.
    pub sidecar: bool,
}

/// The units that the scheduler counts, from the init containers in their order, the main
/// containers, and the pod's overhead.
#[must_use]
pub fn effective_requests(
    init: &[ContainerRequest],
    main: &[ContainerRequest],
    overhead: &Units,
) -> Units {
    let mut sidecars = Units::new();
    let mut startup = Units::new();
    for container in init {
        if container.sidecar {
            add(&mut sidecars, &container.units);
            maximum(&mut startup, &sidecars);
        } else {
            let mut together = sidecars.clone();
            add(&mut together, &container.units);
            maximum(&mut startup, &together);
        }
    }
    let mut running = sidecars;
    for container in main {
        add(&mut running, &container.units);
    }
    maximum(&mut running, &startup);
    add(&mut running, overhead);
    running.retain(|_, units| *units != 0);
    running
}

fn add(sum: &mut Units, more: &Units) {
    for (name, units) in more {
        let entry = sum.entry(name.clone()).or_default();
        *entry = entry.saturating_add(*units);
    }
}

fn maximum(largest: &mut Units, other: &Units) {
    for (name, units) in other {
        let entry = largest.entry(name.clone()).or_default();
        *entry = (*entry).max(*units);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gpus(units: i64, sidecar: bool) -> ContainerRequest {
        ContainerRequest {
            units: Units::from([("nvidia.com/gpu".to_owned(), units)]),
            sidecar,
        }
    }

    fn count(init: &[ContainerRequest], main: &[ContainerRequest]) -> i64 {
        let units = effective_requests(init, main, &Units::new());
        units.get("nvidia.com/gpu").copied().unwrap_or_default()
    }

    #[test]
    fn main_containers_add_up_and_init_containers_do_not() {
        assert_eq!(count(&[], &[gpus(1, false), gpus(2, false)]), 3);
        assert_eq!(
            count(&[gpus(2, false), gpus(2, false)], &[gpus(1, false)]),
            2
        );
    }

    #[test]
    fn a_sidecar_counts_beside_what_starts_after_it() {
        assert_eq!(count(&[gpus(1, true)], &[gpus(1, false)]), 2);
        // sidecar 1 + later init 3 = 4 > sidecar 1 + main 1
        assert_eq!(
            count(&[gpus(1, true), gpus(3, false)], &[gpus(1, false)]),
            4
        );
        // the init container runs before the sidecar starts: max(3, 1 + 1)
        assert_eq!(
            count(&[gpus(3, false), gpus(1, true)], &[gpus(1, false)]),
            3
        );
    }

    #[test]
    fn overhead_comes_on_top_and_zero_is_left_out() {
        let overhead = Units::from([("nvidia.com/gpu".to_owned(), 1)]);
        let units = effective_requests(&[], &[gpus(1, false)], &overhead);
        assert_eq!(units["nvidia.com/gpu"], 2);
        assert!(effective_requests(&[], &[gpus(0, false)], &Units::new()).is_empty());
    }

    fn containers() -> impl Strategy<Value = Vec<ContainerRequest>> {
        proptest::collection::vec((0_i64..5, any::<bool>()), 0..5).prop_map(|list| {
            list.into_iter()
                .map(|(units, side)| gpus(units, side))
                .collect()
        })
    }

    proptest! {
        /// At every moment of the pod's life what runs fits into what is counted, and at one
        /// moment it fills it.
        #[test]
        fn the_count_is_the_largest_moment(init in containers(), main in containers()) {
            let of = |c: &ContainerRequest| c.units["nvidia.com/gpu"];
            let mut moments = vec![0];
            let mut sidecars = 0;
            for container in &init {
                moments.push(sidecars + of(container));
                if container.sidecar {
                    sidecars += of(container);
                }
            }
            moments.push(sidecars + main.iter().map(of).sum::<i64>());
            prop_assert_eq!(count(&init, &main), moments.into_iter().max().unwrap());
        }
    }
}
