//! Which attributes an answer holds (RFC 7644 section 3.9).

use serde_json::{Map, Value};

use crate::path::{AttributePath, same_name};
use crate::query::Projection;
use crate::schema::{Attribute, ResourceDefinition, Returned, Schema};

/// The part of a resource that a request asked for.
///
/// `returned: always` is always there and `never` never; with `attributes` the rest is what was
/// named, else the defaults without what `excludedAttributes` names. Names that no schema knows
/// are ignored.
pub fn project(
    definition: &ResourceDefinition,
    attributes: &Map<String, Value>,
    projection: &Projection,
) -> Map<String, Value> {
    let selection = Selection {
        wanted: &projection.attributes,
        unwanted: &projection.excluded_attributes,
        core: definition.core(),
    };
    let mut part = Map::new();
    for (name, value) in attributes {
        if let Some(extension) = definition.extension(name) {
            if let Some(value) = selection.extension(extension, value) {
                part.insert(name.clone(), value);
            }
        } else if let Some(attribute) = definition.attribute(name)
            && let Some(value) = selection.attribute(None, attribute, value)
        {
            part.insert(name.clone(), value);
        }
    }
    part
}

struct Selection<'a> {
    wanted: &'a [AttributePath],
    unwanted: &'a [AttributePath],
    core: &'a Schema,
}

impl Selection<'_> {
    fn extension(&self, extension: &Schema, value: &Value) -> Option<Value> {
        let named = |paths: &[AttributePath]| {
            paths
                .iter()
                .any(|path| same_name(&path.to_string(), &extension.id))
        };
        if named(self.unwanted) {
            return None;
        }
        let everything = named(self.wanted);
        let mut part = Map::new();
        for (name, value) in value.as_object()? {
            let attribute = extension.attribute(name)?;
            let value = if everything {
                (attribute.returned != Returned::Never).then(|| value.clone())
            } else {
                self.attribute(Some(extension), attribute, value)
            };
            if let Some(value) = value {
                part.insert(name.clone(), value);
            }
        }
        (!part.is_empty()).then_some(Value::Object(part))
    }

    fn attribute(
        &self,
        extension: Option<&Schema>,
        attribute: &Attribute,
        value: &Value,
    ) -> Option<Value> {
        match attribute.returned {
            Returned::Never => return None,
            Returned::Always => return Some(value.clone()),
            Returned::Default | Returned::Request => {}
        }
        let named = |path: &&AttributePath| {
            same_name(&path.attribute, &attribute.name) && self.qualifies(path, extension)
        };
        let wanted: Vec<_> = self.wanted.iter().filter(named).collect();
        let unwanted: Vec<_> = self.unwanted.iter().filter(named).collect();
        let whole = |paths: &[&AttributePath]| paths.iter().any(|p| p.sub_attribute.is_none());
        if self.wanted.is_empty() {
            if whole(&unwanted) || attribute.returned == Returned::Request {
                return None;
            }
        } else if wanted.is_empty() {
            return None;
        }
        let names = |paths: &[&AttributePath], sub: &Attribute| {
            paths.iter().any(|path| {
                path.sub_attribute
                    .as_deref()
                    .is_some_and(|name| same_name(name, &sub.name))
            })
        };
        let everything = wanted.is_empty() || whole(&wanted);
        let keep = |sub: &Attribute| match sub.returned {
            Returned::Always => true,
            Returned::Never => false,
            Returned::Default => (everything || names(&wanted, sub)) && !names(&unwanted, sub),
            Returned::Request => names(&wanted, sub),
        };
        narrowed(attribute, value, &keep)
    }

    /// Whether the schema URI in front of a path, if any, is the one of the attribute.
    fn qualifies(&self, path: &AttributePath, extension: Option<&Schema>) -> bool {
        match (&path.schema, extension) {
            (None, extension) => extension.is_none(),
            (Some(uri), None) => same_name(uri, &self.core.id),
            (Some(uri), Some(extension)) => same_name(uri, &extension.id),
        }
    }
}

/// A value with the sub-attributes that are kept.
fn narrowed(
    attribute: &Attribute,
    value: &Value,
    keep: &dyn Fn(&Attribute) -> bool,
) -> Option<Value> {
    if attribute.sub_attributes.iter().all(keep) {
        return Some(value.clone());
    }
    match value {
        Value::Array(elements) => {
            let kept: Vec<Value> = elements
                .iter()
                .filter_map(|element| narrowed(attribute, element, keep))
                .collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Object(members) => {
            let kept: Map<String, Value> = members
                .iter()
                .filter(|(name, _)| attribute.sub_attribute(name).is_some_and(keep))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        simple => Some(simple.clone()),
    }
}
