//! Which rows are shown: k9s's grammar and conditions on fields.
//!
//! | text | shows |
//! |---|---|
//! | `train` | rows with that text, a regular expression, without regard to case |
//! | `!train` | rows without it |
//! | `-f trn` | rows with these letters in their order |
//! | `-l app=web,tier!=db` | rows of which the labels are so; GPUs and processes have their node's |
//! | `util<5 & vram>10G` | rows of which the fields are so; also `\|`, `!`, parentheses and words |
//!
//! A value that nobody knows is neither below five nor above it nor different from it.

mod error;
mod expression;
mod labels;
mod lexer;
mod parse;
mod pattern;
mod quantity;
mod sieve;
mod texts;

pub use error::FilterError;
pub use labels::Selector;
pub use pattern::Pattern;
pub use sieve::Sieve;
pub use texts::Texts;

use super::view::View;
use expression::Expression;

/// Which rows of a table are shown.
#[derive(Debug, Clone)]
pub struct Filter {
    view: View,
    text: String,
    what: What,
    problem: Option<FilterError>,
}

#[derive(Debug, Clone)]
enum What {
    Everything,
    Text(Pattern),
    Without(Pattern),
    Letters(String),
    Labels(Selector),
    Fields(Expression),
}

impl Filter {
    /// Reads `text` and refuses what is wrong or unfinished.
    pub fn parse(view: View, text: &str) -> Result<Self, FilterError> {
        let filter = Self::typed(view, text);
        match filter.problem {
            Some(problem) => Err(problem),
            None => Ok(filter),
        }
    }

    /// Reads `text` while it is typed. What is not finished counts as far as it goes; what is
    /// wrong is looked for as it stands. [`Filter::problem`] says what the matter is.
    #[must_use]
    pub fn typed(view: View, text: &str) -> Self {
        let (what, problem) = read(view, text.trim());
        // Places are counted in the text as it was typed.
        let before = text.chars().take_while(|c| c.is_whitespace()).count();
        let problem = problem.map(|problem| FilterError {
            at: problem.at + before,
            ..problem
        });
        Self {
            view,
            text: text.to_owned(),
            what,
            problem,
        }
    }

    /// Whether it was read from `text` for the table `view`.
    #[must_use]
    pub fn is(&self, view: View, text: &str) -> bool {
        self.view == view && self.text == text
    }

    /// What is wrong with the text or missing, for a hint.
    #[must_use]
    pub const fn problem(&self) -> Option<&FilterError> {
        self.problem.as_ref()
    }
}

fn read(view: View, text: &str) -> (What, Option<FilterError>) {
    if text.is_empty() {
        return (What::Everything, None);
    }
    if let Some(letters) = option(text, "-f") {
        return match letters {
            "" => (
                What::Everything,
                Some(missing(text, "letters have to follow -f")),
            ),
            letters => (What::Letters(letters.to_lowercase()), None),
        };
    }
    if let Some(selector) = option(text, "-l") {
        let before = text.chars().count() - selector.chars().count();
        return match Selector::parse(selector) {
            Ok(_) if selector.is_empty() => (
                What::Everything,
                Some(missing(text, "labels have to follow -l")),
            ),
            Ok(selector) => (What::Labels(selector), None),
            Err(problem) => {
                // Nothing contains such a text, so it is of no use to look for it.
                let at = problem.at + before;
                (What::Everything, Some(FilterError { at, ..problem }))
            }
        };
    }
    if parse::is_expression(text) {
        let parsed = parse::parse(view, text);
        return match parsed.problem {
            Some(problem) if !problem.incomplete => (plain(text).0, Some(problem)),
            problem => (
                parsed.expression.map_or(What::Everything, What::Fields),
                problem,
            ),
        };
    }
    match text.strip_prefix('!') {
        Some("") => (
            What::Everything,
            Some(missing(text, "a text has to follow !")),
        ),
        Some(rest) => {
            let (pattern, problem) = Pattern::new(rest.trim_start());
            (
                What::Without(pattern),
                problem.map(|why| no_expression(&why)),
            )
        }
        None => plain(text),
    }
}

/// What follows `-f` or `-l`.
fn option<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(name)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
}

fn plain(text: &str) -> (What, Option<FilterError>) {
    let (pattern, problem) = Pattern::new(text);
    (What::Text(pattern), problem.map(|why| no_expression(&why)))
}

fn missing(text: &str, what: &str) -> FilterError {
    FilterError::new(text.chars().count(), what).unfinished()
}

fn no_expression(why: &str) -> FilterError {
    FilterError::new(0, "looked for as it stands").help(format!("no regular expression: {why}"))
}

