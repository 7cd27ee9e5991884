//! From JSON to a typed value of an attribute.

use std::collections::HashSet;

use serde_json::{Map, Number, Value};

use super::entry::{is_row, unified};
use crate::error::{Error, ScimType, quote};
use crate::filter::parse_instant;
use crate::members::remove_member;
use crate::number;
use crate::path::same_name;
use crate::schema::{Attribute, AttributeType, Mutability};
use crate::text::{boolean_word, is_uri_reference};
use crate::tolerance::{Deviation, Profile, Tolerance};

/// What a value was read as.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Read {
    /// A value in its canonical form.
    Value(Value),
    /// No value (RFC 7643 section 2.5).
    Nothing,
    /// What cannot be read and was noted: it says nothing, not even that there is no value.
    Dropped,
}

impl Read {
    /// The value, if it is one.
    pub(crate) fn value(self) -> Option<Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Nothing | Self::Dropped => None,
        }
    }
}

/// Why a value was not read.
pub(crate) enum Unread {
    /// It does not fit the attribute; whether it is the text that makes no sense, or the type.
    Misfit { error: Error, text: bool },
    /// The request is refused.
    Refused(Error),
}

impl From<Unread> for Error {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Misfit { error, .. } | Unread::Refused(error) => error,
        }
    }
}

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// Reads values, and notes what deviates.
pub(crate) struct Reader<'t> {
    tolerance: &'t mut Tolerance,
    /// Whether the request names the attribute by a path, and so says of nothing else what it says
    /// here: a value of another type is refused then, and not passed over.
    named: bool,
}

impl<'t> Reader<'t> {
    /// A reader of resources, of which one value that cannot be read is not to cost the others.
    pub(crate) fn new(tolerance: &'t mut Tolerance) -> Self {
        Self {
            tolerance,
            named: false,
        }
    }

    /// A reader of the value of an attribute that a path names.
    pub(crate) fn named(tolerance: &'t mut Tolerance, named: bool) -> Self {
        Self { tolerance, named }
    }

    /// Reads the value of an attribute.
    pub(crate) fn attribute(
        &mut self,
        attribute: &Attribute,
        path: &str,
        value: Value,
    ) -> Result<Read, Error> {
        let read = match attribute.multi_valued {
            true => self.values(attribute, path, value),
            false => self.single(attribute, path, value),
        };
        self.or_dropped(attribute, path, read).map_err(Error::from)
    }

    /// Reads what a PATCH says of one value: of a complex one the sub-attributes that it names, with
    /// `null` for those that lose their value. It may name none.
    pub(crate) fn part(
        &mut self,
        attribute: &Attribute,
        path: &str,
        value: Value,
    ) -> Result<Read, Error> {
        let read = match value {
            Value::Object(members) if attribute.kind == AttributeType::Complex => self
                .members(attribute, path, members)
                .map(|members| Read::Value(Value::Object(members))),
            other => self.single(attribute, path, other),
        };
        self.or_dropped(attribute, path, read).map_err(Error::from)
    }

    /// What cannot be read of an optional attribute is passed over and noted, so that nobody is
    /// refused for it. What is required, and `active`, which decides who may work, is never guessed.
    fn or_dropped(
        &mut self,
        attribute: &Attribute,
        path: &str,
        read: Result<Read, Unread>,
    ) -> Result<Read, Unread> {
        let Err(Unread::Misfit { error, text }) = read else {
            return read;
        };
        let decides = attribute.required || path == "active";
        let tolerant = self.tolerance.profile() == Profile::Tolerant;
        if decides || !tolerant || (self.named && !text) {
            return Err(Unread::Misfit { error, text });
        }
        self.accept(Deviation::Unreadable(path.to_owned()))?;
        Ok(Read::Dropped)
    }

    fn accept(&mut self, deviation: Deviation) -> Result<(), Unread> {
        self.tolerance.accept(deviation).map_err(Unread::Refused)
    }

    fn values(&mut self, attribute: &Attribute, path: &str, value: Value) -> Result<Read, Unread> {
        let elements = match value {
            Value::Null => return Ok(Read::Nothing),
            Value::Array(elements) => elements,
            Value::String(text) if text.is_empty() => {
                self.accept(Deviation::EmptyClears(path.to_owned()))?;
                return Ok(Read::Nothing);
            }
            single => {
                self.accept(Deviation::SingleValue(path.to_owned()))?;
                vec![single]
            }
        };
        let row = is_row(attribute);
        self.count(attribute, path, elements.len())?;
        let mut read = Vec::with_capacity(elements.len());
        let mut dropped = false;
        for element in elements {
            if element.is_null() {
                continue;
            }
            let said = element.is_object();
            let element = self.single(attribute, path, element);
            match self.or_dropped(attribute, path, element)? {
                Read::Value(element) => read.push(element),
                Read::Nothing if said && row => {
                    let wrong = format!("A value of \"{path}\" names nothing.");
                    return Err(Error::new(ScimType::InvalidValue, wrong).into());
                }
                Read::Nothing => {}
                Read::Dropped => dropped = true,
            }
        }
        let mut read = match row {
            true => read,
            false => unified(attribute, read),
        };
        one_primary(path, &mut read, self.tolerance)?;
        Ok(match read.is_empty() {
            true if dropped => Read::Dropped,
            true => Read::Nothing,
            false => Read::Value(Value::Array(read)),
        })
    }

