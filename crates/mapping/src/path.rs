//! Source paths, compiled.

use scim_protocol::filter::{Condition, Operator, Test};
use scim_protocol::patch::PatchPath;
use scim_protocol::path::same_name;
use scim_protocol::schema::{Attribute, AttributeType, Mutability, Resolved, Returned};
use scim_protocol::{AttributePath, Limits, ResourceDefinition, Tolerance};
use serde_json::{Map, Value};

use crate::error::SourcePathError;

/// A source path with its names in canonical case.
#[derive(Debug, Clone)]
pub(crate) struct SourcePath {
    pub(crate) extension: Option<String>,
    pub(crate) attribute: String,
    pub(crate) selector: Option<Selector>,
    pub(crate) sub_attribute: Option<String>,
    /// Which part of a whole name is meant.
    pub(crate) part: Option<NamePart>,
    pub(crate) traits: Traits,
    /// As it is shown in messages.
    pub(crate) text: String,
}

/// A part of a name that is sent as a whole (`name.formatted | familyName`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamePart {
    Given,
    Family,
}

#[derive(Debug, Clone)]
pub(crate) enum Selector {
    Filter {
        condition: Condition,
        /// The members that make a new value pass the condition, where that can be said.
        template: Option<Map<String, Value>>,
    },
    Index(usize),
}

/// What the schema says of the attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traits {
    pub(crate) multi_valued: bool,
    /// The type of the value; a custom attribute has any.
    pub(crate) kind: Option<AttributeType>,
    pub(crate) writable: bool,
}

impl SourcePath {
    /// Compiles a path; the error says what is wrong with it.
    pub(crate) fn compile(
        text: &str,
        definition: &ResourceDefinition,
    ) -> Result<Self, SourcePathError> {
        if text.len() > PATH_BYTES {
            return Err(SourcePathError::TooLong { most: PATH_BYTES });
        }
        let (whole, part) = take_part(text)?;
        let (without_index, index) = take_index(whole);
        let limits = Limits {
            filter_depth: FILTER_DEPTH,
            ..Limits::default()
        };
        let mut tolerance = Tolerance::default();
        let parsed = PatchPath::parse(&without_index, &limits, &mut tolerance)
            .map_err(SourcePathError::Syntax)?;
        let mut path = parsed.attribute;
        if let Some(sub) = parsed.sub_attribute {
            path.sub_attribute = Some(sub);
        }
        let path = canonical(path, definition)?;
        let resolved = definition.resolve(&path);
        let selector = match (&parsed.filter, index) {
            (None, None) => None,
            (None, Some(index)) => Some(Selector::Index(index)),
            (Some(filter), _) => {
                let attribute = resolved
                    .map(|resolved| Resolved {
                        sub_attribute: None,
                        ..resolved
                    })
                    .ok_or_else(|| SourcePathError::UnknownSelection {
                        path: path.to_string(),
                    })?;
                let condition = filter
                    .bind_value_filter(&attribute, &mut tolerance)
                    .map_err(SourcePathError::Syntax)?;
                let template = template(&condition);
                Some(Selector::Filter {
                    condition,
                    template,
                })
            }
        };
        Ok(Self {
            extension: path.schema,
            attribute: path.attribute,
            selector,
            sub_attribute: path.sub_attribute,
            part,
            traits: Traits::of(resolved.as_ref()),
            text: text.to_owned(),
        })
    }

    /// The value of a path: the selected one, else the primary one, else the first.
    pub(crate) fn first<'v>(&self, attributes: &'v Map<String, Value>) -> Option<&'v Value> {
        let element = match self.attribute_value(attributes)? {
            Value::Array(elements) => elements.get(self.position(elements)?)?,
            single => single,
        };
        self.leaf(element)
    }

    /// The value of a path, or the part of it that is meant.
    pub(crate) fn single(&self, attributes: &Map<String, Value>) -> Option<Value> {
        let value = self.first(attributes)?;
        match self.part {
            None => Some(value.clone()),
            Some(part) => part.of(value.as_str()?).map(Value::String),
        }
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
                Some(Selector::Filter { condition, .. }) => condition.matches_value(element),
            })
            .filter_map(|(_, element)| self.leaf(element))
            .collect()
    }

    /// What the path points to in one value of the attribute, if it selects that.
    pub(crate) fn selected<'v>(&self, element: &'v Value) -> Option<&'v Value> {
        let chosen = match &self.selector {
            None => true,
            Some(Selector::Index(_)) => false,
            Some(Selector::Filter { condition, .. }) => condition.matches_value(element),
        };
        self.leaf(element).filter(|_| chosen)
    }

    /// Where among the values of the attribute the path points.
    pub(crate) fn position(&self, elements: &[Value]) -> Option<usize> {
        match &self.selector {
            Some(Selector::Index(index)) => (*index < elements.len()).then_some(*index),
            Some(Selector::Filter { condition, .. }) => {
                elements.iter().position(|e| condition.matches_value(e))
            }
            None => elements
                .iter()
                .position(|element| element.get("primary") == Some(&Value::Bool(true)))
                .or((!elements.is_empty()).then_some(0)),
        }
    }

    fn attribute_value<'v>(&self, attributes: &'v Map<String, Value>) -> Option<&'v Value> {
        let holder = match &self.extension {
            None => attributes,
            Some(uri) => member(attributes, uri)?.1.as_object()?,
        };
        Some(member(holder, &self.attribute)?.1)
    }

    /// The sub-attribute; a simple value stands for the `value` of a complex one, and the other
    /// way round.
    fn leaf<'v>(&self, element: &'v Value) -> Option<&'v Value> {
        let leaf = match (self.sub_attribute.as_deref(), element) {
            (sub, Value::Object(members)) => member(members, sub.unwrap_or("value"))?.1,
            (None | Some("value"), simple) => simple,
            (Some(_), _) => return None,
        };
        let empty = leaf.is_null() || leaf.as_str().is_some_and(str::is_empty);
        (!empty).then_some(leaf)
    }
}

