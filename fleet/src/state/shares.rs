//! How a card that pods take turns on (time-slicing, MPS) is shared out.

use std::collections::BTreeSet;

use gputop_model::{DeviceKind, NodeInfo};

use super::device_state::DeviceState;
use super::rows::DeviceRow;

/// The shares of one device. Shares are units: the scheduler gives away one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// How many the device plugin makes of it; at least 2.
    pub all: usize,
    /// How many containers hold; all of them where one was given the whole device.
    pub held: usize,
    /// How many a pod may get, 0 when there were more once; `None`: that can not be promised. The
    /// device is sick or does not answer, what is known of it or of its holders is old, or its node
    /// takes no pods.
    pub free: Option<usize>,
}

impl Shares {
    /// Of `device` on `node`, by the label of GPU feature discovery for its resource
    /// (`nvidia.com/gpu.replicas`, `nvidia.com/mig-1g.10gb.replicas`). `None`: it is given away as
    /// a whole, it is split into instances, or who holds it is not known.
    #[must_use]
    pub fn of(device: &DeviceRow, node: &NodeInfo) -> Option<Self> {
        let resource = match &device.device().kind {
            DeviceKind::Gpu { .. } if device.device().is_partitioned() => return None,
            DeviceKind::Gpu { .. } => "nvidia.com/gpu".to_owned(),
            DeviceKind::MigInstance { profile, .. } => format!("nvidia.com/mig-{profile}"),
        };
        let label = node.labels.get(&format!("{resource}.replicas"))?;
        let all: usize = label.parse().ok().filter(|all| *all > 1)?;
        let holders = device.allocated_to.as_ref()?.iter();
        let shares: Option<BTreeSet<_>> = holders.map(|to| to.device_id.share()).collect();
        // Who was given the device itself leaves no share of it.
        let held = shares.map_or(all, |shares| shares.len());
        let healthy = !matches!(device.state, DeviceState::Sick | DeviceState::Unknown);
        let promised =
            healthy && device.closed.is_none() && !device.stale && device.holders_complete;
        Some(Self {
            all,
            held,
            free: promised.then(|| all.saturating_sub(held)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use gputop_model::{Device, DeviceId, NodeSnapshot};

    use super::super::rows::{AllocatedTo, Closed};
    use super::*;

    fn node(label: &str, value: &str) -> NodeInfo {
        let mut node = NodeInfo::unknown("a".into());
        node.labels.insert(label.to_owned(), value.to_owned());
        node
    }

    fn device(kind: DeviceKind, held: Option<&[&str]>) -> DeviceRow {
        let device = Device::unmeasured(0, "GPU-1".into(), "NVIDIA T4".to_owned(), kind);
        let to = |id: &&str| AllocatedTo {
            namespace: "ml".to_owned(),
            pod: "train".to_owned(),
            container: "main".to_owned(),
            pod_uid: None,
            device_id: DeviceId::new(*id),
        };
        DeviceRow {
            node: "a".into(),
            snapshot: Arc::new(NodeSnapshot {
                devices: vec![device],
                ..NodeSnapshot::unsampled("a".into())
            }),
            position: 0,
            state: DeviceState::Allocated,
            closed: None,
            allocated_to: held.map(|ids| ids.iter().map(to).collect()),
            holders_complete: true,
            holders_age: None,
            processes: Vec::new(),
            age: Duration::ZERO,
            stale: false,
        }
    }

    const GPU: DeviceKind = DeviceKind::Gpu { mig_enabled: false };

    #[test]
    fn what_nobody_holds_is_free() {
        let node = node("nvidia.com/gpu.replicas", "4");
        let of = |ids: &[&str]| Shares::of(&device(GPU, Some(ids)), &node).unwrap();
        let two = of(&["GPU-1::0", "GPU-1::3"]);
        assert_eq!((two.all, two.held, two.free), (4, 2, Some(2)));
        assert_eq!(of(&[]).free, Some(4));
        // There were more once: those that are held stay.
        let ids = ["GPU-1::0", "GPU-1::1", "GPU-1::2", "GPU-1::3", "GPU-1::4"];
        assert_eq!(of(&ids).free, Some(0));
    }

    #[test]
    fn who_has_the_whole_card_leaves_no_share_of_it() {
        let node = node("nvidia.com/gpu.replicas", "4");
        let whole = Shares::of(&device(GPU, Some(&["GPU-1"])), &node).unwrap();
        assert_eq!((whole.held, whole.free), (4, Some(0)));
    }

    #[test]
    fn shares_that_no_pod_can_get_are_not_promised() {
        let node = node("nvidia.com/gpu.replicas", "4");
        let free = |change: fn(&mut DeviceRow)| {
            let mut row = device(GPU, Some(&["GPU-1::0"]));
            change(&mut row);
            let shares = Shares::of(&row, &node).unwrap();
            assert_eq!((shares.all, shares.held), (4, 1));
            shares.free
        };
        assert_eq!(free(|_| {}), Some(3));
        assert_eq!(free(|row| row.closed = Some(Closed::Cordoned)), None);
        assert_eq!(free(|row| row.stale = true), None);
        assert_eq!(free(|row| row.state = DeviceState::Sick), None);
        assert_eq!(free(|row| row.state = DeviceState::Unknown), None);
        assert_eq!(free(|row| row.holders_complete = false), None);
    }

    #[test]
    fn a_card_that_is_given_away_as_a_whole_has_no_shares() {
        let of =
            |label: &str, value: &str, held| Shares::of(&device(GPU, held), &node(label, value));
        let nobody: Option<&[&str]> = Some(&[]);
        assert_eq!(of("nvidia.com/gpu.replicas", "1", nobody), None);
        assert_eq!(of("nvidia.com/gpu.replicas", "many", nobody), None);
        assert_eq!(of("other", "4", nobody), None);
        // Who holds it is not known: nor is what is free.
        assert_eq!(of("nvidia.com/gpu.replicas", "4", None), None);
    }

    #[test]
    fn instances_have_a_label_of_their_own_and_their_card_none() {
        let node = node("nvidia.com/mig-1g.10gb.replicas", "2");
        let instance = DeviceKind::MigInstance {
            profile: "1g.10gb".to_owned(),
            parent: "GPU-1".into(),
        };
        let shares = Shares::of(&device(instance, Some(&["MIG-1::1"])), &node);
        let expected = Shares {
            all: 2,
            held: 1,
            free: Some(1),
        };
        assert_eq!(shares, Some(expected));
        let split = DeviceKind::Gpu { mig_enabled: true };
        assert_eq!(Shares::of(&device(split, Some(&[])), &node), None);
    }
}
