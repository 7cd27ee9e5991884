//! Attribute definitions (RFC 7643 section 7).

use serde::{Deserialize, Serialize};

use crate::path::same_name;

/// The data type of an attribute (RFC 7643 section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeType {
    /// A Unicode string.
    String,
    /// `true` or `false`.
    Boolean,
    /// A number with a fraction.
    Decimal,
    /// A whole number.
    Integer,
    /// An instant, as an XML Schema `dateTime`.
    DateTime,
    /// Bytes in base64.
    Binary,
    /// A URI.
    Reference,
    /// Sub-attributes.
    Complex,
}

/// When the value of an attribute may be set (RFC 7643 section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// By the service provider alone.
    ReadOnly,
    /// At any time.
    ReadWrite,
    /// Once, when it has no value.
    Immutable,
    /// At any time, and never returned.
    WriteOnly,
}

/// When an attribute is part of a response (RFC 7643 section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// Always.
    Always,
    /// Never.
    Never,
    /// Unless the request excludes it.
    Default,
    /// If the request asks for it.
    Request,
}

/// How unique a value must be (RFC 7643 section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Not at all.
    None,
    /// Within the endpoint.
    Server,
    /// Everywhere.
    Global,
}

/// The definition of an attribute or sub-attribute.
///
/// It begins as a read-write attribute of one value that is returned by default and compared without
/// regard to case; what else it is comes behind:
///
/// ```
/// use scim_protocol::schema::{Attribute, AttributeType, Mutability, Returned, Uniqueness};
///
/// let serial = Attribute::new("serial", AttributeType::String)
///     .described("The number on the back.")
///     .required()
///     .exact()
///     .unique(Uniqueness::Server)
///     .mutable(Mutability::Immutable);
/// // A complex one has sub-attributes, and may have several values.
/// let ports = Attribute::new("ports", AttributeType::Complex)
///     .with([
///         Attribute::new("value", AttributeType::Integer),
///         Attribute::new("type", AttributeType::String).canonical(["copper", "fibre"]),
///         Attribute::new("key", AttributeType::String).returned(Returned::Never),
///     ])
///     .multi();
/// assert_eq!(ports.sub_attributes.len(), 3);
/// assert!(serial.required);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Attribute {
    /// The name, in its canonical case.
    pub name: String,
    /// The data type; a string where none is named.
    #[serde(rename = "type", default = "text")]
    pub kind: AttributeType,
    /// Whether it holds several values.
    #[serde(default)]
    pub multi_valued: bool,
    /// What it is, for people.
    #[serde(default)]
    pub description: String,
    /// Whether a resource must have it.
    #[serde(default)]
    pub required: bool,
    /// Suggested values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Whether strings are compared with regard to case.
    #[serde(default)]
    pub case_exact: bool,
    /// When it may be set.
    #[serde(default = "read_write")]
    pub mutability: Mutability,
    /// When it is returned.
    #[serde(default = "by_default")]
    pub returned: Returned,
    /// How unique it is.
    #[serde(default = "not_unique")]
    pub uniqueness: Uniqueness,
    /// What a reference may point to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// The sub-attributes of a complex attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Self>,
}

impl Attribute {
    /// A read-write attribute with a single value, returned by default, not unique.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType, Mutability};
    ///
    /// let badge = Attribute::new("badge", AttributeType::Integer)
    ///     .described("The number on the badge.")
    ///     .mutable(Mutability::Immutable);
    /// assert!(!badge.multi_valued);
    /// ```
    pub fn new(name: impl Into<String>, kind: AttributeType) -> Self {
        Self {
            name: name.into(),
            kind,
            multi_valued: false,
            description: String::new(),
            required: false,
            canonical_values: Vec::new(),
            case_exact: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            reference_types: Vec::new(),
            sub_attributes: Vec::new(),
        }
    }

