//! Tests of files: where they are, which layer wins, and that nothing is lost in writing.

use std::collections::HashMap;

use super::*;
use crate::config::keymap::{Bindable, Ground};
use crate::theme::ThemeName;

fn located(flag: Option<&str>, variables: &[(&str, &str)]) -> Option<UserFile> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    user_file_in(
        flag.map(Path::new),
        |name| variables.get(name).map(OsString::from),
        Some(PathBuf::from("/home/me")),
    )
}

#[test]
fn the_file_is_found_in_the_usual_places() {
    let path = |flag, variables: &[(&str, &str)]| {
        let file = located(flag, variables).unwrap();
        (file.path.to_string_lossy().into_owned(), file.named)
    };
    let usual = ("/home/me/.config/gputop-k3s/config.toml".to_owned(), false);
    assert_eq!(path(None, &[]), usual);
    assert_eq!(path(None, &[("XDG_CONFIG_HOME", "relative")]), usual);
    assert_eq!(path(None, &[("GPUTOP_K3S_CONFIG", "")]), usual);
    assert_eq!(
        path(None, &[("XDG_CONFIG_HOME", "/x")]),
        ("/x/gputop-k3s/config.toml".to_owned(), false)
    );
    let variable = ("GPUTOP_K3S_CONFIG", "/y.toml");
    assert_eq!(path(None, &[variable]), ("/y.toml".to_owned(), true));
    assert_eq!(
        path(Some("z.toml"), &[variable]),
        ("z.toml".to_owned(), true)
    );
    assert_eq!(user_file_in(None, |_| None, None), None);
}

fn sources(documents: &[&str], environment_value: Option<&str>, flag: Option<&str>) -> Sources {
    let known = Known {
        actions: vec![Bindable {
            name: "quit",
            help: "",
            grounds: vec![Ground {
                name: "Nodes",
                takes_text: false,
            }],
            keys: &[],
            quits: true,
        }],
        ..Known::default()
    };
    let given: Vec<_> = flag
        .map(|theme| ("theme", theme.to_owned()))
        .into_iter()
        .collect();
    let variable = |name: &str| {
        let value = environment_value.filter(|_| name == "GPUTOP_K3S_THEME");
        value.map(str::to_owned)
    };
    let documents = documents.iter().enumerate();
    let documents = documents.map(|(at, text)| parse(&format!("{at}.toml"), text, &known).unwrap());
    Sources {
        documents: documents.collect(),
        above: vec![
            environment(variable, &known).unwrap(),
            flags(&given, &known).unwrap(),
        ],
        known,
    }
}

#[test]
fn the_stronger_layer_wins_and_every_value_knows_its_origin() {
    let system = "theme = \"mono\"\nmouse = false\n[contexts.lab]\nwide = true\ntheme = \"ansi16\"";
    let user = "theme = \"light\"\n[contexts.lab]\ntheme = \"colorblind\"\n[keys]\nquit = \"x\"";
    let theme = |documents: &[&str], variable, flag, context| {
        let effective = sources(documents, variable, flag)
            .effective(context)
            .unwrap();
        let origin = effective.origin("theme").map(ToString::to_string);
        (effective.config.theme, origin.unwrap_or_default())
    };
    let both = [system, user];
    let of = |name, origin: &str| (Some(name), origin.to_owned());
    assert_eq!(theme(&[], None, None, None), (None, String::new()));
    assert_eq!(
        theme(&[system], None, None, None),
        of(ThemeName::Mono, "0.toml:1")
    );
    assert_eq!(
        theme(&both, None, None, None),
        of(ThemeName::Light, "1.toml:1")
    );
    assert_eq!(
        theme(&both, None, None, Some("lab")),
        of(ThemeName::Colorblind, "1.toml:3, for this context")
    );
    // A section for the context is stronger than what another file says for all.
    assert_eq!(
        theme(&[system, "theme = \"light\""], None, None, Some("lab")),
        of(ThemeName::Ansi16, "0.toml:5, for this context")
    );
    assert_eq!(
        theme(&both, Some("dark"), None, Some("lab")),
        of(ThemeName::Dark, "$GPUTOP_K3S_THEME")
    );
    assert_eq!(
        theme(&both, Some("dark"), Some("mono"), Some("lab")),
        of(ThemeName::Mono, "--theme")
    );
    // An `auto` that is written is stronger than a theme below it.
    assert_eq!(theme(&both, Some("auto"), None, None).0, None);
    let effective = sources(&both, None, None).effective(Some("lab")).unwrap();
    assert!(effective.config.wide && !effective.config.mouse);
    assert_eq!(effective.config.keys["quit"].len(), 1);
    assert_eq!(
        effective.origin("keys.quit").unwrap().to_string(),
        "1.toml:5"
    );
}

#[test]
fn a_wrong_variable_is_named() {
    let wrong = environment(
        |name| (name == "GPUTOP_K3S_MOUSE").then(|| "maybe".to_owned()),
        &Known::default(),
    );
    assert_eq!(
        wrong.unwrap_err()[0].to_string(),
        "$GPUTOP_K3S_MOUSE: `maybe` is neither true nor false"
    );
}

#[test]
fn a_file_that_was_named_has_to_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = |named| UserFile {
        path: folder.path().join("none.toml"),
        named,
    };
    assert_eq!(read(&file(false)), Ok(None));
    let errors = read(&file(true)).unwrap_err();
    assert!(
        errors[0]
            .to_string()
            .contains("none.toml: the file can not be read")
    );
    let folder = UserFile {
        path: folder.path().to_owned(),
        named: false,
    };
    assert!(read(&folder).is_err());
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = UserFile {
        path: folder.path().join("config.toml"),
        named: true,
    };
    fs::write(&file.path, b"a = 1\nb = \"\xff\"\n").unwrap();
    assert!(
        read(&file).unwrap_err()[0]
            .to_string()
            .contains("line 2 is not UTF-8")
    );
    fs::write(
        &file.path,
        vec![b'#'; usize::try_from(LONGEST).unwrap() + 1],
    )
    .unwrap();
    assert!(
        read(&file).unwrap_err()[0]
            .to_string()
            .contains("longer than 1 MiB")
    );
}

#[test]
fn writing_replaces_nothing_unless_asked_and_keeps_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/config.toml");
    let written = write(&path, "one", false).unwrap();
    assert_eq!(written.previous, None);
    let refused = write(&path, "two", false).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read_to_string(&path).unwrap(), "one");
    let written = write(&path, "two", true).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    assert_eq!(
        fs::read_to_string(written.previous.unwrap()).unwrap(),
        "one"
    );
    // No draft is left behind.
    let names = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(names, 2);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (
        folder.path().join("dotfile"),
        folder.path().join("config.toml"),
    );
    fs::write(&real, "one").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    write(&link, "two", true).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&real).unwrap(), "two");
}
