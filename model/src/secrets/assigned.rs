//! Secrets that are known by the name before them: `--token=x`, `--token x`, `TOKEN=x`,
//! `"token": "x"`, `Authorization: Bearer x`, `https://user:x@host`.

use std::ops::Range;

use super::names::{Kind, kind, looks_random};

/// Words before a credential in a header.
const SCHEMES: &[&str] = &["bearer", "basic", "token", "digest", "negotiate"];

/// Programs whose option `-p` has a password glued to it.
const GLUED: &[&str] = &["sshpass", "mysql", "mysqldump", "mysqladmin", "mariadb"];

/// Options with `user:password`.
const USER_OPTIONS: &[&str] = &["-u", "--user", "-U", "--proxy-user", "--http-user"];

/// Where secrets are that have a name.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, sign) in text.char_indices() {
        match sign {
            ':' if text[at..].starts_with("://") => found.extend(in_url(text, at + 3)),
            '=' | ':' => found.extend(after_sign(text, at)),
            _ => {}
        }
    }
    found.extend(after_words(text));
    found
}

/// The value behind `=` or `:` at `at`.
fn after_sign(text: &str, at: usize) -> Option<Range<usize>> {
    let (start, name) = name_before(text, at)?;
    let kind = kind(name)?;
    let is_parameter = text[..start].ends_with(['?', '&']);
    // `a: b` and `a = b`, but `A= b` has no value.
    let spaced = text[at..].starts_with(':') || text[..at].ends_with(' ');
    let begin = if spaced {
        skip_blanks(text, at + 1)
    } else {
        at + 1
    };
    let value = value(text, begin, is_parameter);
    let first = &text[value.clone()];
    if kind == Kind::Secret
        && SCHEMES
            .iter()
            .any(|scheme| first.eq_ignore_ascii_case(scheme))
    {
        let credential = skip_blanks(text, value.end);
        return Some(if begins_argument(text, start) {
            credential..argument_end(text, credential)
        } else {
            self::value(text, credential, false)
        });
    }
    let masked = kind == Kind::Secret || looks_random(first);
    let whole = begins_argument(text, start).then(|| begin..argument_end(text, begin));
    masked.then(|| whole.unwrap_or(value))
}

/// Whether something at `at` begins an argument of a command line in which each ends with a NUL:
/// its value then goes on to the NUL, blanks or not. What follows `-c` is a script, with words of
/// its own.
fn begins_argument(text: &str, at: usize) -> bool {
    let before = match text[..at].strip_suffix('\0') {
        Some(before) => before,
        None if at == 0 && text.contains('\0') => return true,
        None => return false,
    };
    let option = before.rsplit('\0').next().unwrap_or_default();
    let is_script = option.starts_with('-') && !option.starts_with("--") && option.ends_with('c');
    !is_script
}

/// The end of the argument that `at` lies in.
fn argument_end(text: &str, at: usize) -> usize {
    text[at..].find('\0').map_or(text.len(), |end| at + end)
}

/// The name that ends before `at`, within quotes or not, and where it begins.
fn name_before(text: &str, at: usize) -> Option<(usize, &str)> {
    let name = text[..at].trim_end_matches(['"', '\'', '\\', ' ']);
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let start = name.rfind(|c| !in_name(c)).map_or(0, |before| {
        before + text[before..].chars().next().map_or(1, char::len_utf8)
    });
    let name = &name[start..];
    (!name.is_empty()).then_some((start, name))
}

