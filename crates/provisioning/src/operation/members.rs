//! Memberships: who joins and leaves a group, without a look at who else is in it.

use std::collections::HashSet;

use scim_protocol::{Error, ScimType, error};
use serde_json::{Value, json};

use super::departure::{BROUGHT_BACK, REPEATED};
use super::roster::{MemberEdit, MemberPlan};
use crate::context::Context;
use crate::directory::{DirectoryTransaction, DirectoryView};
use crate::event::{Event, Outcome};
use crate::failure::Failure;
use crate::id::{ResourceId, ResourceKind};
use crate::policy::{MemberGuardAction, UnknownMembers};
use crate::refusal::Cause;

/// Which members came and went.
#[derive(Debug, Default)]
pub(super) struct MemberChanges {
    added: Vec<ResourceId>,
    removed: Vec<ResourceId>,
    /// Who would have left, and waits for an administrator.
    held: Vec<ResourceId>,
    /// Whom the request names and nobody sees.
    unknown: Vec<String>,
    /// What the guard says of it.
    guarded: Option<String>,
    /// Why somebody is held.
    cause: Option<Cause>,
}

impl MemberChanges {
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.held.is_empty()
    }

    /// Whether an administrator should know of something that was not done, or was too much.
    pub(super) fn is_doubtful(&self) -> bool {
        !self.unknown.is_empty() || self.guarded.is_some()
    }

    /// Says in the log entry what became of the members.
    pub(super) fn tell(&self, event: &mut Event) {
        if !self.held.is_empty() {
            event.outcome = Outcome::Held;
            event.cause = self.cause;
        } else if self.is_doubtful() && event.outcome == Outcome::Success {
            event.outcome = Outcome::Warning;
        }
        event.reason = self.guarded.clone().or(event.reason.take());
        let Value::Array(notes) = &mut event.deviations else {
            return;
        };
        let named = self.unknown.iter().take(NAMED);
        notes.extend(named.map(|id| {
            let text = format!(
                "member {} does not exist and was left out",
                error::quote(id)
            );
            json!({ "name": Cause::MemberUnknown.as_str(), "text": text })
        }));
        if let Some(more) = self
            .unknown
            .len()
            .checked_sub(NAMED)
            .filter(|more| *more > 0)
        {
            let text = format!("{more} more members do not exist and were left out");
            notes.push(json!({ "name": Cause::MemberUnknown.as_str(), "text": text }));
        }
    }

    /// For the log: everybody is counted, the first hundred are named.
    pub(super) fn to_json(&self) -> Value {
        let named = |ids: &[ResourceId]| -> Vec<String> {
            ids.iter().take(NAMED).map(ToString::to_string).collect()
        };
        let mut written = json!({
            "path": "members",
            "added": self.added.len(),
            "removed": self.removed.len(),
            "new": named(&self.added),
            "old": named(&self.removed),
        });
        if let (Value::Object(members), false) = (&mut written, self.held.is_empty()) {
            members.insert("held".into(), self.held.len().into());
        }
        written
    }
}

/// Carries out the edits of a group's members, in their order.
pub(super) fn edit(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    plan: &MemberPlan,
) -> Result<MemberChanges, Failure> {
    let mut changes = MemberChanges {
        unknown: plan.unknown.clone(),
        ..MemberChanges::default()
    };
    for edit in &plan.edits {
        match edit {
            MemberEdit::Add(ids) => add(context, transaction, group, ids, &mut changes)?,
            MemberEdit::Remove(ids) => {
                if skips(context) {
                    transaction.forget_awaited(group, Some(ids))?;
                }
                remove(context, transaction, group, ids, &mut changes)?;
            }
            MemberEdit::RemoveFound(ids) => {
                remove(context, transaction, group, ids, &mut changes)?;
            }
            MemberEdit::Swap(leaving, joining) => {
                swap(context, transaction, group, leaving, joining, &mut changes)?;
            }
            MemberEdit::Replace {
                members,
                leaving,
                joining,
            } => {
                let moves = (leaving.as_slice(), joining.as_slice());
                replace(context, transaction, group, (*members, moves), &mut changes)?;
            }
        }
    }
    Ok(changes)
}

