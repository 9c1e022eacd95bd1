//! The node behind `--source sim`: two consumer cards and a few tenants.

use std::time::Duration;

use gputop_model::{Bytes, Holder, MilliWatts, NodeName, OutsideKind, ProcessKind};

use super::{Behaviour, GpuSpec, NodeSpec, Tenant};

/// How long the machine had run when the daemon was started: the newest of [`builtin_tenants`] has
/// run for two hours by then.
pub(super) const UPTIME: Duration = Duration::from_secs(20_117 + 2 * 3600);

/// A box under a desk with two cards.
#[must_use]
pub fn builtin_node(name: NodeName) -> NodeSpec {
    let card = |product: &str, gib, watts: u32| GpuSpec {
        product: product.to_owned(),
        memory: Bytes::from_gib(gib),
        power_limit: MilliWatts(watts * 1000),
        time_slices: None,
        mig: Vec::new(),
        hot_memory: false,
        pcie_width: None,
        xids: Vec::new(),
    };
    NodeSpec {
        name,
        driver: Some("580.95.05".to_owned()),
        cuda: Some("13.0".to_owned()),
        gpus: vec![
            card("NVIDIA GeForce RTX 3090", 24, 350),
            card("NVIDIA GeForce RTX 4060 Ti", 16, 165),
        ],
    }
}

/// Who uses the cards of [`builtin_node`]: a training job and the desktop on the first, a media
/// server without a request on the second.
#[must_use]
pub fn builtin_tenants(node: &NodeSpec) -> Vec<Tenant> {
    let tenant = |pid, gpu, name: &str, user: &str, behaviour, memory, holder| Tenant {
        pid,
        start_ticks: Some(u64::from(pid) * 100),
        name: name.to_owned(),
        user: user.to_owned(),
        kind: match behaviour {
            Behaviour::Desktop => ProcessKind::Graphics,
            _ => ProcessKind::Compute,
        },
        device: node.gpu_uuid(gpu),
        holder,
        behaviour,
        memory,
        since: Duration::ZERO,
        age_before: Duration::from_secs(2 * 3600),
        idle_before: Duration::ZERO,
    };
    let pod = Holder::Pod {
        uid: None,
        container_id: None,
        namespace: Some("default".to_owned()),
        pod: Some("train-7d4b9".to_owned()),
        container: Some("main".to_owned()),
    };
    let outside = |kind, name: &str| Holder::Outside {
        kind,
        name: name.to_owned(),
    };
    let desktop = outside(OutsideKind::Desktop, "gnome-shell");
    let media = outside(OutsideKind::Unit, "jellyfin.service");
    let (training, transcoding) = (Behaviour::Training, Behaviour::Media);
    vec![
        tenant(
            20_117,
            0,
            "python3",
            "root",
            training,
            Bytes::from_gib(18),
            pod,
        ),
        tenant(
            1_893,
            0,
            "gnome-shell",
            "ada",
            Behaviour::Desktop,
            Bytes::from_mib(380),
            desktop,
        ),
        tenant(
            4_410,
            1,
            "ffmpeg",
            "jellyfin",
            transcoding,
            Bytes::from_mib(640),
            media,
        ),
    ]
}
