//! The event loop.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr};
use crossterm::event::Event;
use futures::{Stream, StreamExt};
use gputop_fleet::engine::moment;
use gputop_model::Clock;
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::Backend;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::Source;
use crate::app::{Effect, Layout, Msg, Session, State, update};
use crate::screens;

/// Shortest time between two frames that data causes: thirty frames a second.
const FRAME: Duration = Duration::from_millis(33);

/// Ages on screen go on without any news.
const TICK: Duration = Duration::from_secs(1);

/// Keys and mouse events that are taken together before a frame is drawn for them.
const INPUT_BATCH: usize = 64;

/// Runs the app until the user quits, the input ends, or `stop` is ready.
pub async fn drive<B, I, S>(
    terminal: &mut Terminal<B>,
    mut input: I,
    mut source: S,
    session: Session,
    epoch: Instant,
    stop: impl Future<Output = ()>,
) -> Result<()>
where
    B: Backend,
    B::Error: Send + Sync + 'static,
    I: Stream<Item = io::Result<Event>> + Unpin,
    S: Source,
{
    let mut state = State::new(session, clock(epoch));
    let mut stop = std::pin::pin!(stop);
    let mut ticks = interval_at(Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    draw(terminal, &mut state)?;
    let mut next_frame = Instant::now() + FRAME;
    // Data has come that no frame shows yet.
    let mut pending = false;
    loop {
        let at_once = tokio::select! {
            biased;
            event = input.next() => {
                if take_input(&mut state, event, &mut input).await? {
                    return Ok(());
                }
                true
            }
            () = &mut stop => return Ok(()),
            () = sleep_until(next_frame), if pending => true,
            _ = ticks.tick() => {
                apply(&mut state, Some(Msg::Tick(clock(epoch))));
                true
            }
            event = source.next() => {
                apply(&mut state, Some(Msg::Engine(event, clock(epoch))));
                pending = true;
                false
            }
        };
        if at_once {
            draw(terminal, &mut state)?;
            next_frame = Instant::now() + FRAME;
            pending = false;
        }
    }
}

/// Applies an event and those that have arrived with it, without waiting for more; `true`: the
/// program is to end.
async fn take_input<I>(
    state: &mut State,
    first: Option<io::Result<Event>>,
    input: &mut I,
) -> Result<bool>
where
    I: Stream<Item = io::Result<Event>> + Unpin,
{
    let mut event = first;
    for taken in 1.. {
        let Some(some) = event else { return Ok(true) };
        if apply(
            state,
            message(some.wrap_err("the terminal can not be read")?),
        ) {
            return Ok(true);
        }
        if taken == INPUT_BATCH {
            break;
        }
        // Always ready. Not `now_or_never`: crossterm's stream keeps the first waker it is shown,
        // and an idle one would leave the next key lying until something else wakes the loop.
        let next = poll_fn(|cx| match input.poll_next_unpin(cx) {
            Poll::Ready(next) => Poll::Ready(Some(next)),
            Poll::Pending => Poll::Ready(None),
        });
        match next.await {
            Some(next) => event = next,
            None => break,
        }
    }
    Ok(false)
}

/// Applies a message; `true`: the program is to end.
fn apply(state: &mut State, msg: Option<Msg>) -> bool {
    msg.is_some_and(|msg| update(state, msg).contains(&Effect::Quit))
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

fn clock(epoch: Instant) -> Clock {
    Clock {
        now: moment(epoch),
        wall: Timestamp::now(),
    }
}

fn draw<B>(terminal: &mut Terminal<B>, state: &mut State) -> Result<()>
where
    B: Backend,
    B::Error: Send + Sync + 'static,
{
    state.refresh();
    let mut layout = Layout::default();
    terminal
        .draw(|frame| layout = screens::draw(state, frame))
        .wrap_err("the terminal can not be written to")?;
    apply(state, Some(Msg::Drawn(layout)));
    Ok(())
}
