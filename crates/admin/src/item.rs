//! The things that a document declares.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a thing is that a document declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum ItemKind {
    /// A custom field.
    CustomField,
    /// A lookup table.
    Table,
    /// A provisioning configuration.
    Configuration,
    /// The rules of a configuration for one kind of resource.
    Mapping,
    /// A stream of the feed.
    Stream,
}

/// Which thing of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemName {
    /// What it is.
    pub kind: ItemKind,
    /// Its name.
    pub name: String,
}

impl ItemKind {
    /// The kind, as people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::CustomField => "custom field",
            Self::Table => "table",
            Self::Configuration => "configuration",
            Self::Mapping => "mapping",
            Self::Stream => "stream",
        }
    }

    /// A thing of this kind.
    pub(crate) fn named(self, name: impl Into<String>) -> ItemName {
        ItemName {
            kind: self,
            name: name.into(),
        }
    }
}

impl fmt::Display for ItemName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} \"{}\"", self.kind.words(), self.name)
    }
}