/// A value that begins at `start`: to its closing quote, or to the next blank.
fn value(text: &str, start: usize, is_parameter: bool) -> Range<usize> {
    let rest = &text[start..];
    let escaped = rest.starts_with("\\\"") || rest.starts_with("\\'");
    let open = start + usize::from(escaped);
    if let Some(quote) = text[open..]
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\''))
    {
        let inner = open + 1;
        let closing = text[inner..]
            .find(quote)
            .map_or(text.len(), |end| inner + end);
        let closing = closing - usize::from(escaped && text[inner..closing].ends_with('\\'));
        return inner..closing;
    }
    let ends = |c: char| c.is_whitespace() || c == '\0' || (is_parameter && matches!(c, '&' | '#'));
    let end = rest.find(ends).map_or(text.len(), |end| start + end);
    // The quote around all of `"--token=x"` is not part of it.
    let quoted = text[..end].ends_with(['"', '\'']) && {
        let quote = &text[end - 1..end];
        text[..start].matches(quote).count() % 2 == 1
    };
    start..if quoted { (end - 1).max(start) } else { end }
}

fn skip_blanks(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start_matches([' ', '\t', '\0']).len()
}

/// The password in the part of a URL that begins at `start`, behind `://`.
fn in_url(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = &text[start..];
    let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '\0');
    let authority = &rest[..rest.find(ends).unwrap_or(rest.len())];
    let user = &authority[..authority.rfind('@')?];
    match user.find(':') {
        Some(colon) => Some(start + colon + 1..start + user.len()),
        None => looks_random(user).then_some(start..start + user.len()),
    }
}

/// Values that are words of their own: behind an option, or behind `Bearer`.
fn after_words(text: &str) -> Vec<Range<usize>> {
    let words = words(text);
    let mut found = Vec::new();
    let mut program = false;
    for (at, word) in words.iter().enumerate() {
        let this = &text[word.clone()];
        let bare = this.trim_matches(['"', '\'']);
        if !bare.starts_with('-') {
            program = GLUED.contains(&bare.rsplit('/').next().unwrap_or(bare));
        }
        let next = words.get(at + 1).map(|next| {
            if text[word.end..].starts_with('\0') {
                next.start..argument_end(text, next.start)
            } else {
                value(text, next.start, false)
            }
        });
        let next = next.filter(|next| !text[next.clone()].starts_with('-'));
        if program && let Some(glued) = bare.strip_prefix("-p") {
            if glued.is_empty() {
                found.extend(next.clone().filter(|_| is_sshpass(&words, at, text)));
            } else {
                found.push(value(
                    text,
                    word.start + this.find("-p").unwrap_or(0) + 2,
                    false,
                ));
            }
            continue;
        }
        let Some(next) = next else { continue };
        let shown = &text[next.clone()];
        if USER_OPTIONS.contains(&bare) {
            found.extend(password_of(shown).map(|part| next.start + part..next.end));
        } else if bare.eq_ignore_ascii_case("bearer") || bare.eq_ignore_ascii_case("basic") {
            found.extend((shown.len() >= 8).then_some(next));
        } else if is_option(bare) {
            match kind(bare) {
                Some(Kind::Secret) => found.push(next),
                Some(Kind::Perhaps) if looks_random(shown) => found.push(next),
                _ => {}
            }
        }
    }
    found
}

/// Words between blanks.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, letter) in text.char_indices() {
        let blank = letter.is_whitespace() || letter == '\0';
        match (blank, start) {
            (true, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    words.extend(start.map(|from| from..text.len()));
    words
}

/// `--name` or `-name`, without a value.
fn is_option(word: &str) -> bool {
    let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-'));
    name.is_some_and(|name| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    })
}

/// Of these programs only one has its password in a word of its own behind `-p`.
fn is_sshpass(words: &[Range<usize>], at: usize, text: &str) -> bool {
    let before = words[..at].iter().rev().map(|word| &text[word.clone()]);
    before
        .take(1)
        .any(|word| word.rsplit('/').next() == Some("sshpass"))
}

/// Where the password begins in `user:password`; numbers on both sides are ids of user and group.
fn password_of(value: &str) -> Option<usize> {
    let (user, password) = value.split_once(':')?;
    let is_number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let ids = is_number(user) && is_number(password);
    (!ids && !password.is_empty()).then_some(user.len() + 1)
}
