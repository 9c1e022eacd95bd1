//! Snapshots without what may not be recorded.

use gputop_model::{
    Allocation, Device, DeviceEvent, DeviceKind, Disk, DriverState, GpuProcess, Health, Holder,
    Host, Identity, Limitation, NodeSnapshot, Reading, mask,
};

use super::Redactor;
use super::names::Kind;

impl Redactor {
    pub(super) fn snapshot(&mut self, snapshot: NodeSnapshot) -> NodeSnapshot {
        // A new field must be thought of here.
        let NodeSnapshot {
            node,
            daemon_version,
            sequence,
            driver,
            devices,
            processes,
            allocations,
            uptime,
            events,
            host,
            limitations,
            protocol,
        } = snapshot;
        let (devices, processes) = (devices.into_iter(), processes.into_iter());
        let (events, limitations) = (events.into_iter(), limitations.into_iter());
        NodeSnapshot {
            node: self.node_name(&node),
            daemon_version,
            sequence,
            driver: self.driver(driver),
            devices: devices.map(|device| self.measured(device)).collect(),
            processes: processes.map(|process| self.process(process)).collect(),
            allocations: allocations.map(|list| {
                let list = list.into_iter();
                list.map(|allocation| self.allocation(allocation)).collect()
            }),
            uptime,
            events: events.map(|event| self.event(event)).collect(),
            host: self.host(host),
            limitations: limitations
                .map(|limitation| self.limitation(limitation))
                .collect(),
            // What a daemon can do has the same names everywhere.
            protocol,
        }
    }

    fn driver(&mut self, driver: DriverState) -> DriverState {
        match driver {
            DriverState::NoDriver { why } => DriverState::NoDriver {
                why: self.text(&why),
            },
            DriverState::Mismatch { why } => DriverState::Mismatch {
                why: self.text(&why),
            },
            DriverState::Failed { why } => DriverState::Failed {
                why: self.text(&why),
            },
            DriverState::Ready { .. } | DriverState::NoGpu { .. } => driver,
        }
    }

    fn measured(&mut self, mut device: Device) -> Device {
        // What remains are figures, and words of the driver's and of ours.
        let Device {
            uuid,
            kind,
            health,
            identity: Identity { serial, .. },
            ..
        } = &mut device;
        *uuid = self.device(uuid);
        if let DeviceKind::MigInstance { parent, .. } = kind {
            *parent = self.device(parent);
        }
        *health = std::mem::take(health).map(|health| match health {
            Health::Degraded { why } => Health::Degraded {
                why: self.text(&why),
            },
            Health::Sick { why } => Health::Sick {
                why: self.text(&why),
            },
            Health::Ok => Health::Ok,
        });
        *serial = std::mem::take(serial).map(|serial| self.name(Kind::Named("serial"), &serial));
        device
    }

    fn process(&mut self, process: GpuProcess) -> GpuProcess {
        // A new field must be thought of here.
        let GpuProcess {
            pid,
            start_ticks,
            device,
            kind,
            name,
            command: _,
            user,
            memory_used,
            sm,
            memory_busy,
            encoder,
            decoder,
            idle_for,
            holder,
        } = process;
        GpuProcess {
            pid,
            start_ticks,
            device: self.device(&device),
            kind,
            name: program(&name),
            command: Reading::default(),
            user: user.map(|user| self.private(Kind::Named("user"), &user)),
            memory_used,
            sm,
            memory_busy,
            encoder,
            decoder,
            idle_for,
            holder: self.holder(holder),
        }
    }

    fn holder(&mut self, holder: Holder) -> Holder {
        match holder {
            Holder::Pod {
                uid,
                container_id,
                namespace,
                pod,
                container,
            } => Holder::Pod {
                uid: uid.map(|uid| self.uid(&uid)),
                container_id: container_id.map(|id| self.name(Kind::ContainerId, &id)),
                namespace: namespace.map(|namespace| self.namespace(&namespace)),
                pod: pod.map(|pod| self.name(Kind::Named("pod"), &pod)),
                container: container.map(|container| self.container_name(&container)),
            },
            // A session has the name of its user, and so may a unit have.
            Holder::Outside { kind, name } => Holder::Outside {
                kind,
                name: self.private(Kind::Named(kind.name()), &name),
            },
            Holder::Unknown => Holder::Unknown,
        }
    }

    fn allocation(&mut self, allocation: Allocation) -> Allocation {
        let Allocation {
            namespace,
            pod,
            container,
            resource,
            device_id,
        } = allocation;
        Allocation {
            namespace: self.namespace(&namespace),
            pod: self.name(Kind::Named("pod"), &pod),
            container: self.container_name(&container),
            resource,
            device_id: self.device_id(&device_id),
        }
    }

    fn event(&mut self, event: DeviceEvent) -> DeviceEvent {
        let DeviceEvent {
            device,
            kind,
            at,
            count,
        } = event;
        DeviceEvent {
            device: self.device(&device),
            kind,
            at,
            count,
        }
    }

    fn host(&mut self, host: Host) -> Host {
        // A new field must be thought of here.
        let Host {
            cpu,
            cpus,
            load,
            memory_total,
            memory_available,
            disks,
            network_receive,
            network_transmit,
            uptime,
            reboot_required,
            kernel,
        } = host;
        Host {
            cpu,
            cpus,
            load,
            memory_total,
            memory_available,
            disks: disks.map(|disks| {
                let disks = disks.into_iter();
                disks.map(|disk| self.disk(disk)).collect()
            }),
            network_receive,
            network_transmit,
            uptime,
            reboot_required,
            kernel: kernel.map(|release| self.release(&release)),
        }
    }

    /// A mount point may have the name of a person or a project.
    fn disk(&mut self, disk: Disk) -> Disk {
        let Disk {
            mount,
            total,
            available,
        } = disk;
        Disk {
            mount: match mount.as_str() {
                "/" => mount,
                mount => self.name(Kind::Named("mount"), mount),
            },
            total,
            available,
        }
    }

    /// Its sentences name places on the node.
    fn limitation(&mut self, limitation: Limitation) -> Limitation {
        let Limitation { name, lost, fix } = limitation;
        Limitation {
            name: self.text(&name),
            lost: self.text(&lost),
            fix: self.text(&fix),
        }
    }
}

/// The name of a program without its path and without what comes after it.
fn program(name: &str) -> String {
    let first = name.split_whitespace().next().unwrap_or_default();
    let base = first.rsplit('/').next().unwrap_or(first);
    mask(base).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_no_arguments() {
        assert_eq!(program("/usr/bin/python3 train.py --token abc"), "python3");
        assert_eq!(program("Xorg"), "Xorg");
        assert_eq!(program(""), "");
    }
}
