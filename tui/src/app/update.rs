//! Messages in, new state and effects out.

use crossterm::event::{KeyEvent, MouseEvent};
use gputop_fleet::engine::Event;
use gputop_fleet::inspect::shell::ShellTarget;
use gputop_fleet::inspect::{Ask, AskId};
use gputop_fleet::link::Interest;
use gputop_fleet::state::Fleet;
use gputop_model::Clock;

use super::actions;
use super::input;
use super::keys::Chord;
use super::layers::Layer;
use super::layout::Layout;
use super::perform::perform;
use super::state::State;
use super::{interest, mouse, pages, wishes};

/// Everything that can happen to the application.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resize(u16, u16),
    /// Time has passed.
    Tick(Clock),
    /// The cluster has changed, or a question is answered.
    Engine(Event, Clock),
    /// A recording was wound: all that was known at that time.
    Wound(Box<Fleet>, Clock),
    /// The recording that is being made has stopped by itself, and why.
    RecordingStopped(String),
    /// Something to say to the user for a few seconds.
    Say(String),
    /// A frame was drawn.
    Drawn(Layout),
}

/// What the runtime is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Leave the program.
    Quit,
    /// Stop the program as ctrl-z does.
    Suspend,
    /// Ask the API server; answers come as [`Event::Answer`].
    Ask(AskId, Ask),
    /// No answer is waited for any more.
    Cancel(AskId),
    /// Hand the terminal to a shell.
    Shell(ShellTarget),
    /// Put text into the terminal's clipboard.
    Copy(String),
    /// Ring the bell and show a notification.
    Notify(String),
    /// Go to another context.
    SwitchContext(String),
    /// Tell the links which nodes are looked at.
    Interest(Interest),
    /// Wind the recording.
    Seek(Seek),
}

/// Which way to wind a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seek {
    /// Ten seconds back.
    Back,
    /// Ten seconds on.
    On,
}

/// What is to be done before anything has happened.
#[must_use]
pub fn start(state: &mut State) -> Vec<Effect> {
    if state.session.replay {
        return Vec::new();
    }
    let id = state.next_ask();
    vec![Effect::Ask(id, Ask::Rights(state.rights_in.clone()))]
}

/// Applies one message.
#[must_use]
pub fn update(state: &mut State, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(event) => {
            if let Some(chord) = Chord::from_event(event) {
                return press(state, chord);
            }
        }
        Msg::Mouse(event) => {
            state.refresh_rows();
            return mouse::mouse(state, event);
        }
        Msg::Paste(text) => paste(state, &text),
        // The next frame is drawn in the new size; nothing else depends on it.
        Msg::Resize(..) => {}
        Msg::Tick(clock) => {
            state.tick(clock);
            return wishes::check(state);
        }
        Msg::Engine(event, clock) => {
            if let Some((id, answer)) = event.apply(state.newest_mut()) {
                // Lines of a log may come by the thousand, and no table is made of them.
                state.set_time(clock);
                return pages::answer(state, id, answer);
            }
            state.tick(clock);
        }
        Msg::Wound(fleet, clock) => {
            state.resume();
            state.fleet = *fleet;
            state.tick(clock);
        }
        Msg::RecordingStopped(why) => {
            state.session.recording = None;
            state.say(why);
        }
        Msg::Say(text) => state.say(text),
        Msg::Drawn(layout) => {
            state.layout = layout;
            return interest::changed(state);
        }
    }
    Vec::new()
}

fn press(state: &mut State, chord: Chord) -> Vec<Effect> {
    // Several keys may come before a frame: each acts on the table that the one before made.
    state.refresh_rows();
    match actions::find(state, chord) {
        Some(action) => match (action.available)(state) {
            Ok(()) => {
                state.hush();
                return perform(state, action.id);
            }
            Err(reason) => state.say(format!("{}: {reason}", action.name)),
        },
        None => type_key(state, chord),
    }
    Vec::new()
}

/// A key that stands for no action is text, where text is entered.
fn type_key(state: &mut State, chord: Chord) {
    if let Some(line) = state.input_mut()
        && input::edit(line, chord)
    {
        entered(state);
    }
}

fn paste(state: &mut State, text: &str) {
    if let Some(line) = state.input_mut() {
        input::paste(line, text);
        entered(state);
    }
}

/// Takes over the text that is being edited.
fn entered(state: &mut State) {
    match state.layers.last_mut() {
        Some(Layer::Picker(picker)) => picker.narrow(),
        Some(Layer::Prompt(prompt)) => prompt.problem = None,
        Some(Layer::Page(page)) => {
            if let Some(input) = &page.search.input {
                page.search.text = input.value().to_lowercase();
            }
        }
        Some(Layer::Help { .. }) => {}
        None => {
            let text = state
                .filter_input
                .as_ref()
                .map(|line| line.value().to_owned());
            state.place_mut().filter = text.unwrap_or_default();
            state.rows_changed = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use gputop_fleet::inspect::Answer;
    use gputop_fleet::state::{Update, WatchState, Watched};
    use gputop_model::Moment;
    use jiff::Timestamp;

    use super::*;
    use crate::app::Session;

    #[test]
    fn answers_cause_no_new_tables() {
        let clock = |seconds| Clock {
            now: Moment(std::time::Duration::from_secs(seconds)),
            wall: Timestamp::UNIX_EPOCH,
        };
        let mut state = State::new(Session::default(), clock(0));
        state.refresh();
        let lines = Answer::LogLines(vec!["a line".to_owned()]);
        let _none = update(
            &mut state,
            Msg::Engine(Event::Answer(AskId(7), lines), clock(1)),
        );
        assert!(!state.data_changed);
        assert_eq!(state.clock, clock(1));
        let live = Event::Update(Update::Watch(Watched::Nodes, WatchState::Live));
        let _none = update(&mut state, Msg::Engine(live, clock(2)));
        assert!(state.data_changed);
    }
}
