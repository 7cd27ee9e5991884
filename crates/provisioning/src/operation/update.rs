//! PUT and PATCH (RFC 7644 sections 3.5.1 and 3.5.2).

use scim_mapping::field_changes;
use scim_protocol::patch::{Edit, ListEdit, PatchRequest, Verb};
use scim_protocol::query::Projection;
use scim_protocol::resource::{Change as AttributeChange, changes};
use scim_protocol::{Deviation, Error, Resource, Tolerance, Version};
use serde_json::{Map, Value, json};

use super::departure::{self, Verdict};
use super::members::{self, MemberChanges};
use super::{Answer, Failure, check_match, group, read, reference, user};
use crate::directory::{Change, DirectoryTransaction, Status, StoredGroup, StoredUser};
use crate::event::{Action, Outcome};
use crate::id::{ResourceId, ResourceKind};
use crate::refusal::Cause;
use crate::service::{Context, ServiceProvider};

/// What an update does to the stored document.
#[derive(Debug, Clone)]
enum Update {
    Replace(Resource),
    Modify(PatchRequest),
}

/// Replaces a user or group.
pub(crate) fn replace(
    provider: &ServiceProvider,
    context: &Context,
    kind: ResourceKind,
    id: &str,
    body: Value,
    projection: &Projection,
    if_match: Option<&str>,
) -> Result<Answer, Failure> {
    let mut tolerance = context.tolerance();
    let resource = Resource::read(context.definition(kind), body, &mut tolerance)?;
    let update = Update::Replace(resource);
    run(
        provider, context, kind, id, update, tolerance, projection, if_match,
    )
}

/// Modifies a user or group.
pub(crate) fn modify(
    provider: &ServiceProvider,
    context: &Context,
    kind: ResourceKind,
    id: &str,
    body: Value,
    projection: &Projection,
    if_match: Option<&str>,
) -> Result<Answer, Failure> {
    let mut tolerance = context.tolerance();
    let request = PatchRequest::read(body, &context.shared.limits, &mut tolerance)?;
    let update = Update::Modify(request);
    run(
        provider, context, kind, id, update, tolerance, projection, if_match,
    )
}

#[expect(clippy::too_many_arguments, reason = "the parts of one request")]
fn run(
    provider: &ServiceProvider,
    context: &Context,
    kind: ResourceKind,
    id: &str,
    update: Update,
    tolerance: Tolerance,
    projection: &Projection,
    if_match: Option<&str>,
) -> Result<Answer, Failure> {
    let id = ResourceId::parse(id).ok_or_else(Failure::not_found)?;
    let context = context.clone();
    let projection = projection.clone();
    let if_match = if_match.map(str::to_owned);
    provider.directory.write(Box::new(move |transaction| {
        // The work may run again, so that it starts from what was noted while reading the body.
        let mut tolerance = tolerance.clone();
        let if_match = if_match.as_deref();
        match kind {
            ResourceKind::User => {
                update_user(&context, transaction, id, &update, &mut tolerance, if_match)?;
            }
            ResourceKind::Group => {
                let brief = matches!(update, Update::Modify(_)) && projection.is_empty();
                let (status, version) = update_group(
                    &context,
                    transaction,
                    id,
                    &update,
                    &mut tolerance,
                    if_match,
                    brief,
                )?;
                if status == 204 {
                    return Ok(Answer {
                        location: Some(context.location(kind, id)),
                        version: Some(version.into()),
                        ..Answer::empty(status)
                    });
                }
            }
        }
        let (tag, attributes) = read::load(&context, transaction, kind, id, &projection)?;
        Ok(Answer {
            location: Some(context.location(kind, id)),
            version: Some(tag),
            ..Answer::json(200, context.projected(kind, &attributes, &projection))
        })
    }))
}

