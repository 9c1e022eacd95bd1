//! Each client is told in the way that it understands.

use std::sync::Arc;

use tokio::sync::watch;

use crate::big::{Size, snapshot};
use crate::client::Connection;

const SMALL: Size = Size {
    gpus: 2,
    instances: 1,
    processes: 3,
};

#[tokio::test]
async fn clients_of_every_protocol_see_the_same() {
    // The watcher refuses a delta where it asked for steps, and the other way round.
    for protocol in [0, 1, 99] {
        let (publish, snapshots) = watch::channel(Arc::new(snapshot(SMALL, 1)));
        let mut connection = Connection::open(snapshots).await;
        let mut watcher = connection.watch(protocol).await;
        assert_eq!(watcher.next().await, &snapshot(SMALL, 1));
        let mut fewer = snapshot(SMALL, 2);
        fewer.processes.remove(1);
        fewer.devices.truncate(2);
        for published in [fewer, snapshot(SMALL, 3)] {
            publish.send_replace(Arc::new(published.clone()));
            assert_eq!(watcher.next().await, &published, "protocol {protocol}");
        }
    }
}
