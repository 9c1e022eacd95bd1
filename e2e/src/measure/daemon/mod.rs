//! What the daemon takes on a node: memory, processor and line, on cards of the mock library.

mod client;
mod hour;
mod machine;
mod others;
mod tier;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, WrapErr as _};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::process::{Usage, running};
use super::table::Row;
use client::Watching;
use machine::Machine;

/// What the mock has.
const MOCKED: Option<(usize, usize)> = Some((machine::GPUS, machine::GPUS * machine::PROCESSES));

/// How the names of the daemon's threads begin that call the driver.
const DRIVER: &str = "nvml-";

/// First frames of which the median is told.
const FIRSTS: usize = 9;

/// Time between two clients that come to a node that nobody looks at.
const ALONE: Duration = Duration::from_millis(1_700);

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Daemon {
    /// `gputop-node`.
    pub program: PathBuf,
    /// The mock of `libnvidia-ml.so.1`.
    pub library: PathBuf,
    /// How long each part with a client takes.
    pub time: Duration,
}

/// Measures everything; `progress` is told each step.
///
/// # Errors
/// When the daemon does not start, or does not serve the mock's cards.
pub fn measure_daemon(subject: &Daemon, progress: &mut dyn FnMut(&str)) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    progress("an hour of a simulated node");
    rows.extend(hour::measure()?);
    progress("the fast tier");
    rows.extend(tier::measure(subject)?);

    let machine = Machine::new(&subject.library, machine::GPUS)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let daemon = Running::start(subject, &machine)?;
    progress("first frames");
    let mut firsts = Vec::new();
    for _ in 0..FIRSTS {
        let watching = runtime.block_on(async {
            sleep(ALONE).await;
            Watching::open(daemon.address, MOCKED).await
        })?;
        // It goes before the next one comes.
        firsts.push(watching.first);
    }
    rows.push(Row::time(
        "first frame to a new client",
        super::median(firsts),
    ));

    progress("one client, cards that do not change");
    let calm = daemon.watched(&runtime, subject.time, None)?;
    rows.push(Row::share("CPU, of one core", calm.cpu));
    rows.push(Row::share("of it in threads that call NVML", calm.driver));
    rows.push(Row::bytes("RSS", calm.resident));
    rows.push(Row::rate(
        "on the wire, nothing changes",
        calm.bytes_a_second,
    ));
    progress("one client, every reading changes each second");
    let busy = daemon.watched(&runtime, subject.time, Some(&machine))?;
    rows.push(Row::rate("on the wire, all changes", busy.bytes_a_second));
    rows.push(Row::bytes("RSS after that", busy.resident));
    drop(daemon);
    rows.extend(others::measure(&machine, subject.time, progress)?);
    Ok(rows)
}

/// Watches the daemon at `address`, the process `pid`, whatever its cards are.
///
/// # Errors
/// When it does not answer, or ends.
pub fn watch_daemon(address: SocketAddr, pid: u32, time: Duration) -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut watching = Watching::open(address, None).await?;
        watching.watch(Duration::from_secs(5), None).await?;
        let before = Usage::of(pid)?;
        let bytes = watching.watch(time, None).await?;
        let after = Usage::of(pid)?;
        Ok(vec![
            Row::time("first frame to a new client", watching.first),
            Row::share("CPU, of one core", after.cpu_since(&before, time)),
            Row::bytes("RSS", after.resident),
            Row::rate("on the wire", bytes as f64 / time.as_secs_f64()),
        ])
    })
}

/// A daemon that serves; ended when dropped.
struct Running {
    child: Child,
    address: SocketAddr,
}

/// What one client's visit took.
struct Visit {
    cpu: f64,
    /// Part of `cpu` in threads that call the driver.
    driver: f64,
    resident: u64,
    bytes_a_second: f64,
}

impl Running {
    fn start(subject: &Daemon, machine: &Machine) -> Result<Self> {
        let mut command = xtask::process::command(&subject.program);
        command
            .args(["serve", "--pod-resources", "none", "--trust-pids"])
            .args(["--node", "measured", "--listen", "127.0.0.1:0"])
            .envs(machine.env())
            .stderr(Stdio::piped());
        let child = command.spawn().wrap_err("the daemon can not be started")?;
        let mut running = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let said = running.child.stderr.take().ok_or_eyre("no stderr")?;
        let mut lines = BufReader::new(said).lines().map_while(Result::ok);
        let address = lines.find_map(|line| {
            let (_, rest) = line.split_once("address=")?;
            rest.split(' ').next()?.parse().ok()
        });
        running.address = address.ok_or_eyre("the daemon ended without serving")?;
        // Read on, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(running)
    }

    /// One client for so long; `machine` changes each second.
    fn watched(
        &self,
        runtime: &Runtime,
        time: Duration,
        machine: Option<&Machine>,
    ) -> Result<Visit> {
        runtime.block_on(async {
            let mut watching = Watching::open(self.address, MOCKED).await?;
            // The first answers, and the inventory that is asked for them.
            watching.watch(Duration::from_secs(5), machine).await?;
            let id = self.child.id();
            let (before, driver) = (Usage::of(id)?, running(id, DRIVER)?);
            let bytes = watching.watch(time, machine).await?;
            let after = Usage::of(id)?;
            let driver = running(id, DRIVER)?.saturating_sub(driver);
            Ok(Visit {
                cpu: after.cpu_since(&before, time),
                driver: driver.as_secs_f64() / time.as_secs_f64(),
                resident: after.resident,
                bytes_a_second: bytes as f64 / time.as_secs_f64(),
            })
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
