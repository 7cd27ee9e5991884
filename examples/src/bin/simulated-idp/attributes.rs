//! A resource as a flat list of attribute paths and values, for comparing and for differences.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::model::ENTERPRISE;

/// Values by the attribute path that an identity provider would write to change them.
pub(crate) type Attributes = BTreeMap<String, Value>;

/// The path of the manager.
pub(crate) const MANAGER: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

/// The provisioned attributes of a user.
///
/// Attributes that no identity provider here maps are left out, and so are the values that mean
/// "not there": null, an empty list or text, and a `primary` that is false.
pub(crate) fn user_attributes(resource: &Value) -> Attributes {
    let mut found = Attributes::new();
    for name in SINGULAR {
        insert(&mut found, (*name).to_owned(), resource.get(*name));
    }
    for name in NAME_PARTS {
        let value = resource.get("name").and_then(|parts| parts.get(*name));
        insert(&mut found, format!("name.{name}"), value);
    }
    for (name, parts) in MULTI_VALUED {
        insert_elements(&mut found, name, parts, resource.get(*name));
    }
    if let Some(extension) = resource.get(ENTERPRISE) {
        for name in ENTERPRISE_PARTS {
            insert(
                &mut found,
                format!("{ENTERPRISE}:{name}"),
                extension.get(*name),
            );
        }
        insert_manager(&mut found, extension.get("manager"));
    }
    found
}

/// The provisioned attributes of a group, without its members.
pub(crate) fn group_attributes(resource: &Value) -> Attributes {
    let mut found = Attributes::new();
    for name in ["displayName", "externalId"] {
        insert(&mut found, name.to_owned(), resource.get(name));
    }
    found
}

/// The values of `value` in a multi-valued attribute such as `members`, with each one's `display`.
pub(crate) fn references<'a>(
    resource: &'a Value,
    attribute: &str,
) -> BTreeMap<&'a str, Option<&'a str>> {
    let elements = resource.get(attribute).and_then(Value::as_array);
    elements
        .into_iter()
        .flatten()
        .filter_map(|element| {
            let value = element.get("value")?.as_str()?;
            Some((value, element.get("display").and_then(Value::as_str)))
        })
        .collect()
}

/// The paths at which two lists of attributes differ.
pub(crate) fn differing<'a>(one: &'a Attributes, other: &'a Attributes) -> Vec<&'a str> {
    let paths: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    paths
        .into_iter()
        .filter(|path| one.get(*path) != other.get(*path))
        .map(String::as_str)
        .collect()
}

/// Whether a path can be written in a request; the others only tell what is wrong.
pub(crate) fn is_path(path: &str) -> bool {
    ![", again ", "[not an object]", " (not an object)"]
        .iter()
        .any(|mark| path.contains(mark))
}

fn insert(found: &mut Attributes, path: String, value: Option<&Value>) {
    if let Some(value) = value.filter(|value| is_there(value)) {
        found.insert(path, value.clone());
    }
}

fn is_there(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        _ => true,
    }
}

fn insert_elements(found: &mut Attributes, name: &str, parts: &[&str], value: Option<&Value>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for element in value.and_then(Value::as_array).into_iter().flatten() {
        let Value::Object(element) = element else {
            found.insert(format!("{name}[not an object]"), element.clone());
            continue;
        };
        let kind = element.get("type").and_then(Value::as_str).unwrap_or("");
        let times = seen.entry(kind).or_default();
        *times += 1;
        // A second element of one type has a path of its own, so that it cannot hide.
        let base = match *times {
            1 => format!("{name}[type eq \"{kind}\"]"),
            again => format!("{name}[type eq \"{kind}\", again {again}]"),
        };
        insert_parts(found, &base, parts, element);
    }
}

fn insert_parts(found: &mut Attributes, base: &str, parts: &[&str], element: &Map<String, Value>) {
    for part in parts {
        let value = element.get(*part);
        if value != Some(&Value::Bool(false)) {
            insert(found, format!("{base}.{part}"), value);
        }
    }
}

fn insert_manager(found: &mut Attributes, manager: Option<&Value>) {
    match manager {
        Some(Value::Object(parts)) => insert(found, MANAGER.to_owned(), parts.get("value")),
        // RFC 7643 section 4.3: the attribute is complex; answered as text it is a difference.
        other => insert(found, format!("{MANAGER} (not an object)"), other),
    }
}

const SINGULAR: &[&str] = &[
    "externalId",
    "userName",
    "active",
    "displayName",
    "title",
    "preferredLanguage",
    "locale",
];
const NAME_PARTS: &[&str] = &["formatted", "givenName", "familyName"];
const ENTERPRISE_PARTS: &[&str] = &["employeeNumber", "department", "costCenter"];
const MULTI_VALUED: &[(&str, &[&str])] = &[
    ("emails", &["value", "primary"]),
    ("phoneNumbers", &["value", "primary"]),
    (
        "addresses",
        &[
            "streetAddress",
            "postalCode",
            "locality",
            "country",
            "primary",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_that_mean_nothing_are_absent() {
        let found = user_attributes(&json!({
            "title": null, "locale": "", "emails": [],
            "phoneNumbers": [{"type": "work", "value": "1", "primary": false}],
            "nickName": "not provisioned",
        }));
        let paths: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(paths, ["phoneNumbers[type eq \"work\"].value"]);
    }

    #[test]
    fn a_second_element_of_a_type_does_not_hide() {
        let one = json!({"emails": [{"type": "work", "value": "a@x"}]});
        let two = json!({"emails": [{"type": "work", "value": "a@x"},
                                    {"type": "work", "value": "a@x"}]});
        let (one, two) = (user_attributes(&one), user_attributes(&two));
        assert_eq!(
            differing(&one, &two),
            ["emails[type eq \"work\", again 2].value"]
        );
    }

    #[test]
    fn a_manager_answered_as_text_is_not_the_manager() {
        let object = json!({ENTERPRISE: {"manager": {"value": "7", "displayName": "B"}}});
        let text = json!({ENTERPRISE: {"manager": "7"}});
        let object = user_attributes(&object);
        assert_eq!(object.get(MANAGER), Some(&json!("7")));
        assert_eq!(differing(&object, &user_attributes(&text)).len(), 2);
    }

    #[test]
    fn references_keep_the_display_value() {
        let group = json!({"members": [{"value": "a", "display": "A"}, {"value": "b"}, {}]});
        let found = references(&group, "members");
        assert_eq!(found, BTreeMap::from([("a", Some("A")), ("b", None)]));
    }
}
