//! The command line: what is asked for, and with which exit code it ends.

mod app;
mod args;
#[cfg(feature = "demo")]
mod demo;
mod exit;
mod get;
mod log;

use clap::Parser as _;

pub use args::Args;
pub use exit::Exit;

use args::Command;

/// Parses the process's arguments and carries them out.
pub async fn run() -> Exit {
    let args = match Args::try_parse() {
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
    let result = match args.command {
        None => app::cluster(&args.global).await,
        #[cfg(feature = "demo")]
        Some(Command::Demo(demo)) => app::demo(&args.global, &demo).await,
        Some(Command::Get(get)) => get::run(&args.global, &get).await,
    };
    match result {
        Ok(()) => Exit::Done,
        Err(failure) => exit::report(&failure),
    }
}
