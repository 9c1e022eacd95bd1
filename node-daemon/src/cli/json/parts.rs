//! The groups of a device's readings as JSON objects.

use gputop_model::{
    Activity, Clocks, Ecc, Host, Identity, MemoryDetail, NvLink, Pcie, PowerLimits, Settings,
    Thermal, Traffic, Video,
};
use serde_json::{Value, json};

use super::{Fields, millis};

/// `function(group)`: an object with a field for each reading, named as in telemetry.proto.
macro_rules! group {
    ($function:ident($name:ident) { $( $field:ident => $key:literal, $to:expr; )+ }) => {
        pub(super) fn $function(group: &$name) -> Value {
            let mut fields = Fields::default();
            $( fields.put($key, &group.$field, $to); )+
            fields.done()
        }
    };
}

group! { clocks(Clocks) {
    sm => "sm_mhz", |v| v.0.into();
    memory => "memory_mhz", |v| v.0.into();
    sm_max => "sm_max_mhz", |v| v.0.into();
    memory_max => "memory_max_mhz", |v| v.0.into();
} }

group! { video(Video) {
    encoder => "encoder_percent", |v| v.0.into();
    decoder => "decoder_percent", |v| v.0.into();
} }

group! { thermal(Thermal) {
    memory => "memory_celsius", |v| v.0.into();
    fan => "fan_percent", |v| v.0.into();
    max_operating => "max_operating_celsius", |v| v.0.into();
    slowdown => "slowdown_celsius", |v| v.0.into();
    shutdown => "shutdown_celsius", |v| v.0.into();
    memory_max => "memory_max_celsius", |v| v.0.into();
} }

group! { memory(MemoryDetail) {
    reserved => "reserved_bytes", |v| v.0.into();
    bar1_used => "bar1_used_bytes", |v| v.0.into();
    bar1_total => "bar1_total_bytes", |v| v.0.into();
} }

group! { pcie(Pcie) {
    generation => "generation", |v| (*v).into();
    width => "width", |v| (*v).into();
    generation_max => "generation_max", |v| (*v).into();
    width_max => "width_max", |v| (*v).into();
    replays => "replays", |v| (*v).into();
} }

group! { ecc(Ecc) {
    enabled => "enabled", |v| (*v).into();
    volatile_corrected => "volatile_corrected", |v| (*v).into();
    volatile_uncorrected => "volatile_uncorrected", |v| (*v).into();
    aggregate_corrected => "aggregate_corrected", |v| (*v).into();
    aggregate_uncorrected => "aggregate_uncorrected", |v| (*v).into();
    retired_single_bit => "retired_single_bit", |v| (*v).into();
    retired_double_bit => "retired_double_bit", |v| (*v).into();
    retirement_pending => "retirement_pending", |v| (*v).into();
    remapped_correctable => "remapped_correctable", |v| (*v).into();
    remapped_uncorrectable => "remapped_uncorrectable", |v| (*v).into();
    remap_pending => "remap_pending", |v| (*v).into();
    remap_failure => "remap_failure", |v| (*v).into();
} }

group! { nvlink(NvLink) {
    links => "links", |v| (*v).into();
    active => "active", |v| (*v).into();
    crc_errors => "crc_errors", |v| (*v).into();
    replay_errors => "replay_errors", |v| (*v).into();
    recovery_errors => "recovery_errors", |v| (*v).into();
} }

group! { power_limits(PowerLimits) {
    default => "default_mw", |v| v.0.into();
    min => "min_mw", |v| v.0.into();
    max => "max_mw", |v| v.0.into();
} }

group! { identity(Identity) {
    serial => "serial", |v| v.as_str().into();
    vbios => "vbios", |v| v.as_str().into();
    pci_bus_id => "pci_bus_id", |v| v.as_str().into();
    numa_node => "numa_node", |v| (*v).into();
} }

group! { settings(Settings) {
    persistence => "persistence", |v| (*v).into();
    compute_mode => "compute_mode", |v| v.name().into();
} }

group! { activity(Activity) {
    sm_active => "sm_active_percent", |v| v.0.into();
    sm_occupancy => "sm_occupancy_percent", |v| v.0.into();
    tensor => "tensor_percent", |v| v.0.into();
    memory_bandwidth => "memory_bandwidth_percent", |v| v.0.into();
} }

group! { traffic(Traffic) {
    pcie_receive => "pcie_receive_bytes_per_second", |v| v.0.into();
    pcie_transmit => "pcie_transmit_bytes_per_second", |v| v.0.into();
} }

group! { host(Host) {
    cpu => "cpu_percent", |v| v.0.into();
    cpus => "cpus", |v| (*v).into();
    load => "load_hundredths", |v| v.0.into();
    memory_total => "memory_total_bytes", |v| v.0.into();
    memory_available => "memory_available_bytes", |v| v.0.into();
    disks => "disks", |list| list.iter().map(|disk| json!({
        "mount": disk.mount,
        "total_bytes": disk.total.0,
        "available_bytes": disk.available.0,
    })).collect();
    network_receive => "network_receive_bytes_per_second", |v| v.0.into();
    network_transmit => "network_transmit_bytes_per_second", |v| v.0.into();
    uptime => "uptime_ms", |v| millis(*v);
    reboot_required => "reboot_required", |v| (*v).into();
    kernel => "kernel", |v| v.as_str().into();
} }
