//! Devices that somebody waits for, and whether they are free.
//!
//! `gputop-k3s wait` and the app's "tell me when" ask the same question: are N devices that match
//! free at once?

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use gputop_fleet::state::{Closed, DeviceRow, DeviceState, NodeRow, Picture};
use gputop_model::{
    Bytes, DeviceKind, GPU_RESOURCE_PREFIX, GpuUuid, NodeName, Readiness, is_gpu_resource,
};
use regex::{Regex, RegexBuilder};

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// How many, at once; at least one.
    pub count: usize,
    /// Memory that each has at least.
    pub vram: Option<Bytes>,
    /// Only on this node.
    pub node: Option<NodeName>,
    /// Only products like this.
    pub product: Option<Product>,
}

/// A regular expression for names of products; case does not count.
#[derive(Debug, Clone)]
pub struct Product(Regex);

impl Product {
    fn matches(&self, product: &str) -> bool {
        self.0.is_match(product)
    }
}

impl PartialEq for Product {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Product {}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// The longest expression that is tried: names of products are short.
const LONGEST: usize = 256;

impl FromStr for Product {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(format!(
                "write a part of the product's name, or a regular expression of at most {LONGEST} \
                 characters"
            ));
        }
        RegexBuilder::new(text)
            .case_insensitive(true)
            .build()
            .map(Self)
            .map_err(|error| format!("'{text}' is no regular expression: {error}"))
    }
}

/// An amount of memory as Kubernetes writes it: `20G` are 20·10⁹ bytes (so that a card that is
/// sold with 20 GB has it), `20Gi` are 20·2³⁰; `GB` and `GiB` are the same.
///
/// # Errors
/// When `text` is no such amount, or none at all.
pub fn parse_memory(text: &str) -> Result<Bytes, String> {
    let wrong = || format!("'{text}' is no amount of memory; write it like 20G, 20Gi or 512Mi");
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit.trim().trim_end_matches(['b', 'B']) {
        "k" | "K" => 1000,
        "M" => 1_000_000,
        "G" | "g" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" | "gi" => 1 << 30,
        "Ti" => 1 << 40,
        "" if unit.is_empty() => 1,
        _ => return Err(wrong()),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let places = u32::try_from(part.len()).ok().filter(|places| *places < 10);
    let tens = 10_u64.pow(places.ok_or_else(wrong)?);
    let part: u64 = match part {
        "" => 0,
        part => part.parse().map_err(|_| wrong())?,
    };
    let part = u128::from(scale) * u128::from(part) / u128::from(tens);
    let bytes = whole.checked_mul(scale).zip(u64::try_from(part).ok());
    let bytes = bytes.and_then(|(whole, part)| whole.checked_add(part));
    match bytes {
        Some(bytes @ 1..) => Ok(Bytes(bytes)),
        _ => Err(wrong()),
    }
}

impl FromStr for Wanted {
    type Err = String;

    /// `2`, `2 vram=20G`, `1 node=atlas product=3090`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let count = words.next().and_then(|word| word.parse().ok());
        let count = count.filter(|count| *count > 0);
        let mut wanted = Self {
            count: count.ok_or("begin with how many, such as: 2 vram=20G")?,
            vram: None,
            node: None,
            product: None,
        };
        for word in words {
            match word.split_once('=') {
                Some(("vram", amount)) => wanted.vram = Some(parse_memory(amount)?),
                Some(("node", name)) if !name.is_empty() => wanted.node = Some(name.into()),
                Some(("product", product)) => wanted.product = Some(product.parse()?),
                _ => {
                    return Err(format!(
                        "'{word}' is none of vram=20G, node=NAME, product=3090"
                    ));
                }
            }
        }
        Ok(wanted)
    }
}

/// Something that is free and matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Free {
    /// A device.
    Device {
        /// Where.
        node: NodeName,
        /// NVML's index of the physical GPU.
        index: u32,
        /// Which of its MIG instances, from 0; `None`: the whole GPU.
        instance: Option<usize>,
        /// Its id.
        uuid: GpuUuid,
        /// As NVML spells it.
        product: String,
        /// Profile, for a MIG instance.
        profile: Option<String>,
        /// Memory in all.
        memory: Option<Bytes>,
    },
    /// Units that the scheduler could give away.
    Units {
        /// Where.
        node: NodeName,
        /// Name of the resource.
        resource: String,
        /// How many; at least one.
        units: usize,
    },
}

/// What was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// Devices, by what the nodes' daemons say.
    Devices,
    /// Units as the scheduler counts them, because no node has a daemon. A unit may be a share of
    /// a device, and something outside the cluster may use it.
    Units,
}

