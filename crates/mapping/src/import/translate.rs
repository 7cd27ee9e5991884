//! Expressions of identity providers as rules.

use serde_json::{Map, Value, json};

use super::Mapped;
use super::expression::{Expression, Language, parse};
use super::names;
use crate::record::Field;
use crate::rule::{Apply, JoinPart, OnError, Rule, Source};
use crate::transform::{DateFormats, Otherwise, Transform};

/// Why an expression has no equal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unequal {
    #[error("ServiceOps has no field for the attribute")]
    Target,
    #[error("it cannot be read")]
    Syntax,
    #[error("it is not known under which name \"{0}\" is sent")]
    Attribute(String),
    #[error("there is nothing like {0}")]
    Function(String),
    #[error("{0} is not made of fixed values here")]
    Arguments(String),
    #[error("a condition compares attributes with fixed values")]
    Condition,
    #[error("it takes more steps than a rule has")]
    TooLong,
}

/// A value on its way: where it comes from, and what happens to it.
#[derive(Clone)]
struct Flow {
    source: Source,
    transforms: Vec<Transform>,
}

/// A flow, for those who meet a condition.
type Case = (Option<String>, Flow);

/// The rules that a mapped attribute becomes.
pub(super) fn rules(mapped: &Mapped, language: Language) -> Result<Vec<Rule>, Unequal> {
    let target = names::field(&mapped.target).ok_or(Unequal::Target)?;
    let expression = parse(&mapped.expression, language).ok_or(Unequal::Syntax)?;
    let translator = Translator { language };
    let cases = translator.cases(&expression, 0)?;
    let key = matches!(target, Field::UserName);
    cases
        .into_iter()
        .map(|(when, flow)| {
            if flow.transforms.len() > TRANSFORMS {
                return Err(Unequal::TooLong);
            }
            let transforms = match target {
                // Rules say what of it is active.
                Field::Status => [flow.transforms, vec![status()]].concat(),
                _ => flow.transforms,
            };
            Ok(Rule {
                when,
                transforms,
                default: mapped.default.clone(),
                apply: match mapped.on_create && !key {
                    true => Apply::OnCreate,
                    false => Apply::Always,
                },
                required: key,
                match_rank: key.then_some(1),
                on_error: if key {
                    OnError::Reject
                } else {
                    OnError::SkipWarn
                },
                ..Rule::new(flow.source, target.clone())
            })
        })
        .collect()
}

fn status() -> Transform {
    let entries = [("true", "active"), ("false", "blocked")];
    Transform::ValueMap {
        entries: entries
            .map(|(from, to)| (from.to_owned(), Value::from(to)))
            .into_iter()
            .collect(),
        otherwise: Otherwise::Keep,
    }
}

struct Translator {
    language: Language,
}

impl Translator {
    /// The cases of an expression that chooses, else the one that it is.
    fn cases(&self, expression: &Expression, depth: usize) -> Result<Vec<Case>, Unequal> {
        let choice = match expression {
            Expression::Choice(condition, then, other) => Some((condition.as_ref(), then, other)),
            Expression::Call(name, arguments) if name.eq_ignore_ascii_case("IIF") => {
                match arguments.as_slice() {
                    [condition, then, other] => {
                        return self.choice(condition, then, other, depth);
                    }
                    _ => return Err(Unequal::Syntax),
                }
            }
            _ => None,
        };
        match choice {
            Some((condition, then, other)) => self.choice(condition, then, other, depth),
            None if depth > 0 && *expression == Expression::Nothing => Ok(Vec::new()),
            None => Ok(vec![(None, self.flow(expression)?)]),
        }
    }

    fn choice(
        &self,
        condition: &Expression,
        then: &Expression,
        other: &Expression,
        depth: usize,
    ) -> Result<Vec<Case>, Unequal> {
        if depth >= CHOICES {
            return Err(Unequal::TooLong);
        }
        let when = self.condition(condition)?;
        let both = |outer: &str, inner: Option<String>| match inner {
            None => outer.to_owned(),
            Some(inner) => format!("({outer}) and ({inner})"),
        };
        let then = self.cases(then, depth + 1)?;
        // Who meets the condition and gets nothing by it gets nothing by what follows either.
        let whole = then.last().is_some_and(|(when, _)| when.is_none());
        let unless = format!("not ({when})");
        let then = then.into_iter();
        let mut cases: Vec<Case> = then
            .map(|(of, flow)| (Some(both(&when, of)), flow))
            .collect();
        let other = self.cases(other, depth + 1)?.into_iter();
        cases.extend(other.map(|(of, flow)| match whole {
            true => (of, flow),
            false => (Some(both(&unless, of)), flow),
        }));
        Ok(cases)
    }

