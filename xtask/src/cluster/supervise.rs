//! The supervisor: a small process that owns all others of a cluster.
//!
//! It ends them when it is told to, when the cluster's lifetime is over, and
//! when the process that made the cluster ends before it said [`Request::Detach`].
//! When the supervisor itself dies, by whatever cause, the kernel kills its
//! children: each of them asks for that before it becomes what it is to be.

use std::ffi::OsString;
use std::fs;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr as _, bail, eyre};
use rustix::process::{Signal, getppid, set_parent_process_death_signal, setsid};
use serde::{Deserialize, Serialize};

use super::children::Children;
use super::control::{self, Reply, Request};
use super::files;
use super::identity::Identity;
use crate::process;
use crate::wait::{Deadline, Stopwatch};

/// What the supervisor is told at its start, through [`order_path`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    /// After this time everything ends, in seconds.
    pub lifetime_secs: u64,
    /// The process whose end ends the cluster, until it detaches.
    pub starter: Option<Identity>,
}

/// The file with the supervisor's order.
pub(super) fn order_path(dir: &Path) -> PathBuf {
    dir.join("supervisor.json")
}

/// The arguments that make a program the supervisor of the cluster in `dir`.
/// A program other than xtask that wants to be used as supervisor must pass
/// them, and those of [`child_arguments`], to [`hidden`].
pub(super) fn arguments(dir: &Path) -> Vec<OsString> {
    vec!["cluster".into(), "supervise".into(), dir.into()]
}

/// The arguments that make the supervisor's program a child, see [`become_child`].
pub(super) fn child_arguments(parent: u32) -> Vec<OsString> {
    vec!["cluster".into(), "child".into(), parent.to_string().into()]
}

/// Runs as supervisor or as child if the arguments (without the program's
/// name) say so; returns `None` for all other arguments.
#[must_use]
pub fn hidden(arguments: &[OsString]) -> Option<Result<()>> {
    match arguments {
        [group, verb, dir] if group == "cluster" && verb == "supervise" => {
            Some(supervise(Path::new(dir)))
        }
        [group, verb, parent, program, args @ ..] if group == "cluster" && verb == "child" => {
            Some(become_child(parent, program, args))
        }
        _ => super::node::hidden(arguments),
    }
}

/// Supervises the cluster in `dir` until its end, then removes the folder if
/// nobody else is there to do it.
fn supervise(dir: &Path) -> Result<()> {
    // A session of its own: Ctrl-C in the starter's terminal is not for us.
    // It fails only for a process that leads a group already, which is as good.
    let _ = setsid();
    let order_file = order_path(dir);
    let order = fs::read_to_string(&order_file)
        .wrap_err_with(|| format!("cannot read {}", order_file.display()))?;
    let order: Order = serde_json::from_str(&order)
        .wrap_err_with(|| format!("{} is not an order", order_file.display()))?;
    let socket = control::socket(dir);
    let listener = UnixListener::bind(&socket)
        .wrap_err_with(|| format!("cannot listen on {}", socket.display()))?;

    // Children are started by this thread only: the kernel ties their end to
    // the end of the thread that started them.
    let (sender, requests) = sync_channel(1);
    std::thread::spawn(move || accept(&listener, &sender));
    let mut children = Children::new(dir);
    let told = serve(&order, &mut children, &requests);
    children.end_all();
    super::node::clear(dir)?;
    match told {
        // The one who said it waits for the answer, and removes the folder.
        Some(mut stream) => control::send(&mut stream, &Reply::Done),
        None => {
            fs::remove_dir_all(dir).wrap_err_with(|| format!("cannot remove {}", dir.display()))
        }
    }
}

fn accept(listener: &UnixListener, requests: &SyncSender<UnixStream>) {
    for stream in listener.incoming().flatten() {
        if requests.send(stream).is_err() {
            return;
        }
    }
}

