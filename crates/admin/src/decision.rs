//! What an administrator's decision about held changes means.

use std::collections::BTreeMap;

use chrono::Duration;
use scim_provisioning::directory::Author;
use scim_provisioning::{Action, Cause, Event, Outcome, ResourceId, ResourceKind, StoreError};
use serde_json::{Value, json};

use crate::configuration::ProvisioningConfiguration;
use crate::policy::{Decision, HeldChange, HeldMember, HeldUser, HoldEnd};
use crate::store::AdminTransaction;

/// What was decided, and what the log says of accounts that nothing was done to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decided {
    pub(crate) changes: Vec<HeldChange>,
    pub(crate) skipped: Vec<Event>,
}

/// Carries out a decision, with its log entries.
///
/// # Errors
/// [`StoreError::Conflict`] when a user who would come back has no free name.
pub(crate) fn carry_out(
    rows: &mut dyn AdminTransaction,
    configuration: &ProvisioningConfiguration,
    decision: &Decision,
) -> Result<Decided, StoreError> {
    rows.insert_run(&decision.run)?;
    rows.speak_as(&Author {
        run: Some(decision.run.id),
        ..Author::administrator(&decision.actor)
    })?;
    let mut decided = decide_users(rows, configuration, decision)?;
    let members = decide_members(rows, configuration, decision)?;
    decided.changes.extend(members);
    if decision.allow {
        // What was allowed is not counted against the next ones: the guard counts from the next
        // moment on.
        let reset = decision.now + Duration::milliseconds(1);
        rows.reset_guard(decision.configuration, reset)?;
    }
    Ok(decided)
}

fn decide_users(
    rows: &mut dyn AdminTransaction,
    configuration: &ProvisioningConfiguration,
    decision: &Decision,
) -> Result<Decided, StoreError> {
    let mut decided = Decided::default();
    for held in rows.all_held_users(decision.configuration)? {
        let change = HeldChange::of_user(&held);
        if !decision.concerns(&change) {
            continue;
        }
        let end = end_of(&held, decision.allow);
        if !rows.end_hold(decision.configuration, held.user, end, decision.now)? {
            // Out of every identity provider's reach since it asked for this: it waits, and is
            // shown again if the account is not protected any more.
            let event = skipped(&held, configuration, decision);
            rows.record_event(&event)?;
            decided.skipped.push(event);
            continue;
        }
        rows.record_event(&user_event(&held, configuration, decision))?;
        decided.changes.push(change);
    }
    Ok(decided)
}

/// What becomes of a user when the change is allowed, or rejected.
fn end_of(held: &HeldUser, allow: bool) -> HoldEnd {
    match (allow, held.action.deleted) {
        (true, true) => HoldEnd::Departs {
            status: held.action.status,
            purge: held.action.purge,
        },
        (true, false) => HoldEnd::Becomes(held.action.status),
        (false, true) => HoldEnd::Returns,
        (false, false) => HoldEnd::Stays,
    }
}

fn decide_members(
    rows: &mut dyn AdminTransaction,
    configuration: &ProvisioningConfiguration,
    decision: &Decision,
) -> Result<Vec<HeldChange>, StoreError> {
    let mut decided = Vec::new();
    let mut groups: BTreeMap<String, (ResourceId, Vec<HeldMember>)> = BTreeMap::new();
    for held in rows.held_members(decision.configuration, None, i64::MAX)? {
        let change = HeldChange::of_member(&held);
        if !decision.concerns(&change) {
            continue;
        }
        match decision.allow {
            true => rows.delete_held_member(held.group, &held.member)?,
            false => rows.keep_held_member(held.group, &held.member)?,
        }
        decided.push(change);
        let of_group = groups.entry(held.group.to_string());
        let (_, members) = of_group.or_insert_with(|| (held.group, Vec::new()));
        members.push(held);
    }
    // Every group has an entry in the log.
    for (group, members) in groups.into_values() {
        if !decision.allow {
            rows.touch_group(group, decision.now)?;
        }
        tell_group(rows, configuration, group, &members, decision)?;
    }
    Ok(decided)
}

/// Writes the log entry of a group.
fn tell_group(
    rows: &mut dyn AdminTransaction,
    configuration: &ProvisioningConfiguration,
    group: ResourceId,
    members: &[HeldMember],
    decision: &Decision,
) -> Result<(), StoreError> {
    let Some(first) = members.first() else {
        return Ok(());
    };
    let named: Vec<&str> = members
        .iter()
        .take(NAMED)
        .map(|held| held.member.as_str())
        .collect();
    let change = json!({ "path": "members", "added": 0, "removed": members.len(), "new": [],
        "old": named });
    let changes = match decision.allow {
        true => json!([change]),
        false => json!([]),
    };
    rows.record_event(&Event {
        request_id: first.id.clone(),
        action: Action::ChangeMembers,
        kind: Some(ResourceKind::Group),
        resource_id: Some(group),
        resource_name: Some(first.group_name.clone()),
        changes,
        ..event(configuration, decision)
    })?;
    Ok(())
}

fn user_event(
    held: &HeldUser,
    configuration: &ProvisioningConfiguration,
    decision: &Decision,
) -> Event {
    Event {
        request_id: held.id.clone(),
        action: held.action(),
        resource_id: Some(held.user),
        resource_name: Some(held.user_name.clone()),
        ..event(configuration, decision)
    }
}

fn skipped(
    held: &HeldUser,
    configuration: &ProvisioningConfiguration,
    decision: &Decision,
) -> Event {
    Event {
        outcome: Outcome::Skipped,
        cause: Some(Cause::ResourceProtected),
        reason: Some("Nothing was done: the account is protected.".to_owned()),
        ..user_event(held, configuration, decision)
    }
}

/// The entry of a decision, without what it is about.
fn event(configuration: &ProvisioningConfiguration, decision: &Decision) -> Event {
    let (outcome, word) = match decision.allow {
        true => (Outcome::Success, "Allowed"),
        false => (Outcome::Skipped, "Rejected"),
    };
    Event {
        at: decision.now,
        configuration: configuration.id,
        configuration_name: configuration.name.clone(),
        request_id: String::new(),
        action: Action::Update,
        kind: Some(ResourceKind::User),
        resource_id: None,
        resource_name: None,
        mapping_version: None,
        outcome,
        status: 200,
        scim_type: None,
        cause: None,
        reason: Some(format!("{word} by {}.", decision.actor)),
        detail: None,
        changes: Value::Array(Vec::new()),
        deviations: Value::Array(Vec::new()),
        duration_micros: 0,
        source: None,
        user_agent: None,
        request: None,
        actor: Some(decision.actor.clone()),
        occurrences: 1,
        run: Some(decision.run.id),
    }
}

/// How many members an entry names.
const NAMED: usize = 100;
