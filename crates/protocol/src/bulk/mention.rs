//! Where the data of an operation names what other operations create (RFC 7644 section 3.7.2).

use serde_json::Value;

use super::request::{BulkMethod, BulkOperation};
use crate::filter::{Comparand, Filter};
use crate::limits::Limits;
use crate::patch::PatchPath;
use crate::path::{AttributePath, same_name};
use crate::schema::{Attribute, AttributeType, Mutability, ResourceDefinition};
use crate::tolerance::Tolerance;

/// A step on the way from the data of an operation to a value in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'d> {
    Member(&'d str),
    Element(usize),
}

/// A place where something is referred to.
#[derive(Debug)]
pub(super) struct Mention<'d> {
    pub(super) way: Vec<Step<'d>>,
    /// The names: one, but in a path.
    pub(super) names: Vec<String>,
    /// Whether the first step leads to the attributes of a schema, as the URI of an extension does.
    pub(super) below_schema: bool,
    form: Form<'d>,
}

/// How a name stands where it is.
#[derive(Debug)]
enum Form<'d> {
    /// The value is an id.
    Id,
    /// The value is a URI.
    Uri(&'d str),
    /// A filter in a path compares these sub-attributes with ids.
    Path(&'d str, Vec<String>),
}

impl Mention<'_> {
    /// The text with the id that is known; `None` where none is.
    pub(super) fn resolved(&self, id: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        match &self.form {
            Form::Id => id(self.names.first()?),
            Form::Uri(text) => {
                // A URI whose last part is the name; the name alone lies beside the resource.
                let before = text.rsplit_once('/').map_or("..", |(before, _)| before);
                Some(format!("{before}/{}", id(self.names.first()?)?))
            }
            // What is not known is no value of any list.
            Form::Path(text, compared) => {
                let mut path = patch_path(text)?;
                if let Some(filter) = &mut path.filter {
                    each_comparand(filter, &mut |sub, text| {
                        let refers = compared.iter().any(|name| same_name(name, &sub.attribute));
                        if let Some(id) = referred(text).filter(|_| refers).and_then(id) {
                            *text = id;
                        }
                    });
                }
                Some(path.to_string())
            }
        }
    }

    /// Writes a text where the reference stands.
    pub(super) fn put(&self, data: &mut Value, text: String) {
        if let Some(value) = at(data, &self.way) {
            *value = Value::String(text);
        }
    }

    /// Leaves the reference out: a value of an array whole, another member alone.
    pub(super) fn leave_out(&self, data: &mut Value) {
        let way = self.way.as_slice();
        match way {
            [before @ .., Step::Element(place)]
            | [before @ .., Step::Element(place), Step::Member(_)] => {
                if let Some(Value::Array(elements)) = at(data, before)
                    && *place < elements.len()
                {
                    elements.remove(*place);
                }
            }
            [before @ .., Step::Member(name)] => {
                if let Some(Value::Object(members)) = at(data, before) {
                    crate::members::remove_member(members, name);
                }
            }
            [] => {}
        }
    }
}

fn at<'v>(data: &'v mut Value, way: &[Step<'_>]) -> Option<&'v mut Value> {
    let mut steps = way.iter();
    steps.try_fold(data, |value, step| match step {
        Step::Member(name) => value.get_mut(*name),
        Step::Element(place) => value.get_mut(*place),
    })
}

/// The places in the data of an operation, in their order.
pub(super) fn mentions<'d>(
    operation: &'d BulkOperation,
    definition: Option<&ResourceDefinition>,
) -> Vec<Mention<'d>> {
    let (Some(definition), Some(data)) = (definition, &operation.data) else {
        return Vec::new();
    };
    if !names_any(data) {
        return Vec::new();
    }
    let mut walk = Walk {
        definition,
        way: Vec::new(),
        below_schema: false,
        found: Vec::new(),
    };
    match operation.method {
        BulkMethod::Patch => walk.patch(data),
        _ => walk.resource(data),
    }
    walk.found
}

/// The name that a text refers to as a whole.
pub(super) fn referred(text: &str) -> Option<&str> {
    let (scheme, name) = text.split_once(':')?;
    (same_name(scheme, "bulkId") && !name.is_empty()).then_some(name)
}

