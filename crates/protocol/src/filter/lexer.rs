//! Filter text to tokens.

use std::sync::LazyLock;

use serde_json::Number;

use super::error::{FilterError, FilterErrorKind};
use crate::path::{is_name_character, is_uri_character};

/// A token, the byte offset at which it begins, and that behind it. It holds nothing: what it says is
/// taken from the text by whoever keeps it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

// As wide as its neighbours in a token: where there is padding, the compiler copies a token in pieces,
// and the processor waits for them.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(usize)]
pub(crate) enum TokenKind {
    /// A path, an operator, a keyword or an unquoted value.
    Word,
    /// A JSON string in which nothing is escaped.
    Text,
    /// A JSON string that is to be decoded.
    Escaped,
    Number,
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    /// A dot behind a closing bracket.
    Dot,
    End,
}

/// Errors are rare, and large where they would be moved along with every token.
pub(crate) type Parsed<T> = Result<T, Box<FilterError>>;

/// Cuts tokens off a filter, one at a time.
#[derive(Debug, Clone)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    classes: &'static [u8; 256],
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let classes = &*CLASSES;
        let at = 0;
        Self { text, at, classes }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The text of a token.
    pub(crate) fn slice(&self, token: Token) -> &'a str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// What a string says, if the token is one.
    #[inline]
    pub(crate) fn string(&self, token: Token) -> Option<String> {
        match token.kind {
            TokenKind::Text => {
                let inside = token.start + 1..token.end.saturating_sub(1);
                self.text.get(inside).map(str::to_owned)
            }
            TokenKind::Escaped => serde_json::from_str(self.slice(token)).ok(),
            _ => None,
        }
    }

    /// What a number says, if the token is one.
    pub(crate) fn number(&self, token: Token) -> Option<Number> {
        match token.kind {
            TokenKind::Number => serde_json::from_str(self.slice(token)).ok(),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Parsed<Token> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        let start = self.at;
        let kind = match bytes.get(start) {
            None => TokenKind::End,
            Some(b'(') => self.symbol(TokenKind::Open),
            Some(b')') => self.symbol(TokenKind::Close),
            Some(b'[') => self.symbol(TokenKind::OpenBracket),
            Some(b']') => self.symbol(TokenKind::CloseBracket),
            Some(b'.') => self.symbol(TokenKind::Dot),
            Some(b'"') => self.quoted()?,
            Some(byte) if self.is(*byte, WORD) => {
                self.at = self.behind(start + 1, WORD);
                TokenKind::Word
            }
            Some(_) => return Err(self.error(start, FilterErrorKind::Character)),
        };
        let end = self.at;
        Ok(Token { kind, start, end })
    }

    #[cold]
    pub(crate) fn error(&self, at: usize, kind: FilterErrorKind) -> Box<FilterError> {
        Box::new(FilterError::new(self.text, at, kind))
    }

    fn symbol(&mut self, kind: TokenKind) -> TokenKind {
        self.at += 1;
        kind
    }

    fn is(&self, byte: u8, class: u8) -> bool {
        let of = self.classes.get(usize::from(byte));
        of.is_some_and(|of| of & class != 0)
    }

    /// Where the bytes of a class end that begin at an offset.
    fn behind(&self, from: usize, class: u8) -> usize {
        let bytes = self.text.as_bytes().get(from..).unwrap_or_default();
        let length = bytes.iter().position(|byte| !self.is(*byte, class));
        from + length.unwrap_or(bytes.len())
    }

    /// A JSON string.
    fn quoted(&mut self) -> Parsed<TokenKind> {
        // Mostly a string is what it is written as: nothing escaped, nothing to be decoded. What is
        // not ASCII may be a control character, and is looked at character by character.
        let end = self.behind(self.at + 1, PLAIN);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(TokenKind::Text);
        }
        self.escaped()
    }

    fn escaped(&mut self) -> Parsed<TokenKind> {
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
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
        Ok(TokenKind::Escaped)
    }

    /// The token behind an operator: what is not quoted goes on to the next blank, parenthesis or,
    /// inside brackets, closing bracket.
    pub(crate) fn next_value(&mut self, bracketed: bool) -> Parsed<Token> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let value = rest.trim_start_matches(' ');
        // What is quoted ends where the quotes do.
        if value.starts_with('"') {
            return self.next();
        }
        let ends = |c: char| matches!(c, ' ' | '(' | ')') || (bracketed && c == ']');
        let length = value.find(ends).unwrap_or(value.len());
        let word = value.get(..length).unwrap_or_default();
        if word.is_empty() || word.starts_with(['[', ']']) {
            return self.next();
        }
        let start = self.at + (rest.len() - value.len());
        self.at = start + length;
        let numeric = word.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        let number = numeric && serde_json::from_str::<Number>(word).is_ok();
        Ok(Token {
            kind: match number {
                true => TokenKind::Number,
                false => TokenKind::Word,
            },
            start,
            end: self.at,
        })
    }
}

/// A byte of a word: of a path with the URI of a schema, or of an operator.
const WORD: u8 = 1;
/// A byte of a string that stands for itself.
const PLAIN: u8 = 2;

/// What each byte may be part of; none beyond ASCII is of either.
static CLASSES: LazyLock<[u8; 256]> = LazyLock::new(|| {
    let mut classes = [0; 256];
    for (byte, class) in (0_u8..128).zip(&mut classes) {
        if is_word_character(char::from(byte)) {
            *class |= WORD;
        }
        if !matches!(byte, b'"' | b'\\' | 0..=0x1F | 0x7F) {
            *class |= PLAIN;
        }
    }
    classes
});

/// Paths with schema URIs, and operators.
fn is_word_character(character: char) -> bool {
    is_name_character(character)
        || (is_uri_character(character) && !matches!(character, '\'' | '`' | '\\' | ',' | ';'))
}
