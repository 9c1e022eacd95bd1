//! Cards of the mock library.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::WrapErr as _;
use gputop_nvml_mock::scenario::{Process, Rule, Scenario};
use tempfile::TempDir;

/// Cards of the measured node.
pub(super) const GPUS: usize = 8;

/// Processes on each.
pub(super) const PROCESSES: usize = 8;

/// How the names of the mock's cards begin: who shows it has seen them.
pub(super) const PRODUCT: &str = "NVIDIA H100";

/// What a call takes, in microseconds.
pub(super) const CALL_US: u64 = 5;

/// A folder with the library and its scenario.
pub(super) struct Machine {
    folder: TempDir,
    gpus: usize,
    pids: Vec<u32>,
}

impl Machine {
    pub(super) fn new(library: &Path, gpus: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let machine = Self {
            folder,
            gpus,
            pids: pids()?,
        };
        std::fs::copy(library, machine.library())
            .wrap_err_with(|| format!("can not copy {}", library.display()))?;
        machine.change(0)?;
        Ok(machine)
    }

    /// A folder for `PATH` with what other tools look for cards with: a `nvidia-smi` that lists them
    /// and does nothing else. Some open the library by the name that it has for developers.
    pub(super) fn for_others(&self) -> Result<PathBuf> {
        let folder = self.folder.path().join("bin");
        std::fs::create_dir(&folder)?;
        let mut script = String::from("#!/bin/sh\n");
        for index in 0..self.gpus {
            let _ = writeln!(script, "echo 'GPU {index}: {PRODUCT} 80GB HBM3'");
        }
        let smi = folder.join("nvidia-smi");
        std::fs::write(&smi, script)?;
        std::fs::set_permissions(&smi, Permissions::from_mode(0o755))?;
        symlink(self.library(), self.folder.path().join("libnvidia-ml.so"))?;
        Ok(folder)
    }

    pub(super) fn library(&self) -> PathBuf {
        self.folder.path().join("libnvidia-ml.so.1")
    }

    /// What a program needs to find the library.
    pub(super) fn env(&self) -> [(&'static str, PathBuf); 2] {
        [
            ("LD_LIBRARY_PATH", self.folder.path().to_owned()),
            ("GPUTOP_MOCK_NVML", self.folder.path().join("scenario.toml")),
        ]
    }

    pub(super) fn home(&self) -> &Path {
        self.folder.path()
    }

    /// The cards in that second: every reading that moves on a busy card has moved.
    pub(super) fn change(&self, second: u64) -> Result<()> {
        let moved = |from: u64, by: u64| u32::try_from(from + (second * 7) % by).unwrap_or(0);
        let mut scenario = Scenario::with_gpus(self.gpus);
        let rule = Rule {
            busy_us: Some(CALL_US),
            ..Rule::default()
        };
        scenario.calls.insert("*".to_owned(), rule);
        let mut pids = self.pids.iter().cycle();
        for gpu in &mut scenario.gpus {
            gpu.utilization = moved(40, 60);
            gpu.memory_utilization = moved(20, 50);
            gpu.memory_used_mib = u64::from(moved(40_000, 999));
            gpu.temperature = moved(50, 30);
            gpu.memory_temperature = moved(60, 30);
            gpu.power_mw = moved(300_000, 99_991);
            gpu.sm_mhz = moved(1_500, 400);
            gpu.energy_mj = 1_000_000 + second * 300_000;
            gpu.pcie_kb_s = (moved(1_000_000, 99_991), moved(500_000, 99_991));
            for pid in pids.by_ref().take(PROCESSES) {
                let mut process = Process::compute(*pid);
                process.memory_mib = Some(u64::from(moved(4_000, 499)));
                process.sm = Some(moved(5, 7));
                process.memory = moved(2, 5);
                gpu.processes.push(process);
            }
        }
        let text = scenario.to_toml()?;
        // Whole or not at all.
        let (new, file) = ("scenario.new", "scenario.toml");
        std::fs::write(self.folder.path().join(new), text)?;
        std::fs::rename(self.folder.path().join(new), self.folder.path().join(file))?;
        Ok(())
    }
}

/// Processes that there are, so that what holds them is looked up as on any node.
fn pids() -> Result<Vec<u32>> {
    let mut pids = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        if let Some(pid) = entry?
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        {
            pids.push(pid);
        }
    }
    pids.truncate(GPUS * PROCESSES);
    Ok(pids)
}
