//! Schema-driven resources (RFC 7643 sections 2 and 3).
//!
//! ```
//! use scim_protocol::{Limits, Resource, ResourceDefinition, Tolerance, resource};
//!
//! let users = ResourceDefinition::user();
//! let body = br#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
//!                 "USERNAME": "ava", "active": "True", "title": null, "id": "mine"}"#;
//! let body = resource::parse(body, &Limits::default())?;
//! let mut tolerance = Tolerance::default();
//! let ava = Resource::read(&users, body, &mut tolerance)?;
//! assert_eq!(ava.text("userName"), Some("ava"));
//! assert_eq!(ava.attributes()["active"], true);
//! assert!(ava.id().is_none(), "read-only attributes are ignored");
//! assert_eq!(tolerance.deviations()[0].name(), "booleanAsText");
//! # Ok::<(), scim_protocol::Error>(())
//! ```

mod compare;
pub(crate) mod entry;
mod json;
mod mutability;
mod place;
mod plain;
mod project;
mod read;
mod reference;
mod scalar;
mod several;
mod sketch;
mod unfold;
mod value;
mod view;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use compare::{Change, changes, same};
pub(crate) use entry::without_value;
pub use json::{parse, parse_search};
pub(crate) use mutability::{Absence, immutable, keep_immutable};
pub(crate) use place::Place;
pub use project::{Projector, project};
pub(crate) use reference::named_by_reference;
pub(crate) use several::check_count;
pub(crate) use value::{Read, Reader};
pub use view::View;

use crate::error::{Error, ScimType};
use crate::members::{put_first, remove_member};
use crate::path::AttributePath;
use crate::schema::{Attribute, ResourceDefinition};

/// A resource: attributes under their canonical names, extension attributes nested under the
/// URI of their schema.
///
/// As JSON it is the object of its attributes, which are taken to be canonical already, such as
/// stored ones; [`Resource::read`] and [`Resource::read_response`] read what others wrote.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resource {
    attributes: Map<String, Value>,
    /// What was sent and could not be read.
    #[serde(skip)]
    unread: Vec<AttributePath>,
}

impl Resource {
    /// A resource of attributes that are canonical already, such as stored ones.
    ///
    /// ```
    /// use scim_protocol::Resource;
    /// use serde_json::Map;
    ///
    /// let ava = Resource::from_map(Map::from_iter([("userName".to_owned(), "ava".into())]));
    /// assert_eq!(ava.text("userName"), Some("ava"));
    /// ```
    pub fn from_map(attributes: Map<String, Value>) -> Self {
        let unread = Vec::new();
        Self { attributes, unread }
    }

    /// What was sent of it and could not be read: the body says nothing of these attributes and
    /// sub-attributes, not even that they have no value.
    ///
    /// ```
    /// use scim_protocol::{Resource, ResourceDefinition, Tolerance};
    /// use serde_json::json;
    ///
    /// let body = json!({"schemas": [], "userName": "ava", "emails": "ava@example.com"});
    /// let ava = Resource::read(&ResourceDefinition::user(), body, &mut Tolerance::default())?;
    /// assert_eq!(ava.unread(), ["emails".parse().unwrap()]);
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    pub fn unread(&self) -> &[AttributePath] {
        &self.unread
    }

