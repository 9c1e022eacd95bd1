//! Output for pipes: stdout, and what to do when nobody reads it any more.

use std::io::{ErrorKind, Write as _};

use super::exit::{Exit, Failure};
use crate::export::{List, Style};

use super::args::Output;

/// Whether somebody still reads what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Reader {
    /// Yes, as far as one can know.
    Reads,
    /// No: the pipe is closed, which is a good end (`| head`).
    Gone,
}

/// Writes to stdout, all of it at once.
pub(super) fn write(text: &str) -> Result<Reader, Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Failure::new(
            Exit::Failed,
            format!("the output can not be written: {error}"),
            "Check the disk or the pipe.",
        )),
        Ok(()) => Ok(Reader::Reads),
    }
}

/// The list in the form that was asked for, and how many of its items the form leaves out.
pub(super) fn render(
    list: &List,
    output: Output,
    headers: bool,
) -> Result<(String, usize), Failure> {
    let whole = |text: String| Ok((text, 0));
    match output {
        Output::Table | Output::Wide => whole(list.to_table(Style {
            wide: output == Output::Wide,
            headers,
        })),
        Output::Json => match serde_json::to_string_pretty(list) {
            Ok(text) => whole(text + "\n"),
            Err(error) => Err(unwritable(&error)),
        },
        Output::Yaml => serde_yaml_ng::to_string(list)
            .map(|text| (text, 0))
            .map_err(|error| unwritable(&error)),
        Output::Csv => whole(list.to_csv(headers)),
        Output::Name => Ok(list.to_names()),
        Output::Prometheus => whole(list.to_openmetrics()),
    }
}

/// A value that has no JSON or YAML form; none of ours lacks it.
pub(super) fn unwritable(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("the output can not be put into words: {error}"),
        "This is a mistake in the program: report it.",
    )
}
