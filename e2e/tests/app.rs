//! The whole app in one process: scripted keys, a screen in memory, the simulated API with its
//! daemons behind in-memory pipes, paused time.

#[path = "app/drill.rs"]
mod drill;
#[path = "app/finding.rs"]
mod finding;
#[path = "app/keys.rs"]
mod keys;
#[path = "app/layers.rs"]
mod layers;
#[path = "app/outages.rs"]
mod outages;
#[path = "app/partial.rs"]
mod partial;
#[path = "app/pausing.rs"]
mod pausing;
#[path = "app/running.rs"]
mod running;
#[path = "app/sizes.rs"]
mod sizes;
#[path = "app/views.rs"]
mod views;
#[path = "app/wishes.rs"]
mod wishes;
