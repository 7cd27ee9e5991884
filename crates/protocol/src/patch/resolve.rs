//! From the operations of a request to edits of a resource.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::apply::Patch;
use super::describe::{Emptied, emptied};
use super::edit::{Edit, Selection};
use super::path::PatchPath;
use super::request::{PatchOperation, PatchRequest, Verb};
use crate::error::{Error, ScimType, quote};
use crate::path::{AttributePath, same_name};
use crate::resource::entry::is_row;
use crate::resource::{Place, Read, Reader, named_by_reference, without_value};
use crate::schema::{Attribute, AttributeType, Mutability, Resolved, ResourceDefinition};
use crate::tolerance::{Deviation, Profile, Tolerance};

impl PatchRequest {
    /// Resolves every operation against the schemas of a resource type and checks its values.
    ///
    /// ```
    /// use scim_protocol::patch::{PatchOperation, PatchPath, PatchRequest};
    /// use scim_protocol::{ResourceDefinition, ScimType, Tolerance};
    ///
    /// let (users, mut tolerance) = (ResourceDefinition::user(), Tolerance::default());
    /// let request = PatchRequest::new([PatchOperation::remove("meta".parse::<PatchPath>()?)]);
    /// let refused = request.resolve(&users, &mut tolerance).unwrap_err();
    /// assert_eq!(refused.scim_type(), Some(ScimType::Mutability));
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    ///
    /// # Errors
    /// `invalidPath`, `invalidValue`, `mutability` for a read-only target, and 413 for more
    /// attributes than [`Limits::patch_operations`](crate::Limits::patch_operations).
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
            named: 0,
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
    /// How many attributes were named so far.
    named: usize,
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
        let mut seen = HashSet::new();
        for (name, value) in members {
            if same_name(&name, "schemas") {
                continue;
            }
            if self.definition.schema_named(&name).is_some() {
                self.schema(verb, &name, Some(value))?;
            } else if let Some(attribute) = self.definition.attribute(&name) {
                if !seen.insert(attribute.name.as_str()) {
                    self.tolerance
                        .accept(Deviation::RepeatedAttribute(name.clone()))?;
                }
                self.path(verb, plain(&name), Some(value), true)?;
            } else {
                match PatchPath::parse(&name, &self.limits, self.tolerance) {
                    Ok(path) => {
                        if self.definition.resolve(&path.attribute).is_some() {
                            self.tolerance.accept(Deviation::PathAsKey(name))?;
                        }
                        self.path(verb, path, Some(value), true)?;
                    }
                    Err(_) => self.unknown(name)?,
                }
            }
        }
        Ok(())
    }

    /// Counts an attribute that the request names, known or not.
    fn count(&mut self) -> Result<(), Error> {
        self.named += 1;
        if self.named <= self.limits.patch_operations {
            return Ok(());
        }
        let limit = self.limits.patch_operations;
        Err(Error::with_status(
            413,
            format!("A PATCH request may change {limit} attributes."),
        ))
    }

    fn unknown(&mut self, name: String) -> Result<(), Error> {
        self.count()?;
        self.tolerance.accept(Deviation::UnknownAttribute(name))
    }

    /// A target that is a whole schema: every attribute of its value is a target.
    fn schema(&mut self, verb: Verb, uri: &str, value: Option<Value>) -> Result<(), Error> {
        let extension = match self.definition.schema_named(uri) {
            Some(named) => named.noted(uri, self.tolerance)?.extension,
            None => None,
        };
        let core = self.definition.core();
        let uri = extension.unwrap_or(core).id.as_str();
        let attributes: Vec<String> = match (verb, value) {
            (Verb::Remove, _) | (_, Some(Value::Null)) => match extension {
                Some(extension) => names(&extension.attributes),
                None => return Err(invalid_path(uri, "is a core schema and cannot be removed")),
            },
            (_, Some(Value::Object(members))) => {
                let mut seen = HashSet::new();
                for (name, value) in members {
                    let known = extension.unwrap_or(core).attribute(&name);
                    if known.is_some_and(|known| !seen.insert(known.name.as_str())) {
                        self.tolerance
                            .accept(Deviation::RepeatedAttribute(name.clone()))?;
                    }
                    match format!("{uri}:{name}").parse::<AttributePath>() {
                        Ok(attribute) => {
                            self.path(verb, attribute.into(), Some(value), true)?;
                        }
                        Err(_) => self.unknown(name)?,
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
                self.path(Verb::Remove, attribute.into(), None, true)?;
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
        if path.filter.is_none() && self.definition.schema_named(&text).is_some() {
            return self.schema(verb, &text, value);
        }
        self.count()?;
        let Some(target) = self.target(&path)? else {
            return Ok(());
        };
        // RFC 7644 section 3.5.2: an operation fits the mutability of its attribute. Memberships are
        // changed at the group (RFC 7643 section 4.1.2).
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
        let value = match self.value(verb, target, selection.is_some(), value, inner)? {
            // What cannot be read says nothing.
            Read::Dropped => return Ok(()),
            read => read.value(),
        };
        match emptied {
            Some(Emptied::Text) => return self.clear(target, selection, true),
            Some(Emptied::Null) if verb == Verb::Replace => {
                return self.clear(target, selection, false);
            }
            _ => {}
        }
        let named = value
            .as_ref()
            .and_then(|value| named_by_reference(target, value));
        let (target, value) = match named {
            Some((target, value)) => (target, Some(value)),
            None => (target, value),
        };
        self.push(Edit {
            verb,
            target,
            selection,
            value,
        });
        Ok(())
    }

    /// Joins values that are added, or removed, one operation after another: they make one edit, for
    /// which the values that are there are looked at once.
    fn push(&mut self, mut edit: Edit<'a>) {
        let lists = |edit: &Edit<'_>| {
            edit.verb != Verb::Replace
                && edit.selection.is_none()
                && edit.target.sub_attribute.is_none()
                && edit.target.attribute.multi_valued
        };
        let last = self.edits.last_mut().filter(|last| {
            lists(last) && lists(&edit) && last.verb == edit.verb && last.target == edit.target
        });
        match (last.map(|last| &mut last.value), &mut edit.value) {
            (Some(Some(Value::Array(values))), Some(Value::Array(more))) => values.append(more),
            _ => self.edits.push(edit),
        }
    }

    /// An attribute whose `value` is emptied goes as a whole, by `add` as by `replace`, through
    /// its sub-attribute as through itself.
    fn clear(
        &mut self,
        target: Resolved<'a>,
        selection: Option<Selection>,
        by_text: bool,
    ) -> Result<(), Error> {
        let target = Resolved {
            sub_attribute: None,
            ..target
        };
        if by_text {
            let path = target.path().to_string();
            self.tolerance.accept(Deviation::EmptyClears(path))?;
        }
        self.edits.push(Edit {
            verb: Verb::Replace,
            target,
            selection,
            value: None,
        });
        Ok(())
    }

    /// The attribute a path names; `None` when it is unknown and therefore ignored.
    fn target(&mut self, path: &PatchPath) -> Result<Option<Resolved<'a>>, Error> {
        let mut full = path.attribute.clone();
        if let Some(sub) = &path.sub_attribute {
            full.sub_attribute = Some(sub.clone());
        }
        if let Some(resolved) = self.definition.understand(&full, self.tolerance)? {
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
            let text = path.attribute.to_string();
            let complex = target.attribute.kind == AttributeType::Complex;
            if !complex || self.tolerance.profile() == Profile::Strict {
                return Err(invalid_path(
                    &text,
                    "has a single value and takes no brackets",
                ));
            }
            self.tolerance.accept(Deviation::SingleBrackets(text))?;
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
            let value = value.filter(|value| !(inner && value.is_null()));
            if path == "id" && inner && value.is_none() {
                return self.tolerance.accept(Deviation::ReadOnlyRepeated(path));
            }
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
        inner: bool,
    ) -> Result<Read, Error> {
        let path = target.path().to_string();
        let leaf = target.leaf();
        if verb == Verb::Remove {
            return match value {
                Some(value) if !value.is_null() && leaf.multi_valued && !selected => {
                    self.tolerance
                        .accept(Deviation::RemoveByValue(path.clone()))?;
                    let mut reader = Reader::named(self.tolerance, !inner);
                    let named = reader.attribute(leaf, Place::of(&path), value)?;
                    // What names nothing removes nothing.
                    let named = named.value().unwrap_or_else(|| Value::Array(Vec::new()));
                    Ok(Read::Value(named))
                }
                _ => Ok(Read::Nothing),
            };
        }
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return Ok(Read::Nothing);
        };
        if leaf.multi_valued && !selected {
            return self.values(verb, leaf, &path, value, inner);
        }
        // The value of selected elements is one element.
        let whole = selected && target.sub_attribute.is_none();
        let element = match value {
            Value::Array(mut elements) if whole && elements.len() == 1 => elements.pop(),
            other => Some(other),
        };
        // A value of a list is written bare where it is a row of its own, and nowhere else.
        if whole && leaf.kind == AttributeType::Complex && !is_row(leaf) {
            let bare = |value: &Value| !value.is_object() && !without_value(value);
            if leaf.multi_valued && element.as_ref().is_some_and(bare) {
                return match inner {
                    true => {
                        self.tolerance.accept(Deviation::Unreadable(path))?;
                        Ok(Read::Dropped)
                    }
                    false => Err(Error::new(
                        ScimType::InvalidValue,
                        format!("A value of \"{path}\" must be an object."),
                    )),
                };
            }
        }
        let single = Attribute {
            multi_valued: false,
            ..leaf.clone()
        };
        match element {
            Some(element) => {
                Reader::named(self.tolerance, !inner).part(&single, Place::of(&path), element)
            }
            None => Ok(Read::Nothing),
        }
    }

    /// The values of a multi-valued attribute. A list of values that say nothing is no empty list.
    fn values(
        &mut self,
        verb: Verb,
        attribute: &Attribute,
        path: &str,
        value: Value,
        inner: bool,
    ) -> Result<Read, Error> {
        let objects = match &value {
            Value::Array(elements) => elements.iter().any(Value::is_object),
            single => single.is_object(),
        };
        let values =
            Reader::named(self.tolerance, !inner).attribute(attribute, Place::of(path), value)?;
        if values == Read::Nothing && objects && verb == Verb::Replace {
            return Err(Error::new(
                ScimType::InvalidValue,
                format!("The values of \"{path}\" have no sub-attribute with a value."),
            ));
        }
        Ok(values)
    }
}

fn plain(name: &str) -> PatchPath {
    AttributePath::new(name).into()
}

fn names(attributes: &[Attribute]) -> Vec<String> {
    attributes.iter().map(|a| a.name.clone()).collect()
}

fn invalid_path(path: &str, why: &str) -> Error {
    Error::new(ScimType::InvalidPath, format!("{} {why}.", quote(path)))
}