impl Traits {
    fn of(resolved: Option<&Resolved<'_>>) -> Self {
        let mutable = |attribute: &Attribute| attribute.mutability != Mutability::ReadOnly;
        Self {
            multi_valued: resolved.is_some_and(|resolved| resolved.attribute.multi_valued),
            kind: resolved.map(|resolved| resolved.leaf().kind),
            writable: resolved.is_none_or(|r| mutable(r.attribute) && mutable(r.leaf())),
        }
    }
}

/// A member by its name in any case (RFC 7643 section 2.1), with the name as it stands there.
pub(crate) fn member<'m>(
    members: &'m Map<String, Value>,
    name: &str,
) -> Option<(&'m str, &'m Value)> {
    members
        .get_key_value(name)
        .or_else(|| members.iter().find(|(key, _)| same_name(key, name)))
        .map(|(key, value)| (key.as_str(), value))
}

impl NamePart {
    /// `Lindqvist, Ava` and `Ava Maria Lindqvist`: the last word is the family name, unless a
    /// comma says otherwise; a single word is the given name.
    fn of(self, name: &str) -> Option<String> {
        let (given, family) = match name.split_once(',') {
            Some((family, given)) => (given.trim(), family.trim()),
            None => {
                let name = name.trim();
                name.rsplit_once(char::is_whitespace).unwrap_or((name, ""))
            }
        };
        let part = match self {
            Self::Given => given,
            Self::Family => family,
        };
        let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
        (!part.is_empty()).then_some(part)
    }
}

/// What stands behind a bar that is not quoted: which part of a name is meant.
fn take_part(text: &str) -> Result<(&str, Option<NamePart>), SourcePathError> {
    let Some((path, part)) = text
        .rsplit_once('|')
        .filter(|(_, part)| !part.contains('"'))
    else {
        return Ok((text, None));
    };
    let part = match part.trim() {
        name if same_name(name, "givenName") => NamePart::Given,
        name if same_name(name, "familyName") => NamePart::Family,
        other => {
            return Err(SourcePathError::NamePart {
                part: other.to_owned(),
            });
        }
    };
    Ok((path.trim_end(), Some(part)))
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

/// What a new value needs so that the condition holds; only equalities can be told.
fn template(condition: &Condition) -> Option<Map<String, Value>> {
    let mut members = Map::new();
    let parts = match condition {
        Condition::All(parts) => parts.as_slice(),
        single => std::slice::from_ref(single),
    };
    for part in parts {
        let Condition::Value { target, test } = part else {
            return None;
        };
        let value = match test {
            Test::Text {
                operator: Operator::Equal,
                value,
                ..
            } => Value::from(value.as_str()),
            Test::Boolean(flag) => Value::Bool(*flag),
            _ => return None,
        };
        members.insert(target.sub_attribute.as_deref()?.to_owned(), value);
    }
    Some(members)
}

/// Names in canonical case. The bare name of a sub-attribute that only one attribute has stands for
/// the whole path (`givenName` for `name.givenName`); unknown names are custom attributes.
fn canonical(
    path: AttributePath,
    definition: &ResourceDefinition,
) -> Result<AttributePath, SourcePathError> {
    if let Some(resolved) = definition.resolve(&path) {
        return simple(&resolved);
    }
    let whole = AttributePath {
        sub_attribute: None,
        ..path.clone()
    };
    match (definition.resolve(&whole), &path.sub_attribute) {
        (Some(known), Some(sub)) => {
            return Err(SourcePathError::UnknownSubAttribute {
                attribute: known.path().to_string(),
                sub_attribute: sub.clone(),
            });
        }
        (None, None) if path.schema.is_none() => {}
        _ => return Ok(path),
    }
    let owners: Vec<String> = definition
        .core()
        .attributes
        .iter()
        .filter(|attribute| attribute.sub_attribute(&path.attribute).is_some())
        .map(|attribute| format!("{}.{}", attribute.name, path.attribute))
        .collect();
    match owners.as_slice() {
        [] => Ok(path),
        [only] => {
            let owner: Option<AttributePath> = only.parse().ok();
            let resolved = owner.and_then(|owner| Some(definition.resolve(&owner)?.path()));
            Ok(resolved.unwrap_or(path))
        }
        _ => Err(SourcePathError::Ambiguous {
            name: path.attribute,
            candidates: owners,
        }),
    }
}

/// A complex attribute stands for its `value`; one without has no value of its own.
fn simple(resolved: &Resolved<'_>) -> Result<AttributePath, SourcePathError> {
    let path = resolved.path();
    if resolved.visibility() == Returned::Never {
        return Err(SourcePathError::Secret {
            path: path.to_string(),
        });
    }
    let leaf = resolved.leaf();
    if leaf.kind != AttributeType::Complex {
        return Ok(path);
    }
    if let Some(value) = leaf.sub_attribute("value") {
        return Ok(path.with_sub_attribute(value.name.as_str()));
    }
    let part = leaf.sub_attributes.first();
    Err(SourcePathError::SeveralParts {
        path: path.to_string(),
        example: part.map_or("value", |part| part.name.as_str()).to_owned(),
    })
}

const PATH_BYTES: usize = 512;
const FILTER_DEPTH: usize = 4;
