//! Names that say that a secret follows.

/// How surely a secret follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whatever the value is, it is a secret.
    Secret,
    /// It is one where it looks random.
    Perhaps,
}

/// Last words of names that speak about a secret without being one: `--token-file`, `--max-tokens`
/// (no word of ours), `SECRET_NAME`.
const ABOUT: &[&str] = &[
    "file",
    "path",
    "dir",
    "folder",
    "name",
    "id",
    "ids",
    "url",
    "uri",
    "endpoint",
    "host",
    "ttl",
    "type",
    "mode",
    "limit",
    "len",
    "length",
    "count",
    "size",
    "budget",
    "ref",
    "mount",
    "expiry",
    "expires",
    "expiration",
    "version",
    "enabled",
    "required",
    "env",
    "store",
    "provider",
];

/// Words that say it alone.
const SECRET: &[&str] = &[
    "pass",
    "pwd",
    "secret",
    "secrets",
    "token",
    "bearer",
    "authorization",
    "jwt",
    "cookie",
    "apikey",
    "authtoken",
    "accesskey",
    "secretkey",
    "privatekey",
    "accesstoken",
];

/// Endings of words that say it: `PGPASSWORD`.
const SECRET_ENDINGS: &[&str] = &["password", "passwd", "passphrase", "passcode"];

/// Words that make a key a secret one.
const KEYS_OF: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "signing",
    "encryption",
    "auth",
    "account",
    "master",
    "admin",
    "license",
    "shared",
];

/// Words that hint at one.
const PERHAPS: &[&str] = &[
    "key",
    "keys",
    "auth",
    "credential",
    "credentials",
    "creds",
    "cred",
    "sig",
    "signature",
    "session",
    "sid",
    "pat",
    "salt",
    "code",
];

/// What a name says about the value behind it: `--hf-token`, `AWS_SECRET_ACCESS_KEY`, `apiKey`.
pub(super) fn kind(name: &str) -> Option<Kind> {
    let words = words(name);
    let (last, before) = words.split_last()?;
    if ABOUT.contains(&last.as_str()) {
        return None;
    }
    let says = |word: &String| SECRET_ENDINGS.iter().any(|ending| word.ends_with(ending));
    let is_secret = |word: &String| word == "secret" || word == "secrets" || says(word);
    let key_of = before
        .last()
        .is_some_and(|word| KEYS_OF.contains(&word.as_str()));
    if words.iter().any(is_secret)
        || SECRET.contains(&last.as_str())
        || (key_of && (last == "key" || last == "keys"))
    {
        return Some(Kind::Secret);
    }
    PERHAPS.contains(&last.as_str()).then_some(Kind::Perhaps)
}

/// The words of `max_new_tokens`, `clientSecret` or `X-Api-Key`, in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    for letter in name.chars() {
        let camel = letter.is_ascii_uppercase()
            && before.is_some_and(|before: char| before.is_ascii_lowercase());
        let begins = camel || before.is_none_or(|before: char| !before.is_ascii_alphanumeric());
        if letter.is_ascii_alphanumeric() {
            match words.last_mut() {
                Some(word) if !begins => word.push(letter.to_ascii_lowercase()),
                _ => words.push(letter.to_ascii_lowercase().to_string()),
            }
        }
        before = Some(letter);
    }
    words
}

/// Whether a value is letters and digits without a meaning: hexadecimal, base64 and the like.
pub(super) fn looks_random(value: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-');
    let is_path = value.starts_with(['/', '-']) || value.contains("//");
    value.len() >= 16
        && !is_path
        && value.chars().all(allowed)
        && value.chars().any(|c| c.is_ascii_digit())
        && value.chars().any(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("--token", Some(Kind::Secret))]
    #[case("HF_TOKEN", Some(Kind::Secret))]
    #[case("AWS_SECRET_ACCESS_KEY", Some(Kind::Secret))]
    #[case("clientSecret", Some(Kind::Secret))]
    #[case("X-Api-Key", Some(Kind::Secret))]
    #[case("PGPASSWORD", Some(Kind::Secret))]
    #[case("db_password_1", Some(Kind::Secret))]
    #[case("--api-key", Some(Kind::Secret))]
    #[case("--key", Some(Kind::Perhaps))]
    #[case("--max-tokens", None)]
    #[case("--tokenizer", None)]
    #[case("--token-file", None)]
    #[case("SECRET_NAME", None)]
    #[case("AWS_ACCESS_KEY_ID", None)]
    #[case("--keyboard", None)]
    #[case("--author", None)]
    #[case("", None)]
    fn names_are_weighed(#[case] name: &str, #[case] expected: Option<Kind>) {
        assert_eq!(kind(name), expected);
    }

    #[test]
    fn random_letters_look_it() {
        assert!(looks_random("0123456789abcdef0123"));
        assert!(looks_random("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1"));
        for other in [
            "short1",
            "/etc/ssl/private/key1.pem",
            "averylongwordwithoutdigits",
            "1234567890123456",
        ] {
            assert!(!looks_random(other), "{other}");
        }
    }
}
