//! Nothing that may not be recorded is left, and what belongs together stays together.
