//! A resource as an answer shows it, written without a copy of it.

use std::cell::Cell;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::project::{Listed, Projector, Seen, Shown, fits, fits_kind};

/// The part of a resource that a request asked for, as [`Projector::project`] makes it, to be written.
///
/// It borrows the resource: what is written is not copied first.
#[derive(Debug, Clone, Copy)]
pub struct View<'v> {
    projector: &'v Projector<'v>,
    attributes: &'v Map<String, Value>,
}

impl Projector<'_> {
    /// The part of one resource, to be written.
    ///
    /// ```
    /// use scim_protocol::query::Projection;
    /// use scim_protocol::resource::Projector;
    /// use scim_protocol::{Resource, ResourceDefinition};
    /// use serde_json::json;
    ///
    /// let users = ResourceDefinition::user();
    /// let ava: Resource = serde_json::from_value(json!({"userName": "ava", "password": "secret"}))?;
    /// let projection = Projection::default();
    /// let projector = Projector::new(&users, &projection);
    /// let written = serde_json::to_string(&projector.view(ava.attributes()))?;
    /// assert_eq!(written, r#"{"userName":"ava"}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn view<'v>(&'v self, attributes: &'v Map<String, Value>) -> View<'v> {
        View {
            projector: self,
            attributes,
        }
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = serializer.serialize_map(None)?;
        for (name, value) in self.attributes {
            match self.projector.seen(name) {
                Seen::Schemas => {
                    let schemas = self.projector.schemas(value, self.attributes);
                    written.serialize_entry(name, &Elements(Cell::new(Some(schemas))))?;
                }
                Seen::Attribute(shown) => write_member(&mut written, name, shown, value)?,
                Seen::Extension(extension) => {
                    let data = value.as_object().map(|members| Data { extension, members });
                    if let Some(data) = data.filter(Data::shows) {
                        written.serialize_entry(name, &data)?;
                    }
                }
                Seen::Nothing => {}
            }
        }
        written.end()
    }
}

/// Writes what is shown of a member, if anything is.
#[inline]
fn write_member<M: SerializeMap>(
    written: &mut M,
    name: &str,
    shown: &Shown<'_>,
    value: &Value,
) -> Result<(), M::Error> {
    match value {
        Value::Array(_) | Value::Object(_) => match shows(shown, value) {
            true => written.serialize_entry(name, &Part { shown, value }),
            false => Ok(()),
        },
        // What most members are needs no second look.
        simple => match fits(shown.attribute, simple) {
            true => written.serialize_entry(name, simple),
            false => Ok(()),
        },
    }
}

/// Whether anything of a value is shown.
fn shows(shown: &Shown<'_>, value: &Value) -> bool {
    fits(shown.attribute, value)
        && match value {
            Value::Array(elements) => elements.iter().any(|element| shows_element(shown, element)),
            single => shows_element(shown, single),
        }
}

fn shows_element(shown: &Shown<'_>, element: &Value) -> bool {
    match element {
        Value::Object(members) => {
            let mut members = members.iter();
            members.any(|(name, value)| shown.part(name).is_some_and(|part| shows(part, value)))
        }
        simple => fits_kind(shown.attribute.kind, simple),
    }
}

/// What is shown of a value, of which something is.
struct Part<'p, 'a> {
    shown: &'p Shown<'a>,
    value: &'p Value,
}

impl Serialize for Part<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = self.shown;
        match self.value {
            Value::Array(elements) => {
                let mut written = serializer.serialize_seq(None)?;
                for value in elements.iter().filter(|one| shows_element(shown, one)) {
                    written.serialize_element(&Part { shown, value })?;
                }
                written.end()
            }
            Value::Object(members) => {
                let mut written = serializer.serialize_map(None)?;
                for (name, value) in members {
                    if let Some(part) = shown.part(name) {
                        write_member(&mut written, name, part, value)?;
                    }
                }
                written.end()
            }
            simple => simple.serialize(serializer),
        }
    }
}

/// Elements that are written as they come, once.
struct Elements<I>(Cell<Option<I>>);

impl<'v, I: Iterator<Item = &'v Value>> Serialize for Elements<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.take().into_iter().flatten())
    }
}

/// The data of an extension.
struct Data<'p, 'a> {
    extension: &'p Listed<'a>,
    members: &'p Map<String, Value>,
}

impl Data<'_, '_> {
    /// Whether anything of it is shown.
    fn shows(&self) -> bool {
        let mut members = self.members.iter();
        members.any(|(name, value)| {
            let shown = self.extension.get(name);
            shown.is_some_and(|shown| shows(shown, value))
        })
    }
}

impl Serialize for Data<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut written = serializer.serialize_map(None)?;
        for (name, value) in self.members {
            if let Some(shown) = self.extension.get(name) {
                write_member(&mut written, name, shown, value)?;
            }
        }
        written.end()
    }
}
