//! Takes the terminal as the app does and panics on its screen: shows what users would be left
//! with. `gputop-e2e-panics task` panics in a task on another thread first.

use std::io::Write as _;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use gputop_k3s::runtime::TerminalGuard;

fn main() -> Result<()> {
    gputop_k3s::install_panic_hook()?;
    let _guard = TerminalGuard::enter(true)?;
    if std::env::args().nth(1).as_deref() == Some("task") {
        let task = std::thread::spawn(|| fail("a task has failed"));
        let failed = task.join().is_err();
        write!(std::io::stdout(), "the task has failed: {failed}")?;
        std::io::stdout().flush()?;
        // Until a key is pressed.
        let key = ratatui::crossterm::event::read()?;
        return if failed {
            Ok(())
        } else {
            Err(eyre!("no panic before {key:?}"))
        };
    }
    fail("on purpose, to see the terminal afterwards");
    Ok(())
}

#[expect(clippy::panic, reason = "this is what the program is for")]
fn fail(why: &str) {
    panic!("{why}");
}
