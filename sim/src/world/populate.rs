//! The past: creates everything in the order of its age and lets it live until now.

use jiff::Timestamp;
use serde_json::Value;

use super::engine::World;
use super::manifests::Birth;
use crate::clock::before;
use crate::store::{Key, Kind, Store};

/// Turns of the past: more would mean a workload that never rests.
const TURNS: usize = 20_000;

/// Fills the store with what the births have become by `start`.
pub(crate) fn populate(
    store: &mut Store,
    world: &mut World,
    mut births: Vec<Birth>,
    start: Timestamp,
) {
    births.sort_by_key(|birth| std::cmp::Reverse(birth.age));
    let mut clock = births
        .first()
        .map_or(start, |birth| before(start, birth.age));
    let mut turns = 0;
    for birth in births {
        let at = before(start, birth.age);
        clock = live(store, world, clock, at, &mut turns);
        create(store, birth.kind, birth.object, at);
    }
    live(store, world, clock, start, &mut turns);
    store.forget_history();
}

/// Lets the world live from one time to another.
fn live(
    store: &mut Store,
    world: &mut World,
    from: Timestamp,
    to: Timestamp,
    turns: &mut usize,
) -> Timestamp {
    let mut now = from;
    if from >= to {
        return to;
    }
    while *turns < TURNS {
        *turns += 1;
        match world.settle(store, now) {
            Some(next) if next < to => now = next.max(now),
            _ => break,
        }
    }
    to
}

fn create(store: &mut Store, kind: Kind, object: Value, at: Timestamp) {
    let known = kind == Kind::Node && store.get(kind, &Key::of(&object)).is_some();
    let written = if known {
        store.update(kind, object)
    } else {
        store.create(kind, object, at)
    };
    if let Err(error) = written {
        tracing::warn!(%error, "part of the scenario was not created");
    }
}
