//! Messages of the largest node that is thought of.

use std::sync::Arc;

use gputop_proto::{delta, pb, step};
use prost::Message as _;
use tokio::sync::watch;

use crate::big::{Size, snapshot};
use crate::client::Connection;

/// Sixteen cards in seven instances each, 512 processes with the longest names that there are.
const LARGEST: Size = Size {
    gpus: 16,
    instances: 7,
    processes: 512,
};

/// What a gRPC client takes unless it is told otherwise.
const LIMIT: usize = 4 * 1024 * 1024;

#[test]
fn the_largest_node_stays_far_below_the_limit() {
    let (before, after) = (snapshot(LARGEST, 1), snapshot(LARGEST, 2));
    let whole = pb::Snapshot::from(&after).encoded_len();
    let delta = delta(&before, &after).encoded_len();
    let small = step(&before, &after).encoded_len();
    let mut new = after.clone();
    for process in &mut new.processes {
        process.pid += 100_000;
    }
    let renewed = step(&before, &new).encoded_len();
    for size in [whole, delta, small, renewed] {
        assert!(size < LIMIT / 4, "{size} bytes");
    }
    assert!(small * 20 < whole, "{small} of {whole} bytes");
}

#[tokio::test]
async fn the_largest_node_passes_through() {
    for protocol in [0, 1] {
        let (publish, snapshots) = watch::channel(Arc::new(snapshot(LARGEST, 1)));
        let mut connection = Connection::open(snapshots).await;
        let mut watcher = connection.watch(protocol).await;
        assert_eq!(watcher.next().await, &snapshot(LARGEST, 1));
        publish.send_replace(Arc::new(snapshot(LARGEST, 2)));
        assert_eq!(watcher.next().await, &snapshot(LARGEST, 2));
    }
}
