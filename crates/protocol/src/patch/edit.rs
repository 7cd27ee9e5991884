//! Operations resolved against the schemas of a resource type.

use serde_json::{Map, Value};

use super::apply::Patch;
use super::path::PatchPath;
use super::request::{PatchOperation, PatchRequest, Verb};
use crate::error::{Error, ScimType, quote};
use crate::filter::{Condition, Filter};
use crate::path::{AttributePath, same_name};
use crate::resource::{read_attribute, read_part, without_value};
use crate::schema::{Attribute, AttributeType, Mutability, Resolved, ResourceDefinition};
use crate::tolerance::{Deviation, Profile, Tolerance};

/// One change to one attribute or sub-attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit<'a> {
    /// What it does.
    pub verb: Verb,
    /// The attribute, and the sub-attribute where there is one.
    pub target: Resolved<'a>,
    /// Which values of a multi-valued attribute; all of them without it.
    pub selection: Option<Selection>,
    /// The canonical value; `None` clears. Of a single complex value it has the sub-attributes that
    /// change, with `null` for those that are cleared. For a `remove`: the values to be removed.
    pub value: Option<Value>,
}

/// The value filter of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// As it was written.
    pub filter: Filter,
    /// Bound to the attribute.
    pub condition: Condition,
}

impl PatchRequest {
    /// Resolves every operation against the schemas of a resource type and checks its values.
    ///
    /// # Errors
    /// `invalidPath`, `invalidValue`, and `mutability` for a read-only target.
    pub fn resolve<'a>(
        self,
        definition: &'a ResourceDefinition,
        tolerance: &mut Tolerance,
    ) -> Result<Patch<'a>, Error> {
        let mut resolver = Resolver {
            definition,
            limits: self.limits,
            tolerance,
            edits: Vec::with_capacity(self.operations.len()),
            repeated: Vec::new(),
        };
        for operation in self.operations {
            resolver.operation(operation)?;
        }
        Ok(Patch {
            definition,
            edits: resolver.edits,
            repeated: resolver.repeated,
        })
    }
}

struct Resolver<'a, 't> {
    definition: &'a ResourceDefinition,
    limits: crate::Limits,
    tolerance: &'t mut Tolerance,
    edits: Vec<Edit<'a>>,
    repeated: Vec<(String, Value)>,
}