    /// Bounds the values of an attribute that are kept together.
    fn count(&self, attribute: &Attribute, path: &str, count: usize) -> Result<(), Unread> {
        let budget = self.tolerance.budget();
        budget.charge(count).map_err(Error::from)?;
        match is_row(attribute) {
            true => Ok(()),
            false => check_count(path, count, budget.values()).map_err(Unread::Refused),
        }
    }

    fn single(&mut self, attribute: &Attribute, path: &str, value: Value) -> Result<Read, Unread> {
        if value.is_null() {
            return Ok(Read::Nothing);
        }
        if attribute.kind == AttributeType::Complex {
            return self.complex(attribute, path, value);
        }
        let value = self.unwrapped(attribute, path, value)?;
        let blank = |text: &str| match attribute.kind {
            AttributeType::String => false,
            AttributeType::Reference => text.trim().is_empty(),
            _ => text.is_empty(),
        };
        if value.as_str().is_some_and(blank) {
            self.accept(Deviation::EmptyClears(path.to_owned()))?;
            return Ok(Read::Nothing);
        }
        let read = match attribute.kind {
            AttributeType::Boolean => self.boolean(path, value)?,
            AttributeType::Integer => self.integer(path, value)?,
            AttributeType::Decimal => self.decimal(path, value)?,
            AttributeType::String => self.text(path, value)?,
            AttributeType::Reference => match self.text(path, value)? {
                Value::String(text) if is_uri_reference(&text) => Value::String(text),
                other => return Err(misfit(path, "a URI", &other)),
            },
            AttributeType::DateTime => match value {
                Value::String(text) if parse_instant(&text).is_some() => Value::String(text),
                other => {
                    let wanted = "a dateTime such as 2026-01-31T08:00:00Z";
                    return Err(misfit(path, wanted, &other));
                }
            },
            AttributeType::Binary => match value {
                Value::String(text) if is_base64(&text) => Value::String(text),
                other => return Err(misfit(path, "base64", &other)),
            },
            AttributeType::Complex => return Ok(Read::Nothing),
        };
        Ok(Read::Value(read))
    }

    /// A value of a simple multi-valued attribute that is wrapped as one of a complex one.
    fn unwrapped(
        &mut self,
        attribute: &Attribute,
        path: &str,
        value: Value,
    ) -> Result<Value, Unread> {
        let Value::Object(mut members) = value else {
            return Ok(value);
        };
        let name = members.keys().find(|name| same_name(name, "value"));
        let name = name.filter(|_| attribute.multi_valued).cloned();
        match name.and_then(|name| remove_member(&mut members, &name)) {
            Some(inner) if !inner.is_object() => {
                self.accept(Deviation::WrappedValue(path.to_owned()))?;
                Ok(inner)
            }
            _ => Ok(Value::Object(members)),
        }
    }

    fn complex(&mut self, attribute: &Attribute, path: &str, value: Value) -> Result<Read, Unread> {
        // Of a list, only the entries of one whose values are rows are written bare.
        let bare = attribute.sub_attribute("value").is_some()
            && (!attribute.multi_valued || is_row(attribute));
        let members = match value {
            Value::Object(members) => members,
            Value::String(text) if text.is_empty() => {
                self.accept(Deviation::EmptyClears(path.to_owned()))?;
                return Ok(Read::Nothing);
            }
            simple @ (Value::String(_) | Value::Number(_)) if bare => {
                self.accept(Deviation::BareValue(path.to_owned()))?;
                Map::from_iter([("value".to_owned(), simple)])
            }
            other => return Err(misfit(path, AN_OBJECT, &other)),
        };
        let mut read = self.members(attribute, path, members)?;
        read.retain(|_, value| !value.is_null());
        if !attribute.multi_valued && read.get("value").is_some_and(|v| v == "") {
            self.accept(Deviation::EmptyClears(path.to_owned()))?;
            return Ok(Read::Nothing);
        }
        Ok(match read.is_empty() {
            true => Read::Nothing,
            false => Read::Value(Value::Object(read)),
        })
    }

    /// The sub-attributes that a complex value names; what is no value is null. Unknown and read-only
    /// ones are ignored, and so is what cannot be read.
    fn members(
        &mut self,
        attribute: &Attribute,
        path: &str,
        members: Map<String, Value>,
    ) -> Result<Map<String, Value>, Unread> {
        let mut read = Map::new();
        let mut seen = HashSet::new();
        for (name, value) in members {
            let Some(sub) = attribute.sub_attribute(&name) else {
                self.accept(Deviation::UnknownAttribute(format!("{path}.{name}")))?;
                continue;
            };
            if sub.mutability == Mutability::ReadOnly {
                continue;
            }
            let sub_path = format!("{path}.{}", sub.name);
            if !seen.insert(&sub.name) {
                self.accept(Deviation::RepeatedAttribute(sub_path.clone()))?;
            }
            match self.attribute(sub, &sub_path, value)? {
                Read::Value(value) => read.insert(sub.name.clone(), value),
                Read::Nothing => read.insert(sub.name.clone(), Value::Null),
                Read::Dropped => None,
            };
        }
        Ok(read)
    }

