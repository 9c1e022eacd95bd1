//! What the scheduler counts for a pod.

use std::collections::BTreeMap;

use serde_json::Value;

use super::quantity::parse_quantity;
use crate::store::ObjectExt;

/// Amounts by resource name, in thousandths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Requests(pub(crate) BTreeMap<String, i128>);

impl Requests {
    /// From an object of quantities; what can not be read counts nothing.
    pub(crate) fn read(amounts: &Value) -> Self {
        let entries = amounts.as_object().into_iter().flatten();
        Self(
            entries
                .filter_map(|(name, value)| {
                    let amount = match value {
                        Value::Number(number) => parse_quantity(&number.to_string()),
                        other => parse_quantity(other.as_str()?),
                    };
                    Some((name.clone(), amount?))
                })
                .collect(),
        )
    }

    /// The amount of one resource, in thousandths.
    pub(crate) fn get(&self, name: &str) -> i128 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Adds amounts.
    pub(crate) fn add(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            *self.0.entry(name.clone()).or_default() += amount;
        }
    }

    /// Raises each amount to at least the other's.
    pub(crate) fn raise_to(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            let own = self.0.entry(name.clone()).or_default();
            *own = (*own).max(*amount);
        }
    }
}

/// What one container asks for.
pub(crate) fn container_requests(container: &Value) -> Requests {
    let requests = container.pointer("/resources/requests");
    let limits = container.pointer("/resources/limits");
    let mut amounts = limits.map(Requests::read).unwrap_or_default();
    // A request given explicitly wins over the limit.
    let requests = requests.map(Requests::read).unwrap_or_default();
    amounts.0.extend(requests.0);
    amounts
}

/// What a pod asks for: the larger of its containers together and each init container alone,
/// where sidecars count with all that runs beside them.
pub(crate) fn pod_requests(pod: &Value) -> Requests {
    let mut side_by_side = Requests::default();
    for container in pod.items("/spec/containers") {
        side_by_side.add(&container_requests(container));
    }
    let mut sidecars = Requests::default();
    let mut starting = Requests::default();
    for container in pod.items("/spec/initContainers") {
        let mut requests = container_requests(container);
        if container.text("/restartPolicy") == "Always" {
            sidecars.add(&requests);
            starting.raise_to(&sidecars);
        } else {
            requests.add(&sidecars);
            starting.raise_to(&requests);
        }
    }
    side_by_side.add(&sidecars);
    side_by_side.raise_to(&starting);
    if let Some(overhead) = pod.pointer("/spec/overhead") {
        side_by_side.add(&Requests::read(overhead));
    }
    side_by_side
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn container(gpus: u32) -> Value {
        json!({"resources": {"limits": {"nvidia.com/gpu": gpus.to_string()}}})
    }

    fn sidecar(gpus: u32) -> Value {
        let mut container = container(gpus);
        container["restartPolicy"] = "Always".into();
        container
    }

    fn gpus(init: &[Value], main: &[Value]) -> i128 {
        let pod = json!({"spec": {"initContainers": init, "containers": main}});
        pod_requests(&pod).get("nvidia.com/gpu") / 1000
    }

    #[test]
    fn init_containers_run_alone_and_sidecars_beside() {
        assert_eq!(gpus(&[], &[container(1), container(2)]), 3);
        assert_eq!(gpus(&[container(4)], &[container(1)]), 4);
        assert_eq!(gpus(&[container(1)], &[container(2)]), 2);
        assert_eq!(gpus(&[sidecar(1)], &[container(2)]), 3);
        assert_eq!(gpus(&[sidecar(1), container(3)], &[container(1)]), 4);
        assert_eq!(gpus(&[container(3), sidecar(1)], &[container(1)]), 3);
    }

    proptest! {
        #[test]
        fn a_pod_never_asks_for_less_than_its_containers(
            init in proptest::collection::vec((0_u32..5, any::<bool>()), 0..4),
            main in proptest::collection::vec(0_u32..5, 1..4),
        ) {
            let inits: Vec<_> = init
                .iter()
                .map(|&(count, side)| if side { sidecar(count) } else { container(count) })
                .collect();
            let mains: Vec<_> = main.iter().map(|&count| container(count)).collect();
            let total = gpus(&inits, &mains);
            let beside: u32 = main.iter().sum::<u32>()
                + init.iter().filter(|(_, side)| *side).map(|(count, _)| count).sum::<u32>();
            prop_assert!(total >= i128::from(beside));
            prop_assert!(init.iter().all(|&(count, _)| total >= i128::from(count)));
            let all: u32 = main.iter().sum::<u32>() + init.iter().map(|(c, _)| c).sum::<u32>();
            prop_assert!(total <= i128::from(all));
        }
    }
}
