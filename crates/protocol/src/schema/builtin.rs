//! The schemas of RFC 7643 as data (sections 4, 5, 6 and 7; representations in section 8.7).

use super::AttributeType::{Binary, Boolean, Complex, Integer, Reference, String};
use super::{Attribute, AttributeType, Mutability, Returned, Schema, Uniqueness};
use crate::uri;

/// The core schema of a User (RFC 7643 section 4.1): `userName` as RFC 7643 section 4.1.1 has it, values
/// of several attributes as RFC 7643 section 4.1.2 does, and nothing complex inside what is complex
/// (RFC 7643 section 2.3.8).
///
/// ```
/// use scim_protocol::schema::builtin;
///
/// assert!(builtin::user().attribute("userName").is_some());
/// ```
pub fn user() -> Schema {
    let mut attributes = single_valued_user();
    attributes.extend(multi_valued_user());
    schema(uri::USER, "User", "User Account", attributes)
}

fn single_valued_user() -> Vec<Attribute> {
    vec![
        text(
            "userName",
            "The name by which the user is known to the service provider.",
        )
        .required()
        .unique(Uniqueness::Server),
        Attribute::new("name", Complex)
            .described("The parts of the user's name.")
            .with([
                text("formatted", "The whole name, as it is shown."),
                text("familyName", "The family name or last name."),
                text("givenName", "The given name or first name."),
                text("middleName", "The middle names."),
                text(
                    "honorificPrefix",
                    "A title in front of the name, such as Dr.",
                ),
                text("honorificSuffix", "A suffix behind the name, such as III."),
            ]),
        text("displayName", "The name that is shown to other people."),
        text("nickName", "The casual way to address the user."),
        Attribute::new("profileUrl", Reference)
            .described("The address of the user's online profile.")
            .exact()
            .referring(["external"]),
        text("title", "The job title."),
        text(
            "userType",
            "How the user relates to the organization, such as Contractor.",
        ),
        text(
            "preferredLanguage",
            "The languages the user prefers, as in Accept-Language.",
        ),
        text(
            "locale",
            "Where the user is, to localize currency, dates and numbers.",
        ),
        text(
            "timezone",
            "The time zone in the form of the IANA database.",
        ),
        Attribute::new("active", Boolean).described("Whether the user may work."),
        text("password", "The password in clear text, to set or compare.")
            .exact()
            .mutable(Mutability::WriteOnly)
            .returned(Returned::Never),
    ]
}

