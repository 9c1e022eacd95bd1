//! The demo is recorded and played again.
#![cfg(feature = "demo")]

#[cfg(test)]
mod replayed;
