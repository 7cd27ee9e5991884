//! The expressions of Entra and of Okta, parsed.

use std::iter::Peekable;
use std::str::CharIndices;

/// Whose expressions are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// `Join(" ", [givenName], [surname])`
    Entra,
    /// `user.firstName + " " + user.lastName`
    Okta,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// An attribute of the identity provider.
    Attribute(String),
    Text(String),
    Number(i64),
    Boolean(bool),
    /// `null`, or an argument that is left out.
    Nothing,
    Call(String, Vec<Self>),
    /// Two operands and what is between them: `+`, `==`, `!=`, `&&`, `||`.
    Binary(&'static str, Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// `condition ? this : that`
    Choice(Box<Self>, Box<Self>, Box<Self>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Attribute(String),
    Text(String),
    Number(i64),
    Mark(&'static str),
}

/// Parses an expression; nothing where it is none.
pub(super) fn parse(text: &str, language: Language) -> Option<Expression> {
    if text.len() > EXPRESSION_BYTES {
        return None;
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        language,
    };
    let expression = parser.choice(0)?;
    (parser.at == parser.tokens.len()).then_some(expression)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    language: Language,
}

impl Parser {
    fn takes(&mut self, mark: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Mark(found)) if *found == mark);
        self.at += usize::from(is);
        is
    }

    fn choice(&mut self, depth: usize) -> Option<Expression> {
        // Counted before it descends, so that no expression is too deep for the stack.
        if depth > DEPTH {
            return None;
        }
        let condition = self.binary(0, depth)?;
        if !self.takes("?") {
            return Some(condition);
        }
        let then = self.choice(depth + 1)?;
        if !self.takes(":") {
            return None;
        }
        let other = self.choice(depth + 1)?;
        Some(Expression::Choice(
            Box::new(condition),
            Box::new(then),
            Box::new(other),
        ))
    }

    /// From what binds least to what binds most.
    fn binary(&mut self, level: usize, depth: usize) -> Option<Expression> {
        let Some(marks) = LEVELS.get(level) else {
            return self.single(depth);
        };
        let mut left = self.binary(level + 1, depth)?;
        while let Some(mark) = marks.iter().find(|mark| self.takes(mark)) {
            let right = self.binary(level + 1, depth)?;
            left = Expression::Binary(mark, Box::new(left), Box::new(right));
        }
        Some(left)
    }

    fn single(&mut self, depth: usize) -> Option<Expression> {
        if self.takes("!") {
            if depth > DEPTH {
                return None;
            }
            return Some(Expression::Not(Box::new(self.single(depth + 1)?)));
        }
        if self.takes("(") {
            let inside = self.choice(depth + 1)?;
            return self.takes(")").then_some(inside);
        }
        let token = self.tokens.get(self.at)?.clone();
        self.at += 1;
        match token {
            Token::Attribute(name) => Some(Expression::Attribute(name)),
            Token::Text(text) => Some(Expression::Text(text)),
            Token::Number(number) => Some(Expression::Number(number)),
            Token::Name(name) if self.takes("(") => {
                Some(Expression::Call(name, self.arguments(depth)?))
            }
            Token::Name(name) => Some(match name.to_ascii_lowercase().as_str() {
                "true" => Expression::Boolean(true),
                "false" => Expression::Boolean(false),
                "null" => Expression::Nothing,
                _ => Expression::Attribute(name),
            }),
            Token::Mark(_) => None,
        }
    }

    fn arguments(&mut self, depth: usize) -> Option<Vec<Expression>> {
        let mut arguments = Vec::new();
        if self.takes(")") {
            return Some(arguments);
        }
        loop {
            let next = self.tokens.get(self.at);
            let left_out = matches!(next, Some(Token::Mark("," | ")")));
            arguments.push(match left_out && self.language == Language::Entra {
                true => Expression::Nothing,
                false => self.choice(depth + 1)?,
            });
            if self.takes(")") {
                return Some(arguments);
            }
            if !self.takes(",") {
                return None;
            }
        }
    }
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let rest = text.get(at..).unwrap_or_default();
        match character {
            _ if character.is_whitespace() => {}
            '"' | '\'' => tokens.push(Token::Text(quoted(&mut characters, character)?)),
            '[' => {
                let name = rest.get(1..)?.split_once(']')?.0.to_owned();
                while characters.next()?.1 != ']' {}
                tokens.push(Token::Attribute(name));
            }
            _ if character.is_ascii_digit() || character == '-' => {
                let digits = taken(&mut characters, |c| c.is_ascii_digit());
                tokens.push(Token::Number(format!("{character}{digits}").parse().ok()?));
            }
            _ if character.is_alphabetic() || matches!(character, '_' | '$') => {
                let name = taken(&mut characters, is_name);
                let name = format!("{character}{name}");
                tokens.push(match name.to_ascii_lowercase().as_str() {
                    "and" => Token::Mark("&&"),
                    "or" => Token::Mark("||"),
                    "not"
                        if !rest
                            .get(3..)
                            .is_some_and(|r| r.trim_start().starts_with('(')) =>
                    {
                        Token::Mark("!")
                    }
                    _ => Token::Name(name),
                });
            }
            _ => {
                let mark = MARKS.iter().find(|mark| rest.starts_with(**mark))?;
                for _ in 1..mark.len() {
                    characters.next();
                }
                tokens.push(Token::Mark(match *mark {
                    "<>" => "!=",
                    "=" => "==",
                    mark => mark,
                }));
            }
        }
    }
    Some(tokens)
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.' | '$')
}

fn taken(characters: &mut Peekable<CharIndices<'_>>, is: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    while let Some((_, character)) = characters.next_if(|(_, character)| is(*character)) {
        text.push(character);
    }
    text
}

/// Quotation marks inside stand behind a backslash, or twice.
fn quoted(characters: &mut Peekable<CharIndices<'_>>, mark: char) -> Option<String> {
    let mut text = String::new();
    loop {
        match characters.next()?.1 {
            '\\' => text.push(match characters.next()?.1 {
                'n' => '\n',
                't' => '\t',
                character => character,
            }),
            character if character == mark => match characters.next_if(|(_, next)| *next == mark) {
                Some(_) => text.push(mark),
                None => return Some(text),
            },
            character => text.push(character),
        }
    }
}

const MARKS: [&str; 16] = [
    "&&", "||", "==", "!=", "<>", "=", "!", "?", ":", "+", "(", ")", ",", "&", "|", ";",
];
const LEVELS: [&[&str]; 4] = [&["||"], &["&&"], &["==", "!="], &["+"]];
const DEPTH: usize = 20;
const EXPRESSION_BYTES: usize = 8 * 1024;
