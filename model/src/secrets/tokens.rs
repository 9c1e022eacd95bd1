//! Secrets that are known by their form alone.

use std::ops::Range;

/// A kind of token.
struct Form {
    /// How it begins.
    prefix: &'static str,
    /// Letters that follow at least.
    least: usize,
    /// Signs that may follow besides letters and digits.
    signs: &'static str,
}

const fn form(prefix: &'static str, least: usize, signs: &'static str) -> Form {
    Form {
        prefix,
        least,
        signs,
    }
}

/// Forms as the services that give them out document them.
const FORMS: &[Form] = &[
    form("hf_", 16, ""),      // Hugging Face
    form("sk-", 16, "-_"),    // OpenAI, Anthropic and others
    form("nvapi-", 16, "-_"), // NVIDIA
    form("gsk_", 16, ""),     // Groq
    form("r8_", 16, ""),      // Replicate
    form("xai-", 16, "-_"),   // xAI
    form("lsv2_", 16, "_"),   // LangSmith
    form("ghp_", 16, ""),     // GitHub
    form("gho_", 16, ""),
    form("ghu_", 16, ""),
    form("ghs_", 16, ""),
    form("ghr_", 16, ""),
    form("github_pat_", 16, "_"),
    form("glpat-", 16, "-_"), // GitLab
    form("glsa_", 16, "_"),   // Grafana
    form("xoxb-", 10, "-"),   // Slack
    form("xoxp-", 10, "-"),
    form("xoxa-", 10, "-"),
    form("xoxr-", 10, "-"),
    form("xoxs-", 10, "-"),
    form("xapp-", 10, "-"),
    form("AKIA", 16, ""), // Amazon
    form("ASIA", 16, ""),
    form("AIza", 30, "-_"), // Google
    form("ya29.", 16, "-_."),
    form("sk_live_", 10, ""), // Stripe
    form("sk_test_", 10, ""),
    form("rk_live_", 10, ""),
    form("whsec_", 10, "+/="),
    form("npm_", 20, ""),
    form("pypi-", 16, "-_"),
    form("dckr_pat_", 16, "-_"), // Docker
    form("dop_v1_", 16, ""),     // DigitalOcean
    form("tskey-", 16, "-"),     // Tailscale
    form("hvs.", 16, "-_."),     // Vault
    form("hvb.", 16, "-_."),
    form("SG.", 16, "-_."), // SendGrid
    form("AGE-SECRET-KEY-", 16, ""),
    form("eyJ", 20, "-_.="), // JSON web tokens, service accounts' among them
    form("K10", 40, ":._-"), // K3s
];

const PEM_BEGIN: &str = "-----BEGIN";
const PEM_END: &str = "-----END";
const PEM_DASHES: &str = "-----";

/// Where tokens of a known form are.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = pem(text);
    let mut before: Option<char> = None;
    for (at, letter) in text.char_indices() {
        // A token begins where no word goes on.
        if before.is_none_or(|before| !before.is_ascii_alphanumeric() && before != '_') {
            let rest = &text[at..];
            found.extend(
                FORMS
                    .iter()
                    .find_map(|form| Some(at..at + form.length(rest)?)),
            );
        }
        before = Some(letter);
    }
    found
}

impl Form {
    /// Length of the token at the beginning of `text`.
    fn length(&self, text: &str) -> Option<usize> {
        let tail = text.strip_prefix(self.prefix)?;
        let goes_on = |c: char| c.is_ascii_alphanumeric() || self.signs.contains(c);
        let length = tail.find(|c| !goes_on(c)).unwrap_or(tail.len());
        let body = &tail[..length];
        // Words after `sk-` are words; what was drawn at random has digits.
        let random = body.chars().any(|c| c.is_ascii_digit());
        let random = random || (self.signs.is_empty() && body.len() >= 20);
        (length >= self.least && random).then_some(self.prefix.len() + length)
    }
}

/// Keys in PEM armour, to the end of the armour or of the text.
fn pem(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find(PEM_BEGIN).map(|at| from + at) {
        let end = text[start..]
            .find(PEM_END)
            .map(|at| start + at + PEM_END.len());
        let end = end.and_then(|end| {
            let dashes = text[end..].find(PEM_DASHES)?;
            Some(end + dashes + PEM_DASHES.len())
        });
        let end = end.unwrap_or(text.len());
        found.push(start..end);
        from = end;
    }
    found
}