/// Lets members join a group that was created in the same transaction: it has none yet, and nobody
/// can have it as a member.
pub(super) fn begin(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    plan: &MemberPlan,
) -> Result<MemberChanges, Failure> {
    let ids = match plan.edits.as_slice() {
        [MemberEdit::Add(ids)] if !ids.contains(&group) => ids,
        _ => return edit(context, transaction, group, plan),
    };
    let mut changes = MemberChanges {
        unknown: plan.unknown.clone(),
        ..MemberChanges::default()
    };
    if !ids.is_empty() {
        let joined = transaction.add_first_members(context.scope(), group, ids, context.now)?;
        leave_out_unknown(context, transaction, group, (ids, &joined), &mut changes)?;
        changes.added = joined;
    }
    Ok(changes)
}

/// Checks how many members a request names.
pub(super) fn check_count(context: &Context, count: usize) -> Result<(), Failure> {
    let limit = context.shared.limits.patch_members;
    if count <= limit {
        return Ok(());
    }
    let detail = format!("A request may name {limit} members, not {count}.");
    Err(Failure::because(
        Cause::RequestTooLarge,
        Error::with_status(413, detail),
    ))
}

fn add(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    ids: &[ResourceId],
    changes: &mut MemberChanges,
) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let visible = transaction.visible(context.scope(), ids)?;
    let known: Vec<ResourceId> = visible.iter().map(|member| member.id).collect();
    leave_out_unknown(context, transaction, group, (ids, &known), changes)?;
    let groups: Vec<_> = visible
        .iter()
        .filter(|member| member.kind == ResourceKind::Group)
        .map(|member| member.id)
        .collect();
    if !groups.is_empty() {
        check_circle(context, transaction, group, &groups)?;
    }
    let members: Vec<_> = visible.iter().map(|m| (m.id, m.kind)).collect();
    changes
        .added
        .extend(transaction.add_members(group, &members, context.now)?);
    Ok(())
}

/// Notes of those whom a request names who is not known.
///
/// # Errors
/// 400 where the policy refuses them.
fn leave_out_unknown(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    (ids, known): (&[ResourceId], &[ResourceId]),
    changes: &mut MemberChanges,
) -> Result<(), Failure> {
    let known: HashSet<&ResourceId> = known.iter().collect();
    let unknown = ids.iter().filter(|id| !known.contains(id));
    let unknown: Vec<ResourceId> = unknown.copied().collect();
    let Some(first) = unknown.first() else {
        return Ok(());
    };
    if skips(context) {
        transaction.await_members(group, &unknown)?;
        let unknown = unknown.iter().map(ToString::to_string);
        changes.unknown.extend(unknown);
        return Ok(());
    }
    let error = unknown_member(&first.to_string());
    Err(match transaction.protected(&unknown)? {
        Some(id) => Failure::protected(Cause::MemberProtected, error, id),
        None => Failure::because(Cause::MemberUnknown, error),
    })
}

fn remove(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    ids: &[ResourceId],
    changes: &mut MemberChanges,
) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let (scope, since) = (context.scope(), context.now - REPEATED);
    let removed = transaction.remove_members(scope, group, ids, since)?;
    let all = removed.len() == ids.len();
    changes.removed.extend(removed);
    if !all {
        // Who did not go was no member, or is not to go again so soon.
        let stay = transaction.members_brought_back(scope, group, ids, since)?;
        if !stay.is_empty() {
            transaction.hold_members(scope, group, &stay, context.now)?;
            changes.held.extend(stay);
            changes.cause.get_or_insert(Cause::GuardRepeated);
            changes
                .guarded
                .get_or_insert_with(|| BROUGHT_BACK.to_owned());
        }
    }
    Ok(())
}

/// Of so many members some leave and others join at once, which the guard looks at.
fn replace(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    (members, (leaving, joining)): (usize, (&[ResourceId], &[ResourceId])),
    changes: &mut MemberChanges,
) -> Result<(), Failure> {
    if skips(context) {
        // Who is awaited is named again.
        transaction.forget_awaited(group, None)?;
    }
    match guard(context, leaving.len(), members)? {
        None => remove(context, transaction, group, leaving, changes)?,
        Some(reason) => {
            changes.guarded = Some(reason);
            if context.configuration().policies.member_guard.action == MemberGuardAction::Hold {
                transaction.hold_members(context.scope(), group, leaving, context.now)?;
                changes.held.extend(leaving);
                changes.cause = Some(Cause::GuardHeld);
            } else {
                remove(context, transaction, group, leaving, changes)?;
            }
        }
    }
    add(context, transaction, group, joining, changes)
}

