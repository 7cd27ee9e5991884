//! What an update makes of what is stored: computed before the transaction that writes it, which
//! one writer may run for everybody, and used if nothing has changed meanwhile.

use scim_protocol::patch::{Edit, ListEdit, Verb};
use scim_protocol::resource::{Change, changes};
use scim_protocol::{AttributePath, Deviation, Error, Resource, Tolerance};
use scim_service::Update;

use super::roster::{self, MemberPlan, Place};
use super::user::{self, PreparedUser};
use super::{group, members};
use crate::context::Context;
use crate::directory::{GroupWrite, StoredGroup, StoredUser};
use crate::failure::Failure;

/// What is to be written if nothing changes meanwhile.
#[derive(Debug)]
pub struct Plan(pub(crate) Planned);

#[derive(Debug)]
pub(crate) enum Planned {
    /// Of a user.
    User(Box<UserPlan>),
    /// Of a group.
    Group(Box<GroupPlan>),
}

/// What is to be written of a user, if it is still as it was read.
#[derive(Debug)]
pub(crate) struct UserPlan {
    pub(crate) stored: StoredUser,
    pub(crate) prepared: PreparedUser,
    pub(crate) changed: Vec<Change>,
    pub(crate) deviations: Vec<Deviation>,
}

/// What is to be written of a group, if it is still as it was read.
#[derive(Debug)]
pub(crate) struct GroupPlan {
    pub(crate) stored: StoredGroup,
    pub(crate) prepared: GroupWrite,
    /// The edits of its members, as they were sent.
    pub(crate) edits: Vec<ListEdit>,
    /// Whom they are about.
    pub(crate) members: MemberPlan,
    pub(crate) changed: Vec<Change>,
    pub(crate) deviations: Vec<Deviation>,
}

impl GroupPlan {
    /// Whether what is stored is what the plan was made of; members that came and went meanwhile
    /// count where the plan is about them.
    pub(crate) fn is_of(&self, stored: &StoredGroup) -> bool {
        let alike = self.stored.name == stored.name && self.stored.document == stored.document;
        alike && (!self.members.looked || self.stored.version == stored.version)
    }

    /// Whether whom the edits are about is still to be found out in the group.
    pub(crate) fn looks(&self) -> bool {
        roster::looks(&self.edits)
    }

    /// Finds out in the group whom the edits are about.
    pub(crate) fn look(&mut self, context: &Context, place: Place<'_>) -> Result<(), Failure> {
        self.members = roster::plan(context, Some(place), self.stored.id, &self.edits)?;
        Ok(())
    }
}

/// Computes the update of a user.
pub(crate) fn user(
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
            let mut patch = request.clone().resolve(definition, &mut tolerance)?;
            patch.check_id(&stored.id.to_string())?;
            // Silence about `active` changes nothing of what an operation before it says.
            patch.ignore_absence("active");
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

/// Computes the update of a group; whom edits of members are about who are not named is found out
/// by a look at them ([`GroupPlan::look`]).
pub(crate) fn group(
    context: &Context,
    stored: StoredGroup,
    update: &Update,
    mut tolerance: Tolerance,
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
    let members = match roster::looks(&edits) {
        true => MemberPlan::default(),
        false => roster::plan(context, None, stored.id, &edits)?,
    };
    let changed = changes(&context.model.groups, &stored.document, &prepared.document);
    Ok(GroupPlan {
        stored,
        prepared,
        edits,
        members,
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
            // What cannot be read says of nobody that they leave.
            let unread = new.unread().contains(&AttributePath::new("members"));
            let edits = match members {
                None if unread => Vec::new(),
                members => vec![ListEdit::Replace(members.unwrap_or_default())],
            };
            Ok((before.replaced_by(definition, new)?, edits))
        }
        Update::Modify(request) => {
            let mut patch = request.clone().resolve(definition, tolerance)?;
            patch.check_id(&stored.id.to_string())?;
            let edits = patch.take_list("members")?;
            Ok((patch.apply(&before, tolerance)?, edits))
        }
    }
}
