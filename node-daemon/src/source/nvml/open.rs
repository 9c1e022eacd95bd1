//! Opens NVML and starts a worker a GPU.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use gputop_model::DriverState;
use nvml_wrapper::Nvml;

use super::ask::driver_state;
use super::card::CardReader;
use super::late::{Late, Post, Posts};
use super::listen::Listener;
use super::worker::Worker;

/// NVML, open, with its workers in the order of its GPUs.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) version: String,
    pub(super) cuda: Option<String>,
    pub(super) workers: Vec<Worker>,
    /// Hears what the driver reports; `None`: nothing can be heard.
    pub(super) listener: Option<Late<Listener>>,
}

/// Opens NVML, the `library` of that name or the driver's own. May take seconds (persistence mode
/// off) or hang: for a thread of its own. `posts` are those of all openings of this process.
pub(super) fn open(library: Option<&Path>, posts: &Posts) -> Result<Opened, DriverState> {
    let nvml = match library {
        Some(library) => Nvml::builder().lib_path(library.as_os_str()).init(),
        None => Nvml::init(),
    };
    let nvml = nvml.map_err(|error| driver_state(&error))?;
    let version = nvml
        .sys_driver_version()
        .map_err(|error| driver_state(&error))?;
    let cuda = nvml.sys_cuda_driver_version().ok().map(cuda_version);
    let count = nvml.device_count().map_err(|error| driver_state(&error))?;
    if count == 0 {
        return Err(DriverState::NoGpu { version });
    }
    let nvml = Arc::new(nvml);
    let changed: Vec<Arc<AtomicBool>> = (0..count).map(|_| Arc::default()).collect();
    let workers = (0..)
        .zip(&changed)
        .map(|(index, changed)| {
            let (nvml, changed) = (Arc::clone(&nvml), Arc::clone(changed));
            Worker::start(index, posts, move |questions| {
                questions.answer(&mut CardReader::new(&nvml, index, changed));
            })
        })
        .collect::<Result<_, _>>()
        .map_err(|error| DriverState::Failed {
            why: format!("no thread could be started for a GPU: {error}"),
        })?;
    let listener = Late::new(posts, Post::Events, |taken| {
        Listener::start(nvml, changed, taken)
    });
    if let Err(error) = &listener {
        tracing::warn!(%error, "no thread for the driver's events; Xid errors are not seen");
    }
    Ok(Opened {
        version,
        cuda,
        workers,
        listener: listener.ok(),
    })
}

/// CUDA version from NVML's number: 1000 × major + 10 × minor.
fn cuda_version(number: i32) -> String {
    let major = nvml_wrapper::cuda_driver_version_major(number);
    let minor = nvml_wrapper::cuda_driver_version_minor(number);
    format!("{major}.{minor}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuda_versions_are_read() {
        assert_eq!(cuda_version(13_000), "13.0");
        assert_eq!(cuda_version(12_040), "12.4");
    }
}
