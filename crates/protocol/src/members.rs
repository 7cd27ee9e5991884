//! Members of JSON objects, whose order nobody may expect (RFC 7643 section 2.3.8).
//!
//! Whether members have an order is for the program to say, by `serde_json/preserve_order`. What
//! stands here keeps the order where there is one, and needs none.

use serde_json::{Map, Value};

use crate::path::same_name;

/// Takes a member out, and leaves the others in their order.
pub(crate) fn remove_member(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let value = members.get_mut(name).map(Value::take)?;
    // `Map::remove` would put the last member in its place.
    members.retain(|other, _| other != name);
    Some(value)
}

/// Takes a member out, whatever the case of its name (RFC 7643 section 2.1).
pub(crate) fn take_member(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    if let Some(value) = remove_member(members, name) {
        return Some(value);
    }
    let found = members.keys().find(|key| same_name(key, name))?.clone();
    remove_member(members, &found)
}

/// Sets a member; one that is new stands in front of all others.
pub(crate) fn put_first(members: &mut Map<String, Value>, name: &str, value: Value) {
    if let Some(there) = members.get_mut(name) {
        *there = value;
        return;
    }
    let rest = std::mem::take(members);
    members.insert(name.to_owned(), value);
    members.extend(rest);
}
