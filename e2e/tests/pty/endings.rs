//! However it ends, the terminal is as it was before. [`Pty::left`] sees to that.
//!
//! [`Pty::left`]: gputop_e2e::pty::Pty::left

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::programs::program;
use gputop_e2e::pty::Start;
use rustix::process::Signal;
use tempfile::TempDir;

use super::demo::{DEMO, demo, settled};

#[test]
fn signals_end_it_in_good_order() -> Result<()> {
    for signal in [Signal::TERM, Signal::HUP] {
        let home = TempDir::new()?;
        let mut pty = demo(&home)?;
        ensure!(
            pty.is_raw()? && pty.screen().alternate_screen(),
            "the terminal is not taken"
        );
        pty.signal(signal)?;
        let left = pty.left()?;
        ensure!(
            left.code == 0,
            "{signal:?}: exit code {}\n{}",
            left.code,
            left.shown
        );
    }
    Ok(())
}

#[test]
fn a_signal_inside_a_shell_ends_it_in_good_order() -> Result<()> {
    for signal in [Signal::TERM, Signal::HUP] {
        let home = TempDir::new()?;
        let arguments = [&DEMO[..], &["--record", "seen.gptr"]].concat();
        let program = program("gputop-k3s")?;
        let mut pty = settled(Start::new(&program, &arguments, home.path()))?;
        pty.keys("3/whisper\r")?;
        pty.until("one pod", |s| s.row(&["▌", "home/whisper-0"]))?;
        pty.keys("s")?;
        pty.until("the shell", |s| s.has("whisper-0:/$"))?;
        ensure!(pty.is_raw()?, "the shell does not have the terminal");
        pty.signal(signal)?;
        let left = pty.left()?;
        ensure!(
            left.code == 0,
            "{signal:?}: exit code {}\n{}",
            left.code,
            left.shown
        );
        // On the screen that the shell was on, and with its end.
        ensure!(left.shown.has("whisper-0:/$"), "{}", left.shown);
        ensure!(
            left.shown.row(&["recorded 00:", "seen.gptr"]),
            "{}",
            left.shown
        );
    }
    Ok(())
}

#[test]
fn a_signal_ends_it_while_another_context_is_being_reached() -> Result<()> {
    // Ctrl-c is a signal there: the terminal is not raw.
    for ending in [Some(Signal::TERM), None] {
        let home = TempDir::new()?;
        let lab = answering()?;
        // The system takes the connection, and nobody ever answers.
        let silent = TcpListener::bind("127.0.0.1:0")?;
        let file = home.path().join("config.yaml");
        let addresses = (lab, silent.local_addr()?.port());
        std::fs::write(&file, kubeconfig(addresses))?;
        let file = file.to_string_lossy();
        let arguments = ["--kubeconfig", &*file, "--request-timeout", "1h"];
        let mut pty = Start::new(&program("gputop-k3s")?, &arguments, home.path()).spawn()?;
        pty.until("the tables", |s| s.has("lab") && s.row(&["q quit"]))?;
        pty.keys(":silent\r")?;
        let between = pty.until("what it waits for", |s| s.has("connecting to silent…"))?;
        ensure!(!pty.is_raw()? && !between.has("q quit"), "{between}");
        match ending {
            Some(signal) => pty.signal(signal)?,
            None => pty.keys("\x03")?,
        }
        let left = pty.left()?;
        ensure!(
            left.code == 0,
            "{ending:?}: exit code {}\n{}",
            left.code,
            left.shown
        );
    }
    Ok(())
}

/// Two clusters: one that says its version, and one that says nothing.
fn kubeconfig((lab, silent): (u16, u16)) -> String {
    format!(
        r#"{{"apiVersion": "v1", "kind": "Config", "current-context": "lab",
        "contexts": [{{"name": "lab", "context": {{"cluster": "lab", "user": "me"}}}},
                     {{"name": "silent", "context": {{"cluster": "silent", "user": "me"}}}}],
        "clusters": [{{"name": "lab", "cluster": {{"server": "http://127.0.0.1:{lab}"}}}},
                     {{"name": "silent", "cluster": {{"server": "http://127.0.0.1:{silent}"}}}}],
        "users": [{{"name": "me", "user": {{"token": "t"}}}}]}}"#
    )
}

/// An API server that knows its version and has nothing else; its port.
fn answering() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A client that goes away in the middle gets no answer.
            let _gone = answer(connection);
        }
    });
    Ok(port)
}

fn answer(mut connection: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = if first.starts_with("GET /version ") {
        let version = r#"{"major": "1", "minor": "36", "gitVersion": "v1.36.3+k3s1",
            "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "",
            "compiler": "", "platform": ""}"#;
        ("200 OK", version)
    } else {
        let status = r#"{"kind": "Status", "apiVersion": "v1", "status": "Failure",
            "message": "not here", "reason": "NotFound", "code": 404}"#;
        ("404 Not Found", status)
    };
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_readable() -> Result<()> {
    let home = TempDir::new()?;
    let pty = Start::new(&program("gputop-e2e-panics")?, &[], home.path()).spawn()?;
    let left = pty.left()?;
    ensure!(left.code == 101, "exit code {}", left.code);
    let written = String::from_utf8_lossy(&left.raw).into_owned();
    ensure!(
        written.contains("\x1b[?1049h"),
        "it never took the terminal: {written:?}"
    );
    // On the main screen, below each other: with the terminal's own line ends.
    ensure!(
        left.shown.has("on purpose, to see the terminal afterwards"),
        "{}",
        left.shown
    );
    ensure!(left.shown.row(&["panics.rs"]), "{}", left.shown);
    let message = written.find("on purpose").unwrap_or(0);
    let given_back = written.rfind("\x1b[?1049l").unwrap_or(usize::MAX);
    ensure!(
        given_back < message,
        "the message was written to the screen that is gone"
    );
    Ok(())
}

#[test]
fn a_panic_elsewhere_leaves_the_screen_alone() -> Result<()> {
    let home = TempDir::new()?;
    let mut pty = Start::new(&program("gputop-e2e-panics")?, &["task"], home.path()).spawn()?;
    let shown = pty.until("the task's end", |s| s.has("the task has failed: true"))?;
    ensure!(
        !shown.has("a task has failed") && pty.screen().alternate_screen(),
        "{shown}"
    );
    ensure!(pty.is_raw()?, "the terminal was given back");
    pty.keys("x")?;
    let left = pty.left()?;
    ensure!(left.code == 0, "exit code {}\n{}", left.code, left.shown);
    Ok(())
}

#[test]
fn a_terminal_that_is_not_given_back_is_seen() -> Result<()> {
    // Shows that the tests above look at the right thing.
    let home = TempDir::new()?;
    let mut pty = Start::new(&program("gputop-e2e-panics")?, &["task"], home.path()).spawn()?;
    pty.until("the task's end", |s| s.has("the task has failed: true"))?;
    pty.signal(Signal::KILL)?;
    let seen = pty.left().err().map(|error| error.to_string());
    ensure!(
        seen.as_deref() == Some("the terminal is still in raw mode"),
        "{seen:?}"
    );
    Ok(())
}
