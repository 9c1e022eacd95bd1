//! Shapes of `/proc/PID/cgroup` by runtime, driver and cgroup version.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const UID: &str = "2f6c1e52-9e1b-4a0e-8f0e-7b1f4d3a9c10";
const ID: &str = "8a5e9d1c0b7f4e6d3c2a1908f7e6d5c4b3a2918070f6e5d4c3b2a1908f7e6d5c";

/// Fills `UID`, `U_D` (with underscores) and `ID` in.
fn filled(template: &str) -> String {
    template
        .replace("{uid}", UID)
        .replace("{u_d}", &UID.replace('-', "_"))
        .replace("{id}", ID)
}

/// The files of `tests/fixtures/cgroup`, each a whole `/proc/PID/cgroup`, by name.
fn fixtures() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cgroup");
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read_to_string(entry.path()).unwrap())
    };
    fs::read_dir(folder).unwrap().map(read).collect()
}

#[test]
fn pods_are_recognised() {
    let mut pods = 0;
    for (name, text) in fixtures() {
        let Holder::Pod {
            uid, container_id, ..
        } = holder_from_cgroups(&text)
        else {
            assert!(!name.starts_with("pod-"), "no pod in {name}");
            continue;
        };
        assert!(name.starts_with("pod-"), "a pod in {name}");
        assert_eq!(uid, Some(UID.into()), "{name}");
        assert_eq!(container_id.as_deref(), Some(ID), "{name}");
        pods += 1;
    }
    assert_eq!(pods, 18);
}

#[rstest]
#[case::mismatched_driver(
    "0::/system.slice/containerd.service/kubepods-burstable-pod{u_d}.slice:cri-containerd:{id}"
)]
#[case::own_namespace_cgroupfs("0::/../../pod{uid}/{id}")]
#[case::conmon("0::/kubepods.slice/kubepods-pod{u_d}.slice/crio-conmon-{id}.scope")]
fn pods_in_odd_places_are_recognised(#[case] template: &str) {
    let expected = Holder::Pod {
        uid: Some(UID.into()),
        container_id: Some(ID.to_owned()),
        namespace: None,
        pod: None,
        container: None,
    };
    assert_eq!(holder_from_cgroups(&filled(template)), expected);
}

#[test]
fn a_static_pod_has_a_hash_for_a_uid() {
    let hash = "0123456789abcdef0123456789abcdef";
    let text = format!("0::/kubepods/burstable/pod{hash}/{ID}");
    assert!(matches!(
        holder_from_cgroups(&text),
        Holder::Pod { uid: Some(uid), .. } if uid.as_str() == hash
    ));
}

#[test]
fn a_sibling_container_of_the_daemon_itself_is_a_pods() {
    let text = format!("0::/../cri-containerd-{ID}.scope");
    assert!(matches!(
        holder_from_cgroups(&text),
        Holder::Pod { uid: None, container_id: Some(id), .. } if id == ID
    ));
}

#[test]
fn a_pod_without_a_container_group_is_still_a_pod() {
    let text = format!("0::/kubepods/besteffort/pod{UID}");
    assert!(matches!(
        holder_from_cgroups(&text),
        Holder::Pod {
            uid: Some(_),
            container_id: None,
            ..
        }
    ));
}