    /// The attributes.
    pub fn attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// The attributes, to be changed.
    pub fn attributes_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.attributes
    }

    /// The attributes, taken.
    pub fn into_map(self) -> Map<String, Value> {
        self.attributes
    }

    /// `id`
    pub fn id(&self) -> Option<&str> {
        self.text("id")
    }

    /// `externalId`
    pub fn external_id(&self) -> Option<&str> {
        self.text("externalId")
    }

    /// The text of a core or common attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }

    /// This resource with what a PUT brings (RFC 7644 section 3.5.1).
    ///
    /// What the new resource does not have is cleared, except for immutable attributes, which
    /// keep their value, and for what was sent and [could not be read](Self::unread).
    ///
    /// ```
    /// use scim_protocol::{Resource, ResourceDefinition};
    /// use serde_json::json;
    ///
    /// let users = ResourceDefinition::user();
    /// let old: Resource = serde_json::from_value(json!({"userName": "ava", "title": "Engineer"}))?;
    /// let new: Resource = serde_json::from_value(json!({"userName": "ava"}))?;
    /// let replaced = old.replaced_by(&users, new).unwrap();
    /// assert_eq!(replaced.text("title"), None);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// `mutability` when an immutable attribute that has a value would change.
    pub fn replaced_by(&self, definition: &ResourceDefinition, new: Self) -> Result<Self, Error> {
        let mut attributes = new.attributes;
        for path in &new.unread {
            keep_stored(path, &self.attributes, &mut attributes);
        }
        keep_immutable(
            definition,
            &self.attributes,
            &mut attributes,
            Absence::Keeps,
        )?;
        let mut resource = Self::from_map(attributes);
        resource.list_schemas(definition);
        Ok(resource)
    }

    /// Checks that every required attribute has a value.
    ///
    /// ```
    /// use scim_protocol::{Resource, ResourceDefinition};
    /// use serde_json::json;
    ///
    /// let users = ResourceDefinition::user();
    /// let nobody: Resource = serde_json::from_value(json!({"title": "Engineer"}))?;
    /// assert!(nobody.check_required(&users).is_err());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// `invalidValue` naming the attribute.
    pub fn check_required(&self, definition: &ResourceDefinition) -> Result<(), Error> {
        match self.missing(definition) {
            None => Ok(()),
            Some(name) => Err(Error::new(
                ScimType::InvalidValue,
                format!("\"{name}\" is required and has no value."),
            )),
        }
    }

    /// The path of the first required attribute that has no value.
    pub(crate) fn missing(&self, definition: &ResourceDefinition) -> Option<String> {
        let core = first_missing(&definition.core().attributes, &self.attributes);
        core.or_else(|| {
            definition.extensions().iter().find_map(|extension| {
                let data = self
                    .attributes
                    .get(&extension.id)
                    .and_then(Value::as_object);
                let Some(data) = data.filter(|data| !data.is_empty()) else {
                    // RFC 7643 section 6: without a required extension it is no such resource.
                    return definition
                        .requires(&extension.id)
                        .then(|| extension.id.clone());
                };
                let name = first_missing(&extension.attributes, data)?;
                Some(format!("{}:{name}", extension.id))
            })
        })
    }

    /// Sets `schemas` to the core schema and the extensions that have data (RFC 7643 section 3). The
    /// base schema is always listed (RFC 7643 section 3.3).
    ///
    /// ```
    /// use scim_protocol::{Resource, ResourceDefinition};
    /// use serde_json::json;
    ///
    /// let mut ava: Resource = serde_json::from_value(json!({"userName": "ava"}))?;
    /// ava.list_schemas(&ResourceDefinition::user());
    /// assert_eq!(ava.attributes()["schemas"], json!([scim_protocol::schema::uri::USER]));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn list_schemas(&mut self, definition: &ResourceDefinition) {
        let with_data = definition
            .extensions()
            .iter()
            .filter(|extension| self.attributes.contains_key(&extension.id))
            .map(|extension| extension.id.as_str());
        let schemas = std::iter::once(definition.core().id.as_str()).chain(with_data);
        if let Some(Value::Array(there)) = self.attributes.get("schemas")
            && there
                .iter()
                .map(Value::as_str)
                .eq(schemas.clone().map(Some))
        {
            return;
        }
        let schemas: Vec<Value> = schemas.map(Value::from).collect();
        put_first(&mut self.attributes, "schemas", Value::Array(schemas));
    }
}

/// Keeps what is stored of an attribute or sub-attribute of which a new resource says nothing.
fn keep_stored(path: &AttributePath, old: &Map<String, Value>, new: &mut Map<String, Value>) {
    let way = path.schema.iter().chain([&path.attribute]);
    let way = way.chain(&path.sub_attribute);
    let way: Vec<&str> = way.map(String::as_str).collect();
    keep_along(&way, old, new);
}

fn keep_along(way: &[&str], old: &Map<String, Value>, new: &mut Map<String, Value>) {
    let Some((name, behind)) = way.split_first() else {
        return;
    };
    let Some(stored) = old.get(*name) else {
        return;
    };
    if behind.is_empty() {
        new.entry(*name).or_insert_with(|| stored.clone());
        return;
    }
    let mut holder = match new.get_mut(*name).map(Value::take) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    };
    if let Value::Object(stored) = stored {
        keep_along(behind, stored, &mut holder);
    }
    match holder.is_empty() {
        true => remove_member(new, name),
        false => new.insert((*name).to_owned(), Value::Object(holder)),
    };
}

/// The first required attribute, or required sub-attribute of a present one, without a value.
fn first_missing(definitions: &[Attribute], map: &Map<String, Value>) -> Option<String> {
    definitions.iter().find_map(|attribute| {
        let value = map
            .get(&attribute.name)
            .filter(|value| !without_value(value));
        let Some(value) = value else {
            return attribute.required.then(|| attribute.name.clone());
        };
        let elements = match value {
            Value::Array(elements) => elements.as_slice(),
            single => std::slice::from_ref(single),
        };
        elements.iter().find_map(|element| {
            let name = first_missing(&attribute.sub_attributes, element.as_object()?)?;
            Some(format!("{}.{name}", attribute.name))
        })
    })
}

#[cfg(test)]
mod tests;
