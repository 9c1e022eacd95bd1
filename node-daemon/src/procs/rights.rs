//! What the driver does not let the daemon see.

use gputop_model::{Device, DeviceKind, Failure, Limitation, Reading};

/// Whether the driver keeps to itself who uses which MIG instance and how much of it.
///
/// Told from the readings: a card in MIG mode or an instance for which it refused an answer.
#[must_use]
pub fn no_mig_rights(devices: &[Device]) -> Option<Limitation> {
    const REFUSED: Failure = Failure::NoPermission;
    let refused = |device: &Device| {
        device.memory_used == Reading::Failed(REFUSED)
            || device.process_count == Reading::Failed(REFUSED)
    };
    let is_instance = |device: &Device| matches!(device.kind, DeviceKind::MigInstance { .. });
    let split = |device: &&Device| device.is_partitioned() || is_instance(device);
    let mut split = devices.iter().filter(split);
    split.any(refused).then(|| Limitation {
        name: "no_mig_rights".to_owned(),
        lost: "the driver does not let the daemon look into MIG instances: who uses them, and how \
               much of their memory, is not known"
            .to_owned(),
        fix: "give the container NVIDIA_MIG_MONITOR_DEVICES=all, which needs the capability \
              SYS_ADMIN, or run the daemon as root on the host"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use gputop_model::Bytes;

    use super::*;

    #[test]
    fn missing_rights_are_told_from_what_was_refused() {
        let card = |mig_enabled, memory_used: Reading<Bytes>| Device {
            memory_used,
            ..Device::unmeasured(
                0,
                "GPU-1".into(),
                "Test".to_owned(),
                DeviceKind::Gpu { mig_enabled },
            )
        };
        let refused = || Reading::Failed(Failure::NoPermission);
        let said = |device| no_mig_rights(&[device]).map(|limitation| limitation.name);
        assert_eq!(
            said(card(true, refused())).as_deref(),
            Some("no_mig_rights")
        );
        assert_eq!(said(card(false, refused())), None);
        assert_eq!(said(card(true, Bytes(1).into())), None);
        assert_eq!(said(card(true, Reading::Failed(Failure::Timeout))), None);
        let kind = DeviceKind::MigInstance {
            profile: "1g.10gb".to_owned(),
            parent: "GPU-1".into(),
        };
        let instance = Device {
            process_count: Reading::Failed(Failure::NoPermission),
            ..Device::unmeasured(0, "MIG-1".into(), String::new(), kind)
        };
        assert!(said(instance).is_some());
    }
}