    /// Text; what is written without quotes is taken as it is written.
    fn text(&mut self, path: &str, value: Value) -> Result<Value, Unread> {
        let text = match value {
            Value::String(text) => return Ok(Value::String(text)),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            other => return Err(misfit(path, "a string", &other)),
        };
        self.accept(Deviation::TextUnquoted(path.to_owned()))?;
        Ok(Value::String(text))
    }

    fn boolean(&mut self, path: &str, value: Value) -> Result<Value, Unread> {
        let wanted = "true or false";
        match value {
            Value::Bool(flag) => Ok(Value::Bool(flag)),
            Value::String(text) => match boolean_word(&text) {
                Some(flag) => {
                    self.accept(Deviation::BooleanAsText(path.to_owned()))?;
                    Ok(Value::Bool(flag))
                }
                None => Err(misfit(path, wanted, &Value::String(text))),
            },
            other => Err(misfit(path, wanted, &other)),
        }
    }

    /// A whole number of 64 bits.
    fn integer(&mut self, path: &str, value: Value) -> Result<Value, Unread> {
        let wanted = "a whole number of 64 bits";
        let number = self.number(path, &value)?;
        let whole = number.as_ref().and_then(number::integer);
        let Some(whole) = whole else {
            return Err(misfit(path, wanted, &value));
        };
        if number.is_some_and(|number| number.is_f64()) {
            // `3.0` is a whole number, though not one as RFC 7643 section 2.3.4 has it.
            self.accept(Deviation::DecimalAsInteger(path.to_owned()))?;
        }
        Ok(Value::from(whole))
    }

    /// A number as a double holds it.
    fn decimal(&mut self, path: &str, value: Value) -> Result<Value, Unread> {
        match self.number(path, &value)? {
            Some(number) => Ok(Value::Number(number)),
            None => Err(misfit(path, "a number", &value)),
        }
    }

    fn number(&mut self, path: &str, value: &Value) -> Result<Option<Number>, Unread> {
        match value {
            Value::Number(number) => Ok(Some(number.clone())),
            Value::String(text) => {
                let number = serde_json::from_str::<Number>(text.trim()).ok();
                if number.is_some() {
                    self.accept(Deviation::NumberAsText(path.to_owned()))?;
                }
                Ok(number)
            }
            _ => Ok(None),
        }
    }
}

/// Bounds how many values an attribute has.
///
/// # Errors
/// 413 for more than the limit.
pub(crate) fn check_count(path: &str, count: usize, limit: usize) -> Result<(), Error> {
    if count <= limit {
        return Ok(());
    }
    Err(Error::with_status(
        413,
        format!("\"{path}\" may have {limit} values, not {count}."),
    ))
}

/// RFC 7643 section 2.4: `primary` is true for no more than one value.
fn one_primary(path: &str, elements: &mut [Value], tolerance: &mut Tolerance) -> Result<(), Error> {
    let is_primary = |element: &Value| element.get("primary") == Some(&Value::Bool(true));
    let primary = elements.iter().filter(|element| is_primary(element));
    let count = primary.count();
    if count < 2 {
        return Ok(());
    }
    tolerance.accept(Deviation::SeveralPrimary(path.to_owned()))?;
    let mut seen = 0;
    for element in elements {
        if is_primary(element) {
            seen += 1;
            if let Some(map) = element.as_object_mut().filter(|_| seen < count) {
                map.insert("primary".into(), Value::Bool(false));
            }
        }
    }
    Ok(())
}

/// RFC 7643 section 2.3.6: base64 or base64url, padding may be left out.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches(['=', '\r', '\n']);
    let padding = text.bytes().skip(body.len()).filter(|b| *b == b'=').count();
    let digits = |b: u8| b.is_ascii_alphanumeric() || b"+/-_".contains(&b);
    let count = body.bytes().filter(|b| digits(*b)).count();
    // Four digits are three bytes; one digit alone is no byte.
    let whole = match padding {
        0 => count % 4 != 1,
        _ => count > 0 && (count + padding) % 4 == 0 && padding <= 2,
    };
    whole && body.bytes().all(|b| digits(b) || b == b'\r' || b == b'\n')
}

fn misfit(path: &str, expected: &str, value: &Value) -> Unread {
    Unread::Misfit {
        error: Error::new(
            ScimType::InvalidValue,
            format!("\"{path}\" must be {expected}, not {}.", describe(value)),
        ),
        // Text in the place of an object is of another type; in any other place it is misspelt.
        text: value.is_string() && expected != AN_OBJECT,
    }
}

const AN_OBJECT: &str = "an object";

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quote(text),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
