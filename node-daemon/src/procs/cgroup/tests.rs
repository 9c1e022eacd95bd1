//! Shapes of `/proc/PID/cgroup` by runtime, driver and cgroup version.

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

#[rstest]
#[case::v2_systemd_burstable(
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{u_d}.slice/cri-containerd-{id}.scope"
)]
#[case::v2_systemd_guaranteed(
    "0::/kubepods.slice/kubepods-pod{u_d}.slice/cri-containerd-{id}.scope"
)]
#[case::v2_cgroupfs("0::/kubepods/besteffort/pod{uid}/{id}")]
#[case::v2_cgroupfs_guaranteed("0::/kubepods/pod{uid}/{id}")]
#[case::v1_systemd(
    "12:pids:/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{u_d}.slice/cri-containerd-{id}.scope\n0::/"
)]
#[case::v1_cgroupfs_some_at_the_root(
    "11:rdma:/\n10:memory:/kubepods/burstable/pod{uid}/{id}\n1:name=systemd:/kubepods/burstable/pod{uid}/{id}\n0::/"
)]
#[case::v1_joined_controllers("4:cpu,cpuacct:/kubepods/burstable/pod{uid}/{id}")]
#[case::crio_systemd(
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{u_d}.slice/crio-{id}.scope"
)]
#[case::crio_with_a_child(
    "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{u_d}.slice/crio-{id}.scope/container"
)]
#[case::crio_cgroupfs("0::/kubepods/burstable/pod{uid}/crio-{id}")]
#[case::cri_dockerd_systemd("0::/kubepods.slice/kubepods-pod{u_d}.slice/docker-{id}.scope")]
#[case::systemd_in_the_container("0::/kubepods/besteffort/pod{uid}/{id}/system.slice/x.service")]
#[case::own_cgroup_namespace(
    "0::/../../kubepods-burstable-pod{u_d}.slice/cri-containerd-{id}.scope"
)]
#[case::own_namespace_cgroupfs("0::/../../pod{uid}/{id}")]
#[case::mismatched_driver(
    "0::/system.slice/containerd.service/kubepods-burstable-pod{u_d}.slice:cri-containerd:{id}"
)]
#[case::nested_kubelet(
    "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod{u_d}.slice/cri-containerd-{id}.scope"
)]
#[case::cluster_in_docker(
    "0::/docker/0000000000000000000000000000000000000000000000000000000000000000/kubepods/besteffort/pod{uid}/{id}"
)]
#[case::rootless_k3s(
    "0::/user.slice/user-1000.slice/user@1000.service/app.slice/k3s-rootless.service/kubepods/besteffort/pod{uid}/{id}"
)]
fn pods_are_recognised(#[case] template: &str) {
    let Holder::Pod {
        uid, container_id, ..
    } = holder_from_cgroups(&filled(template))
    else {
        panic!("no pod in {template}");
    };
    assert_eq!(uid, Some(UID.into()));
    assert_eq!(container_id.as_deref(), Some(ID));
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

#[rstest]
#[case::docker_systemd(
    "0::/system.slice/docker-{id}.scope",
    OutsideKind::Docker,
    "8a5e9d1c0b7f"
)]
#[case::docker_cgroupfs("5:devices:/docker/{id}\n0::/", OutsideKind::Docker, "8a5e9d1c0b7f")]
#[case::podman_root(
    "0::/machine.slice/libpod-{id}.scope/container",
    OutsideKind::Docker,
    "8a5e9d1c0b7f"
)]
#[case::podman_user(
    "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{id}.scope/container",
    OutsideKind::Docker,
    "8a5e9d1c0b7f"
)]
#[case::unit("0::/system.slice/ollama.service", OutsideKind::Unit, "ollama.service")]
#[case::unit_of_a_template(
    "0::/system.slice/system-vllm.slice/vllm@7b.service",
    OutsideKind::Unit,
    "vllm@7b.service"
)]
#[case::transient(
    "0::/system.slice/run-r1234.scope",
    OutsideKind::Unit,
    "run-r1234.scope"
)]
#[case::display_manager("0::/system.slice/gdm.service", OutsideKind::Desktop, "gdm.service")]
#[case::gnome_shell(
    "0::/user.slice/user-1000.slice/user@1000.service/session.slice/org.gnome.Shell@wayland.service",
    OutsideKind::Desktop,
    "org.gnome.Shell"
)]
#[case::desktop_app(
    "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-firefox-4711.scope",
    OutsideKind::Desktop,
    "firefox"
)]
#[case::desktop_app_with_dashes(
    "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-org.gnome.Terminal\\x2dserver-99.scope",
    OutsideKind::Desktop,
    "org.gnome.Terminal-server"
)]
#[case::ssh(
    "0::/user.slice/user-1000.slice/session-3.scope",
    OutsideKind::Login,
    "session 3 of user 1000"
)]
#[case::tmux(
    "0::/user.slice/user-0.slice/user@0.service/tmux-spawn-1.scope",
    OutsideKind::Login,
    "tmux-spawn-1.scope of user 0"
)]
#[case::v1_unit(
    "12:pids:/system.slice/jellyfin.service\n11:rdma:/\n1:name=systemd:/system.slice/jellyfin.service",
    OutsideKind::Unit,
    "jellyfin.service"
)]
#[case::root("0::/", OutsideKind::Other, "host")]
#[case::podman_is_no_pod("0::/podman/work", OutsideKind::Other, "work")]
fn what_is_outside_is_named(#[case] template: &str, #[case] kind: OutsideKind, #[case] name: &str) {
    let name = name.to_owned();
    let expected = Holder::Outside { kind, name };
    assert_eq!(holder_from_cgroups(&filled(template)), expected);
}

#[rstest]
#[case::empty("")]
#[case::garbage("no colons here\n\n")]
fn what_can_not_be_read_is_unknown(#[case] text: &str) {
    assert_eq!(holder_from_cgroups(text), Holder::Unknown);
}

proptest::proptest! {
    #[test]
    fn only_a_pods_group_makes_a_pod(text in "(0::|4:memory:)?[/a-z0-9_.:\\\\é-]{0,80}") {
        let pod = matches!(holder_from_cgroups(&text), Holder::Pod { .. });
        proptest::prop_assert!(!pod || text.contains("pod") || text.contains("cri"));
    }
}
