//! `gputop-k3s config`, and the configuration as every command gets it.

use std::fmt::Write as _;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Subcommand, ValueEnum};

use gputop_fleet::connect::contexts;

use super::args::Global;
use super::exit::{Exit, Failure, warn};
use super::print;
use crate::config::load::{self, Sources, UserFile};
use crate::config::{self, ConfigError, Effective, Known, unknown_variables};
use crate::nearest::nearest;
use crate::theme::ThemeName;

/// Flags that choose a configuration or are stronger than one.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Choices {
    /// Configuration file [default: ~/.config/gputop-k3s/config.toml].
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Colours [default: what suits the terminal].
    #[arg(long, global = true, value_name = "NAME", value_parser = themes())]
    pub theme: Option<String>,
    /// Draw with ASCII signs alone [default: where the terminal shows no others].
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_parser = ["true", "false", "auto"],
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub ascii: Option<String>,
    /// Offer nothing that changes anything.
    #[arg(long, global = true)]
    pub readonly: bool,
}

fn themes() -> PossibleValuesParser {
    PossibleValuesParser::new(
        ThemeName::ALL
            .map(ThemeName::name)
            .into_iter()
            .chain(["auto"]),
    )
}

impl Choices {
    /// Names of values with what the flags say.
    fn given(&self) -> Vec<(&'static str, String)> {
        let theme = self.theme.clone().map(|theme| ("theme", theme));
        let ascii = self.ascii.clone().map(|ascii| ("ascii", ascii));
        let readonly = self.readonly.then(|| ("readonly", "true".to_owned()));
        theme.into_iter().chain(ascii).chain(readonly).collect()
    }
}

/// `config`.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// Commands about the configuration.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Write a configuration file in which every default is explained.
    Init {
        /// Replace the file that is there; it is kept as config.toml.old.
        #[arg(long)]
        force: bool,
    },
    /// Find mistakes in the configuration; exit code 1 when there are any.
    Check {
        /// The file [default: all that would be read, the environment too].
        file: Option<PathBuf>,
    },
    /// Print what holds, and where each value comes from; with --context, for that one.
    Show {
        /// Form of the output.
        #[arg(long, short, value_enum, default_value_t = Form::Toml)]
        output: Form,
    },
    /// Print where the configuration file is or would be.
    Path,
}

/// Form of `config show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A configuration file with origins as comments.
    Toml,
    /// One JSON object.
    Json,
}

/// Carries out `config`.
pub(super) async fn run(global: &Global, args: &Config) -> Result<(), Failure> {
    match &args.command {
        ConfigCommand::Init { force } => init(global, *force),
        ConfigCommand::Check { file } => check(global, file.as_deref()).await,
        ConfigCommand::Show { output } => show(global, *output),
        ConfigCommand::Path => say(&format!("{}\n", user_file(global)?.path.display())),
    }
}

/// All that was written down; which of it holds depends on the context ([`Sources::effective`]).
///
/// Mistakes have been said on stderr when this fails.
pub(super) fn sources(global: &Global) -> Result<Sources, Failure> {
    let file = load::user_file(global.choices.config.as_deref());
    Sources::read(file.as_ref(), &global.choices.given(), Known::of_app())
        .map_err(|errors| mistakes(&errors, Exit::Usage))
}

/// What holds for a context.
pub(super) fn effective(sources: &Sources, context: Option<&str>) -> Result<Effective, Failure> {
    let effective = sources.effective(context);
    effective.map_err(|errors| mistakes(&errors, Exit::Usage))
}

/// Says the mistakes on stderr, each over several lines, and sums them up.
fn mistakes(errors: &[ConfigError], exit: Exit) -> Failure {
    let mut stderr = std::io::stderr().lock();
    for error in errors {
        let _written = writeln!(stderr, "{error}\n");
    }
    let count = match errors.len() {
        1 => "a mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    Failure::new(
        exit,
        format!("the configuration has {count}"),
        "`gputop-k3s config init` shows how everything is written; --config /dev/null does without \
         a file of your own.",
    )
}

fn user_file(global: &Global) -> Result<UserFile, Failure> {
    load::user_file(global.choices.config.as_deref()).ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "there is no home folder to look in",
            "Set HOME, or name a file with --config.",
        )
    })
}

/// Prints it; a reader who has gone away has seen enough.
fn say(text: &str) -> Result<(), Failure> {
    let _reads_or_gone = print::write(text)?;
    Ok(())
}

