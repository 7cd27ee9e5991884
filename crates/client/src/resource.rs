//! Resources that a client reads and writes as structs of its own.

use scim_protocol::group::Group;
use scim_protocol::user::User;
use scim_protocol::{Error, Resource, ResourceDefinition, Tolerance};
use serde_json::Value;

/// A type whose values are resources of one endpoint.
///
/// [`User`] and [`Group`] are; a type of your own says where it lives and how it is told from a
/// [`Resource`]:
///
/// ```
/// use scim_client::ScimResource;
/// use scim_protocol::schema::{Attribute, AttributeType, Schema};
/// use scim_protocol::{Error, Resource, ResourceDefinition};
/// use serde_json::json;
///
/// #[derive(Clone)]
/// struct Lamp(Resource);
///
/// impl From<Lamp> for Resource {
///     fn from(lamp: Lamp) -> Self {
///         lamp.0
///     }
/// }
///
/// impl TryFrom<Resource> for Lamp {
///     type Error = Error;
///
///     fn try_from(resource: Resource) -> Result<Self, Error> {
///         Ok(Self(resource))
///     }
/// }
///
/// impl ScimResource for Lamp {
///     const ENDPOINT: &'static str = "/Lamps";
///
///     fn definition() -> ResourceDefinition {
///         let schema = Schema::new("urn:example:Lamp", "Lamp")
///             .with([Attribute::new("watt", AttributeType::Integer)]);
///         ResourceDefinition::new("Lamp", Self::ENDPOINT, "A lamp", schema)
///     }
/// }
///
/// let lamp = Lamp::from_response(json!({"id": "7", "WATT": "40"}))?;
/// assert_eq!(lamp.0.attributes()["watt"], 40);
/// # Ok::<(), Error>(())
/// ```
pub trait ScimResource: Clone + Into<Resource> + TryFrom<Resource, Error = Error> {
    /// The endpoint below the base URL, such as `/Users`.
    const ENDPOINT: &'static str;

    /// The schemas by which answers are read.
    fn definition() -> ResourceDefinition;

    /// Reads a resource that a service provider answered, tolerantly.
    ///
    /// # Errors
    /// When it is no such resource.
    fn from_response(body: Value) -> Result<Self, Error> {
        let resource =
            Resource::read_response(&Self::definition(), body, &mut Tolerance::default())?;
        Self::try_from(resource)
    }
}

impl ScimResource for User {
    const ENDPOINT: &'static str = "/Users";

    fn definition() -> ResourceDefinition {
        ResourceDefinition::user()
    }
}

impl ScimResource for Group {
    const ENDPOINT: &'static str = "/Groups";

    fn definition() -> ResourceDefinition {
        ResourceDefinition::group()
    }
}
