//! The machine around simulated cards.

use std::time::Duration;

use gputop_model::{Bytes, BytesPerSecond, Disk, Host, Limitation, LoadAverage, Percent, Reading};

use super::NodeSpec;
use super::builtin::UPTIME;
use super::models::Model;
use super::noise::{fnv, mix, unit, wave};
use crate::machine::Machine;
use crate::source::whole_millis;

/// How often something changes, in seconds: as often as it is read on a real machine.
const PERIOD: u64 = 5;

/// Separates the numbers in here from those of the cards.
const STREAM: u64 = 0x686f_7374;

/// A made-up machine whose size fits its cards. The same seed and time always give the same values.
#[derive(Debug, Clone)]
pub struct SimulatedMachine {
    seed: u64,
    cpus: u32,
    memory: Bytes,
    disks: Vec<(&'static str, Bytes)>,
    /// How long it had run when the daemon was started.
    uptime: Duration,
}

impl SimulatedMachine {
    /// The machine of a node, which had run for `uptime` when the daemon was started; `None`: for
    /// as long as the tenants of [`builtin_tenants`](super::builtin_tenants) suppose.
    #[must_use]
    pub fn new(spec: &NodeSpec, seed: u64, uptime: Option<Duration>) -> Self {
        let seed = mix(seed ^ fnv(spec.name.as_str()) ^ STREAM);
        let server = spec.gpus.iter().any(|gpu| Model::of(&gpu.product).server);
        let gpus = u32::try_from(spec.gpus.len().clamp(1, 16)).unwrap_or(1);
        // What is usual: in a server many cores and much memory for each card.
        let (cpus, gib) = if server { (16, 128) } else { (8, 32) };
        let mut disks = vec![("/", Bytes::from_gib(if server { 447 } else { 938 }))];
        if server {
            disks.push(("/var/lib/rancher", Bytes::from_gib(3576)));
        }
        Self {
            seed,
            cpus: cpus * gpus,
            memory: Bytes::from_gib(gib * u64::from(gpus)),
            disks,
            uptime: uptime.unwrap_or(UPTIME),
        }
    }

    /// A number in 0..1 that belongs to the machine.
    fn own(&self, number: u64) -> f64 {
        unit(self.seed, number)
    }

    /// A number in 0..1 that moves with the time `at`, in seconds.
    fn moving(&self, number: u64, at: u64, step: f64) -> f64 {
        wave(mix(self.seed ^ mix(number)), at as f64, step)
    }

    /// Share of the processors that is at work.
    fn work(&self, at: u64) -> f64 {
        0.04 + 0.3 * self.own(1) + 0.2 * self.moving(1, at, 30.0)
    }

    fn rate(&self, number: u64, at: u64, most: f64) -> Reading<BytesPerSecond> {
        // Seldom much, mostly little.
        let share = self.moving(number, at, 20.0) * self.moving(number + 100, at, 90.0);
        BytesPerSecond(u64::from(whole(most * share))).into()
    }
}

impl Machine for SimulatedMachine {
    fn read(&self, now: Duration) -> Host {
        let at = now.as_secs() / PERIOD * PERIOD;
        // The average of a minute follows what was.
        let average = f64::midpoint(self.work(at), self.work(at.saturating_sub(30)));
        let held = 0.25 + 0.3 * self.own(2) + 0.05 * self.moving(2, at, 300.0);
        let numbered = self.disks.iter().zip(3..);
        let disks = numbered.map(|((mount, total), number)| Disk {
            mount: (*mount).to_owned(),
            total: *total,
            available: part(*total, 0.75 - 0.5 * self.own(number)),
        });
        Host {
            cpu: Percent::clamped(whole(100.0 * self.work(at))).into(),
            cpus: self.cpus.into(),
            load: LoadAverage(whole(100.0 * average * f64::from(self.cpus))).into(),
            memory_total: self.memory.into(),
            memory_available: part(self.memory, 1.0 - held).into(),
            disks: disks.collect::<Vec<_>>().into(),
            network_receive: self.rate(10, at, 60e6),
            network_transmit: self.rate(11, at, 25e6),
            uptime: whole_millis(self.uptime + now).into(),
            reboot_required: (self.own(5) < 0.15).into(),
            kernel: "6.8.0-52-generic".to_owned().into(),
        }
    }

    fn limitations(&self) -> Vec<Limitation> {
        Vec::new()
    }
}

/// A share of `all`, in mebibytes.
fn part(all: Bytes, share: f64) -> Bytes {
    Bytes::from_mib(u64::from(whole(all.gib() * 1024.0 * share)))
}

/// The whole part of a number that is not negative.
fn whole(number: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; float casts saturate"
    )]
    let whole = number as u32;
    whole
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::simulated::{builtin_node, builtin_tenants};

    fn machine(seed: u64) -> SimulatedMachine {
        SimulatedMachine::new(&builtin_node("n".into()), seed, None)
    }

    proptest! {
        #[test]
        fn a_machine_is_believable(seed: u64, seconds in 0u64..10_000_000) {
            let host = machine(seed).read(Duration::from_secs(seconds));
            prop_assert_eq!(host.cpus.get(), Some(16));
            prop_assert!(host.cpu.get() > Some(Percent(0)) && host.cpu.get() < Some(Percent(60)));
            prop_assert!(host.load.get() < Some(LoadAverage(1600)));
            prop_assert!(host.memory_available.get() < host.memory_total.get());
            let disks = host.disks.known().unwrap();
            prop_assert!(disks.iter().all(|disk| disk.available < disk.total));
            prop_assert!(host.network_receive.get() <= Some(BytesPerSecond(60_000_000)));
            prop_assert_eq!(&host, &machine(seed).read(Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn nothing_changes_more_often_than_it_is_read() {
        let machine = machine(1);
        let at = |seconds| Host {
            uptime: Reading::default(),
            ..machine.read(Duration::from_secs(seconds))
        };
        assert_eq!(at(100), at(104));
        assert_ne!(at(100), at(105));
    }

    #[test]
    fn processes_began_after_the_machine() {
        let uptime = machine(1).read(Duration::ZERO).uptime.get().unwrap();
        for tenant in builtin_tenants(&builtin_node("n".into())) {
            let started = Duration::from_millis(10 * tenant.start_ticks.unwrap());
            assert!(uptime >= started + tenant.age_before, "{}", tenant.name);
        }
    }
}
