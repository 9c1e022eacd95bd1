//! The app while it runs: a hand on its keys and an eye on its screen.

use std::io;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{WrapErr as _, bail, eyre};
use gputop_e2e::shown::Shown;
use gputop_e2e::window::{self, Window};
use gputop_fleet::engine::{Engine, Options};
use gputop_k3s::app::Session;
use gputop_k3s::runtime;
use gputop_sim::{SimCluster, scenario};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;

/// Simulated time after which something that has not come is not awaited any longer.
const PATIENCE: Duration = Duration::from_secs(45);

/// Seed of all clusters here.
const SEED: u64 = 7;

/// The app on a cluster of its own.
pub(crate) struct App {
    /// What the app looks at.
    pub(crate) cluster: SimCluster,
    input: mpsc::Sender<io::Result<Event>>,
    window: Window,
    task: JoinHandle<Result<()>>,
}

impl App {
    /// Starts the app on the homelab in a window of 160×44.
    pub(crate) fn start() -> Result<Self> {
        let homelab = scenario::builtin("homelab").ok_or_else(|| eyre!("no homelab"))?;
        let options = gputop_sim::Options {
            seed: SEED,
            start: Timestamp::now(),
        };
        let cluster = SimCluster::start(homelab, options);
        let epoch = Instant::now();
        let namespace = "default".to_owned();
        let options = Options {
            agents: true,
            namespace: namespace.clone(),
            epoch,
        };
        let engine = Engine::start(&cluster.client(), &options);
        let session = Session {
            context: "homelab".to_owned(),
            server_version: "v1.36".to_owned(),
            namespace,
            seed: Some(SEED),
            ..Session::default()
        };
        let (window, canvas) = window::open(160, 44);
        let (input, events) = mpsc::channel(64);
        let task = tokio::spawn(async move {
            let Ok(mut terminal) = Terminal::new(canvas);
            let events = ReceiverStream::new(events);
            runtime::run(&mut terminal, events, engine, session, epoch).await
        });
        Ok(Self {
            cluster,
            input,
            window,
            task,
        })
    }

    /// Starts the app and waits until all five daemons have reported.
    pub(crate) async fn settled() -> Result<Self> {
        let mut app = Self::start()?;
        app.until("all daemons", |shown| {
            shown.has("● live") && shown.has("daemons 5/5")
        })
        .await?;
        Ok(app)
    }

    /// What is on the screen.
    pub(crate) fn shown(&self) -> Shown {
        self.window.shown()
    }

    /// Presses one key.
    pub(crate) async fn press(&self, code: KeyCode) -> Result<()> {
        self.send(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
            .await
    }

    /// Presses the keys of a text one after the other.
    pub(crate) async fn write(&self, text: &str) -> Result<()> {
        for letter in text.chars() {
            self.press(KeyCode::Char(letter)).await?;
        }
        Ok(())
    }

    /// Gives the window another size.
    pub(crate) async fn resize(&self, width: u16, height: u16) -> Result<()> {
        self.window.resize(width, height);
        self.send(Event::Resize(width, height)).await
    }

    async fn send(&self, event: Event) -> Result<()> {
        self.input
            .send(Ok(event))
            .await
            .wrap_err("the app takes no input any more")
    }

    /// Waits until the screen is as wanted, and returns it; an error names `what`.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        wanted: impl Fn(&Shown) -> bool,
    ) -> Result<Shown> {
        let found = timeout(PATIENCE, async {
            loop {
                let shown = self.window.shown();
                if wanted(&shown) {
                    return Some(shown);
                }
                if !self.window.next_frame().await {
                    return None;
                }
            }
        });
        match found.await {
            Ok(Some(shown)) => Ok(shown),
            Ok(None) => bail!(
                "{what}: the app has ended; the screen was\n{}",
                self.shown()
            ),
            Err(_late) => bail!(
                "{what}: not within {PATIENCE:?}; the screen is\n{}",
                self.shown()
            ),
        }
    }

    /// Moves the cursor down from where it is, row by row, until the row contains all of these.
    pub(crate) async fn select(&mut self, words: &[&str]) -> Result<Shown> {
        for _ in 0..60 {
            let shown = self
                .until("a cursor", |shown| shown.cursor().is_some())
                .await?;
            if words.iter().all(|word| shown.selected().contains(word)) {
                return Ok(shown);
            }
            let before = shown.cursor();
            self.press(KeyCode::Down).await?;
            self.until("the next row", |shown| shown.cursor() > before)
                .await?;
        }
        bail!("no row with {words:?}; the screen is\n{}", self.shown())
    }

    /// Waits until the app ends by itself.
    pub(crate) async fn ended(self) -> Result<()> {
        let shown = self.shown();
        let ended = timeout(PATIENCE, self.task).await;
        ended.wrap_err_with(|| format!("the app goes on; the screen is\n{shown}"))??
    }
}
