//! `gputop-k3s get --watch`: the list, and then its changes, until nobody reads them any more.

use std::io;
use std::pin::pin;
use std::time::Duration;

use super::args::{Get, Global, Output};
use super::exit::{Exit, Failure, note};
use super::get::{complain, not_found, rows};
use super::print::{Reader, unwritable, write};
use super::source::Source;
use crate::export::{Change, ChangeKind, Form, List, Scope, Watched, Widths, csv_line};
use crate::runtime::signals;

/// How often it is looked for changes: as often as the daemons measure.
const PACE: Duration = Duration::from_secs(1);

/// Prints changes until the program is told to end or its output is closed.
pub(super) async fn run(
    source: &Source,
    global: &Global,
    get: &Get,
    scope: &Scope,
) -> Result<(), Failure> {
    let mut stop = pin!(signals::termination().map_err(|error| no_signals(&error))?);
    let mut live = tokio::select! {
        biased;
        () = stop.as_mut() => return Ok(()),
        live = source.live(!get.no_agents, global.request_timeout) => live?,
    };
    let mut printer = Printer::new(get.output);
    let picture = live.picture();
    complain(live.fleet(), &picture, get)?;
    let (list, missing) = rows(&picture, get, scope)?;
    // Only what is there can be watched: a name may be mistyped.
    not_found(get, scope, &missing)?;
    let mut text = printer.changes(&list, !get.no_headers)?;
    loop {
        if !text.is_empty() && write(&text)? == Reader::Gone {
            return Ok(());
        }
        tokio::select! {
            biased;
            () = stop.as_mut() => return Ok(()),
            () = live.follow(PACE) => {}
        }
        // While the API server is away nothing new is known, and nothing is gone.
        text = if live.loss().is_some() {
            String::new()
        } else {
            let (list, _) = rows(&live.picture(), get, scope)?;
            printer.changes(&list, false)?
        };
    }
}

fn no_signals(error: &io::Error) -> Failure {
    Failure::new(
        Exit::Failed,
        format!("signals can not be listened to: {error}"),
        "Run it without --watch.",
    )
}

/// Turns changes into lines.
struct Printer {
    output: Output,
    form: Form,
    watched: Watched,
    widths: Widths,
}

impl Printer {
    fn new(output: Output) -> Self {
        let form = match output {
            Output::Table => Form::Table { wide: false },
            Output::Wide => Form::Table { wide: true },
            Output::Csv => Form::Csv,
            Output::Name => Form::Name,
            Output::Json | Output::Yaml | Output::Prometheus => Form::Object,
        };
        Self {
            output,
            form,
            watched: Watched::new(form),
            widths: Widths::default(),
        }
    }

    /// What has changed since the last time, below the titles of the columns if `headers`.
    fn changes(&mut self, list: &List, headers: bool) -> Result<String, Failure> {
        let headings = headers.then(|| list.headings(self.form));
        let mut changes = self.watched.follow(list);
        if self.form != Form::Object {
            // A row in the middle of others would look alive.
            for gone in changes.extract_if(.., |change| change.kind == ChangeKind::Deleted) {
                note(&format!("{} is gone", gone.name()));
            }
        }
        let rows = changes.iter().map(|change| change.cells().to_vec());
        let rows: Vec<Vec<String>> = headings.into_iter().chain(rows).collect();
        Ok(match self.form {
            Form::Table { .. } => self.widths.lines(&rows),
            Form::Csv => rows.iter().map(|row| csv_line(row)).collect(),
            Form::Name => rows.into_iter().flatten().map(|name| name + "\n").collect(),
            Form::Object => changes
                .iter()
                .map(|change| self.object(change))
                .collect::<Result<String, Failure>>()?,
        })
    }

    /// One object a line in JSON, one document each in YAML.
    fn object(&self, change: &Change) -> Result<String, Failure> {
        if self.output == Output::Yaml {
            let yaml = serde_yaml_ng::to_string(&change.object());
            return Ok(format!(
                "---\n{}",
                yaml.map_err(|error| unwritable(&error))?
            ));
        }
        let json = serde_json::to_string(&change.object());
        Ok(json.map_err(|error| unwritable(&error))? + "\n")
    }
}