/// What the guard says of so many members who leave a group of so many at once; `None` when they
/// may.
///
/// # Errors
/// 403 where the policy is to reject.
fn guard(context: &Context, leaving: usize, members: usize) -> Result<Option<String>, Failure> {
    let guard = context.configuration().policies.member_guard;
    if !guard.stops(leaving, members) {
        return Ok(None);
    }
    let (word, outcome) = match guard.action {
        MemberGuardAction::Hold => ("Held by the guard", None),
        MemberGuardAction::Warn => ("Noted by the guard", None),
        MemberGuardAction::Reject => ("Refused by the guard", Some(Outcome::Failure)),
    };
    let reason = format!("{word}: {leaving} of {members} members would leave the group at once.");
    let Some(outcome) = outcome else {
        return Ok(Some(reason));
    };
    Err(Failure::Refused {
        cause: Cause::GuardRejected,
        error: Error::with_status(
            403,
            "Too many members would leave the group at once. An administrator has to raise the \
             limit of this configuration.",
        ),
        reason,
        outcome,
        pending: Vec::new(),
    })
}

/// Members that leave for others; whoever is among both was there before and changes nothing.
fn swap(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    leaving: &[ResourceId],
    joining: &[ResourceId],
    changes: &mut MemberChanges,
) -> Result<(), Failure> {
    let mut swapped = MemberChanges::default();
    remove(context, transaction, group, leaving, &mut swapped)?;
    if swapped.removed.is_empty() && swapped.held.is_empty() {
        // RFC 7644 section 3.5.2.3
        return Err(Error::new(
            ScimType::NoTarget,
            "The filter of \"members\" selects no member.",
        )
        .into());
    }
    add(context, transaction, group, joining, &mut swapped)?;
    let MemberChanges {
        added,
        removed,
        held,
        unknown,
        guarded,
        cause,
    } = swapped;
    changes.unknown.extend(unknown);
    changes.held.extend(held);
    changes.guarded = changes.guarded.take().or(guarded);
    changes.cause = changes.cause.or(cause);
    let kept: HashSet<_> = added
        .iter()
        .copied()
        .filter(|id| removed.contains(id))
        .collect();
    let moved = |id: &ResourceId| !kept.contains(id);
    changes.added.extend(added.into_iter().filter(moved));
    changes.removed.extend(removed.into_iter().filter(moved));
    Ok(())
}

/// Groups may be members of groups, but no group of itself (through others either).
fn check_circle(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    joining: &[ResourceId],
) -> Result<(), Failure> {
    transaction.lock_nesting(context.scope())?;
    let mut seen = HashSet::from([group]);
    let mut above = vec![group];
    while !above.is_empty() {
        if let Some(circle) = joining.iter().find(|id| seen.contains(id)) {
            let detail = format!("Group {circle} cannot be a member: it holds this group.");
            let error = Error::new(ScimType::InvalidValue, detail);
            return Err(Failure::because(Cause::MemberCircle, error));
        }
        above = transaction
            .groups_of(context.scope(), &above)?
            .into_iter()
            .map(|membership| membership.group)
            .filter(|id| seen.insert(*id))
            .collect();
    }
    Ok(())
}

/// Whether a group has so many members that a list of them is big.
pub(crate) fn are_many(
    context: &Context,
    view: &mut dyn DirectoryView,
    group: ResourceId,
) -> Result<bool, Failure> {
    let counted = view.count_members(context.scope(), group, FEW + 1)?;
    Ok(counted > FEW)
}

/// Whether members that nobody sees are left out.
pub(super) fn skips(context: &Context) -> bool {
    context.configuration().policies.unknown_members == UnknownMembers::Skip
}

/// The ids that the values of `members` name, each once.
pub(super) fn named(values: &[Value]) -> Result<Vec<ResourceId>, Failure> {
    let mut seen = HashSet::new();
    let mut ids = Vec::with_capacity(values.len());
    for value in values {
        let id = member_id(value).ok_or_else(|| {
            let text = value.get("value").and_then(Value::as_str);
            let error = unknown_member(text.unwrap_or_default());
            Failure::because(Cause::MemberUnknown, error)
        })?;
        if seen.insert(id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

pub(super) fn member_id(value: &Value) -> Option<ResourceId> {
    folded_id(value.get("value")?.as_str()?)
}

/// `members.value` is not `caseExact` (RFC 7643 section 8.7.1), and our ids are in lower case.
pub(super) fn folded_id(text: &str) -> Option<ResourceId> {
    ResourceId::parse(&text.to_ascii_lowercase())
}

fn unknown_member(id: &str) -> Error {
    Error::new(
        ScimType::InvalidValue,
        format!("Member {} does not exist.", error::quote(id)),
    )
}

const NAMED: usize = 100;
/// A group with more members than this has many.
const FEW: usize = 100;
