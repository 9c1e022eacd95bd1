//! Free text without names, addresses and secrets (pure).
//!
//! Known names get their pseudonyms. What is not known and may be a name (it has a digit, a hyphen
//! or a dot, or is quoted) gets one too, unless it is one of the words that the messages of
//! Kubernetes and of the driver are made of. Too much is replaced rather than too little.

use std::net::{IpAddr, SocketAddr};

use gputop_model::mask;

use super::names::{Kind, Names};

/// Domains whose names are the same everywhere.
const PUBLIC_DOMAINS: [&str; 8] = [
    "kubernetes.io",
    "k8s.io",
    "k3s.io",
    "cattle.io",
    "nvidia.com",
    "gputop-k3s.io",
    "amd.com",
    "intel.com",
];

/// Words with a hyphen, a digit or a dot that are no names.
const WORDS: [&str; 24] = [
    "back-off",
    "control-plane",
    "device-plugin",
    "device-plugins",
    "gputop-k3s",
    "gputop-node",
    "k3s",
    "kube-proxy",
    "kubelet.sock",
    "non-zero",
    "nvidia-cdi",
    "nvidia-container-runtime",
    "nvidia-experimental",
    "nvidia-legacy",
    "nvidia-smi",
    "nvidia0",
    "nvidiactl",
    "port-forward",
    "read-only",
    "http2",
    "libnvidia-ml.so",
    "libnvidia-ml.so.1",
    "re-mounted",
    "sha256",
];

/// Words that stay where names are likely, in quotes and after an equals sign.
const PLAIN: [&str; 12] = [
    "gpu", "present", "true", "false", "nvidia", "http", "https", "api", "nodes", "pods", "null",
    "unknown",
];

/// First folders of paths that are the same on every machine.
const FOLDERS: [&str; 9] = [
    "dev", "proc", "sys", "usr", "run", "var", "lib", "lib64", "etc",
];

/// What is left out.
const LEFT_OUT: &str = "…";

