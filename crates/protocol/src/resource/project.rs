//! Which attributes an answer holds (RFC 7644 section 3.9).

use serde_json::{Map, Value};

use super::sketch::{Places, Sketch};
use crate::path::{AttributePath, same_name};
use crate::query::Projection;
use crate::schema::{Attribute, AttributeType, ResourceDefinition, Returned, Schema};

/// The part of a resource that a request asked for; see [`Projector`].
pub fn project(
    definition: &ResourceDefinition,
    attributes: &Map<String, Value>,
    projection: &Projection,
) -> Map<String, Value> {
    Projector::new(definition, projection).project(attributes)
}

/// The part of every resource that a request asked for.
///
/// `returned: always` is always there, `never` and what can only be written never, of
/// sub-attributes and extensions as of attributes; with `attributes` the rest is what was named,
/// else the defaults without what `excludedAttributes` names. The URI of a schema names its
/// defaults. Names that no schema knows are ignored, and so are stored values that no schema knows
/// any more, or that are of another type than the schema says.
///
/// ```
/// use scim_protocol::query::Projection;
/// use scim_protocol::resource::Projector;
/// use scim_protocol::{Resource, ResourceDefinition};
///
/// let users = ResourceDefinition::user();
/// let mut ava = Resource::default();
/// ava.attributes_mut().insert("userName".into(), "ava".into());
/// ava.attributes_mut().insert("password".into(), "secret".into());
/// let shown = Projector::new(&users, &Projection::default()).project(ava.attributes());
/// assert!(shown.contains_key("userName") && !shown.contains_key("password"));
/// ```
#[derive(Debug, Clone)]
pub struct Projector<'a> {
    definition: &'a ResourceDefinition,
    core: Listed<'a>,
    extensions: Vec<(&'a str, Listed<'a>)>,
}

/// What is shown of the attributes of a schema: it is made for every answer, and looked into for each
/// attribute of it.
#[derive(Debug, Clone)]
pub(super) struct Listed<'a> {
    shown: Vec<Shown<'a>>,
    places: Places,
}

impl<'a> Listed<'a> {
    /// Of attributes with the same name the last one counts.
    fn new(shown: impl Iterator<Item = Shown<'a>>) -> Self {
        let shown: Vec<Shown<'a>> = shown.collect();
        let names = shown
            .iter()
            .map(|shown| (shown.sketch, shown.attribute.name.as_str()));
        let places = Places::of(names);
        Self { shown, places }
    }

    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<&Shown<'a>> {
        let sketch = Sketch::of(name);
        let is = |at: usize| {
            self.shown
                .get(at)
                .is_some_and(|shown| shown.has(sketch, name))
        };
        self.shown.get(self.places.get(sketch, is)?)
    }
}

/// An attribute that is shown, and the sub-attributes of it that are.
#[derive(Debug, Clone)]
pub(super) struct Shown<'a> {
    pub(super) attribute: &'a Attribute,
    sketch: Sketch,
    parts: Vec<Self>,
}

impl<'a> Projector<'a> {
    /// Looks up once what a request asked for.
    pub fn new(definition: &'a ResourceDefinition, projection: &Projection) -> Self {
        let projection = &understood(definition, projection);
        let core = Selection::new(projection, definition.core(), false);
        let extensions = definition.extensions().iter().map(|extension| {
            let selection = Selection::new(projection, extension, true);
            let shown = selection.of(extension.attributes.iter());
            (extension.id.as_str(), shown)
        });
        Self {
            definition,
            core: core.of(definition.attributes()),
            extensions: extensions.collect(),
        }
    }

    /// The part of one resource.
    pub fn project(&self, attributes: &Map<String, Value>) -> Map<String, Value> {
        let mut part = Map::new();
        for (name, value) in attributes {
            let shown = match self.seen(name) {
                Seen::Schemas => Some(self.schemas(value, attributes).cloned().collect()),
                Seen::Attribute(shown) => shown.of(value),
                Seen::Extension(extension) => holder(extension, value),
                Seen::Nothing => None,
            };
            if let Some(value) = shown {
                part.insert(name.clone(), value);
            }
        }
        part
    }

    /// What is seen of the attribute or extension that has a name.
    pub(super) fn seen(&self, name: &str) -> Seen<'_, 'a> {
        if name == "schemas" {
            Seen::Schemas
        } else if let Some(shown) = self.core.get(name) {
            Seen::Attribute(shown)
        } else {
            let mut extensions = self.extensions.iter();
            let extension = extensions.find(|(uri, _)| *uri == name);
            extension.map_or(Seen::Nothing, |(_, listed)| Seen::Extension(listed))
        }
    }

