//! Edits: operations resolved against the schemas of a resource type.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::describe::{describe, mentioned};
use super::request::Verb;
use super::values::merge;
use crate::filter::{Condition, Filter};
use crate::schema::Resolved;

/// One change to one attribute or sub-attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit<'a> {
    /// What it does.
    pub verb: Verb,
    /// The attribute, and the sub-attribute where there is one.
    pub target: Resolved<'a>,
    /// Which values of a multi-valued attribute; all of them without it.
    pub selection: Option<Selection>,
    /// The canonical value; `None` clears. Of a single complex value it has the sub-attributes that
    /// change, with `null` for those that are cleared. For a `remove`: the values to be removed.
    pub value: Option<Value>,
}

/// The value filter of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// As it was written.
    pub filter: Filter,
    /// Bound to the attribute.
    pub condition: Condition,
}

impl Edit<'_> {
    /// The path of the target, for messages.
    pub fn path(&self) -> String {
        self.target.path().to_string()
    }

    /// The sub-attributes that the filter of the path names.
    pub(super) fn filtered(&self) -> HashSet<&str> {
        let mut named = HashSet::new();
        if let Some(selection) = &self.selection {
            mentioned(&selection.filter, self.target.attribute, &mut named);
        }
        named
    }

    /// The element that a filter of `eq` joined by `and` describes, with what a sub-attribute is
    /// set to; `None` for any other filter.
    pub(super) fn described_element(&self) -> Option<Map<String, Value>> {
        let mut element = Map::new();
        describe(
            &self.selection.as_ref()?.filter,
            self.target.attribute,
            &mut element,
        )?;
        match (self.target.sub_attribute, &self.value) {
            (Some(sub), Some(value)) => {
                element.insert(sub.name.clone(), value.clone());
            }
            (None, Some(Value::Object(members))) => merge(&mut element, members),
            _ => return None,
        }
        Some(element)
    }
}