/// Answers requests until the end is due. Returns the connection of the one
/// who ordered the end, if somebody did.
fn serve(
    order: &Order,
    children: &mut Children,
    requests: &Receiver<UnixStream>,
) -> Option<UnixStream> {
    const LOOK_AROUND: Duration = Duration::from_millis(250);
    let end = Deadline::after(Duration::from_secs(order.lifetime_secs));
    let mut starter = order.starter;
    loop {
        if end.passed() || starter.is_some_and(|starter| !starter.is_alive()) {
            return None;
        }
        let mut stream = match requests.recv_timeout(LOOK_AROUND.min(end.left())) {
            Ok(stream) => stream,
            Err(RecvTimeoutError::Timeout) => {
                children.reap();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return None,
        };
        // A client that connects and says nothing must not hold up the rest.
        let patience = Some(Duration::from_secs(5));
        let _ = stream.set_read_timeout(patience);
        let _ = stream.set_write_timeout(patience);
        let reply = match control::receive(&stream) {
            Ok(Request::Down) => return Some(stream),
            Ok(Request::Detach) => {
                starter = None;
                Reply::Done
            }
            Ok(request) => answer(children, request),
            Err(why) => Reply::Failed(format!("not a request: {why:#}")),
        };
        // A client that has gone away does not get its answer, that is all.
        let _ = control::send(&mut stream, &reply);
    }
}

fn answer(children: &mut Children, request: Request) -> Reply {
    let done = match request {
        Request::Start(spec) => children.start(spec),
        Request::Restart(name) => children.restart(&name),
        Request::Stop(name) => children.stop(&name),
        Request::Kill(name) => children.kill(&name),
        Request::Freeze(name) => children.signal(&name, Signal::STOP),
        Request::Thaw(name) => children.signal(&name, Signal::CONT),
        Request::List => return Reply::Processes(children.list()),
        Request::Detach | Request::Down => Ok(()),
    };
    match done {
        Ok(()) => Reply::Done,
        Err(why) => Reply::Failed(format!("{why:#}")),
    }
}

/// Asks the kernel to be killed when the supervisor ends, then becomes the
/// program. Returns only when that fails.
fn become_child(parent: &OsString, program: &OsString, args: &[OsString]) -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .wrap_err("the kernel does not tie this process to its supervisor")?;
    // If the supervisor ended before that call, nobody will send the signal.
    let now = getppid().map(|pid| pid.as_raw_nonzero().get().to_string());
    if now.as_deref().map(OsString::from).as_ref() != Some(parent) {
        bail!("the supervisor has ended");
    }
    let why = process::command(program).args(args).exec();
    Err(eyre!(why)).wrap_err_with(|| format!("cannot start {}", program.display()))
}

/// Starts the supervisor `program` for the cluster in `dir` and waits until it
/// listens. Returns which process it is.
pub(super) fn launch(program: &Path, dir: &Path, order: &Order) -> Result<Identity> {
    files::write(&order_path(dir), &serde_json::to_string(order)?)?;
    let log_path = dir.join("supervisor.log");
    let log = fs::File::create(&log_path)
        .wrap_err_with(|| format!("cannot write {}", log_path.display()))?;
    let mut child = process::command(program)
        .args(arguments(dir))
        .stdin(std::process::Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .wrap_err_with(|| format!("cannot start the supervisor {}", program.display()))?;
    let Some(identity) = Identity::of(child.id()) else {
        bail!(
            "the supervisor ended at once: {}",
            files::tail(&log_path, 10)
        );
    };
    // Somebody must take note of its end, or it stays in the process table.
    std::thread::spawn(move || child.wait());
    let waited = Stopwatch::start();
    while control::ask(dir, &Request::List).is_err() {
        if !identity.is_alive() || waited.elapsed() > Duration::from_secs(10) {
            bail!(
                "the supervisor did not start: {}",
                files::tail(&log_path, 10)
            );
        }
        crate::wait::pause(
            Duration::from_millis(20),
            Deadline::after(Duration::from_secs(1)),
        );
    }
    Ok(identity)
}
