//! Carrying over people and groups: what becomes of each, and writing it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl};
use scim_admin::rehearsal::{
    CarryWay, Carrying, GoingLive, Moved, MovedPage, MovedResource, Rehearsal, Standing, overlaid,
};
use scim_admin::run::{RowChange, Touched};
use scim_provisioning::event::{Action, Event, Outcome};
use scim_provisioning::{ResourceId, ResourceKind, StoreError};
use serde_json::json;

use super::attached::author;
use super::copy as copies;
use super::rows::{Row, number, text};
use super::standing::{CLAIMED, EMAILS, Found, GROUPS, KINDS, USERS, versions};
use crate::admin::rehearsals;
use crate::connection::Connection;
use crate::database::Database;
use crate::nodes::among;
use crate::runs::restore;
use crate::schema_recorded::run_images;
use crate::{log, people, runs};

/// What becomes of a person or a group.
#[derive(Clone)]
struct Planned {
    touched: Touched,
    name: Option<String>,
    carrying: Carrying,
    copied: Option<Row>,
    /// The version that it must still have.
    live: Option<i64>,
    change: Option<RowChange>,
}

/// What becomes of the next of those that the rehearsal changed.
#[derive(Clone, Default)]
struct Plan {
    items: Vec<Planned>,
    /// Who gives up a name before, because they get another one in their turn.
    vacated: Vec<(ResourceKind, String)>,
    emails: Vec<Row>,
    /// The number of the last one.
    last: Option<i64>,
}

/// What of the next resources cannot be carried over as it was rehearsed.
pub(super) fn moved(
    directory: &Database,
    copy: &Database,
    rehearsal: &Rehearsal,
    after: i64,
) -> Result<MovedPage, StoreError> {
    let plan = plan(directory, copy, rehearsal, after)?;
    let moved = plan.items.into_iter().filter_map(|one| {
        Some(MovedResource {
            moved: one.carrying.moved?,
            kind: one.touched.kind,
            id: one.touched.id,
            name: one.name,
        })
    });
    Ok(MovedPage {
        items: moved.collect(),
        next: plan.last,
    })
}

