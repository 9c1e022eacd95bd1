//! The wire format between the daemon and its clients, and its conversions to and from
//! [`gputop_model`].
//!
//! The generated types in [`pb`] are for the ends of a connection only; everything else works
//! with the model. Conversions from the wire never panic and name the field that was wrong.

mod convert;
mod delta;

pub use convert::WireError;
pub use convert::history::{past_from_wire, past_to_wire};
pub use delta::{apply, apply_step, delta, step};

/// Generated from `proto/telemetry.proto`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated code"
)]
pub mod pb {
    tonic::include_proto!("gputop.v1");

    /// The compiled file descriptor set, for gRPC reflection.
    pub const FILE_DESCRIPTOR_SET: &[u8] =
        include_bytes!(concat!(env!("OUT_DIR"), "/telemetry.bin"));
}

/// Generated from `proto/podresources.proto`: the kubelet's own service.
#[cfg(feature = "pod-resources")]
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated code"
)]
pub mod pod_resources {
    tonic::include_proto!("v1");
}
