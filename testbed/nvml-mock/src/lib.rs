//! A stand-in for NVIDIA's management library, for tests and for machines without a card.
//!
//! Built as a shared library and put into place as `libnvidia-ml.so.1`, it answers what
//! `gputop-node` and NVIDIA's device plugin ask, about cards that a file describes. The file is read
//! anew whenever it changes, so that a test can let a call hang, a card fall off the bus or a driver
//! be replaced while a program runs.
//!
//! The file is named by `GPUTOP_MOCK_NVML`, or else it is `scenario.toml` beside the library; without
//! either there are two healthy cards. What it can say is in [`scenario`]; an example is in
//! `testbed/nvml-mock/example.toml`.
//!
//! | module | does |
//! |---|---|
//! | [`scenario`] | the file: cards, processes, events, what calls answer |
//! | [`library`] | where the built library is, and how often its functions were called |
//! | `world` | reads the file when it changes; what a program has opened |
//! | `call` | the frame of each call: counts it, lets it take its time, hang or fail |
//! | `abi` | the functions, under NVML's names |

mod abi;
mod call;
mod code;
mod counts;
pub mod library;
pub mod scenario;
mod world;

pub use code::Code;