fn update_user(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    id: ResourceId,
    update: &Update,
    tolerance: &mut Tolerance,
    if_match: Option<&str>,
) -> Result<(), Failure> {
    let stored = transaction
        .lock_user(context.scope(), id)?
        .ok_or_else(Failure::not_found)?;
    check_match(stored.version, if_match)?;
    let definition = &context.model.users;
    let before = Resource::from_map(stored.document.clone());
    let mut touched = None;
    let after = match update {
        Update::Replace(new) => before.replaced_by(definition, new.clone())?,
        Update::Modify(request) => {
            let patch = request.clone().resolve(definition, tolerance)?;
            patch.check_id(&id.to_string())?;
            // To add nothing says nothing of an attribute.
            let says = |edit: &&Edit<'_>| edit.verb != Verb::Add || edit.value.is_some();
            let said = patch.edits().iter().filter(says);
            touched = Some(said.map(|edit| edit.target.path()).collect::<Vec<_>>());
            patch.apply(&before, tolerance)?
        }
    };
    let mut prepared = user::prepare(context, after, Some(&stored), touched.as_deref())?;
    let changed = changes(definition, &stored.document, &prepared.write.document);
    reference::resolve(context, transaction, Some(&stored), &mut prepared)?;
    let verdict = departure::check(context, transaction, &stored, &mut prepared)?;
    // What was edited by hand is put right by a request that says it again.
    let repaired = prepared.write.status != stored.status
        || !field_changes(&stored.record, &prepared.write.record).is_empty();
    let lost = tolerance.deviations().iter().any(Deviation::loses);
    if changed.is_empty() && !repaired {
        // What changed nothing because it was not understood is told all the same.
        if lost {
            let mut event = context.event(Action::Update, Some(ResourceKind::User));
            event.resource_id = Some(id);
            event.resource_name = user::text(&stored.document, "userName");
            event.deviations = user::notes(tolerance.deviations(), &[]);
            event.outcome = Outcome::Warning;
            transaction.record(&event)?;
        }
        return Ok(());
    }
    let mut repeated = None;
    // Which attributes make a key, the rules say.
    if prepared.keys != user::keys(&stored.document, &stored.record) {
        let occupants = user::occupants(context, transaction, &prepared, Some(id))?;
        user::decide(context, &prepared, &occupants, false)?;
        repeated = user::repeated(&occupants);
    }
    transaction.update_user(
        context.scope(),
        id,
        stored.version,
        &prepared.write,
        context.now,
    )?;
    let mut event = context.event(
        action(&stored, prepared.write.status),
        Some(ResourceKind::User),
    );
    match &verdict {
        Verdict::Free => {}
        Verdict::Withdrawn => transaction.withdraw(id, context.now)?,
        Verdict::Held(reason) => {
            departure::hold(context, transaction, id)?;
            event.action = Action::Block;
            event.outcome = Outcome::Held;
            event.cause = Some(Cause::GuardHeld);
            event.reason = Some(reason.clone());
        }
    }
    event.resource_id = Some(id);
    event.resource_name = user::text(&prepared.write.document, "userName");
    event.changes = Value::Array(changed.iter().map(change_json).collect());
    event.deviations = user::notes(tolerance.deviations(), &prepared.warnings);
    if (lost || !prepared.warnings.is_empty()) && event.outcome == Outcome::Success {
        event.outcome = Outcome::Warning;
    }
    if changed.iter().any(|change| change.path == "externalId") {
        user::tell_repeated(&mut event, repeated);
    }
    transaction.record(&event)?;
    let change = Change {
        topic: topic(action(&stored, prepared.write.status)),
        kind: ResourceKind::User,
        id,
        payload: json!({
            "status": prepared.write.status.as_str(),
            "changed": changed.iter().map(|change| change.path.as_str()).collect::<Vec<_>>(),
        }),
    };
    transaction.announce(&change, context.now)?;
    Ok(())
}

