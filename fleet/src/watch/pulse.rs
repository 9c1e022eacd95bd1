//! Whether the API server answers at all. A server that hangs ends no watch: the last words of one
//! would look like news for a minute.

use std::time::Duration;

use kube::Client;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::connect::api_problem;
use crate::engine::moment;
use crate::state::{Update, WatchState, Watched};

/// Time between two questions; the request is the server's cheapest (`/version`).
const PERIOD: Duration = Duration::from_secs(5);

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(4);

/// Asks until the lane is closed, and says when the answer changes.
pub(super) async fn pulse(client: Client, lane: mpsc::Sender<Update>, epoch: Instant) {
    let mut lost = None;
    loop {
        tokio::time::sleep(PERIOD).await;
        let asked = moment(epoch);
        let why = match tokio::time::timeout(LIMIT, client.apiserver_version()).await {
            // It answers, if only to refuse.
            Ok(Ok(_) | Err(kube::Error::Api(_))) => None,
            Ok(Err(error)) => Some(api_problem(Some(&error)).what),
            Err(_silent) => Some("the API server does not answer".to_owned()),
        };
        if why.is_none() && lost.is_none() {
            continue;
        }
        let state = match why {
            None => {
                lost = None;
                WatchState::Live
            }
            Some(why) => {
                let since = *lost.get_or_insert(asked);
                WatchState::Lost { since, why }
            }
        };
        if lane
            .send(Update::Watch(Watched::Server, state))
            .await
            .is_err()
        {
            return;
        }
    }
}