/// Whether any text could be a reference: most operations have none.
fn names_any(data: &Value) -> bool {
    // The recursion is as deep as the body, which is limited when it is parsed.
    match data {
        Value::String(text) => text
            .as_bytes()
            .windows(SCHEME.len())
            .any(|part| part.eq_ignore_ascii_case(SCHEME)),
        Value::Array(elements) => elements.iter().any(names_any),
        Value::Object(members) => members.values().any(names_any),
        _ => false,
    }
}

const SCHEME: &[u8] = b"bulkid:";

struct Walk<'d, 'a> {
    definition: &'a ResourceDefinition,
    way: Vec<Step<'d>>,
    below_schema: bool,
    found: Vec<Mention<'d>>,
}

impl<'d, 'a> Walk<'d, 'a> {
    /// A resource, or what a PATCH without a path sets of one.
    fn resource(&mut self, data: &'d Value) {
        for (name, value) in data.as_object().into_iter().flatten() {
            self.within(Step::Member(name), |walk| walk.member(name, value));
        }
    }

    fn member(&mut self, name: &'d str, value: &'d Value) {
        let is_schema = name.contains(':') && self.definition.schema_named(name).is_some();
        if is_schema {
            self.schema(name, value);
        } else if let Ok(path) = name.parse() {
            self.target(&path, value);
        }
    }

    /// The attributes below the URI of a schema.
    fn schema(&mut self, uri: &str, value: &'d Value) {
        self.below_schema = true;
        for (name, value) in value.as_object().into_iter().flatten() {
            if let Ok(path) = format!("{uri}:{name}").parse() {
                self.within(Step::Member(name), |walk| walk.target(&path, value));
            }
        }
        self.below_schema = false;
    }

    /// The operations of a PATCH request.
    fn patch(&mut self, data: &'d Value) {
        let Some((name, Value::Array(operations))) = member(data, "Operations") else {
            return;
        };
        self.within(Step::Member(name), |walk| {
            for (place, operation) in operations.iter().enumerate() {
                walk.within(Step::Element(place), |walk| walk.edit(operation));
            }
        });
    }

    fn edit(&mut self, operation: &'d Value) {
        let value = member(operation, "value");
        let path = member(operation, "path").filter(|(_, path)| !path.is_null());
        let Some((name, text)) = path else {
            if let Some((name, value)) = value {
                self.within(Step::Member(name), |walk| walk.resource(value));
            }
            return;
        };
        let Some((text, path)) = text
            .as_str()
            .and_then(|text| Some((text, patch_path(text)?)))
        else {
            return;
        };
        self.within(Step::Member(name), |walk| walk.filter(text, &path));
        let Some((name, value)) = value else { return };
        let whole = path.attribute.to_string();
        let is_schema = path.filter.is_none() && self.definition.schema_named(&whole).is_some();
        self.within(Step::Member(name), |walk| {
            if is_schema {
                walk.schema(&whole, value);
            } else {
                let mut attribute = path.attribute;
                if let Some(sub) = path.sub_attribute {
                    attribute.sub_attribute = Some(sub);
                }
                walk.target(&attribute, value);
            }
        });
    }

    /// What the filter in a path compares with.
    fn filter(&mut self, text: &'d str, path: &PatchPath) {
        let attribute = self.attribute(&path.attribute);
        let (Some(mut filter), Some((attribute, _))) = (path.filter.clone(), attribute) else {
            return;
        };
        let (mut names, mut compared) = (Vec::new(), Vec::new());
        each_comparand(&mut filter, &mut |path, text| {
            let sub = attribute.sub_attribute(&path.attribute);
            let sub = sub.filter(|sub| names_resource(attribute, sub));
            if let (Some(sub), Some(name)) = (sub, referred(text)) {
                names.push(name.to_owned());
                compared.push(sub.name.clone());
            }
        });
        if !names.is_empty() {
            self.note(names, Form::Path(text, compared));
        }
    }

    /// The value of the attribute that a path names.
    fn target(&mut self, path: &AttributePath, value: &'d Value) {
        match self.attribute(path) {
            Some((attribute, None)) => self.value(attribute, value),
            Some((attribute, Some(sub))) => self.leaf(attribute, sub, value),
            None => {}
        }
    }

