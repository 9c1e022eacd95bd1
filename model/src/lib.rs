//! The words of gputop-k3s: readings, units, ids, devices, processes, nodes and pods.
//!
//! Pure data and arithmetic. Nothing in here does I/O, reads a clock or knows a wire format.

mod device;
mod event;
mod group;
mod history;
mod host;
mod ids;
mod labels;
mod node;
mod pod;
mod process;
mod reading;
mod resource;
mod secrets;
mod snapshot;
mod text;
mod time;
mod units;
mod xid;

pub use device::{
    Activity, Clocks, ComputeMode, Device, DeviceKind, Ecc, Health, Identity, MemoryDetail,
    MemoryKind, NvLink, PState, Pcie, PcieDegraded, PowerLimits, Settings, Thermal, ThrottleReason,
    Traffic, Video,
};
pub use event::{DeviceEvent, EventKind, EventSeverity};
pub use history::{DevicePast, PackedSample, PastQuery, PastStep, Ring, Sample};
pub use host::{Disk, Host, Limitation};
pub use ids::{DeviceId, GpuUuid, NodeName, PodKey, PodUid};
pub use labels::Labels;
pub use node::{EXPECTED_AWAY, NodeCondition, NodeInfo, Readiness, ResourceCounts, Taint};
pub use pod::{
    ContainerInfo, ContainerRole, ContainerState, DeviceHealth, Phase, PodDevice, PodInfo, Workload,
};
pub use process::{GpuProcess, Holder, OutsideKind, ProcessKind};
pub use reading::{Failure, Reading};
pub use resource::{GPU_RESOURCE_PREFIX, is_gpu_resource, is_other_accelerator, whole_quantity};
pub use secrets::{MASK, mask, mask_tokens};
pub use snapshot::{Allocation, DriverState, NodeSnapshot, Protocol};
pub use text::{printable, short_product};
pub use time::{Clock, Moment};
pub use units::{
    Bytes, BytesPerSecond, Celsius, LoadAverage, MegaHertz, MilliJoules, MilliWatts, Percent,
};
pub use xid::{Xid, xid};
