//! Rules about the text of a Rust file.

use super::{Finding, Source};

/// A longer file does more than one thing.
const LONGEST: usize = 500;

/// Checks one file.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines: Vec<&str> = source.text.lines().collect();
    if lines.len() > LONGEST {
        let what = format!(
            "{} lines: split it by what it does (at most {LONGEST})",
            lines.len()
        );
        findings.push(source.finding(0, what));
    }
    let head = lines
        .iter()
        .find(|line| !line.trim().is_empty() && !line.starts_with("#!["));
    if !head.is_some_and(|line| line.starts_with("//!")) {
        findings.push(source.finding(1, "begin with a `//!` line that says what the file does"));
    }
    for (index, line) in lines.iter().enumerate() {
        let text = line.trim();
        if text == "///" && is_alone(&lines, index) {
            findings.push(source.finding(index + 1, "an empty doc comment says nothing"));
        }
        let unfinished = [["TO", "DO"].concat(), ["FIX", "ME"].concat()];
        if unfinished.iter().any(|word| text.contains(word.as_str())) && !text.contains('#') {
            findings.push(source.finding(index + 1, "name the issue (`#12`), or do it now"));
        }
    }
    findings
}

/// Whether the doc comment around `index` has no text at all.
fn is_alone(lines: &[&str], index: usize) -> bool {
    let is_doc = |line: &&str| line.trim().starts_with("///");
    let before = index
        .checked_sub(1)
        .and_then(|at| lines.get(at))
        .is_some_and(is_doc);
    let after = lines.get(index + 1).is_some_and(is_doc);
    !before && !after
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let source = Source {
            path: "a.rs".to_owned(),
            text: text.to_owned(),
        };
        check(&source)
            .into_iter()
            .map(|finding| finding.what)
            .collect()
    }

    #[test]
    fn a_file_says_what_it_does() {
        assert!(findings("//! Does it.\nfn f() {}\n").is_empty());
        assert_eq!(findings("fn f() {}\n").len(), 1);
        assert!(findings("#![allow(x)]\n//! Does it.\n").is_empty());
    }

    #[test]
    fn files_stay_short() {
        let long = format!("//! Head.\n{}", "fn f() {}\n".repeat(LONGEST));
        assert!(findings(&long)[0].contains("501 lines"));
    }

    #[test]
    fn an_empty_doc_comment_is_found_and_a_paragraph_break_is_not() {
        assert_eq!(findings("//! Head.\n///\nfn f() {}\n").len(), 1);
        assert!(findings("//! Head.\n/// One.\n///\n/// Two.\nfn f() {}\n").is_empty());
    }

    #[test]
    fn unfinished_work_names_its_issue() {
        let word = ["TO", "DO"].concat();
        assert_eq!(findings(&format!("//! Head.\n// {word}: later\n")).len(), 1);
        assert!(findings(&format!("//! Head.\n// {word}(#12): later\n")).is_empty());
    }
}
