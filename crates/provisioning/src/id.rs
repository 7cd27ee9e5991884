//! Ids of configurations and resources.

use std::fmt;

use scim_service::{Environment, SystemEnvironment};
use uuid::Uuid;

pub use scim_mapping::ResourceKind;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id; ids grow with time (UUID version 7). For tests and for whoever has no
            /// [`Environment`] that draws it.
            #[expect(clippy::new_without_default, reason = "an id is never a default")]
            pub fn new() -> Self {
                Self(SystemEnvironment.uuid())
            }

            /// The id a text spells; `None` for anything but a UUID.
            ///
            /// Only the hyphenated form in lower case is an id, because ids are `caseExact`.
            pub fn parse(text: &str) -> Option<Self> {
                let id = Self(Uuid::try_parse(text).ok()?);
                (id.to_string() == text).then_some(id)
            }

            /// The id that a UUID is.
            pub fn of(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(formatter)
            }
        }
    };
}

id! {
    /// The `id` of a User or Group.
    ResourceId
}

id! {
    /// The id of a run.
    RunId
}

id! {
    /// The id of a provisioning configuration.
    ConfigurationId
}

impl ResourceId {
    /// The id before all others.
    pub(crate) const FIRST: Self = Self(Uuid::nil());
}

impl ConfigurationId {
    /// The id of no configuration.
    pub const NONE: Self = Self(Uuid::nil());
}
