//! `gputop-k3s`: see `cli` for what it can be asked.

use std::process::Termination;

fn main() -> impl Termination {
    if let Err(error) = gputop_k3s::install_panic_hook() {
        // Reports would look plainer; nothing else depends on it.
        tracing::debug!(%error, "no panic hook");
    }
    gputop_k3s::run()
}
