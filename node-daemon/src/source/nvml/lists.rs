//! NVML's process lists, merged.

use std::collections::BTreeMap;

use gputop_model::{Bytes, GpuUuid, ProcessKind, Reading};
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;

/// GPU instance and compute instance of a MIG device.
pub(super) type InstanceIds = (u32, u32);

/// An entry of one of NVML's process lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) pid: u32,
    pub(super) kind: ProcessKind,
    /// `None`: NVML has no value.
    pub(super) memory: Option<Bytes>,
    pub(super) instance: Option<InstanceIds>,
}

/// A process on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) device: GpuUuid,
    pub(super) pid: u32,
    pub(super) kind: ProcessKind,
    pub(super) memory: Reading<Bytes>,
}

impl Listed {
    pub(super) fn new(info: &ProcessInfo, kind: ProcessKind) -> Self {
        Self {
            pid: info.pid,
            kind,
            memory: match info.used_gpu_memory {
                UsedGpuMemory::Unavailable => None,
                UsedGpuMemory::Used(bytes) => Some(Bytes(bytes)),
            },
            instance: info.gpu_instance_id.zip(info.compute_instance_id),
        }
    }
}

/// Says on which device each process is: on the instance whose own list has it, else on the
/// instance with its ids, else on the whole GPU.
///
/// `known` keeps the ids of instances from one call to the next: NVML tells them with the
/// processes only.
pub(super) fn place(
    parent: &GpuUuid,
    whole: Vec<Listed>,
    instances: Vec<(GpuUuid, Vec<Listed>)>,
    known: &mut BTreeMap<InstanceIds, GpuUuid>,
) -> Vec<Placed> {
    known.retain(|_, uuid| instances.iter().any(|(instance, _)| instance == uuid));
    let mut placed = Vec::new();
    for (uuid, list) in instances {
        for process in list {
            if let Some(ids) = process.instance {
                known.insert(ids, uuid.clone());
            }
            put(&mut placed, uuid.clone(), &process);
        }
    }
    let on_instances = placed.len();
    for process in whole {
        if placed[..on_instances].iter().any(|p| p.pid == process.pid) {
            continue;
        }
        let device = process.instance.and_then(|ids| known.get(&ids));
        put(&mut placed, device.unwrap_or(parent).clone(), &process);
    }
    placed.sort_by(|a, b| (&a.device, a.pid).cmp(&(&b.device, b.pid)));
    placed
}

/// Adds `process`, or merges it with its entry from the other list.
fn put(placed: &mut Vec<Placed>, device: GpuUuid, process: &Listed) {
    let old = placed
        .iter_mut()
        .find(|old| old.pid == process.pid && old.device == device);
    // "Not available" is not zero; a later driver or another list may have it.
    let memory = process.memory.map_or(Reading::Unsupported, Reading::Value);
    let Some(old) = old else {
        placed.push(Placed {
            device,
            pid: process.pid,
            kind: process.kind,
            memory,
        });
        return;
    };
    old.kind = both(old.kind, process.kind);
    // Both lists give the process's whole memory, not a part each.
    if old.memory.get() < memory.get() {
        old.memory = memory;
    }
}

/// What a process is that two lists name.
fn both(one: ProcessKind, other: ProcessKind) -> ProcessKind {
    use ProcessKind::{Compute, ComputeAndGraphics, Mps};
    match (one, other) {
        _ if one == other => one,
        // A client of MPS computes, and some drivers list it twice.
        (Compute, Mps) | (Mps, Compute) => Mps,
        _ => ComputeAndGraphics,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gputop_model::ProcessKind::{Compute, ComputeAndGraphics, Graphics, Mps};

    fn listed(pid: u32, kind: ProcessKind, mib: Option<u64>) -> Listed {
        Listed {
            pid,
            kind,
            memory: mib.map(Bytes::from_mib),
            instance: None,
        }
    }

    fn placed(device: &str, pid: u32, kind: ProcessKind, mib: Option<u64>) -> Placed {
        Placed {
            device: device.into(),
            pid,
            kind,
            memory: mib.map_or(Reading::Unsupported, |n| Bytes::from_mib(n).into()),
        }
    }

    fn on_gpu(list: Vec<Listed>) -> Vec<Placed> {
        place(&"GPU".into(), list, Vec::new(), &mut BTreeMap::new())
    }

    #[test]
    fn a_process_in_both_lists_is_one_and_its_memory_is_not_doubled() {
        let list = vec![
            listed(9, Compute, Some(700)),
            listed(4, Graphics, Some(30)),
            listed(9, Graphics, Some(700)),
        ];
        let expected = [
            placed("GPU", 4, Graphics, Some(30)),
            placed("GPU", 9, ComputeAndGraphics, Some(700)),
        ];
        assert_eq!(on_gpu(list), expected);
    }

    #[test]
    fn a_process_twice_in_one_list_stays_of_its_kind() {
        let list = vec![listed(9, Compute, Some(1)), listed(9, Compute, Some(2))];
        assert_eq!(on_gpu(list), [placed("GPU", 9, Compute, Some(2))]);
    }

    #[test]
    fn a_client_of_mps_is_one_in_whichever_lists_it_is() {
        for list in [
            vec![listed(9, Mps, Some(1))],
            vec![listed(9, Compute, Some(1)), listed(9, Mps, Some(1))],
            vec![listed(9, Mps, Some(1)), listed(9, Compute, Some(1))],
        ] {
            assert_eq!(on_gpu(list), [placed("GPU", 9, Mps, Some(1))]);
        }
    }

    #[test]
    fn memory_that_is_not_available_is_not_zero() {
        let list = vec![listed(1, Compute, None)];
        assert_eq!(on_gpu(list), [placed("GPU", 1, Compute, None)]);
        let list = vec![listed(1, Compute, None), listed(1, Graphics, Some(5))];
        let expected = [placed("GPU", 1, ComputeAndGraphics, Some(5))];
        assert_eq!(on_gpu(list), expected);
    }

    #[test]
    fn processes_are_placed_on_their_instances() {
        let mut known = BTreeMap::new();
        let with_ids = |pid, ids| Listed {
            instance: Some(ids),
            ..listed(pid, Compute, Some(1))
        };
        // The instance's own list names pid 1 and so tells the instance's ids.
        let first = place(
            &"GPU".into(),
            vec![with_ids(1, (7, 0)), with_ids(3, (9, 0))],
            vec![
                ("MIG-a".into(), vec![with_ids(1, (7, 0))]),
                ("MIG-b".into(), vec![]),
            ],
            &mut known,
        );
        let expected = [
            placed("GPU", 3, Compute, Some(1)),
            placed("MIG-a", 1, Compute, Some(1)),
        ];
        assert_eq!(first, expected);
        // Later its list can not be read, and the ids still lead to it.
        let later = place(
            &"GPU".into(),
            vec![with_ids(2, (7, 0))],
            vec![("MIG-a".into(), vec![])],
            &mut known,
        );
        assert_eq!(later, [placed("MIG-a", 2, Compute, Some(1))]);
        // An instance that is gone no longer lends its name.
        let gone = place(&"GPU".into(), vec![with_ids(2, (7, 0))], vec![], &mut known);
        assert_eq!(gone, [placed("GPU", 2, Compute, Some(1))]);
    }
}