/// How near the wish is to being fulfilled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// How many are wanted.
    pub wanted: usize,
    /// What was counted.
    pub basis: Basis,
    /// What is free and matches, by node.
    pub free: Vec<Free>,
    /// Devices (or nodes' units) that match and are not free, by why; what nobody can say of is
    /// `unknown`.
    pub others: BTreeMap<&'static str, usize>,
    /// Nodes with units of which nothing but their number is known: their labels do not say what
    /// the units are.
    pub unlabelled: Vec<NodeName>,
}

impl Progress {
    /// How many are free.
    #[must_use]
    pub fn count(&self) -> usize {
        self.free
            .iter()
            .map(|free| match free {
                Free::Device { .. } => 1,
                Free::Units { units, .. } => *units,
            })
            .sum()
    }

    /// Whether as many are free as are wanted.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.count() >= self.wanted
    }

    /// Whether anything matches at all, free or not.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let others: usize = self.others.values().sum();
        self.count() + others >= self.wanted
    }

    /// In words: `1 of 2 free; others that match: 3 working, 1 cordoned`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let what = match self.basis {
            Basis::Devices => "",
            Basis::Units if self.wanted == 1 => " unit",
            Basis::Units => " units",
        };
        let free = format!("{} of {}{what} free", self.count(), self.wanted);
        if self.others.is_empty() {
            return free;
        }
        let others = self.others.iter();
        let others = others.map(|(why, count)| format!("{count} {why}"));
        let others = others.collect::<Vec<_>>().join(", ");
        format!("{free}; others that match: {others}")
    }
}

/// How near `wanted` is in `picture`.
///
/// Free is a device in the state "free", on a node that takes pods, of which the daemon says so
/// now. Where no node has a daemon, units are counted instead; what they are is told by the labels
/// of GPU feature discovery (`nvidia.com/gpu.product`, `nvidia.com/gpu.memory` in MiB, and the same
/// for the name of each other resource).
///
/// `counted`: what was counted the last time. Devices stay devices: while an update replaces all
/// daemons, units that the scheduler could give away say nothing of who uses the devices.
#[must_use]
pub fn satisfied(picture: &Picture, wanted: &Wanted, counted: Option<Basis>) -> Progress {
    let mut progress = Progress {
        wanted: wanted.count,
        basis: Basis::Devices,
        free: Vec::new(),
        others: BTreeMap::new(),
        unlabelled: Vec::new(),
    };
    if picture.totals.agents_expected == 0 && counted != Some(Basis::Devices) {
        progress.basis = Basis::Units;
        for row in &picture.nodes {
            count_units(&mut progress, row, wanted);
        }
        return progress;
    }
    for row in &picture.devices {
        count_device(&mut progress, row, wanted);
    }
    for gap in &picture.gaps {
        let here = wanted.node.as_ref().is_none_or(|node| *node == gap.node);
        let like = wanted.product.as_ref().is_none_or(|product| {
            let known = gap.product.as_deref();
            known.is_none_or(|label| is_like(product, label))
        });
        if here && like {
            *progress.others.entry("unknown").or_default() += gap.devices.unwrap_or(1);
        }
    }
    progress
}

fn count_device(progress: &mut Progress, row: &DeviceRow, wanted: &Wanted) {
    let device = row.device();
    let memory = device.memory_total.get();
    let enough = wanted
        .vram
        .is_none_or(|vram| memory.is_some_and(|memory| memory >= vram));
    let here = wanted.node.as_ref().is_none_or(|node| *node == row.node);
    let like = wanted
        .product
        .as_ref()
        .is_none_or(|product| product.matches(&device.product));
    if !(enough && here && like) || device.is_partitioned() {
        return;
    }
    let why = match (row.stale, row.closed, row.state) {
        (true, _, _) => "not heard of lately",
        (_, Some(Closed::Cordoned), _) => "on a cordoned node",
        (_, Some(_), _) => "on a node that is not ready",
        (_, None, DeviceState::Free) => {
            progress.free.push(Free::Device {
                node: row.node.clone(),
                index: device.index,
                instance: row.instance(),
                uuid: device.uuid.clone(),
                product: device.product.clone(),
                profile: match &device.kind {
                    DeviceKind::MigInstance { profile, .. } => Some(profile.clone()),
                    DeviceKind::Gpu { .. } => None,
                },
                memory,
            });
            return;
        }
        (_, None, state) => state.name(),
    };
    *progress.others.entry(why).or_default() += 1;
}