    /// The part of one value of a multi-valued attribute of the core schema, `None` where nothing of
    /// it is shown: of an attribute with too many values to be held as one.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_protocol::query::Projection;
    /// use scim_protocol::resource::Projector;
    /// use serde_json::json;
    ///
    /// let groups = ResourceDefinition::group();
    /// let projection = Projection {
    ///     attributes: vec!["members.value".parse()?],
    ///     ..Projection::default()
    /// };
    /// let projector = Projector::new(&groups, &projection);
    /// let member = json!({"value": "2819c223", "type": "User"});
    /// assert_eq!(projector.element("members", &member), Some(json!({"value": "2819c223"})));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn element(&self, name: &str, element: &Value) -> Option<Value> {
        let shown = self.core.get(name)?;
        let fits = shown.attribute.multi_valued && fits_kind(shown.attribute.kind, element);
        fits.then(|| shown.element(element)).flatten()
    }

    /// The schemas of which the resource has something that may be seen.
    pub(super) fn schemas<'v>(
        &self,
        listed: &'v Value,
        attributes: &Map<String, Value>,
    ) -> impl Iterator<Item = &'v Value> {
        let has_data = move |uri: &str| {
            if same_name(uri, &self.definition.core().id) {
                return true;
            }
            let extension = self.definition.extension(uri);
            extension.is_some_and(|extension| {
                let data = attributes.get(&extension.id).and_then(Value::as_object);
                data.into_iter().flatten().any(|(name, value)| {
                    extension.attribute(name).is_some_and(|attribute| {
                        attribute.visibility() != Returned::Never && fits(attribute, value)
                    })
                })
            })
        };
        let listed = listed.as_array().into_iter().flatten();
        listed.filter(move |uri| uri.as_str().is_some_and(has_data))
    }
}

/// What a projector shows under a name.
pub(super) enum Seen<'p, 'a> {
    Schemas,
    Attribute(&'p Shown<'a>),
    Extension(&'p Listed<'a>),
    Nothing,
}

/// A projection whose names are those of the schemas, however they were written.
fn understood(definition: &ResourceDefinition, projection: &Projection) -> Projection {
    let path = |path: &AttributePath| {
        let schema = path.schema.as_ref();
        let named = schema.and_then(|_| definition.schema_named(&path.to_string()));
        let named = named.map(|named| named.extension.unwrap_or(definition.core()));
        if let Some(whole) = named.and_then(|schema| schema.id.parse().ok()) {
            return whole;
        }
        match definition.resolve(path) {
            Some(_) => path.clone(),
            None => definition
                .meant(path)
                .map_or_else(|| path.clone(), |(meant, _)| meant),
        }
    };
    Projection {
        attributes: projection.attributes.iter().map(path).collect(),
        excluded_attributes: projection.excluded_attributes.iter().map(path).collect(),
    }
}

/// What a request said of the attributes of one schema.
struct Selection<'p> {
    wanted: Vec<&'p AttributePath>,
    unwanted: Vec<&'p AttributePath>,
    /// Whether `attributes` names anything, of whatever schema.
    narrowed: bool,
    /// Whether the schema itself is named.
    whole: bool,
    none: bool,
}

impl<'p> Selection<'p> {
    fn new(projection: &'p Projection, schema: &Schema, extension: bool) -> Self {
        let of_schema = |path: &&AttributePath| match &path.schema {
            None => !extension,
            Some(uri) => same_name(uri, &schema.id),
        };
        let (wanted, unwanted) = (&projection.attributes, &projection.excluded_attributes);
        Self {
            wanted: wanted.iter().filter(of_schema).collect(),
            unwanted: unwanted.iter().filter(of_schema).collect(),
            narrowed: !wanted.is_empty(),
            whole: wanted.iter().any(|path| path.is_schema(&schema.id)),
            none: unwanted.iter().any(|path| path.is_schema(&schema.id)),
        }
    }

