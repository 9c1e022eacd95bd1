//! How each component of the control plane is started: pure data.

use std::path::{Path, PathBuf};

use super::binaries::{Binaries, Datastore, Program};
use super::control::ProcessSpec;
use super::objects::SIMULATED;

/// Names of the processes of a cluster, as `status` shows them.
pub mod names {
    /// The datastore, whatever it is.
    pub const DATASTORE: &str = "datastore";
    /// The API server.
    pub const API_SERVER: &str = "kube-apiserver";
    /// The controllers.
    pub const CONTROLLERS: &str = "kube-controller-manager";
    /// The scheduler.
    pub const SCHEDULER: &str = "kube-scheduler";
    /// The simulated kubelets.
    pub const KWOK: &str = "kwok";
    /// The simulated kubelets' device managers.
    pub const KUBELETS: &str = "kubelets";

    /// The daemons of all nodes, when one process plays them.
    pub const DAEMONS: &str = "gputop-nodes";

    /// The daemon of a node.
    #[must_use]
    pub fn daemon(node: &str) -> String {
        format!("gputop-node-{node}")
    }
}

/// TCP ports on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ports {
    /// The API server; 0 for a cluster that is not ours.
    pub api: u16,
    /// kwok, in the part of all kubelets.
    pub kubelet: u16,
    /// etcd for clients, when it is the datastore.
    pub etcd_client: u16,
    /// etcd for its peers, of which there are none.
    pub etcd_peer: u16,
}

/// What all components need to know of a cluster.
pub(super) struct Layout<'a> {
    pub dir: &'a Path,
    pub binaries: &'a Binaries,
    pub ports: Ports,
}

/// An address that is nobody's (TEST-NET-1): the API server insists on
/// advertising one that is not loopback, and nobody dials it.
const ADVERTISED: &str = "192.0.2.1";

impl Layout<'_> {
    pub(super) fn pki(&self, name: &str) -> PathBuf {
        self.dir.join("pki").join(name)
    }

    pub(super) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.dir.join(format!("{user}.kubeconfig"))
    }

    fn datastore_endpoint(&self) -> String {
        match self.binaries.datastore {
            Datastore::Kine(_) => format!("unix://{}", self.kine_socket().display()),
            Datastore::Etcd(_) => format!("http://127.0.0.1:{}", self.ports.etcd_client),
        }
    }

    pub(super) fn kine_socket(&self) -> PathBuf {
        self.dir.join("kine.sock")
    }

    pub(super) fn datastore(&self) -> ProcessSpec {
        let dir = self.dir.display();
        let endpoint = self.datastore_endpoint();
        match &self.binaries.datastore {
            Datastore::Kine(program) => spec(
                names::DATASTORE,
                program,
                [
                    format!(
                        "--endpoint=sqlite://{dir}/state.db?_journal=WAL&cache=shared&_busy_timeout=30000"
                    ),
                    "--metrics-bind-address=0".to_owned(),
                    format!("--listen-address={endpoint}"),
                ],
            ),
            Datastore::Etcd(program) => spec(
                names::DATASTORE,
                program,
                [
                    format!("--data-dir={dir}/etcd"),
                    format!("--listen-client-urls={endpoint}"),
                    format!("--advertise-client-urls={endpoint}"),
                    format!(
                        "--listen-peer-urls=http://127.0.0.1:{}",
                        self.ports.etcd_peer
                    ),
                    "--unsafe-no-fsync".to_owned(),
                ],
            ),
        }
    }

    pub(super) fn api_server(&self) -> ProcessSpec {
        let pki = |name: &str| self.pki(name).display().to_string();
        spec(
            names::API_SERVER,
            &self.binaries.apiserver,
            [
                format!("--etcd-servers={}", self.datastore_endpoint()),
                "--bind-address=127.0.0.1".to_owned(),
                format!("--advertise-address={ADVERTISED}"),
                format!("--secure-port={}", self.ports.api),
                format!("--tls-cert-file={}", pki("apiserver.crt")),
                format!("--tls-private-key-file={}", pki("apiserver.key")),
                format!("--kubelet-client-certificate={}", pki("client.crt")),
                format!("--kubelet-client-key={}", pki("client.key")),
                format!("--kubelet-certificate-authority={}", pki("ca.crt")),
                "--kubelet-preferred-address-types=InternalIP".to_owned(),
                format!("--service-account-key-file={}", pki("service-account.pub")),
                format!(
                    "--service-account-signing-key-file={}",
                    pki("service-account.key")
                ),
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
                format!("--token-auth-file={}", self.tokens().display()),
                "--authorization-mode=Node,RBAC".to_owned(),
                "--service-cluster-ip-range=10.43.0.0/16".to_owned(),
                "--allow-privileged".to_owned(),
                "--max-requests-inflight=1000".to_owned(),
            ],
        )
    }

    pub(super) fn tokens(&self) -> PathBuf {
        self.pki("tokens.csv")
    }

    pub(super) fn controllers(&self) -> ProcessSpec {
        spec(
            names::CONTROLLERS,
            &self.binaries.controllers,
            [
                format!("--kubeconfig={}", self.kubeconfig("controllers").display()),
                format!(
                    "--service-account-private-key-file={}",
                    self.pki("service-account.key").display()
                ),
                format!("--root-ca-file={}", self.pki("ca.crt").display()),
                "--use-service-account-credentials".to_owned(),
                "--leader-elect=false".to_owned(),
                "--bind-address=127.0.0.1".to_owned(),
                "--secure-port=0".to_owned(),
                // The default of 20 requests a second makes large fleets slow.
                "--kube-api-qps=300".to_owned(),
                "--kube-api-burst=600".to_owned(),
            ],
        )
    }

    pub(super) fn scheduler(&self) -> ProcessSpec {
        spec(
            names::SCHEDULER,
            &self.binaries.scheduler,
            [
                format!("--kubeconfig={}", self.kubeconfig("scheduler").display()),
                "--leader-elect=false".to_owned(),
                "--secure-port=0".to_owned(),
                "--kube-api-qps=300".to_owned(),
                "--kube-api-burst=600".to_owned(),
            ],
        )
    }

    /// kwok with the stages and the port-forwards in `configs`.
    pub(super) fn kwok(&self, kubeconfig: &Path, configs: &[PathBuf]) -> ProcessSpec {
        let port = self.ports.kubelet;
        let mut args = vec![
            format!("--kubeconfig={}", kubeconfig.display()),
            // Never another's node: it may be a real one.
            format!(
                "--manage-nodes-with-annotation-selector={}={}",
                SIMULATED.0, SIMULATED.1
            ),
            "--manage-all-nodes=false".to_owned(),
            "--node-lease-duration-seconds=40".to_owned(),
            "--node-ip=127.0.0.1".to_owned(),
            format!("--node-port={port}"),
            format!("--server-address=127.0.0.1:{port}"),
            format!("--tls-cert-file={}", self.pki("kubelet.crt").display()),
            format!(
                "--tls-private-key-file={}",
                self.pki("kubelet.key").display()
            ),
        ];
        args.extend(
            configs
                .iter()
                .map(|path| format!("--config={}", path.display())),
        );
        let mut spec = spec(names::KWOK, &self.binaries.kwok, args);
        // kwok looks for a configuration of its own at home.
        spec.env
            .push(("HOME".to_owned(), self.dir.display().to_string()));
        spec
    }
}

