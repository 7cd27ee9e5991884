//! PUT and PATCH (RFC 7644 sections 3.5.1 and 3.5.2).

use scim_mapping::field_changes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scim_protocol::patch::{ListEdit, PatchRequest};
use scim_protocol::query::Projection;
use scim_protocol::resource::Change as AttributeChange;
use scim_protocol::{Deviation, Resource, Tolerance, Version};
use serde_json::{Map, Value, json};

use super::departure::{self, Verdict};
use super::members::{self, MemberChanges};
use super::plan::{self, GroupPlan, Update, UserPlan};
use super::roster::{self, MemberPlan, Place};
use super::{Answer, Failure, check_match, group, read, reference, user};
use crate::directory::{Change, DirectoryTransaction, Status, StoreError, StoredGroup, StoredUser};
use crate::event::{Action, Outcome};
use crate::id::{ResourceId, ResourceKind};
use crate::refusal::Cause;
use crate::service::{Context, ServiceProvider};

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
    let request = Arc::new(Request {
        context: context.clone(),
        kind,
        id,
        update,
        tolerance,
        projection: projection.clone(),
        if_match: if_match.map(str::to_owned),
    });
    let budget = &context.budget;
    let spent = budget.spent();
    for _ in 0..PLANS {
        // What others did meanwhile is no work that the client asked for.
        budget.return_to(spent);
        let plan = request.plan(provider)?;
        provider
            .shared
            .plans
            .outside
            .fetch_add(1, Ordering::Relaxed);
        let moved = Arc::new(AtomicBool::new(false));
        let (write, seen) = (Arc::clone(&request), Arc::clone(&moved));
        let answer = provider.directory.write(Box::new(move |transaction| {
            seen.store(false, Ordering::Relaxed);
            write.run(transaction, Some(&plan), &seen)
        }));
        if !moved.load(Ordering::Relaxed) {
            return request.complete(provider, answer?);
        }
    }
    budget.return_to(spent);
    // Somebody else is always faster: now it is computed while nobody else can write it.
    let write = Arc::clone(&request);
    let answer = provider.directory.write(Box::new(move |transaction| {
        let plans = &write.context.shared.plans;
        plans.inside.fetch_add(1, Ordering::Relaxed);
        write.run(transaction, None, &AtomicBool::new(false))
    }))?;
    request.complete(provider, answer)
}

/// An update under way.
struct Request {
    context: Context,
    kind: ResourceKind,
    id: ResourceId,
    update: Update,
    /// What was noted while the body was read, from which every attempt starts.
    tolerance: Tolerance,
    projection: Projection,
    if_match: Option<String>,
}

/// What is to be written if nothing changes meanwhile.
enum Plan {
    User(UserPlan),
    Group(GroupPlan),
}

impl Request {
    /// Computes what is to be written, outside of any transaction.
    fn plan(&self, provider: &ServiceProvider) -> Result<Plan, Failure> {
        let scope = self.context.scope();
        let (mut user, mut group) = (None, None);
        provider.directory.read(&mut |view| {
            match self.kind {
                ResourceKind::User => user = view.user(scope, self.id)?,
                ResourceKind::Group => group = view.group(scope, self.id)?,
            }
            Ok(Answer::default())
        })?;
        match self.kind {
            ResourceKind::User => Ok(Plan::User(self.plan_user(user)?)),
            ResourceKind::Group => Ok(Plan::Group(self.plan_group(group, |edits| {
                let mut found = None;
                match roster::looks(edits) {
                    false => found = Some(roster::plan(&self.context, None, self.id, edits)?),
                    true => {
                        provider.directory.read(&mut |view| {
                            let place = Some(Place::Outside(view));
                            found = Some(roster::plan(&self.context, place, self.id, edits)?);
                            Ok(Answer::default())
                        })?;
                    }
                }
                found.ok_or_else(Failure::not_found)
            })?)),
        }
    }

    fn plan_user(&self, stored: Option<StoredUser>) -> Result<UserPlan, Failure> {
        let stored = stored.ok_or_else(Failure::not_found)?;
        check_match(stored.version, self.if_match.as_deref())?;
        plan::user(&self.context, stored, &self.update, self.tolerance.clone())
    }

