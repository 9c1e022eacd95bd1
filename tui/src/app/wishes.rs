//! "Tell me when": wishes for free devices, and the bell when one is fulfilled.

use gputop_fleet::state::{WatchState, Watched};
use gputop_model::DeviceKind;

use super::format;
use super::layers::Layer;
use super::row::Row;
use super::state::State;
use super::update::Effect;
use super::wanted::{self, Basis, Wanted};

/// What one most likely wants, from where the cursor is.
pub(super) fn suggestion(state: &State) -> String {
    match state.selected() {
        Some(Row::Node(at)) => format!("1 node={}", state.picture.nodes[at].info.name),
        Some(Row::Device(at)) => {
            let device = state.picture.devices[at].device();
            let product = format::product(&device.product);
            // Blanks part the words of a wish; any letter fits a dot.
            match device.kind {
                DeviceKind::Gpu { .. } => format!("1 product={}", product.replace(' ', ".")),
                DeviceKind::MigInstance { .. } => "1".to_owned(),
            }
        }
        _ => "1".to_owned(),
    }
}

/// A wish as it was typed and as it was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// As it was typed.
    pub text: String,
    /// As it was understood.
    pub wanted: Wanted,
    /// What was counted for it the last time.
    pub counted: Basis,
}

/// Takes over the wish that is being entered; an empty one forgets all.
pub(super) fn accept(state: &mut State) -> Vec<Effect> {
    let Some(Layer::Prompt(prompt)) = state.layers.last_mut() else {
        return Vec::new();
    };
    let text = prompt.input.value().trim().to_owned();
    if text.is_empty() {
        let forgotten = !std::mem::take(&mut state.wishes).is_empty();
        state.layers.pop();
        if forgotten {
            state.say("nothing is waited for any more");
        }
        return Vec::new();
    }
    match text.parse::<Wanted>() {
        Err(problem) => {
            prompt.problem = Some(problem);
            return Vec::new();
        }
        Ok(wanted) => {
            let progress = wanted::satisfied(&state.picture, &wanted, None);
            if !progress.is_possible() {
                prompt.problem = Some(format!(
                    "this cluster has no {} like that, free or not: {}",
                    format::count(wanted.count, "device"),
                    progress.sentence()
                ));
                return Vec::new();
            }
            state.layers.pop();
            // The same count elsewhere is another wish; the same words are not.
            state.wishes.retain(|wish| wish.text != text);
            state.say(format!(
                "the bell rings when {text} is free; now {}",
                progress.sentence()
            ));
            let counted = progress.basis;
            state.wishes.push(Wish {
                text,
                wanted,
                counted,
            });
        }
    }
    check(state)
}

/// Rings for what has come true. A wish is told once. What is known of a cluster that does not
/// answer is no longer so: nothing rings then.
pub(super) fn check(state: &mut State) -> Vec<Effect> {
    if state.wishes.is_empty() || is_lost(state) {
        return Vec::new();
    }
    // While the screen is frozen, what it does not show yet counts.
    let newest = state.newest_picture();
    let picture = &*newest;
    let (mut told, mut open) = (Vec::new(), Vec::new());
    for wish in &state.wishes {
        let progress = wanted::satisfied(picture, &wish.wanted, Some(wish.counted));
        if progress.is_met() {
            let what = match progress.basis {
                Basis::Devices => "",
                Basis::Units => "units as the scheduler counts them, ",
            };
            let places = places(&progress);
            told.push(format!("free now: {} ({what}{places})", wish.text));
        } else {
            open.push(Wish {
                counted: progress.basis,
                ..wish.clone()
            });
        }
    }
    drop(newest);
    state.wishes = open;
    let mut effects = Vec::new();
    for text in told {
        state.say(text.clone());
        effects.push(Effect::Notify(format!("gputop-k3s: {text}")));
    }
    effects
}

/// Whether the API server is out of reach.
fn is_lost(state: &mut State) -> bool {
    let fleet = state.newest_mut();
    [Watched::Nodes, Watched::Pods, Watched::Server]
        .into_iter()
        .any(|watched| matches!(fleet.watch(watched), WatchState::Lost { .. }))
}

/// The nodes on which something is free.
fn places(progress: &wanted::Progress) -> String {
    let mut nodes: Vec<&str> = progress
        .free
        .iter()
        .map(|free| match free {
            wanted::Free::Device { node, .. } | wanted::Free::Units { node, .. } => node.as_str(),
        })
        .collect();
    nodes.dedup();
    nodes.join(", ")
}
