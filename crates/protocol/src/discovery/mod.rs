//! The documents by which a service provider describes itself (RFC 7643 sections 5 to 7,
//! RFC 7644 section 4).

mod read;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::limits::Limits;
use crate::path::same_name;
use crate::schema::{ResourceDefinition, ResourceType, Schema, builtin};
use crate::uri;

/// What a service provider supports (RFC 7643 section 5).
///
/// ```
/// use scim_protocol::{Limits, discovery::ServiceProviderConfig};
///
/// let config = ServiceProviderConfig::new(&Limits::default(), 3600);
/// let resource = config.to_resource("https://scim.example/v2");
/// assert_eq!(resource["bulk"]["maxOperations"], 1000);
/// assert_eq!(resource["meta"]["location"], "https://scim.example/v2/ServiceProviderConfig");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServiceProviderConfig {
    /// Where people find out more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation_uri: Option<String>,
    /// PATCH.
    pub patch: Feature,
    /// Bulk operations.
    pub bulk: BulkFeature,
    /// Filters.
    pub filter: FilterFeature,
    /// Changing passwords.
    pub change_password: Feature,
    /// Sorting.
    pub sort: Feature,
    /// Entity tags.
    pub etag: Feature,
    /// Pages of results (RFC 9865 section 4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination: Option<Pagination>,
    /// Security events (RFC 9967 section 4); without it there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_events: Option<SecurityEvents>,
    /// How clients authenticate.
    #[serde(default)]
    pub authentication_schemes: Vec<AuthenticationScheme>,
}

/// Whether something is supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// Whether it is.
    pub supported: bool,
}

/// Bulk operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BulkFeature {
    /// Whether they are supported.
    pub supported: bool,
    /// Operations of a request at most; who supports none may leave it out.
    #[serde(default)]
    pub max_operations: usize,
    /// Bytes of a request at most; who supports none may leave it out.
    #[serde(default)]
    pub max_payload_size: usize,
}

/// Filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FilterFeature {
    /// Whether they are supported.
    pub supported: bool,
    /// Resources in an answer at most; who supports no filter may leave it out.
    #[serde(default)]
    pub max_results: usize,
}

/// Pages of results (RFC 9865 section 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Pagination {
    /// Whether pages go by cursor.
    pub cursor: bool,
    /// Whether pages go by index.
    pub index: bool,
    /// The method when a request names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_pagination_method: Option<String>,
    /// Resources in a page when a request names no count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_page_size: Option<usize>,
    /// Resources in a page at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_page_size: Option<usize>,
    /// Seconds for which a cursor is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor_timeout: Option<u64>,
}

/// Security events of a service provider (RFC 9967 section 4).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SecurityEvents {
    /// `none`, `long` or `request`: whether requests are completed asynchronously.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub async_request: Option<String>,
    /// The URIs of the events that are delivered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_uris: Vec<String>,
}

/// A way to authenticate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuthenticationScheme {
    /// The kind, such as `oauthbearertoken`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Where it is specified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_uri: Option<String>,
    /// Where people find out more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation_uri: Option<String>,
    /// Whether it is the preferred one.
    #[serde(default)]
    pub primary: bool,
}

impl ServiceProviderConfig {
    /// Everything that this crate supports, within limits; `cursor_timeout` is in seconds. Clients
    /// authenticate by bearer tokens, until `authentication_schemes` says otherwise.
    pub fn new(limits: &Limits, cursor_timeout: u64) -> Self {
        let yes = Feature { supported: true };
        Self {
            documentation_uri: None,
            patch: yes,
            bulk: BulkFeature {
                supported: true,
                max_operations: limits.bulk_operations,
                max_payload_size: limits.bulk_body,
            },
            filter: FilterFeature {
                supported: true,
                max_results: limits.page_max,
            },
            change_password: Feature { supported: false },
            sort: yes,
            etag: yes,
            pagination: Some(Pagination {
                cursor: true,
                index: true,
                // RFC 9865 section 2.4: who pages by both says which is meant when a request does not.
                default_pagination_method: Some("index".to_owned()),
                default_page_size: Some(limits.page_default),
                max_page_size: Some(limits.page_max),
                cursor_timeout: Some(cursor_timeout),
            }),
            security_events: None,
            authentication_schemes: vec![AuthenticationScheme {
                kind: "oauthbearertoken".to_owned(),
                name: "OAuth Bearer Token".to_owned(),
                description: "A token, sent as a bearer token.".to_owned(),
                spec_uri: Some("https://www.rfc-editor.org/rfc/rfc6750".to_owned()),
                documentation_uri: None,
                primary: true,
            }],
        }
    }

    /// Reads the resource at `/ServiceProviderConfig`, as a client does. Names are read in any case,
    /// and what the RFCs leave optional may be missing.
    ///
    /// ```
    /// use scim_protocol::discovery::ServiceProviderConfig;
    /// use serde_json::json;
    ///
    /// let no = json!({"supported": false});
    /// let config = ServiceProviderConfig::from_json(json!({"patch": {"Supported": true},
    ///     "bulk": no, "filter": no, "changePassword": no, "sort": no, "etag": no,
    ///     "pagination": {"cursor": true, "index": false}}))?;
    /// assert!(config.patch.supported && !config.bulk.supported);
    /// assert!(config.pagination.is_some_and(|pagination| pagination.cursor));
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    ///
    /// # Errors
    /// `invalidSyntax` when it is no such document.
    pub fn from_json(body: Value) -> Result<Self, Error> {
        read::document(body, &builtin::service_provider_config().attributes)
    }

