//! Edits applied to a resource.

use serde_json::{Map, Value};

use super::edit::{Edit, Selection, merge};
use super::request::Verb;
use crate::error::{Error, ScimType};
use crate::resource::{Resource, immutable, same};
use crate::resource::{element_names, without_value};
use crate::schema::{Attribute, AttributeType, Mutability, ResourceDefinition};
use crate::tolerance::{Deviation, Profile, Tolerance};

/// A PATCH request resolved against the schemas of a resource type.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch<'a> {
    pub(super) definition: &'a ResourceDefinition,
    pub(super) edits: Vec<Edit<'a>>,
    /// Read-only attributes that the request repeats, and the values it gives them.
    pub(super) repeated: Vec<(String, Value)>,
}

impl<'a> Patch<'a> {
    /// The edits, in order.
    pub fn edits(&self) -> &[Edit<'a>] {
        &self.edits
    }

    /// Whether nothing is left to be applied to the resource itself.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// Checks that the `id` a request repeats is the resource's own.
    ///
    /// # Errors
    /// `mutability` when it is another one.
    pub fn check_id(&self, id: &str) -> Result<(), Error> {
        match self.repeated.iter().find(|(_, value)| value != id) {
            None => Ok(()),
            Some((path, _)) => Err(Error::new(
                ScimType::Mutability,
                format!("\"{path}\" is read-only."),
            )),
        }
    }

    /// The resource with every edit applied, in order. Compare with
    /// [`changes`](crate::resource::changes) to learn what changed.
    ///
    /// # Errors
    /// `noTarget` where a filter selects nothing, `mutability` for an immutable attribute that has
    /// a value or a required one that loses it, `invalidValue`.
    pub fn apply(&self, resource: &Resource, tolerance: &mut Tolerance) -> Result<Resource, Error> {
        if let Some(id) = resource.id() {
            self.check_id(id)?;
        }
        let mut attributes = resource.attributes().clone();
        for edit in &self.edits {
            edit.apply(&mut attributes, tolerance)?;
        }
        let mut patched = Resource::from_map(attributes);
        patched.list_schemas(self.definition);
        self.check_required(&patched)?;
        Ok(patched)
    }

    fn check_required(&self, patched: &Resource) -> Result<(), Error> {
        let Some(missing) = patched.missing(self.definition) else {
            return Ok(());
        };
        let removed = self
            .edits
            .iter()
            .any(|edit| edit.verb == Verb::Remove && edit.path() == missing);
        // RFC 7644 section 3.5.2.2 names "mutability" for a required attribute that is removed.
        let scim_type = if removed {
            ScimType::Mutability
        } else {
            ScimType::InvalidValue
        };
        Err(Error::new(
            scim_type,
            format!("\"{missing}\" is required and would have no value."),
        ))
    }
}