    /// A condition as a filter.
    fn condition(&self, expression: &Expression) -> Result<String, Unequal> {
        match expression {
            Expression::Binary(mark @ ("&&" | "||"), left, right) => {
                let word = if *mark == "&&" { "and" } else { "or" };
                let (left, right) = (self.condition(left)?, self.condition(right)?);
                Ok(format!("({left}) {word} ({right})"))
            }
            Expression::Not(inner) => Ok(format!("not ({})", self.condition(inner)?)),
            Expression::Binary(mark @ ("==" | "!="), left, right) => {
                let (attribute, value) = match (left.as_ref(), right.as_ref()) {
                    (Expression::Attribute(name), value) | (value, Expression::Attribute(name)) => {
                        (self.attribute(name)?, value)
                    }
                    _ => return Err(Unequal::Condition),
                };
                let equal = *mark == "==";
                match (fixed(value), equal) {
                    (Some(Value::Null), true) => Ok(format!("not ({attribute} pr)")),
                    (Some(Value::Null), false) => Ok(format!("{attribute} pr")),
                    (Some(value), true) => Ok(format!("{attribute} eq {value}")),
                    // Nobody without a value is equal to one.
                    (Some(value), false) => Ok(format!("not ({attribute} eq {value})")),
                    (None, _) => Err(Unequal::Condition),
                }
            }
            Expression::Attribute(name) => Ok(format!("{} eq true", self.attribute(name)?)),
            Expression::Call(name, arguments) => {
                let [Expression::Attribute(attribute), rest @ ..] = arguments.as_slice() else {
                    return match (name.to_ascii_lowercase().as_str(), arguments.as_slice()) {
                        ("not", [inner]) => Ok(format!("not ({})", self.condition(inner)?)),
                        _ => Err(Unequal::Condition),
                    };
                };
                let path = self.attribute(attribute)?;
                let text = rest.first().and_then(fixed);
                match (name.to_ascii_lowercase().as_str(), text) {
                    ("ispresent", None) => Ok(format!("{path} pr")),
                    ("isnull" | "isnullorempty" | "string.isempty", None) => {
                        Ok(format!("not ({path} pr)"))
                    }
                    ("not", None) => Ok(format!("not ({path} eq true)")),
                    ("string.stringcontains" | "instr", Some(text @ Value::String(_))) => {
                        Ok(format!("{path} co {text}"))
                    }
                    ("string.startswith", Some(text @ Value::String(_))) => {
                        Ok(format!("{path} sw {text}"))
                    }
                    _ => Err(Unequal::Condition),
                }
            }
            _ => Err(Unequal::Condition),
        }
    }

    fn attribute(&self, name: &str) -> Result<String, Unequal> {
        names::path(name, self.language).ok_or_else(|| Unequal::Attribute(name.to_owned()))
    }

    /// An expression that makes one value.
    fn flow(&self, expression: &Expression) -> Result<Flow, Unequal> {
        let plain = |source: Source| Flow {
            source,
            transforms: Vec::new(),
        };
        match expression {
            Expression::Attribute(name) => Ok(plain(Source::Path(self.attribute(name)?))),
            Expression::Binary("+", ..) => {
                let mut parts = Vec::new();
                addends(expression, &mut parts);
                self.joined("", &parts)
            }
            Expression::Call(name, arguments) => self.call(name, arguments),
            value => match fixed(value) {
                Some(value) if !value.is_null() => Ok(plain(Source::Constant(value))),
                _ => Err(Unequal::Syntax),
            },
        }
    }

    fn joined(&self, separator: &str, parts: &[&Expression]) -> Result<Flow, Unequal> {
        let part = |part: &&Expression| {
            if let Expression::Text(text) = part {
                return Ok(JoinPart::Literal(text.clone()));
            }
            match self.flow(part)? {
                Flow {
                    source: Source::Path(path),
                    transforms,
                } => Ok(JoinPart::Path { path, transforms }),
                _ => Err(Unequal::Arguments("a part of a joined text".to_owned())),
            }
        };
        let parts: Vec<JoinPart> = parts.iter().map(part).collect::<Result<_, _>>()?;
        if parts.len() > PARTS {
            return Err(Unequal::TooLong);
        }
        let source = Source::Join {
            separator: separator.to_owned(),
            parts,
        };
        Ok(Flow {
            source,
            transforms: Vec::new(),
        })
    }

