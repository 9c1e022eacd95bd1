//! The app while it runs: a hand on its keys and an eye on its screen.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{WrapErr as _, bail, eyre};
use gputop_e2e::shown::Shown;
use gputop_e2e::window::{self, Canvas, Window};
use gputop_fleet::engine::{Engine, Options};
use gputop_k3s::app::{self, Effect, Session, State};
use gputop_k3s::runtime::{Console, Ended, Source as _, Stage};
use gputop_sim::{Access, Scenario, SimCluster, scenario};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;

/// Simulated time after which something that has not come is not awaited any longer.
const PATIENCE: Duration = Duration::from_secs(45);

/// Seed of all clusters here.
const SEED: u64 = 7;

/// What the app is opened on, and by whom.
pub(crate) struct Setup {
    /// What is simulated.
    pub(crate) scenario: Scenario,
    /// How the user reaches the cluster.
    pub(crate) client: fn(&SimCluster) -> kube::Client,
    /// Namespace of the kubeconfig's context.
    pub(crate) namespace: &'static str,
}

impl Setup {
    /// The homelab, for somebody who may do everything.
    pub(crate) fn homelab() -> Result<Self> {
        Ok(Self {
            scenario: scenario::builtin("homelab").ok_or_else(|| eyre!("no homelab"))?,
            client: |cluster| cluster.client_as(Access::Admin),
            namespace: "default",
        })
    }
}

/// What the app has given to the terminal beside its frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Beside {
    /// For the clipboard.
    Copied(String),
    /// A notification, with the bell.
    Notified(String),
}

/// Keeps what goes to the clipboard and to the bell.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<Beside>>>);

impl Memory {
    fn add(&self, beside: Beside) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(beside);
    }
}

impl Console for Memory {
    fn copy(&mut self, text: &str) {
        self.add(Beside::Copied(text.to_owned()));
    }

    fn notify(&mut self, text: &str) {
        self.add(Beside::Notified(text.to_owned()));
    }
}

/// The app on a cluster of its own.
pub(crate) struct App {
    /// What the app looks at.
    pub(crate) cluster: SimCluster,
    input: mpsc::Sender<io::Result<Event>>,
    window: Window,
    memory: Memory,
    task: JoinHandle<Result<()>>,
}

impl App {
    /// Starts the app on the homelab in a window of 160×44.
    pub(crate) fn start() -> Result<Self> {
        Ok(Self::open(Setup::homelab()?))
    }

    /// Starts the app in a window of 160×44.
    pub(crate) fn open(setup: Setup) -> Self {
        let options = gputop_sim::Options {
            seed: SEED,
            start: Timestamp::now(),
        };
        let cluster = SimCluster::start(setup.scenario, options);
        let epoch = Instant::now();
        let options = Options {
            agents: true,
            namespace: setup.namespace.to_owned(),
            epoch,
        };
        let engine = Engine::start(&(setup.client)(&cluster), &options);
        let session = Session {
            context: "homelab".to_owned(),
            server_version: "v1.36".to_owned(),
            namespace: setup.namespace.to_owned(),
            seed: Some(SEED),
            ..Session::default()
        };
        let state = State::new(session, engine.clock(epoch));
        let (window, canvas) = window::open(160, 44);
        let (input, events) = mpsc::channel(64);
        let events = ReceiverStream::new(events);
        let memory = Memory::default();
        let task = tokio::spawn(run(canvas, events, engine, state, epoch, memory.clone()));
        Self {
            cluster,
            input,
            window,
            memory,
            task,
        }
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

    /// The cells of the screen, with their styles.
    pub(crate) fn cells(&self) -> Buffer {
        self.window.cells()
    }

    /// What the app has given to the terminal beside its frames, the oldest first.
    pub(crate) fn beside(&self) -> Vec<Beside> {
        let all = self.memory.0.lock();
        all.unwrap_or_else(PoisonError::into_inner).clone()
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

    /// Presses a letter with control.
    pub(crate) async fn control(&self, letter: char) -> Result<()> {
        let key = KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL);
        self.send(Event::Key(key)).await
    }

    /// Clicks on a word, in the first line that has it and all of `beside`.
    pub(crate) async fn click(&self, word: &str, beside: &[&str]) -> Result<()> {
        let shown = self.shown();
        let found = shown.lines().enumerate().find_map(|(row, line)| {
            let at = line.find(word)?;
            let fits = beside.iter().all(|other| line.contains(other));
            fits.then(|| (line[..at].chars().count(), row))
        });
        let (column, row) = found.ok_or_else(|| eyre!("no {word} beside {beside:?}:\n{shown}"))?;
        self.send(Event::Mouse(MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: u16::try_from(column)?,
            row: u16::try_from(row)?,
            modifiers: KeyModifiers::NONE,
        }))
        .await
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

/// As in a terminal, but for what only a terminal can do.
async fn run(
    canvas: Canvas,
    mut events: ReceiverStream<io::Result<Event>>,
    mut engine: Engine,
    mut state: State,
    epoch: Instant,
    mut console: Memory,
) -> Result<()> {
    let Ok(mut terminal) = Terminal::new(canvas);
    for effect in app::start(&mut state) {
        if let Effect::Ask(id, ask) = effect {
            engine.ask(id, ask);
        }
    }
    let mut stage = Stage {
        terminal: &mut terminal,
        source: &mut engine,
        console: &mut console,
        state: &mut state,
        epoch,
    };
    let mut stop = pin!(std::future::pending());
    while stage.drive(&mut events, stop.as_mut()).await? != Ended::Quit {}
    Ok(())
}

/// The rows of the table whose heading has all of these titles, from the top.
pub(crate) fn rows<'a>(shown: &'a Shown, titles: &[&str]) -> Vec<&'a str> {
    let heading = |line: &&str| titles.iter().all(|title| line.contains(title));
    shown
        .lines()
        .skip_while(|line| !heading(line))
        .skip(1)
        .take_while(|line| !line.is_empty() && !line.starts_with("──"))
        .collect()
}