/// Answers the status: `brief` says that the client asks for nothing particular of the group.
fn update_group(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    id: ResourceId,
    update: &Update,
    tolerance: &mut Tolerance,
    if_match: Option<&str>,
    brief: bool,
) -> Result<(u16, Version), Failure> {
    let stored = transaction
        .lock_group(context.scope(), id)?
        .ok_or_else(Failure::not_found)?;
    check_match(stored.version, if_match)?;
    let (after, edits) = updated_group(context, &stored, update, tolerance)?;
    let named = edits.iter().map(|edit| match edit {
        ListEdit::Add(values) | ListEdit::Remove(values) | ListEdit::Replace(values) => {
            values.len()
        }
        ListEdit::ReplaceSelected(..) => 1,
        ListEdit::RemoveSelected(_) | ListEdit::Clear => 0,
    });
    members::check_count(context, named.sum())?;
    let mut prepared = group::prepare(context, after)?;
    let changed = changes(&context.model.groups, &stored.document, &prepared.document);
    let repeated = match changed.iter().any(|change| change.path == "externalId") {
        true => group::repeated(context, transaction, id, &prepared)?,
        false => None,
    };
    let memberships = members::edit(context, transaction, id, &edits)?;
    let (scope, now) = (context.scope(), context.now);
    let mut warnings = Vec::new();
    let version = if !changed.is_empty() {
        group::check_free(transaction, &prepared)?;
        warnings = reference::grants(transaction, &mut prepared)?;
        transaction.update_group(scope, id, stored.version, &prepared, now)?
    } else if !memberships.is_empty() {
        transaction.touch_group(scope, id, stored.version, now)?
    } else {
        stored.version
    };
    let status = match brief {
        true => brief_status(context, transaction, id)?,
        false => 200,
    };
    let lost = tolerance.deviations().iter().any(Deviation::loses);
    if lost || !changed.is_empty() || !memberships.is_empty() || memberships.is_doubtful() {
        log_group(
            context,
            transaction,
            (id, &prepared.document, status),
            (&changed, repeated),
            &memberships,
            (tolerance.deviations(), &warnings),
        )?;
    }
    Ok((status, version))
}

/// 204 for a group of many members, because lists of them are big.
fn brief_status(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    id: ResourceId,
) -> Result<u16, Failure> {
    let counted = transaction.count_members(context.scope(), id, ANSWERED_MEMBERS + 1)?;
    Ok(if counted > ANSWERED_MEMBERS { 204 } else { 200 })
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

fn log_group(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    (id, document, status): (ResourceId, &Map<String, Value>, u16),
    (changed, repeated): (&[AttributeChange], Option<ResourceId>),
    memberships: &MemberChanges,
    (deviations, warnings): (&[Deviation], &[String]),
) -> Result<(), Failure> {
    let action = if changed.is_empty() && !memberships.is_empty() {
        Action::ChangeMembers
    } else {
        Action::Update
    };
    let mut event = context.event(action, Some(ResourceKind::Group));
    if !warnings.is_empty() || deviations.iter().any(Deviation::loses) {
        event.outcome = Outcome::Warning;
    }
    event.resource_id = Some(id);
    event.resource_name = user::text(document, "displayName");
    event.status = status;
    let mut listed: Vec<Value> = changed.iter().map(change_json).collect();
    if !memberships.is_empty() {
        listed.push(memberships.to_json());
    }
    event.changes = Value::Array(listed.clone());
    event.deviations = user::notes(deviations, warnings);
    user::tell_repeated(&mut event, repeated);
    memberships.tell(&mut event);
    transaction.record(&event)?;
    if listed.is_empty() {
        return Ok(());
    }
    let change = Change {
        topic: topic(action),
        kind: ResourceKind::Group,
        id,
        payload: json!({ "changes": listed }),
    };
    transaction.announce(&change, context.now)?;
    Ok(())
}

fn action(stored: &StoredUser, status: Status) -> Action {
    match (stored.status, status) {
        (Status::Active, Status::Blocked) => Action::Block,
        (Status::Active, Status::Archived) => Action::Archive,
        (Status::Blocked | Status::Archived, Status::Active) => Action::Unblock,
        _ => Action::Update,
    }
}

fn topic(action: Action) -> &'static str {
    match action {
        Action::Block => "user.blocked",
        Action::Unblock => "user.unblocked",
        Action::Archive => "user.archived",
        Action::ChangeMembers => "group.members_changed",
        _ => "updated",
    }
}

fn change_json(change: &AttributeChange) -> Value {
    json!({ "path": change.path, "old": change.old, "new": change.new })
}

/// A group with more members than this is answered with 204, because member lists are big.
const ANSWERED_MEMBERS: usize = 100;