    fn of<'a>(&self, attributes: impl Iterator<Item = &'a Attribute>) -> Listed<'a> {
        Listed::new(attributes.filter_map(|attribute| self.shown(attribute)))
    }

    fn shown<'a>(&self, attribute: &'a Attribute) -> Option<Shown<'a>> {
        let named = |paths: &[&'p AttributePath]| -> Vec<&'p AttributePath> {
            let named = paths.iter().copied();
            named
                .filter(|path| same_name(&path.attribute, &attribute.name))
                .collect()
        };
        let (wanted, unwanted) = (named(&self.wanted), named(&self.unwanted));
        let itself = |paths: &[&AttributePath]| paths.iter().any(|p| p.sub_attribute.is_none());
        let excluded = self.none || itself(&unwanted);
        let whole = match attribute.visibility() {
            Returned::Never => return None,
            // RFC 7644 section 3.4.2.5: no list of attributes has an effect on it. `id` is one of
            // them (RFC 7643 section 3.1).
            Returned::Always => true,
            Returned::Default if !self.narrowed && excluded => return None,
            Returned::Default => !self.narrowed || self.whole || itself(&wanted),
            Returned::Request => itself(&wanted),
        };
        if !whole && wanted.is_empty() {
            return None;
        }
        let names = |paths: &[&AttributePath], sub: &Attribute| {
            paths.iter().any(|path| {
                let name = path.sub_attribute.as_deref();
                name.is_some_and(|name| same_name(name, &sub.name))
            })
        };
        let keeps = |sub: &Attribute| match sub.visibility() {
            Returned::Always => true,
            Returned::Never => false,
            Returned::Default => (whole || names(&wanted, sub)) && !names(&unwanted, sub),
            Returned::Request => names(&wanted, sub),
        };
        Shown::new(attribute, &keeps)
    }
}

impl<'a> Shown<'a> {
    /// `None` for a complex attribute that keeps no sub-attribute.
    fn new(attribute: &'a Attribute, keeps: &dyn Fn(&Attribute) -> bool) -> Option<Self> {
        let by_default =
            |sub: &Attribute| matches!(sub.visibility(), Returned::Always | Returned::Default);
        let subs = attribute.sub_attributes.iter();
        let parts: Vec<Self> = subs
            .filter(|sub| keeps(sub))
            .filter_map(|sub| Self::new(sub, &by_default))
            .collect();
        let empty = attribute.kind == AttributeType::Complex && parts.is_empty();
        let sketch = Sketch::of(&attribute.name);
        (!empty).then_some(Self {
            attribute,
            sketch,
            parts,
        })
    }

    /// The sub-attribute of a name, if it is shown.
    #[inline]
    pub(super) fn part(&self, name: &str) -> Option<&Self> {
        let sketch = Sketch::of(name);
        self.parts.iter().find(|part| part.has(sketch, name))
    }

    /// Whether a name is that of the attribute.
    #[inline]
    fn has(&self, sketch: Sketch, name: &str) -> bool {
        sketch.is(name, self.sketch, &self.attribute.name)
    }

    /// What is shown of a value.
    fn of(&self, value: &Value) -> Option<Value> {
        if !fits(self.attribute, value) {
            return None;
        }
        match value {
            Value::Array(elements) => {
                let shown = elements.iter().filter_map(|element| self.element(element));
                let shown: Vec<Value> = shown.collect();
                (!shown.is_empty()).then_some(Value::Array(shown))
            }
            single => self.element(single),
        }
    }

    fn element(&self, element: &Value) -> Option<Value> {
        let Value::Object(members) = element else {
            return fits_kind(self.attribute.kind, element).then(|| element.clone());
        };
        let mut kept = Map::new();
        for (name, value) in members {
            let part = self.part(name);
            if let Some(value) = part.and_then(|part| part.of(value)) {
                kept.insert(name.clone(), value);
            }
        }
        (!kept.is_empty()).then_some(Value::Object(kept))
    }
}

/// What is shown of the data of an extension.
fn holder(attributes: &Listed<'_>, data: &Value) -> Option<Value> {
    let mut kept = Map::new();
    for (name, value) in data.as_object()? {
        let shown = attributes.get(name);
        if let Some(value) = shown.and_then(|shown| shown.of(value)) {
            kept.insert(name.clone(), value);
        }
    }
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// Whether a value is one of the attribute. What was stored under an attribute that has gone, and
/// come again as another, is none of the new one.
pub(super) fn fits(attribute: &Attribute, value: &Value) -> bool {
    match value {
        Value::Array(elements) => {
            let mut elements = elements.iter();
            attribute.multi_valued && elements.any(|element| fits_kind(attribute.kind, element))
        }
        single => !attribute.multi_valued && fits_kind(attribute.kind, single),
    }
}

pub(super) fn fits_kind(kind: AttributeType, value: &Value) -> bool {
    use AttributeType::{Binary, Boolean, Complex, DateTime, Decimal, Integer, Reference, String};
    match kind {
        String | Reference | DateTime | Binary => value.is_string(),
        Boolean => value.is_boolean(),
        Integer | Decimal => value.is_number(),
        Complex => value.is_object(),
    }
}