/// Whether names below that domain are the same everywhere.
pub(super) fn is_public(domain: &str) -> bool {
    PUBLIC_DOMAINS.iter().any(|public| {
        domain
            .strip_suffix(public)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

/// `text` without what may not be recorded. `keep`: names stay, addresses and secrets go.
pub(super) fn scrub(names: &mut Names, text: &str, keep: bool) -> String {
    let text = mask(text);
    let mut scrubber = Scrubber {
        names,
        keep,
        out: String::with_capacity(text.len()),
        quote: None,
        is_address: false,
        is_below_public: false,
    };
    scrubber.run(&text);
    scrubber.out
}

struct Scrubber<'a> {
    names: &'a mut Names,
    keep: bool,
    out: String,
    /// What ends the quotation or the braces that it is in.
    quote: Option<char>,
    /// In the rest of a URL.
    is_address: bool,
    /// The word before was a public domain, and a slash follows it.
    is_below_public: bool,
}

impl Scrubber<'_> {
    fn run(&mut self, text: &str) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if is_run(first) {
                let end = rest.find(|c| !is_run(c)).unwrap_or(rest.len());
                let (run, after) = rest.split_at(end);
                self.span(run, after);
                rest = after;
                continue;
            }
            if first == '/' && !rest.starts_with("//") && self.begins_path() {
                let end = rest
                    .find(|c: char| c.is_whitespace() || "\"'`,;()[]{}".contains(c))
                    .unwrap_or(rest.len());
                let (path, after) = rest.split_at(end);
                let top = path.split('/').nth(1).unwrap_or_default();
                if !FOLDERS.contains(&top) && path.len() > 1 {
                    self.out.push('/');
                    self.out.push_str(LEFT_OUT);
                    rest = after;
                    continue;
                }
            }
            self.sign(first, rest);
            rest = &rest[first.len_utf8()..];
        }
    }

    /// Whether a slash here is the beginning of a path, not a separator of two words.
    fn begins_path(&self) -> bool {
        self.out
            .chars()
            .next_back()
            .is_none_or(|before| before.is_whitespace() || "\"'`=([{,;:".contains(before))
            && !self.is_address
    }

    fn sign(&mut self, sign: char, rest: &str) {
        match sign {
            _ if self.quote == Some(sign) => self.quote = None,
            '"' | '`' if self.quote.is_none() => self.quote = Some(sign),
            '{' if self.quote.is_none() => self.quote = Some('}'),
            _ => {}
        }
        if sign.is_whitespace() || sign == '"' {
            self.is_address = false;
        } else if rest.starts_with("//") {
            // Of `https://`, whose colon ends the word before.
            self.is_address = self.out.ends_with(':');
        }
        self.is_below_public &= sign == '/';
        self.out.push(sign);
    }

    /// Letters, digits, hyphens, dots, underscores and colons in a row.
    fn span(&mut self, span: &str, after: &str) {
        let core = span.trim_end_matches([':', '.', '-']);
        let tail = &span[core.len()..];
        if let Ok(address) = core.parse::<IpAddr>() {
            let address = self.address(&address.to_string());
            self.out.push_str(&address);
        } else if let Ok(address) = core.parse::<SocketAddr>() {
            let host = self.address(&address.ip().to_string());
            self.out.push_str(&host);
            self.out.push(':');
            self.out.push_str(&address.port().to_string());
        } else {
            for (index, word) in core.split(':').enumerate() {
                if index > 0 {
                    self.out.push(':');
                }
                let is_name = after.starts_with('@') || self.out.ends_with(['@', '=']);
                self.word(word, is_name);
            }
        }
        self.out.push_str(tail);
    }

    fn address(&mut self, address: &str) -> String {
        self.names.quietly(Kind::Named("address"), address)
    }

    fn word(&mut self, word: &str, is_name: bool) {
        let core = word.trim_matches(['-', '.', '_']);
        let is_below_public = std::mem::take(&mut self.is_below_public);
        if core.is_empty() {
            self.out.push_str(word);
            return;
        }
        if core.contains('_') && self.names.known(core).is_none() {
            // As kubelets write pods: `NAME_NAMESPACE(UID)`.
            for (index, part) in word.split('_').enumerate() {
                if index > 0 {
                    self.out.push('_');
                }
                self.word(part, is_name);
            }
            return;
        }
        let (before, after) = match word.find(core) {
            Some(at) => (&word[..at], &word[at + core.len()..]),
            None => ("", ""),
        };
        self.out.push_str(before);
        // What is below a public domain is public, whatever else is called so: `nvidia.com/gpu`.
        if is_below_public {
            self.out.push_str(core);
        } else if let Some(pseudonym) = self.names.known(core) {
            self.out.push_str(pseudonym);
        } else if is_public(core) {
            self.is_below_public = true;
            self.out.push_str(core);
        } else if self.keep || self.is_harmless(core, is_name) {
            self.out.push_str(core);
        } else {
            let pseudonym = self.names.quietly(Kind::Named("name"), core);
            self.out.push_str(&pseudonym);
        }
        self.out.push_str(after);
    }

    fn is_harmless(&self, word: &str, is_name: bool) -> bool {
        let is_listed = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(word));
        if is_amount(word) || is_listed(&WORDS) || is_listed(&PLAIN) {
            return true;
        }
        let is_likely_name = is_name || self.is_address || self.quote.is_some();
        !is_likely_name && word.chars().all(char::is_alphabetic)
    }
}

/// Whether a sign can be part of a name or of an address.
fn is_run(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | ':')
}

