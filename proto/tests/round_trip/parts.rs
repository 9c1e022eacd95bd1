//! The groups of a device's readings, made up.

use gputop_model::{
    Activity, Bytes, BytesPerSecond, Celsius, Clocks, ComputeMode, Device, Disk, Ecc, Host,
    Identity, LoadAverage, MegaHertz, MemoryDetail, MemoryKind, MilliJoules, MilliWatts, NvLink,
    PState, Pcie, PowerLimits, Reading, Settings, Thermal, Traffic, Video,
};
use proptest::prelude::*;
use std::time::Duration;

use crate::{percent, reading};

/// All groups of a device.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    clocks: Clocks,
    video: Video,
    thermal: Thermal,
    memory: MemoryDetail,
    pcie: Pcie,
    ecc: Ecc,
    nvlink: NvLink,
    power_limits: PowerLimits,
    identity: Identity,
    settings: Settings,
    activity: Activity,
    traffic: Traffic,
}

impl Parts {
    pub(crate) fn put_into(self, device: Device) -> Device {
        Device {
            clocks: self.clocks,
            video: self.video,
            thermal: self.thermal,
            memory: self.memory,
            pcie: self.pcie,
            ecc: self.ecc,
            nvlink: self.nvlink,
            power_limits: self.power_limits,
            identity: self.identity,
            settings: self.settings,
            activity: self.activity,
            traffic: self.traffic,
            ..device
        }
    }
}

/// A group whose readings are made up one by one, or one that the card does not have, or one of
/// which nothing is known: these are the commonest.
macro_rules! group {
    ($function:ident -> $name:ident { $( $field:ident: $value:expr, )+ }) => {
        pub(crate) fn $function() -> BoxedStrategy<$name> {
            let mut any = Just($name::default()).boxed();
            $(
                any = (any, reading($value))
                    .prop_map(|(group, $field)| $name { $field, ..group })
                    .boxed();
            )+
            prop_oneof![Just($name::default()), Just($name::unsupported()), any].boxed()
        }
    };
}

fn mhz() -> impl Strategy<Value = MegaHertz> + Clone {
    any::<u32>().prop_map(MegaHertz)
}

fn rate() -> impl Strategy<Value = BytesPerSecond> + Clone {
    any::<u64>().prop_map(BytesPerSecond)
}

fn disks() -> impl Strategy<Value = Vec<Disk>> + Clone {
    let disk =
        ("/[a-z/]{0,9}", any::<u64>(), any::<u64>()).prop_map(|(mount, total, available)| Disk {
            mount,
            total: Bytes(total),
            available: Bytes(available),
        });
    proptest::collection::vec(disk, 0..3)
}

fn celsius() -> impl Strategy<Value = Celsius> + Clone {
    (-40_i32..150).prop_map(Celsius)
}

fn bytes() -> impl Strategy<Value = Bytes> + Clone {
    any::<u64>().prop_map(Bytes)
}

fn milliwatts() -> impl Strategy<Value = MilliWatts> + Clone {
    any::<u32>().prop_map(MilliWatts)
}

group! { clocks -> Clocks { sm: mhz(), memory: mhz(), sm_max: mhz(), memory_max: mhz(), } }
group! { video -> Video { encoder: percent(), decoder: percent(), } }
group! { thermal -> Thermal {
    memory: celsius(), fan: percent(), max_operating: celsius(), slowdown: celsius(),
    shutdown: celsius(), memory_max: celsius(),
} }
group! { memory -> MemoryDetail {
    reserved: bytes(), bar1_used: bytes(), bar1_total: bytes(),
} }
group! { pcie -> Pcie {
    generation: 1_u32..7, width: 1_u32..17, generation_max: 1_u32..7, width_max: 1_u32..17,
    replays: any::<u32>(),
} }
group! { ecc -> Ecc {
    enabled: any::<bool>(), volatile_corrected: any::<u64>(), volatile_uncorrected: any::<u64>(),
    aggregate_corrected: any::<u64>(), aggregate_uncorrected: any::<u64>(),
    retired_single_bit: any::<u32>(), retired_double_bit: any::<u32>(),
    retirement_pending: any::<bool>(), remapped_correctable: any::<u32>(),
    remapped_uncorrectable: any::<u32>(), remap_pending: any::<bool>(),
    remap_failure: any::<bool>(),
} }
group! { nvlink -> NvLink {
    links: 0_u32..19, active: 0_u32..19, crc_errors: any::<u64>(), replay_errors: any::<u64>(),
    recovery_errors: any::<u64>(),
} }
group! { power_limits -> PowerLimits {
    default: milliwatts(), min: milliwatts(), max: milliwatts(),
} }
group! { identity -> Identity {
    serial: "[0-9]{1,13}", vbios: "[0-9A-F.]{1,14}", pci_bus_id: "[0-9A-F:.]{1,16}",
    numa_node: 0_u32..8,
} }
group! { settings -> Settings {
    persistence: any::<bool>(), compute_mode: proptest::sample::select(&ComputeMode::ALL[..]),
} }

group! { activity -> Activity {
    sm_active: percent(), sm_occupancy: percent(), tensor: percent(), memory_bandwidth: percent(),
} }
group! { traffic -> Traffic { pcie_receive: rate(), pcie_transmit: rate(), } }
group! { host -> Host {
    cpu: percent(), cpus: 1_u32..512, load: (0_u32..100_000).prop_map(LoadAverage),
    memory_total: bytes(), memory_available: bytes(), disks: disks(), network_receive: rate(),
    network_transmit: rate(), uptime: (0_u64..10_000_000).prop_map(Duration::from_millis),
    reboot_required: any::<bool>(), kernel: "[0-9.a-z-]{1,20}",
} }

/// All groups, each made up by itself.
pub(crate) fn parts() -> BoxedStrategy<Parts> {
    let first = (clocks(), video(), thermal(), memory(), pcie());
    let second = (ecc(), nvlink(), power_limits(), identity(), settings());
    let third = (activity(), traffic());
    (first, second, third)
        .prop_map(|(first, second, third)| {
            let (clocks, video, thermal, memory, pcie) = first;
            let (ecc, nvlink, power_limits, identity, settings) = second;
            let (activity, traffic) = third;
            Parts {
                clocks,
                video,
                thermal,
                memory,
                pcie,
                ecc,
                nvlink,
                power_limits,
                identity,
                settings,
                activity,
                traffic,
            }
        })
        .boxed()
}

type Hot = (Reading<PState>, Reading<MilliJoules>, Reading<MemoryKind>);

/// What is in no group.
pub(crate) fn hot() -> BoxedStrategy<Hot> {
    let kind = prop_oneof![Just(MemoryKind::Dedicated), Just(MemoryKind::Unified)];
    (
        reading((0_u8..16).prop_map(PState)),
        reading(any::<u64>().prop_map(MilliJoules)),
        reading(kind),
    )
        .boxed()
}
