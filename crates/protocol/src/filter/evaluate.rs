//! Conditions evaluated on resources.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::bind::parse_instant;
use super::condition::{Condition, Target, Test, TextForm};
use super::expression::Operator;
use crate::number;
use crate::path::same_name;
use crate::resource::without_value;

impl Condition {
    /// Whether a resource of canonical attributes satisfies the condition.
    ///
    /// Canonical is what [`Resource::read`](crate::Resource::read) makes of a document, and what serde
    /// writes of a struct whose fields have the names and types of the schema:
    ///
    /// - Names are found in any case; attributes of an extension stand in an object under its URI.
    /// - Null (an `Option` that is `None`), an empty list and what is not there are alike: absent,
    ///   which satisfies no test, `ne` neither. `not` turns that about, as it does everything.
    /// - A single value in the place of a list is a list of one.
    /// - Every value has the JSON type of its attribute. Text in the place of a boolean or a number
    ///   (`"true"`, `"4"`), or a number in the place of text (an id), satisfies no test but `pr`, and
    ///   is no error: only reading makes of them what was meant.
    /// - An instant is text as in RFC 3339, with `Z` or any offset; a date alone is none.
    ///
    /// ```
    /// use scim_protocol::{Filter, ResourceDefinition, Tolerance};
    /// use serde_json::json;
    ///
    /// let (users, mut tolerance) = (ResourceDefinition::user(), Tolerance::default());
    /// let condition = "userName eq \"AVA\"".parse::<Filter>()?.bind(&users, &mut tolerance)?;
    /// let ava = json!({"userName": "ava"});
    /// assert!(condition.matches(ava.as_object().unwrap()));
    ///
    /// let condition = "active eq true".parse::<Filter>()?.bind(&users, &mut tolerance)?;
    /// let matches = |user: serde_json::Value| condition.matches(user.as_object().unwrap());
    /// assert!(matches(json!({"ACTIVE": true})) && !matches(json!({"active": null})));
    /// assert!(!matches(json!({"active": "true"})), "it was not read by the schema");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn matches(&self, attributes: &Map<String, Value>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(attributes)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(attributes)),
            Self::Not(part) => !part.matches(attributes),
            Self::Constant(always) => *always,
            Self::Value { target, test } => target
                .attribute_value(attributes)
                .is_some_and(|value| target.any(value, test)),
            Self::Some { target, condition } => {
                target.attribute_value(attributes).is_some_and(|value| {
                    elements(value)
                        .iter()
                        .any(|element| condition.matches_value(element))
                })
            }
        }
    }

    /// Whether one value of a multi-valued attribute satisfies the condition of a value filter.
    pub fn matches_value(&self, element: &Value) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches_value(element)),
            Self::Any(parts) => parts.iter().any(|part| part.matches_value(element)),
            Self::Not(part) => !part.matches_value(element),
            Self::Constant(always) => *always,
            Self::Value { target, test } => {
                target.of(element).is_some_and(|value| test.passes(value))
            }
            Self::Some { condition, .. } => condition.matches_value(element),
        }
    }
}

impl Target {
    /// The value of the attribute, whatever the sub-attribute.
    fn attribute_value<'v>(&self, attributes: &'v Map<String, Value>) -> Option<&'v Value> {
        let holder = match &self.extension {
            None => attributes,
            Some(uri) => member(attributes, uri)?.as_object()?,
        };
        member(holder, &self.attribute)
    }

    /// The value to be tested in one value of the attribute.
    fn of<'v>(&self, element: &'v Value) -> Option<&'v Value> {
        match &self.sub_attribute {
            None => Some(element),
            Some(sub) => member(element.as_object()?, sub),
        }
    }

    fn any(&self, value: &Value, test: &Test) -> bool {
        elements(value)
            .iter()
            .filter_map(|element| self.of(element))
            .any(|value| test.passes(value))
    }
}

impl Test {
    fn passes(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Present, value) => has_value(value),
            (Self::Boolean(wanted), Value::Bool(flag)) => wanted == flag,
            (
                Self::Text {
                    operator,
                    value,
                    form,
                },
                Value::String(text),
                // RFC 7644 section 3.4.2.2, RFC 7643 section 7: with regard to case where it is caseExact.
            ) => match form {
                TextForm::Exact => compare_text(*operator, text, value),
                form => compare_text(*operator, &form.write(text), value),
            },
            (Self::Number { operator, value }, Value::Number(number)) => {
                let ordering = number::compare(number, value);
                compare(*operator, &ordering, &Ordering::Equal)
            }
            (Self::Instant { operator, value }, Value::String(text)) => {
                parse_instant(text).is_some_and(|instant| compare(*operator, &instant, value))
            }
            _ => false,
        }
    }
}

fn compare_text(operator: Operator, text: &str, value: &str) -> bool {
    match operator {
        Operator::Contains => text.contains(value),
        Operator::StartsWith => text.starts_with(value),
        Operator::EndsWith => text.ends_with(value),
        _ => compare(operator, text, value),
    }
}

fn compare<T: PartialOrd + ?Sized>(operator: Operator, left: &T, right: &T) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Greater => left > right,
        Operator::GreaterOrEqual => left >= right,
        Operator::Less => left < right,
        Operator::LessOrEqual => left <= right,
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}

/// `pr`: neither null nor empty, and not a complex value with nothing in it.
fn has_value(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().any(has_value),
        Value::Array(elements) => elements.iter().any(has_value),
        simple => !without_value(simple),
    }
}

/// The values of an attribute, be it multi-valued or not.
fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(elements) => elements,
        single => std::slice::from_ref(single),
    }
}

fn member<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    members.get(name).or_else(|| {
        members
            .iter()
            .find(|(key, _)| same_name(key, name))
            .map(|(_, value)| value)
    })
}
