//! From a record back to a resource: what was changed by hand becomes visible.

use serde_json::{Map, Value};

use crate::compile::{CompiledMapping, CompiledRule, CompiledSource};
use crate::convert::{FieldType, convert};
use crate::path::SourcePath;
use crate::record::{Field, FieldValue, Record};
use crate::rule::Direction;

impl CompiledMapping {
    /// The stored document, with the current value where the record says otherwise.
    ///
    /// No transform is inverted but a value map with one source for the value: where the field is
    /// text, its value stands in the attribute as it is.
    pub fn emit(&self, document: &Map<String, Value>, record: &Record) -> Map<String, Value> {
        let mut emitted = document.clone();
        for rule in self.drifted(document, record) {
            if let CompiledSource::FirstOf(paths) = &rule.source
                && let Some(path) = paths
                    .iter()
                    .find(|path| path.first(document).is_some())
                    .or(paths.first())
            {
                rule.write(path, record.get(&rule.rule.target), &mut emitted);
            }
        }
        emitted
    }

    /// The fields whose value is not the one that the document gives them.
    pub fn drift(&self, document: &Map<String, Value>, record: &Record) -> Vec<Field> {
        self.drifted(document, record)
            .map(|rule| rule.rule.target.clone())
            .collect()
    }

    fn drifted<'a>(
        &'a self,
        document: &'a Map<String, Value>,
        record: &'a Record,
    ) -> impl Iterator<Item = &'a CompiledRule> {
        self.rules.iter().filter(move |rule| {
            rule.rule.direction == Direction::Both
                && rule
                    .expected(document)
                    .is_some_and(|expected| expected.as_ref() != record.get(&rule.rule.target))
        })
    }
}

impl CompiledRule {
    /// What the document makes of the field; `None` when it says nothing about it.
    fn expected(&self, document: &Map<String, Value>) -> Option<Option<FieldValue>> {
        match self.value(document) {
            None => Some(self.default.clone()),
            // A value that does not fit was never written.
            Some(value) => convert(self.rule.target.field_type(), &value)
                .ok()
                .map(Some),
        }
    }

    fn write(
        &self,
        path: &SourcePath,
        current: Option<&FieldValue>,
        document: &mut Map<String, Value>,
    ) {
        let value = match current {
            None => None,
            Some(current) => match self.inverted(current) {
                Some(value) => Some(value),
                None => return,
            },
        };
        let holder = match &path.extension {
            None => document,
            Some(uri) => {
                let extension = document
                    .entry(uri.clone())
                    .or_insert_with(|| Value::Object(Map::new()));
                match extension.as_object_mut() {
                    Some(holder) => holder,
                    None => return,
                }
            }
        };
        set(path, value, holder);
    }

    /// The attribute's value for a field's; `None` when it cannot be known.
    fn inverted(&self, current: &FieldValue) -> Option<Value> {
        let json = current.to_json();
        match self.rule.transforms.as_slice() {
            [only] if only.inverse(&json).is_some() => match only.inverse(&json)?.as_str() {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                text => Some(Value::from(text)),
            },
            _ => match (self.rule.target.field_type(), current) {
                (FieldType::Choice(_), _) => None,
                (_, FieldValue::Text(_) | FieldValue::Boolean(_)) => Some(json),
                _ => None,
            },
        }
    }
}

/// Sets or clears what a path points to, in the object that holds the attribute.
fn set(path: &SourcePath, value: Option<Value>, holder: &mut Map<String, Value>) {
    let Some(sub) = &path.sub_attribute else {
        match value {
            Some(value) => holder.insert(path.attribute.clone(), value),
            None => holder.shift_remove(&path.attribute),
        };
        return;
    };
    let Some(stored) = holder.get_mut(&path.attribute) else {
        if let Some(value) = value
            && path.selector.is_none()
        {
            let members = Map::from_iter([(sub.clone(), value)]);
            holder.insert(path.attribute.clone(), Value::Object(members));
        }
        return;
    };
    let element = match stored {
        Value::Array(elements) => match path.position(elements) {
            Some(at) => elements.get_mut(at).and_then(Value::as_object_mut),
            None => None,
        },
        Value::Object(members) => Some(members),
        _ => None,
    };
    match (element, value) {
        (Some(members), Some(value)) => {
            members.insert(sub.clone(), value);
        }
        (Some(members), None) => {
            members.shift_remove(sub);
        }
        (None, _) => {}
    }
}
