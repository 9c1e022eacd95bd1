//! Releases of kernels (pure).
//!
//! Whoever builds a kernel gives it a name, often their own: `6.8.0-acme-prod`. Numbers and what
//! distributions call their kernels stays, for it tells what a driver was built for.

/// Words of releases that say which kernel it is and nothing about its owner.
const WORDS: [&str; 48] = [
    "aarch",
    "amd",
    "arch",
    "arm",
    "armv",
    "aws",
    "azure",
    "cachyos",
    "cloud",
    "debug",
    "default",
    "elrepo",
    "fc",
    "flatcar",
    "gcp",
    "generic",
    "gke",
    "hardened",
    "hwe",
    "ibm",
    "kvm",
    "linux",
    "longterm",
    "lowlatency",
    "lts",
    "microsoft",
    "nixos",
    "nvidia",
    "oracle",
    "preempt",
    "pve",
    "raspi",
    "realtime",
    "rpi",
    "rpt",
    "rt",
    "server",
    "stable",
    "standard",
    "talos",
    "tegra",
    "uek",
    "unraid",
    "virt",
    "virtual",
    "wsl",
    "xanmod",
    "zen",
];

/// Short ones that come with numbers: `rc3`, `el9_5`, `bpo12`, `x86_64`, `armv7l`.
const WITH_NUMBERS: [&str; 10] = ["bpo", "deb", "el", "l", "lp", "p", "rc", "u", "v", "x"];

/// What stands for what someone has called it.
const OWN: &str = "…";

/// The release without names of its owner's.
pub(super) fn public(release: &str) -> String {
    let mut out = String::with_capacity(release.len());
    let mut rest = release;
    while let Some(first) = rest.chars().next() {
        let is_sign = matches!(first, '.' | '-' | '_' | '+' | '~');
        let end = if is_sign {
            first.len_utf8()
        } else {
            rest.find(['.', '-', '_', '+', '~']).unwrap_or(rest.len())
        };
        let (part, after) = rest.split_at(end);
        if is_sign || is_public(part) {
            out.push_str(part);
        } else {
            out.push_str(OWN);
        }
        rest = after;
    }
    out
}

/// Whether the words in a part, with numbers between them, are those of kernels.
fn is_public(part: &str) -> bool {
    let has_number = part.contains(|c: char| c.is_ascii_digit());
    part.split(|c: char| c.is_ascii_digit())
        .filter(|word| !word.is_empty())
        .all(|word| {
            let listed = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(word));
            listed(&WORDS) || (has_number && listed(&WITH_NUMBERS))
        })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("6.8.0-52-generic")]
    #[case("6.12.9-200.fc41.x86_64")]
    #[case("5.14.0-503.11.1.el9_5.x86_64")]
    #[case("6.1.0-28-cloud-amd64")]
    #[case("6.12.1-arch1-1")]
    #[case("5.15.148-tegra")]
    #[case("5.15.167.4-microsoft-standard-WSL2")]
    #[case("6.6.63+rpt-rpi-v8")]
    #[case("6.1.21-v7l+")]
    #[case("5.10.160-armv7l")]
    #[case("6.8.12-5-pve")]
    #[case("6.13.0-rc3")]
    #[case("6.12.8+bpo12-amd64")]
    #[case("6.12.6-talos")]
    #[case("")]
    fn what_distributions_ship_stays(#[case] release: &str) {
        assert_eq!(public(release), release);
    }

    #[rstest]
    #[case("6.8.0-acme-prod", "6.8.0-…-…")]
    #[case("6.8.0-titan7", "6.8.0-…")]
    #[case("6.8.0-generic-ada.lovelace", "6.8.0-generic-….…")]
    #[case("6.8.0 of ada", "6.8.…")]
    #[case("größe", "…")]
    fn what_its_owner_has_called_it_goes(#[case] release: &str, #[case] expected: &str) {
        assert_eq!(public(release), expected);
    }
}
