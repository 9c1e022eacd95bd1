//! The machine around the GPUs, and what can not be seen, for people.

use std::fmt::Write as _;

use gputop_model::{Host, Limitation, Reading};

use super::{cell, time};

/// Two lines: `machine 8 cpus 12% · load 0.25 · …` and its disks. What is not known is left out;
/// of a machine of which nothing is known nothing is said.
pub(super) fn describe(text: &mut String, host: &Host) {
    let mut parts = Vec::new();
    if host.cpus.known().is_some() {
        parts.push(format!("{} cpus {}", cell(&host.cpus), cell(&host.cpu)));
    }
    if host.load.known().is_some() {
        parts.push(format!("load {}", cell(&host.load)));
    }
    if host.memory_total.known().is_some() {
        let (free, total) = (cell(&host.memory_available), cell(&host.memory_total));
        parts.push(format!("memory {free} of {total} available"));
    }
    if host.network_receive.known().is_some() {
        let (received, sent) = (cell(&host.network_receive), cell(&host.network_transmit));
        parts.push(format!("network in {received} out {sent}"));
    }
    if let Some(uptime) = host.uptime.get() {
        parts.push(format!("up {}", time(uptime)));
    }
    if host.kernel.known().is_some() {
        parts.push(format!("kernel {}", cell(&host.kernel)));
    }
    if host.reboot_required.get() == Some(true) {
        parts.push("a restart is required".to_owned());
    }
    if !parts.is_empty() {
        writeln!(text, "machine {}", parts.join(" · ")).ok();
    }
    let old = if matches!(host.disks, Reading::Stale { .. }) {
        "~"
    } else {
        ""
    };
    let disks = host.disks.known().into_iter().flatten();
    let disks: Vec<_> = disks
        .map(|disk| {
            format!(
                "{} {} of {} free{old}",
                disk.mount, disk.available, disk.total
            )
        })
        .collect();
    if !disks.is_empty() {
        writeln!(text, "disks {}", disks.join(" · ")).ok();
    }
}

/// A paragraph for each.
pub(super) fn describe_limits(text: &mut String, limitations: &[Limitation]) {
    for Limitation { lost, fix, .. } in limitations {
        writeln!(text, "\nnot seen: {lost}").ok();
        if !fix.is_empty() {
            writeln!(text, "to see it: {fix}").ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gputop_model::{Bytes, BytesPerSecond, Disk, Failure, LoadAverage, Percent};

    use super::*;

    fn said(host: &Host) -> String {
        let mut text = String::new();
        describe(&mut text, host);
        text
    }

    #[test]
    fn what_is_known_is_in_two_lines() {
        let disk = |mount: &str, free| Disk {
            mount: mount.to_owned(),
            total: Bytes::from_gib(400),
            available: Bytes::from_gib(free),
        };
        let host = Host {
            cpu: Percent(12).into(),
            cpus: 8.into(),
            load: LoadAverage(25).into(),
            memory_total: Bytes::from_gib(64).into(),
            memory_available: Bytes::from_gib(40).into(),
            disks: vec![disk("/", 100), disk("/var/lib/rancher", 200)].into(),
            network_receive: BytesPerSecond(12_400_000).into(),
            network_transmit: BytesPerSecond(640_000).into(),
            uptime: Duration::from_secs(30 * 3600).into(),
            reboot_required: true.into(),
            kernel: "6.8.0".to_owned().into(),
        };
        let expected = "\
machine 8 cpus 12% · load 0.25 · memory 40.0Gi of 64.0Gi available · network in 12.4MB/s out 640kB/s \
· up 30h00m · kernel 6.8.0 · a restart is required
disks / 100Gi of 400Gi free · /var/lib/rancher 200Gi of 400Gi free
";
        assert_eq!(said(&host), expected);
        let later = host.aged(Duration::from_secs(9));
        assert!(said(&later).contains("8 cpus 12%~ · load 0.25~"));
        assert!(said(&later).contains("/ 100Gi of 400Gi free~ ·"));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        assert_eq!(said(&Host::default()), "");
        let host = Host {
            cpus: 4.into(),
            ..Host::default().failed(Failure::NotFound)
        };
        assert_eq!(said(&host), "machine 4 cpus –\n");
    }

    #[test]
    fn what_can_not_be_seen_is_said_with_its_remedy() {
        let mut text = String::new();
        let limitation = |fix: &str| Limitation {
            name: "x".to_owned(),
            lost: "much is lost".to_owned(),
            fix: fix.to_owned(),
        };
        describe_limits(&mut text, &[limitation("do this"), limitation("")]);
        let expected = "\nnot seen: much is lost\nto see it: do this\n\nnot seen: much is lost\n";
        assert_eq!(text, expected);
    }
}
