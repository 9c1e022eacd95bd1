//! One watch, kept alive.

use std::fmt::Debug;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::api::ListParams;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::connect::api_problem;
use crate::engine::moment;
use crate::link::Backoff;
use crate::state::{Listing, Update, WatchState, Watched};

/// A watch that says nothing for this long (plus 5 s) is taken for dead. The server ends it by
/// itself after that time and the watch goes on without a gap.
const WATCH_SECONDS: u32 = 60;

/// Objects in one page of a list.
const PAGE: u32 = 100;

/// How often something that the user may not read is tried again.
const FORBIDDEN_RETRY: Duration = Duration::from_secs(60);

/// One watched kind: `O` as the API sends it, `T` as the store keeps it under `K`.
pub(super) struct Watcher<O, T, K, F> {
    pub(super) api: Api<O>,
    /// Where to look when the whole cluster may not be read.
    pub(super) fallback: Option<(Api<O>, String)>,
    pub(super) watched: Watched,
    pub(super) convert: fn(&O) -> T,
    pub(super) update: fn(Listing<K, T>) -> Update,
    pub(super) key: fn(&T) -> K,
    /// Sees every change before it is sent.
    pub(super) observe: F,
    pub(super) lane: mpsc::Sender<Update>,
    pub(super) epoch: Instant,
}

impl<O, T, K, F> Watcher<O, T, K, F>
where
    O: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    F: Fn(&Listing<K, T>),
{
    /// Runs until the lane is closed.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(5));
        // While only the fallback may be read: what could not be.
        let mut refused: Option<Api<O>> = None;
        while !self.lane.is_closed() {
            let ended = tokio::select! {
                ended = self.watch_once(&mut backoff) => ended,
                () = allowed_again(refused.as_ref()) => {
                    if let Some(all) = refused.take() {
                        self.api = all;
                    }
                    self.send(Update::AllNamespaces).await;
                    continue;
                }
            };
            let Some(error) = ended else { return };
            let wait = if is_forbidden(&error) {
                if let Some((api, namespace)) = &self.fallback
                    && refused.is_none()
                {
                    let (api, namespace) = (api.clone(), namespace.clone());
                    refused = Some(std::mem::replace(&mut self.api, api));
                    self.send(Update::OneNamespace(namespace)).await;
                    continue;
                }
                let why = api_problem(source(&error)).what;
                self.send(Update::Watch(self.watched, WatchState::Forbidden { why }))
                    .await;
                FORBIDDEN_RETRY
            } else {
                let why = api_problem(source(&error)).what;
                let since = moment(self.epoch);
                self.send(Update::Watch(self.watched, WatchState::Lost { since, why }))
                    .await;
                backoff.next()
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Lists, watches, and returns what ended it; `None`: nobody listens any more.
    async fn watch_once(&self, backoff: &mut Backoff) -> Option<watcher::Error> {
        let config = watcher::Config::default()
            .page_size(PAGE)
            .timeout(WATCH_SECONDS);
        let mut events = watcher(self.api.clone(), config).boxed();
        let mut list = Vec::new();
        loop {
            let listing = match events.try_next().await {
                Ok(Some(Event::Init)) => {
                    list.clear();
                    continue;
                }
                Ok(Some(Event::InitApply(object))) => {
                    list.push((self.convert)(&object));
                    continue;
                }
                Ok(Some(Event::InitDone)) => Listing::Whole(std::mem::take(&mut list)),
                Ok(Some(Event::Apply(object))) => {
                    Listing::Changed(Box::new((self.convert)(&object)))
                }
                Ok(Some(Event::Delete(object))) => {
                    Listing::Gone((self.key)(&(self.convert)(&object)))
                }
                Ok(None) => return None,
                Err(error) => return Some(error),
            };
            (self.observe)(&listing);
            let whole = matches!(listing, Listing::Whole(_));
            if !self.send((self.update)(listing)).await {
                return None;
            }
            if whole {
                backoff.reset();
                self.send(Update::Watch(self.watched, WatchState::Live))
                    .await;
            }
        }
    }

    async fn send(&self, update: Update) -> bool {
        self.lane.send(update).await.is_ok()
    }
}

/// Waits until `all` may be listed: a right can be given, or have been missing for a moment only,
/// while the API server started. For ever without one.
async fn allowed_again<O>(all: Option<&Api<O>>)
where
    O: Clone + DeserializeOwned + Debug,
{
    let Some(all) = all else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(FORBIDDEN_RETRY).await;
        if all.list(&ListParams::default().limit(1)).await.is_ok() {
            return;
        }
    }
}

/// The client's error behind a watcher's; `None` when the server sent a status in the stream.
fn source(error: &watcher::Error) -> Option<&kube::Error> {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => Some(error),
        watcher::Error::WatchError(_) | watcher::Error::NoResourceVersion => None,
    }
}

fn is_forbidden(error: &watcher::Error) -> bool {
    matches!(source(error), Some(kube::Error::Api(status)) if status.code == 403)
}
