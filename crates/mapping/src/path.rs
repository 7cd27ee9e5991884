//! Source paths, compiled.

use scim_protocol::filter::Condition;
use scim_protocol::patch::PatchPath;
use scim_protocol::path::same_name;
use scim_protocol::{AttributePath, Limits, ResourceDefinition, Tolerance};
use serde_json::{Map, Value};

/// A source path with its names in canonical case.
#[derive(Debug, Clone)]
pub(crate) struct SourcePath {
    pub(crate) extension: Option<String>,
    pub(crate) attribute: String,
    pub(crate) selector: Option<Selector>,
    pub(crate) sub_attribute: Option<String>,
    /// As it is shown in messages.
    pub(crate) text: String,
}

#[derive(Debug, Clone)]
pub(crate) enum Selector {
    Filter(Condition),
    Index(usize),
}

impl SourcePath {
    /// Compiles a path; the error says what is wrong with it.
    pub(crate) fn compile(text: &str, definition: &ResourceDefinition) -> Result<Self, String> {
        if text.len() > PATH_BYTES {
            return Err(format!("the path is longer than {PATH_BYTES} bytes"));
        }
        let (without_index, index) = take_index(text);
        let limits = Limits {
            filter_depth: FILTER_DEPTH,
            ..Limits::default()
        };
        let mut tolerance = Tolerance::default();
        let parsed = PatchPath::parse(&without_index, &limits, &mut tolerance)
            .map_err(|error| error.detail().to_owned())?;
        let mut path = parsed.attribute.clone();
        if let Some(sub) = &parsed.sub_attribute {
            path.sub_attribute = Some(sub.clone());
        }
        let path = canonical(path, definition)?;
        let selector = match (&parsed.filter, index) {
            (None, None) => None,
            (None, Some(index)) => Some(Selector::Index(index)),
            (Some(filter), _) => {
                let resolved = definition.resolve(&path).ok_or_else(|| {
                    format!("brackets need an attribute that a schema knows, not {path}")
                })?;
                let attribute = scim_protocol::schema::Resolved {
                    sub_attribute: None,
                    ..resolved
                };
                let condition = filter
                    .bind_value_filter(&attribute, &mut tolerance)
                    .map_err(|error| error.detail().to_owned())?;
                Some(Selector::Filter(condition))
            }
        };
        Ok(Self {
            extension: path.schema,
            attribute: path.attribute,
            selector,
            sub_attribute: path.sub_attribute,
            text: text.to_owned(),
        })
    }

    /// The value of a path: the selected one, else the primary one, else the first.
    pub(crate) fn first<'v>(&self, attributes: &'v Map<String, Value>) -> Option<&'v Value> {
        let value = self.attribute_value(attributes)?;
        let element = match value {
            Value::Array(elements) => elements.get(self.position(elements)?)?,
            single => single,
        };
        self.leaf(element)
    }

    /// Every value of a path.
    pub(crate) fn all<'v>(&self, attributes: &'v Map<String, Value>) -> Vec<&'v Value> {
        let Some(value) = self.attribute_value(attributes) else {
            return Vec::new();
        };
        let elements = match value {
            Value::Array(elements) => elements.as_slice(),
            single => std::slice::from_ref(single),
        };
        elements
            .iter()
            .enumerate()
            .filter(|(at, element)| match &self.selector {
                None => true,
                Some(Selector::Index(index)) => index == at,
                Some(Selector::Filter(condition)) => condition.matches_value(element),
            })
            .filter_map(|(_, element)| self.leaf(element))
            .collect()
    }

    /// Where among the values of the attribute the path points.
    pub(crate) fn position(&self, elements: &[Value]) -> Option<usize> {
        match &self.selector {
            Some(Selector::Index(index)) => Some(*index),
            Some(Selector::Filter(condition)) => {
                elements.iter().position(|e| condition.matches_value(e))
            }
            None => elements
                .iter()
                .position(|element| element.get("primary") == Some(&Value::Bool(true)))
                .or(Some(0)),
        }
    }

    fn attribute_value<'v>(&self, attributes: &'v Map<String, Value>) -> Option<&'v Value> {
        let holder = match &self.extension {
            None => attributes,
            Some(uri) => attributes.get(uri)?.as_object()?,
        };
        holder.get(&self.attribute)
    }

    /// The sub-attribute; a complex value without one stands for its `value`.
    fn leaf<'v>(&self, element: &'v Value) -> Option<&'v Value> {
        let leaf = match (&self.sub_attribute, element) {
            (Some(sub), Value::Object(members)) => members.get(sub)?,
            (Some(_), _) => return None,
            (None, Value::Object(members)) => members.get("value")?,
            (None, simple) => simple,
        };
        let empty = leaf.is_null() || leaf.as_str().is_some_and(str::is_empty);
        (!empty).then_some(leaf)
    }
}

/// `emails[0].value` is no filter: takes the index out of the path.
fn take_index(text: &str) -> (String, Option<usize>) {
    let found = text.split_once('[').and_then(|(before, rest)| {
        let (inside, behind) = rest.split_once(']')?;
        let index = inside.trim().parse().ok()?;
        Some((format!("{before}{behind}"), Some(index)))
    });
    found.unwrap_or_else(|| (text.to_owned(), None))
}

/// Names in canonical case. The bare name of a sub-attribute that only one attribute has stands for
/// the whole path (`givenName` for `name.givenName`); unknown names are custom attributes.
fn canonical(
    path: AttributePath,
    definition: &ResourceDefinition,
) -> Result<AttributePath, String> {
    if let Some(resolved) = definition.resolve(&path) {
        return Ok(resolved.path());
    }
    if path.schema.is_some() || path.sub_attribute.is_some() {
        return Ok(path);
    }
    let owners: Vec<String> = definition
        .core()
        .attributes
        .iter()
        .filter(|attribute| {
            attribute
                .sub_attributes
                .iter()
                .any(|sub| same_name(&sub.name, &path.attribute))
        })
        .map(|attribute| format!("{}.{}", attribute.name, path.attribute))
        .collect();
    match owners.as_slice() {
        [] => Ok(path),
        [only] => only
            .parse::<AttributePath>()
            .ok()
            .and_then(|owner| definition.resolve(&owner).map(|resolved| resolved.path()))
            .ok_or_else(|| format!("{only} is no path")),
        several => Err(format!(
            "\"{}\" could be {}",
            path.attribute,
            several.join(" or ")
        )),
    }
}

const PATH_BYTES: usize = 512;
const FILTER_DEPTH: usize = 4;