/// How many of how many rows are shown, for the line above the table.
#[must_use]
pub fn found(matching: usize, of: usize) -> String {
    match matching {
        0 => "nothing found".to_owned(),
        all if all == of => format!("all {of} found"),
        some => format!("{some} found of {of}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("utl<5", 0, "GPUs have no field “utl”", Some("did you mean “util”?"))]
    #[case(
        "util<5 & vrma>1G",
        9,
        "GPUs have no field “vrma”",
        Some("did you mean “vram”?")
    )]
    #[case("  temp>hot", 7, "“hot” is not a temperature such as 80 or 80C", None)]
    #[case("state<idle", 6, "state is a word; = != ~ !~ compare it", None)]
    #[case(
        "vram>3Gutl<5",
        5,
        "“3Gutl<5” is not an amount of memory such as 10G or 512M",
        None
    )]
    #[case("util~5", 5, "util is an amount; < <= > >= = != compare it", None)]
    #[case("cordoned=perhaps", 9, "“perhaps” is neither yes nor no", None)]
    #[case("cordoned>no", 9, "cordoned is yes or no; = and != compare it", None)]
    #[case("node~a(b", 5, "“a(b” is no regular expression: unclosed group", None)]
    #[case("util<5)", 6, "nothing is open that could be closed here", None)]
    #[case("() & util<5", 1, "a condition is missing here", None)]
    #[case(
        "util< & vram>1",
        6,
        "a value has to follow util<",
        Some("a share such as 5 or 5%")
    )]
    fn mistakes_have_a_place_and_what_was_meant(
        #[case] text: &str,
        #[case] at: usize,
        #[case] what: &str,
        #[case] help: Option<&str>,
    ) {
        let problem = Filter::parse(View::Gpus, text).expect_err(text);
        assert_eq!((problem.at, &*problem.what), (at, what));
        assert_eq!(problem.help.as_deref(), help);
        assert!(!problem.incomplete);
        // While it is typed, it is looked for as it stands.
        assert!(matches!(
            Filter::typed(View::Gpus, text).what,
            What::Text(_)
        ));
    }

    #[rstest]
    #[case("util<", "a value has to follow util<")]
    #[case("util<5 &", "something has to follow")]
    #[case("util<5 & (vram>1G | temp>80", "a ) is missing")]
    #[case("idle>10", "“10” is not a duration such as 90s, 10m, 2h or 1h30m")]
    #[case("product=\"RTX 30", "the quotation has no end")]
    #[case("!", "a text has to follow !")]
    #[case("-f", "letters have to follow -f")]
    #[case("-l ", "labels have to follow -l")]
    #[case("-l a=b,", "a label is missing")]
    fn what_is_not_finished_is_no_mistake(#[case] text: &str, #[case] what: &str) {
        let filter = Filter::typed(View::Gpus, text);
        let problem = filter.problem().expect(text);
        assert_eq!((&*problem.what, problem.incomplete), (what, true));
        assert!(!matches!(filter.what, What::Text(_)));
    }

    #[rstest]
    #[case("a(b")]
    #[case("[")]
    #[case("*")]
    fn text_that_looks_like_an_expression_is_found_as_it_is(#[case] text: &str) {
        let filter = Filter::typed(View::Pods, text);
        assert!(matches!(filter.what, What::Text(_)));
        assert!(
            filter
                .problem()
                .is_some_and(|problem| problem.to_string().contains("as it stands"))
        );
    }

    #[rstest]
    #[case("qwen")]
    #[case("ml/")]
    #[case("C+G")]
    #[case("foo|bar")]
    #[case("^train-.*0$")]
    #[case("forge-01.lab.example.com")]
    #[case("日本語")]
    #[case("-x")]
    #[case("-list")]
    fn plain_text_is_plain_text(#[case] text: &str) {
        let filter = Filter::parse(View::Pods, text).expect(text);
        assert!(matches!(filter.what, What::Text(_)));
    }

    #[test]
    fn depth_has_an_end() {
        let deep = format!("{}util<5", "(".repeat(100_000));
        let problem = Filter::parse(View::Gpus, &deep).expect_err("too deep");
        assert_eq!(problem.what, "too many parentheses in one another");
        let not = format!("{}util<5", "!".repeat(100_000));
        assert!(Filter::parse(View::Gpus, &not).is_err());
    }

    #[test]
    fn problems_are_one_line() {
        let problem = Filter::parse(View::Gpus, "utl<5").expect_err("no such field");
        assert_eq!(
            problem.to_string(),
            "GPUs have no field “utl” (letter 1): did you mean “util”?"
        );
    }

    #[test]
    fn the_rows_found_are_counted_in_words() {
        assert_eq!(found(3, 12), "3 found of 12");
        assert_eq!(found(12, 12), "all 12 found");
        assert_eq!(found(0, 12), "nothing found");
    }

    fn anything() -> impl Strategy<Value = String> {
        let parts = prop::sample::select(vec![
            "util", "vram%", "state", "cordoned", "nonsense", "<", "<=", "=", "!=", "~", "!~", "!",
            "&", "|", "(", ")", "\"", " ", "5", "10G", "idle", "-l ", "-f ", "日本", ",", "\\",
            "[", "{9}", "*",
        ]);
        prop_oneof![
            "\\PC*",
            prop::collection::vec(parts, 0..20).prop_map(|parts| parts.concat()),
        ]
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in anything()) {
            for view in View::ALL {
                let filter = Filter::typed(view, &text);
                if let Some(problem) = filter.problem() {
                    prop_assert!(problem.at <= text.chars().count(), "{problem:?}");
                    prop_assert!(!problem.to_string().contains('\n'));
                }
                prop_assert_eq!(Filter::parse(view, &text).is_ok(), filter.problem().is_none());
            }
        }
    }
}
