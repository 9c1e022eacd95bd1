//! Where the kubeconfig is.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{ConnectError, Problem};

/// Where K3s writes its kubeconfig.
const K3S: &str = "/etc/rancher/k3s/k3s.yaml";

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locations {
    /// Kubeconfig files, the first has precedence.
    Files(Vec<PathBuf>),
    /// No file, but this runs in a pod.
    InCluster,
}

/// What decides, besides the flag.
#[derive(Debug, Clone, Default)]
struct Surroundings {
    /// `$KUBECONFIG`.
    variable: Option<OsString>,
    /// `~/.kube/config`.
    home: Option<PathBuf>,
    /// [`K3S`].
    k3s: PathBuf,
    /// `$KUBERNETES_SERVICE_HOST` is set.
    in_pod: bool,
}

/// The flag, then `$KUBECONFIG`, `~/.kube/config`, `/etc/rancher/k3s/k3s.yaml`, and last the
/// service account of the pod that this runs in.
pub async fn locate(flag: Option<&Path>) -> Result<Locations, ConnectError> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let surroundings = Surroundings {
        variable: std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty()),
        home: home.map(|home| home.join(".kube/config")),
        k3s: PathBuf::from(K3S),
        in_pod: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
    };
    locate_in(flag, &surroundings).await
}

async fn locate_in(
    flag: Option<&Path>,
    surroundings: &Surroundings,
) -> Result<Locations, ConnectError> {
    if let Some(file) = flag {
        return match tokio::fs::metadata(file).await {
            Ok(_) => Ok(Locations::Files(vec![file.to_owned()])),
            Err(error) => Err(unreadable(file, &error)),
        };
    }
    let mut looked = Vec::new();
    if let Some(variable) = &surroundings.variable {
        let named: Vec<PathBuf> = std::env::split_paths(variable)
            .filter(|p| !p.as_os_str().is_empty())
            .collect();
        // As kubectl: files that are named and not there are skipped.
        let mut files = Vec::new();
        for file in &named {
            if exists(file).await? {
                files.push(file.clone());
            } else {
                looked.push(format!("{} ($KUBECONFIG)", file.display()));
            }
        }
        if !files.is_empty() {
            return Ok(Locations::Files(files));
        }
        // Another cluster than the one that was meant is worse than none.
        return Err(no_cluster(&looked));
    }
    for file in surroundings.home.iter().chain([&surroundings.k3s]) {
        if exists(file).await? {
            return Ok(Locations::Files(vec![file.clone()]));
        }
        looked.push(file.display().to_string());
    }
    if surroundings.in_pod {
        return Ok(Locations::InCluster);
    }
    Err(no_cluster(&looked))
}

fn no_cluster(looked: &[String]) -> ConnectError {
    ConnectError::NoCluster(Problem {
        what: format!("no cluster is configured; looked at {}", looked.join(", ")),
        fix: "Name a file with --kubeconfig, or see the product on a simulated cluster: \
              `gputop-k3s demo`."
            .to_owned(),
    })
}

/// Whether the file is there and can be opened.
async fn exists(file: &Path) -> Result<bool, ConnectError> {
    match tokio::fs::File::open(file).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(unreadable(file, &error)),
    }
}

/// Why a file that is named can not be read.
pub(super) fn unreadable(file: &Path, error: &std::io::Error) -> ConnectError {
    let shown = file.display();
    ConnectError::Failed(match error.kind() {
        ErrorKind::PermissionDenied if file == Path::new(K3S) => Problem {
            what: format!("{shown} can be read by root only, as K3s writes it"),
            fix: format!(
                "Make a copy of your own: `mkdir -p ~/.kube && sudo cat {shown} > ~/.kube/config \
                 && chmod 600 ~/.kube/config`; or start K3s with --write-kubeconfig-mode 0640 \
                 and --write-kubeconfig-group."
            ),
        },
        ErrorKind::PermissionDenied => Problem {
            what: format!("{shown} can not be read: permission denied"),
            fix: format!("Make it yours (`sudo chown $USER {shown}`), or name another file."),
        },
        ErrorKind::NotFound => Problem {
            what: format!("there is no file {shown}"),
            fix: "Check the path after --kubeconfig.".to_owned(),
        },
        _ => Problem {
            what: format!("{shown} can not be read: {error}"),
            fix: "Name another file with --kubeconfig.".to_owned(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(folder: &Path, variable: &[&Path]) -> Surroundings {
        Surroundings {
            variable: (!variable.is_empty()).then(|| std::env::join_paths(variable).unwrap()),
            home: Some(folder.join("home/config")),
            k3s: folder.join("k3s.yaml"),
            in_pod: false,
        }
    }

    #[tokio::test]
    async fn the_order_is_flag_variable_home_k3s_pod() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let file = |name: &str| {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, "x").unwrap();
            file
        };
        let nothing = locate_in(None, &surroundings(path, &[])).await.unwrap_err();
        let said = nothing.to_string();
        assert!(
            said.contains("home/config") && said.contains("k3s.yaml"),
            "{said}"
        );
        assert!(said.contains("gputop-k3s demo"), "{said}");

        let in_pod = Surroundings {
            in_pod: true,
            ..surroundings(path, &[])
        };
        assert_eq!(
            locate_in(None, &in_pod).await.unwrap(),
            Locations::InCluster
        );

        let k3s = file("k3s.yaml");
        let found = locate_in(None, &in_pod).await.unwrap();
        assert_eq!(found, Locations::Files(vec![k3s]));

        let home = file("home/config");
        let found = locate_in(None, &in_pod).await.unwrap();
        assert_eq!(found, Locations::Files(vec![home]));

        let (a, b, gone) = (file("a"), file("b"), path.join("gone"));
        let variable = surroundings(path, &[&a, &gone, &b]);
        let found = locate_in(None, &variable).await.unwrap();
        assert_eq!(found, Locations::Files(vec![a.clone(), b.clone()]));

        let nothing = locate_in(None, &surroundings(path, &[&gone])).await;
        assert!(matches!(nothing, Err(ConnectError::NoCluster(_))));

        let found = locate_in(Some(&b), &variable).await.unwrap();
        assert_eq!(found, Locations::Files(vec![b]));
        assert!(locate_in(Some(&gone), &variable).await.is_err());
    }

    #[test]
    fn a_root_only_k3s_yaml_gets_its_own_advice() {
        let denied = std::io::Error::from(ErrorKind::PermissionDenied);
        let said = unreadable(Path::new(K3S), &denied).to_string();
        assert!(
            said.contains("root only") && said.contains("--write-kubeconfig-mode"),
            "{said}"
        );
        let said = unreadable(Path::new("/tmp/x"), &denied).to_string();
        assert!(said.contains("permission denied"), "{said}");
    }
}
