//! A resource as an answer shows it, written without a copy of it.

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::project::{Projector, Seen, Shown, fits, fits_kind};

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
                    written.serialize_entry(name, &schemas)?;
                }
                Seen::Attribute(shown) => {
                    if shows(shown, value) {
                        written.serialize_entry(name, &Part { shown, value })?;
                    }
                }
                Seen::Extension(extension) => {
                    let members = value.as_object().into_iter().flatten();
                    let parts = members.filter_map(|(name, value)| {
                        let shown = extension.get(name)?;
                        shows(shown, value).then_some((name, Part { shown, value }))
                    });
                    let mut parts = parts.peekable();
                    if parts.peek().is_some() {
                        written.serialize_key(name)?;
                        written.serialize_value(&Members(std::cell::Cell::new(Some(parts))))?;
                    }
                }
                Seen::Nothing => {}
            }
        }
        written.end()
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
                    let part = shown.part(name).filter(|part| shows(part, value));
                    if let Some(shown) = part {
                        written.serialize_entry(name, &Part { shown, value })?;
                    }
                }
                written.end()
            }
            simple => simple.serialize(serializer),
        }
    }
}

/// Members that are written as they come, once.
struct Members<I>(std::cell::Cell<Option<I>>);

impl<'p, 'a: 'p, I: Iterator<Item = (&'p String, Part<'p, 'a>)>> Serialize for Members<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.take().into_iter().flatten())
    }
}
