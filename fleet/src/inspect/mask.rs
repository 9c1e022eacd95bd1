//! What looks like a secret does not get onto a screen, and what only machines read neither.
//!
//! Secrets belong into Secret objects, which are never read here. Many are written into pods all
//! the same: as values of environment variables, on command lines, inside addresses.

use std::borrow::Cow;

use gputop_model::{MASK as MASKED, mask_tokens};
use serde_json::Value;

/// kubectl's copy of what was applied: the object once more, secrets included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Drops `managedFields` and kubectl's copy, and masks what looks like a secret: values of
/// environment variables, HTTP headers and annotations by their names, arguments by the option
/// before them, everything else by its form.
pub(super) fn mask(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            annotations.remove(LAST_APPLIED);
            for (name, value) in annotations {
                mask_named(name, value);
            }
        }
    }
    mask_value(object);
}

fn mask_value(value: &mut Value) {
    match value {
        Value::String(text) => mask_string(text),
        Value::Array(items) => items.iter_mut().for_each(mask_value),
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("env" | "httpHeaders", Value::Array(items)) => {
                        items.iter_mut().for_each(mask_pair);
                    }
                    ("args" | "command", Value::Array(items)) => mask_arguments(items),
                    (_, value) => mask_value(value),
                }
            }
        }
        _ => {}
    }
}

/// `{name: …, value: …}`; a reference to a Secret stays.
fn mask_pair(pair: &mut Value) {
    let Some(fields) = pair.as_object_mut() else {
        return;
    };
    let name = fields.get("name").and_then(Value::as_str);
    let name = name.unwrap_or_default().to_owned();
    if let Some(value) = fields.get_mut("value") {
        mask_named(&name, value);
    }
}

fn mask_named(name: &str, value: &mut Value) {
    let Value::String(text) = value else { return };
    if !text.is_empty() && is_secret(name, text) {
        MASKED.clone_into(text);
    } else {
        mask_string(text);
    }
}

/// A secret may be in the argument after its option.
fn mask_arguments(arguments: &mut [Value]) {
    let mut secret_next = false;
    for argument in arguments {
        let Value::String(text) = argument else {
            continue;
        };
        let value_only = !text.starts_with('-');
        if secret_next && value_only && !text.is_empty() {
            MASKED.clone_into(text);
            secret_next = false;
            continue;
        }
        secret_next = is_option(text) && is_secret(text, "");
        mask_string(text);
    }
}

fn mask_string(text: &mut String) {
    if let Cow::Owned(masked) = mask_text(text) {
        *text = masked;
    }
}

/// `--api-key` and the like, with no value of its own.
fn is_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-') && !word.contains(['=', ' ', '\n'])
}

/// Whether a variable, header, annotation or option of this name holds a secret.
fn is_secret(name: &str, value: &str) -> bool {
    let words = words(name);
    let last = words.last().map(String::as_str).unwrap_or_default();
    // Where the secret lies is none.
    if matches!(last, "file" | "path" | "dir") && (value.is_empty() || value.starts_with('/')) {
        return false;
    }
    words.iter().any(|word| {
        matches!(
            word.as_str(),
            "pass"
                | "pwd"
                | "auth"
                | "authorization"
                | "bearer"
                | "cookie"
                | "dsn"
                | "key"
                | "keys"
        ) || [
            "password",
            "passwords",
            "passwd",
            "passphrase",
            "secret",
            "secrets",
            // Not "tokens": language models count in them.
            "token",
            "credential",
            "credentials",
            "apikey",
            "accesskey",
            "privatekey",
            "secretkey",
        ]
        .iter()
        .any(|ending| word.ends_with(ending))
    })
}