/// Whether a word is a number, an amount with a unit, a duration, a version.
fn is_amount(word: &str) -> bool {
    const UNITS: [&str; 22] = [
        "", "ns", "us", "µs", "ms", "s", "m", "h", "d", "w", "k", "M", "G", "Ki", "Mi", "Gi", "Ti",
        "B", "MB", "GB", "W", "MiB",
    ];
    let word = word.strip_prefix('v').unwrap_or(word);
    // `v1.36.3+k3s1`: the plus is no part of the word.
    let mut rest = word;
    while let Some(end) = rest.find(|c: char| !c.is_ascii_digit() && c != '.') {
        if end == 0 {
            return false;
        }
        let after = &rest[end..];
        let unit = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        if !UNITS.contains(&&after[..unit]) {
            return false;
        }
        rest = &after[unit..];
    }
    word.starts_with(|c: char| c.is_ascii_digit()) || (word.is_empty() && rest.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn scrubbed(text: &str) -> String {
        let mut names = Names::default();
        names.of(Kind::Named("node"), "titan");
        names.of(Kind::Named("pod"), "web-7f9c");
        names.of(Kind::Named("user"), "ada");
        scrub(&mut names, text, false)
    }

    #[rstest]
    #[case("node titan is down", "node node-1 is down")]
    #[case("pod \"web-7f9c\" not found.", "pod \"pod-1\" not found.")]
    #[case("titan: no route", "node-1: no route")]
    #[case("dial tcp 10.0.0.7:6443: refused", "dial tcp address-1:6443: refused")]
    #[case("from fe80::1 to [::1]:7475", "from address-1 to [address-2]:7475")]
    #[case("claim \"acme\" not found", "claim \"name-1\" not found")]
    #[case(
        "lookup registry.acme.com: no such host",
        "lookup name-1: no such host"
    )]
    #[case("taint {team: acme}", "taint {name-1: name-2}")]
    #[case("taint {nvidia.com/gpu: present}", "taint {nvidia.com/gpu: present}")]
    #[case(
        "taint {node-role.kubernetes.io/control-plane: }",
        "taint {node-role.kubernetes.io/control-plane: }"
    )]
    #[case(
        "0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't match Pod's node \
         affinity/selector. preemption: 0/3 nodes are available",
        "0/3 nodes are available: 1 Insufficient nvidia.com/gpu, 2 node(s) didn't match Pod's node \
         affinity/selector. preemption: 0/3 nodes are available"
    )]
    #[case(
        "Back-off 5m0s restarting, code 137",
        "Back-off 5m0s restarting, code 137"
    )]
    #[case(
        "driver 580.95.05, needs 16Gi in v1.36.3",
        "driver 580.95.05, needs 16Gi in v1.36.3"
    )]
    #[case(
        "https://titan:6443/x and https://hydra:6443",
        "https://node-1:6443/name-1 and https://name-2:6443"
    )]
    #[case("mail eve@acme", "mail name-1@name-2")]
    #[case(
        "can not open /home/eve/x, /dev/nvidia0",
        "can not open /…, /dev/nvidia0"
    )]
    #[case("pod=web-7f9c_acme(1-2)", "pod=pod-1_name-1(name-2)")]
    #[case("container=main user=ada", "container=name-1 user=user-1")]
    #[case("", "")]
    fn names_go_and_sense_stays(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(scrubbed(text), expected);
    }

    #[test]
    fn secrets_go_also_where_names_stay() {
        let mut names = Names::default();
        names.of(Kind::Named("user"), "ada");
        let text = "hydra: --password=geheim7 of ada at 10.0.0.1";
        let kept = scrub(&mut names, text, true);
        assert!(kept.starts_with("hydra: --password="), "{kept}");
        assert!(
            !kept.contains("geheim7") && kept.ends_with("of user-1 at address-1"),
            "{kept}"
        );
    }

    proptest! {
        #[test]
        fn a_known_name_never_stays(
            before in "[ a-zA-Z0-9:/\"'{}=@.,-]{0,20}[ :/\"{}=@,]",
            name in "zq[a-z0-9]{3,8}(-[a-z0-9]{1,5}z)?",
            after in "([ :/\"{}=@,][ a-zA-Z0-9:/\"'{}=@.,-]{0,20})?",
        ) {
            let mut names = Names::default();
            names.of(Kind::Named("pod"), &name);
            let text = format!("{before}{name}{after}");
            prop_assert!(!scrub(&mut names, &text, false).contains(&name));
        }

        #[test]
        fn what_is_unknown_and_looks_like_a_name_never_stays(name in "zq[a-z]{2,6}-[a-z0-9]{2,6}q") {
            let mut names = Names::default();
            let text = format!("can not find {name} there");
            let expected = "can not find name-1 there";
            prop_assert_eq!(scrub(&mut names, &text, false), expected);
        }

        #[test]
        fn any_text_is_taken(text in "\\PC{0,60}") {
            let _scrubbed = scrubbed(&text);
        }
    }
}
