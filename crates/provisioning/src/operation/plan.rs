//! What an update makes of what is stored: computed before the transaction that writes it, which
//! one writer may run for everybody, and used if nothing has changed meanwhile.

use scim_protocol::patch::{Edit, ListEdit, PatchRequest, Verb};
use scim_protocol::resource::{Change, changes};
use scim_protocol::{Deviation, Error, Resource, Tolerance};

use super::roster::MemberPlan;
use super::user::{self, PreparedUser};
use super::{Failure, group, members};
use crate::directory::{GroupWrite, StoredGroup, StoredUser};
use crate::service::Context;

/// What an update does to the stored document.
#[derive(Debug, Clone)]
pub(super) enum Update {
    Replace(Resource),
    Modify(PatchRequest),
}

/// What is to be written of a user, if it is still as it was read.
#[derive(Debug)]
pub(super) struct UserPlan {
    pub(super) stored: StoredUser,
    pub(super) prepared: PreparedUser,
    pub(super) changed: Vec<Change>,
    pub(super) deviations: Vec<Deviation>,
}

/// What is to be written of a group, if it is still as it was read.
#[derive(Debug)]
pub(super) struct GroupPlan {
    pub(super) stored: StoredGroup,
    pub(super) prepared: GroupWrite,
    pub(super) members: MemberPlan,
    pub(super) changed: Vec<Change>,
    pub(super) deviations: Vec<Deviation>,
}

impl GroupPlan {
    /// Whether what is stored is what the plan was made of; members that came and went meanwhile
    /// count where the plan is about them.
    pub(super) fn is_of(&self, stored: &StoredGroup) -> bool {
        let alike = self.stored.name == stored.name && self.stored.document == stored.document;
        alike && (!self.members.looked || self.stored.version == stored.version)
    }
}

/// Computes the update of a user.
pub(super) fn user(
    context: &Context,
    stored: StoredUser,
    update: &Update,
    mut tolerance: Tolerance,
) -> Result<UserPlan, Failure> {
    let definition = &context.model.users;
    let before = Resource::from_map(stored.document.clone());
    let mut touched = None;
    let after = match update {
        Update::Replace(new) => before.replaced_by(definition, new.clone())?,
        Update::Modify(request) => {
            let patch = request.clone().resolve(definition, &mut tolerance)?;
            patch.check_id(&stored.id.to_string())?;
            // To add nothing says nothing of an attribute.
            let says = |edit: &&Edit<'_>| edit.verb != Verb::Add || edit.value.is_some();
            let said = patch.edits().iter().filter(says);
            touched = Some(said.map(|edit| edit.target.path()).collect::<Vec<_>>());
            patch.apply(&before, &mut tolerance)?
        }
    };
    let prepared = user::prepare(context, after, Some(&stored), touched.as_deref())?;
    let changed = changes(definition, &stored.document, &prepared.write.document);
    Ok(UserPlan {
        stored,
        prepared,
        changed,
        deviations: tolerance.into_deviations(),
    })
}

/// Computes the update of a group; `find` finds out whom the edits of its members are about.
pub(super) fn group(
    context: &Context,
    stored: StoredGroup,
    update: &Update,
    mut tolerance: Tolerance,
    find: impl FnOnce(&[ListEdit]) -> Result<MemberPlan, Failure>,
) -> Result<GroupPlan, Failure> {
    let (after, edits) = updated_group(context, &stored, update, &mut tolerance)?;
    let named = edits.iter().map(|edit| match edit {
        ListEdit::Add(values) | ListEdit::Remove(values) | ListEdit::Replace(values) => {
            values.len()
        }
        ListEdit::ReplaceSelected(..) => 1,
        ListEdit::RemoveSelected(_) | ListEdit::Clear => 0,
    });
    members::check_count(context, named.sum())?;
    let prepared = group::prepare(context, after)?;
    let changed = changes(&context.model.groups, &stored.document, &prepared.document);
    Ok(GroupPlan {
        stored,
        prepared,
        members: find(&edits)?,
        changed,
        deviations: tolerance.into_deviations(),
    })
}

/// The document of a group after the update, and the edits of its members.
fn updated_group(
    context: &Context,
    stored: &StoredGroup,
    update: &Update,
    tolerance: &mut Tolerance,
) -> Result<(Resource, Vec<ListEdit>), Error> {
    let definition = &context.model.groups;
    let before = Resource::from_map(stored.document.clone());
    match update {
        Update::Replace(new) => {
            let mut new = new.clone();
            let members = new.attributes_mut().shift_remove("members");
            let members = members.and_then(|m| m.as_array().cloned());
            let edit = ListEdit::Replace(members.unwrap_or_default());
            Ok((before.replaced_by(definition, new)?, vec![edit]))
        }
        Update::Modify(request) => {
            let mut patch = request.clone().resolve(definition, tolerance)?;
            patch.check_id(&stored.id.to_string())?;
            let edits = patch.take_list("members")?;
            Ok((patch.apply(&before, tolerance)?, edits))
        }
    }
}
