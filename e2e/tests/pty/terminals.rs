//! The terminal in other hands, of other sizes, of other kinds.

use std::path::Path;

use color_eyre::Result;
use color_eyre::eyre::ensure;
use gputop_e2e::programs::program;
use gputop_e2e::pty::Start;
use gputop_e2e::shown::Shown;
use rustix::process::Signal;
use tempfile::TempDir;
use vt100::MouseProtocolMode;

use super::demo::{DEMO, demo, settled};

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_all_back() -> Result<()> {
    let home = TempDir::new()?;
    // A shell with job control: a program without one can not be stopped by the terminal.
    let script = r#""$0" demo --seed 7; echo "stopped with $?"; read -r line; fg %1"#;
    let program = program("gputop-k3s")?;
    let arguments = ["-m", "-c", script, &*program.to_string_lossy()];
    let mut pty = settled(Start::new(Path::new("/bin/sh"), &arguments, home.path()))?;
    pty.keys("2")?;
    pty.until("the GPUs", |s| s.row(&["NODE", "PRODUCT"]))?;
    let mouse = pty.screen().mouse_protocol_mode();
    ensure!(
        mouse != MouseProtocolMode::None,
        "no mouse from the beginning"
    );

    pty.keys("\x1a")?;
    let stopped = format!("stopped with {}", 128 + Signal::TSTP.as_raw());
    let shell = pty.until("the shell", |s| s.has(&stopped))?;
    ensure!(!pty.is_raw()?, "the terminal is still in raw mode");
    pty.is_given_back()?;
    ensure!(!shell.has("PRODUCT"), "{shell}");

    pty.keys("\n")?;
    let back = pty.until("the app", |s| {
        s.row(&["NODE", "PRODUCT"]) && s.has("● live") && s.row(&["q quit"])
    })?;
    ensure!(pty.is_raw()? && pty.screen().alternate_screen(), "{back}");
    ensure!(
        pty.screen().mouse_protocol_mode() == mouse,
        "no mouse any more"
    );
    // All of it, and nothing of the shell.
    ensure!(back.lines().count() == 40 && !back.has("stopped"), "{back}");
    ensure!(
        back.has("gputop-k3s · demo · seed 7") && back.has("3 Pods"),
        "{back}"
    );
    for card in ["RTX 3090", "P40", "RTX 3060", "RTX 4090", "3g.40gb"] {
        ensure!(back.row(&[card, "Gi"]), "no {card}:\n{back}");
    }
    pty.keys("1")?;
    pty.until("the nodes", |s| s.row(&["NODE", "UNITS"]))?;
    pty.keys("q")?;
    ensure!(pty.left()?.code == 0);
    Ok(())
}

#[test]
fn a_shell_in_a_pod_takes_the_terminal_and_gives_it_back() -> Result<()> {
    let home = TempDir::new()?;
    let mut pty = demo(&home)?;
    pty.keys("3/whisper\r")?;
    pty.until("one pod", |s| {
        s.has("1 found") && s.row(&["▌", "home/whisper-0"])
    })?;
    pty.keys("s")?;
    let shell = pty.until("the shell", |s| {
        s.has("This is a simulated container") && s.has("whisper-0:/$")
    })?;
    ensure!(
        shell.has("Shell in home/whisper-0; exit or ctrl-d leaves it."),
        "{shell}"
    );
    ensure!(!pty.screen().alternate_screen(), "{shell}");
    pty.keys("nvidia-smi -L\r")?;
    pty.until("its card", |s| s.row(&["GPU 0: ", "RTX 4090"]))?;
    // The shell's own keys: the app must not take them for its own.
    pty.keys("echo q\x1a1\x15exit\r")?;
    let back = pty.until("the table", |s| {
        s.row(&["▌", "home/whisper-0"]) && s.has("● live") && s.row(&["q quit"])
    })?;
    ensure!(pty.is_raw()? && pty.screen().alternate_screen(), "{back}");
    ensure!(!back.has("simulated container"), "{back}");
    // The very next key is the app's again.
    pty.keys("1")?;
    pty.until("the nodes", |s| s.row(&["NODE", "UNITS"]))?;

    pty.keys("3s")?;
    pty.until("a second shell", |s| {
        s.row(&["whisper-0:/$"]) && !s.has("UNITS")
    })?;
    pty.keys("exit 3\r")?;
    pty.until("how it ended", |s| {
        s.has("the shell in home/whisper-0 ended with 3") && s.has("● live")
    })?;
    pty.keys("q")?;
    ensure!(pty.left()?.code == 0);
    Ok(())
}

