//! Edits applied to a resource.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::edit::{Edit, Selection};
use super::request::Verb;
use super::values::{add_elements, clear_record, keep_primary, merge, remove_named};
use crate::budget::Budget;
use crate::error::{Error, ScimType};
use crate::members::remove_member;
use crate::resource::entry::{is_row, unified};
use crate::resource::{Absence, Resource, check_count, immutable, keep_immutable, without_value};
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
    ///
    /// ```
    /// use scim_protocol::patch::PatchRequest;
    /// use scim_protocol::{ResourceDefinition, Tolerance};
    /// use serde_json::json;
    ///
    /// let (users, mut tolerance) = (ResourceDefinition::user(), Tolerance::default());
    /// let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    ///     "Operations": [{"op": "remove", "path": "userName"}]});
    /// let patch = PatchRequest::from_json(body)?.resolve(&users, &mut tolerance)?;
    /// assert_eq!(patch.edits()[0].path(), "userName");
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
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
    /// ```
    /// use scim_protocol::patch::PatchRequest;
    /// use scim_protocol::{Resource, ResourceDefinition, ScimType, Tolerance};
    /// use serde_json::json;
    ///
    /// let (users, mut tolerance) = (ResourceDefinition::user(), Tolerance::default());
    /// let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    ///     "Operations": [{"op": "remove", "path": "userName"}]});
    /// let patch = PatchRequest::from_json(body)?.resolve(&users, &mut tolerance)?;
    /// let refused = patch.apply(&Resource::default(), &mut tolerance).unwrap_err();
    /// assert_eq!(refused.scim_type(), Some(ScimType::Mutability), "userName is required");
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    ///
    /// What comes of a filter that selects no value:
    ///
    /// | operation | tolerant | strict |
    /// |---|---|---|
    /// | `remove` | nothing: what is to go is not there (RFC 7644 section 3.5.2.2 knows no error) | the same |
    /// | `add`, `replace`, with a filter of `eq` joined by `and` | the value that it describes is created ([`Deviation::CreatedByFilter`]) | `noTarget` |
    /// | `add`, `replace`, with any other filter | `noTarget` | `noTarget` |
    /// | `add`, `replace`, whose value says nothing | nothing | `noTarget` |
    ///
    /// Of a complex attribute that has a single value no profile creates one: `noTarget`. The page of
    /// the [module](crate::patch#filters-that-select-nothing) shows it.
    ///
    /// # Errors
    /// `noTarget` as above, `mutability` for an immutable attribute that has a value or a required
    /// one that loses it, `invalidValue`, and 413 for too many values or more work than the
    /// [`Budget`](crate::Budget) has.
    pub fn apply(&self, resource: &Resource, tolerance: &mut Tolerance) -> Result<Resource, Error> {
        if let Some(id) = resource.id() {
            self.check_id(id)?;
        }
        // RFC 7644 section 3.5.2: a request is atomic, and so works on a copy; `schemas` follows in the
        // end what the operations changed.
        let mut attributes = resource.attributes().clone();
        // RFC 7644 section 3.5.2.3: what is set through a filter is set in all values that it
        // selects, and who sets it so means all of them.
        let mut alike = HashSet::new();
        for edit in &self.edits {
            if edit.apply(&mut attributes, tolerance)? == Reach::Several {
                alike.insert(edit.address());
            }
        }
        self.unify(
            resource.attributes(),
            &mut attributes,
            alike,
            tolerance.budget(),
        )?;
        let before = resource.attributes();
        keep_immutable(self.definition, before, &mut attributes, Absence::Removes)?;
        let mut patched = Resource::from_map(attributes);
        patched.list_schemas(self.definition);
        self.check_required(&patched)?;
        Ok(patched)
    }

    /// Whatever was written to it, a list has no value twice, and no more than it may have.
    fn unify<'s>(
        &'s self,
        before: &Map<String, Value>,
        attributes: &mut Map<String, Value>,
        mut seen: HashSet<Address<'s>>,
        budget: &Budget,
    ) -> Result<(), Error> {
        for edit in &self.edits {
            let attribute = edit.target.attribute;
            let (uri, _) = edit.address();
            if !attribute.multi_valued || !seen.insert(edit.address()) {
                continue;
            }

            let holder = match uri {
                Some(uri) => attributes.get_mut(uri).and_then(Value::as_object_mut),
                None => Some(&mut *attributes),
            };
            let value = holder.and_then(|holder| holder.get_mut(&attribute.name));
            let Some(value @ Value::Array(_)) = value else {
                continue;
            };
            if let Value::Array(elements) = value.take() {
                budget.charge(elements.len())?;
                let elements = unified(attribute, elements);
                let held = match uri {
                    Some(uri) => before.get(uri).and_then(Value::as_object),
                    None => Some(before),
                };
                let held = held.and_then(|held| held.get(&attribute.name)?.as_array());
                let grown = elements.len() > held.map_or(0, Vec::len);
                if grown && !is_row(attribute) {
                    check_count(edit.path(), elements.len(), budget.values())?;
                }
                *value = Value::Array(elements);
            }
        }
        Ok(())
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

/// The extension and the name of an attribute.
type Address<'e> = (Option<&'e str>, &'e str);

/// How many values an edit set to the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    One,
    Several,
}