impl<'a> Resolver<'a, '_> {
    fn operation(&mut self, operation: PatchOperation) -> Result<(), Error> {
        let PatchOperation { verb, path, value } = operation;
        match path {
            Some(path) => self.path(verb, path, value, false),
            None => match value {
                Some(Value::Object(members)) => self.members(verb, members),
                _ => Err(Error::new(
                    ScimType::InvalidValue,
                    "Without a \"path\", \"value\" must be an object of attributes.",
                )),
            },
        }
    }

    /// An operation without path: every member of its value is a target.
    fn members(&mut self, verb: Verb, members: Map<String, Value>) -> Result<(), Error> {
        for (name, value) in members {
            if same_name(&name, "schemas") {
                continue;
            }
            if self.definition.extension(&name).is_some() || self.is_core(&name) {
                self.schema(verb, &name, Some(value))?;
            } else if self.definition.attribute(&name).is_some() {
                self.path(verb, plain(&name), Some(value), true)?;
            } else {
                match PatchPath::parse(&name, &self.limits, self.tolerance) {
                    Ok(path) => {
                        if self.definition.resolve(&path.attribute).is_some() {
                            self.tolerance.accept(Deviation::PathAsKey(name))?;
                        }
                        self.path(verb, path, Some(value), true)?;
                    }
                    Err(_) => self.tolerance.accept(Deviation::UnknownAttribute(name))?,
                }
            }
        }
        Ok(())
    }

    /// A target that is a whole schema: every attribute of its value is a target.
    fn schema(&mut self, verb: Verb, uri: &str, value: Option<Value>) -> Result<(), Error> {
        let attributes: Vec<String> = match (verb, value) {
            (Verb::Remove, _) | (_, Some(Value::Null)) => match self.definition.extension(uri) {
                Some(extension) => names(&extension.attributes),
                None => return Err(invalid_path(uri, "is a core schema and cannot be removed")),
            },
            (_, Some(Value::Object(members))) => {
                for (name, value) in members {
                    match format!("{uri}:{name}").parse() {
                        Ok(attribute) => {
                            self.path(verb, whole(attribute), Some(value), true)?;
                        }
                        Err(_) => self.tolerance.accept(Deviation::UnknownAttribute(name))?,
                    }
                }
                return Ok(());
            }
            _ => {
                return Err(Error::new(
                    ScimType::InvalidValue,
                    format!("{} needs an object of attributes.", quote(uri)),
                ));
            }
        };
        for name in attributes {
            let attribute = AttributePath {
                schema: Some(uri.to_owned()),
                ..AttributePath::new(name)
            };
            let read_only = self
                .definition
                .resolve(&attribute)
                .is_none_or(|resolved| resolved.attribute.mutability == Mutability::ReadOnly);
            if !read_only {
                self.path(Verb::Remove, whole(attribute), None, true)?;
            }
        }
        Ok(())
    }

    /// One target. `inner` is true where the path is a key of the value of an operation.
    fn path(
        &mut self,
        verb: Verb,
        path: PatchPath,
        value: Option<Value>,
        inner: bool,
    ) -> Result<(), Error> {
        let text = path.attribute.to_string();
        if path.filter.is_none()
            && (self.definition.extension(&text).is_some() || self.is_core(&text))
        {
            return self.schema(verb, &text, value);
        }
        let Some(target) = self.target(&path)? else {
            return Ok(());
        };
        if target.leaf().mutability == Mutability::ReadOnly
            || target.attribute.mutability == Mutability::ReadOnly
        {
            return self.read_only(target, value, inner);
        }
        if target.extension.is_none() && target.attribute.name == "schemas" {
            return self
                .tolerance
                .accept(Deviation::ReadOnlyRepeated("schemas".to_owned()));
        }
        let selection = self.selection(&path, target)?;
        let emptied = emptied(target, value.as_ref()).filter(|_| verb != Verb::Remove);
        let adds_one = verb == Verb::Add && !inner && selection.is_none();
        let value = match value {
            // RFC 7644 section 3.5.2.1: what is added to a multi-valued attribute is "a new value".
            Some(single)
                if adds_one
                    && target.leaf().multi_valued
                    && !single.is_array()
                    && !without_value(&single) =>
            {
                Some(Value::Array(vec![single]))
            }
            other => other,
        };
        let value = self.value(verb, target, selection.is_some(), value)?;
        match emptied {
            Some(Emptied::Text) => {
                let path = Resolved {
                    sub_attribute: None,
                    ..target
                };
                let path = path.path().to_string();
                self.tolerance.accept(Deviation::EmptyClears(path))?;
                self.clear(target);
                return Ok(());
            }
            Some(Emptied::Null) if verb == Verb::Replace => {
                self.clear(target);
                return Ok(());
            }
            _ => {}
        }
        self.edits.push(Edit {
            verb,
            target,
            selection,
            value,
        });
        Ok(())
    }

    /// An attribute whose `value` is emptied goes as a whole, by `add` as by `replace`, through
    /// its sub-attribute as through itself.
    fn clear(&mut self, target: Resolved<'a>) {
        self.edits.push(Edit {
            verb: Verb::Replace,
            target: Resolved {
                sub_attribute: None,
                ..target
            },
            selection: None,
            value: None,
        });
    }

    /// The attribute a path names; `None` when it is unknown and therefore ignored.
    fn target(&mut self, path: &PatchPath) -> Result<Option<Resolved<'a>>, Error> {
        let mut full = path.attribute.clone();
        if let Some(sub) = &path.sub_attribute {
            full.sub_attribute = Some(sub.clone());
        }
        if let Some(resolved) = self.definition.resolve(&full) {
            return Ok(Some(resolved));
        }
        let mut attribute = full.clone();
        attribute.sub_attribute = None;
        let simple = self
            .definition
            .resolve(&attribute)
            .is_some_and(|resolved| resolved.attribute.kind != AttributeType::Complex);
        if simple {
            return Err(invalid_path(
                &full.to_string(),
                "names a sub-attribute of an attribute that has none",
            ));
        }
        if self.tolerance.profile() == Profile::Strict {
            return Err(invalid_path(&full.to_string(), "is in no schema"));
        }
        self.tolerance
            .accept(Deviation::UnknownAttribute(full.to_string()))?;
        Ok(None)
    }

    fn selection(
        &mut self,
        path: &PatchPath,
        target: Resolved<'a>,
    ) -> Result<Option<Selection>, Error> {
        let Some(filter) = &path.filter else {
            return Ok(None);
        };
        if !target.attribute.multi_valued {
            return Err(invalid_path(
                &path.attribute.to_string(),
                "has a single value and takes no brackets",
            ));
        }
        let attribute = Resolved {
            sub_attribute: None,
            ..target
        };
        Ok(Some(Selection {
            condition: filter.bind_value_filter(&attribute, self.tolerance)?,
            filter: filter.clone(),
        }))
    }

    /// A read-only target: an error, unless the operation carries along what is there anyway.
    fn read_only(
        &mut self,
        target: Resolved<'a>,
        value: Option<Value>,
        inner: bool,
    ) -> Result<(), Error> {
        let path = target.path().to_string();
        if self.tolerance.profile() == Profile::Tolerant {
            if path == "id"
                && let Some(value) = value
            {
                self.tolerance
                    .accept(Deviation::ReadOnlyRepeated(path.clone()))?;
                self.repeated.push((path, value));
                return Ok(());
            }
            if inner && path != "id" {
                return self.tolerance.accept(Deviation::ReadOnlyRepeated(path));
            }
        }
        Err(Error::new(
            ScimType::Mutability,
            format!("\"{path}\" is read-only."),
        ))
    }

    /// The canonical form of an operation's value.
    fn value(
        &mut self,
        verb: Verb,
        target: Resolved<'a>,
        selected: bool,
        value: Option<Value>,
    ) -> Result<Option<Value>, Error> {
        let path = target.path().to_string();
        let leaf = target.leaf();
        if verb == Verb::Remove {
            return match value {
                Some(value) if !value.is_null() && leaf.multi_valued && !selected => {
                    self.tolerance
                        .accept(Deviation::RemoveByValue(path.clone()))?;
                    let named = read_attribute(leaf, &path, value, self.tolerance)?;
                    Ok(Some(named.unwrap_or_else(|| Value::Array(Vec::new()))))
                }
                _ => Ok(None),
            };
        }
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        if leaf.multi_valued && !selected {
            return self.values(verb, leaf, &path, value);
        }
        // The value of selected elements is one element.
        let element = match value {
            Value::Array(mut elements) if selected && elements.len() == 1 => elements.pop(),
            other => Some(other),
        };
        let single = Attribute {
            multi_valued: false,
            ..leaf.clone()
        };
        match element {
            Some(element) => read_part(&single, &path, element, self.tolerance),
            None => Ok(None),
        }
    }

    /// The values of a multi-valued attribute. A list of values that say nothing is no empty list.
    fn values(
        &mut self,
        verb: Verb,
        attribute: &Attribute,
        path: &str,
        value: Value,
    ) -> Result<Option<Value>, Error> {
        let objects = value
            .as_array()
            .is_some_and(|elements| elements.iter().any(Value::is_object))
            || value.is_object();
        let values = read_attribute(attribute, path, value, self.tolerance)?;
        if values.is_none() && objects && verb == Verb::Replace {
            return Err(Error::new(
                ScimType::InvalidValue,
                format!("The values of \"{path}\" have no sub-attribute with a value."),
            ));
        }
        Ok(values)
    }

    fn is_core(&self, uri: &str) -> bool {
        same_name(uri, &self.definition.core().id)
    }
}

