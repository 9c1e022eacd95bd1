//! Starting programs. The only place of this crate that does.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use color_eyre::eyre::{Result, WrapErr as _, bail};

/// A command that is not started yet.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the place that starts programs"
)]
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// The cargo that runs this program, or else the one in PATH; in the repository's root.
#[must_use]
pub fn cargo() -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::repository::root());
    // What `cargo run` says about this crate is not about what a cargo below it builds: build
    // scripts that look at these variables (ring's does) would run anew, and all above them.
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy();
        if shown.starts_with("CARGO_PKG_") || shown.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command with the caller's own stdout and stderr, to its end.
///
/// # Errors
///
/// When it cannot be started or ends with anything but 0.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = describe(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .wrap_err_with(|| format!("cannot start `{shown}`: is it installed and in PATH?"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status}); what it said is above");
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed to stdout.
///
/// # Errors
///
/// When it cannot be started, or ends with anything but 0; then with what it
/// wrote to stderr.
pub fn read(command: &mut Command) -> Result<String> {
    let shown = describe(command);
    let output = output(command)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{shown}` failed ({}): {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command to its end and returns status, stdout and stderr, whatever
/// the status is.
///
/// # Errors
///
/// When it cannot be started.
pub fn output(command: &mut Command) -> Result<Output> {
    let shown = describe(command);
    if command.get_program().is_empty() {
        bail!("no program to start");
    }
    command
        .output()
        .wrap_err_with(|| format!("cannot start `{shown}`: is it there and executable?"))
}

/// The command as a person would type it, the program by its file name and
/// long command lines cut.
#[must_use]
pub fn describe(command: &Command) -> String {
    const LONGEST: usize = 160;
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut line = name.to_string_lossy().into_owned();
    for arg in command.get_args() {
        line.push(' ');
        line.push_str(&arg.to_string_lossy());
    }
    if line.chars().count() > LONGEST {
        line = line.chars().take(LONGEST).collect();
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_carries_stderr() {
        let failed = read(command("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err();
        assert!(failed.to_string().contains("why"), "{failed}");
    }

    #[test]
    fn describes_by_file_name() {
        assert_eq!(
            describe(command("/bin/sh").arg("-c").arg("true")),
            "sh -c true"
        );
    }
}
