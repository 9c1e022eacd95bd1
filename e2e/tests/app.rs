//! The whole app in one process: scripted keys, a screen in memory, the simulated API with its
//! daemons behind in-memory pipes, paused time.

#[path = "app/drill.rs"]
mod drill;
#[path = "app/keys.rs"]
mod keys;
#[path = "app/outages.rs"]
mod outages;
#[path = "app/running.rs"]
mod running;
#[path = "app/sizes.rs"]
mod sizes;
#[path = "app/views.rs"]
mod views;