fn count_units(progress: &mut Progress, row: &NodeRow, wanted: &Wanted) {
    let node = &row.info.name;
    if wanted.node.as_ref().is_some_and(|wanted| wanted != node) {
        return;
    }
    for resource in &row.resources {
        if !is_gpu_resource(&resource.name) || resource.allocatable <= 0 {
            continue;
        }
        let Some(fits) = fits(row, &resource.name, wanted) else {
            if !progress.unlabelled.contains(node) {
                progress.unlabelled.push(node.clone());
            }
            continue;
        };
        if !fits {
            continue;
        }
        let all = usize::try_from(resource.allocatable).unwrap_or_default();
        let free = resource
            .free()
            .map(|free| usize::try_from(free).unwrap_or_default());
        let (why, others) = match free {
            _ if row.info.readiness != Readiness::Ready => ("on a node that is not ready", all),
            _ if row.info.cordoned => ("on a cordoned node", all),
            None => ("unknown", all),
            Some(free) => {
                if free > 0 {
                    progress.free.push(Free::Units {
                        node: node.clone(),
                        resource: resource.name.clone(),
                        units: free,
                    });
                }
                ("requested", all.saturating_sub(free))
            }
        };
        if others > 0 {
            *progress.others.entry(why).or_default() += others;
        }
    }
}

/// Whether the units of that name are what is wanted; `None`: the node's labels do not say.
fn fits(row: &NodeRow, resource: &str, wanted: &Wanted) -> Option<bool> {
    // Shares that were renamed have the labels of what they are shares of.
    let plain = resource.strip_suffix(".shared").unwrap_or(resource);
    let label = |what: &str| row.info.labels.get(&format!("{plain}.{what}"));
    debug_assert!(plain.starts_with(GPU_RESOURCE_PREFIX));
    let memory = match wanted.vram {
        None => true,
        Some(vram) => Bytes::from_mib(label("memory")?.parse().ok()?) >= vram,
    };
    let product = match &wanted.product {
        None => true,
        Some(product) => is_like(product, label("product")?),
    };
    Some(memory && product)
}

/// Labels have no blanks: `NVIDIA-GeForce-RTX-3090` is an `RTX 3090` too.
fn is_like(product: &Product, label: &str) -> bool {
    product.matches(label) || product.matches(&label.replace('-', " "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("20G", 20_000_000_000)]
    #[case("20GB", 20_000_000_000)]
    #[case("20Gi", 20 << 30)]
    #[case("20GiB", 20 << 30)]
    #[case("1.5Gi", 3 << 29)]
    #[case("0.5G", 500_000_000)]
    #[case("24576Mi", 24 << 30)]
    #[case("4096", 4096)]
    fn memory_is_written_as_kubernetes_writes_it(#[case] text: &str, #[case] bytes: u64) {
        assert_eq!(parse_memory(text), Ok(Bytes(bytes)));
    }

    #[rstest]
    #[case("")]
    #[case("G")]
    #[case("0G")]
    #[case("-1G")]
    #[case("20X")]
    #[case("20 apples")]
    #[case("1.2.3G")]
    #[case("99999999999999999999G")]
    fn other_amounts_are_refused(#[case] text: &str) {
        assert!(parse_memory(text).is_err());
    }

    #[test]
    fn a_card_has_what_it_is_sold_with() {
        // What NVML says of an RTX 4090 and of an H100 80GB.
        assert!(Bytes::from_mib(24_564) >= parse_memory("24G").unwrap());
        assert!(Bytes::from_mib(81_559) >= parse_memory("80G").unwrap());
        assert!(Bytes::from_mib(24_564) < parse_memory("24Gi").unwrap());
    }

    #[test]
    fn a_wish_is_read_from_one_line() {
        let wanted: Wanted = "2 vram=20G node=atlas product=3090".parse().unwrap();
        assert_eq!(wanted.count, 2);
        assert_eq!(wanted.vram, Some(Bytes(20_000_000_000)));
        assert_eq!(wanted.node, Some("atlas".into()));
        assert!(wanted.product.unwrap().matches("NVIDIA GeForce RTX 3090"));
        for wrong in [
            "",
            "0",
            "two",
            "1 vram=big",
            "1 node=",
            "1 speed=9",
            "1 product=(",
        ] {
            assert!(Wanted::from_str(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn labels_are_read_as_products_without_blanks() {
        let like = |pattern: &str, label: &str| is_like(&pattern.parse().unwrap(), label);
        assert!(like("rtx 3090", "NVIDIA-GeForce-RTX-3090"));
        assert!(like("RTX-3090$", "NVIDIA-GeForce-RTX-3090"));
        assert!(like("a100.*80gb", "NVIDIA-A100-SXM4-80GB-SHARED"));
        assert!(!like("4090", "NVIDIA-GeForce-RTX-3090"));
    }

    #[test]
    fn one_unit_is_a_unit() {
        let sentence = |wanted, basis| {
            let progress = Progress {
                wanted,
                basis,
                free: Vec::new(),
                others: BTreeMap::new(),
                unlabelled: Vec::new(),
            };
            progress.sentence()
        };
        assert_eq!(sentence(1, Basis::Units), "0 of 1 unit free");
        assert_eq!(sentence(2, Basis::Units), "0 of 2 units free");
        assert_eq!(sentence(1, Basis::Devices), "0 of 1 free");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = parse_memory(&text);
            let _ = Wanted::from_str(&text);
            let _ = Product::from_str(&text);
        }
    }
}
