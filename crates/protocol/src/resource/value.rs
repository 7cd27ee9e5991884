//! From JSON to a typed value of an attribute.

use serde_json::{Map, Value};

use super::entry::{is_row, unified};
use super::place::Place;
use super::plain::{plain_data, plain_units};
use super::reference::name_by_reference;
use super::scalar::{AN_OBJECT, is_base64, misfit};
use super::several::{check_count, one_primary};
use crate::error::{Error, ScimType};
use crate::filter::parse_instant;
use crate::members::remove_member;
use crate::path::{AttributePath, same_name};
use crate::schema::{Attribute, AttributeType, Mutability, Schema};
use crate::text::is_uri_reference;
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
    /// Whether it reads what a service provider wrote: read-only attributes, and what no schema
    /// knows, are part of it.
    keeps_all: bool,
    /// What a resource was to say and says nothing of, because it cannot be read.
    unread: Vec<AttributePath>,
}

impl<'t> Reader<'t> {
    /// A reader of resources, of which one value that cannot be read is not to cost the others.
    pub(crate) fn new(tolerance: &'t mut Tolerance) -> Self {
        Self {
            tolerance,
            named: false,
            keeps_all: false,
            unread: Vec::new(),
        }
    }

    /// A reader of the value of an attribute that a path names.
    pub(crate) fn named(tolerance: &'t mut Tolerance, named: bool) -> Self {
        Self {
            named,
            ..Self::new(tolerance)
        }
    }

    /// A reader of what a service provider answered.
    pub(crate) fn of_response(tolerance: &'t mut Tolerance) -> Self {
        Self {
            keeps_all: true,
            ..Self::new(tolerance)
        }
    }

    /// What deviates is noted here.
    pub(crate) fn tolerance(&mut self) -> &mut Tolerance {
        self.tolerance
    }

    /// Notes that nothing is said of what stands at a place.
    pub(super) fn pass_over(&mut self, place: Place<'_>) {
        self.unread.push(place.path());
    }

    /// What nothing is said of.
    pub(super) fn into_unread(self) -> Vec<AttributePath> {
        self.unread
    }

    /// Whether it reads what a service provider wrote.
    pub(crate) fn keeps_all(&self) -> bool {
        self.keeps_all
    }

    /// Reads the value of an attribute.
    pub(crate) fn attribute(
        &mut self,
        attribute: &Attribute,
        path: Place<'_>,
        value: Value,
    ) -> Result<Read, Error> {
        self.attribute_at(attribute, path, value)
            .map_err(Error::from)
    }

    fn attribute_at(
        &mut self,
        attribute: &Attribute,
        path: Place<'_>,
        value: Value,
    ) -> Result<Read, Unread> {
        let read = match attribute.multi_valued {
            true => self.values(attribute, path, value),
            false => self.single(attribute, path, value),
        };
        self.or_dropped(attribute, path, read)
    }

    /// Reads what a PATCH says of one value: of a complex one the sub-attributes that it names, with
    /// `null` for those that lose their value. It may name none.
    pub(crate) fn part(
        &mut self,
        attribute: &Attribute,
        path: Place<'_>,
        value: Value,
    ) -> Result<Read, Error> {
        let read = match value {
            Value::Object(members) if attribute.kind == AttributeType::Complex => {
                self.members(attribute, path, members).map(|mut members| {
                    name_by_reference(attribute, &mut members);
                    Read::Value(Value::Object(members))
                })
            }
            other => self.single(attribute, path, other),
        };
        self.or_dropped(attribute, path, read).map_err(Error::from)
    }

    /// What cannot be read of an optional attribute is passed over and noted, so that nobody is
    /// refused for it. What is required, and `active`, which decides who may work, is never guessed,
    /// nor is `primary`, where a path names what it is said of.
    fn or_dropped(
        &mut self,
        attribute: &Attribute,
        path: Place<'_>,
        read: Result<Read, Unread>,
    ) -> Result<Read, Unread> {
        let Err(Unread::Misfit { error, text }) = read else {
            return read;
        };
        let primary = attribute.kind == AttributeType::Boolean && attribute.name == "primary";
        if primary && self.named {
            return Err(Unread::Refused(error));
        }
        let decides = attribute.required || path.is("active");
        let tolerant = self.tolerance.profile() == Profile::Tolerant;
        if decides || !tolerant || (self.named && !text) {
            return Err(Unread::Misfit { error, text });
        }
        self.accept(Deviation::Unreadable(path.to_string()))?;
        Ok(Read::Dropped)
    }