impl Edit<'_> {
    fn address(&self) -> Address<'_> {
        let extension = self.target.extension.map(|schema| schema.id.as_str());
        (extension, self.target.attribute.name.as_str())
    }

    fn apply(
        &self,
        attributes: &mut Map<String, Value>,
        tolerance: &mut Tolerance,
    ) -> Result<Reach, Error> {
        let Some(extension) = self.target.extension else {
            return self.apply_in(attributes, tolerance);
        };
        let mut data = match attributes.get_mut(&extension.id).map(Value::take) {
            Some(Value::Object(data)) => data,
            _ => Map::new(),
        };
        let result = self.apply_in(&mut data, tolerance);
        if data.is_empty() {
            remove_member(attributes, &extension.id);
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
    ) -> Result<Reach, Error> {
        let mut reach = Reach::One;
        let attribute = self.target.attribute;
        // Taken and not copied: of what fails nothing is kept.
        let value = holder.get_mut(&attribute.name).map(Value::take);
        let mut value = value.unwrap_or_default();
        match (&self.selection, self.target.sub_attribute) {
            (Some(selection), _) if attribute.multi_valued => {
                reach = self.apply_selected(selection, &mut value, tolerance)?;
            }
            (Some(selection), _) => self.apply_bracketed(selection, &mut value)?,
            (None, Some(sub)) => self.apply_sub(sub, &mut value, tolerance.budget())?,
            (None, None) => self.apply_whole(attribute, &mut value, tolerance.budget())?,
        }
        if without_value(&value) && !value.is_string() {
            remove_member(holder, &attribute.name);
        } else {
            holder.insert(attribute.name.clone(), value);
        }
        Ok(reach)
    }

    /// The attribute as a whole.
    fn apply_whole(
        &self,
        attribute: &Attribute,
        value: &mut Value,
        budget: &Budget,
    ) -> Result<(), Error> {
        match (self.verb, &self.value) {
            (Verb::Remove, None) => *value = Value::Null,
            (Verb::Remove, Some(named)) => remove_named(attribute, value, named, budget)?,
            (Verb::Add, None) => {}
            (Verb::Replace, None) => *value = Value::Null,
            (Verb::Add, Some(new)) if attribute.multi_valued => {
                add_elements(attribute, value, new, budget)?;
            }
            (_, Some(new)) => self.set(attribute, value, new),
        }
        Ok(())
    }

    /// A complex attribute that has a single value, if the filter selects it.
    fn apply_bracketed(&self, selection: &Selection, value: &mut Value) -> Result<(), Error> {
        let selected = value.is_object() && selection.condition.matches_value(value);
        match (self.verb, self.target.sub_attribute) {
            (Verb::Remove, _) if !selected => {}
            _ if !selected => return Err(self.no_target()),
            (Verb::Remove, None) => *value = Value::Null,
            (_, Some(sub)) => self.set_sub(sub, value)?,
            (verb, None) => match &self.value {
                Some(new) => self.set(self.target.attribute, value, new),
                None if verb == Verb::Add => {}
                None => *value = Value::Null,
            },
        }
        Ok(())
    }

    /// A sub-attribute of a complex attribute; of every value if it has several.
    fn apply_sub(&self, sub: &Attribute, value: &mut Value, budget: &Budget) -> Result<(), Error> {
        if let Value::Array(elements) = value {
            budget.charge(elements.len())?;
            // RFC 7643 section 2.4: `primary` is true for no more than one value, and the request
            // does not say for which.
            if elements.len() > 1 && self.sets_primary() {
                return Err(self.several_primary());
            }
            for element in elements.iter_mut() {
                self.set_sub(sub, element)?;
            }
            elements.retain(|element| !without_value(element));
            return Ok(());
        }
        if self.target.attribute.multi_valued && self.verb != Verb::Remove {
            if self.says_nothing() {
                return Ok(());
            }
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
    ) -> Result<Reach, Error> {
        let mut elements = match value.take() {
            Value::Array(elements) => elements,
            _ => Vec::new(),
        };
        // Every element is looked at for every term of the filter.
        let terms = selection.condition.terms();
        let visits = elements.len().saturating_mul(terms);
        tolerance.budget().charge(visits.saturating_add(terms))?;
        let selected: Vec<bool> = elements
            .iter()
            .map(|element| selection.condition.matches_value(element))
            .collect();
        let count = selected.iter().filter(|selected| **selected).count();
        match count {
            0 => self.nothing_selected(&mut elements, tolerance)?,
            _ => self.change_selected(&mut elements, &selected, count)?,
        }
        *value = Value::Array(elements);
        Ok(match count {
            0 | 1 => Reach::One,
            _ => Reach::Several,
        })
    }

    fn change_selected(
        &self,
        elements: &mut Vec<Value>,
        selected: &[bool],
        count: usize,
    ) -> Result<(), Error> {
        let attribute = self.target.attribute;
        let mut marks = selected.iter();
        if self.verb == Verb::Remove && self.target.sub_attribute.is_none() {
            elements.retain(|_| marks.next() != Some(&true));
            return Ok(());
        }
        if count > 1 && self.sets_primary() {
            return Err(self.several_primary());
        }
        let filtered = self.filtered();
        let mut primary = None;
        for (at, element) in elements.iter_mut().enumerate() {
            if marks.next() != Some(&true) {
                continue;
            }
            match (self.target.sub_attribute, &self.value) {
                (Some(sub), _) => self.set_sub(sub, element)?,
                (None, Some(new)) if self.verb == Verb::Add && without_value(new) => {}
                (None, Some(new)) => {
                    if self.verb == Verb::Replace {
                        clear_record(element, new, &filtered);
                    }
                    self.set(attribute, element, new);
                }
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

    /// Whether the edit sets nothing: of nothing no value is made.
    fn says_nothing(&self) -> bool {
        match &self.value {
            Some(Value::Object(members)) => members.values().all(without_value),
            other => other.as_ref().is_none_or(without_value),
        }
    }

    /// Whether the edit makes a value the primary one.
    fn sets_primary(&self) -> bool {
        let yes = Some(&Value::Bool(true));
        match self.target.sub_attribute {
            Some(sub) => sub.name == "primary" && self.value.as_ref() == yes,
            None => self.value.as_ref().and_then(|value| value.get("primary")) == yes,
        }
    }

    fn several_primary(&self) -> Error {
        Error::new(
            ScimType::InvalidValue,
            format!("\"{}\" can be true for one value only.", self.path()),
        )
    }

    fn no_target(&self) -> Error {
        Error::new(
            ScimType::NoTarget,
            format!("The filter of \"{}\" selects no value.", self.path()),
        )
    }

    /// A filter that selects nothing: RFC 7644 section 3.5.2.3 asks for `noTarget`. What clients mean
    /// by `add` and `replace` alike is the value to be created, if the filter describes one.
    fn nothing_selected(
        &self,
        elements: &mut Vec<Value>,
        tolerance: &mut Tolerance,
    ) -> Result<(), Error> {
        if self.verb == Verb::Remove {
            return Ok(());
        }
        if tolerance.profile() == Profile::Strict {
            return Err(self.no_target());
        }
        if self.says_nothing() {
            return Ok(());
        }
        let element = self.described_element().ok_or_else(|| self.no_target())?;
        if element.is_empty() {
            return Ok(());
        }
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
                remove_member(members, &sub.name);
            }
            Some(value) => {
                members.insert(sub.name.clone(), value.clone());
            }
        }
        Ok(())
    }
}
