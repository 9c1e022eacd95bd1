//! A process that has a context on a device, and what holds it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Bytes, GpuUuid, Percent, PodUid, Reading};

/// One process on one device. Keyed by (`pid`, `start_ticks`, `device`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuProcess {
    /// Process id in the host's PID namespace.
    pub pid: u32,
    /// Start time in clock ticks since boot (field 22 of `/proc/PID/stat`), to tell a recycled
    /// pid apart; `None` when it could not be read.
    pub start_ticks: Option<u64>,
    /// The device: a GPU, or a MIG instance where NVML tells.
    pub device: GpuUuid,
    /// Compute, graphics or both.
    pub kind: ProcessKind,
    /// Name of the executable (`comm`), never its arguments.
    pub name: String,
    /// Command line with its arguments, what looks like a secret masked. Missing unless the daemon
    /// was told to report it.
    #[serde(default)]
    pub command: Reading<String>,
    /// Login name, or the numeric id where the name can not be looked up.
    pub user: Reading<String>,
    /// Device memory that the process holds.
    pub memory_used: Reading<Bytes>,
    /// Share of the last sample period in which its kernels ran.
    pub sm: Reading<Percent>,
    /// Share of the last sample period in which it read or wrote device memory.
    #[serde(default)]
    pub memory_busy: Reading<Percent>,
    /// Share of the last sample period in which it used the video encoder.
    #[serde(default)]
    pub encoder: Reading<Percent>,
    /// Share of the last sample period in which it used the video decoder.
    #[serde(default)]
    pub decoder: Reading<Percent>,
    /// How long the process has run no kernel, counted by the daemon; zero while it does.
    pub idle_for: Reading<Duration>,
    /// What holds the process.
    pub holder: Holder,
}

impl GpuProcess {
    /// A process of which nothing but its place is known.
    #[must_use]
    pub fn unmeasured(pid: u32, device: GpuUuid, kind: ProcessKind) -> Self {
        Self {
            pid,
            start_ticks: None,
            device,
            kind,
            name: String::new(),
            command: Reading::default(),
            user: Reading::default(),
            memory_used: Reading::default(),
            sm: Reading::default(),
            memory_busy: Reading::default(),
            encoder: Reading::default(),
            decoder: Reading::default(),
            idle_for: Reading::default(),
            holder: Holder::Unknown,
        }
    }

    /// Whether both say the same, apart from how old it is.
    #[must_use]
    pub fn same_but_for_ages(&self, other: &Self) -> bool {
        // A new field must be thought of here.
        let Self {
            pid,
            start_ticks,
            device,
            kind,
            name,
            command,
            user,
            memory_used,
            sm,
            memory_busy,
            encoder,
            decoder,
            idle_for,
            holder,
        } = self;
        *pid == other.pid
            && *start_ticks == other.start_ticks
            && *device == other.device
            && *kind == other.kind
            && *name == other.name
            && *command == other.command
            && *user == other.user
            && memory_used.same_but_for_age(&other.memory_used)
            && sm.same_but_for_age(&other.sm)
            && memory_busy.same_but_for_age(&other.memory_busy)
            && encoder.same_but_for_age(&other.encoder)
            && decoder.same_but_for_age(&other.decoder)
            && idle_for.same_idle(&other.idle_for)
            && *holder == other.holder
    }
}

/// What a process does on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ProcessKind {
    /// CUDA or OpenCL.
    Compute,
    /// OpenGL or Vulkan.
    Graphics,
    /// Both lists of NVML name it.
    ComputeAndGraphics,
    /// CUDA through the Multi-Process Service.
    Mps,
}

impl ProcessKind {
    /// nvidia-smi's letters: `C`, `G`, `C+G`, `M+C`.
    #[must_use]
    pub const fn letters(self) -> &'static str {
        match self {
            Self::Compute => "C",
            Self::Graphics => "G",
            Self::ComputeAndGraphics => "C+G",
            Self::Mps => "M+C",
        }
    }

    /// Stable name for JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::Graphics => "graphics",
            Self::ComputeAndGraphics => "compute_and_graphics",
            Self::Mps => "mps",
        }
    }
}

/// What a process belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holder {
    /// A container of a pod. The daemon knows the uid and container id from the cgroup; the
    /// names come from the node where it can tell, else from the API.
    Pod {
        /// `metadata.uid`.
        uid: Option<PodUid>,
        /// Container id without the runtime's prefix (64 hexadecimal digits).
        container_id: Option<String>,
        /// Namespace of the pod.
        namespace: Option<String>,
        /// Name of the pod.
        pod: Option<String>,
        /// Name of the container.
        container: Option<String>,
    },
    /// Something outside the cluster; the scheduler knows nothing of it.
    Outside {
        /// What kind of thing.
        kind: OutsideKind,
        /// Its own name: a unit, a container id, a session.
        name: String,
    },
    /// Not found out.
    Unknown,
}

/// What holds a process outside any pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OutsideKind {
    /// A graphical session.
    Desktop,
    /// A container of Docker or Podman.
    Docker,
    /// A systemd service.
    Unit,
    /// A login session (ssh, console).
    Login,
    /// None of these.
    Other,
}

impl OutsideKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Desktop,
        Self::Docker,
        Self::Unit,
        Self::Login,
        Self::Other,
    ];

    /// One word for the screen and for the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Docker => "docker",
            Self::Unit => "unit",
            Self::Login => "login",
            Self::Other => "host",
        }
    }

    /// The kind with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
