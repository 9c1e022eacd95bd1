//! From text to a condition.

use super::error::FilterError;
use super::expression::{Expression, Operator, Test};
use super::lexer::{Token, TokenKind, tokens};
use super::pattern::Pattern;
use super::quantity;
use crate::app::tables::{Field, Kind, field, fields};
use crate::app::view::View;
use crate::nearest::nearest;

/// Parentheses and negations inside one another; deeper ones are somebody's cat.
const DEEPEST: usize = 40;

/// What was made of a text.
pub(super) struct Parsed {
    /// The condition as far as it goes; `None`: there is none yet.
    pub(super) expression: Option<Expression>,
    /// The first thing that is missing or wrong.
    pub(super) problem: Option<FilterError>,
}

/// Whether `text` compares a field with something, and so is an expression and no text to look
/// for: a word that can be a name stands before an operator.
pub(super) fn is_expression(text: &str) -> bool {
    let tokens = tokens(text);
    tokens.windows(2).any(|pair| {
        matches!(pair[1].kind, TokenKind::Operator(_))
            && matches!(&pair[0].kind, TokenKind::Word(word) if is_name(word))
    })
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "%._-".contains(c))
}

/// Reads an expression on the rows of `view`.
pub(super) fn parse(view: View, text: &str) -> Parsed {
    let mut parser = Parser {
        view,
        tokens: tokens(text),
        next: 0,
        end: text.chars().count(),
        problem: None,
    };
    let expression = parser.any(0);
    if let Some(token) = parser.tokens.get(parser.next) {
        let at = token.at;
        parser.complain(FilterError::new(
            at,
            "nothing is open that could be closed here",
        ));
    }
    Parsed {
        expression,
        problem: parser.problem,
    }
}

struct Parser {
    view: View,
    tokens: Vec<Token>,
    next: usize,
    /// Letters of the whole text.
    end: usize,
    problem: Option<FilterError>,
}

impl Parser {
    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.next).map(|token| &token.kind)
    }

    fn at(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.end, |token| token.at)
    }

    fn take(&mut self, kind: &TokenKind) -> bool {
        let there = self.peek() == Some(kind);
        self.next += usize::from(there);
        there
    }

    /// What is wrong outweighs what is only missing; else the first counts.
    fn complain(&mut self, problem: FilterError) {
        let worse = self
            .problem
            .as_ref()
            .is_none_or(|known| known.incomplete && !problem.incomplete);
        if worse {
            self.problem = Some(problem);
        }
    }

    fn any(&mut self, depth: usize) -> Option<Expression> {
        let mut parts = Vec::new();
        parts.extend(self.all(depth));
        while self.take(&TokenKind::Or) {
            parts.extend(self.all(depth));
        }
        Expression::several(parts, false)
    }

    fn all(&mut self, depth: usize) -> Option<Expression> {
        let mut parts = Vec::new();
        parts.extend(self.part(depth));
        loop {
            match self.peek() {
                None | Some(TokenKind::Or | TokenKind::Close) => break,
                Some(TokenKind::And) => self.next += 1,
                // Side by side means both.
                Some(_) => {}
            }
            parts.extend(self.part(depth));
        }
        Expression::several(parts, true)
    }

    fn part(&mut self, depth: usize) -> Option<Expression> {
        let at = self.at();
        if depth > DEEPEST {
            self.complain(FilterError::new(at, "too many parentheses in one another"));
            self.next = self.tokens.len();
            return None;
        }
        match self.peek().cloned() {
            None => {
                self.complain(FilterError::new(at, "something has to follow").unfinished());
                None
            }
            Some(TokenKind::Not) => {
                self.next += 1;
                let part = self.part(depth + 1)?;
                Some(Expression::Not(Box::new(part)))
            }
            Some(TokenKind::Open) => {
                self.next += 1;
                let inside = self.any(depth + 1);
                let end = self.at();
                if !self.take(&TokenKind::Close) {
                    self.complain(FilterError::new(end, "a ) is missing").unfinished());
                }
                inside
            }
            Some(TokenKind::Word(word)) => {
                self.next += 1;
                match self.peek() {
                    Some(TokenKind::Operator(operator)) => {
                        let operator = *operator;
                        self.next += 1;
                        self.comparison(at, &word, operator)
                    }
                    _ => Some(Expression::Text(Pattern::new(&word).0)),
                }
            }
            Some(TokenKind::Text(text)) => {
                self.next += 1;
                Some(Expression::Text(Pattern::new(&text).0))
            }
            Some(TokenKind::Unended(text)) => {
                self.next += 1;
                self.complain(FilterError::new(at, "the quotation has no end").unfinished());
                (!text.is_empty()).then(|| Expression::Text(Pattern::new(&text).0))
            }
            Some(TokenKind::Operator(operator)) => {
                self.next += 1;
                let what = format!("before {} has to stand a field", operator.sign());
                self.complain(FilterError::new(at, what).help(some_names(self.view)));
                None
            }
            Some(TokenKind::And | TokenKind::Or | TokenKind::Close) => {
                self.complain(FilterError::new(at, "a condition is missing here"));
                // A parenthesis is taken by who opened it.
                if self.peek() != Some(&TokenKind::Close) {
                    self.next += 1;
                }
                None
            }
        }
    }

    fn comparison(&mut self, at: usize, name: &str, operator: Operator) -> Option<Expression> {
        let value_at = self.at();
        let value = match self.peek() {
            Some(TokenKind::Text(text)) => Some(text.clone()),
            Some(TokenKind::Unended(text)) => {
                let text = text.clone();
                self.complain(FilterError::new(value_at, "the quotation has no end").unfinished());
                Some(text)
            }
            _ => None,
        };
        self.next += usize::from(value.is_some());
        let Some(field) = field(self.view, name) else {
            self.complain(unknown(self.view, at, name));
            return None;
        };
        let Some(value) = value else {
            let what = format!("a value has to follow {name}{}", operator.sign());
            let problem = FilterError::new(value_at, what).help(expected(field));
            let missing = self.peek().is_none();
            self.complain(if missing {
                problem.unfinished()
            } else {
                problem
            });
            return None;
        };
        match test(field, operator, &value) {
            Ok(test) => Some(Expression::Field(field, test)),
            Err(what) => {
                // What stands at the very end may get its unit with the next key.
                let unfinished = self.peek().is_none()
                    && !matches!(operator, Operator::Like | Operator::NotLike)
                    && matches!(field.kind, Kind::Number(unit) if quantity::is_begun(unit, &value));
                let problem = FilterError::new(value_at, what);
                self.complain(if unfinished {
                    problem.unfinished()
                } else {
                    problem
                });
                None
            }
        }
    }
}

