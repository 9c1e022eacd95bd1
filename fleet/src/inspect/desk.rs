//! The asks that run, and the lane on which their answers come.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::Client;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::answer::answer;
use super::{Answer, Ask, AskId};

/// Answers that may wait before the asks are slowed down.
const LANE: usize = 32;

/// Takes asks and delivers answers.
pub(crate) struct Desk {
    client: Client,
    /// Ends with the engine.
    life: CancellationToken,
    lane: mpsc::Sender<Delivery>,
    answers: mpsc::Receiver<Delivery>,
    /// From the ask to the delivery of its last answer.
    running: Mutex<HashMap<AskId, CancellationToken>>,
}

/// An answer on its way.
struct Delivery {
    id: AskId,
    ask: CancellationToken,
    answer: Answer,
}

/// Where one ask puts its answers.
pub(super) struct Outlet {
    id: AskId,
    ask: CancellationToken,
    lane: mpsc::Sender<Delivery>,
}

impl Outlet {
    /// Waits until there is room; `false`: nobody listens any more.
    pub(super) async fn send(&self, answer: Answer) -> bool {
        let delivery = Delivery {
            id: self.id,
            ask: self.ask.clone(),
            answer,
        };
        self.lane.send(delivery).await.is_ok()
    }
}

impl Desk {
    /// A desk whose asks end with `life`.
    pub(crate) fn new(client: Client, life: CancellationToken) -> Self {
        let (lane, answers) = mpsc::channel(LANE);
        Self {
            client,
            life,
            lane,
            answers,
            running: Mutex::default(),
        }
    }

    /// What the asks go through.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Starts an ask; one that runs under the same id is cancelled.
    pub(crate) fn ask(&self, id: AskId, ask: Ask) {
        let token = self.life.child_token();
        let outlet = Outlet {
            id,
            ask: token.clone(),
            lane: self.lane.clone(),
        };
        if let Some(former) = self.running().insert(id, token.clone()) {
            former.cancel();
        }
        let client = self.client.clone();
        tokio::spawn(async move {
            let work = Box::pin(answer(&client, ask, &outlet));
            token.run_until_cancelled(work).await;
        });
    }

    /// Ends an ask. No answer of it is delivered after this.
    pub(crate) fn cancel(&self, id: AskId) {
        if let Some(token) = self.running().remove(&id) {
            token.cancel();
        }
    }

    /// The next answer of an ask that has not been cancelled. Cancel-safe; waits for ever when
    /// nothing is asked.
    pub(crate) async fn next(&mut self) -> (AskId, Answer) {
        loop {
            let Some(delivery) = self.answers.recv().await else {
                // The desk itself holds a sender.
                return std::future::pending().await;
            };
            if delivery.ask.is_cancelled() {
                continue;
            }
            if delivery.answer.is_last() {
                self.running().remove(&delivery.id);
            }
            return (delivery.id, delivery.answer);
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<AskId, CancellationToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("running", &self.running().keys())
            .finish_non_exhaustive()
    }
}
