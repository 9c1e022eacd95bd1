//! The program itself: clients that come and go, and its end.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use gputop_proto::pb::GetRequest;
use gputop_proto::pb::telemetry_client::TelemetryClient;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::client::{Watcher, channel};

/// The daemon as a process; killed when dropped.
struct Daemon {
    child: Child,
    address: SocketAddr,
}

impl Daemon {
    fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the program under test")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_gputop-node"));
        let mut child = command
            .args(["serve", "--source", "sim", "--listen", "127.0.0.1:0"])
            .env_remove("GPUTOP_K3S_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .find_map(|line| {
                let line = line.unwrap();
                let (_, rest) = line.split_once("address=")?;
                rest.split(' ').next()?.parse().ok()
            })
            .unwrap();
        // What it says later is read, so that it never waits for it.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, address }
    }

    async fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    async fn watch(&self) -> Watcher {
        let mut client = TelemetryClient::new(channel(self.connect().await).await);
        Watcher::open(&mut client, 1).await
    }

    /// Open files and threads.
    fn holds(&self) -> [usize; 2] {
        ["fd", "task"].map(|what| {
            let folder = format!("/proc/{}/{what}", self.child.id());
            std::fs::read_dir(folder).unwrap().count()
        })
    }

    fn terminate(&self) {
        let id = i32::try_from(self.child.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }

    async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_thousand_clients_that_come_and_go_leave_nothing_behind() {
    let daemon = Daemon::start();
    for _ in 0..20 {
        daemon.watch().await.next().await;
    }
    // All that it needs is started by now.
    settled(&daemon, None).await;
    let before = daemon.holds();
    for number in 0..1_000 {
        match number % 4 {
            0 => drop(daemon.connect().await),
            // Gone while the answer is on its way.
            1 => drop(daemon.watch().await),
            _ => drop(daemon.watch().await.next().await),
        }
    }
    settled(&daemon, Some(before)).await;
}

/// Waits until the daemon holds as much as `expected`, or, without, no more than a moment ago.
async fn settled(daemon: &Daemon, expected: Option<[usize; 2]>) {
    let deadline = Instant::now() + Duration::from_secs(15);
    let mut last = [usize::MAX; 2];
    loop {
        let now = daemon.holds();
        let limit = expected.unwrap_or(last);
        if now[0] <= limit[0] && now[1] <= limit[1] {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{now:?}, and it was {expected:?}"
        );
        last = now;
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn sigterm_ends_streams_in_good_order_and_then_the_daemon() {
    let mut daemon = Daemon::start();
    let mut watchers = Vec::new();
    for _ in 0..5 {
        let mut watcher = daemon.watch().await;
        watcher.next().await;
        watchers.push(watcher);
    }
    // One that says nothing, and never will.
    let _silent = daemon.connect().await;
    daemon.terminate();
    for watcher in &mut watchers {
        let ended = timeout(Duration::from_secs(20), watcher.has_ended()).await;
        assert_eq!(ended, Ok(true), "cut off");
    }
    assert!(daemon.ended().await.success());
}

#[tokio::test]
async fn a_daemon_full_of_clients_still_answers_its_probes() {
    let daemon = Daemon::start();
    let mut watchers = Vec::new();
    for _ in 0..64 {
        let mut watcher = daemon.watch().await;
        watcher.next().await;
        watchers.push(watcher);
    }
    // More probes than there are places beside the clients'.
    for _ in 0..20 {
        let channel = channel(daemon.connect().await).await;
        let mut health = HealthClient::new(channel);
        let check = health.check(HealthCheckRequest::default());
        let answer = timeout(Duration::from_secs(20), check).await;
        let status = answer.expect("no answer").unwrap().into_inner().status();
        assert_eq!(status, ServingStatus::Serving);
    }
    let full = async || {
        let mut client = TelemetryClient::new(channel(daemon.connect().await).await);
        let refused = client.get(GetRequest {}).await.err();
        refused.map(|refused| refused.code())
    };
    assert_eq!(full().await, Some(tonic::Code::ResourceExhausted));
    // Room again, as soon as the daemon has seen that somebody left.
    watchers.pop();
    let deadline = Instant::now() + Duration::from_secs(20);
    while full().await.is_some() {
        assert!(Instant::now() < deadline, "it stays full");
    }
}
