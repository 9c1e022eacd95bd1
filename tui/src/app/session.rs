//! What is known before anything is shown.

use gputop_fleet::state::Settings;

/// What is known before anything is shown, and does not change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each has nothing to do with the others"
)]
pub struct Session {
    /// Name of the kubeconfig context, or `demo`.
    pub context: String,
    /// Version of the API server.
    pub server_version: String,
    /// Default namespace, as kubectl's.
    pub namespace: String,
    /// Show only the pods and processes of this namespace at first (`-n`).
    pub only_namespace: Option<String>,
    /// Seed of the simulated cluster; `None`: the cluster is real.
    pub seed: Option<u64>,
    /// The nodes' daemons are asked.
    pub agents: bool,
    /// What is measured is drawn rarely, so that little moves by itself.
    pub reduced_motion: bool,
    /// The daemons are to report rarely.
    pub calm: bool,
    /// The mouse is used.
    pub mouse: bool,
    /// Contexts of the kubeconfig.
    pub contexts: Vec<String>,
    /// Nothing outside this program is changed.
    pub read_only: bool,
    /// What is shown is a recording.
    pub replay: bool,
    /// A recording is being made, of this name.
    pub recording: Option<String>,
    /// When something counts as idle or stale.
    pub settings: Settings,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            context: String::new(),
            server_version: String::new(),
            namespace: "default".to_owned(),
            only_namespace: None,
            seed: None,
            agents: true,
            reduced_motion: false,
            calm: false,
            mouse: true,
            contexts: Vec::new(),
            read_only: false,
            replay: false,
            recording: None,
            settings: Settings::default(),
        }
    }
}