/// What each fixture outside a pod is.
const OUTSIDE: [(&str, OutsideKind, &str); 36] = [
    ("docker-v2-systemd", OutsideKind::Docker, "8a5e9d1c0b7f"),
    ("docker-v1-cgroupfs", OutsideKind::Docker, "8a5e9d1c0b7f"),
    (
        "docker-parent-slice-v2",
        OutsideKind::Docker,
        "8a5e9d1c0b7f",
    ),
    ("docker-rootless-v2", OutsideKind::Docker, "8a5e9d1c0b7f"),
    ("docker-kind-node-v2", OutsideKind::Docker, "8a5e9d1c0b7f"),
    (
        "docker-systemd-inside-v1",
        OutsideKind::Docker,
        "8a5e9d1c0b7f",
    ),
    ("podman-v2", OutsideKind::Docker, "8a5e9d1c0b7f"),
    ("podman-pod-v2", OutsideKind::Docker, "8a5e9d1c0b7f"),
    ("podman-rootless-v2", OutsideKind::Docker, "8a5e9d1c0b7f"),
    ("podman-v1", OutsideKind::Docker, "8a5e9d1c0b7f"),
    ("nerdctl-v2", OutsideKind::Docker, "8a5e9d1c0b7f"),
    ("unit-v2", OutsideKind::Unit, "ollama.service"),
    (
        "unit-with-groups-of-its-own-v2",
        OutsideKind::Unit,
        "jupyterhub.service",
    ),
    ("unit-template-v2", OutsideKind::Unit, "vllm@7b.service"),
    (
        "unit-of-a-user-v2",
        OutsideKind::Unit,
        "ollama.service of user 1000",
    ),
    ("unit-v1", OutsideKind::Unit, "jellyfin.service"),
    ("unit-openrc-v2", OutsideKind::Unit, "ollama"),
    (
        "unit-transient-v2",
        OutsideKind::Unit,
        "run-r0f3a9b5c.scope",
    ),
    ("login-ssh-v2", OutsideKind::Login, "session 3 of user 1000"),
    ("login-ssh-v1", OutsideKind::Login, "session 3 of user 1000"),
    (
        "login-tmux-v2",
        OutsideKind::Login,
        "tmux-spawn-5c1f0a4e.scope of user 1000",
    ),
    (
        "login-terminal-v2",
        OutsideKind::Login,
        "terminal of user 1000",
    ),
    (
        "desktop-gnome-shell-v2",
        OutsideKind::Desktop,
        "org.gnome.Shell",
    ),
    ("desktop-gnome-app-v2", OutsideKind::Desktop, "firefox"),
    (
        "desktop-kde-app-v2",
        OutsideKind::Desktop,
        "org.kde.konsole",
    ),
    (
        "desktop-flatpak-v2",
        OutsideKind::Desktop,
        "com.obsproject.Studio",
    ),
    (
        "desktop-autostart-v2",
        OutsideKind::Desktop,
        "org.kde.kdeconnect-daemon",
    ),
    (
        "desktop-display-manager-v2",
        OutsideKind::Desktop,
        "gdm.service",
    ),
    ("slurm-v2", OutsideKind::Other, "Slurm job 4711"),
    ("slurm-v1", OutsideKind::Other, "Slurm job 4711"),
    ("lxc-v2", OutsideKind::Other, "LXC container trainer"),
    (
        "nspawn-v2",
        OutsideKind::Unit,
        "systemd-nspawn@trainer.service",
    ),
    (
        "virtual-machine-v2",
        OutsideKind::Unit,
        "machine-qemu\\x2d1\\x2dwindows.scope",
    ),
    ("host-v2", OutsideKind::Other, "host"),
    ("host-v1", OutsideKind::Other, "host"),
    ("host-init-v2", OutsideKind::Unit, "init.scope"),
];

#[test]
fn what_is_outside_is_named() {
    let mut fixtures = fixtures();
    for (fixture, kind, name) in OUTSIDE {
        let text = fixtures.remove(fixture).unwrap();
        let name = name.to_owned();
        let expected = Holder::Outside { kind, name };
        assert_eq!(holder_from_cgroups(&text), expected, "{fixture}");
    }
    let untold: Vec<_> = fixtures
        .keys()
        .filter(|name| !name.starts_with("pod-"))
        .collect();
    assert!(untold.is_empty(), "{untold:?}");
}

#[rstest]
#[case::podman_is_no_pod("0::/podman/work", OutsideKind::Other, "work")]
#[case::dashes_in_an_app(
    "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-org.gnome.Terminal\\x2dserver-99.scope",
    OutsideKind::Desktop,
    "org.gnome.Terminal-server"
)]
#[case::slurm_without_a_number(
    "0::/system.slice/slurmstepd.scope/system",
    OutsideKind::Unit,
    "slurmstepd.scope"
)]
#[case::an_escape(
    "0::/system.slice/\u{1b}[2J.service",
    OutsideKind::Unit,
    "\u{fffd}[2J.service"
)]
fn odd_things_outside_are_named(#[case] text: &str, #[case] kind: OutsideKind, #[case] name: &str) {
    let name = name.to_owned();
    assert_eq!(holder_from_cgroups(text), Holder::Outside { kind, name });
}

#[rstest]
#[case::empty("")]
#[case::garbage("no colons here\n\n")]
fn what_can_not_be_read_is_unknown(#[case] text: &str) {
    assert_eq!(holder_from_cgroups(text), Holder::Unknown);
}

proptest! {
    #[test]
    fn only_a_pods_group_makes_a_pod(text in "(0::|4:memory:)?[/a-z0-9_.:\\\\é-]{0,80}") {
        let pod = matches!(holder_from_cgroups(&text), Holder::Pod { .. });
        prop_assert!(!pod || text.contains("pod") || text.contains("cri"));
    }

    #[test]
    fn no_text_panics(
        part in prop::sample::select(vec![
            "pod", "-pod", "app-", "user-1.slice", "app.slice", "session-", "vte-spawn-", "job_",
            "slurm", "lxc.payload.", "openrc.", "docker-", ".scope", ".slice", ".service", "@",
        ]),
        before in "[0-9]{0,2}:.{0,8}:?[/é:]{0,3}",
        between in "[/a-f0-9-]{0,70}",
        after in ".{0,12}",
    ) {
        let text = format!("{before}{part}{between}{part}{after}\n{part}");
        if let Holder::Outside { name, .. } = holder_from_cgroups(&text) {
            prop_assert!(!name.contains(char::is_control), "{name:?}");
        }
    }
}
