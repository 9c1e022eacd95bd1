//! The whole app short of a cluster: keys in, screens out.

mod keys;
mod screens;
mod selection;
mod sizes;
mod support;
#[cfg(test)]
mod whole;
