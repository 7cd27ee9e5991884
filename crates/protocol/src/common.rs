//! What the typed resources of [`user`](crate::user) and [`group`](crate::group) share.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::canonical::with_names_of;
use crate::error::{Error, ScimType};
use crate::path::same_name;
use crate::resource::Resource;
use crate::schema::ResourceDefinition;

/// What a resource says of an attribute: nothing, that it has no value, or its value.
///
/// A service provider takes `null` and the empty array for no value (RFC 7643 section 2.5), but what
/// is absent from the value of a PATCH operation stays as it is.
///
/// ```
/// use scim_protocol::common::Given;
/// use scim_protocol::user::User;
///
/// let mut user: User = serde_json::from_str(r#"{"userName": "ava", "title": null}"#)?;
/// assert_eq!(user.title, Given::Null);
/// assert!(user.nick_name.is_absent());
/// user.nick_name = "Avi".to_owned().into();
/// assert_eq!(user.nick_name.as_deref(), Some("Avi"));
/// let written = serde_json::to_value(&user)?;
/// assert_eq!((written.get("title"), written.get("locale")), (Some(&().into()), None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Given<T> {
    /// The attribute is not named.
    #[default]
    Absent,
    /// The attribute is `null`.
    Null,
    /// The attribute has a value.
    Value(T),
}

impl<T> Given<T> {
    /// The value, if there is one.
    ///
    /// ```
    /// use scim_protocol::common::Given;
    ///
    /// assert_eq!(Given::Value(7).value(), Some(&7));
    /// assert_eq!(Given::<i32>::Null.value(), None);
    /// ```
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// The value, to be changed.
    ///
    /// ```
    /// use scim_protocol::common::Given;
    ///
    /// let mut given = Given::Value(7);
    /// if let Some(value) = given.value_mut() {
    ///     *value += 1;
    /// }
    /// assert_eq!(given, Given::Value(8));
    /// ```
    pub fn value_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// The value, taken.
    ///
    /// ```
    /// use scim_protocol::common::Given;
    ///
    /// assert_eq!(Given::Value("a").into_value(), Some("a"));
    /// ```
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Null => None,
        }
    }

    /// The value as what it refers to, such as text.
    ///
    /// ```
    /// use scim_protocol::common::Given;
    ///
    /// let title: Given<String> = "Engineer".into();
    /// assert_eq!(title.as_deref(), Some("Engineer"));
    /// ```
    pub fn as_deref(&self) -> Option<&T::Target>
    where
        T: Deref,
    {
        self.value().map(T::deref)
    }

    /// Whether the attribute is not named.
    ///
    /// ```
    /// use scim_protocol::common::Given;
    ///
    /// assert!(Given::<i32>::Absent.is_absent() && !Given::<i32>::Null.is_absent());
    /// ```
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether the attribute is `null`.
    ///
    /// ```
    /// use scim_protocol::common::Given;
    ///
    /// assert!(Given::<i32>::Null.is_null() && !Given::<i32>::Absent.is_null());
    /// ```
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

impl<T> Given<Vec<T>> {
    /// The values of a multi-valued attribute; none where it is absent, null or empty.
    ///
    /// ```
    /// use scim_protocol::user::User;
    ///
    /// assert!(User::new("ava").emails.values().is_empty());
    /// ```
    pub fn values(&self) -> &[T] {
        self.value().map_or(&[], Vec::as_slice)
    }
}

impl<T> From<T> for Given<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

/// What is none is absent.
impl<T> From<Option<T>> for Given<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Value)
    }
}

impl From<&str> for Given<String> {
    fn from(text: &str) -> Self {
        Self::Value(text.to_owned())
    }
}

/// What is absent is for the struct around it to leave out; here it is null.
impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<T>::deserialize(deserializer)?;
        Ok(value.map_or(Self::Null, Self::Value))
    }
}

/// A value of a multi-valued attribute with its default sub-attributes (RFC 7643 section 2.4).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MultiValue {
    /// The value itself; of a reference the id.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub value: Given<String>,
    /// The URI of the resource that is referred to.
    #[serde(rename = "$ref", default, skip_serializing_if = "Given::is_absent")]
    pub reference: Given<String>,
    /// How the value is shown.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub display: Given<String>,
    /// `type`: what the value is for, such as `work`.
    #[serde(rename = "type", default, skip_serializing_if = "Given::is_absent")]
    pub kind: Given<String>,
    /// Whether it is the preferred value; one value at most is.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub primary: Given<bool>,
    /// Sub-attributes that the RFC does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl MultiValue {
    /// A value of a type.
    ///
    /// ```
    /// use scim_protocol::common::MultiValue;
    ///
    /// let work = MultiValue::new("ava@corp.example", "work");
    /// assert_eq!(work.kind.as_deref(), Some("work"));
    /// ```
    pub fn new(value: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            value: Given::Value(value.into()),
            kind: Given::Value(kind.into()),
            ..Self::default()
        }
    }

    /// A reference to a resource by its id.
    ///
    /// ```
    /// use scim_protocol::common::MultiValue;
    ///
    /// assert_eq!(MultiValue::to("2819c223").value.as_deref(), Some("2819c223"));
    /// ```
    pub fn to(id: impl Into<String>) -> Self {
        Self {
            value: Given::Value(id.into()),
            ..Self::default()
        }
    }

    /// The same value, as the preferred one.
    ///
    /// ```
    /// use scim_protocol::common::MultiValue;
    ///
    /// let work = MultiValue::new("ava@corp.example", "work").preferred();
    /// assert_eq!(work.primary.value(), Some(&true));
    /// ```
    #[must_use]
    pub fn preferred(self) -> Self {
        Self {
            primary: Given::Value(true),
            ..self
        }
    }
}

