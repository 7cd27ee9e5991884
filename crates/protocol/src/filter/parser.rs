//! Tokens to a filter: recursive descent whose depth is counted before it descends.

use super::error::{FilterError, FilterErrorKind};
use super::expression::{Comparand, Filter, Operator};
use super::lexer::{Lexer, Token, TokenKind};
use crate::limits::Limits;
use crate::path::{AttributePath, same_name};
use crate::tolerance::{Deviation, Profile, Tolerance};

impl Filter {
    /// Parses a filter.
    ///
    /// ```
    /// use scim_protocol::{Filter, Limits, Profile, Tolerance};
    ///
    /// let mut strict = Tolerance::new(Profile::Strict);
    /// let refused = Filter::parse("userName eq ava", &Limits::default(), &mut strict).unwrap_err();
    /// assert_eq!(refused.position, 12, "the value is not quoted");
    /// ```
    ///
    /// # Errors
    /// [`FilterError`] with the position; under the strict profile also for accepted deviations.
    pub fn parse(
        text: &str,
        limits: &Limits,
        tolerance: &mut Tolerance,
    ) -> Result<Self, FilterError> {
        let mut parser = Parser::new(text, limits, tolerance)?;
        let filter = parser.disjunction()?;
        parser.expect(&TokenKind::End, FilterErrorKind::Trailing)?;
        parser.check_margins()?;
        Ok(filter)
    }
}

impl std::str::FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text, &Limits::default(), &mut Tolerance::default())
    }
}

/// A parser with one token of look-ahead.
pub(crate) struct Parser<'a, 't> {
    lexer: Lexer<'a>,
    token: Token,
    /// Where the token before ended.
    behind: usize,
    depth: usize,
    terms: usize,
    bracketed: bool,
    limits: &'a Limits,
    tolerance: &'t mut Tolerance,
}

impl<'a, 't> Parser<'a, 't> {
    pub(crate) fn new(
        text: &'a str,
        limits: &'a Limits,
        tolerance: &'t mut Tolerance,
    ) -> Result<Self, FilterError> {
        let mut lexer = Lexer::new(text);
        if text.len() > limits.filter_bytes {
            return Err(lexer.error(0, FilterErrorKind::TooLong(limits.filter_bytes)));
        }
        let token = lexer.next()?;
        Ok(Self {
            lexer,
            token,
            behind: 0,
            depth: 0,
            terms: 0,
            bracketed: false,
            limits,
            tolerance,
        })
    }

    /// `a or b or c`; what is alone stands alone, and parts that are `or` themselves join in.
    fn disjunction(&mut self) -> Result<Filter, FilterError> {
        let first = self.conjunction()?;
        if !self.keyword("or")? {
            return Ok(first);
        }
        let mut parts = match first {
            Filter::Or(parts) => parts,
            part => with_room(part),
        };
        loop {
            match self.conjunction()? {
                Filter::Or(more) => parts.extend(more),
                part => parts.push(part),
            }
            if !self.keyword("or")? {
                return Ok(Filter::Or(parts));
            }
        }
    }

    fn conjunction(&mut self) -> Result<Filter, FilterError> {
        let first = self.term()?;
        if !self.keyword("and")? {
            return Ok(first);
        }
        let mut parts = match first {
            Filter::And(parts) => parts,
            part => with_room(part),
        };
        loop {
            match self.term()? {
                Filter::And(more) => parts.extend(more),
                part => parts.push(part),
            }
            if !self.keyword("and")? {
                return Ok(Filter::And(parts));
            }
        }
    }

    fn term(&mut self) -> Result<Filter, FilterError> {
        match &self.token.kind {
            TokenKind::Open => {
                self.descend()?;
                self.advance()?;
                let inner = self.disjunction()?;
                self.expect(&TokenKind::Close, FilterErrorKind::Close)?;
                self.depth -= 1;
                Ok(inner)
            }
            TokenKind::Word if self.word().eq_ignore_ascii_case("not") => self.negation(),
            TokenKind::Word => self.expression(),
            _ => Err(self.error(FilterErrorKind::Expression)),
        }
    }

    fn negation(&mut self) -> Result<Filter, FilterError> {
        self.advance()?;
        if self.token.kind != TokenKind::Open {
            return Err(self.error(FilterErrorKind::Not));
        }
        self.descend()?;
        self.advance()?;
        let inner = self.disjunction()?;
        self.expect(&TokenKind::Close, FilterErrorKind::Close)?;
        self.depth -= 1;
        Ok(Filter::Not(Box::new(inner)))
    }