impl Edit<'_> {
    /// The path of the target, for messages.
    pub fn path(&self) -> String {
        self.target.path().to_string()
    }

    /// The element that a filter of `eq` joined by `and` describes, with what a sub-attribute is
    /// set to; `None` for any other filter.
    pub(super) fn described_element(&self) -> Option<Map<String, Value>> {
        let mut element = Map::new();
        describe(
            &self.selection.as_ref()?.filter,
            self.target.attribute,
            &mut element,
        )?;
        match (self.target.sub_attribute, &self.value) {
            (Some(sub), Some(value)) => {
                element.insert(sub.name.clone(), value.clone());
            }
            (None, Some(Value::Object(members))) => merge(&mut element, members),
            _ => return None,
        }
        Some(element)
    }
}

fn describe(
    filter: &Filter,
    attribute: &Attribute,
    element: &mut Map<String, Value>,
) -> Option<()> {
    use crate::filter::{Comparand, Operator};
    match filter {
        Filter::And(parts) => parts
            .iter()
            .try_for_each(|part| describe(part, attribute, element).ok_or(()))
            .ok(),
        Filter::Comparison {
            path,
            operator: Operator::Equal,
            value,
        } => {
            let sub = attribute.sub_attribute(&path.attribute)?;
            let value = match value {
                Comparand::Text(text) if sub.kind == AttributeType::Boolean => {
                    Value::Bool(text.eq_ignore_ascii_case("true"))
                }
                Comparand::Text(text) => Value::String(text.clone()),
                Comparand::Number(number) => Value::Number(number.clone()),
                Comparand::Boolean(flag) => Value::Bool(*flag),
                Comparand::Null => return None,
            };
            if without_value(&value) {
                return None;
            }
            // No value has two different values of one sub-attribute.
            let other = element.insert(sub.name.clone(), value.clone());
            other.is_none_or(|other| other == value).then_some(())
        }
        _ => None,
    }
}

