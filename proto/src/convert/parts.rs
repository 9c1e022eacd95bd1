//! The groups of readings: of a device, and of the machine around it.

use std::time::Duration;

use gputop_model::{
    Activity, Bytes, BytesPerSecond, Celsius, Clocks, ComputeMode, Disk, Ecc, Host, Identity,
    LoadAverage, MegaHertz, MemoryDetail, MilliWatts, NvLink, Pcie, PowerLimits, Reading, Settings,
    Thermal, Traffic, Video, printable,
};

use super::device::percent;
use super::reading::{Before, Group, Reader, Writer, checked, millis};
use crate::pb;

/// Both directions of a group: `field => wire field, to the wire, from the wire;`.
macro_rules! group {
    ($name:ident { $( $field:ident => $wire:ident, $to:expr, $from:expr; )+ }) => {
        impl Group for $name {
            type Wire = pb::$name;

            fn write(&self, before: Before<'_, Self>) -> pb::$name {
                let mut out = Writer::new(self, before);
                pb::$name {
                    $( $wire: out.put(stringify!($wire), |group| &group.$field, $to), )+
                    not_fresh: out.into_reasons(),
                }
            }

            fn read(wire: pb::$name, before: Before<'_, Self>) -> Self {
                let said = Reader::new(&wire.not_fresh, before);
                Self {
                    $( $field: said.take(stringify!($wire), wire.$wire, |group| &group.$field, $from), )+
                }
            }
        }
    };
}

group! { Clocks {
    sm => sm_mhz, |v| v.0, mhz;
    memory => memory_mhz, |v| v.0, mhz;
    sm_max => sm_max_mhz, |v| v.0, mhz;
    memory_max => memory_max_mhz, |v| v.0, mhz;
} }

group! { Video {
    encoder => encoder_percent, |v| v.0.into(), percent;
    decoder => decoder_percent, |v| v.0.into(), percent;
} }

group! { Thermal {
    memory => memory_celsius, |v| v.0, celsius;
    fan => fan_percent, |v| v.0.into(), percent;
    max_operating => max_operating_celsius, |v| v.0, celsius;
    slowdown => slowdown_celsius, |v| v.0, celsius;
    shutdown => shutdown_celsius, |v| v.0, celsius;
    memory_max => memory_max_celsius, |v| v.0, celsius;
} }

group! { MemoryDetail {
    reserved => reserved_bytes, |v| v.0, bytes;
    bar1_used => bar1_used_bytes, |v| v.0, bytes;
    bar1_total => bar1_total_bytes, |v| v.0, bytes;
} }

group! { Pcie {
    generation => generation, |v| *v, same;
    width => width, |v| *v, same;
    generation_max => generation_max, |v| *v, same;
    width_max => width_max, |v| *v, same;
    replays => replays, |v| *v, same;
} }

group! { Ecc {
    enabled => enabled, |v| *v, same;
    volatile_corrected => volatile_corrected, |v| *v, same;
    volatile_uncorrected => volatile_uncorrected, |v| *v, same;
    aggregate_corrected => aggregate_corrected, |v| *v, same;
    aggregate_uncorrected => aggregate_uncorrected, |v| *v, same;
    retired_single_bit => retired_single_bit, |v| *v, same;
    retired_double_bit => retired_double_bit, |v| *v, same;
    retirement_pending => retirement_pending, |v| *v, same;
    remapped_correctable => remapped_correctable, |v| *v, same;
    remapped_uncorrectable => remapped_uncorrectable, |v| *v, same;
    remap_pending => remap_pending, |v| *v, same;
    remap_failure => remap_failure, |v| *v, same;
} }

group! { NvLink {
    links => links, |v| *v, same;
    active => active, |v| *v, same;
    crc_errors => crc_errors, |v| *v, same;
    replay_errors => replay_errors, |v| *v, same;
    recovery_errors => recovery_errors, |v| *v, same;
} }

group! { PowerLimits {
    default => default_mw, |v| v.0, milliwatts;
    min => min_mw, |v| v.0, milliwatts;
    max => max_mw, |v| v.0, milliwatts;
} }

group! { Identity {
    serial => serial, Clone::clone, text;
    vbios => vbios, Clone::clone, text;
    pci_bus_id => pci_bus_id, Clone::clone, text;
    numa_node => numa_node, |v| *v, same;
} }

group! { Settings {
    persistence => persistence, |v| *v, same;
    compute_mode => compute_mode, |v| v.name().to_owned(), compute_mode;
} }

group! { Activity {
    sm_active => sm_active_percent, |v| v.0.into(), percent;
    sm_occupancy => sm_occupancy_percent, |v| v.0.into(), percent;
    tensor => tensor_percent, |v| v.0.into(), percent;
    memory_bandwidth => memory_bandwidth_percent, |v| v.0.into(), percent;
} }

group! { Traffic {
    pcie_receive => pcie_receive_bytes_per_second, |v| v.0, rate;
    pcie_transmit => pcie_transmit_bytes_per_second, |v| v.0, rate;
} }

group! { Host {
    cpu => cpu_percent, |v| v.0.into(), percent;
    cpus => cpus, |v| *v, same;
    load => load_hundredths, |v| v.0, load;
    memory_total => memory_total_bytes, |v| v.0, bytes;
    memory_available => memory_available_bytes, |v| v.0, bytes;
    disks => disks, |v| disks_to_wire(v), disks;
    network_receive => network_receive_bytes_per_second, |v| v.0, rate;
    network_transmit => network_transmit_bytes_per_second, |v| v.0, rate;
    uptime => uptime_ms, |v| millis(*v), time;
    reboot_required => reboot_required, |v| *v, same;
    kernel => kernel, Clone::clone, text;
} }

fn rate(reading: Reading<u64>) -> Reading<BytesPerSecond> {
    reading.map(BytesPerSecond)
}

fn load(reading: Reading<u32>) -> Reading<LoadAverage> {
    reading.map(LoadAverage)
}

fn time(reading: Reading<u64>) -> Reading<Duration> {
    reading.map(Duration::from_millis)
}

fn disks_to_wire(disks: &[Disk]) -> pb::Disks {
    let wire = |disk: &Disk| pb::Disk {
        mount: disk.mount.clone(),
        total_bytes: disk.total.0,
        available_bytes: disk.available.0,
    };
    pb::Disks {
        items: disks.iter().map(wire).collect(),
    }
}

fn disks(reading: Reading<pb::Disks>) -> Reading<Vec<Disk>> {
    let disk = |wire: pb::Disk| Disk {
        mount: printable(wire.mount),
        total: Bytes(wire.total_bytes),
        available: Bytes(wire.available_bytes),
    };
    reading.map(|disks| disks.items.into_iter().map(disk).collect())
}

fn same<T>(reading: Reading<T>) -> Reading<T> {
    reading
}

fn mhz(reading: Reading<u32>) -> Reading<MegaHertz> {
    reading.map(MegaHertz)
}

fn celsius(reading: Reading<i32>) -> Reading<Celsius> {
    reading.map(Celsius)
}

fn bytes(reading: Reading<u64>) -> Reading<Bytes> {
    reading.map(Bytes)
}

fn milliwatts(reading: Reading<u32>) -> Reading<MilliWatts> {
    reading.map(MilliWatts)
}

fn text(reading: Reading<String>) -> Reading<String> {
    reading.map(printable)
}

fn compute_mode(reading: Reading<String>) -> Reading<ComputeMode> {
    checked(reading, |name| ComputeMode::from_name(name))
}
