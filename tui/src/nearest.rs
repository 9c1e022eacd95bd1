//! "Did you mean": the known name nearest to an unknown one.

use strsim::osa_distance;

/// The name that the fewest changes lead to, if these are few: at most half of the letters of
/// `wrong`. Two letters in the wrong order are one change. Case does not count; a name that begins
/// with `wrong` is near too.
#[must_use]
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    let limit = (wrong.chars().count() / 2).max(1);
    names
        .into_iter()
        .map(|name| (far(&wrong, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, name)| (*distance, name.len()))
        .map(|(_, name)| name)
}

/// How far `name` is from what was written.
fn far(wrong: &str, name: &str) -> usize {
    let begins = wrong.len() >= 3 && name.starts_with(wrong);
    if begins { 1 } else { osa_distance(wrong, name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_offered() {
        let names = ["node", "utilization_percent", "VRAM", "temperature_celsius"];
        assert_eq!(nearest("nod", names), Some("node"));
        assert_eq!(nearest("vrma", names), Some("VRAM"));
        // As plain insertions and deletions these would be as far away as `cap`.
        assert_eq!(nearest("cpa", ["acp", "cap"]), Some("cap"));
        assert_eq!(nearest("on", ["no"]), Some("no"));
        assert_eq!(nearest("util", names), Some("utilization_percent"));
        assert_eq!(nearest("zzzzzz", names), None);
        assert_eq!(nearest("", ["abc"]), None);
    }
}