    /// The resource at `/ServiceProviderConfig`; `base_url` has no slash at its end.
    pub fn to_resource(&self, base_url: &str) -> Value {
        resource(
            uri::SERVICE_PROVIDER_CONFIG,
            "ServiceProviderConfig",
            &format!("{base_url}/ServiceProviderConfig"),
            &json!(self),
        )
    }
}

impl AuthenticationScheme {
    /// A scheme that is not preferred and says nowhere more of itself; the kind is one of RFC 7643
    /// section 5, such as `oauthbearertoken`.
    ///
    /// ```
    /// use scim_protocol::discovery::AuthenticationScheme;
    ///
    /// let basic = AuthenticationScheme::new("httpbasic", "Basic", "A name and a password.");
    /// assert!(!basic.primary);
    /// ```
    pub fn new(
        kind: impl Into<String>,
        name: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
            description: description.into(),
            spec_uri: None,
            documentation_uri: None,
            primary: false,
        }
    }
}

/// The resource types that a service provider serves, and their schemas.
#[derive(Debug, Clone, Copy)]
pub struct Catalog<'a> {
    definitions: &'a [&'a ResourceDefinition],
    security_events: bool,
}

impl<'a> Catalog<'a> {
    /// The catalog of these resource types, in this order.
    pub fn new(definitions: &'a [&'a ResourceDefinition]) -> Self {
        Self {
            definitions,
            security_events: false,
        }
    }

    /// The same for a service provider of whose changes security events tell: the schema of its
    /// configuration has the attribute that says so (RFC 9967 section 4).
    ///
    /// ```
    /// use scim_protocol::discovery::Catalog;
    /// use scim_protocol::schema::uri;
    ///
    /// let catalog = Catalog::new(&[]).with_security_events();
    /// let schema = catalog.schema(uri::SERVICE_PROVIDER_CONFIG).unwrap();
    /// assert!(schema.attribute("securityEvents").is_some());
    /// ```
    #[must_use]
    pub fn with_security_events(self) -> Self {
        Self {
            security_events: true,
            ..self
        }
    }

    /// The resources at `/ResourceTypes`.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_protocol::discovery::Catalog;
    ///
    /// let users = ResourceDefinition::user();
    /// let definitions = [&users];
    /// let catalog = Catalog::new(&definitions);
    /// assert_eq!(catalog.resource_types("https://x.example/v2")[0]["name"], "User");
    /// ```
    pub fn resource_types(&self, base_url: &str) -> Vec<Value> {
        self.definitions
            .iter()
            .map(|definition| resource_type(definition.resource_type(), base_url))
            .collect()
    }

    /// The resource at `/ResourceTypes/{name}`.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_protocol::discovery::Catalog;
    ///
    /// let users = ResourceDefinition::user();
    /// let definitions = [&users];
    /// let catalog = Catalog::new(&definitions);
    /// assert!(catalog.resource_type("Lamp", "https://x.example/v2").is_none());
    /// ```
    pub fn resource_type(&self, name: &str, base_url: &str) -> Option<Value> {
        let definition = self.definitions.iter().find(|d| d.name() == name)?;
        Some(resource_type(definition.resource_type(), base_url))
    }

    /// Every schema: of the resource types, and of the documents of this module.
    /// Whatever a resource type names is among them (RFC 7643 section 6).
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_protocol::discovery::Catalog;
    ///
    /// let users = ResourceDefinition::user();
    /// let definitions = [&users];
    /// let catalog = Catalog::new(&definitions);
    /// assert_eq!(catalog.schemas().len(), 5);
    /// ```
    pub fn schemas(&self) -> Vec<Schema> {
        let mut schemas: Vec<Schema> = Vec::new();
        let served = self
            .definitions
            .iter()
            .flat_map(|d| std::iter::once(d.core()).chain(d.extensions()));
        for schema in served {
            if !schemas.iter().any(|known| known.id == schema.id) {
                schemas.push(schema.clone());
            }
        }
        // RFC 7644 section 3.1: schemas of messages are not listed.
        let mut config = builtin::service_provider_config();
        if self.security_events {
            config = config.with([builtin::security_events()]);
        }
        schemas.extend([config, builtin::resource_type(), builtin::schema_schema()]);
        schemas
    }

    /// The schema of a URI, in any case.
    pub fn schema(&self, id: &str) -> Option<Schema> {
        self.schemas()
            .into_iter()
            .find(|schema| same_name(&schema.id, id))
    }
}

/// The resource at `/Schemas/{uri}` (RFC 7643 section 7).
pub fn schema(schema: &Schema, base_url: &str) -> Value {
    let location = format!("{base_url}/Schemas/{}", schema.id);
    resource(uri::SCHEMA, "Schema", &location, &json!(schema))
}

fn resource_type(resource_type: &ResourceType, base_url: &str) -> Value {
    let location = format!("{base_url}/ResourceTypes/{}", resource_type.name);
    resource(
        uri::RESOURCE_TYPE,
        "ResourceType",
        &location,
        &json!(resource_type),
    )
}

fn resource(schema: &str, kind: &str, location: &str, content: &Value) -> Value {
    let mut members = Map::new();
    members.insert("schemas".into(), json!([schema]));
    members.extend(content.as_object().cloned().unwrap_or_default());
    members.insert(
        "meta".into(),
        json!({ "resourceType": kind, "location": location }),
    );
    Value::Object(members)
}

#[cfg(test)]
mod tests;