impl Edit<'_> {
    fn apply(
        &self,
        attributes: &mut Map<String, Value>,
        tolerance: &mut Tolerance,
    ) -> Result<(), Error> {
        let Some(extension) = self.target.extension else {
            return self.apply_in(attributes, tolerance);
        };
        let mut data = match attributes.get_mut(&extension.id).map(Value::take) {
            Some(Value::Object(data)) => data,
            _ => Map::new(),
        };
        let result = self.apply_in(&mut data, tolerance);
        if data.is_empty() {
            attributes.shift_remove(&extension.id);
        } else {
            attributes.insert(extension.id.clone(), Value::Object(data));
        }
        result
    }

    /// Applies the edit to the object that holds the attribute.
    fn apply_in(
        &self,
        holder: &mut Map<String, Value>,
        tolerance: &mut Tolerance,
    ) -> Result<(), Error> {
        let attribute = self.target.attribute;
        let mut value = holder.get(&attribute.name).cloned().unwrap_or(Value::Null);
        let before = value.clone();
        match &self.selection {
            Some(selection) => self.apply_selected(selection, &mut value, tolerance)?,
            None => match self.target.sub_attribute {
                Some(sub) => self.apply_sub(sub, &mut value)?,
                None => self.apply_whole(attribute, &mut value),
            },
        }
        if attribute.mutability == Mutability::Immutable
            && !without_value(&before)
            && !same(attribute, &before, &value)
        {
            return Err(immutable(&self.path()));
        }
        if without_value(&value) && !value.is_string() {
            holder.shift_remove(&attribute.name);
        } else {
            holder.insert(attribute.name.clone(), value);
        }
        Ok(())
    }

    /// The attribute as a whole.
    fn apply_whole(&self, attribute: &Attribute, value: &mut Value) {
        match (self.verb, &self.value) {
            (Verb::Remove, None) => *value = Value::Null,
            (Verb::Remove, Some(named)) => remove_named(attribute, value, named),
            (Verb::Add, None) => {}
            (Verb::Replace, None) => *value = Value::Null,
            (Verb::Add, Some(new)) if attribute.multi_valued => add_elements(attribute, value, new),
            (_, Some(new)) => self.set(attribute, value, new),
        }
    }

    /// A sub-attribute of a complex attribute; of every value if it has several.
    fn apply_sub(&self, sub: &Attribute, value: &mut Value) -> Result<(), Error> {
        if let Value::Array(elements) = value {
            // RFC 7643 section 2.4: `primary` is true for no more than one value, and the request
            // does not say for which.
            if elements.len() > 1 && self.sets_primary() {
                return Err(Error::new(
                    ScimType::InvalidValue,
                    format!("\"{}\" can be true for one value only.", self.path()),
                ));
            }
            for element in elements.iter_mut() {
                self.set_sub(sub, element)?;
            }
            elements.retain(|element| !without_value(element));
            return Ok(());
        }
        if self.target.attribute.multi_valued && self.verb != Verb::Remove {
            let mut element = Value::Null;
            self.set_sub(sub, &mut element)?;
            if !without_value(&element) {
                *value = Value::Array(vec![element]);
            }
            return Ok(());
        }
        self.set_sub(sub, value)
    }

    /// The values that a filter selects.
    fn apply_selected(
        &self,
        selection: &Selection,
        value: &mut Value,
        tolerance: &mut Tolerance,
    ) -> Result<(), Error> {
        let mut elements = match value.take() {
            Value::Array(elements) => elements,
            _ => Vec::new(),
        };
        let selected: Vec<bool> = elements
            .iter()
            .map(|element| selection.condition.matches_value(element))
            .collect();
        let result = if selected.contains(&true) {
            self.change_selected(&mut elements, &selected)
        } else {
            self.nothing_selected(&mut elements, tolerance)
        };
        *value = Value::Array(elements);
        result
    }

    fn change_selected(&self, elements: &mut Vec<Value>, selected: &[bool]) -> Result<(), Error> {
        let attribute = self.target.attribute;
        let mut marks = selected.iter();
        if self.verb == Verb::Remove && self.target.sub_attribute.is_none() {
            elements.retain(|_| marks.next() != Some(&true));
            return Ok(());
        }
        let mut primary = None;
        for (at, element) in elements.iter_mut().enumerate() {
            if marks.next() != Some(&true) {
                continue;
            }
            match (self.target.sub_attribute, &self.value) {
                (Some(sub), _) => self.set_sub(sub, element)?,
                (None, Some(new)) => self.set(attribute, element, new),
                (None, None) if self.verb == Verb::Add => {}
                (None, None) => *element = Value::Null,
            }
            if self.sets_primary() {
                primary = Some(at);
            }
        }
        keep_primary(elements, primary);
        elements.retain(|element| !without_value(element));
        Ok(())
    }

    /// Whether the edit makes a value the primary one.
    fn sets_primary(&self) -> bool {
        let yes = Some(&Value::Bool(true));
        match self.target.sub_attribute {
            Some(sub) => sub.name == "primary" && self.value.as_ref() == yes,
            None => self.value.as_ref().and_then(|value| value.get("primary")) == yes,
        }
    }

    /// A filter that selects nothing: RFC 7644 section 3.5.2.3 asks for `noTarget`. Entra ID means
    /// the value to be created; what other clients mean by `add` is the same.
    fn nothing_selected(
        &self,
        elements: &mut Vec<Value>,
        tolerance: &mut Tolerance,
    ) -> Result<(), Error> {
        if self.verb == Verb::Remove {
            return Ok(());
        }
        let no_target = || {
            Error::new(
                ScimType::NoTarget,
                format!("The filter of \"{}\" selects no value.", self.path()),
            )
        };
        let creates = tolerance.profile() == Profile::Tolerant
            && (self.verb == Verb::Add || tolerance.is_microsoft());
        if !creates {
            return Err(no_target());
        }
        let says_nothing = |value: &Value| value.as_object().is_some_and(Map::is_empty);
        if self.value.as_ref().is_none_or(says_nothing) {
            return Ok(());
        }
        let element = self.described_element().ok_or_else(no_target)?;
        tolerance.accept(Deviation::CreatedByFilter(self.path()))?;
        let primary = element.get("primary") == Some(&Value::Bool(true));
        let at = elements.len();
        elements.push(Value::Object(element));
        keep_primary(elements, primary.then_some(at));
        Ok(())
    }

    /// Sets a value: sub-attributes that the new value does not name stay (RFC 7644 section
    /// 3.5.2.3). An `add` takes nothing away.
    fn set(&self, attribute: &Attribute, value: &mut Value, new: &Value) {
        let (AttributeType::Complex, Value::Object(new)) = (attribute.kind, new) else {
            *value = new.clone();
            return;
        };
        let mut members = match value.take() {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let mut new = new.clone();
        if self.verb == Verb::Add {
            new.retain(|_, value| !value.is_null());
        }
        merge(&mut members, &new);
        *value = Value::Object(members);
    }

    fn set_sub(&self, sub: &Attribute, element: &mut Value) -> Result<(), Error> {
        if !element.is_object() {
            *element = Value::Object(Map::new());
        }
        let Some(members) = element.as_object_mut() else {
            return Ok(());
        };
        let stored = members.get(&sub.name);
        if sub.mutability == Mutability::Immutable
            && stored.is_some_and(|stored| self.value.as_ref() != Some(stored))
        {
            return Err(immutable(&self.path()));
        }
        match &self.value {
            None if self.verb == Verb::Add => {}
            None => {
                members.shift_remove(&sub.name);
            }
            Some(value) => {
                members.insert(sub.name.clone(), value.clone());
            }
        }
        Ok(())
    }
}