/// `meta` (RFC 7643 section 3.1), which the service provider alone writes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// The name of the resource type.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub resource_type: Given<String>,
    /// When the resource was added, as it was written; [`created_at`](Self::created_at) reads it.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub created: Given<String>,
    /// When the resource changed last, as it was written;
    /// [`last_modified_at`](Self::last_modified_at) reads it.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub last_modified: Given<String>,
    /// The URI of the resource.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub location: Given<String>,
    /// The entity tag.
    #[serde(default, skip_serializing_if = "Given::is_absent")]
    pub version: Given<String>,
    /// Sub-attributes that the RFC does not define.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Meta {
    /// When the resource was added; `None` without a value or for one that is no dateTime.
    ///
    /// ```
    /// use scim_protocol::common::Meta;
    ///
    /// let meta = Meta { created: "2026-01-31T08:00:00Z".into(), ..Meta::default() };
    /// assert!(meta.created_at().is_some() && Meta::default().created_at().is_none());
    /// ```
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.created.as_deref().and_then(instant)
    }

    /// When the resource changed last; `None` without a value or for one that is no dateTime.
    ///
    /// ```
    /// use scim_protocol::common::Meta;
    ///
    /// let meta = Meta { last_modified: "yesterday".into(), ..Meta::default() };
    /// assert!(meta.last_modified_at().is_none());
    /// ```
    pub fn last_modified_at(&self) -> Option<DateTime<Utc>> {
        self.last_modified.as_deref().and_then(instant)
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    let parsed = DateTime::parse_from_rfc3339(text).ok()?;
    Some(parsed.with_timezone(&Utc))
}

/// Reads a typed resource. Names are those of the schemas in any case (RFC 7643 section 2.1).
pub(crate) fn typed<T: DeserializeOwned>(
    resource: Resource,
    definition: &ResourceDefinition,
) -> Result<T, Error> {
    let mut canonical = Map::new();
    for (name, value) in resource.into_map() {
        if let Some(extension) = definition.extension(&name) {
            let value = with_names_of(&extension.attributes, value);
            canonical.insert(extension.id.clone(), value);
        } else if let Some(attribute) = definition.attribute(&name) {
            // Every resource has schemas, so that none are none.
            if !(value.is_null() && attribute.name == "schemas") {
                let value = with_names_of(&attribute.sub_attributes, value);
                canonical.insert(attribute.name.clone(), value);
            }
        } else {
            canonical.insert(name, value);
        }
    }
    serde_json::from_value(Value::Object(canonical)).map_err(|error| {
        Error::new(
            ScimType::InvalidValue,
            format!("Not such a resource: {error}."),
        )
    })
}

/// Writes a typed resource, whose `schemas` are completed by what it has data of.
pub(crate) fn untyped(resource: &impl Serialize, schemas: &[&str]) -> Resource {
    // Keys are strings and nothing fails by itself, so there is always an object.
    let mut attributes = match serde_json::to_value(resource) {
        Ok(Value::Object(attributes)) => attributes,
        _ => Map::new(),
    };
    // An extension is an object under the URI of its schema (RFC 7643 section 3.3).
    let extensions = attributes.iter().filter(|(name, data)| {
        let start = name.get(..4).unwrap_or_default();
        start.eq_ignore_ascii_case("urn:") && data.as_object().is_some_and(|data| !data.is_empty())
    });
    let extensions: Vec<String> = extensions.map(|(name, _)| name.clone()).collect();
    let listed = attributes
        .entry("schemas")
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(listed) = listed {
        let schemas = schemas.iter().copied();
        for uri in schemas.chain(extensions.iter().map(String::as_str)) {
            let known =
                |listed: &Value| listed.as_str().is_some_and(|listed| same_name(listed, uri));
            if !listed.iter().any(known) {
                listed.push(Value::from(uri));
            }
        }
    }
    Resource::from_map(attributes)
}
