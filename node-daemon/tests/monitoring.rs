//! The program's metrics, the alert rules and their tests, read by Prometheus' own promtool.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "starts the program under test and promtool; what fails here fails rightly"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The daemon on a made-up node; killed when dropped.
struct Daemon {
    child: Child,
    metrics: SocketAddr,
}

impl Daemon {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gputop-node"))
            .args(["serve", "--source", "sim", "--listen", "127.0.0.1:0"])
            .args(["--metrics-listen", "127.0.0.1:0"])
            .env_remove("GPUTOP_K3S_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let metrics = lines
            .find_map(|line| {
                let line = line.unwrap();
                let (_, rest) = line.split_once("metrics at /metrics")?;
                rest.split_once("address=")?.1.trim().parse().ok()
            })
            .unwrap();
        // What it says later is read, so that it never waits for it.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, metrics }
    }

    /// The metrics, once there has been a sample.
    fn scrape(&self, accept: &str) -> String {
        loop {
            let mut stream = TcpStream::connect(self.metrics).unwrap();
            let limit = Some(Duration::from_secs(20));
            stream.set_read_timeout(limit).unwrap();
            write!(
                stream,
                "GET /metrics HTTP/1.1\r\nHost: node\r\nAccept: {accept}\r\n\r\n"
            )
            .unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            if body.contains("gputop_gpu_up{") {
                return body.to_owned();
            }
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

fn monitoring() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/monitoring")
}

/// What promtool says to these arguments and that input; `None`, said loudly: it is not here.
#[expect(
    clippy::print_stderr,
    reason = "a skipped test must not look like a passed one"
)]
fn promtool(arguments: &[&str], input: &str) -> Option<Output> {
    let child = Command::new("promtool")
        .args(arguments)
        .current_dir(monitoring())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!(
                "SKIPPED: promtool is not here, so `promtool {}` was not run; it is in Debian's \
                 package prometheus",
                arguments.join(" ")
            );
            return None;
        }
        Err(error) => panic!("promtool can not be started: {error}"),
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    Some(child.wait_with_output().unwrap())
}

fn assert_content(output: Option<Output>) {
    let Some(output) = output else { return };
    let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success(), "{said:#?}");
    // Warnings do not fail it.
    assert_eq!(said[1], "", "{said:#?}");
}

#[test]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    let daemon = Daemon::start();
    let plain = daemon.scrape("text/plain");
    assert_content(promtool(&["check", "metrics"], &plain));
    // It can tell.
    let wrong = plain.replace("# HELP gputop_gpu_power_watts", "# HELP other");
    if let Some(output) = promtool(&["check", "metrics"], &wrong) {
        assert!(!output.status.success());
    }
    let open = daemon.scrape("application/openmetrics-text;version=1.0.0");
    assert!(open.ends_with("\n# EOF\n"));
    for text in [plain, open] {
        assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
        assert!(text.contains("\ngputop_daemon_subscribers 0\n"), "{text}");
        assert!(
            text.contains("\ngputop_process_memory_used_bytes{"),
            "{text}"
        );
    }
}

#[test]
fn promtool_finds_nothing_wrong_with_the_rules() {
    assert_content(promtool(&["check", "rules", "rules.yaml"], ""));
    assert_content(promtool(&["test", "rules", "rules_test.yaml"], ""));
}

#[test]
fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_gputop-node"))
        .args(["serve", "--source", "sim", "--listen", "127.0.0.1:0"])
        .args(["--metrics-listen", &address])
        .output()
        .unwrap();
    assert!(!output.status.success(), "the address is in use");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("for metrics") && said.contains("--metrics-listen"),
        "{said}"
    );
}

#[test]
fn every_alert_is_tested() {
    let read = |file| std::fs::read_to_string(monitoring().join(file)).unwrap();
    let (rules, tests) = (read("rules.yaml"), read("rules_test.yaml"));
    let alerts: Vec<_> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in alerts {
        let tested = format!("alertname: {alert}\n        exp_alerts:\n");
        assert!(
            tests.contains(&tested),
            "nothing shows that {alert} is raised"
        );
    }
}
