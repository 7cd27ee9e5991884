//! PUT and PATCH (RFC 7644 sections 3.5.1 and 3.5.2).

use scim_mapping::field_changes;
use scim_protocol::resource::Change as AttributeChange;
use scim_protocol::{Deviation, Version};
use scim_service::Written;
use serde_json::{Map, Value, json};

use super::departure::{self, Verdict};
use super::members::{self, MemberChanges};
use super::plan::{GroupPlan, UserPlan};
use super::{collision, group, reference, user};
use crate::context::Context;
use crate::directory::{DirectoryTransaction, Status, StoredUser};
use crate::event::{Action, Outcome};
use crate::failure::Failure;
use crate::id::{ResourceId, ResourceKind};

/// Writes what was planned of a user.
pub(crate) fn write_user(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    plan: &UserPlan,
) -> Result<Version, Failure> {
    let UserPlan {
        stored,
        changed,
        deviations,
        ..
    } = plan;
    let id = stored.id;
    let mut prepared = plan.prepared.clone();
    reference::resolve(context, transaction, Some(stored), &mut prepared)?;
    let verdict = departure::check(context, transaction, stored, &mut prepared)?;
    // What was edited by hand is put right by a request that says it again.
    let repaired = prepared.write.status != stored.status
        || !field_changes(&stored.record, &prepared.write.record).is_empty();
    let lost = deviations.iter().any(Deviation::loses);
    if changed.is_empty() && !repaired {
        // What changed nothing because it was not understood is told all the same.
        if lost {
            let mut event = context.event(Action::Update, Some(ResourceKind::User));
            event.resource_id = Some(id);
            event.resource_name = user::text(&stored.document, "userName");
            event.deviations = user::notes(deviations, &[]);
            event.outcome = Outcome::Warning;
            transaction.record(&event)?;
        }
        return Ok(stored.version);
    }
    let mut repeated = None;
    // Which attributes make a key, the rules say.
    if prepared.keys != user::keys(&stored.document, &stored.record) {
        let occupants = collision::occupants(context, transaction, &prepared.keys, Some(id))?;
        user::decide(context, &prepared, &occupants, false)?;
        repeated = user::repeated(&occupants);
    }
    let version = transaction.update_user(
        context.scope(),
        id,
        stored.version,
        &prepared.write,
        context.now,
    )?;
    let mut event = context.event(
        action(stored, prepared.write.status),
        Some(ResourceKind::User),
    );
    match verdict {
        Verdict::Free => {}
        Verdict::Withdrawn => transaction.withdraw(id, context.now)?,
        Verdict::Held(hold) => {
            departure::hold(context, transaction, id)?;
            event.action = Action::Block;
            hold.tell(&mut event);
        }
    }
    event.resource_id = Some(id);
    event.resource_name = user::text(&prepared.write.document, "userName");
    event.changes = Value::Array(changed.iter().map(change_json).collect());
    event.deviations = user::notes(deviations, &prepared.warnings);
    if (lost || !prepared.warnings.is_empty()) && event.outcome == Outcome::Success {
        event.outcome = Outcome::Warning;
    }
    if changed.iter().any(|change| change.path == "externalId") {
        user::tell_repeated(&mut event, repeated);
    }
    transaction.record(&event)?;
    Ok(version)
}

/// Writes what was planned of a group: `brief` says that the client asks for nothing particular of
/// it.
pub(crate) fn write_group(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    plan: &GroupPlan,
    stored: Version,
    brief: bool,
) -> Result<Written, Failure> {
    let GroupPlan {
        members,
        changed,
        deviations,
        ..
    } = plan;
    let id = plan.stored.id;
    let mut prepared = plan.prepared.clone();
    let repeated = match changed.iter().any(|change| change.path == "externalId") {
        true => group::repeated(context, transaction, id, &prepared)?,
        false => None,
    };
    let memberships = members::edit(context, transaction, id, members)?;
    let (scope, now) = (context.scope(), context.now);
    let mut warnings = Vec::new();
    let version = if !changed.is_empty() {
        group::check_free(transaction, &prepared)?;
        warnings = reference::grants(transaction, &mut prepared)?;
        transaction.update_group(scope, id, stored, &prepared, now)?
    } else if !memberships.is_empty() {
        transaction.touch_group(scope, id, stored, now)?
    } else {
        stored
    };
    // 204 for a group of many members, because lists of them are big.
    let brief = brief && members::are_many(context, transaction, id)?;
    let status = if brief { 204 } else { 200 };
    let lost = deviations.iter().any(Deviation::loses);
    if lost || !changed.is_empty() || !memberships.is_empty() || memberships.is_doubtful() {
        log_group(
            context,
            transaction,
            (id, &prepared.document, status),
            (changed, repeated),
            &memberships,
            (deviations, &warnings),
        )?;
    }
    Ok(Written { version, brief })
}

fn log_group(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    (id, document, status): (ResourceId, &Map<String, Value>, u16),
    (changed, repeated): (&[AttributeChange], Option<ResourceId>),
    memberships: &MemberChanges,
    (deviations, warnings): (&[Deviation], &[user::Warning]),
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
    event.changes = Value::Array(listed);
    event.deviations = user::notes(deviations, warnings);
    user::tell_repeated(&mut event, repeated);
    memberships.tell(&mut event);
    transaction.record(&event)?;
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

fn change_json(change: &AttributeChange) -> Value {
    json!({ "path": change.path, "old": change.old, "new": change.new })
}