    fn expression(&mut self) -> Result<Filter, FilterError> {
        self.terms += 1;
        if self.terms > self.limits.filter_terms {
            return Err(self.error(FilterErrorKind::TooManyTerms(self.limits.filter_terms)));
        }
        let path = self.path()?;
        if self.token.kind == TokenKind::OpenBracket {
            self.check_adjacent()?;
            return self.value_path(path);
        }
        self.comparison(path)
    }

    /// A path; the token behind it becomes the current one.
    pub(crate) fn path(&mut self) -> Result<AttributePath, FilterError> {
        let start = self.token.start;
        if self.token.kind != TokenKind::Word {
            return Err(self.error(FilterErrorKind::Path));
        }
        let path: AttributePath =
            self.word()
                .parse()
                .map_err(|error: crate::path::PathError| {
                    let inside: usize = self
                        .word()
                        .chars()
                        .take(error.position)
                        .map(char::len_utf8)
                        .sum();
                    self.lexer.error(start + inside, FilterErrorKind::Path)
                })?;
        if self.bracketed && path.schema.is_some() {
            return Err(self.error(FilterErrorKind::Path));
        }
        self.advance()?;
        Ok(path)
    }

    /// `[filter]`, with the opening bracket as the current token.
    pub(crate) fn brackets(&mut self) -> Result<Filter, FilterError> {
        if self.bracketed {
            return Err(self.error(FilterErrorKind::Nested));
        }
        self.descend()?;
        self.advance()?;
        self.bracketed = true;
        let filter = self.disjunction()?;
        self.expect(&TokenKind::CloseBracket, FilterErrorKind::CloseBracket)?;
        self.bracketed = false;
        self.depth -= 1;
        Ok(filter)
    }

    /// `emails[type eq "work"]`, and what providers write behind it.
    fn value_path(&mut self, path: AttributePath) -> Result<Filter, FilterError> {
        if path.sub_attribute.is_some() {
            return Err(self.error(FilterErrorKind::Operator));
        }
        let filter = self.brackets()?;
        let filter = if self.token.kind == TokenKind::Dot {
            self.accept(Deviation::ComparedValuePath(path.to_string()))?;
            let sub = self.sub_attribute()?;
            self.bracketed = true;
            let compared = self.comparison(AttributePath::new(sub))?;
            self.bracketed = false;
            match filter {
                Filter::And(mut parts) => {
                    parts.push(compared);
                    Filter::And(parts)
                }
                other => Filter::And(vec![other, compared]),
            }
        } else {
            filter
        };
        Ok(Filter::ValuePath {
            path,
            filter: Box::new(filter),
        })
    }

    /// `.value` behind a closing bracket.
    pub(crate) fn sub_attribute(&mut self) -> Result<String, FilterError> {
        self.advance()?;
        let touching = self.token.start == self.behind;
        let path = self.path()?;
        if !touching || path.schema.is_some() || path.sub_attribute.is_some() {
            return Err(self.error(FilterErrorKind::Path));
        }
        Ok(path.attribute)
    }

    fn comparison(&mut self, path: AttributePath) -> Result<Filter, FilterError> {
        if self.token.kind != TokenKind::Word {
            return Err(self.error(FilterErrorKind::Operator));
        }
        let word = self.word();
        if word.eq_ignore_ascii_case("pr") {
            self.advance()?;
            return Ok(Filter::Present(path));
        }
        // RFC 7644 section 3.4.2.2: operators are words in any case.
        let operator: Operator = word
            .parse()
            .map_err(|_word| self.error(FilterErrorKind::Operator))?;
        self.behind = self.token.end;
        self.token = self.lexer.next_value(self.bracketed)?;
        if self.token.start == self.behind && self.token.kind != TokenKind::End {
            self.accept(Deviation::FilterSpacing(operator.as_str().to_owned()))?;
        }
        let value = self.value(&path, operator)?;
        self.advance()?;
        Ok(Filter::Comparison {
            path,
            operator,
            value,
        })
    }

