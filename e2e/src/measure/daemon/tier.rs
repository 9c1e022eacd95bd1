//! What is asked every second, against the calls alone. In this process, on one card.

use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use gputop_node::source::nvml::NvmlSource;
use gputop_node::source::{Round, Source as _};
use gputop_nvml_mock::library;
use tokio::time::Instant;

use super::Daemon;
use super::machine::{CALL_US, Machine};
use crate::measure::median;
use crate::measure::table::Row;

/// Seconds that are sampled.
const SECONDS: u64 = 300;

pub(super) fn measure(subject: &Daemon) -> Result<Vec<Row>> {
    let machine = Machine::new(&subject.library, 1)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let source = NvmlSource::of(machine.library());
    let calls = || -> Result<u64> {
        let calls = library::calls(&machine.library()).ok_or_eyre("the mock is not loaded")?;
        Ok(calls.values().sum())
    };
    let mut times = Vec::new();
    let mut bare = Vec::new();
    for second in 0..SECONDS {
        let before = if second == 0 { 0 } else { calls()? };
        let began = Instant::now();
        let round = Round::watched(Duration::from_secs(second));
        let sample = runtime.block_on(source.sample(round));
        let time = began.elapsed();
        ensure!(
            second == 0 || !sample.devices.is_empty(),
            "the mock has no card: {:?}",
            sample.driver
        );
        // Seconds in which something else is due, too, have more calls than these.
        times.push(time);
        bare.push(calls()? - before);
    }
    let fewest = *bare.iter().min().ok_or_eyre("nothing was sampled")?;
    let fast = times
        .iter()
        .zip(&bare)
        .filter(|(_, calls)| **calls == fewest);
    let time = median(fast.map(|(time, _)| *time).collect());
    let alone = Duration::from_micros(fewest * CALL_US);
    Ok(vec![
        Row::time("a second's questions to one card", time),
        Row::time("its calls alone, at 5 µs each", alone),
    ])
}