/// `HF_TOKEN`, `--api-key` and `awsSecretKey` in small words.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for letter in name.chars() {
        let begins = !letter.is_alphanumeric() || small && letter.is_uppercase();
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        small = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A text, such as a script in an argument, with the secrets that its form shows masked:
/// `NAME=secret`, `--name secret`, `Bearer secret`, `scheme://user:secret@host`, and tokens that
/// say by their beginning whose they are.
fn mask_text(text: &str) -> Cow<'_, str> {
    let without_tokens = mask_tokens(text);
    let mut masked = String::with_capacity(text.len());
    // The quotation mark that ends the secret which is being left out.
    let mut quote: Option<char> = None;
    let mut secret_next = false;
    for piece in without_tokens.split_inclusive(ends_word) {
        let end = piece
            .chars()
            .next_back()
            .filter(|letter| ends_word(*letter));
        let word = &piece[..piece.len() - end.map_or(0, char::len_utf8)];
        if let Some(open) = quote {
            if end == Some(open) {
                masked.push(open);
                quote = None;
            }
            continue;
        }
        if !word.is_empty() {
            if std::mem::take(&mut secret_next) && !word.starts_with('-') {
                masked.push_str(MASKED);
            } else {
                secret_next = announces(word);
                masked.push_str(&mask_word(word));
            }
        }
        masked.extend(end);
        // After a name a quotation mark ends the name, unless there is an equals sign.
        let opens = word.is_empty() || word.ends_with('=');
        if secret_next
            && opens
            && let Some(open @ ('"' | '\'' | '`')) = end
        {
            masked.push_str(MASKED);
            (quote, secret_next) = (Some(open), false);
        }
        // No value is in the next command or on the next line.
        secret_next &= end.is_none_or(|end| !"\n;|&()".contains(end));
    }
    if masked == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(masked)
    }
}

fn ends_word(letter: char) -> bool {
    letter.is_whitespace() || "\"'`;|&()".contains(letter)
}

/// Whether the next word is a secret: `--token …`, `Bearer …`, `TOKEN="…`.
fn announces(word: &str) -> bool {
    if word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic") {
        return true;
    }
    match word.strip_suffix('=') {
        Some(name) => is_identifier(name) && is_secret(name, ""),
        None => is_option(word) && is_secret(word, ""),
    }
}

