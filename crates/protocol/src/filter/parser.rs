//! Tokens to a filter: recursive descent whose depth is counted before it descends.

use super::error::{FilterError, FilterErrorKind};
use super::expression::{Comparand, Filter, Operator};
use super::lexer::{Lexer, Parsed, Token, TokenKind};
use crate::limits::Limits;
use crate::path::{PathNames, same_name};
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
        let mut filter = NOTHING;
        let mut parser = Parser::new(text, limits, tolerance);
        let parsed = parser.whole(&mut filter);
        parsed.map(|()| filter).map_err(|error| *error)
    }
}

impl std::str::FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text, &Limits::default(), &mut Tolerance::default())
    }
}

/// What stands in the place of a filter that is yet to be parsed into it.
const NOTHING: Filter = Filter::Or(Vec::new());

/// A parser with one token of look-ahead. Filters are parsed into their place, since moving one costs
/// as much as parsing it.
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
    pub(crate) fn new(text: &'a str, limits: &'a Limits, tolerance: &'t mut Tolerance) -> Self {
        Self {
            lexer: Lexer::new(text),
            token: Token {
                kind: TokenKind::End,
                start: 0,
                end: 0,
            },
            behind: 0,
            depth: 0,
            terms: 0,
            bracketed: false,
            limits,
            tolerance,
        }
    }

    /// Makes the first token the current one.
    pub(crate) fn begin(&mut self) -> Parsed<()> {
        if self.lexer.text().len() > self.limits.filter_bytes {
            return Err(self.error(FilterErrorKind::TooLong(self.limits.filter_bytes)));
        }
        self.token = self.lexer.next()?;
        Ok(())
    }

    /// A filter, and nothing behind it.
    fn whole(&mut self, into: &mut Filter) -> Parsed<()> {
        self.begin()?;
        self.disjunction(into)?;
        self.expect(TokenKind::End, FilterErrorKind::Trailing)?;
        self.check_margins()
    }

    /// `a or b or c`; what is alone stands alone, and parts that are `or` themselves join in.
    fn disjunction(&mut self, into: &mut Filter) -> Parsed<()> {
        self.conjunction(into)?;
        if !self.keyword("or")? {
            return Ok(());
        }
        let mut parts = match std::mem::replace(into, NOTHING) {
            Filter::Or(parts) => parts,
            part => with_room(part),
        };
        loop {
            self.part(&mut parts, Self::conjunction)?;
            if let Some(Filter::Or(more)) = parts.pop_if(|part| matches!(part, Filter::Or(_))) {
                parts.extend(more);
            }
            if !self.keyword("or")? {
                put(into, Filter::Or(parts));
                return Ok(());
            }
        }
    }

    fn conjunction(&mut self, into: &mut Filter) -> Parsed<()> {
        self.term(into)?;
        if !self.keyword("and")? {
            return Ok(());
        }
        let mut parts = match std::mem::replace(into, NOTHING) {
            Filter::And(parts) => parts,
            part => with_room(part),
        };
        loop {
            self.part(&mut parts, Self::term)?;
            if let Some(Filter::And(more)) = parts.pop_if(|part| matches!(part, Filter::And(_))) {
                parts.extend(more);
            }
            if !self.keyword("and")? {
                put(into, Filter::And(parts));
                return Ok(());
            }
        }
    }

    /// One more part of a list.
    fn part(
        &mut self,
        parts: &mut Vec<Filter>,
        parse: impl FnOnce(&mut Self, &mut Filter) -> Parsed<()>,
    ) -> Parsed<()> {
        parts.push(NOTHING);
        match parts.last_mut() {
            Some(part) => parse(self, part),
            None => Ok(()),
        }
    }

    fn term(&mut self, into: &mut Filter) -> Parsed<()> {
        match self.token.kind {
            TokenKind::Open => {
                self.descend()?;
                self.advance()?;
                self.disjunction(into)?;
                self.expect(TokenKind::Close, FilterErrorKind::Close)?;
                self.depth -= 1;
                Ok(())
            }
            TokenKind::Word if self.word().eq_ignore_ascii_case("not") => self.negation(into),
            TokenKind::Word => self.expression(into),
            _ => Err(self.error(FilterErrorKind::Expression)),
        }
    }

    fn negation(&mut self, into: &mut Filter) -> Parsed<()> {
        self.advance()?;
        if self.token.kind != TokenKind::Open {
            return Err(self.error(FilterErrorKind::Not));
        }
        self.descend()?;
        self.advance()?;
        let mut inner = Box::new(NOTHING);
        self.disjunction(&mut inner)?;
        self.expect(TokenKind::Close, FilterErrorKind::Close)?;
        self.depth -= 1;
        put(into, Filter::Not(inner));
        Ok(())
    }

    fn expression(&mut self, into: &mut Filter) -> Parsed<()> {
        self.terms += 1;
        if self.terms > self.limits.filter_terms {
            return Err(self.error(FilterErrorKind::TooManyTerms(self.limits.filter_terms)));
        }
        let path = self.path()?;
        if self.token.kind == TokenKind::OpenBracket {
            self.check_adjacent()?;
            return self.value_path(&path, into);
        }
        self.comparison(&path, into)
    }

    /// A path; the token behind it becomes the current one.
    #[inline(always)]
    pub(crate) fn path(&mut self) -> Parsed<PathNames<'a>> {
        let start = self.token.start;
        if self.token.kind != TokenKind::Word {
            return Err(self.error(FilterErrorKind::Path));
        }
        let word = self.word();
        let path = PathNames::of(word).map_err(|error| {
            let inside = word.chars().take(error.position).map(char::len_utf8);
            let at = start + inside.sum::<usize>();
            self.lexer.error(at, FilterErrorKind::Path)
        })?;
        if self.bracketed && path.schema().is_some() {
            return Err(self.error(FilterErrorKind::Path));
        }
        self.advance()?;
        Ok(path)
    }

    /// `[filter]`, with the opening bracket as the current token.
    pub(crate) fn brackets(&mut self) -> Parsed<Box<Filter>> {
        if self.bracketed {
            return Err(self.error(FilterErrorKind::Nested));
        }
        self.descend()?;
        self.advance()?;
        self.bracketed = true;
        let mut filter = Box::new(NOTHING);
        self.disjunction(&mut filter)?;
        self.expect(TokenKind::CloseBracket, FilterErrorKind::CloseBracket)?;
        self.bracketed = false;
        self.depth -= 1;
        Ok(filter)
    }

    /// `emails[type eq "work"]`, and what providers write behind it.
    fn value_path(&mut self, path: &PathNames<'_>, into: &mut Filter) -> Parsed<()> {
        if path.sub_attribute().is_some() {
            return Err(self.error(FilterErrorKind::Operator));
        }
        let mut filter = self.brackets()?;
        if self.token.kind == TokenKind::Dot {
            self.accept(Deviation::ComparedValuePath(path.text().to_owned()))?;
            let attribute = self.sub_attribute()?;
            let mut parts = match std::mem::replace(&mut *filter, NOTHING) {
                Filter::And(parts) => parts,
                part => with_room(part),
            };
            self.bracketed = true;
            self.part(&mut parts, |parser, part| {
                parser.comparison(&PathNames::of_attribute(attribute), part)
            })?;
            self.bracketed = false;
            *filter = Filter::And(parts);
        }
        let path = path.to_path();
        put(into, Filter::ValuePath { path, filter });
        Ok(())
    }

    /// `.value` behind a closing bracket.
    pub(crate) fn sub_attribute(&mut self) -> Parsed<&'a str> {
        self.advance()?;
        let touching = self.token.start == self.behind;
        let path = self.path()?;
        if !touching || path.schema().is_some() || path.sub_attribute().is_some() {
            return Err(self.error(FilterErrorKind::Path));
        }
        Ok(path.attribute())
    }

    fn comparison(&mut self, path: &PathNames<'_>, into: &mut Filter) -> Parsed<()> {
        if self.token.kind != TokenKind::Word {
            return Err(self.error(FilterErrorKind::Operator));
        }
        let word = self.word();
        if word.eq_ignore_ascii_case("pr") {
            self.advance()?;
            put(into, Filter::Present(path.to_path()));
            return Ok(());
        }
        // RFC 7644 section 3.4.2.2: operators are words in any case.
        let operator = Operator::of(word);
        let operator = operator.ok_or_else(|| self.error(FilterErrorKind::Operator))?;
        self.behind = self.token.end;
        self.token = self.lexer.next_value(self.bracketed)?;
        if self.token.start == self.behind && self.token.kind != TokenKind::End {
            self.accept(Deviation::FilterSpacing(operator.as_str().to_owned()))?;
        }
        let value = match self.lexer.string(self.token) {
            Some(text) => Comparand::Text(text),
            None => self.bare_value(path, operator)?,
        };
        self.advance()?;
        let path = path.to_path();
        put(
            into,
            Filter::Comparison {
                path,
                operator,
                value,
            },
        );
        Ok(())
    }

    /// A comparison value without quotes.
    fn bare_value(&mut self, path: &PathNames<'_>, operator: Operator) -> Parsed<Comparand> {
        let word = self.word();
        // Some clients look people up without quoting the value.
        let lookup = operator == Operator::Equal && !self.bracketed && is_lookup(path);
        match self.token.kind {
            TokenKind::Number if lookup && self.tolerance.profile() == Profile::Tolerant => {}
            TokenKind::Number => {
                let number = self.lexer.number(self.token).map(Comparand::Number);
                return number.ok_or_else(|| self.error(FilterErrorKind::BadNumber));
            }
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
            self.accept(Deviation::BooleanAsText(path.text().to_owned()))?;
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
    fn keyword(&mut self, keyword: &str) -> Parsed<bool> {
        // Told by its length mostly, as it is asked behind every term.
        let long = self.token.end - self.token.start == keyword.len();
        let word = long && self.token.kind == TokenKind::Word;
        if !word || !self.word().eq_ignore_ascii_case(keyword) {
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

    pub(crate) fn expect(&mut self, kind: TokenKind, otherwise: FilterErrorKind) -> Parsed<()> {
        if self.token.kind != kind {
            return Err(self.error(otherwise));
        }
        self.advance()
    }

    pub(crate) fn current(&self) -> TokenKind {
        self.token.kind
    }

    /// Spaces around a whole filter are none of the grammar's.
    pub(crate) fn check_margins(&mut self) -> Parsed<()> {
        let text = self.lexer.text();
        if text.starts_with(' ') || text.ends_with(' ') {
            return self.accept(Deviation::FilterSpacing("filter".to_owned()));
        }
        Ok(())
    }

    fn check_adjacent(&mut self) -> Parsed<()> {
        if self.token.start != self.behind {
            return self.accept(Deviation::FilterSpacing("[".to_owned()));
        }
        Ok(())
    }

    fn descend(&mut self) -> Parsed<()> {
        if self.depth >= self.limits.filter_depth {
            return Err(self.error(FilterErrorKind::TooDeep(self.limits.filter_depth)));
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn advance(&mut self) -> Parsed<()> {
        self.behind = self.token.end;
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn word(&self) -> &'a str {
        self.lexer.slice(self.token)
    }

    fn accept(&mut self, deviation: Deviation) -> Parsed<()> {
        let at = self.token.start;
        self.tolerance
            .accept(deviation)
            .map_err(|error| self.lexer.error(at, FilterErrorKind::Strict(error)))
    }

    pub(crate) fn error(&self, kind: FilterErrorKind) -> Box<FilterError> {
        self.lexer.error(self.token.start, kind)
    }
}

/// Puts a filter where [`NOTHING`] is, which holds nothing that would have to be dropped.
#[inline(always)]
fn put(into: &mut Filter, filter: Filter) {
    std::mem::forget(std::mem::replace(into, filter));
}

/// A list of one part, with room for the second, which is mostly the last.
fn with_room(part: Filter) -> Vec<Filter> {
    let mut parts = Vec::with_capacity(2);
    parts.push(part);
    parts
}

/// Whether clients look a resource up by the attribute.
fn is_lookup(path: &PathNames<'_>) -> bool {
    let (attribute, sub) = (path.attribute(), path.sub_attribute());
    let address = sub.is_none_or(|sub| same_name(sub, "value"));
    let looked_up = LOOKUP.iter().any(|name| same_name(name, attribute));
    (looked_up && sub.is_none()) || (same_name("emails", attribute) && address)
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
