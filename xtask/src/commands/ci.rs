//! `cargo xtask ci`: every check, in the order in which they tell most for the time they take.

use color_eyre::eyre::{Result, WrapErr as _};
use xtask::process;
use xtask::wait::Stopwatch;

use super::output::note;

/// Says to the tests that the real control plane has to be there.
const REQUIRE_CLUSTER: &str = "GPUTOP_K3S_REQUIRE_CLUSTER";

/// Runs everything; stops at the first failure.
pub(super) fn run() -> Result<()> {
    let whole = Stopwatch::start();
    step("format", || cargo(&["fmt", "--all", "--check"], &[]))?;
    step("tidy", super::tidy::run)?;
    let strict = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ];
    step("clippy", || cargo(&strict, &[]))?;
    step("real control plane", || {
        let version = xtask::cluster::version();
        let tell = &mut |line: &str| note(line);
        xtask::cluster::ensure_testbed(&version, tell)
            .map(|_| ())
            .wrap_err(
                "the real control plane is part of these checks; it is built with Go from testbed/",
            )
    })?;
    // The tests start these programs.
    step("programs", || {
        cargo(&["build", "--workspace", "--bins", "--locked"], &[])
    })?;
    step("tests", || {
        cargo(
            &["test", "--workspace"],
            &[(REQUIRE_CLUSTER, "1"), ("INSTA_UPDATE", "no")],
        )
    })?;
    step("documentation", || {
        cargo(
            &["doc", "--workspace", "--no-deps", "--locked"],
            &[("RUSTDOCFLAGS", "-D warnings")],
        )
    })?;
    note(format!("all checks passed in {:.0?}", whole.elapsed()));
    Ok(())
}

fn step(name: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    note(format!("── {name}"));
    let watch = Stopwatch::start();
    run().wrap_err_with(|| format!("the step \"{name}\" failed"))?;
    note(format!("── {name}: {:.1?}", watch.elapsed()));
    Ok(())
}

fn cargo(arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let variables = variables.iter().copied();
    process::run(process::cargo().args(arguments).envs(variables))
}