/// What a single complex attribute, such as `manager`, gets for its `value` that is none.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Emptied {
    /// The empty text.
    Text,
    /// `null` (RFC 7643 section 2.5).
    Null,
}

/// Whether a single complex attribute that is known by its `value` loses it.
fn emptied(target: Resolved<'_>, value: Option<&Value>) -> Option<Emptied> {
    let attribute = target.attribute;
    if attribute.multi_valued || attribute.sub_attribute("value").is_none() {
        return None;
    }
    let given = match (target.sub_attribute, value?) {
        (Some(sub), value) => (sub.name == "value").then_some(value)?,
        (None, Value::Object(members)) => {
            let named = members.iter().find(|(name, _)| same_name(name, "value"));
            named.map(|(_, value)| value)?
        }
        (None, value) => value,
    };
    match given {
        Value::Null => Some(Emptied::Null),
        Value::String(text) if text.is_empty() => Some(Emptied::Text),
        _ => None,
    }
}

/// Sets the sub-attributes that a part names, and clears those that are null in it.
pub(super) fn merge(members: &mut Map<String, Value>, part: &Map<String, Value>) {
    for (name, value) in part {
        if value.is_null() {
            members.shift_remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
}

fn plain(name: &str) -> PatchPath {
    whole(AttributePath::new(name))
}

fn whole(attribute: AttributePath) -> PatchPath {
    PatchPath {
        attribute,
        filter: None,
        sub_attribute: None,
    }
}

fn names(attributes: &[Attribute]) -> Vec<String> {
    attributes.iter().map(|a| a.name.clone()).collect()
}

fn invalid_path(path: &str, why: &str) -> Error {
    Error::new(ScimType::InvalidPath, format!("{} {why}.", quote(path)))
}
