//! The commands that the shell of a simulated container knows.

use super::{Place, smi};

/// What a line has led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Text, and the exit code of the last command.
    Said { text: String, code: i32 },
    /// The shell ends.
    Exit { text: String, code: i32 },
}

/// Names of all commands.
pub(super) const NAMES: [&str; 17] = [
    "cat",
    "clear",
    "echo",
    "env",
    "exit",
    "false",
    "help",
    "hostname",
    "id",
    "ls",
    "nvidia-smi",
    "ps",
    "pwd",
    "stty",
    "true",
    "uname",
    "whoami",
];

/// What `ls` shows: the root of a Linux image.
const ROOT: &str = "bin  dev  etc  home  lib  opt  proc  root  run  srv  sys  tmp  usr  var";

/// Runs the commands of a line, one after another.
pub(super) fn run(line: &str, place: &Place, size: (u16, u16), last_code: i32) -> Outcome {
    let (mut text, mut code) = (String::new(), last_code);
    for command in line.split(';') {
        let words = words(command, place, code);
        let Some((name, arguments)) = words.split_first() else {
            continue;
        };
        if name == "exit" {
            let code = arguments
                .first()
                .and_then(|code| code.parse().ok())
                .unwrap_or(code);
            return Outcome::Exit { text, code };
        }
        let (said, result) = one(name, arguments, place, size);
        text += &said;
        code = result;
    }
    Outcome::Said { text, code }
}

fn one(name: &str, arguments: &[String], place: &Place, size: (u16, u16)) -> (String, i32) {
    let first = arguments.first().map_or("", String::as_str);
    let said = match name {
        "help" => format!("Simulated commands: {}\n", NAMES.join(" ")),
        "echo" => format!("{}\n", arguments.join(" ")),
        "env" => {
            let lines = place.environment.iter();
            let lines = lines.map(|(name, value)| [name.as_str(), "=", value, "\n"].concat());
            lines.collect()
        }
        "ls" if matches!(first, "" | "/" | "-l" | "-la") => format!("{ROOT}\n"),
        "ls" if first == "/dev" => devices(place),
        "ls" => {
            return (
                format!("ls: cannot access '{first}': No such file or directory\n"),
                2,
            );
        }
        "pwd" => "/\n".to_owned(),
        "hostname" => format!("{}\n", place.pod),
        "whoami" => format!("{}\n", place.user),
        "id" if place.user == "root" => "uid=0(root) gid=0(root) groups=0(root)\n".to_owned(),
        "id" => format!("uid=1000({0}) gid=1000({0}) groups=1000({0})\n", place.user),
        "uname" if first == "-r" => format!("{}\n", place.kernel),
        "uname" => "Linux\n".to_owned(),
        "ps" => format!(
            "  PID TTY      CMD\n    1 ?        {}\n   42 pts/0    sh\n",
            place.process
        ),
        "stty" if first == "size" => format!("{} {}\n", size.1, size.0),
        "clear" => "\u{1b}[H\u{1b}[2J".to_owned(),
        "true" => String::new(),
        "false" => return (String::new(), 1),
        "cat" if first == "/etc/hostname" => format!("{}\n", place.pod),
        "nvidia-smi" => match &place.cards {
            Some(cards) => smi::say(cards, first),
            None => return (missing(name), 127),
        },
        "cat" => return (format!("cat: {first}: No such file or directory\n"), 1),
        "stty" => return (format!("stty: invalid argument '{first}'\n"), 1),
        _ => return (missing(name), 127),
    };
    (said, 0)
}

fn missing(name: &str) -> String {
    format!("sh: {name}: not found (this container is simulated)\n")
}

fn devices(place: &Place) -> String {
    let mut names = vec!["null".to_owned()];
    if let Some(cards) = &place.cards {
        names.extend((0..cards.list.len()).map(|index| format!("nvidia{index}")));
        names.extend(["nvidiactl", "nvidia-uvm"].map(str::to_owned));
    }
    format!("{}\n", names.join("  "))
}

/// The words of a command, with quotation marks and `$NAME` resolved.
fn words(command: &str, place: &Place, code: i32) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut letters = command.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\'' | '"', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (letter, Some(open)) if letter == open => quote = None,
            (letter, None) if letter.is_whitespace() => words.extend(word.take()),
            ('$', None | Some('"')) => {
                let mut name = String::new();
                while let Some(next) = letters.next_if(|l| l.is_alphanumeric() || "_?".contains(*l))
                {
                    name.push(next);
                }
                word.get_or_insert_default()
                    .push_str(&value(&name, place, code));
            }
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

fn value(name: &str, place: &Place, code: i32) -> String {
    match name {
        "" => "$".to_owned(),
        "?" => code.to_string(),
        name => {
            let known = place.environment.iter().find(|(known, _)| known == name);
            known.map(|(_, value)| value.clone()).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn place() -> Place {
        Place {
            pod: "llm-0".into(),
            user: "bob".into(),
            environment: vec![("MODEL".into(), "a b".into())],
            ..Place::default()
        }
    }

    #[rstest]
    #[case("echo $MODEL '$MODEL' \"x  y\"", "a b $MODEL x  y\n", 0)]
    #[case("false; echo $?", "1\n", 0)]
    #[case(
        "true; nvidia-smi",
        "sh: nvidia-smi: not found (this container is simulated)\n",
        127
    )]
    #[case("  ", "", 5)]
    #[case("hostname; whoami", "llm-0\nbob\n", 0)]
    #[case("env", "MODEL=a b\n", 0)]
    #[case(
        "ls /nowhere",
        "ls: cannot access '/nowhere': No such file or directory\n",
        2
    )]
    fn what_is_said(#[case] line: &str, #[case] text: &str, #[case] code: i32) {
        let said = Outcome::Said {
            text: text.to_owned(),
            code,
        };
        assert_eq!(run(line, &place(), (80, 24), 5), said);
    }

    #[test]
    fn exit_takes_a_code_or_the_last_one() {
        let exit = |text: &str, code| Outcome::Exit {
            text: text.to_owned(),
            code,
        };
        assert_eq!(run("echo a; exit 3", &place(), (80, 24), 0), exit("a\n", 3));
        assert_eq!(run("false; exit", &place(), (80, 24), 0), exit("", 1));
    }

    #[test]
    fn every_name_is_a_command() {
        for name in NAMES
            .iter()
            .filter(|name| !["exit", "nvidia-smi"].contains(name))
        {
            let (said, _) = one(name, &[], &place(), (80, 24));
            assert!(!said.contains("not found"), "{name}");
        }
    }
}
