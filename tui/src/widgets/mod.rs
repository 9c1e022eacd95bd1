//! Small things to draw with. They write into a buffer, never outside the area they are given.

pub mod columns;
pub mod gauge;
pub mod text;