    fn value(
        &mut self,
        path: &AttributePath,
        operator: Operator,
    ) -> Result<Comparand, FilterError> {
        // The usual value is text, which moves into the filter.
        if let TokenKind::Text(text) = &mut self.token.kind {
            return Ok(Comparand::Text(std::mem::take(text)));
        }
        let word = self.word();
        // Some clients look people up without quoting the value.
        let lookup = operator == Operator::Equal && !self.bracketed && is_lookup(path);
        match &self.token.kind {
            TokenKind::Number(_) if lookup && self.tolerance.profile() == Profile::Tolerant => {}
            TokenKind::Number(number) => return Ok(Comparand::Number(number.clone())),
            TokenKind::Word if word == "true" => return Ok(Comparand::Boolean(true)),
            TokenKind::Word if word == "false" => return Ok(Comparand::Boolean(false)),
            TokenKind::Word if word == "null" => return Ok(Comparand::Null),
            TokenKind::Word => {}
            _ => return Err(self.error(FilterErrorKind::Value)),
        }
        let flag = [("true", true), ("false", false)];
        let flag = flag
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name));
        if let Some((_, flag)) = flag {
            self.accept(Deviation::BooleanAsText(path.to_string()))?;
            return Ok(Comparand::Boolean(*flag));
        }
        if !lookup || !is_plausible(word) {
            let numeric = word.starts_with(|c: char| c == '-' || c.is_ascii_digit());
            return Err(self.error(match numeric {
                true => FilterErrorKind::BadNumber,
                false => FilterErrorKind::Value,
            }));
        }
        self.accept(Deviation::UnquotedValue(word.to_owned()))?;
        Ok(Comparand::Text(word.to_owned()))
    }

    /// Whether the current token is this keyword, which is then passed.
    fn keyword(&mut self, keyword: &str) -> Result<bool, FilterError> {
        if self.token.kind != TokenKind::Word || !self.word().eq_ignore_ascii_case(keyword) {
            return Ok(false);
        }
        if self.token.start == self.behind {
            self.accept(Deviation::FilterSpacing(keyword.to_owned()))?;
        }
        self.advance()?;
        if self.token.start == self.behind {
            self.accept(Deviation::FilterSpacing(keyword.to_owned()))?;
        }
        Ok(true)
    }

    pub(crate) fn expect(
        &mut self,
        kind: &TokenKind,
        otherwise: FilterErrorKind,
    ) -> Result<(), FilterError> {
        if self.token.kind != *kind {
            return Err(self.error(otherwise));
        }
        self.advance()
    }

    pub(crate) fn current(&self) -> &TokenKind {
        &self.token.kind
    }

    /// Spaces around a whole filter are none of the grammar's.
    pub(crate) fn check_margins(&mut self) -> Result<(), FilterError> {
        let text = self.lexer.text();
        if text.starts_with(' ') || text.ends_with(' ') {
            return self.accept(Deviation::FilterSpacing("filter".to_owned()));
        }
        Ok(())
    }

    fn check_adjacent(&mut self) -> Result<(), FilterError> {
        if self.token.start != self.behind {
            return self.accept(Deviation::FilterSpacing("[".to_owned()));
        }
        Ok(())
    }

    fn descend(&mut self) -> Result<(), FilterError> {
        if self.depth >= self.limits.filter_depth {
            return Err(self.error(FilterErrorKind::TooDeep(self.limits.filter_depth)));
        }
        self.depth += 1;
        Ok(())
    }

    fn advance(&mut self) -> Result<(), FilterError> {
        self.behind = self.token.end;
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn word(&self) -> &'a str {
        self.lexer.slice(&self.token)
    }

    fn accept(&mut self, deviation: Deviation) -> Result<(), FilterError> {
        let at = self.token.start;
        self.tolerance
            .accept(deviation)
            .map_err(|error| self.lexer.error(at, FilterErrorKind::Strict(error)))
    }

    pub(crate) fn error(&self, kind: FilterErrorKind) -> FilterError {
        self.lexer.error(self.token.start, kind)
    }
}

/// A list of one part, with room for the second, which is mostly the last.
fn with_room(part: Filter) -> Vec<Filter> {
    let mut parts = Vec::with_capacity(2);
    parts.push(part);
    parts
}

/// Whether clients look a resource up by the attribute.
fn is_lookup(path: &AttributePath) -> bool {
    let whole = path.sub_attribute.is_none();
    let address = path
        .sub_attribute
        .as_deref()
        .is_none_or(|sub| same_name(sub, "value"));
    let looked_up = LOOKUP.iter().any(|name| same_name(name, &path.attribute));
    (looked_up && whole) || (same_name("emails", &path.attribute) && address)
}

/// Whether a word can be meant as a value: it is neither quoted in another way nor a word of the
/// language or the name of such an attribute.
fn is_plausible(word: &str) -> bool {
    const QUOTES: [char; 9] = [
        '\'', '"', '`', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{ab}', '\u{bb}',
    ];
    let of_language = ["and", "or", "not", "pr"].into_iter();
    let mut of_language = of_language.chain(Operator::ALL.iter().map(|operator| operator.as_str()));
    !word.is_empty()
        && !word.starts_with(QUOTES)
        && !word.contains(|c: char| c == '"' || c.is_control())
        && !of_language.any(|reserved| word.eq_ignore_ascii_case(reserved))
        && !LOOKUP.iter().any(|name| same_name(name, word))
}

/// The attributes by which clients look a resource up.
const LOOKUP: [&str; 4] = ["userName", "externalId", "id", "displayName"];
