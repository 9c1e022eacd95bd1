//! Screenshots and golden objects, made from the demo at a fixed seed and moment.

mod frames;
mod svg;

use std::path::PathBuf;

use color_eyre::Result;
use color_eyre::eyre::OptionExt as _;
use gputop_fleet::state::Picture;
use gputop_k3s::export::{Kind, list};
use gputop_sim::scenario;

/// The demo's seed in all of them.
const SEED: u64 = 7;

/// One file that is kept in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Path from the repository's root.
    pub path: PathBuf,
    /// What it has to contain.
    pub text: String,
}

/// All of them. Needs a runtime with paused time.
pub async fn artefacts() -> Result<Vec<Artefact>> {
    let homelab = scenario::builtin("homelab").ok_or_eyre("no demo scenario")?;
    let shots = frames::take(homelab, SEED).await?;
    let mut artefacts: Vec<Artefact> = shots
        .frames
        .iter()
        .map(|(name, buffer)| Artefact {
            path: format!("assets/shots/{name}.svg").into(),
            text: svg::render(buffer, ground(name)),
        })
        .collect();
    artefacts.extend(golden(&shots.picture)?);
    Ok(artefacts)
}

/// The ground that a picture's theme is for.
fn ground(name: &str) -> svg::Ground {
    if name == "light" {
        svg::Ground::LIGHT
    } else {
        svg::Ground::DARK
    }
}

/// An example of each list.
fn golden(picture: &Picture) -> Result<Vec<Artefact>> {
    [
        (Kind::Nodes, "node-list"),
        (Kind::Gpus, "gpu-list"),
        (Kind::Pods, "pod-list"),
        (Kind::Processes, "process-list"),
    ]
    .into_iter()
    .map(|(kind, name)| {
        let text = serde_json::to_string_pretty(&list(picture, kind, None))? + "\n";
        Ok(Artefact {
            path: format!("assets/golden/{name}.json").into(),
            text,
        })
    })
    .collect()
}
