//! `gputop-k3s config` as its users call it.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

fn gputop(home: &Path, arguments: &[&str]) -> Output {
    gputop_with(home, arguments, &[])
}

fn gputop_with(home: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gputop-k3s"));
    #[expect(
        clippy::unwrap_used,
        reason = "a test that can not start fails rightly"
    )]
    command
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_new_file_is_explained_fine_and_not_replaced() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let file = home.join(".config/gputop-k3s/config.toml");
    let path = format!("{}\n", file.display());
    assert_eq!(stdout(&gputop(home, &["config", "path"])), path);
    assert_eq!(stdout(&gputop(home, &["config", "init"])), path);
    assert_eq!(
        stdout(&gputop(home, &["config", "check"])),
        "The configuration is fine.\n"
    );
    let first = fs::read_to_string(&file).unwrap();
    assert!(first.contains("\n#theme = \"auto\"\n") && first.contains("\n#quit = [\"q\"]\n"));

    fs::write(&file, "theme = \"light\"\n").unwrap();
    let refused = stderr(&gputop(home, &["config", "init"]), 4);
    assert!(
        refused.contains("is there already") && refused.contains("--force"),
        "{refused}"
    );
    stdout(&gputop(home, &["config", "init", "--force"]));
    assert_eq!(fs::read_to_string(&file).unwrap(), first);
    let kept = fs::read_to_string(file.with_extension("toml.old")).unwrap();
    assert_eq!(kept, "theme = \"light\"\n");
}

#[test]
fn what_holds_is_shown_with_its_origin() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let file = home.join("own.toml");
    let own = file.to_string_lossy().into_owned();
    fs::write(
        &file,
        "theme = \"light\"\nmouse = false\n[keys]\nhelp = \"F2\"\n[contexts.lab]\nreadonly = true\n",
    )
    .unwrap();
    let show = [
        "config",
        "show",
        "--config",
        &own,
        "--context",
        "lab",
        "--ascii",
    ];
    let shown = stdout(&gputop_with(home, &show, &[("GPUTOP_K3S_PACE", "calm")]));
    for (value, origin) in [
        ("theme = \"light\"", format!("{own}:1")),
        ("ascii = true", "--ascii".to_owned()),
        ("mouse = false", format!("{own}:2")),
        ("wide = false", "default".to_owned()),
        ("pace = \"calm\"", "$GPUTOP_K3S_PACE".to_owned()),
        ("readonly = true", format!("{own}:6, for this context")),
        ("help = [\"F2\"]", format!("{own}:4")),
    ] {
        let line = shown.lines().find(|line| line.starts_with(value));
        let line = line.unwrap_or_else(|| panic!("no {value} in {shown}"));
        assert!(line.ends_with(&format!("# {origin}")), "{line}");
    }
    // What is shown is a configuration that says the same.
    let again = home.join("again.toml");
    fs::write(&again, &shown).unwrap();
    stdout(&gputop(
        home,
        &["config", "check", &again.to_string_lossy()],
    ));

    let json = ["config", "show", "--config", &own, "-o", "json"];
    let shown: Value = serde_json::from_str(&stdout(&gputop(home, &json))).unwrap();
    assert_eq!(shown["schema"], "gputop-k3s/v1");
    let items = shown["items"].as_array().unwrap();
    let of = |key: &str| items.iter().find(|item| item["key"] == key).unwrap();
    assert_eq!(of("theme")["value"], "light");
    assert_eq!(of("theme")["origin"]["line"], 1);
    assert_eq!(of("readonly")["origin"]["kind"], "default");
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let file = home.join(".config/gputop-k3s/config.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "them = \"dark\"\n\n[keys]\nquit = \"ctrl-i\"\n").unwrap();
    let shown = stderr(&gputop(home, &["config", "check"]), 1);
    let place = |line_and_column: &str| format!("{}:{line_and_column}: ", file.display());
    assert!(
        shown.contains(&place("1:1")) && shown.contains(&place("4:8")),
        "{shown}"
    );
    assert!(
        shown.contains("1 | them = \"dark\"\n  | ^^^^\nDid you mean `theme`?"),
        "{shown}"
    );
    assert!(
        shown.contains("the configuration has 2 mistakes"),
        "{shown}"
    );
    // Asked for anything else, the same is a wrong usage.
    stderr(&gputop(home, &["config", "show"]), 2);
    // The file is left out on request.
    stdout(&gputop(home, &["config", "show", "--config", "/dev/null"]));
}

#[test]
fn names_that_nothing_has_are_warned_of_with_the_nearest() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let kubeconfig = home.join("kubeconfig");
    let text = "apiVersion: v1\nkind: Config\ncontexts:\n- name: homelab\n  context: {cluster: c, user: u}\n";
    fs::write(&kubeconfig, text).unwrap();
    let file = home.join("own.toml");
    fs::write(&file, "[contexts.homelba]\nreadonly = true\n").unwrap();
    let (file, kubeconfig) = (file.to_string_lossy(), kubeconfig.to_string_lossy());
    let check = [
        "config",
        "check",
        "--config",
        &file,
        "--kubeconfig",
        &kubeconfig,
    ];
    let checked = gputop_with(home, &check, &[("GPUTOP_K3S_THEEM", "dark")]);
    // A context may be added later: this is no mistake.
    assert_eq!(stdout(&checked), "The configuration is fine.\n");
    let said = String::from_utf8_lossy(&checked.stderr);
    let expected = "warning: the kubeconfig has no context \"homelba\"; is it homelab?\n\
        warning: the variable GPUTOP_K3S_THEEM sets nothing; is it GPUTOP_K3S_THEME?\n";
    assert_eq!(said, expected);
}

#[test]
fn a_file_that_is_named_has_to_be_there() {
    let home = tempfile::tempdir().unwrap();
    let variables = [("GPUTOP_K3S_CONFIG", "/nonexistent/config.toml")];
    let shown = stderr(
        &gputop_with(home.path(), &["config", "show"], &variables),
        2,
    );
    assert!(
        shown.contains("/nonexistent/config.toml: the file can not be read"),
        "{shown}"
    );
    let check = ["config", "check", "/nonexistent/config.toml"];
    stderr(&gputop(home.path(), &check), 1);
}