/// Adds values that are not there yet (RFC 7644 section 3.5.2.1).
fn add_elements(attribute: &Attribute, value: &mut Value, new: &Value) {
    let mut elements = match value.take() {
        Value::Array(elements) => elements,
        _ => Vec::new(),
    };
    let mut primary = None;
    for added in new.as_array().into_iter().flatten() {
        let found = elements
            .iter()
            .position(|element| is_same_entry(attribute, element, added));
        let at = found.unwrap_or(elements.len());
        match (found.and_then(|at| elements.get_mut(at)), added) {
            (Some(Value::Object(element)), Value::Object(added)) => element.extend(added.clone()),
            (Some(_), _) => {}
            (None, added) => elements.push(added.clone()),
        }
        if added.get("primary") == Some(&Value::Bool(true)) {
            primary = Some(at);
        }
    }
    keep_primary(&mut elements, primary);
    *value = Value::Array(elements);
}

/// Whether an added value is an entry that is there: the same `value` and `type`, or the same
/// `value` where `value` is immutable and so the identity of the entry (group members).
fn is_same_entry(attribute: &Attribute, element: &Value, added: &Value) -> bool {
    let Some(value) = attribute.sub_attribute("value") else {
        return same(attribute, element, added);
    };
    if value.mutability == Mutability::Immutable {
        return element_names(attribute, added, element);
    }
    let part = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    let text = |name: &str| {
        let (left, right) = (part(element, name), part(added, name));
        match (attribute.sub_attribute(name), left, right) {
            (Some(sub), Some(left), Some(right)) => crate::resource::same_text(sub, &left, &right),
            (_, left, right) => left == right,
        }
    };
    part(added, "value").is_some() && text("value") && text("type")
}

/// Removes the values that a `remove` names in its `value`, and no other.
fn remove_named(attribute: &Attribute, value: &mut Value, named: &Value) {
    if let Value::Array(elements) = value {
        let named = named.as_array().map_or(&[][..], Vec::as_slice);
        elements.retain(|element| {
            !named
                .iter()
                .any(|named| element_names(attribute, named, element))
        });
    }
}

/// RFC 7644 section 3.5.2: a new `primary` takes the flag from the old one.
fn keep_primary(elements: &mut [Value], primary: Option<usize>) {
    let Some(primary) = primary else {
        return;
    };
    for (at, element) in elements.iter_mut().enumerate() {
        if let Some(members) = element.as_object_mut()
            && at != primary
            && members.get("primary") == Some(&Value::Bool(true))
        {
            members.insert("primary".into(), Value::Bool(false));
        }
    }
}
