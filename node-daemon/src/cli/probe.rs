//! `gputop-node probe`.

use std::io::{ErrorKind, Write as _};
use std::sync::Arc;
use std::time::Duration;

use color_eyre::Section as _;
use color_eyre::eyre::{Result, WrapErr as _};
use gputop_model::NodeSnapshot;
use tokio_util::sync::CancellationToken;

use super::{Format, ProbeArgs, json, table};

/// Time between the two samples.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long the first sample may take; opening NVML without persistence mode takes seconds.
const LIMIT: Duration = Duration::from_secs(20);

pub(super) async fn run(args: ProbeArgs) -> Result<()> {
    let snapshot = second_sample(&args).await?;
    let text = match args.output {
        Format::Table => table::table(&snapshot),
        Format::Json => format!("{:#}\n", json::probe(&snapshot)),
    };
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // Someone reads the first lines only.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.wrap_err("standard output can not be written"),
    }
}

/// Some values, such as the utilization of processes, need two samples.
async fn second_sample(args: &ProbeArgs) -> Result<Arc<NodeSnapshot>> {
    let cancel = CancellationToken::new();
    let _ends = cancel.clone().drop_guard();
    let sampler = super::telemetry::start(&args.telemetry, INTERVAL, cancel)?;
    let mut snapshots = sampler.subscribe();
    let first = snapshots.wait_for(|snapshot| snapshot.sequence > 0);
    tokio::time::timeout(LIMIT, first)
        .await
        .wrap_err("nothing could be sampled in 20 s")
        .suggestion("look for a hanging driver in the kernel's log: dmesg | grep -i nvrm")?
        .wrap_err("the sampling has ended by itself")?;
    // The second is published only where it differs; half an interval more is enough for both.
    tokio::time::sleep(INTERVAL + INTERVAL / 2).await;
    Ok(sampler.latest())
}