#[test]
fn a_storm_of_sizes_ends_in_a_whole_screen() -> Result<()> {
    let home = TempDir::new()?;
    let mut pty = demo(&home)?;
    let mut dice = 7_u32;
    let mut throw = |most: u16| {
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1 + u16::try_from(dice >> 16).unwrap_or(0) % most
    };
    for number in 0..50 {
        let (width, height) = if number % 10 == 3 {
            (1, 1)
        } else {
            (throw(240), throw(70))
        };
        pty.resize(width, height)?;
        // Keys come in between, as from somebody who works meanwhile.
        pty.keys(["2", "1", "j", "k", "\t"][number % 5])?;
    }
    pty.keys("1g")?;
    pty.resize(100, 30)?;
    let once = |shown: &Shown, text: &str| shown.to_string().matches(text).count() == 1;
    pty.until("a whole screen", |s| {
        let hints = s.lines().nth(29).unwrap_or_default();
        let rows = [
            "atlas ",
            "dgx ",
            "newbox ",
            "pi5 ",
            "rig.lab.home ",
            "tesla ",
        ];
        s.width() <= 100
            && hints.contains("q quit")
            && once(s, "gputop-k3s · demo")
            && once(s, "1 Nodes 6")
            && once(s, "● live")
            && rows.iter().all(|node| {
                let starts = |line: &&str| line.trim_start_matches(['▌', ' ']).starts_with(node);
                s.lines().filter(starts).count() == 1
            })
    })?;
    pty.keys("q")?;
    ensure!(pty.left()?.code == 0);
    Ok(())
}

#[test]
fn where_signs_can_not_be_shown_all_is_ascii() -> Result<()> {
    for (term, locale) in [("linux", "C"), ("dumb", "C"), ("xterm-256color", "C")] {
        let home = TempDir::new()?;
        let start = Start::new(&program("gputop-k3s")?, &DEMO, home.path());
        let mut pty = start.env("TERM", term).env("LANG", locale).spawn()?;
        pty.until("all daemons", |s| s.has("* live") && s.has("daemons 5/5"))?;
        for (key, words) in [
            ("2", "PRODUCT"),
            ("3t", "POD"),
            ("t4", "PID"),
            ("1d", "Schedulable:"),
            ("\x1b", "UNITS"),
            ("?", "All tables"),
            ("\x1b", "UNITS"),
            (":", "All actions"),
        ] {
            pty.keys(key)?;
            pty.until(words, |s| {
                s.has(words) && !(words == "UNITS" && s.has("All tables"))
            })?;
            // Far enough to the end that what stands there is drawn too.
            if words == "Schedulable:" {
                pty.keys("G")?;
                pty.until("its end", |s| {
                    s.row(&["describe", "end"]) && s.has("KubeletReady")
                })?;
            }
        }
        let foreign = pty.raw().iter().position(|byte| !byte.is_ascii());
        let around = foreign.map(|at| {
            let from = at.saturating_sub(40);
            String::from_utf8_lossy(&pty.raw()[from..(at + 8).min(pty.raw().len())]).into_owned()
        });
        ensure!(around.is_none(), "TERM={term} LANG={locale}: {around:?}");
        pty.keys("\x03")?;
        ensure!(pty.left()?.code == 0);
    }
    Ok(())
}
