//! The real program in a pseudo-terminal.
#![cfg(unix)]

#[path = "pty/choices.rs"]
mod choices;
#[path = "pty/demo.rs"]
mod demo;
#[path = "pty/endings.rs"]
mod endings;
#[path = "pty/refusals.rs"]
mod refusals;
#[path = "pty/terminals.rs"]
mod terminals;
#[path = "pty/waiting.rs"]
mod waiting;
