//! Memberships: who joins and leaves a group, without a look at who else is in it.

use std::collections::{HashMap, HashSet};

use scim_protocol::filter::{Comparand, Filter, Operator};
use scim_protocol::patch::{ListEdit, Selection};
use scim_protocol::{Error, ScimType, error};
use serde_json::{Value, json};

use super::Failure;
use super::written::CHUNK;
use crate::directory::{DirectoryTransaction, Visible};
use crate::event::{Event, Outcome};
use crate::id::{ResourceId, ResourceKind};
use crate::policy::{MemberGuardAction, UnknownMembers};
use crate::refusal::Cause;
use crate::service::Context;

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
            event.cause = Some(Cause::GuardHeld);
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

/// Applies edits of `members` to a group, in their order.
pub(super) fn edit(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    edits: &[ListEdit],
) -> Result<MemberChanges, Failure> {
    let mut changes = MemberChanges::default();
    let mut roster = Roster::default();
    for edit in edits {
        match edit {
            ListEdit::Add(values) => {
                let ids = wanted(context, values, &mut changes)?;
                add(context, transaction, group, &ids, &mut changes)?;
                roster.joined(&ids);
            }
            ListEdit::Remove(values) => {
                // A value that names nobody removes nobody.
                let ids: Vec<_> = values.iter().filter_map(member_id).collect();
                if skips(context) {
                    transaction.forget_awaited(group, Some(&ids))?;
                }
                remove(context, transaction, group, &ids, &mut changes)?;
                roster.left(&ids);
            }
            ListEdit::RemoveSelected(selection) => {
                let ids = selected(context, transaction, group, selection, &mut roster)?;
                remove(context, transaction, group, &ids, &mut changes)?;
                roster.left(&ids);
            }
            ListEdit::ReplaceSelected(selection, value) => {
                let ids = selected(context, transaction, group, selection, &mut roster)?;
                let joining = wanted(context, std::slice::from_ref(value), &mut changes)?;
                swap(context, transaction, group, &ids, &joining, &mut changes)?;
                roster.left(&ids);
                roster.joined(&joining);
            }
            ListEdit::Clear | ListEdit::Replace(_) => {
                let ids = match edit {
                    ListEdit::Replace(values) => wanted(context, values, &mut changes)?,
                    _ => Vec::new(),
                };
                let present = roster.members(context, transaction, group)?;
                let present: HashSet<_> = present.keys().copied().collect();
                replace(context, transaction, group, (&present, &ids), &mut changes)?;
                let named: HashSet<_> = ids.iter().copied().collect();
                let left: Vec<_> = present.difference(&named).copied().collect();
                roster.left(&left);
                roster.joined(&ids);
            }
        }
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
    let known: HashSet<_> = visible.iter().map(|member| member.id).collect();
    let unknown: Vec<_> = ids
        .iter()
        .copied()
        .filter(|id| !known.contains(id))
        .collect();
    if !unknown.is_empty() && skips(context) {
        transaction.await_members(group, &unknown)?;
        changes
            .unknown
            .extend(unknown.iter().map(ToString::to_string));
    } else if let Some(first) = unknown.first() {
        let error = unknown_member(&first.to_string());
        return Err(match transaction.protected(&unknown)? {
            Some(id) => Failure::protected(Cause::MemberProtected, error, id),
            None => Failure::because(Cause::MemberUnknown, error),
        });
    }
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

fn remove(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    ids: &[ResourceId],
    changes: &mut MemberChanges,
) -> Result<(), Failure> {
    if !ids.is_empty() {
        changes
            .removed
            .extend(transaction.remove_members(context.scope(), group, ids)?);
    }
    Ok(())
}

/// Writes the difference only: the same list again writes nothing.
fn replace(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    (present, ids): (&HashSet<ResourceId>, &[ResourceId]),
    changes: &mut MemberChanges,
) -> Result<(), Failure> {
    let wanted: HashSet<_> = ids.iter().copied().collect();
    let mut leaving: Vec<_> = present.difference(&wanted).copied().collect();
    leaving.sort_unstable();
    let mut joining: Vec<_> = wanted.difference(present).copied().collect();
    joining.sort_unstable();
    if skips(context) {
        // Who is awaited is named again.
        transaction.forget_awaited(group, None)?;
    }
    match guard(context, leaving.len(), present.len())? {
        None => remove(context, transaction, group, &leaving, changes)?,
        Some(reason) => {
            changes.guarded = Some(reason);
            if context.configuration().policies.member_guard.action == MemberGuardAction::Hold {
                transaction.hold_members(context.scope(), group, &leaving, context.now)?;
                changes.held.extend(leaving);
            } else {
                remove(context, transaction, group, &leaving, changes)?;
            }
        }
    }
    add(context, transaction, group, &joining, changes)
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
        pending: None,
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
    if swapped.removed.is_empty() {
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
        unknown,
        ..
    } = swapped;
    changes.unknown.extend(unknown);
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

/// The members that a filter selects. The others are read only for a filter that looks at more
/// than ids.
fn selected(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    group: ResourceId,
    selection: &Selection,
    roster: &mut Roster,
) -> Result<Vec<ResourceId>, Failure> {
    if let Some(ids) = selected_by_value(&selection.filter) {
        return Ok(ids);
    }
    let members = roster.members(context, transaction, group)?;
    // Every member is looked at for every term of the filter.
    let visits = members.len().saturating_mul(selection.condition.terms());
    context.budget.charge(visits).map_err(Error::from)?;
    let selected = members.values().filter(|one| {
        let member = context.member(one.kind, one.id, &one.display);
        selection.condition.matches_value(&member)
    });
    let mut selected: Vec<_> = selected.map(|one| one.id).collect();
    selected.sort_unstable();
    Ok(selected)
}

/// Who is in the group, not yet as values: read when the first edit needs it, and once for all of them.
#[derive(Default)]
struct Roster {
    members: Option<HashMap<ResourceId, Visible>>,
}

impl Roster {
    fn members(
        &mut self,
        context: &Context,
        transaction: &mut dyn DirectoryTransaction,
        group: ResourceId,
    ) -> Result<&HashMap<ResourceId, Visible>, Failure> {
        if self.members.is_none() {
            let (mut members, mut after) = (HashMap::new(), None);
            loop {
                let chunk = transaction.members_behind(context.scope(), group, after, CHUNK)?;
                let work = chunk.members.len().saturating_mul(READ);
                context.budget.charge(work).map_err(Error::from)?;
                members.extend(chunk.members.into_iter().map(|one| (one.id, one)));
                after = chunk.next;
                if after.is_none() {
                    break;
                }
            }
            self.members = Some(members);
        }
        Ok(self.members.get_or_insert_default())
    }

    fn left(&mut self, ids: &[ResourceId]) {
        if let Some(members) = &mut self.members {
            for id in ids {
                members.remove(id);
            }
        }
    }

    /// What is known of who joined is their id, which a filter may not be content with.
    fn joined(&mut self, ids: &[ResourceId]) {
        let known =
            |members: &HashMap<ResourceId, Visible>| ids.iter().all(|id| members.contains_key(id));
        if !self.members.as_ref().is_some_and(known) {
            self.members = None;
        }
    }
}

/// The ids in a filter that is nothing but `value eq` joined by `or`.
fn selected_by_value(filter: &Filter) -> Option<Vec<ResourceId>> {
    match filter {
        Filter::Or(parts) => {
            let ids: Option<Vec<_>> = parts.iter().map(selected_by_value).collect();
            Some(ids?.into_iter().flatten().collect())
        }
        Filter::Comparison {
            path,
            operator: Operator::Equal,
            value: Comparand::Text(id),
        } if path.attribute.eq_ignore_ascii_case("value") => {
            // What is no id of ours is nobody's.
            Some(folded_id(id).into_iter().collect())
        }
        _ => None,
    }
}

/// Whether members that nobody sees are left out.
fn skips(context: &Context) -> bool {
    context.configuration().policies.unknown_members == UnknownMembers::Skip
}

/// The ids that the values of `members` name; what is no id is left out where the policy says so.
fn wanted(
    context: &Context,
    values: &[Value],
    changes: &mut MemberChanges,
) -> Result<Vec<ResourceId>, Failure> {
    if !skips(context) {
        return named(values);
    }
    let (known, others): (Vec<_>, Vec<_>) = values
        .iter()
        .cloned()
        .partition(|value| member_id(value).is_some());
    changes.unknown.extend(others.iter().map(|value| {
        let text = value.get("value").and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    }));
    named(&known)
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

fn member_id(value: &Value) -> Option<ResourceId> {
    folded_id(value.get("value")?.as_str()?)
}

/// `members.value` is not `caseExact` (RFC 7643 section 8.7.1), and our ids are in lower case.
fn folded_id(text: &str) -> Option<ResourceId> {
    ResourceId::parse(&text.to_ascii_lowercase())
}

fn unknown_member(id: &str) -> Error {
    Error::new(
        ScimType::InvalidValue,
        format!("Member {} does not exist.", error::quote(id)),
    )
}

const NAMED: usize = 100;
/// What reading a member costs, in the units of a request's budget.
const READ: usize = 10;