fn test(field: &Field, operator: Operator, value: &str) -> Result<Test, String> {
    let turned = matches!(operator, Operator::IsNot | Operator::NotLike);
    let equal = matches!(operator, Operator::Is | Operator::IsNot);
    let like = matches!(operator, Operator::Like | Operator::NotLike);
    // A word of its own in some fields, such as the state of a device.
    if equal && field.kind != Kind::Text && value.eq_ignore_ascii_case("unknown") {
        return Ok(Test::Unknown(turned));
    }
    match field.kind {
        Kind::Number(unit) => match quantity::parse(unit, value) {
            _ if like => Err(format!(
                "{} is an amount; < <= > >= = != compare it",
                field.name
            )),
            Ok(amount) => Ok(Test::Amount(operator, amount, quantity::slack(unit))),
            Err(expected) => Err(format!("“{value}” is not {expected}")),
        },
        Kind::Flag if equal => match flag(value) {
            Some(flag) => Ok(Test::Flag(flag != turned)),
            None => Err(format!("“{value}” is neither yes nor no")),
        },
        Kind::Flag => Err(format!("{} is yes or no; = and != compare it", field.name)),
        Kind::Text if equal => Ok(Test::Is(value.to_lowercase(), turned)),
        Kind::Text if like => match Pattern::new(value) {
            (_, Some(problem)) => Err(format!("“{value}” is no regular expression: {problem}")),
            (pattern, None) => Ok(Test::Like(pattern, turned)),
        },
        Kind::Text => Err(format!("{} is a word; = != ~ !~ compare it", field.name)),
    }
}

fn flag(text: &str) -> Option<bool> {
    match &*text.to_lowercase() {
        "yes" | "y" | "true" | "1" => Some(true),
        "no" | "n" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// What a field may be compared with.
fn expected(field: &Field) -> &'static str {
    match field.kind {
        Kind::Text => "a word, or one in quotation marks",
        Kind::Flag => "yes or no",
        Kind::Number(unit) => quantity::parse(unit, "").err().unwrap_or("a number"),
    }
}

fn unknown(view: View, at: usize, name: &str) -> FilterError {
    let names = fields(view).iter().flat_map(Field::names);
    let nearest = nearest(name, names);
    let help = match nearest {
        Some(known) => format!("did you mean “{known}”?"),
        None => some_names(view),
    };
    let what = format!("{} have no field “{name}”", view.title());
    FilterError::new(at, what).help(help)
}

fn some_names(view: View) -> String {
    let names: Vec<_> = fields(view).iter().map(|field| field.name).collect();
    names.join(", ")
}