/// Carries over the next people and groups.
pub(super) fn resources(
    directory: &Database,
    copy: &Database,
    rehearsal: &Rehearsal,
    live: &GoingLive,
    now: DateTime<Utc>,
) -> Result<Rehearsal, StoreError> {
    if live.position == 0 {
        copy.writing(copies::close)?;
    }
    let mut tries = 0;
    loop {
        let plan = plan(directory, copy, rehearsal, live.position)?;
        let next = match plan.last {
            Some(last) => GoingLive {
                position: last,
                ..live.clone()
            },
            None => GoingLive {
                phase: live.phase.next(),
                position: 0,
                ..live.clone()
            },
        };
        let after = Rehearsal {
            live: Some(next),
            ..rehearsal.clone()
        };
        let (author, saved, run) = (author(live), after.clone(), live.run);
        let written = directory.writing(move |connection| {
            connection.speak_as(&author)?;
            plan.write(connection, &saved, run, now)?;
            connection.end_speech()?;
            rehearsals::save(connection, &saved)
        });
        match written {
            Ok(()) => return Ok(after),
            // Somebody changed one of them meanwhile, or took a name.
            Err(StoreError::Stale | StoreError::Conflict { .. }) if tries < TRIES => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Finds out what becomes of the next of those that the rehearsal changed.
fn plan(
    directory: &Database,
    copy: &Database,
    rehearsal: &Rehearsal,
    after: i64,
) -> Result<Plan, StoreError> {
    let mut found = copy.reading(|connection| Found::read(connection, rehearsal, after))?;
    if found.touched.is_empty() {
        return Ok(Plan::default());
    }
    let standing = directory.reading(|connection| {
        let mut live = BTreeMap::new();
        for kind in KINDS {
            let ids = found.ids(kind);
            live.extend(versions(connection, kind, &ids, false)?);
        }
        let mut holders = Vec::new();
        for claimed in CLAIMED {
            holders.extend(claimed.holders(connection, &found)?);
        }
        Ok::<_, StoreError>((live, holders))
    })?;
    let (live, holders) = standing;
    let others: Vec<&String> = holders.iter().map(|holder| &holder.id).collect();
    let touched: BTreeSet<String> = match others.is_empty() {
        true => BTreeSet::new(),
        false => copy.reading(|connection| {
            let touched = run_images::table
                .filter(run_images::run.eq(rehearsal.id.to_string()))
                .filter(among(run_images::resource_id, &others))
                .select(run_images::resource_id)
                .distinct();
            let touched: Vec<String> = connection.load(touched)?;
            Ok::<_, StoreError>(touched.into_iter().collect())
        })?,
    };
    let mut plan = Plan {
        last: found.touched.last().map(|one| one.first),
        ..Plan::default()
    };
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for holder in holders {
        match holder.protected || !touched.contains(&holder.id) {
            true => {
                taken.insert(holder.wanted_by);
            }
            false => plan.vacated.push((holder.kind, holder.id)),
        }
    }
    for touched in std::mem::take(&mut found.touched) {
        let copied = found.rows.remove(&touched.id);
        let version = |row: &Row| number(row, "version");
        let carrying = Carrying::of(Standing {
            base: found.base.get(&touched.id).copied(),
            copied: copied.as_ref().and_then(version),
            live: live.get(&touched.id).copied(),
            taken: taken.contains(&touched.id),
        });
        let images = found.images.remove(&touched.id).unwrap_or_default();
        let rows = images.iter().filter(|image| image.subject.is_resource());
        plan.items.push(Planned {
            name: images.iter().rev().find_map(|image| image.name.clone()),
            live: live.get(&touched.id).map(|(version, _)| *version),
            change: RowChange::of(rows),
            touched,
            carrying,
            copied,
        });
    }
    plan.emails = found.emails;
    Ok(plan)
}

impl Plan {
    /// Carries it out, where everything still is as it was looked at.
    fn write(
        &self,
        connection: &mut Connection,
        rehearsal: &Rehearsal,
        run: scim_provisioning::RunId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        for kind in KINDS {
            let of = |one: &&Planned| one.touched.kind == kind;
            let items: Vec<&Planned> = self.items.iter().filter(of).collect();
            let ids: Vec<String> = items.iter().map(|one| one.touched.id.clone()).collect();
            let now = versions(connection, kind, &ids, true)?;
            let same =
                |one: &&Planned| now.get(&one.touched.id).map(|(version, _)| *version) == one.live;
            if !items.iter().all(same) {
                return Err(StoreError::Stale);
            }
        }
        for (kind, id) in &self.vacated {
            restore::vacate(connection, *kind, id)?;
        }
        self.put(connection)?;
        let name = configuration_name(connection, run)?;
        for one in &self.items {
            match one.carrying.way {
                CarryWay::Overlay => one.overlay(connection, rehearsal, now)?,
                CarryWay::Remove => {
                    restore::remove(connection, one.touched.kind, &one.touched.id, now)?
                }
                CarryWay::Leave | CarryWay::Put => {}
            }
            if let (CarryWay::Leave, Some(moved)) = (one.carrying.way, one.carrying.moved) {
                let event = Event {
                    configuration_name: name.clone(),
                    ..one.left(rehearsal, run, moved, now)
                };
                log::record(connection, &event)?;
            }
        }
        Ok(())
    }

    /// Writes what becomes what it is in the copy.
    fn put(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let rows = |kind| {
            let put = self
                .items
                .iter()
                .filter(move |one| one.touched.kind == kind && one.carrying.way == CarryWay::Put);
            put.filter_map(|one| one.copied.clone())
                .collect::<Vec<Row>>()
        };
        let users = rows(ResourceKind::User);
        let gone = USERS.put(connection, &users, people::GONE_OF_USERS)?;
        people::end_accounts(connection, &gone)?;
        let ids: BTreeSet<&str> = users.iter().filter_map(|row| text(row, "id")).collect();
        if !ids.is_empty() {
            let mut sql = connection.sql("DELETE FROM user_emails WHERE user_id ");
            sql.among(ids.iter().copied());
            connection.execute(&sql)?;
        }
        let of = |row: &&Row| text(row, "user_id").is_some_and(|id| ids.contains(id));
        let emails: Vec<Row> = self.emails.iter().filter(of).cloned().collect();
        EMAILS.put(connection, &emails, "NULL")?;
        GROUPS
            .put(connection, &rows(ResourceKind::Group), "NULL")
            .map(drop)
    }
}

/// Of which configuration a run is, by its name.
fn configuration_name(
    connection: &mut Connection,
    run: scim_provisioning::RunId,
) -> Result<String, StoreError> {
    let run = runs::find(connection, run)?;
    let (_, name) = run.and_then(|run| run.configuration).unzip();
    Ok(name.unwrap_or_default())
}

impl Planned {
    /// Gives what somebody changed meanwhile what the rehearsal changed of it.
    fn overlay(
        &self,
        connection: &mut Connection,
        rehearsal: &Rehearsal,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (kind, id) = (self.touched.kind, self.touched.id.as_str());
        let (Some(change), Some(current)) =
            (&self.change, restore::current(connection, kind, id, true)?)
        else {
            return Ok(());
        };
        let values = overlaid(kind, change, &current, rehearsal.configuration);
        match values.is_empty() {
            true => Ok(()),
            false => restore::write(connection, kind, id, current.version, &values, now),
        }
    }

    /// What the log says of what is left out.
    fn left(
        &self,
        rehearsal: &Rehearsal,
        run: scim_provisioning::RunId,
        moved: Moved,
        now: DateTime<Utc>,
    ) -> Event {
        let action = match (self.live, &self.copied) {
            (None, Some(_)) => Action::Create,
            (_, None) => Action::Delete,
            (Some(_), Some(_)) => Action::Update,
        };
        Event {
            at: now,
            configuration: rehearsal.configuration,
            configuration_name: String::new(),
            request_id: run.to_string(),
            action,
            kind: Some(self.touched.kind),
            // What comes to nothing has no id: the one that it had in the copy is nobody's.
            resource_id: match action {
                Action::Create => None,
                _ => ResourceId::parse(&self.touched.id),
            },
            resource_name: self.name.clone(),
            mapping_version: None,
            outcome: Outcome::Failure,
            status: 409,
            scim_type: None,
            cause: Some(moved.cause()),
            reason: Some(moved.reason().to_owned()),
            detail: None,
            changes: json!([]),
            deviations: json!([]),
            duration_micros: 0,
            source: None,
            user_agent: None,
            request: None,
            actor: None,
            occurrences: 1,
            run: Some(run),
        }
    }
}

/// How often is looked again, where somebody changed something meanwhile.
const TRIES: u32 = 5;
