//! The words of gputop-k3s: readings, units, ids, devices, processes, nodes and pods.
//!
//! Pure data and arithmetic. Nothing in here does I/O, reads a clock or knows a wire format.

mod device;
mod ids;
mod node;
mod pod;
mod process;
mod reading;
mod snapshot;
mod text;
mod time;
mod units;

pub use device::{Device, DeviceKind, Health, ThrottleReason};
pub use ids::{DeviceId, GpuUuid, NodeName, PodKey, PodUid};
pub use node::{NodeInfo, Readiness, ResourceCounts, Taint};
pub use pod::{ContainerInfo, DeviceHealth, Phase, PodDevice, PodInfo, Workload};
pub use process::{GpuProcess, Holder, OutsideKind, ProcessKind};
pub use reading::{Failure, Reading};
pub use snapshot::{Allocation, DriverState, NodeSnapshot};
pub use text::printable;
pub use time::{Clock, Moment};
pub use units::{Bytes, Celsius, MilliWatts, Percent};

/// Prefix of every extended resource that the scheduler counts as GPU units.
pub const GPU_RESOURCE_PREFIX: &str = "nvidia.com/";

/// Whether `resource` is counted in GPU units: everything under `nvidia.com/`
/// (whole GPUs, `gpu.shared`, MIG profiles such as `mig-1g.10gb`).
#[must_use]
pub fn is_gpu_resource(resource: &str) -> bool {
    resource.starts_with(GPU_RESOURCE_PREFIX)
}
