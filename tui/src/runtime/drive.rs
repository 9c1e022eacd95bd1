//! The event loop.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr};
use crossterm::event::Event;
use futures::{Stream, StreamExt};
use gputop_fleet::engine;
use gputop_fleet::inspect::shell::ShellTarget;
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::source::News;
use super::{Console, Source};
use crate::app::{Effect, Layout, Msg, State, update};
use crate::screens;

/// Shortest time between two frames that data causes: thirty frames a second.
const FRAME: Duration = Duration::from_millis(33);

/// Shortest time between two frames that measurements cause. Each daemon reports once a second, all
/// at different times; what they say is drawn together.
const MEASURED_FRAME: Duration = Duration::from_secs(1);

/// The same where little is to move by itself.
const CALM_FRAME: Duration = Duration::from_secs(5);

/// Ages on screen go on without any news.
const TICK: Duration = Duration::from_secs(1);

/// A tick that comes so much before the next frame is due draws it.
const HURRY: Duration = Duration::from_millis(100);

/// A frame of measurements may take one part in so many of the time.
const COST_SHARE: u32 = 150;

/// What a frame is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// Keys and the mouse.
    Keys,
    /// Data, or time that has passed.
    News,
}

/// The last frame that showed new data.
#[derive(Debug, Clone, Copy)]
struct Shown {
    /// When it was on the screen.
    at: Instant,
    /// How long it took to make.
    cost: Duration,
}

/// Keys and mouse events that are taken together before a frame is drawn for them.
const INPUT_BATCH: usize = 64;

/// Why the loop was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The user quits, the input has ended, or a signal said so.
    Quit,
    /// The program is to stop as ctrl-z does.
    Suspend,
    /// The terminal is to be handed to a shell.
    Shell(ShellTarget),
    /// Another context is to be shown.
    Switch(String),
}

/// What the loop works with.
#[derive(Debug)]
pub struct Stage<'a, B: Backend, S, C> {
    /// The screen.
    pub terminal: &'a mut Terminal<B>,
    /// Where news come from.
    pub source: &'a mut S,
    /// Where the clipboard and the bell are.
    pub console: &'a mut C,
    /// The application.
    pub state: &'a mut State,
    /// The beginning of the source's moments ([`gputop_fleet::engine::Options::epoch`]).
    pub epoch: Instant,
}

