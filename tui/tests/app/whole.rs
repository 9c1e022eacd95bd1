//! The event loop on a screen in memory, under paused time.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use color_eyre::eyre::Result;
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use futures::Stream;
use gputop_fleet::engine::Event;
use gputop_k3s::app::State;
use gputop_k3s::runtime::{Ended, News, NoConsole, Probe, Source, Stage, run};
use ratatui::Terminal;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;

use super::support::{events, lost, session};

/// News from the test.
struct Told(mpsc::Receiver<Event>);

impl Source for Told {
    async fn next(&mut self) -> News {
        match self.0.recv().await {
            Some(event) => News::Event(event),
            None => std::future::pending().await,
        }
    }
}

/// The running app with everything that goes into it and what comes out.
struct App {
    keys: mpsc::Sender<io::Result<Input>>,
    news: mpsc::Sender<Event>,
    stop: Option<oneshot::Sender<()>>,
    screen: Probe,
    task: JoinHandle<Result<()>>,
}

fn start() -> App {
    let (keys, input) = mpsc::channel(100);
    let (news, told) = mpsc::channel(1000);
    let (stop, stopped) = oneshot::channel::<()>();
    let (backend, screen) = Probe::new(100, 30);
    let task = tokio::spawn(async move {
        let Ok(mut terminal) = Terminal::new(backend);
        let mut input = ReceiverStream::new(input);
        let stopped = async {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let epoch = Instant::now();
        let mut source = Told(told);
        let mut state = State::new(session(), source.clock(epoch));
        let mut stage = Stage {
            terminal: &mut terminal,
            source: &mut source,
            console: &mut NoConsole,
            state: &mut state,
            epoch,
        };
        let ended = stage.drive(&mut input, std::pin::pin!(stopped)).await?;
        assert_eq!(ended, Ended::Quit);
        Ok(())
    });
    App {
        keys,
        news,
        stop: Some(stop),
        screen,
        task,
    }
}

impl App {
    async fn press(&self, code: KeyCode) {
        let key = KeyEvent::new(code, KeyModifiers::NONE);
        self.keys
            .send(Ok(Input::Key(key)))
            .await
            .expect("the app reads keys");
    }

    async fn tell_all(&self) {
        for event in events() {
            self.news.send(event).await.expect("the app listens");
        }
    }

    async fn shows(&mut self, wanted: &str) -> String {
        let found = timeout(
            Duration::from_secs(5),
            self.screen.until(|text| text.contains(wanted)),
        );
        let Ok(found) = found.await else {
            panic!("no {wanted:?} on\n{}", self.screen.text())
        };
        found.unwrap_or_else(|last| panic!("ended without {wanted:?}:\n{last}"))
    }

    async fn ends(self) -> Result<()> {
        timeout(Duration::from_secs(1), self.task)
            .await
            .expect("it ends")
            .expect("no panic")
    }
}

#[tokio::test(start_paused = true)]
async fn from_nothing_to_a_cluster_to_the_end() {
    let mut app = start();
    app.shows("Asking the API server").await;
    app.tell_all().await;
    app.shows("forge-01").await;
    app.press(KeyCode::Char('2')).await;
    app.shows("◔ idle").await;
    app.press(KeyCode::Char('q')).await;
    app.ends().await.expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn news_are_drawn_at_most_thirty_times_a_second() {
    let mut app = start();
    app.shows("Asking the API server").await;
    app.tell_all().await;
    app.shows("anvil").await;
    let before = app.screen.frames();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(900) {
        app.tell_all().await;
        sleep(Duration::from_millis(1)).await;
    }
    let frames = app.screen.frames() - before;
    assert!((20..=31).contains(&frames), "{frames} frames");
}

#[tokio::test(start_paused = true)]
async fn a_key_is_drawn_at_once() {
    let mut app = start();
    app.tell_all().await;
    app.shows("anvil").await;
    let begun = Instant::now();
    app.press(KeyCode::Char('?')).await;
    app.shows("All tables").await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_drawn_between_ticks_while_nothing_happens() {
    let mut app = start();
    app.tell_all().await;
    app.shows("anvil").await;
    let before = app.screen.frames();
    sleep(Duration::from_millis(10_500)).await;
    let frames = app.screen.frames() - before;
    assert!(
        (10..=11).contains(&frames),
        "{frames} frames in ten seconds"
    );
}

#[tokio::test(start_paused = true)]
async fn with_the_api_gone_the_last_state_stays_and_keys_work() {
    let mut app = start();
    app.tell_all().await;
    app.shows("anvil").await;
    app.news.send(lost(0)).await.expect("the app listens");
    app.shows("API lost").await;
    sleep(Duration::from_secs(20)).await;
    let text = app.shows("API lost 20 s ago: connection refused").await;
    assert!(
        text.contains("showing the last state") && text.contains("anvil"),
        "{text}"
    );
    app.press(KeyCode::Char('3')).await;
    app.shows("ml/notebook-anna").await;
    // And it comes back by itself.
    app.tell_all().await;
    app.shows("● live").await;
    app.press(KeyCode::Char('q')).await;
    app.ends().await.expect("a good end");
}

// In real time: paused time stands still as long as there is anything to do.
#[tokio::test]
async fn keys_are_not_held_up_by_a_flood_of_news() {
    let mut app = start();
    app.shows("Asking the API server").await;
    let news = app.news.clone();
    let flood = tokio::spawn(async move {
        loop {
            for event in events() {
                if news.send(event).await.is_err() {
                    return;
                }
            }
        }
    });
    app.shows("anvil").await;
    app.press(KeyCode::Char('4')).await;
    app.shows("whisper-server").await;
    app.press(KeyCode::Char('q')).await;
    app.ends().await.expect("a good end");
    flood.abort();
}

#[tokio::test(start_paused = true)]
async fn a_signal_ends_it() {
    let mut app = start();
    app.shows("Asking the API server").await;
    app.stop
        .take()
        .expect("not yet stopped")
        .send(())
        .expect("the app listens");
    app.ends().await.expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_input_ends_it() {
    let mut app = start();
    app.shows("Asking the API server").await;
    let App { keys, task, .. } = app;
    drop(keys);
    timeout(Duration::from_secs(1), task)
        .await
        .expect("it ends")
        .expect("no panic")
        .expect("good");
}

#[tokio::test(start_paused = true)]
async fn a_broken_terminal_is_an_error() {
    let mut app = start();
    app.shows("Asking the API server").await;
    app.keys
        .send(Err(io::Error::other("gone")))
        .await
        .expect("the app reads keys");
    let error = app.ends().await.expect_err("an error");
    assert!(error.to_string().contains("can not be read"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn ages_go_on_without_news() {
    let mut app = start();
    app.tell_all().await;
    app.shows("anvil").await;
    advance(Duration::from_secs(1100)).await;
    app.press(KeyCode::Char('2')).await;
    app.shows("stale").await;
}

/// Keys that wake only who asked first, as crossterm's stream does.
#[derive(Clone, Default)]
struct FirstWaker(Arc<Mutex<(VecDeque<Input>, Option<Waker>)>>);

impl Stream for FirstWaker {
    type Item = io::Result<Input>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut inner = self.0.lock().unwrap();
        if let Some(event) = inner.0.pop_front() {
            return Poll::Ready(Some(Ok(event)));
        }
        inner.1.get_or_insert_with(|| cx.waker().clone());
        Poll::Pending
    }
}

impl FirstWaker {
    fn press(&self, code: KeyCode) {
        let mut inner = self.0.lock().unwrap();
        inner
            .0
            .push_back(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        if let Some(waker) = inner.1.take() {
            waker.wake();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_key_wakes_the_loop_by_itself() {
    let keys = FirstWaker::default();
    let input = keys.clone();
    let (_news, told) = mpsc::channel(1);
    let (backend, mut screen) = Probe::new(100, 30);
    let task = tokio::spawn(async move {
        let Ok(mut terminal) = Terminal::new(backend);
        run(&mut terminal, input, Told(told), session(), Instant::now()).await
    });
    screen.until(|text| text.contains("Asking")).await.unwrap();
    let begun = Instant::now();
    for _ in 0..3 {
        keys.press(KeyCode::Char('?'));
        screen
            .until(|text| text.contains("All tables"))
            .await
            .unwrap();
        keys.press(KeyCode::Esc);
        screen.until(|text| text.contains("Asking")).await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    keys.press(KeyCode::Char('q'));
    task.await.unwrap().unwrap();
}
