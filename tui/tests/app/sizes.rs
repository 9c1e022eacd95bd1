//! No size of the terminal is too small to be survived.
