//! One watch, kept alive.

use std::time::Duration;

use gputop_model::Moment;
use kube::api::{ListParams, WatchParams};
use kube::core::WatchEvent;
use kube::{Client, ResourceExt};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::patience::Patience;
use super::rights;
use super::wire::{Events, Failure, Kind, Page, Place};
use crate::engine::moment;
use crate::link::random;
use crate::state::{Listing, Update, WatchState, Watched};

/// The server ends a watch by itself after that time, and it goes on without a gap.
const WATCH_SECONDS: u32 = 60;

/// A watch that says nothing for this long is taken for dead.
const SILENCE: Duration = Duration::from_secs(65);

/// A watch that the server ends in good order before that was hardly worth opening.
const SHORT: Duration = Duration::from_secs(1);

/// Objects in one page of a list: a few round trips for a large cluster on a slow line, and a few
/// megabytes at a time.
const PAGE: u32 = 250;

/// What a namespace's name can not have in it, and a path must not.
const NOT_IN_NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.');

/// One watched kind: `O` as the API sends it, `T` as the store keeps it under `K`.
pub(super) struct Watcher<O, T, K, F> {
    pub(super) client: Client,
    /// Such as `pods`.
    pub(super) resource: &'static str,
    /// The namespace to look at when the whole cluster may not be read; `None`: there are none.
    pub(super) fallback: Option<String>,
    pub(super) watched: Watched,
    pub(super) convert: fn(&O) -> T,
    pub(super) update: fn(Listing<K, T>) -> Update,
    pub(super) key: fn(&T) -> K,
    /// Sees every change before it is sent.
    pub(super) observe: F,
    pub(super) lane: mpsc::Sender<Update>,
    pub(super) epoch: Instant,
}

/// What has become of a watch so far.
#[derive(Default)]
struct Progress {
    /// The namespace that is left when the whole cluster may not be read.
    namespace: Option<String>,
    /// Everybody knows that it is one namespace only.
    narrow: bool,
    /// From where the watch goes on; `None`: the list comes first.
    version: Option<String>,
    /// Everybody knows that it is live.
    live: bool,
    patience: Patience,
}

