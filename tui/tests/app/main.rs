//! The whole app short of a cluster: keys in, screens out.

#[cfg(test)]
mod doubts;
#[cfg(test)]
mod finding;
mod header;
#[cfg(test)]
mod history;
mod keys;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod ordering;
mod screens;
mod selection;
mod sizes;
mod support;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod wanted;
#[cfg(test)]
mod whole;
