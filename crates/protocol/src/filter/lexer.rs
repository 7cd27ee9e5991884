//! Filter text to tokens.

use std::sync::LazyLock;

use serde_json::Number;

use super::error::{FilterError, FilterErrorKind};
use crate::path::{is_name_character, is_uri_character};

/// A token and the byte offset at which it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// A path, an operator, a keyword or an unquoted value.
    Word,
    Text(String),
    Number(Number),
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// A dot behind a closing bracket.
    Dot,
    End,
}

/// Cuts tokens off a filter, one at a time.
#[derive(Debug, Clone)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The text of a token.
    pub(crate) fn slice(&self, token: &Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    pub(crate) fn next(&mut self) -> Result<Token, FilterError> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(' ').len();
        let start = self.at;
        let kind = match self.rest().chars().next() {
            None => TokenKind::End,
            Some('(') => self.symbol(TokenKind::Open),
            Some(')') => self.symbol(TokenKind::Close),
            Some('[') => self.symbol(TokenKind::OpenBracket),
            Some(']') => self.symbol(TokenKind::CloseBracket),
            Some('.') => self.symbol(TokenKind::Dot),
            Some('"') => self.string()?,
            Some(c) if is_word_character(c) => {
                let rest = self.rest();
                let ends = |byte: u8| !WORD.get(usize::from(byte)).is_some_and(|word| *word);
                let length = rest.bytes().position(ends).unwrap_or(rest.len());
                self.at += length;
                TokenKind::Word
            }
            Some(_) => return Err(self.error(start, FilterErrorKind::Character)),
        };
        Ok(Token {
            kind,
            start,
            end: self.at,
        })
    }

    pub(crate) fn error(&self, at: usize, kind: FilterErrorKind) -> FilterError {
        FilterError::new(self.text, at, kind)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn symbol(&mut self, kind: TokenKind) -> TokenKind {
        self.at += 1;
        kind
    }

    /// A JSON string.
    fn string(&mut self) -> Result<TokenKind, FilterError> {
        let start = self.at;
        let rest = self.rest();
        // Mostly a string is what it is written as: nothing escaped, nothing to be decoded. What is
        // not ASCII may be a control character, and is looked at character by character.
        let plain = rest.get(1..).unwrap_or_default();
        let special = |byte: u8| matches!(byte, b'"' | b'\\' | 0..=0x1F | 0x7F..);
        let end = plain.bytes().position(special);
        if let Some((text, behind)) = end.and_then(|end| plain.split_at_checked(end))
            && behind.starts_with('"')
        {
            self.at += text.len() + 2;
            return Ok(TokenKind::Text(text.to_owned()));
        }
        let mut escaped = false;
        let mut length = None;
        for (at, byte) in rest.bytes().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    length = Some(at + 1);
                    break;
                }
                _ => {}
            }
        }
        let length = length.ok_or_else(|| self.error(start, FilterErrorKind::OpenString))?;
        let literal = rest.get(..length).unwrap_or_default();
        let text: String = serde_json::from_str(literal)
            .map_err(|_json| self.error(start, FilterErrorKind::BadString))?;
        // What nothing that is stored can hold; the short escapes of JSON are words of the grammar.
        let short = |c: char| matches!(c, '\u{8}' | '\t' | '\n' | '\u{C}' | '\r');
        if text.chars().any(|c| c.is_control() && !short(c)) {
            return Err(self.error(start, FilterErrorKind::BadString));
        }
        self.at += length;
        Ok(TokenKind::Text(text))
    }

    /// The token behind an operator: what is not quoted goes on to the next blank, parenthesis or,
    /// inside brackets, closing bracket.
    pub(crate) fn next_value(&mut self, bracketed: bool) -> Result<Token, FilterError> {
        let rest = self.rest();
        let value = rest.trim_start_matches(' ');
        let ends = |c: char| matches!(c, ' ' | '(' | ')') || (bracketed && c == ']');
        let length = value.find(ends).unwrap_or(value.len());
        let word = value.get(..length).unwrap_or_default();
        if word.is_empty() || word.starts_with(['"', '[', ']']) {
            return self.next();
        }
        let start = self.at + (rest.len() - value.len());
        self.at = start + length;
        let numeric = word.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let number = numeric.then(|| serde_json::from_str(word).ok()).flatten();
        let kind = number.map_or(TokenKind::Word, TokenKind::Number);
        Ok(Token {
            kind,
            start,
            end: self.at,
        })
    }
}

/// Which bytes are characters of a word; none beyond ASCII is.
static WORD: LazyLock<[bool; 128]> = LazyLock::new(|| {
    let mut word = [false; 128];
    for (byte, is_word) in (0_u8..).zip(&mut word) {
        *is_word = is_word_character(char::from(byte));
    }
    word
});

/// Paths with schema URIs, and operators.
fn is_word_character(character: char) -> bool {
    is_name_character(character)
        || (is_uri_character(character) && !matches!(character, '\'' | '`' | '\\' | ',' | ';'))
}
