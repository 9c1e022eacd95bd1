//! Small things to draw with. They write into a buffer, never outside the area they are given.

pub mod chart;
pub mod columns;
pub mod gauge;
pub mod graph;
mod sparkline;
pub mod text;
pub mod timeline;
