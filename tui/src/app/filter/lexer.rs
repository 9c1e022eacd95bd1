//! The words and signs of a filter expression.

use super::expression::Operator;

/// A word or sign, and where it begins, in letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: TokenKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind {
    Open,
    Close,
    And,
    Or,
    Not,
    Operator(Operator),
    /// A word that may be the name of a field.
    Word(String),
    /// In quotation marks, or what stands behind an operator.
    Text(String),
    /// A quotation that has no end.
    Unended(String),
}

/// Cuts `text` into words and signs.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let begin = at;
        let after_operator = matches!(
            tokens.last(),
            Some(Token {
                kind: TokenKind::Operator(_),
                ..
            })
        );
        let kind = match (letters[at], letters.get(at + 1)) {
            (c, _) if c.is_whitespace() => {
                at += 1;
                continue;
            }
            ('"', _) => quoted(&letters, &mut at),
            (c, _) if after_operator && !"&|)<>=!~".contains(c) => {
                TokenKind::Text(value(&letters, &mut at))
            }
            ('(', _) => sign(&mut at, 1, TokenKind::Open),
            (')', _) => sign(&mut at, 1, TokenKind::Close),
            ('&', Some('&')) => sign(&mut at, 2, TokenKind::And),
            ('&', _) => sign(&mut at, 1, TokenKind::And),
            ('|', Some('|')) => sign(&mut at, 2, TokenKind::Or),
            ('|', _) => sign(&mut at, 1, TokenKind::Or),
            ('<', Some('=')) => sign(&mut at, 2, TokenKind::Operator(Operator::AtMost)),
            ('<', _) => sign(&mut at, 1, TokenKind::Operator(Operator::Less)),
            ('>', Some('=')) => sign(&mut at, 2, TokenKind::Operator(Operator::AtLeast)),
            ('>', _) => sign(&mut at, 1, TokenKind::Operator(Operator::More)),
            ('=', Some('=')) => sign(&mut at, 2, TokenKind::Operator(Operator::Is)),
            ('=', Some('~')) => sign(&mut at, 2, TokenKind::Operator(Operator::Like)),
            ('=', _) => sign(&mut at, 1, TokenKind::Operator(Operator::Is)),
            ('!', Some('=')) => sign(&mut at, 2, TokenKind::Operator(Operator::IsNot)),
            ('!', Some('~')) => sign(&mut at, 2, TokenKind::Operator(Operator::NotLike)),
            ('!', _) => sign(&mut at, 1, TokenKind::Not),
            ('~', _) => sign(&mut at, 1, TokenKind::Operator(Operator::Like)),
            _ => TokenKind::Word(word(&letters, &mut at)),
        };
        tokens.push(Token { at: begin, kind });
    }
    tokens
}

fn sign(at: &mut usize, length: usize, kind: TokenKind) -> TokenKind {
    *at += length;
    kind
}

fn quoted(letters: &[char], at: &mut usize) -> TokenKind {
    let mut text = String::new();
    *at += 1;
    while let Some(letter) = letters.get(*at) {
        *at += 1;
        match letter {
            '"' => return TokenKind::Text(text),
            letter => text.push(*letter),
        }
    }
    TokenKind::Unended(text)
}

fn word(letters: &[char], at: &mut usize) -> String {
    let mut text = String::new();
    while let Some(letter) = letters.get(*at) {
        let ends = letter.is_whitespace()
            || "()&|<>=~\"".contains(*letter)
            || (*letter == '!' && matches!(letters.get(*at + 1), Some('=' | '~')));
        if ends {
            break;
        }
        text.push(*letter);
        *at += 1;
    }
    text
}

/// What stands behind an operator: to the next blank or `&`, with parentheses of its own, so that
/// an expression like `name~(a|b)` needs no quotation marks.
fn value(letters: &[char], at: &mut usize) -> String {
    let mut text = String::new();
    let mut depth = 0_usize;
    while let Some(letter) = letters.get(*at) {
        match letter {
            '&' => break,
            ')' | '|' if depth == 0 => break,
            letter if letter.is_whitespace() => break,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        text.push(*letter);
        *at += 1;
    }
    text
}
