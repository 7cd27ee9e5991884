//! Records as SCIM resources: what a receiver of events is told of a person or a group.
//!
//! The attributes are those to which the rules of a new configuration map them. What is the
//! directory's own affair (who administers, who manages a record) is in none.

use serde_json::{Map, Value, json};

use crate::topic::Subject;

/// A person or a group as a SCIM resource.
pub(crate) fn document(subject: Subject, record: &Map<String, Value>) -> Option<Value> {
    match subject {
        Subject::User => Some(user(record)),
        Subject::Group => Some(group(record)),
        _ => None,
    }
}

/// Whether a field of a record is seen in its resource.
pub(super) fn shows(subject: Subject, field: &str) -> bool {
    match subject {
        Subject::User => SHOWN.contains(&field) || field.starts_with("customFields."),
        _ => group_attribute(field).is_some(),
    }
}

/// The attribute of a group that holds a field.
pub(super) fn group_attribute(field: &str) -> Option<&'static str> {
    match field {
        "name" => Some("displayName"),
        "externalId" => Some("externalId"),
        _ => None,
    }
}

/// A member of a group, of the record of a membership.
pub(super) fn member(record: &Map<String, Value>) -> Option<Value> {
    let (id, kind) = (
        record.get("member")?.as_str()?,
        record.get("type")?.as_str()?,
    );
    let endpoint = if kind == "Group" { "Groups" } else { "Users" };
    Some(json!({"value": id, "$ref": format!("/{endpoint}/{id}"), "type": kind}))
}

fn group(record: &Map<String, Value>) -> Value {
    let mut group = Resource::new(GROUP);
    for (attribute, field) in [
        ("id", "id"),
        ("externalId", "externalId"),
        ("displayName", "name"),
    ] {
        group.put(attribute, record, field);
    }
    group.finish()
}

fn user(record: &Map<String, Value>) -> Value {
    let mut user = Resource::new(USER);
    for (attribute, field) in PLAIN {
        user.put(attribute, record, field);
    }
    let mut name = Map::new();
    put(&mut name, "givenName", record, "firstName");
    put(&mut name, "familyName", record, "lastName");
    user.part("name", name);
    user.values("emails", record, &[("email", "value", "work")]);
    let phones = [
        ("contactNo", "value", "work"),
        ("altContactNo1", "value", "mobile"),
        ("altContactNo2", "value", "other"),
    ];
    user.values("phoneNumbers", record, &phones);
    user.values("addresses", record, &[("location", "locality", "work")]);
    let roles = record.get("roles").and_then(Value::as_array);
    let roles: Vec<Value> = roles
        .into_iter()
        .flatten()
        .map(|role| json!({ "value": role }))
        .collect();
    if !roles.is_empty() {
        user.attributes.insert("roles".into(), roles.into());
    }
    let active = record.get("status").and_then(Value::as_str) == Some("active");
    user.attributes.insert("active".into(), active.into());
    let mut enterprise = Map::new();
    for (attribute, field) in [
        ("employeeNumber", "employeeId"),
        ("department", "department"),
        ("organization", "company"),
    ] {
        put(&mut enterprise, attribute, record, field);
    }
    let mut manager = Map::new();
    put(&mut manager, "value", record, "managerId");
    if !manager.is_empty() {
        enterprise.insert("manager".into(), manager.into());
    }
    user.extension(ENTERPRISE, enterprise);
    let custom = record.get("customFields").and_then(Value::as_object);
    user.extension(CUSTOM, custom.cloned().unwrap_or_default());
    user.finish()
}

/// A resource that is put together.
struct Resource {
    schemas: Vec<&'static str>,
    attributes: Map<String, Value>,
}

impl Resource {
    fn new(schema: &'static str) -> Self {
        let mut attributes = Map::new();
        attributes.insert("schemas".into(), Value::Null);
        Self {
            schemas: vec![schema],
            attributes,
        }
    }

    fn put(&mut self, attribute: &str, record: &Map<String, Value>, field: &str) {
        put(&mut self.attributes, attribute, record, field);
    }

    fn part(&mut self, attribute: &str, part: Map<String, Value>) {
        if !part.is_empty() {
            self.attributes.insert(attribute.to_owned(), part.into());
        }
    }

    /// An attribute with several values, of fields that each are one.
    fn values(
        &mut self,
        attribute: &str,
        record: &Map<String, Value>,
        fields: &[(&str, &str, &str)],
    ) {
        let value = |(field, part, kind): &(&str, &str, &str)| {
            let value = record.get(*field).filter(|value| !value.is_null())?;
            let mut one = Map::new();
            one.insert((*part).to_owned(), value.clone());
            one.insert("type".into(), (*kind).into());
            if *kind == "work" {
                one.insert("primary".into(), true.into());
            }
            Some(Value::Object(one))
        };
        let values: Vec<Value> = fields.iter().filter_map(value).collect();
        if !values.is_empty() {
            self.attributes.insert(attribute.to_owned(), values.into());
        }
    }

    fn extension(&mut self, schema: &'static str, attributes: Map<String, Value>) {
        if !attributes.is_empty() {
            self.schemas.push(schema);
            self.part(schema, attributes);
        }
    }

    fn finish(mut self) -> Value {
        self.attributes
            .insert("schemas".into(), self.schemas.into());
        self.attributes.into()
    }
}

/// Puts the value of a field into an attribute, where there is one.
fn put(into: &mut Map<String, Value>, attribute: &str, record: &Map<String, Value>, field: &str) {
    if let Some(value) = record.get(field).filter(|value| !value.is_null()) {
        into.insert(attribute.to_owned(), value.clone());
    }
}

/// The attributes of a person that hold a field as it is.
const PLAIN: [(&str, &str); 8] = [
    ("id", "id"),
    ("externalId", "externalId"),
    ("userName", "userName"),
    ("displayName", "displayName"),
    ("title", "jobTitle"),
    ("userType", "userType"),
    ("preferredLanguage", "language"),
    ("timezone", "timeZone"),
];
/// The fields of a person that are seen in an attribute.
const SHOWN: [&str; 20] = [
    "userName",
    "firstName",
    "lastName",
    "displayName",
    "email",
    "contactNo",
    "altContactNo1",
    "altContactNo2",
    "jobTitle",
    "employeeId",
    "department",
    "location",
    "managerId",
    "roles",
    "company",
    "language",
    "timeZone",
    "userType",
    "status",
    "externalId",
];
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The schema of the custom fields, as configurations serve it.
const CUSTOM: &str = "urn:ietf:params:scim:schemas:extension:serviceops:2.0:User";
