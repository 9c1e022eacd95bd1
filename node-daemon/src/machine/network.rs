//! What goes over the machine's network cards, from `/proc/1/net/dev`.
//!
//! Only cards count, or each byte of a pod would count again on its way through bridge and tunnel.
//! A card is an interface that stands for a device: one with `/sys/class/net/NAME/device`. Where
//! the host's `/sys` is not mounted, the name must do: [`VIRTUAL`] says which are left out.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use gputop_model::BytesPerSecond;

/// How the names of interfaces begin that are no cards: loopback, those of container networks,
/// bridges, tunnels, and those that are made of others (bonds, VLANs).
const VIRTUAL: [&str; 44] = [
    "antrea",
    "azv",
    "bond",
    "br-",
    "bridge",
    "cali",
    "cbr",
    "cilium",
    "cni",
    "docker",
    "dummy",
    "eni",
    "erspan",
    "flannel",
    "geneve",
    "genev_",
    "gke",
    "gre",
    "ifb",
    "ip6_vti",
    "ip6gre",
    "ip6tnl",
    "ip_vti",
    "ipip",
    "kube",
    "lxc",
    "lxd",
    "macvlan",
    "macvtap",
    "nodelocal",
    "ovs",
    "podman",
    "sit",
    "tailscale",
    "tap",
    "team",
    "tun",
    "veth",
    "virbr",
    "vlan",
    "vmnet",
    "vnet",
    "vxlan",
    "wg",
];

/// Bytes that went over a card, received and sent.
type Counts = (u64, u64);

/// Bytes by card.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    cards: BTreeMap<String, Counts>,
}

impl Traffic {
    /// Reads `net_dev`; `is_card` says which interfaces stand for a device, when it can be known.
    pub(super) fn parse(net_dev: &str, is_card: Option<&dyn Fn(&str) -> bool>) -> Self {
        let all: BTreeMap<_, _> = net_dev.lines().filter_map(interface).collect();
        if let Some(is_card) = is_card {
            let cards = all.iter().filter(|(name, _)| is_card(name));
            let cards: BTreeMap<_, _> = cards
                .map(|(name, counts)| (name.clone(), *counts))
                .collect();
            // In some virtual machines no interface stands for a device.
            if !cards.is_empty() {
                return Self { cards };
            }
        }
        let cards = all.into_iter().filter(|(name, _)| !is_virtual(name));
        Self {
            cards: cards.collect(),
        }
    }

    /// What was received and sent a second in the time `passed` since `before`. A card that was
    /// not there before, or began to count anew, does not count this time.
    pub(super) fn since(
        &self,
        before: &Self,
        passed: Duration,
    ) -> Option<(BytesPerSecond, BytesPerSecond)> {
        let millis = u64::try_from(passed.as_millis())
            .ok()
            .filter(|millis| *millis > 0)?;
        let mut sum: (u64, u64) = (0, 0);
        for (name, (received, sent)) in &self.cards {
            let Some((received_before, sent_before)) = before.cards.get(name) else {
                continue;
            };
            let grown = received
                .checked_sub(*received_before)
                .zip(sent.checked_sub(*sent_before));
            let (received, sent) = grown.unwrap_or_default();
            sum = (sum.0.saturating_add(received), sum.1.saturating_add(sent));
        }
        let rate = |bytes: u64| BytesPerSecond(bytes.saturating_mul(1000) / millis);
        Some((rate(sum.0), rate(sum.1)))
    }
}

/// Whether the interface `name` stands for a device, by the host's `/sys/class/net` at `classes`.
pub(super) fn has_device(classes: &Path, name: &str) -> bool {
    // The link is enough; what it points to lies outside.
    classes.join(name).join("device").symlink_metadata().is_ok()
}

/// `name: received 7 more numbers sent …`; the two lines of the head have no colon.
fn interface(line: &str) -> Option<(String, Counts)> {
    let (name, counts) = line.split_once(':')?;
    let mut counts = counts.split_ascii_whitespace();
    let received = counts.next()?.parse().ok()?;
    let sent = counts.nth(7)?.parse().ok()?;
    let name = name.trim();
    // A path must not be made of it.
    let plain = !name.is_empty() && name != "." && name != ".." && !name.contains('/');
    plain.then(|| (name.to_owned(), (received, sent)))
}

/// Whether the name is not that of a card.
fn is_virtual(name: &str) -> bool {
    let numbered_bridge = || {
        let number = name.strip_prefix("br");
        number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    name == "lo"
        // eth0.100 is a VLAN of eth0.
        || name.contains('.')
        || numbered_bridge()
        || VIRTUAL.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NET_DEV: &str = include_str!("../../tests/fixtures/proc/net_dev");

    fn names(traffic: &Traffic) -> Vec<&str> {
        traffic.cards.keys().map(String::as_str).collect()
    }

    #[test]
    fn cards_are_known_by_their_device_or_else_by_their_name() {
        let by_name = Traffic::parse(NET_DEV, None);
        assert_eq!(names(&by_name), ["enp3s0f0", "enp3s0f1"]);
        assert_eq!(by_name.cards["enp3s0f0"], (8_123_456_789, 912_345_678));
        let one = |name: &str| name == "enp3s0f1";
        assert_eq!(names(&Traffic::parse(NET_DEV, Some(&one))), ["enp3s0f1"]);
        let none = |_: &str| false;
        assert_eq!(Traffic::parse(NET_DEV, Some(&none)), by_name);
    }

    #[test]
    fn names_of_cards_are_cards() {
        for card in [
            "eth0",
            "eno1",
            "enp1s0",
            "wlan0",
            "ens1f0np0",
            "ib0",
            "enxaabb",
            "brocade0",
        ] {
            assert!(!is_virtual(card), "{card}");
        }
        for other in [
            "lo",
            "br0",
            "br-1a2b",
            "eth0.100",
            "wg0",
            "kube-ipvs0",
            "cilium_vxlan",
        ] {
            assert!(is_virtual(other), "{other}");
        }
    }

    fn traffic(cards: &[(&str, Counts)]) -> Traffic {
        let cards = cards
            .iter()
            .map(|(name, counts)| ((*name).to_owned(), *counts));
        Traffic {
            cards: cards.collect(),
        }
    }

    #[test]
    fn rates_are_sums_of_what_has_grown() {
        let before = traffic(&[("a", (1000, 100)), ("b", (5000, 5000)), ("gone", (9, 9))]);
        let after = traffic(&[("a", (6000, 350)), ("b", (10, 10)), ("new", (1 << 40, 7))]);
        let rates = after.since(&before, Duration::from_secs(5));
        assert_eq!(rates, Some((BytesPerSecond(1000), BytesPerSecond(50))));
        assert_eq!(after.since(&before, Duration::ZERO), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([a-z./é]{0,6}: ?([0-9]{1,22} ){0,17}\n){0,3}.{0,20}") {
            let traffic = Traffic::parse(&text, None);
            let rates = traffic.since(&traffic, Duration::from_millis(1));
            prop_assert_eq!(rates, Some((BytesPerSecond(0), BytesPerSecond(0))));
        }
    }
}