    pub(super) fn accept(&mut self, deviation: Deviation) -> Result<(), Unread> {
        self.tolerance.accept(deviation).map_err(Unread::Refused)
    }

    fn values(
        &mut self,
        attribute: &Attribute,
        path: Place<'_>,
        value: Value,
    ) -> Result<Read, Unread> {
        let elements = match value {
            Value::Null => return Ok(Read::Nothing),
            Value::Array(elements) => elements,
            // Who is in a group decides what they may do, and RFC 7643 section 2.5 has other words
            // for nobody.
            Value::String(text) if text.is_empty() && is_row(attribute) => {
                return Err(names_nothing(path).into());
            }
            Value::String(text) if text.is_empty() => {
                self.accept(Deviation::EmptyClears(path.to_string()))?;
                return Ok(Read::Nothing);
            }
            single => {
                self.accept(Deviation::SingleValue(path.to_string()))?;
                vec![single]
            }
        };
        let row = is_row(attribute);
        self.count(attribute, path, elements.len())?;
        let mut read = Vec::with_capacity(elements.len());
        let mut dropped = false;
        for element in elements {
            if element.is_null() && !row {
                continue;
            }
            let element = self.single(attribute, path, element);
            match self.or_dropped(attribute, path, element)? {
                Read::Value(element) => read.push(element),
                Read::Nothing if row => return Err(names_nothing(path).into()),
                Read::Nothing => {}
                Read::Dropped => dropped = true,
            }
        }
        if row && dropped && !read.is_empty() {
            // Who is not among the others would leave.
            return Err(names_nothing(path).into());
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
    fn count(&self, attribute: &Attribute, path: Place<'_>, count: usize) -> Result<(), Unread> {
        let budget = self.tolerance.budget();
        budget.charge(count).map_err(Error::from)?;
        match is_row(attribute) {
            true => Ok(()),
            false => check_count(path, count, budget.values()).map_err(Unread::Refused),
        }
    }

    fn single(
        &mut self,
        attribute: &Attribute,
        path: Place<'_>,
        value: Value,
    ) -> Result<Read, Unread> {
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
            self.accept(Deviation::EmptyClears(path.to_string()))?;
            return Ok(Read::Nothing);
        }
        let read = match attribute.kind {
            AttributeType::Boolean => self.boolean(path, value)?,
            AttributeType::Integer => self.integer(path, value)?,
            AttributeType::Decimal => self.decimal(path, value)?,
            AttributeType::String => self.text(path, value)?,
            // RFC 7643 section 2.3.7.
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
        path: Place<'_>,
        value: Value,
    ) -> Result<Value, Unread> {
        let Value::Object(mut members) = value else {
            return Ok(value);
        };
        let name = members.keys().find(|name| same_name(name, "value"));
        let name = name.filter(|_| attribute.multi_valued).cloned();
        match name.and_then(|name| remove_member(&mut members, &name)) {
            Some(inner) if !inner.is_object() => {
                self.accept(Deviation::WrappedValue(path.to_string()))?;
                Ok(inner)
            }
            _ => Ok(Value::Object(members)),
        }
    }

    fn complex(
        &mut self,
        attribute: &Attribute,
        path: Place<'_>,
        value: Value,
    ) -> Result<Read, Unread> {
        // Of a list, only the entries of one whose values are rows are written bare.
        let bare = attribute.sub_attribute("value").is_some()
            && (!attribute.multi_valued || is_row(attribute));
        let members = match value {
            Value::Object(members) => members,
            Value::String(text) if text.is_empty() => {
                self.accept(Deviation::EmptyClears(path.to_string()))?;
                return Ok(Read::Nothing);
            }
            simple @ (Value::String(_) | Value::Number(_)) if bare => {
                self.accept(Deviation::BareValue(path.to_string()))?;
                Map::from_iter([("value".to_owned(), simple)])
            }
            other => return Err(misfit(path, AN_OBJECT, &other)),
        };
        let mut read = self.members(attribute, path, members)?;
        if !self.keeps_all {
            name_by_reference(attribute, &mut read);
        }
        read.retain(|_, value| !value.is_null());
        let known_by_value = !attribute.multi_valued || is_row(attribute);
        if known_by_value && read.get("value").is_some_and(|v| v == "") {
            self.accept(Deviation::EmptyClears(path.to_string()))?;
            return Ok(Read::Nothing);
        }
        Ok(match read.is_empty() {
            true => Read::Nothing,
            false => Read::Value(Value::Object(read)),
        })
    }

    /// What a sub-attribute of a complex value says. What the `value` is, the rest is said of: where it
    /// cannot be read, nothing can.
    fn sub_attribute(
        &mut self,
        attribute: &Attribute,
        sub: &Attribute,
        place: Place<'_>,
        value: Value,
    ) -> Result<Read, Unread> {
        if sub.name == "value" && !sub.multi_valued {
            return self.single(sub, place, value);
        }
        let read = self.attribute_at(sub, place, value)?;
        if read == Read::Dropped && !attribute.multi_valued {
            self.pass_over(place);
        }
        Ok(read)
    }

    /// The sub-attributes that a complex value names; what is no value is null. Unknown and read-only
    /// ones are ignored, and so is what cannot be read.
    fn members(
        &mut self,
        attribute: &Attribute,
        path: Place<'_>,
        members: Map<String, Value>,
    ) -> Result<Map<String, Value>, Unread> {
        // Mostly every name is canonical, and the members stay where they are.
        let canonical = members.keys().all(|name| {
            let mut subs = attribute.sub_attributes.iter();
            subs.any(|sub| sub.name == *name && self.takes(sub))
        });
        if canonical {
            return self.members_in_place(attribute, path, members);
        }
        let mut read = Map::new();
        for (name, value) in members {
            let Some(sub) = attribute.sub_attribute(&name) else {
                if self.keeps_all {
                    read.insert(name, value);
                } else {
                    self.accept(Deviation::UnknownAttribute(format!("{path}.{name}")))?;
                }
                continue;
            };
            if !self.takes(sub) {
                continue;
            }
            let place = path.sub(&sub.name);
            let value = match self.sub_attribute(attribute, sub, place, value)? {
                Read::Value(value) => value,
                Read::Nothing => Value::Null,
                Read::Dropped => continue,
            };
            if read.insert(canonical_name(name, sub), value).is_some() {
                self.accept(Deviation::RepeatedAttribute(place.to_string()))?;
            }
        }
        Ok(read)
    }

    fn members_in_place(
        &mut self,
        attribute: &Attribute,
        path: Place<'_>,
        mut members: Map<String, Value>,
    ) -> Result<Map<String, Value>, Unread> {
        let mut dropped = Vec::new();
        for (name, value) in &mut members {
            let mut subs = attribute.sub_attributes.iter();
            let Some(sub) = subs.find(|sub| sub.name == *name) else {
                continue;
            };
            let place = path.sub(&sub.name);
            match self.sub_attribute(attribute, sub, place, value.take())? {
                Read::Value(read) => *value = read,
                Read::Nothing => {}
                Read::Dropped => dropped.push(sub.name.as_str()),
            }
        }
        for name in dropped {
            remove_member(&mut members, name);
        }
        Ok(members)
    }

    /// Whether a value stays as it is, and is charged for.
    ///
    /// # Errors
    /// 413 for more work than is left.
    pub(super) fn stays(&mut self, attribute: &Attribute, value: &Value) -> Result<bool, Error> {
        let units = plain_units(attribute, value, self);
        self.stays_for(units)
    }

    /// The same of the data of an extension.
    pub(super) fn data_stays(&mut self, extension: &Schema, data: &Value) -> Result<bool, Error> {
        let data = data.as_object();
        let units = data.and_then(|members| plain_data(extension, members, self));
        self.stays_for(units)
    }

    fn stays_for(&mut self, units: Option<usize>) -> Result<bool, Error> {
        match units {
            None => return Ok(false),
            Some(0) => {}
            Some(units) => self.tolerance.budget().charge(units)?,
        }
        Ok(true)
    }

    /// Whether what is sent of an attribute counts: a client says nothing of what is read-only
    /// (RFC 7644 section 3.3), such as `id`
    /// and `meta` (RFC 7643 section 3.1).
    pub(crate) fn takes(&self, attribute: &Attribute) -> bool {
        self.keeps_all || attribute.mutability != Mutability::ReadOnly
    }
}

/// The canonical name of an attribute, for which the written one serves if it is the same.
pub(crate) fn canonical_name(written: String, attribute: &Attribute) -> String {
    match written == attribute.name {
        true => written,
        false => attribute.name.clone(),
    }
}

fn names_nothing(path: Place<'_>) -> Error {
    let wrong = format!("A value of \"{path}\" names nothing.");
    Error::new(ScimType::InvalidValue, wrong)
}
