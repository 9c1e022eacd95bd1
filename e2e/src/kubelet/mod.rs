//! A kubelet's device manager for nodes that have no kubelet: gives devices to the containers of
//! bound pods and answers the PodResources API, so that a real daemon can ask.

mod devices;
mod service;

pub use devices::{Container, DeviceManager, Given, Pod};
pub use service::serve;