fn mask_word(word: &str) -> Cow<'_, str> {
    if let Some((name, value)) = word.split_once('=')
        && !value.is_empty()
        && is_identifier(name)
        && is_secret(name, value)
        // A variable that is expanded later is no secret.
        && !value.starts_with('$')
    {
        return Cow::Owned(format!("{name}={MASKED}"));
    }
    if let Some((before, rest)) = word.split_once("://") {
        let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if let Some((user, host)) = place.rsplit_once('@')
            && let Some((user, _secret)) = user.split_once(':')
        {
            return Cow::Owned(format!("{before}://{user}:{MASKED}@{host}{path}"));
        }
    }
    Cow::Borrowed(word)
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || "_-.".contains(letter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("HF_TOKEN", true)]
    #[case("API_KEY", true)]
    #[case("OPENAI_APIKEY", true)]
    #[case("PGPASSWORD", true)]
    #[case("MYSQL_PWD", true)]
    #[case("awsSecretAccessKey", true)]
    #[case("AWS_SECRET_ACCESS_KEY", true)]
    #[case("Authorization", true)]
    #[case("REDIS_PASS", true)]
    #[case("GOOGLE_APPLICATION_CREDENTIALS", true)]
    #[case("MAX_TOTAL_TOKENS", false)]
    #[case("TOKENIZERS_PARALLELISM", false)]
    #[case("NVIDIA_VISIBLE_DEVICES", false)]
    #[case("KEYCLOAK_URL", false)]
    #[case("MONKEY", false)]
    #[case("PASSENGER_COUNT", false)]
    #[case("AUTHOR", false)]
    fn names(#[case] name: &str, #[case] secret: bool) {
        assert_eq!(is_secret(name, "x"), secret);
    }

    #[rstest]
    #[case(
        "--model x --api-key abc --port 80",
        "--model x --api-key ••• --port 80"
    )]
    #[case("--token=abc --port=80", "--token=••• --port=80")]
    #[case("export HF_TOKEN=abc; run", "export HF_TOKEN=•••; run")]
    #[case("HF_TOKEN=\"abc def\" run", "HF_TOKEN=\"•••\" run")]
    #[case("HF_TOKEN=$TOKEN run", "HF_TOKEN=$TOKEN run")]
    #[case(
        "curl -H 'Authorization: Bearer abc' x",
        "curl -H 'Authorization: Bearer •••' x"
    )]
    #[case("postgres://bob:s3cret@db:5432/x", "postgres://bob:•••@db:5432/x")]
    #[case("https://host/path@2x:3", "https://host/path@2x:3")]
    #[case("image: registry/app:v1", "image: registry/app:v1")]
    #[case("login hf_0123456789abcdefXYZ now", "login ••• now")]
    #[case("ngc --key=nvapi-0123456789abcdefXYZ x", "ngc --key=••• x")]
    #[case("echo nvapi-0123456789abcdefXYZ | ngc", "echo ••• | ngc")]
    #[case("echo '-----BEGIN KEY----- a b -----END KEY-----' x", "echo '•••' x")]
    #[case("task-sk-learn", "task-sk-learn")]
    #[case("risk-assessment-2026-part-7", "risk-assessment-2026-part-7")]
    #[case("\"--token\" \"abc\"", "\"--token\" \"•••\"")]
    #[case("--token 'abc def' x", "--token '•••' x")]
    #[case(
        "failed to get token: unauthorized",
        "failed to get token: unauthorized"
    )]
    #[case("--password --port 80", "--password --port 80")]
    #[case("secret \"db\" not found", "secret \"db\" not found")]
    fn texts(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(mask_text(text), expected);
    }

    #[test]
    fn a_pod_keeps_everything_but_its_secrets() {
        let mut pod = json!({
            "metadata": {
                "managedFields": [{}],
                "annotations": {LAST_APPLIED: "{}", "example.com/api-token": "abc", "note": "x"},
            },
            "spec": {
                "containers": [{
                    "command": ["server", "--password", "abc", "--port", "80"],
                    "args": ["--token=abc", "--key-file", "/run/key"],
                    "env": [
                        {"name": "HF_TOKEN", "value": "abc"},
                        {"name": "DB", "value": "mysql://u:abc@db/x"},
                        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                        {"name": "PASSWORD_FILE", "value": "/run/secrets/p"},
                        {"name": "EMPTY_TOKEN", "value": ""},
                    ],
                    "livenessProbe": {"httpGet": {"httpHeaders": [
                        {"name": "Authorization", "value": "abc"},
                    ]}},
                }],
                "volumes": [{"name": "key", "secret": {"secretName": "s"}}],
            },
        });
        mask(&mut pod);
        let expected = json!({
            "metadata": {"annotations": {"example.com/api-token": "•••", "note": "x"}},
            "spec": {
                "containers": [{
                    "command": ["server", "--password", "•••", "--port", "80"],
                    "args": ["--token=•••", "--key-file", "/run/key"],
                    "env": [
                        {"name": "HF_TOKEN", "value": "•••"},
                        {"name": "DB", "value": "mysql://u:•••@db/x"},
                        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                        {"name": "PASSWORD_FILE", "value": "/run/secrets/p"},
                        {"name": "EMPTY_TOKEN", "value": ""},
                    ],
                    "livenessProbe": {"httpGet": {"httpHeaders": [
                        {"name": "Authorization", "value": "•••"},
                    ]}},
                }],
                "volumes": [{"name": "key", "secret": {"secretName": "s"}}],
            },
        });
        assert_eq!(pod, expected);
    }

    proptest! {
        #[test]
        fn any_text_is_survived_and_masking_twice_is_masking_once(text in "\\PC{0,60}") {
            let once = mask_text(&text).into_owned();
            prop_assert_eq!(mask_text(&once), once.clone());
        }

        #[test]
        fn a_named_secret_is_gone(value in "[a-zA-Z0-9]{4,20}") {
            let text = format!("run --api-key={value} DB_PASSWORD={value} --token {value}");
            prop_assert!(!mask_text(&text).contains(&value));
        }
    }
}
