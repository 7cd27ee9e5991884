//! References of operations to resources that others of the same request create.
//!
//! A `bulkId:` is a reference where the definition of the resource says that one stands: the value of
//! a manager or a member, a `$ref`, an attribute that is a reference to resources, what a filter in the
//! path of a PATCH compares with one of these. Anywhere else it is text (RFC 7644 section 3.7.2).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::mention::{Mention, Step, mentions, referred};
use super::request::BulkOperation;
use crate::path::same_name;
use crate::schema::ResourceDefinition;

/// The names (`bulkId:name`) that an operation on a resource of a type refers to, each once.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_protocol::bulk::{BulkOperation, references};
///
/// let users = ResourceDefinition::user();
/// let delete = BulkOperation::delete("/Users/bulkId:ava");
/// assert_eq!(references(&delete, Some(&users)), ["ava"]);
/// ```
pub fn references(
    operation: &BulkOperation,
    definition: Option<&ResourceDefinition>,
) -> Vec<String> {
    let in_path = operation.path.split('/').filter_map(referred);
    let mut found: Vec<String> = in_path.map(str::to_owned).collect();
    found.extend(references_in_data(operation, definition));
    let mut seen = HashSet::new();
    found.retain(|name| seen.insert(name.clone()));
    found
}

/// The names that the data of an operation refers to, as often as it does.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_protocol::bulk::{BulkOperation, references_in_data};
/// use serde_json::json;
///
/// let groups = ResourceDefinition::group();
/// let group = json!({"displayName": "bulkId:ops", "members": [{"value": "bulkId:ava"}]});
/// let create = BulkOperation::post("/Groups", "ops", group);
/// assert_eq!(references_in_data(&create, Some(&groups)), ["ava"]);
/// ```
pub fn references_in_data(
    operation: &BulkOperation,
    definition: Option<&ResourceDefinition>,
) -> Vec<String> {
    let found = mentions(operation, definition);
    found.into_iter().flat_map(|one| one.names).collect()
}

/// The names that one attribute of a new resource refers to.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_protocol::bulk::{BulkOperation, references_in_attribute};
/// use serde_json::json;
///
/// let groups = ResourceDefinition::group();
/// let create = BulkOperation::post("/Groups", "ops", json!({"Members": [{"value": "bulkId:ava"}]}));
/// assert_eq!(references_in_attribute(&create, Some(&groups), "members"), ["ava"]);
/// ```
pub fn references_in_attribute(
    operation: &BulkOperation,
    definition: Option<&ResourceDefinition>,
    attribute: &str,
) -> Vec<String> {
    let of_attribute = |mention: &Mention<'_>| match mention.way.first() {
        Some(Step::Member(name)) => same_name(name, attribute),
        _ => false,
    };
    let found = mentions(operation, definition).into_iter();
    let found = found.filter(of_attribute);
    found.flat_map(|one| one.names).collect()
}

/// The path of an operation with references replaced by what `id` knows.
///
/// ```
/// use scim_protocol::bulk::resolve_path;
///
/// let path = resolve_path("/Users/bulkId:ava", &|_| Some("7".to_owned()));
/// assert_eq!(path, "/Users/7");
/// ```
pub fn resolve_path(path: &str, id: &dyn Fn(&str) -> Option<String>) -> String {
    path.split('/')
        .map(|part| {
            referred(part)
                .and_then(id)
                .unwrap_or_else(|| part.to_owned())
        })
        .collect::<Vec<_>>()
        .join("/")
}

/// The data of an operation with references replaced by what `id` knows. What refers to anything
/// else is left out: values of an array whole, other members alone.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_protocol::bulk::{BulkOperation, resolve};
/// use serde_json::json;
///
/// let groups = ResourceDefinition::group();
/// let data = json!({"members": [{"value": "bulkId:ava"}, {"value": "bulkId:bo"}]});
/// let create = BulkOperation::post("/Groups", "ops", data);
/// let resolved = resolve(&create, Some(&groups), &|name| (name == "ava").then(|| "7".to_owned()));
/// assert_eq!(resolved, Some(json!({"members": [{"value": "7"}]})));
/// ```
pub fn resolve(
    operation: &BulkOperation,
    definition: Option<&ResourceDefinition>,
    id: &dyn Fn(&str) -> Option<String>,
) -> Option<Value> {
    let mut data = operation.data.clone()?;
    // From behind, so that what is left out moves nothing that is still to be found.
    for mention in mentions(operation, definition).iter().rev() {
        match mention.resolved(id) {
            Some(text) => mention.put(&mut data, text),
            None => mention.leave_out(&mut data),
        }
    }
    Some(data)
}

/// The attributes of a new resource that refer to others: what is left to be set when the resource had
/// to be created before those that it refers to.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_protocol::bulk::{BulkOperation, referring};
/// use serde_json::json;
///
/// let groups = ResourceDefinition::group();
/// let members = json!([{"value": "bulkId:ava"}]);
/// let data = json!({"displayName": "Ops", "members": members});
/// let left = referring(&BulkOperation::post("/Groups", "ops", data), Some(&groups));
/// assert_eq!(left, json!({"members": members}));
/// ```
pub fn referring(operation: &BulkOperation, definition: Option<&ResourceDefinition>) -> Value {
    let mut left = Map::new();
    for mention in mentions(operation, definition) {
        let mut way = mention.way.iter();
        let Some(Step::Member(name)) = way.next() else {
            continue;
        };
        let value = operation.data.as_ref().and_then(|data| data.get(name));
        // An extension is a namespace, not an attribute.
        let inner = match way.next() {
            Some(Step::Member(inner)) if mention.below_schema => Some(inner),
            _ => None,
        };
        let Some(inner) = inner else {
            left.insert((*name).to_owned(), value.cloned().unwrap_or_default());
            continue;
        };
        let holder = left
            .entry(*name)
            .or_insert_with(|| Value::Object(Map::new()));
        if let (Some(holder), Some(value)) = (
            holder.as_object_mut(),
            value.and_then(|value| value.get(inner)),
        ) {
            holder.insert((*inner).to_owned(), value.clone());
        }
    }
    Value::Object(left)
}