fn spec(name: &str, program: &Program, args: impl IntoIterator<Item = String>) -> ProcessSpec {
    let mut all = program.leading.clone();
    all.extend(args);
    ProcessSpec {
        name: name.to_owned(),
        program: program.path.clone(),
        args: all,
        env: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaries() -> Binaries {
        let built = |name: &str| Program {
            path: "/b/testbed".into(),
            leading: vec![name.to_owned()],
        };
        Binaries {
            version: "v1.36.3".into(),
            datastore: Datastore::Kine(built("kine")),
            apiserver: built("kube-apiserver"),
            controllers: built("kube-controller-manager"),
            scheduler: built("kube-scheduler"),
            kubectl: built("kubectl"),
            kwok: built("kwok"),
        }
    }

    #[test]
    fn everything_listens_on_loopback_only() {
        let binaries = binaries();
        let ports = Ports {
            api: 1,
            kubelet: 2,
            etcd_client: 3,
            etcd_peer: 4,
        };
        let layout = Layout {
            dir: Path::new("/d"),
            binaries: &binaries,
            ports,
        };
        let api = layout.api_server().args;
        assert_eq!(api[0], "kube-apiserver");
        assert!(api.contains(&"--bind-address=127.0.0.1".to_owned()));
        assert!(api.contains(&"--etcd-servers=unix:///d/kine.sock".to_owned()));
        let kwok = layout
            .kwok(Path::new("/d/k"), &["/d/stages.yaml".into()])
            .args;
        assert!(kwok.contains(&"--server-address=127.0.0.1:2".to_owned()));
        assert!(kwok.contains(&"--config=/d/stages.yaml".to_owned()));
        assert!(
            layout
                .scheduler()
                .args
                .contains(&"--secure-port=0".to_owned())
        );
        assert!(
            layout
                .controllers()
                .args
                .contains(&"--secure-port=0".to_owned())
        );
    }

    #[test]
    fn etcd_can_stand_in_for_kine() {
        let mut binaries = binaries();
        let etcd = Program {
            path: "/b/etcd".into(),
            leading: Vec::new(),
        };
        binaries.datastore = Datastore::Etcd(etcd);
        let ports = Ports {
            api: 1,
            kubelet: 2,
            etcd_client: 3,
            etcd_peer: 4,
        };
        let layout = Layout {
            dir: Path::new("/d"),
            binaries: &binaries,
            ports,
        };
        assert_eq!(layout.datastore().program, Path::new("/b/etcd"));
        assert!(
            layout
                .api_server()
                .args
                .contains(&"--etcd-servers=http://127.0.0.1:3".to_owned())
        );
    }
}