    fn call(&self, name: &str, arguments: &[Expression]) -> Result<Flow, Unequal> {
        let lower = name.to_ascii_lowercase();
        match (lower.as_str(), arguments) {
            ("join", [Expression::Text(separator), parts @ ..])
            | ("string.join", [Expression::Text(separator), parts @ ..])
                if parts.len() > 1 =>
            {
                return self.joined(separator, &parts.iter().collect::<Vec<_>>());
            }
            ("string.append", parts) => {
                return self.joined("", &parts.iter().collect::<Vec<_>>());
            }
            (
                "append",
                [
                    first,
                    second @ (Expression::Attribute(_) | Expression::Call(..)),
                ],
            ) => {
                return self.joined("", &[first, second]);
            }
            ("coalesce", parts) => {
                let path = |part: &Expression| match self.flow(part)? {
                    Flow {
                        source: Source::Path(path),
                        transforms,
                    } if transforms.is_empty() => Ok(path),
                    _ => Err(Unequal::Arguments(name.to_owned())),
                };
                let paths: Vec<String> = parts.iter().map(path).collect::<Result<_, _>>()?;
                if paths.is_empty() || paths.len() > PARTS {
                    return Err(Unequal::TooLong);
                }
                return Ok(Flow {
                    source: Source::FirstOf(paths),
                    transforms: Vec::new(),
                });
            }
            _ => {}
        }
        let Some((first, rest)) = arguments.split_first() else {
            return Err(Unequal::Function(name.to_owned()));
        };
        let further = steps(name, &lower, rest)?;
        let mut flow = self.flow(first)?;
        if matches!(
            further.first(),
            Some(Transform::Join(_) | Transform::Item(_))
        ) && let (Source::Path(path), true) = (&flow.source, flow.transforms.is_empty())
        {
            flow.source = Source::All(path.clone());
        }
        flow.transforms.extend(further);
        Ok(flow)
    }
}

/// What a function does to its first argument.
fn steps(name: &str, lower: &str, rest: &[Expression]) -> Result<Vec<Transform>, Unequal> {
    use Expression::{Nothing, Number, Text};
    let index = |number: &i64, least: i64| {
        let number = number
            .checked_sub(least)
            .and_then(|n| usize::try_from(n).ok());
        number.ok_or_else(|| Unequal::Arguments(name.to_owned()))
    };
    let one = |transform| Ok(vec![transform]);
    match (lower, rest) {
        ("tolower", [] | [_]) | ("string.tolowercase", []) => one(Transform::Lower),
        ("toupper", [] | [_]) | ("string.touppercase", []) => one(Transform::Upper),
        ("pcase", []) => one(Transform::TitleCase),
        ("trim", []) => one(Transform::Trim),
        ("normalizediacritics", []) => one(Transform::StripDiacritics),
        ("stripspaces", []) | ("string.removespaces", []) => one(Transform::StripSpaces),
        ("removeduplicates", []) => one(Transform::Dedupe),
        ("cbool", []) => one(Transform::ToBool(Vec::new())),
        ("convert.toint" | "cint" | "cnum", []) => one(Transform::ToInt),
        ("convert.tonum", []) => one(Transform::ToNumber),
        ("ignoreflowifnullorempty", []) => one(Transform::IfEmpty),
        ("arrays.tocsvstring", []) => one(Transform::Join(",".to_owned())),
        ("append", [Text(text)]) => one(Transform::Suffix(text.clone())),
        ("left", [Number(length)]) => one(Transform::Left(index(length, 0)?)),
        ("right", [Number(length)]) => one(Transform::Right(index(length, 0)?)),
        // Entra counts from 1, Okta from 0 and to the end of the part.
        ("mid", [Number(start), Number(length)]) => one(Transform::Substring {
            start: index(start, 1)?,
            length: index(length, 0)?,
        }),
        ("string.substring", [Number(start), Number(end)]) => one(Transform::Substring {
            start: index(start, 0)?,
            length: index(end, *start)?,
        }),
        ("string.substringbefore", [Text(mark)]) => one(Transform::Before(mark.clone())),
        ("string.substringafter", [Text(mark)]) => one(Transform::After(mark.clone())),
        ("split", [Text(separator)]) => one(Transform::Split(separator.clone())),
        ("item", [Number(number)]) => one(Transform::Item(index(number, 1)?)),
        ("arrays.get", [Number(number)]) => one(Transform::Item(index(number, 0)?)),
        ("word", [Number(number), Text(separators)]) => one(Transform::Word {
            number: index(number, 1)?,
            separators: separators.clone(),
        }),
        ("string.replace", [Text(find), Text(with)]) => one(Transform::Replace {
            find: find.clone(),
            with: with.clone(),
        }),
        ("replace", [Text(find), Nothing, Nothing, Text(with), rest @ ..])
            if rest.iter().all(|one| *one == Nothing) =>
        {
            one(Transform::Replace {
                find: find.clone(),
                with: with.clone(),
            })
        }
        ("replace", [Nothing, Text(pattern), Nothing, Text(with), rest @ ..])
            if rest.iter().all(|one| *one == Nothing) =>
        {
            one(Transform::RegexReplace {
                pattern: pattern.clone(),
                with: with.clone(),
            })
        }
        ("switch", [otherwise, cases @ ..]) => switch(otherwise, cases)
            .map(|switch| vec![switch])
            .ok_or_else(|| Unequal::Arguments(name.to_owned())),
        ("not", []) => {
            let pairs = [("true", json!(false)), ("false", json!(true))];
            one(Transform::ValueMap {
                entries: pairs
                    .map(|(from, to)| (from.to_owned(), to))
                    .into_iter()
                    .collect(),
                otherwise: Otherwise::Keep,
            })
        }
        ("formatdatetime", [Nothing, Text(read), Text(written)]) => {
            let formats = (strftime(read), strftime(written));
            let (Some(read), Some(format)) = formats else {
                return Err(Unequal::Arguments(name.to_owned()));
            };
            let formats = DateFormats {
                formats: vec![read],
                zone: None,
            };
            let write = Transform::WriteDate { format, zone: None };
            Ok(vec![Transform::Date(formats), write])
        }
        _ => Err(Unequal::Function(name.to_owned())),
    }
}

