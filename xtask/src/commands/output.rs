//! What the commands print: results to stdout, progress to stderr, so that
//! `eval "$(cargo xtask cluster up)"` works.

/// Prints one line of a result.
#[expect(clippy::print_stdout, reason = "this is the commands' output")]
pub(super) fn say(line: impl AsRef<str>) {
    println!("{}", line.as_ref());
}

/// Tells a person what is going on.
#[expect(clippy::print_stderr, reason = "this is the commands' output")]
pub(super) fn note(line: impl AsRef<str>) {
    eprintln!("{}", line.as_ref());
}