    fn value(&mut self, attribute: &Attribute, value: &'d Value) {
        match value {
            Value::Array(elements) => {
                for (place, element) in elements.iter().enumerate() {
                    self.within(Step::Element(place), |walk| walk.value(attribute, element));
                }
            }
            Value::Object(members) => {
                for (name, value) in members {
                    if let Some(sub) = attribute.sub_attribute(name) {
                        self.within(Step::Member(name), |walk| {
                            walk.leaf(attribute, sub, value);
                        });
                    }
                }
            }
            Value::String(text) if refers(attribute) || is_named(attribute) => {
                self.text(attribute, text);
            }
            _ => {}
        }
    }

    fn leaf(&mut self, attribute: &Attribute, sub: &Attribute, value: &'d Value) {
        match value {
            Value::Array(elements) => {
                for (place, element) in elements.iter().enumerate() {
                    self.within(Step::Element(place), |walk| {
                        walk.leaf(attribute, sub, element);
                    });
                }
            }
            Value::String(text) if names_resource(attribute, sub) => self.text(sub, text),
            _ => {}
        }
    }

    fn text(&mut self, attribute: &Attribute, text: &'d str) {
        let is_uri = attribute.kind == AttributeType::Reference;
        let last = text.rsplit('/').next().filter(|_| is_uri);
        let Some(name) = referred(last.unwrap_or(text)) else {
            return;
        };
        let form = match is_uri && (attribute.name == "$ref" || text.contains('/')) {
            true => Form::Uri(text),
            false => Form::Id,
        };
        self.note(vec![name.to_owned()], form);
    }

    fn attribute(&self, path: &AttributePath) -> Option<(&'a Attribute, Option<&'a Attribute>)> {
        let (definition, mut tolerance) = (self.definition, Tolerance::default());
        let resolved = definition.understand(path, &mut tolerance).ok()??;
        let writes = resolved.attribute.mutability != Mutability::ReadOnly;
        writes.then_some((resolved.attribute, resolved.sub_attribute))
    }

    fn within(&mut self, step: Step<'d>, walk: impl FnOnce(&mut Self)) {
        self.way.push(step);
        walk(self);
        self.way.pop();
    }

    fn note(&mut self, names: Vec<String>, form: Form<'d>) {
        self.found.push(Mention {
            way: self.way.clone(),
            names,
            below_schema: self.below_schema,
            form,
        });
    }
}

/// Whether an attribute is a reference to resources, and not to what lies outside (RFC 7643 section
/// 7).
fn refers(attribute: &Attribute) -> bool {
    let outside = |name: &String| ["external", "uri"].iter().any(|word| same_name(word, name));
    attribute.kind == AttributeType::Reference && !attribute.reference_types.iter().all(outside)
}

/// Whether the values of an attribute name resources by their `value`.
fn is_named(attribute: &Attribute) -> bool {
    attribute.sub_attribute("value").is_some()
        && attribute.sub_attribute("$ref").is_some_and(refers)
}

fn names_resource(attribute: &Attribute, sub: &Attribute) -> bool {
    refers(sub) || (sub.name == "value" && is_named(attribute))
}

fn patch_path(text: &str) -> Option<PatchPath> {
    PatchPath::parse(text, &Limits::default(), &mut Tolerance::default()).ok()
}

/// The member of a message, whatever the case of its name.
fn member<'d>(message: &'d Value, name: &str) -> Option<(&'d str, &'d Value)> {
    let mut members = message.as_object()?.iter();
    let (name, value) = members.find(|(key, _)| same_name(key, name))?;
    Some((name, value))
}

/// Each text that a filter compares with, and the attribute that is compared.
fn each_comparand(filter: &mut Filter, see: &mut dyn FnMut(&AttributePath, &mut String)) {
    // The recursion is as deep as the filter, which the parser bounds.
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            parts.iter_mut().for_each(|part| each_comparand(part, see));
        }
        Filter::Not(part) => each_comparand(part, see),
        Filter::ValuePath { filter, .. } => each_comparand(filter, see),
        Filter::Comparison {
            path,
            value: Comparand::Text(text),
            ..
        } => see(path, text),
        Filter::Comparison { .. } | Filter::Present(_) => {}
    }
}
