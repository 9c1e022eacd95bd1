//! The command line: what is asked for, and with which exit code it ends.

mod app;
mod args;
mod complete;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod exit;
mod get;
mod log;
mod man;
mod print;
mod source;
mod tape;
mod wait;
mod watch;

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory as _, FromArgMatches as _};

pub use args::Args;
pub use exit::Exit;

use args::Command;

/// Parses the process's arguments and carries them out.
pub async fn run() -> Exit {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(words) = complete::asked(&arguments) {
        return complete::answer(&words).await;
    }
    let args = match parse(&arguments) {
        Ok(args) => args,
        Err(error) => {
            // clap's own choice of stream: help to stdout, mistakes to stderr.
            let _printed = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
        }
    };
    if let Err(failure) = log::start(args.global.log_file.as_deref()) {
        return exit::report(&failure);
    }
    if args.command.is_some()
        && let Err(failure) = args.tapes.refuse()
    {
        return exit::report(&failure);
    }
    let result = match args.command {
        None => match &args.tapes.replay {
            Some(file) => app::replay(&args.global, file).await,
            None => app::cluster(&args.global, &args.tapes.record).await,
        },
        #[cfg(feature = "demo")]
        Some(Command::Demo(demo)) => app::demo(&args.global, &demo).await,
        Some(Command::Get(get)) => get::run(&args.global, &get).await,
        Some(Command::Wait(wait)) => wait::run(&args.global, &wait).await,
        Some(Command::Config(config)) => config::run(&args.global, &config).await,
        Some(Command::Completion(completion)) => complete::run(&completion),
        Some(Command::Man(man)) => man::run(&man),
    };
    match result {
        Ok(()) => Exit::Done,
        Err(failure) => exit::report(&failure),
    }
}

/// The file name under which kubectl finds a plugin; it writes `-` as `_`.
const PLUGIN: &str = "kubectl-gputop_k3s";

/// What the arguments say. Under kubectl's roof the usage is told as one types it there.
fn parse(arguments: &[OsString]) -> Result<Args, clap::Error> {
    let mut command = Args::command();
    let program = arguments.first().map(Path::new);
    if program.and_then(Path::file_stem) == Some(PLUGIN.as_ref()) {
        command = command.bin_name("kubectl gputop-k3s");
    }
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Args::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(program: &str) -> String {
        let arguments = [program, "get"].map(OsString::from);
        parse(&arguments).unwrap_err().to_string()
    }

    #[test]
    fn the_usage_is_told_as_one_types_it() {
        assert!(refusal("gputop-k3s").contains("Usage: gputop-k3s get"));
        for plugin in [
            "kubectl-gputop_k3s",
            "/usr/bin/kubectl-gputop_k3s",
            "kubectl-gputop_k3s.exe",
        ] {
            let said = refusal(plugin);
            assert!(said.contains("Usage: kubectl gputop-k3s get"), "{said}");
        }
    }
}