/// Nobody listens any more, or why the watch ended.
enum End {
    Closed,
    Failed(Failure),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<O, T, K, F> Watcher<O, T, K, F>
where
    O: ResourceExt + DeserializeOwned + Send + 'static,
    F: Fn(&Listing<K, T>),
{
    /// Runs until the lane is closed.
    pub(super) async fn run(self) {
        let mut progress = Progress::default();
        while !self.lane.is_closed() {
            let refused = progress.namespace.is_some();
            let ended = tokio::select! {
                ended = self.follow(&mut progress) => ended,
                () = self.all_allowed(), if refused => {
                    progress.namespace = None;
                    progress.version = None;
                    continue;
                }
            };
            let failure = match ended {
                Ok(never) => match never {},
                Err(End::Closed) => return,
                Err(End::Failed(failure)) => failure,
            };
            tracing::debug!(resource = self.resource, ?failure, "watch ended");
            let gone_on = if failure.kind == Kind::Forbidden {
                self.forbidden(&mut progress, failure).await
            } else {
                self.failed(&mut progress, failure).await
            };
            if gone_on.is_err() {
                return;
            }
        }
    }

    /// Waits as long as the failure asks for.
    async fn failed(&self, progress: &mut Progress, failure: Failure) -> Result<(), End> {
        let next = progress.patience.failed(failure.kind, self.now(), random());
        if next.list {
            progress.version = None;
        }
        if next.tell {
            progress.live = false;
            let since = self.now();
            let why = failure.why.what;
            let lost = WatchState::Lost { since, why };
            self.send(Update::Watch(self.watched, lost)).await?;
        }
        sleep(next.wait).await;
        Ok(())
    }

    /// Falls back to what may be read, or waits until it may.
    async fn forbidden(&self, progress: &mut Progress, failure: Failure) -> Result<(), End> {
        progress.version = None;
        progress.live = false;
        if let Some(namespace) = &self.fallback
            && progress.namespace.is_none()
        {
            progress.namespace = Some(namespace.clone());
            progress.narrow = true;
            return self.send(Update::OneNamespace(namespace.clone())).await;
        }
        let why = failure.why.what;
        self.send(Update::Watch(self.watched, WatchState::Forbidden { why }))
            .await?;
        let namespace = progress.namespace.clone();
        tokio::select! {
            () = rights::allowed(&self.client, self.resource, namespace.as_deref()) => {}
            () = self.all_allowed(), if namespace.is_some() => progress.namespace = None,
        }
        Ok(())
    }

    async fn all_allowed(&self) {
        rights::allowed(&self.client, self.resource, None).await;
    }

    /// Lists if it has to, and watches; returns what ended it.
    async fn follow(&self, progress: &mut Progress) -> Result<std::convert::Infallible, End> {
        let place = self.place(progress.namespace.as_deref());
        let mut version = match progress.version.take() {
            Some(version) => version,
            None => self.list(&place, progress).await?,
        };
        loop {
            // Kept when this is cancelled or fails.
            progress.version = Some(version.clone());
            let params = WatchParams::default().timeout(WATCH_SECONDS);
            let events = place.watch(&params, &version).await?;
            let began = Instant::now();
            let ended = self.deliver(events, &mut version, progress).await;
            progress.version = Some(version.clone());
            progress.patience.lived(began.elapsed());
            ended?;
            if began.elapsed() < SHORT {
                sleep(progress.patience.hurried(random())).await;
            }
        }
    }

    /// Takes the whole list, page by page; returns its version.
    async fn list(&self, place: &Place, progress: &mut Progress) -> Result<String, End> {
        let mut params = ListParams::default().limit(PAGE);
        let mut all = Vec::new();
        loop {
            let page: Page<O> = place.page(&params).await?;
            all.extend(page.items.iter().map(self.convert));
            params.continue_token = page.more();
            if params.continue_token.is_none() {
                let version = page.version()?;
                self.deliver_one(Listing::Whole(all)).await?;
                // Not before they are there: what is free would be wrong in between.
                if progress.narrow && progress.namespace.is_none() {
                    progress.narrow = false;
                    self.send(Update::AllNamespaces).await?;
                }
                self.is_live(progress).await?;
                return Ok(version);
            }
        }
    }

    /// Delivers events until the watch ends in good order, or fails.
    async fn deliver(
        &self,
        mut events: Events<O>,
        version: &mut String,
        progress: &mut Progress,
    ) -> Result<(), End> {
        // The server has taken the watch up from where it was: nothing is missing.
        self.is_live(progress).await?;
        loop {
            let event = timeout(SILENCE, events.next())
                .await
                .map_err(|_| Failure::silent("the API server does not say anything any more"))?;
            let (object, gone) = match event {
                None => return Ok(()),
                Some(Err(failure)) => return Err(failure.into()),
                Some(Ok(WatchEvent::Bookmark(bookmark))) => {
                    *version = bookmark.metadata.resource_version;
                    continue;
                }
                // Errors come as failures.
                Some(Ok(WatchEvent::Error(_))) => continue,
                Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))) => {
                    (object, false)
                }
                Some(Ok(WatchEvent::Deleted(object))) => (object, true),
            };
            let known = (self.convert)(&object);
            let listing = if gone {
                Listing::Gone((self.key)(&known))
            } else {
                Listing::Changed(Box::new(known))
            };
            if let Some(next) = object.resource_version().filter(|next| !next.is_empty()) {
                *version = next;
            }
            self.deliver_one(listing).await?;
        }
    }

    async fn deliver_one(&self, listing: Listing<K, T>) -> Result<(), End> {
        (self.observe)(&listing);
        self.send((self.update)(listing)).await
    }

    async fn is_live(&self, progress: &mut Progress) -> Result<(), End> {
        if !progress.live {
            progress.live = true;
            self.send(Update::Watch(self.watched, WatchState::Live))
                .await?;
        }
        Ok(())
    }

    fn place(&self, namespace: Option<&str>) -> Place {
        let path = match namespace {
            Some(namespace) => {
                let namespace = utf8_percent_encode(namespace, NOT_IN_NAMES);
                format!("/api/v1/namespaces/{namespace}/{}", self.resource)
            }
            None => format!("/api/v1/{}", self.resource),
        };
        Place {
            client: self.client.clone(),
            path,
        }
    }

    fn now(&self) -> Moment {
        moment(self.epoch)
    }

    async fn send(&self, update: Update) -> Result<(), End> {
        self.lane.send(update).await.map_err(|_| End::Closed)
    }
}
