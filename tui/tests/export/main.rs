//! The printed lists, on one moment of the simulated cluster.
#![cfg(feature = "demo")]

#[cfg(test)]
mod csv;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod openmetrics;
#[cfg(test)]
mod picture;
#[cfg(test)]
mod watched;
