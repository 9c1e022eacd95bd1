//! The header: what it says in which situation, and what it gives up first.

use crossterm::event::KeyCode;
use gputop_fleet::engine::Event;
use gputop_fleet::state::{Listing, Update};
use gputop_k3s::app::{Session, State};

use super::support::{
    at, events, full, letters, lost, node, press, session, show, silent, tell, text,
};

/// The lines of the header at several widths.
fn header(state: &mut State) -> String {
    let lines = [50, 80, 120, 200].map(|width| {
        let frame = text(&show(state, width, 30));
        let lines: Vec<&str> = frame.lines().take(3).collect();
        lines.join("\n")
    });
    lines.join("\n\n")
}

fn told(session: Session) -> State {
    let mut state = State::new(session, at(1000));
    for event in events() {
        tell(&mut state, event);
    }
    state
}

#[test]
fn situations() {
    insta::assert_snapshot!("header-whole", header(&mut full()));
    insta::assert_snapshot!("header-silent", header(&mut silent()));
    let mut gone = full();
    tell(&mut gone, lost(988));
    insta::assert_snapshot!("header-lost", header(&mut gone));
    let mut paused = full();
    press(&mut paused, &[KeyCode::Char('P')]);
    insta::assert_snapshot!("header-paused", header(&mut paused));
    let mut narrowed = told(Session {
        only_namespace: Some("machine-learning".to_owned()),
        read_only: true,
        recording: Some("run.rec".to_owned()),
        ..session()
    });
    insta::assert_snapshot!("header-narrowed", header(&mut narrowed));
    let mut replay = told(Session {
        replay: true,
        agents: false,
        ..session()
    });
    insta::assert_snapshot!("header-replay", header(&mut replay));
}

/// One device going idle must not turn words into signs.
#[test]
fn a_fifth_state_changes_no_form() {
    let mut state = full();
    let devices = |state: &mut State| {
        let frame = text(&show(state, 100, 30));
        frame.lines().nth(1).unwrap().to_owned()
    };
    let all = devices(&mut state);
    assert!(
        all.contains("○ 2 free") && all.contains("● 1 working"),
        "{all}"
    );
    assert!(all.contains("◔1") && all.contains("?3"), "{all}");
    let desk = Event::Update(Update::Nodes(Listing::Gone("desk".into())));
    tell(&mut state, desk);
    let fewer = devices(&mut state);
    assert_eq!(all.replace("  ◎1", ""), fewer);
}

#[test]
fn a_machine_that_may_be_away_is_no_alarm() {
    let line = |away: bool| {
        let mut state = silent();
        let mut laptop = node("laptop", &[("gpu", 1)]);
        laptop.expected_away = away;
        laptop.readiness = gputop_model::Readiness::NotReady {
            why: "Kubelet stopped posting node status.".to_owned(),
        };
        let nodes = vec![node("box", &[("gpu", 1)]), laptop];
        tell(
            &mut state,
            Event::Update(Update::Nodes(Listing::Whole(nodes))),
        );
        tell(
            &mut state,
            Event::Update(Update::Pods(Listing::Whole(Vec::new()))),
        );
        text(&show(&mut state, 160, 40))
    };
    let away = line(true);
    assert!(away.contains("nodes ready 1/2 (1 away)"), "{away}");
    assert!(!away.contains("critical"), "{away}");
    let broken = line(false);
    assert!(broken.contains("1 critical"), "{broken}");
    assert!(!broken.contains("away)"), "{broken}");
}

#[test]
fn filters_and_drilling_leave_the_header_alone() {
    let mut state = full();
    let before = header(&mut state);
    press(&mut state, &letters("2/harbor"));
    press(&mut state, &[KeyCode::Enter, KeyCode::Enter]);
    assert_eq!(header(&mut state), before);
}
