//! What edits do to the values of one attribute.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::budget::Budget;
use crate::error::Error;
use crate::members::remove_member;
use crate::resource::entry::{EntryKey, Named, join, places};
use crate::schema::Attribute;

/// RFC 7644 section 3.5.2.3: a record that a filter selects is replaced. What the filter names of it
/// stays, so that the record is found by it again, and so does the `value`, which it is a record of;
/// a value that names nothing replaces nothing.
pub(super) fn clear_record(element: &mut Value, new: &Value, filtered: &HashSet<&str>) {
    let mut said = new.as_object().into_iter().flat_map(Map::values);
    if said.any(|value| !value.is_null())
        && let Some(members) = element.as_object_mut()
    {
        members.retain(|name, _| name == "value" || filtered.contains(name.as_str()));
    }
}

/// Adds values that are not there yet (RFC 7644 section 3.5.2.1).
pub(super) fn add_elements(
    attribute: &Attribute,
    value: &mut Value,
    new: &Value,
    budget: &Budget,
) -> Result<(), Error> {
    let mut elements = match value.take() {
        Value::Array(elements) => elements,
        _ => Vec::new(),
    };
    let new = new.as_array().map_or(&[][..], Vec::as_slice);
    budget.charge(elements.len() + new.len())?;
    let mut places = places(attribute, &elements);
    let mut end = elements.len();
    let at = new.iter().map(|added| {
        *places
            .entry(EntryKey::of(attribute, added))
            .or_insert_with(|| {
                end += 1;
                end - 1
            })
    });
    let at: Vec<usize> = at.collect();
    let mut primary = None;
    for (added, at) in new.iter().zip(at) {
        match elements.get_mut(at) {
            Some(same) => join(same, added.clone()),
            None => elements.push(added.clone()),
        }
        if added.get("primary") == Some(&Value::Bool(true)) {
            primary = Some(at);
        }
    }
    keep_primary(&mut elements, primary);
    *value = Value::Array(elements);
    Ok(())
}

/// Removes the values that a `remove` names in its `value`, and no other.
pub(super) fn remove_named(
    attribute: &Attribute,
    value: &mut Value,
    named: &Value,
    budget: &Budget,
) -> Result<(), Error> {
    let Value::Array(elements) = value else {
        return Ok(());
    };
    let named = Named::new(attribute, named.as_array().map_or(&[][..], Vec::as_slice));
    let mut kept = Vec::with_capacity(elements.len());
    for element in std::mem::take(elements) {
        if !named.names(&element, budget)? {
            kept.push(element);
        }
    }
    *elements = kept;
    Ok(())
}

/// RFC 7644 section 3.5.2: a new `primary` takes the flag from the old one.
pub(super) fn keep_primary(elements: &mut [Value], primary: Option<usize>) {
    let Some(primary) = primary else {
        return;
    };
    for (at, element) in elements.iter_mut().enumerate() {
        if let Some(members) = element.as_object_mut()
            && at != primary
            && members.get("primary") == Some(&Value::Bool(true))
        {
            members.insert("primary".into(), Value::Bool(false));
        }
    }
}

/// Sets the sub-attributes that a part names, and clears those that are null in it.
pub(super) fn merge(members: &mut Map<String, Value>, part: &Map<String, Value>) {
    for (name, value) in part {
        if value.is_null() {
            remove_member(members, name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
}