    fn plan_group(
        &self,
        stored: Option<StoredGroup>,
        find: impl FnOnce(&[ListEdit]) -> Result<MemberPlan, Failure>,
    ) -> Result<GroupPlan, Failure> {
        let stored = stored.ok_or_else(Failure::not_found)?;
        check_match(stored.version, self.if_match.as_deref())?;
        let tolerance = self.tolerance.clone();
        plan::group(&self.context, stored, &self.update, tolerance, find)
    }

    fn complete(&self, provider: &ServiceProvider, answer: Answer) -> Result<Answer, Failure> {
        match self.kind {
            ResourceKind::User => Ok(answer),
            ResourceKind::Group => {
                read::complete(provider, &self.context, self.id, &self.projection, answer)
            }
        }
    }

    /// Writes what was planned, or plans it here; `moved` tells that what was planned is not of
    /// what is stored any more.
    fn run(
        &self,
        transaction: &mut dyn DirectoryTransaction,
        plan: Option<&Plan>,
        moved: &AtomicBool,
    ) -> Result<Answer, Failure> {
        let (context, kind, id, scope) = (&self.context, self.kind, self.id, self.context.scope());
        let gone = || {
            moved.store(true, Ordering::Relaxed);
            Failure::Store(StoreError::Stale)
        };
        match (kind, plan) {
            (ResourceKind::User, Some(Plan::User(plan))) => {
                if transaction.lock_user(scope, id)?.as_ref() != Some(&plan.stored) {
                    return Err(gone());
                }
                write_user(context, transaction, plan)?;
            }
            (ResourceKind::User, _) => {
                let plan = self.plan_user(transaction.lock_user(scope, id)?)?;
                write_user(context, transaction, &plan)?;
            }
            (ResourceKind::Group, plan) => {
                let stored = transaction.lock_group(scope, id)?;
                let stored = stored.ok_or_else(Failure::not_found)?;
                let version = stored.version;
                check_match(version, self.if_match.as_deref())?;
                let fresh;
                let plan = match plan {
                    // Members that came and went meanwhile are not part of it.
                    Some(Plan::Group(plan)) if plan.is_of(&stored) => plan,
                    Some(_) => return Err(gone()),
                    None => {
                        fresh = self.plan_group(Some(stored), |edits| {
                            let place = Some(Place::Inside(&mut *transaction));
                            roster::plan(context, place, id, edits)
                        })?;
                        &fresh
                    }
                };
                let modifies = matches!(self.update, Update::Modify(_));
                let brief = modifies && self.projection.is_empty();
                let (status, version) = write_group(context, transaction, plan, version, brief)?;
                let open = context.unread
                    || (!brief && read::lists_many(context, transaction, id, &self.projection)?);
                if status == 204 || open {
                    return Ok(read::unwritten(context, id, version, status));
                }
            }
        }
        read::answer(context, transaction, kind, id, &self.projection)
    }
}

fn write_user(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    plan: &UserPlan,
) -> Result<(), Failure> {
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
        action(stored, prepared.write.status),
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
    event.deviations = user::notes(deviations, &prepared.warnings);
    if (lost || !prepared.warnings.is_empty()) && event.outcome == Outcome::Success {
        event.outcome = Outcome::Warning;
    }
    if changed.iter().any(|change| change.path == "externalId") {
        user::tell_repeated(&mut event, repeated);
    }
    transaction.record(&event)?;
    let change = Change {
        topic: topic(action(stored, prepared.write.status)),
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
fn write_group(
    context: &Context,
    transaction: &mut dyn DirectoryTransaction,
    plan: &GroupPlan,
    stored: Version,
    brief: bool,
) -> Result<(u16, Version), Failure> {
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
    let many = brief && read::lists_many(context, transaction, id, &Projection::default())?;
    let status = if many { 204 } else { 200 };
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
    Ok((status, version))
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

/// How often an update is computed before it waits until nobody else can write.
const PLANS: usize = 4;