fn init(global: &Global, force: bool) -> Result<(), Failure> {
    let path = user_file(global)?.path;
    let text = config::commented(&Known::of_app());
    let written = load::write(&path, &text, force).map_err(|error| {
        let shown = path.display();
        if error.kind() == ErrorKind::AlreadyExists {
            return Failure::new(
                Exit::Failed,
                format!("{shown} is there already"),
                "--force replaces it and keeps it as config.toml.old.",
            );
        }
        Failure::new(
            Exit::Failed,
            format!("{shown} can not be written: {error}"),
            "Another file can be named with --config.",
        )
    })?;
    let mut said = format!("{}\n", written.path.display());
    if let Some(previous) = &written.previous {
        let _fits = writeln!(said, "The file before it is {}", previous.display());
    }
    say(&said)
}

async fn check(global: &Global, file: Option<&Path>) -> Result<(), Failure> {
    let wrong = |errors: Vec<ConfigError>| mistakes(&errors, Exit::No);
    let Some(path) = file else {
        let file = load::user_file(global.choices.config.as_deref());
        let sources = Sources::read(file.as_ref(), &global.choices.given(), Known::of_app());
        let sources = sources.map_err(wrong)?;
        // Sections for contexts may take part in a mistake as well.
        for context in sources.contexts().map(Some).chain([None]) {
            sources.effective(context).map_err(wrong)?;
        }
        warn_of_strangers(global, &sources).await;
        return say("The configuration is fine.\n");
    };
    load::check(path, &Known::of_app()).map_err(wrong)?;
    say(&format!("{} is fine.\n", path.display()))
}

/// Names that are no mistake by themselves, and that nothing has: a context may be added later, and
/// a variable may be somebody else's.
async fn warn_of_strangers(global: &Global, sources: &Sources) {
    let near =
        |near: Option<&str>| near.map_or_else(String::new, |name| format!("; is it {name}?"));
    // Without a kubeconfig no name of a context is wrong.
    if let Ok(known) = contexts(global.kubeconfig.as_deref()).await
        && !known.is_empty()
    {
        for context in sources
            .contexts()
            .filter(|name| !known.iter().any(|k| k == name))
        {
            let near = near(nearest(context, known.iter().map(String::as_str)));
            warn(&format!(
                "the kubeconfig has no context \"{context}\"{near}"
            ));
        }
    }
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for (name, other) in unknown_variables(names) {
        let near = near(other.as_deref());
        warn(&format!("the variable {name} sets nothing{near}"));
    }
}

fn show(global: &Global, form: Form) -> Result<(), Failure> {
    let sources = sources(global)?;
    let effective = effective(&sources, global.context.as_deref())?;
    if global.context.is_none()
        && sources.contexts().next().is_some()
        && std::io::stderr().is_terminal()
    {
        super::exit::note("sections for single contexts are left out; name one with --context");
    }
    let text = match form {
        Form::Toml => config::toml(&effective),
        Form::Json => {
            serde_json::to_string_pretty(&config::json(&effective)).map_err(|error| {
                Failure::new(
                    Exit::Failed,
                    format!("the configuration can not be written: {error}"),
                    "Report this.",
                )
            })? + "\n"
        }
    };
    say(&text)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::Args;

    fn given(arguments: &[&str]) -> Vec<(&'static str, String)> {
        let args = Args::try_parse_from([&["gputop-k3s"], arguments].concat()).unwrap();
        args.global.choices.given()
    }

    #[test]
    fn flags_become_values() {
        assert_eq!(given(&[]), []);
        let given = given(&["--theme", "light", "--ascii", "--readonly", "get", "nodes"]);
        let texts: Vec<_> = given
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(texts, ["theme=light", "ascii=true", "readonly=true"]);
    }

    #[test]
    fn ascii_takes_a_value_only_with_a_sign_between() {
        assert_eq!(given(&["--ascii=auto"]), [("ascii", "auto".to_owned())]);
        assert_eq!(
            given(&["--ascii", "get", "nodes"]),
            [("ascii", "true".to_owned())]
        );
    }

    #[test]
    fn other_themes_are_refused() {
        let error = Args::try_parse_from(["gputop-k3s", "--theme", "drak"]).unwrap_err();
        assert!(error.to_string().contains("dark"), "{error}");
    }
}
