//! Recordings: what a source delivers, written to a file and played again.
//!
//! - [`Recorder`] wraps a source and hands what it delivers to a thread that writes.
//! - [`Replay`] is a source that plays a file, at its own pace, and can be wound.
//! - `format` and `patch` say what is in a file (pure), `redact` what must not be in it (pure).
//!
//! A file is gzip: one member a minute, so that a reader can begin in the middle; `zcat` shows its
//! lines. Each member begins with a keyframe, which is all that is known at that moment.

mod clean;
mod file;
mod format;
mod lane;
mod patch;
mod recorder;
mod redact;
mod replay;
mod tape;
mod writer;

pub use file::NewFile;
pub use format::{Header, VERSION};
pub use recorder::{Recorder, Summary};
pub use replay::Replay;