    /// With a description.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Holding several values.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType};
    ///
    /// assert!(Attribute::new("sites", AttributeType::String).multi().multi_valued);
    /// ```
    #[must_use]
    pub fn multi(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    /// Required.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType};
    ///
    /// assert!(Attribute::new("site", AttributeType::String).required().required);
    /// ```
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Compared with regard to case.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType};
    ///
    /// assert!(Attribute::new("serial", AttributeType::String).exact().case_exact);
    /// ```
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    /// With this mutability.
    #[must_use]
    pub fn mutable(mut self, mutability: Mutability) -> Self {
        self.mutability = mutability;
        self
    }

    /// Returned like this.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType, Returned};
    ///
    /// let pin = Attribute::new("pin", AttributeType::String).returned(Returned::Never);
    /// assert_eq!(pin.visibility(), Returned::Never);
    /// ```
    #[must_use]
    pub fn returned(mut self, returned: Returned) -> Self {
        self.returned = returned;
        self
    }

    /// With this uniqueness. Unique text that is not [`exact`](Self::exact) is a name, and is
    /// compared without white space at either end
    /// ([`fold_name`](crate::text::fold_name)).
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType, Uniqueness};
    ///
    /// let serial = Attribute::new("serial", AttributeType::String).unique(Uniqueness::Server);
    /// assert_eq!(serial.uniqueness, Uniqueness::Server);
    /// ```
    #[must_use]
    pub fn unique(mut self, uniqueness: Uniqueness) -> Self {
        self.uniqueness = uniqueness;
        self
    }

    /// With suggested values.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType};
    ///
    /// let kind = Attribute::new("type", AttributeType::String).canonical(["work", "home"]);
    /// assert_eq!(kind.canonical_values, ["work", "home"]);
    /// ```
    #[must_use]
    pub fn canonical<const N: usize>(mut self, values: [&str; N]) -> Self {
        self.canonical_values = values.map(str::to_owned).to_vec();
        self
    }

    /// Pointing to these.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType};
    ///
    /// let owner = Attribute::new("$ref", AttributeType::Reference).referring(["User"]);
    /// assert_eq!(owner.reference_types, ["User"]);
    /// ```
    #[must_use]
    pub fn referring<const N: usize>(mut self, types: [&str; N]) -> Self {
        self.reference_types = types.map(str::to_owned).to_vec();
        self
    }

    /// With sub-attributes.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType};
    ///
    /// let owner = Attribute::new("owner", AttributeType::Complex)
    ///     .with([Attribute::new("value", AttributeType::String)]);
    /// assert!(owner.sub_attribute("VALUE").is_some());
    /// ```
    #[must_use]
    pub fn with<const N: usize>(mut self, sub_attributes: [Self; N]) -> Self {
        self.sub_attributes = sub_attributes.to_vec();
        self
    }

    /// The sub-attribute of this name, in any case.
    pub fn sub_attribute(&self, name: &str) -> Option<&Self> {
        self.sub_attributes
            .iter()
            .find(|attribute| same_name(&attribute.name, name))
    }

    /// When a value is returned: `returned`, but what can only be written never is (RFC 7643
    /// section 7), as a password is not (RFC 7643 section 4.1.1). Whatever shows, finds or orders by a value asks this, of an attribute and its
    /// sub-attribute alike; [`Resolved::visibility`](super::Resolved::visibility) asks both.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType, Mutability, Returned};
    ///
    /// let pin = Attribute::new("pin", AttributeType::String).mutable(Mutability::WriteOnly);
    /// assert_eq!(pin.visibility(), Returned::Never);
    /// ```
    pub fn visibility(&self) -> Returned {
        match self.mutability {
            Mutability::WriteOnly => Returned::Never,
            _ => self.returned,
        }
    }

    /// Whether values are text: strings and references.
    ///
    /// ```
    /// use scim_protocol::schema::{Attribute, AttributeType};
    ///
    /// assert!(Attribute::new("site", AttributeType::String).is_text());
    /// ```
    pub fn is_text(&self) -> bool {
        matches!(self.kind, AttributeType::String | AttributeType::Reference)
    }
}

fn text() -> AttributeType {
    AttributeType::String
}

fn read_write() -> Mutability {
    Mutability::ReadWrite
}

fn by_default() -> Returned {
    Returned::Default
}

fn not_unique() -> Uniqueness {
    Uniqueness::None
}
