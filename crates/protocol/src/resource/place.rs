//! Where a value stands.

use std::fmt;

use crate::path::AttributePath;

/// Where a value stands in a resource. It is put in words only where something deviates: most
/// values do not, and words cost more than the values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    holder: Holder<'p>,
    name: &'p str,
}

#[derive(Debug, Clone, Copy)]
enum Holder<'p> {
    Resource,
    Extension(&'p str),
    Attribute(&'p Place<'p>),
}

impl<'p> Place<'p> {
    /// An attribute of the core schema, or a path that is in words already.
    pub(crate) fn of(name: &'p str) -> Self {
        let holder = Holder::Resource;
        Self { holder, name }
    }

    /// An attribute of an extension.
    pub(crate) fn in_extension(uri: &'p str, name: &'p str) -> Self {
        let holder = Holder::Extension(uri);
        Self { holder, name }
    }

    /// A sub-attribute of what stands here.
    pub(crate) fn sub(&'p self, name: &'p str) -> Self {
        let holder = Holder::Attribute(self);
        Self { holder, name }
    }

    /// The same in names.
    pub(crate) fn path(&self) -> AttributePath {
        match self.holder {
            Holder::Resource => AttributePath::new(self.name),
            Holder::Extension(uri) => AttributePath {
                schema: Some(uri.to_owned()),
                ..AttributePath::new(self.name)
            },
            Holder::Attribute(attribute) => attribute.path().with_sub_attribute(self.name),
        }
    }

    /// Whether it is the attribute of the core schema that has this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(self.holder, Holder::Resource) && self.name == name
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.holder {
            Holder::Resource => {}
            Holder::Extension(uri) => write!(formatter, "{uri}:")?,
            Holder::Attribute(attribute) => write!(formatter, "{attribute}.")?,
        }
        formatter.write_str(self.name)
    }
}
