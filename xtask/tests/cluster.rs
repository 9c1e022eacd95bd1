//! A whole cluster, when the control plane is already built or named.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that fails here fails rightly")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use xtask::cluster::{
    Cluster, Daemons, Fleet, Identity, Options, ProcessState, daemon_pod, find_testbed, names,
    scratch_dir,
};
use xtask::wait::{self, Deadline};

/// The options of a test's cluster; `None`, and said so, when no control plane
/// is there.
#[expect(
    clippy::print_stderr,
    reason = "a skipped test must not look like a passed one"
)]
fn options(fleet: Fleet, daemons: Daemons) -> Option<Options> {
    let Some(binaries) = find_testbed() else {
        eprintln!(
            "SKIPPED: no control plane is built; `cargo xtask cluster up` builds one, or \
             KUBEBUILDER_ASSETS names a folder with one"
        );
        return None;
    };
    Some(Options {
        dir: scratch_dir().unwrap(),
        binaries,
        fleet,
        daemons,
        kubelets: None,
        supervisor: env!("CARGO_BIN_EXE_xtask").into(),
        kubeconfig: None,
        lifetime: Duration::from_secs(300),
        wait_for_pods: true,
    })
}

/// A daemon that answers each line with the name of its node.
fn announcers() -> Daemons {
    let script = "
import socketserver, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for _ in self.rfile:
            self.wfile.write(sys.argv[1].encode() + b'\\n')
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
Server(('127.0.0.1', int(sys.argv[2])), Handler).serve_forever()
";
    Daemons::Command(
        ["python3", "-c", script, "{node}", "{port}"]
            .map(str::to_owned)
            .to_vec(),
    )
}

#[test]
fn the_varied_fleet_is_as_the_manual_says_and_leaves_nothing() {
    let Some(options) = options(Fleet::varied(), announcers()) else {
        return;
    };
    let cluster = Cluster::start(&options, &mut |_| ()).unwrap();
    let kubectl = cluster.kubectl();

    let pending = || {
        kubectl
            .json(["get", "pod", "-n", "ml", "big-train"])
            .unwrap()["status"]
            .clone()
    };
    assert_eq!(pending()["phase"], "Pending");
    eventually(|| {
        pending()
            .to_string()
            .contains("Insufficient nvidia.com/gpu")
    });
    let cordoned = kubectl.json(["get", "node", "gpu-c"]).unwrap();
    assert_eq!(cordoned["spec"]["unschedulable"], true);

    // A daemon is reached through the API server, dies, and comes back.
    let node = "rig.lab.home";
    assert_eq!(greeting(&cluster, node), format!("{node}\n"));
    cluster.daemon(node).kill().unwrap();
    assert_eq!(greeting(&cluster, node), "");
    cluster.daemon(node).restart().unwrap();
    eventually(|| greeting(&cluster, node) == format!("{node}\n"));

    // The API server goes and comes back, with what it knew.
    cluster.api_server().kill().unwrap();
    assert!(!kubectl.output(["get", "nodes"]).unwrap().status.success());
    cluster.api_server().restart().unwrap();
    cluster.wait_api(Duration::from_secs(60)).unwrap();
    assert_eq!(
        kubectl
            .read(["get", "nodes", "-o", "name"])
            .unwrap()
            .lines()
            .count(),
        6
    );

    let attached = Cluster::attach(cluster.dir()).unwrap().unwrap();
    assert_eq!(attached.kubeconfig(), cluster.kubeconfig());
    drop(attached); // does not own the cluster
    let processes: Vec<Identity> = cluster
        .processes()
        .unwrap()
        .iter()
        .map(|process| process.identity)
        .collect();
    assert!(processes.iter().all(Identity::is_alive));
    let dir = cluster.dir().to_path_buf();
    cluster.down().unwrap();
    assert!(!processes.iter().any(Identity::is_alive));
    assert!(!dir.exists());
}

#[test]
fn two_small_clusters_side_by_side() {
    let Some(first) = options(Fleet::uniform(2, 4, 3), Daemons::None) else {
        return;
    };
    let Some(second) = options(Fleet::uniform(1, 1, 2), Daemons::None) else {
        return;
    };
    let first = Cluster::start(&first, &mut |_| ()).unwrap();
    let second = Cluster::start(&second, &mut |_| ()).unwrap();
    assert_ne!(first.ports(), second.ports());
    for process in first
        .processes()
        .unwrap()
        .iter()
        .chain(&second.processes().unwrap())
    {
        assert_eq!(process.state, ProcessState::Running, "{}", process.name);
    }
    first.process(names::SCHEDULER).freeze().unwrap();
    let pods = |cluster: &Cluster| cluster.kubectl().read(["get", "pods", "-n", "ml"]).unwrap();
    assert_eq!(pods(&first).matches("Running").count(), 3);
    assert_eq!(pods(&second).matches("Running").count(), 1);
    assert_eq!(pods(&second).matches("Pending").count(), 1);
    let dirs = [first.dir().to_path_buf(), second.dir().to_path_buf()];
    drop((first, second));
    assert!(!dirs.iter().any(|dir| Path::exists(dir)));
}

/// What the daemon of a node says through `kubectl port-forward`; empty when
/// nobody is there.
fn greeting(cluster: &Cluster, node: &str) -> String {
    let pod = format!("pod/{}", daemon_pod(node));
    let mut command =
        cluster
            .kubectl()
            .command(["port-forward", "-n", "gputop-k3s", &pod, ":7475"]);
    let mut forward = Forward(
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    // Forwarding from 127.0.0.1:PORT -> 7475. The pipe stays open: kubectl has
    // more to say, and ends when nobody listens.
    let mut line = String::new();
    let mut stdout = BufReader::new(forward.0.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let port = line
        .split_once("127.0.0.1:")
        .unwrap()
        .1
        .split(' ')
        .next()
        .unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port.parse::<u16>().unwrap())).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut said = String::new();
    // Any error here means that nobody is there.
    let _ = stream
        .write_all(b"?\n")
        .and_then(|()| BufReader::new(stream).read_line(&mut said));
    said
}

fn eventually(mut what: impl FnMut() -> bool) {
    let deadline = Deadline::after(Duration::from_secs(10));
    let seen = wait::until(deadline, Duration::from_millis(50), || {
        Ok::<_, std::convert::Infallible>(what().then_some(()))
    });
    assert_eq!(seen, Ok(Some(())), "did not happen within 10 s");
}

struct Forward(Child);

impl Drop for Forward {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
