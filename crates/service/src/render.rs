//! Stored resources as clients see them.

use chrono::{DateTime, SecondsFormat, Utc};
use scim_protocol::resource::Projector;
use scim_protocol::{EntityTag, ResourceDefinition};
use serde_json::{Map, Value, json};

/// What every resource has beside its attributes (RFC 7643 section 3.1).
#[derive(Debug, Clone, Copy)]
pub struct Common<'a> {
    /// `id`
    pub id: &'a str,
    /// `meta.created`
    pub created: DateTime<Utc>,
    /// `meta.lastModified`
    pub last_modified: DateTime<Utc>,
    /// `meta.version`
    pub tag: EntityTag,
}

/// A resource as clients see it.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// Its attributes, of which those are answered that the request asked for.
    Attributes(Map<String, Value>),
    /// All that is answered of it, as text.
    Text(String),
}

/// The text of what a request asked for of a resource.
///
/// ```
/// use scim_protocol::{Resource, ResourceDefinition, query::Projection, resource::Projector};
/// use scim_service::render::text;
/// use serde_json::json;
///
/// let users = ResourceDefinition::user();
/// let projection = Projection { attributes: vec!["title".parse()?], ..Projection::default() };
/// let ava: Resource = serde_json::from_value(json!({"userName": "ava", "title": "Engineer"}))?;
/// let shown = text(&Projector::new(&users, &projection), ava.attributes());
/// assert_eq!(shown, r#"{"title":"Engineer"}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn text(projector: &Projector<'_>, attributes: &Map<String, Value>) -> String {
    let written = serde_json::to_string(&projector.view(attributes));
    // What is a map of JSON can be written.
    written.unwrap_or_else(|_| Value::Object(projector.project(attributes)).to_string())
}

/// A document with `id` and `meta`: `schemas`, `id` and `externalId` first, `meta` last.
///
/// ```
/// use chrono::DateTime;
/// use scim_protocol::{ResourceDefinition, Version};
/// use scim_service::render::{Common, envelope};
///
/// let (users, at) = (ResourceDefinition::user(), DateTime::UNIX_EPOCH);
/// let common = Common { id: "7", created: at, last_modified: at, tag: Version(1).into() };
/// let ava = envelope(&users, "https://x.example/v2", common, serde_json::Map::new());
/// assert_eq!(ava["id"], "7");
/// assert_eq!(ava["meta"]["created"], "1970-01-01T00:00:00.000Z");
/// ```
pub fn envelope(
    definition: &ResourceDefinition,
    base_url: &str,
    common: Common<'_>,
    document: Map<String, Value>,
) -> Map<String, Value> {
    let mut attributes = Map::with_capacity(document.len() + 3);
    if let Some(schemas) = document.get("schemas") {
        attributes.insert("schemas".into(), schemas.clone());
    }
    attributes.insert("id".into(), common.id.into());
    let others = document.into_iter().filter(|(name, _)| name != "schemas");
    attributes.extend(others);
    attributes.insert(
        "meta".into(),
        json!({
            "resourceType": definition.name(),
            "created": date_time(common.created),
            "lastModified": date_time(common.last_modified),
            "location": location(definition, base_url, common.id),
            "version": common.tag.to_string(),
        }),
    );
    attributes
}

/// The URL of a resource.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_service::render::location;
///
/// let users = ResourceDefinition::user();
/// assert_eq!(location(&users, "https://x.example/v2", 7), "https://x.example/v2/Users/7");
/// ```
pub fn location(
    definition: &ResourceDefinition,
    base_url: &str,
    id: impl std::fmt::Display,
) -> String {
    format!("{base_url}{}/{id}", definition.resource_type().endpoint)
}

/// An instant as SCIM writes it, in UTC with milliseconds.
///
/// ```
/// use chrono::DateTime;
/// use scim_service::render::date_time;
///
/// assert_eq!(date_time(DateTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
/// ```
pub fn date_time(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}
