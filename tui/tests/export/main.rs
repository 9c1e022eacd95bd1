//! The printed lists, on one moment of the simulated cluster.
#![cfg(feature = "demo")]

mod csv;
mod lists;
mod openmetrics;
mod picture;
mod watched;