/// A value map of the cases; a case twice is what the first says.
fn switch(otherwise: &Expression, cases: &[Expression]) -> Option<Transform> {
    let mut entries = Map::new();
    for case in cases.chunks(2) {
        let [from, to] = case else {
            return None;
        };
        let from = match fixed(from)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let to = fixed(to)?;
        let folded = scim_protocol::text::fold(&from);
        if !entries
            .keys()
            .any(|known| scim_protocol::text::fold(known) == folded)
        {
            entries.insert(from, to);
        }
    }
    let otherwise = match fixed(otherwise)? {
        Value::Null => Otherwise::Drop,
        value => Otherwise::Value(value),
    };
    Some(Transform::ValueMap { entries, otherwise })
}

fn fixed(expression: &Expression) -> Option<Value> {
    match expression {
        Expression::Text(text) => Some(Value::from(text.as_str())),
        Expression::Number(number) => Some(Value::from(*number)),
        Expression::Boolean(flag) => Some(Value::from(*flag)),
        Expression::Nothing => Some(Value::Null),
        _ => None,
    }
}

fn addends<'e>(expression: &'e Expression, parts: &mut Vec<&'e Expression>) {
    match expression {
        Expression::Binary("+", left, right) => {
            addends(left, parts);
            addends(right, parts);
        }
        other => parts.push(other),
    }
}

/// A format of .NET in `strftime` fields; nothing where it has a field that has none.
fn strftime(format: &str) -> Option<String> {
    let mut written = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let length = rest
            .chars()
            .take_while(|c| *c == first)
            .map(char::len_utf8)
            .sum();
        let (run, behind) = rest.split_at_checked(length)?;
        let field = match run {
            "yyyy" => "%Y",
            "yy" => "%y",
            "MMMM" => "%B",
            "MMM" => "%b",
            "MM" => "%m",
            "M" => "%-m",
            "dddd" => "%A",
            "ddd" => "%a",
            "dd" => "%d",
            "d" => "%-d",
            "HH" => "%H",
            "hh" => "%I",
            "mm" => "%M",
            "ss" => "%S",
            "fff" => "%3f",
            "tt" => "%p",
            "zzz" => "%:z",
            "T" => "T",
            "Z" => "Z",
            "%" => "%%",
            _ if first.is_alphabetic() || first == '\'' || first == '"' || first == '\\' => {
                return None;
            }
            other => other,
        };
        written.push_str(field);
        rest = behind;
    }
    Some(written)
}

/// As many as a rule may have; the status takes one more.
const TRANSFORMS: usize = 7;
const PARTS: usize = 6;
/// Choices within each other; a condition of a rule is four levels deep.
const CHOICES: usize = 3;
