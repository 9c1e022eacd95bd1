//! The four tables.

/// One of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum View {
    /// The machines.
    #[default]
    Nodes,
    /// Devices: physical GPUs and MIG instances.
    Gpus,
    /// Pods that concern GPUs, or all.
    Pods,
    /// Processes on devices.
    Processes,
}

impl View {
    /// In the order of the tabs.
    pub const ALL: [Self; 4] = [Self::Nodes, Self::Gpus, Self::Pods, Self::Processes];

    /// The word on the tab.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Nodes => "Nodes",
            Self::Gpus => "GPUs",
            Self::Pods => "Pods",
            Self::Processes => "Processes",
        }
    }

    /// Position among the tabs, from 0.
    #[must_use]
    pub const fn position(self) -> usize {
        match self {
            Self::Nodes => 0,
            Self::Gpus => 1,
            Self::Pods => 2,
            Self::Processes => 3,
        }
    }
}
