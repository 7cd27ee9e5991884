//! Edits of a multi-valued attribute whose values are stored one by one.

use serde_json::Value;

use super::apply::Patch;
use super::edit::{Edit, Selection};
use super::request::Verb;
use crate::error::{Error, ScimType};
use crate::path::same_name;
use crate::resource::immutable;
use crate::schema::Mutability;

/// One edit of the values of a multi-valued attribute, such as the members of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum ListEdit {
    /// These values join; those that are there already change nothing.
    Add(Vec<Value>),
    /// These values leave; those that are not there change nothing.
    Remove(Vec<Value>),
    /// The values that the filter selects leave.
    RemoveSelected(Selection),
    /// Every value leaves.
    Clear,
    /// These values take the place of all.
    Replace(Vec<Value>),
    /// This value takes the place of those that the filter selects, of which there must be one.
    ReplaceSelected(Selection, Value),
}

impl Patch<'_> {
    /// Takes the edits of a multi-valued core attribute out of the patch, in their order.
    ///
    /// Edits of different attributes do not depend on each other, so that what is left can be
    /// applied before or after.
    ///
    /// ```
    /// use scim_protocol::patch::{ListEdit, PatchOperation, PatchPath, PatchRequest};
    /// use scim_protocol::{ResourceDefinition, Tolerance};
    ///
    /// let (groups, mut tolerance) = (ResourceDefinition::group(), Tolerance::default());
    /// let request = PatchRequest::new([PatchOperation::remove("members".parse::<PatchPath>()?)]);
    /// let mut patch = request.resolve(&groups, &mut tolerance)?;
    /// assert_eq!(patch.take_list("members")?, [ListEdit::Clear]);
    /// assert!(patch.is_empty());
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    ///
    /// # Errors
    /// `mutability` for a change of an immutable sub-attribute of the values, `noTarget` for an
    /// `add` on selected values.
    pub fn take_list(&mut self, attribute: &str) -> Result<Vec<ListEdit>, Error> {
        let (taken, left) = std::mem::take(&mut self.edits)
            .into_iter()
            .partition(|edit| {
                edit.target.extension.is_none() && same_name(&edit.target.attribute.name, attribute)
            });
        self.edits = left;
        let taken: Vec<Edit<'_>> = taken;
        taken.into_iter().map(list_edit).collect()
    }

    /// Leaves out the edits that would leave a core attribute without a value, where to say nothing
    /// of it changes nothing: what an edit before them sets of it stays set.
    ///
    /// ```
    /// use scim_protocol::patch::{PatchOperation, PatchPath, PatchRequest};
    /// use scim_protocol::{ResourceDefinition, Tolerance};
    ///
    /// let (users, mut tolerance) = (ResourceDefinition::user(), Tolerance::default());
    /// let active: PatchPath = "active".parse()?;
    /// let request = PatchRequest::new([PatchOperation::replace(active.clone(), false),
    ///     PatchOperation::remove(active)]);
    /// let mut patch = request.resolve(&users, &mut tolerance)?;
    /// patch.ignore_absence("active");
    /// assert_eq!(patch.edits().len(), 1);
    /// # Ok::<(), scim_protocol::Error>(())
    /// ```
    pub fn ignore_absence(&mut self, attribute: &str) {
        self.edits.retain(|edit| {
            let target = &edit.target;
            let other = target.extension.is_some() || target.attribute.name != attribute;
            other || (edit.verb != Verb::Remove && edit.value.is_some())
        });
    }
}

fn list_edit(edit: Edit<'_>) -> Result<ListEdit, Error> {
    if let Some(sub) = edit.target.sub_attribute {
        return Err(match sub.mutability {
            Mutability::Immutable => immutable(&edit.path()),
            _ => no_target(&edit),
        });
    }
    if edit.selection.is_some() && edit.verb == Verb::Add {
        return Err(no_target(&edit));
    }
    if let Some(selection) = edit.selection {
        return Ok(match edit.value.filter(|_| edit.verb == Verb::Replace) {
            // What does not name another value leaves those that are there.
            Some(value) if value.get("value").is_none() => ListEdit::Add(Vec::new()),
            Some(value) => ListEdit::ReplaceSelected(selection, value),
            None => ListEdit::RemoveSelected(selection),
        });
    }
    let values = edit.value.map(|value| match value {
        Value::Array(values) => values,
        single => vec![single],
    });
    Ok(match (edit.verb, values) {
        (Verb::Remove, None) => ListEdit::Clear,
        (Verb::Remove, Some(values)) => ListEdit::Remove(values),
        (Verb::Add, values) => ListEdit::Add(values.unwrap_or_default()),
        (Verb::Replace, values) => ListEdit::Replace(values.unwrap_or_default()),
    })
}

fn no_target(edit: &Edit<'_>) -> Error {
    Error::new(
        ScimType::NoTarget,
        format!("Single values of \"{}\" cannot be changed.", edit.path()),
    )
}
