//! Threads that may be parked in a call of a driver that was loaded anew since.
//!
//! What hangs in the driver may hang there for ever, and a driver may come and go for ever. The
//! thread of a card is therefore started only when no earlier one is left at that card.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What a thread is for; one lives for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Post {
    /// Asks the card with that index of NVML's.
    Gpu(u32),
    /// Listens to what the driver reports.
    Events,
}

/// The posts that are taken, by threads of this opening of NVML or of an earlier one.
#[derive(Debug, Clone, Default)]
pub(super) struct Posts(Arc<Mutex<BTreeSet<Post>>>);

/// A post that is taken until this is dropped, by the thread that ends.
#[derive(Debug)]
pub(super) struct Taken {
    posts: Posts,
    post: Post,
}

impl Posts {
    /// `None`: an earlier thread has it.
    fn take(&self, post: Post) -> Option<Taken> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(post).then(|| Taken {
            posts: self.clone(),
            post,
        })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut taken = self.posts.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.post);
    }
}

/// Starts a thread that keeps what it is given until its end; returns this side of it.
type Start<T> = dyn FnOnce(Taken) -> io::Result<T> + Send;

/// This side of a thread that is started as soon as its post is free.
pub(super) struct Late<T> {
    posts: Posts,
    post: Post,
    started: OnceLock<T>,
    start: Mutex<Option<Box<Start<T>>>>,
}

impl<T> std::fmt::Debug for Late<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let started = self.started.get().is_some();
        f.debug_struct("Late")
            .field("post", &self.post)
            .field("started", &started)
            .finish_non_exhaustive()
    }
}

impl<T> Late<T> {
    /// Starts the thread at once if `post` is free.
    ///
    /// # Errors
    /// It could not be started.
    pub(super) fn new(
        posts: &Posts,
        post: Post,
        start: impl FnOnce(Taken) -> io::Result<T> + Send + 'static,
    ) -> io::Result<Self> {
        let late = Self {
            posts: posts.clone(),
            post,
            started: OnceLock::new(),
            start: Mutex::new(Some(Box::new(start))),
        };
        late.try_start()?;
        Ok(late)
    }

    /// One that has been started.
    #[cfg(test)]
    pub(super) fn of(started: T) -> Self {
        Self {
            posts: Posts::default(),
            post: Post::Events,
            started: OnceLock::from(started),
            start: Mutex::default(),
        }
    }

    /// This side of the thread; `None`: an earlier one still has its post.
    pub(super) fn get(&self) -> Option<&T> {
        if self.started.get().is_none()
            && let Err(error) = self.try_start()
        {
            tracing::warn!(post = ?self.post, %error, "a thread could not be started");
        }
        self.started.get()
    }

    fn try_start(&self) -> io::Result<()> {
        let mut start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        if start.is_some()
            && let Some(taken) = self.posts.take(self.post)
            && let Some(start) = start.take()
        {
            // Nobody else sets it: `start` is there once.
            let _ = self.started.set(start(taken)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_starts_when_the_earlier_one_has_ended() {
        let posts = Posts::default();
        let first = Late::new(&posts, Post::Gpu(1), Ok).unwrap();
        assert!(first.get().is_some());
        let second = Late::new(&posts, Post::Gpu(1), Ok).unwrap();
        assert!(second.get().is_none(), "the first has it");
        let other = Late::new(&posts, Post::Gpu(2), Ok).unwrap();
        assert!(other.get().is_some());
        // A third opening, and only one of those that wait gets the post.
        let third = Late::new(&posts, Post::Gpu(1), Ok).unwrap();
        drop(first);
        assert!(third.get().is_some() && second.get().is_none());
        drop(third);
        assert!(second.get().is_some());
    }

    #[test]
    fn a_thread_that_does_not_start_leaves_its_post() {
        let posts = Posts::default();
        let failed = Late::<()>::new(&posts, Post::Events, |_| {
            Err(io::ErrorKind::OutOfMemory.into())
        });
        assert!(failed.is_err());
        assert!(Late::new(&posts, Post::Events, Ok).unwrap().get().is_some());
    }
}