impl<B, S, C> Stage<'_, B, S, C>
where
    B: Backend,
    B::Error: Send + Sync + 'static,
    S: Source,
    C: Console,
{
    /// Runs the app until something has to be done that is not the loop's, or `stop` is ready.
    pub async fn drive<I>(
        &mut self,
        input: &mut I,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Ended>
    where
        I: Stream<Item = io::Result<Event>> + Unpin,
    {
        let mut ticks = interval_at(Instant::now() + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let clock = self.source.clock(self.epoch);
        self.apply(Msg::Tick(clock));
        self.look_at_tape();
        let mut news_shown = self.show_news()?;
        // When data has come that no frame shows yet: when it is to be shown.
        let mut due: Option<Instant> = None;
        loop {
            let frame = tokio::select! {
                biased;
                event = input.next() => {
                    if let Some(ended) = self.take_input(event, input).await? {
                        return Ok(ended);
                    }
                    // What keys change is shown at once, without waiting for new tables.
                    Some(Frame::Keys)
                }
                () = &mut stop => return Ok(Ended::Quit),
                () = sleep_until(due.unwrap_or(news_shown.at)), if due.is_some() => Some(Frame::News),
                _ = ticks.tick() => {
                    let clock = self.source.clock(self.epoch);
                    if let Some(ended) = self.apply(Msg::Tick(clock)) {
                        return Ok(ended);
                    }
                    self.look_at_tape();
                    let old = news_shown.at.elapsed() + HURRY >= self.measured_frame(news_shown);
                    old.then_some(Frame::News)
                }
                news = self.source.next() => {
                    let pace = match &news {
                        News::Event(engine::Event::Reports(_) | engine::Event::Past(_)) => {
                            self.measured_frame(news_shown)
                        }
                        _ => FRAME.max(news_shown.cost * 4),
                    };
                    if let Some(ended) = self.hear(news) {
                        return Ok(ended);
                    }
                    let then = news_shown.at + pace;
                    due = Some(due.map_or(then, |due| due.min(then)));
                    None
                }
            };
            match frame {
                None => {}
                Some(Frame::Keys) => {
                    self.state.refresh_rows();
                    self.draw()?;
                }
                Some(Frame::News) => {
                    news_shown = self.show_news()?;
                    due = None;
                }
            }
        }
    }

    /// Makes the tables anew and draws them.
    fn show_news(&mut self) -> Result<Shown> {
        let begun = Instant::now();
        self.state.refresh();
        self.draw()?;
        let at = Instant::now();
        Ok(Shown {
            at,
            cost: at - begun,
        })
    }

    /// Time between two frames of measurements: the more a frame costs, the rarer they are, so that
    /// a key seldom meets one.
    fn measured_frame(&self, last: Shown) -> Duration {
        let usual = if self.state.session.reduced_motion {
            CALM_FRAME
        } else {
            MEASURED_FRAME
        };
        usual.max((last.cost * COST_SHARE).min(CALM_FRAME))
    }

    fn hear(&mut self, news: News) -> Option<Ended> {
        let clock = self.source.clock(self.epoch);
        let ended = self.apply(match news {
            News::Event(event) => Msg::Engine(event, clock),
            News::Wound(fleet) => Msg::Wound(fleet, clock),
            News::RecordingStopped(why) => Msg::RecordingStopped(why),
            News::Said(text) => Msg::Say(text),
        });
        self.look_at_tape();
        ended
    }

    /// Where the recording is that is played, and what the one lacks that is made.
    fn look_at_tape(&mut self) {
        self.state.replay_position = self.source.position();
        self.state.dropped = self.source.dropped();
    }

    /// Applies an event and those that have arrived with it, without waiting for more.
    async fn take_input<I>(
        &mut self,
        first: Option<io::Result<Event>>,
        input: &mut I,
    ) -> Result<Option<Ended>>
    where
        I: Stream<Item = io::Result<Event>> + Unpin,
    {
        let mut event = first;
        for taken in 1.. {
            let Some(some) = event else {
                return Ok(Some(Ended::Quit));
            };
            let message = message(some.wrap_err("the terminal can not be read")?);
            if let Some(ended) = message.and_then(|message| self.apply(message)) {
                return Ok(Some(ended));
            }
            if taken == INPUT_BATCH {
                break;
            }
            // Always ready. Not `now_or_never`: crossterm's stream keeps the first waker it is
            // shown, and an idle one would leave the next key lying until something else wakes the
            // loop.
            let next = poll_fn(|cx| match input.poll_next_unpin(cx) {
                Poll::Ready(next) => Poll::Ready(Some(next)),
                Poll::Pending => Poll::Ready(None),
            });
            match next.await {
                Some(next) => event = next,
                None => break,
            }
        }
        Ok(None)
    }

    /// Applies a message and carries out what follows from it, as far as it is the loop's.
    pub(super) fn apply(&mut self, msg: Msg) -> Option<Ended> {
        let effects = update(self.state, msg);
        self.carry_out(effects)
    }

    /// Carries out what is the loop's; returns the first that is not.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) -> Option<Ended> {
        let mut ended = None;
        for effect in effects {
            match effect {
                Effect::Ask(id, ask) => self.source.ask(id, ask),
                Effect::Cancel(id) => self.source.cancel(id),
                Effect::Interest(interest) => self.source.interest(interest),
                Effect::Seek(seek) => self.source.seek(seek),
                Effect::Copy(text) => self.console.copy(&text),
                Effect::Notify(text) => self.console.notify(&text),
                Effect::Quit => return Some(Ended::Quit),
                Effect::Suspend => ended = Some(Ended::Suspend),
                Effect::Shell(target) => ended = Some(Ended::Shell(target)),
                Effect::SwitchContext(name) => ended = Some(Ended::Switch(name)),
            }
        }
        ended
    }

    fn draw(&mut self) -> Result<()> {
        let mut layout = Layout::default();
        let state = &*self.state;
        self.terminal
            .draw(|frame| layout = screens::draw(state, frame))
            .wrap_err("the terminal can not be written to")?;
        self.apply(Msg::Drawn(layout));
        Ok(())
    }
}

fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) => Some(Msg::Key(key)),
        Event::Mouse(mouse) => Some(Msg::Mouse(mouse)),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(width, height) => Some(Msg::Resize(width, height)),
        Event::FocusGained | Event::FocusLost => None,
    }
}