fn multi_valued_user() -> Vec<Attribute> {
    vec![
        plural(
            "emails",
            "E-mail addresses.",
            text("value", "The e-mail address."),
        )
        .with_types(["work", "home", "other"]),
        plural(
            "phoneNumbers",
            "Phone numbers.",
            text("value", "The phone number."),
        )
        .with_types(["work", "home", "mobile", "fax", "pager", "other"]),
        plural(
            "ims",
            "Instant messaging addresses.",
            text("value", "The address."),
        )
        .with_types(["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
        plural(
            "photos",
            "Pictures of the user.",
            external("value", "The address of the picture."),
        )
        .with_types(["photo", "thumbnail"]),
        addresses(),
        Attribute::new("groups", Complex)
            .multi()
            .described("The groups that the user is a member of.")
            .mutable(Mutability::ReadOnly)
            .with([
                read_only(text("value", "The id of the group.")),
                read_only(reference("$ref", "The address of the group.", ["Group"])),
                read_only(text("display", "The name of the group.")),
                read_only(
                    text("type", "Whether the membership is direct.")
                        .canonical(["direct", "indirect"]),
                ),
            ]),
        plural(
            "entitlements",
            "What the user is entitled to.",
            text("value", "The entitlement."),
        )
        .with_types([]),
        plural(
            "roles",
            "The roles of the user.",
            text("value", "The role."),
        )
        .with_types([]),
        plural(
            "x509Certificates",
            "Certificates of the user.",
            Attribute::new("value", Binary)
                .described("The certificate in DER, in base64.")
                .exact(),
        )
        .with_types([]),
    ]
}

fn addresses() -> Attribute {
    Attribute::new("addresses", Complex)
        .multi()
        .described("Postal addresses.")
        .with([
            text(
                "formatted",
                "The whole address, as it is written on a letter.",
            ),
            text("streetAddress", "Street, house number and the like."),
            text("locality", "The city."),
            text("region", "The state or region."),
            text("postalCode", "The postal code."),
            text("country", "The country, as a two-letter code."),
            text("type", "What the address is for.").canonical(["work", "home", "other"]),
            Attribute::new("primary", Boolean).described("Whether it is the preferred one."),
        ])
}

/// The core schema of a Group (RFC 7643 section 4.2).
///
/// ```
/// use scim_protocol::schema::builtin;
///
/// assert!(builtin::group().attribute("members").is_some());
/// ```
pub fn group() -> Schema {
    let attributes = vec![
        text("displayName", "The name of the group.")
            .required()
            .unique(Uniqueness::Server),
        Attribute::new("members", Complex)
            .multi()
            .described("The members of the group.")
            .with([
                // RFC 7643 section 8.7.1: these ids are not caseExact, as `id` itself is.
                text("value", "The id of the member.").mutable(Mutability::Immutable),
                reference("$ref", "The address of the member.", ["User", "Group"])
                    .mutable(Mutability::Immutable),
                text("type", "Whether the member is a User or a Group.")
                    .canonical(["User", "Group"])
                    .mutable(Mutability::Immutable),
                // Looking it up is for those who ask for it.
                read_only(text("display", "The name of the member.")).returned(Returned::Request),
            ]),
    ];
    schema(uri::GROUP, "Group", "Group", attributes)
}

/// The enterprise extension of a User (RFC 7643 section 4.3).
///
/// ```
/// use scim_protocol::schema::builtin;
///
/// assert!(builtin::enterprise_user().attribute("manager").is_some());
/// ```
pub fn enterprise_user() -> Schema {
    let attributes = vec![
        text(
            "employeeNumber",
            "The number that the organization gave the user.",
        ),
        text("costCenter", "The cost center."),
        text("organization", "The organization."),
        text("division", "The division."),
        text("department", "The department."),
        Attribute::new("manager", Complex)
            .described("The user's manager.")
            .with([
                text("value", "The id of the manager."),
                reference("$ref", "The address of the manager.", ["User"]),
                read_only(text("displayName", "The name of the manager.")),
            ]),
    ];
    schema(
        uri::ENTERPRISE_USER,
        "EnterpriseUser",
        "Enterprise User",
        attributes,
    )
}

/// The schema of a service provider's configuration (RFC 7643 section 5, RFC 9865 section 4).
///
/// ```
/// use scim_protocol::schema::builtin;
///
/// assert!(builtin::service_provider_config().attribute("pagination").is_some());
/// ```
pub fn service_provider_config() -> Schema {
    let supported = || fixed("supported", Boolean, "Whether it is supported.").required();
    let feature = |name: &str, description: &str| {
        fixed(name, Complex, description)
            .required()
            .with([supported()])
    };
    let attributes = vec![
        read_only(external("documentationUri", "Where people find help.")),
        feature("patch", "PATCH."),
        fixed("bulk", Complex, "Bulk operations.").required().with([
            supported(),
            fixed(
                "maxOperations",
                Integer,
                "Operations of a bulk request at most.",
            )
            .required(),
            fixed(
                "maxPayloadSize",
                Integer,
                "Bytes of a bulk request at most.",
            )
            .required(),
        ]),
        fixed("filter", Complex, "Filters.").required().with([
            supported(),
            fixed("maxResults", Integer, "Resources in an answer at most.").required(),
        ]),
        feature("changePassword", "Changing passwords."),
        feature("sort", "Sorting."),
        feature("etag", "Entity tags."),
        pagination(supported()),
        fixed(
            "authenticationSchemes",
            Complex,
            "How clients authenticate.",
        )
        .multi()
        .required()
        .with([
            fixed("type", String, "The kind of scheme.")
                .required()
                .canonical([
                    "oauth",
                    "oauth2",
                    "oauthbearertoken",
                    "httpbasic",
                    "httpdigest",
                ]),
            fixed("name", String, "The name of the scheme.").required(),
            fixed("description", String, "What it is.").required(),
            read_only(external("specUri", "Where it is specified.")),
            read_only(external("documentationUri", "Where people find help.")),
            fixed("primary", Boolean, "Whether it is the preferred one."),
        ]),
    ];
    schema(
        uri::SERVICE_PROVIDER_CONFIG,
        "ServiceProviderConfig",
        "What the service provider supports",
        attributes,
    )
}

fn pagination(mut cursor: Attribute) -> Attribute {
    "cursor".clone_into(&mut cursor.name);
    fixed("pagination", Complex, "Pages of results.").with([
        cursor,
        fixed("index", Boolean, "Whether pages by index are supported.").required(),
        fixed(
            "defaultPaginationMethod",
            String,
            "The method when a request names none.",
        )
        .canonical(["cursor", "index"]),
        fixed(
            "defaultPageSize",
            Integer,
            "Resources in a page when a request names no count.",
        ),
        fixed("maxPageSize", Integer, "Resources in a page at most."),
        fixed(
            "cursorTimeout",
            Integer,
            "Seconds for which a cursor is valid.",
        ),
    ])
}

/// The attribute of a service provider's configuration that tells of security events (RFC 9967
/// section 4). Who sends none publishes the schema without it.
///
/// ```
/// use scim_protocol::schema::builtin;
///
/// let schema = builtin::service_provider_config();
/// assert!(schema.attribute("securityEvents").is_none());
/// let schema = schema.with([builtin::security_events()]);
/// assert!(schema.attribute("securityEvents").is_some());
/// ```
pub fn security_events() -> Attribute {
    fixed("securityEvents", Complex, "Security events.").with([
        fixed(
            "asyncRequest",
            String,
            "Whether requests are completed asynchronously.",
        )
        .exact()
        .canonical(["none", "long", "request"]),
        read_only(reference("eventUris", "The events that are delivered.", ["uri"]).multi()),
    ])
}

/// The schema of a resource type (RFC 7643 section 6).
///
/// ```
/// use scim_protocol::schema::builtin;
///
/// assert!(builtin::resource_type().attribute("endpoint").is_some());
/// ```
pub fn resource_type() -> Schema {
    let attributes = vec![
        fixed("id", String, "The id of the resource type."),
        fixed("name", String, "The name of the resource type.").required(),
        fixed("description", String, "What it is."),
        read_only(reference("endpoint", "The endpoint.", ["uri"])).required(),
        read_only(reference("schema", "The core schema.", ["uri"])).required(),
        fixed("schemaExtensions", Complex, "The extension schemas.")
            .multi()
            .with([
                read_only(reference("schema", "The extension schema.", ["uri"])).required(),
                fixed("required", Boolean, "Whether every resource must have it.").required(),
            ]),
    ];
    schema(
        uri::RESOURCE_TYPE,
        "ResourceType",
        "A type of resources",
        attributes,
    )
}

/// The schema of a schema (RFC 7643 section 7).
///
/// ```
/// use scim_protocol::schema::builtin;
///
/// assert!(builtin::schema_schema().attribute("attributes").is_some());
/// ```
pub fn schema_schema() -> Schema {
    let [name, kind, multi_valued] = [
        fixed("name", String, "The name of the attribute.")
            .required()
            .exact(),
        fixed("type", String, "The data type.")
            .required()
            .exact()
            .canonical([
                "string",
                "complex",
                "boolean",
                "decimal",
                "integer",
                "dateTime",
                "reference",
                "binary",
            ]),
        fixed("multiValued", Boolean, "Whether it holds several values.").required(),
    ];
    let characteristics = [
        name,
        kind,
        multi_valued,
        fixed("description", String, "What it is."),
        fixed("required", Boolean, "Whether a resource must have it."),
        fixed("canonicalValues", String, "Suggested values.")
            .multi()
            .exact(),
        fixed(
            "caseExact",
            Boolean,
            "Whether text is compared with regard to case.",
        ),
        fixed("mutability", String, "When it may be set.")
            .exact()
            .canonical(["readOnly", "readWrite", "immutable", "writeOnly"]),
        fixed("returned", String, "When it is returned.")
            .exact()
            .canonical(["always", "never", "default", "request"]),
        fixed("uniqueness", String, "How unique it is.")
            .exact()
            .canonical(["none", "server", "global"]),
        fixed("referenceTypes", String, "What a reference may point to.")
            .multi()
            .exact(),
    ];
    let mut attribute = fixed("attributes", Complex, "The attributes.")
        .multi()
        .required();
    attribute.sub_attributes = characteristics.to_vec();
    // Attributes nest two deep; the inner level has no level below it.
    let mut inner = fixed("subAttributes", Complex, "The sub-attributes.").multi();
    inner.sub_attributes = characteristics.to_vec();
    attribute.sub_attributes.push(inner);
    let attributes = vec![
        fixed("id", String, "The schema URI.").required(),
        fixed("name", String, "The name of the schema.").required(),
        fixed("description", String, "What it is."),
        attribute,
    ];
    schema(
        uri::SCHEMA,
        "Schema",
        "The definition of a schema",
        attributes,
    )
}

impl Attribute {
    /// Adds `display`, `type` and `primary` to the `value` of a multi-valued attribute
    /// (RFC 7643 section 2.4).
    fn with_types<const N: usize>(mut self, types: [&str; N]) -> Self {
        self.sub_attributes.extend([
            text("display", "How the value is shown."),
            text("type", "What the value is for.").canonical(types),
            Self::new("primary", Boolean).described("Whether it is the preferred one."),
        ]);
        self
    }
}

fn schema(id: &str, name: &str, description: &str, attributes: Vec<Attribute>) -> Schema {
    Schema {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        attributes,
    }
}

fn text(name: &str, description: &str) -> Attribute {
    Attribute::new(name, String).described(description)
}

fn external(name: &str, description: &str) -> Attribute {
    reference(name, description, ["external"])
}

fn reference<const N: usize>(name: &str, description: &str, to: [&str; N]) -> Attribute {
    Attribute::new(name, Reference)
        .described(description)
        .exact()
        .referring(to)
}

fn plural(name: &str, description: &str, value: Attribute) -> Attribute {
    Attribute::new(name, Complex)
        .multi()
        .described(description)
        .with([value])
}

fn read_only(attribute: Attribute) -> Attribute {
    attribute.mutable(Mutability::ReadOnly)
}

fn fixed(name: &str, kind: AttributeType, description: &str) -> Attribute {
    read_only(Attribute::new(name, kind).described(description))
}
