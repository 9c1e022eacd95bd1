//! What the user chooses for one run: colours, signs, configuration, looking only.

use color_eyre::Result;
use color_eyre::eyre::{bail, ensure};
use gputop_e2e::programs::program;
use gputop_e2e::pty::{Left, Start};
use gputop_k3s::theme::Theme;
use ratatui::style::Color;
use tempfile::TempDir;

use super::demo::{DEMO, settled};

fn with(flags: &[&str], home: &TempDir) -> Result<Start> {
    let arguments = [&DEMO, flags].concat();
    Ok(Start::new(&program("gputop-k3s")?, &arguments, home.path()))
}

/// The part of an escape that sets the colour of the program's name.
fn accent(theme: &Theme) -> Result<String> {
    match theme.accent.fg {
        Some(Color::Indexed(index)) => Ok(format!("38;5;{index};")),
        other => bail!("{other:?}"),
    }
}

#[test]
fn a_theme_that_is_asked_for_wins_over_the_surroundings() -> Result<()> {
    let (dark, light) = (accent(&Theme::dark())?, accent(&Theme::light())?);
    let home = TempDir::new()?;
    let pty = settled(with(&["--theme", "light"], &home)?.env("NO_COLOR", "1"))?;
    let written = String::from_utf8_lossy(pty.raw()).into_owned();
    ensure!(written.contains(&light), "no light colours");
    ensure!(!written.contains(&dark), "dark colours too");
    let pty = settled(with(&[], &home)?)?;
    let written = String::from_utf8_lossy(pty.raw()).into_owned();
    ensure!(
        written.contains(&dark) && !written.contains(&light),
        "not dark by itself"
    );
    Ok(())
}

#[test]
fn ascii_may_be_asked_for() -> Result<()> {
    let home = TempDir::new()?;
    let mut pty = with(&["--ascii"], &home)?.env("LANG", "C.UTF-8").spawn()?;
    pty.until("all daemons", |s| s.has("* live") && s.has("daemons 5/5"))?;
    pty.keys("2")?;
    pty.until("the GPUs", |s| s.row(&["atlas", "* working"]))?;
    ensure!(pty.raw().is_ascii(), "{}", pty.shown());
    Ok(())
}

/// What it says before it gives up, on one line.
fn refused(flags: &[&str], home: &TempDir) -> Result<(Left, String)> {
    let left = with(flags, home)?.spawn()?.left()?;
    ensure!(left.code == 2, "exit code {}\n{}", left.code, left.shown);
    let written = String::from_utf8_lossy(&left.raw).into_owned();
    ensure!(
        !written.contains("\x1b[?1049h"),
        "the terminal was taken: {written:?}"
    );
    let said = left.shown.to_string().replace("\n│", "\n");
    Ok((left, said))
}

#[test]
fn a_mistake_in_the_configuration_is_named_with_its_line() -> Result<()> {
    let home = TempDir::new()?;
    let file = home.path().join("mine.toml");
    std::fs::write(
        &file,
        "theme = \"light\"\nidle_afer = \"5m\"\n\n[keys]\nlgs = \"L\"\n",
    )?;
    let (_, said) = refused(&["--config", &file.to_string_lossy()], &home)?;
    ensure!(said.contains("mine.toml:2:1"), "{said}");
    ensure!(said.contains("Did you mean `idle_after`?"), "{said}");
    // All mistakes at once, not one a run.
    ensure!(said.contains("mine.toml:5:1"), "{said}");
    ensure!(said.contains("Did you mean `logs`?"), "{said}");
    ensure!(said.contains("2 mistakes"), "{said}");

    let nowhere = home.path().join("nowhere.toml");
    let (_, said) = refused(&["--config", &nowhere.to_string_lossy()], &home)?;
    ensure!(said.contains("nowhere.toml"), "{said}");
    Ok(())
}

#[test]
fn a_choice_that_there_is_not_is_refused_with_those_that_there_are() -> Result<()> {
    let home = TempDir::new()?;
    let (_, said) = refused(&["--theme", "drak"], &home)?;
    ensure!(
        said.contains("'drak'") && said.contains("--theme"),
        "{said}"
    );
    ensure!(
        said.contains("similar value exists: 'dark'") && said.contains("colorblind"),
        "{said}"
    );
    let (_, said) = refused(&["--ascii=maybe"], &home)?;
    ensure!(
        said.contains("'maybe'") && said.contains("--ascii"),
        "{said}"
    );
    let (_, said) = refused(&["--thme", "dark"], &home)?;
    ensure!(said.contains("'--theme'"), "{said}");
    Ok(())
}

#[test]
fn the_configuration_of_the_home_folder_is_used() -> Result<()> {
    let home = TempDir::new()?;
    let folder = home.path().join(".config/gputop-k3s");
    std::fs::create_dir_all(&folder)?;
    let text = "default_view = \"gpus\"\n\n[keys]\nlogs = \"L\"\n";
    std::fs::write(folder.join("config.toml"), text)?;
    let mut pty = settled(with(&[], &home)?)?;
    let first = pty.until("the GPUs first", |s| s.row(&["NODE", "PRODUCT"]))?;
    ensure!(
        first.row(&["L logs"]) && !first.row(&[" l logs"]),
        "{first}"
    );
    pty.keys("L")?;
    pty.until("a log", |s| s.row(&["logs", "research/finetune-llama3"]))?;
    Ok(())
}

#[test]
fn whoever_only_looks_gets_no_shell() -> Result<()> {
    let home = TempDir::new()?;
    let mut pty = settled(with(&["--readonly"], &home)?)?;
    pty.keys("3/whisper\r")?;
    let shown = pty.until("one pod", |s| {
        s.has("1 found") && s.row(&["▌", "home/whisper-0"]) && s.row(&["q quit"])
    })?;
    ensure!(shown.has("read-only"), "{shown}");
    // What can not be done is no hint.
    ensure!(shown.row(&["l logs"]) && !shown.has("s shell"), "{shown}");
    pty.keys("s")?;
    pty.until("why not", |s| s.has("shell: read-only: shells are off"))?;
    ensure!(
        pty.screen().alternate_screen(),
        "the terminal was given away"
    );
    pty.keys(":shell")?;
    pty.until("greyed", |s| s.row(&["▌", "shell", "read-only"]))?;
    // What changes nothing goes on.
    pty.keys("\x1b")?;
    pty.until("closed", |s| !s.has("All actions"))?;
    pty.keys("l")?;
    pty.until("its log", |s| s.row(&["logs", "home/whisper-0"]))?;
    Ok(())
}
