//! Changes of a user's status that the guard holds, and what it counts.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use scim_admin::policy::{Decision, HeldChange};
use scim_provisioning::directory::{Change, HeldAction, Status};
use scim_provisioning::{
    Action, Cause, ConfigurationId, Event, Outcome, ResourceId, ResourceKind, Scope, StoreError,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::admin::page;
use crate::connection::Connection;
use crate::error::unreadable;
use crate::people::{self, Write};
use crate::sql::Sql;
use crate::time::{instant, millis};
use crate::totals::Totals;
use crate::users::{self, status};
use crate::{log, members};

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(diesel::QueryableByName)]
struct EndRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Nullable<Text>)]
    last: Option<String>,
}

#[derive(diesel::QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    configuration_name: String,
    #[diesel(sql_type = Text)]
    user_id: String,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Integer)]
    deleted: i32,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    purge_at: Option<i64>,
    #[diesel(sql_type = BigInt)]
    at: i64,
}

pub(crate) fn departures(
    connection: &mut Connection,
    scope: Scope,
    since: DateTime<Utc>,
    limit: u64,
) -> Result<u64, StoreError> {
    // The words of the index, so that it serves the count.
    let mut sql = connection.sql(
        "SELECT count(*) AS count FROM (SELECT 1 FROM provisioning_events WHERE action IN \
         ('block', 'archive', 'delete') AND outcome IN ('success', 'warning') AND resource_type = \
         'User' AND configuration_id = ",
    );
    sql.bind(scope.configuration().to_string());
    sql.push(" AND at >= ").bind(millis(since));
    sql.push(" LIMIT ")
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    sql.push(") AS counted");
    count(connection, &sql)
}

pub(crate) fn users_at(
    connection: &mut Connection,
    scope: Scope,
    at: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let still = Totals::of(connection, scope.configuration())?.visible(ResourceKind::User);
    let mut sql = connection
        .sql("SELECT count(*) AS count FROM users WHERE is_tenant_admin = 0 AND managed_by = ");
    sql.bind(scope.configuration().to_string());
    sql.push(" AND left_at >= ").bind(millis(at));
    Ok(still + count(connection, &sql)?)
}

fn count(connection: &mut Connection, sql: &Sql) -> Result<u64, StoreError> {
    let count = connection.row::<CountRow>(sql)?.map_or(0, |row| row.count);
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(crate) fn hold(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    action: HeldAction,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    withdraw(connection, id)?;
    let held = people::set(connection, &id.to_string(), |sql| {
        sql.push("held = 1");
    })?;
    if !held {
        return Err(StoreError::Stale);
    }
    let mut sql = connection.sql(
        "INSERT INTO held_changes (id, configuration_id, user_id, deleted, status, purge_at, at) \
         VALUES (",
    );
    sql.bind(Uuid::now_v7().to_string());
    sql.push(", ").bind(scope.configuration().to_string());
    sql.push(", ").bind(id.to_string());
    sql.push(", ").bind(action.deleted);
    sql.push(", ").bind(action.status.as_str());
    sql.push(", ").bind(action.purge.map(millis));
    sql.push(", ").bind(millis(now)).push(")");
    connection.execute(&sql)?;
    Ok(())
}

pub(crate) fn withdraw(connection: &mut Connection, id: ResourceId) -> Result<(), StoreError> {
    let free = Write::update(
        connection,
        |sql| {
            sql.push("held = 0");
        },
        |sql| {
            sql.push("held = 1 AND id = ").bind(id.to_string());
        },
    );
    if free.run(connection)? > 0 {
        forget(connection, &id.to_string())?;
    }
    Ok(())
}

/// Deletes what is held for a user.
fn forget(connection: &mut Connection, user: &str) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM held_changes WHERE user_id = ");
    sql.bind(user);
    connection.execute(&sql)?;
    Ok(())
}

/// What is held, in order of time; of protected accounts only where that is asked for.
fn rows(
    connection: &mut Connection,
    configuration: ConfigurationId,
    protected: bool,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<HeldRow>, StoreError> {
    let mut sql = connection.sql(
        "SELECT h.id, c.name AS configuration_name, h.user_id, u.user_name, \
         CAST(h.deleted AS INTEGER) AS deleted, h.status, h.purge_at, h.at \
         FROM held_changes h JOIN users u ON u.id = h.user_id \
         JOIN provisioning_configurations c ON c.id = h.configuration_id \
         WHERE h.configuration_id = ",
    );
    sql.bind(configuration.to_string());
    if !protected {
        sql.push(" AND u.is_tenant_admin = 0");
    }
    page(&mut sql, "h.id", after, limit);
    connection.rows(&sql)
}

pub(crate) fn list(
    connection: &mut Connection,
    configuration: ConfigurationId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<HeldChange>, StoreError> {
    let rows = rows(connection, configuration, false, after, limit)?;
    Ok(rows.iter().map(HeldRow::change).collect())
}

/// How many changes are held of a configuration, and the id of the last one.
pub(crate) fn end(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<(i64, Option<String>), StoreError> {
    let mut sql = connection.sql(
        "SELECT count(*) AS count, max(id) AS last FROM held_changes WHERE configuration_id = ",
    );
    sql.bind(configuration.to_string())
        .push(" AND user_id NOT IN (")
        .push(PROTECTED)
        .push(")");
    let row: Option<EndRow> = connection.row(&sql)?;
    Ok(row.map_or((0, None), |row| (row.count, row.last)))
}

/// Carries out a decision and answers what it was about.
pub(crate) fn decide(
    connection: &mut Connection,
    decision: &Decision,
) -> Result<Vec<HeldChange>, StoreError> {
    let mut decided = Vec::new();
    for row in rows(connection, decision.configuration, true, None, i64::MAX)? {
        let change = row.change();
        if !decision.concerns(&change) {
            continue;
        }
        let id = ResourceId::parse(&row.user_id).ok_or_else(|| unreadable("held_changes"))?;
        let free = people::set(connection, &row.user_id, |sql| {
            sql.push("held = 0, version = version + 1, updated_at = ");
            sql.bind(millis(decision.now));
            if !decision.allow && change.deleted {
                sql.push(", left_at = NULL");
            }
        })?;
        if !free {
            // Out of every identity provider's reach since it asked for this: it waits, and is
            // shown again if the account is not protected any more.
            row.tell_protected(connection, id, decision)?;
            continue;
        }
        forget(connection, &row.user_id)?;
        if !decision.allow && change.deleted {
            let scope = Scope::of(decision.configuration);
            members::touch_groups_of(connection, scope, id, decision.now)?;
            members::join(connection, scope, id, decision.now)?;
        }
        if decision.allow {
            row.allow(connection, id)?;
        }
        row.tell(connection, id, decision)?;
        decided.push(change);
    }
    if decision.allow {
        // What was allowed is not counted against the next ones.
        let mut sql = connection.sql("UPDATE provisioning_configurations SET guard_reset_at = ");
        sql.bind(millis(decision.now) + 1).push(" WHERE id = ");
        sql.bind(decision.configuration.to_string());
        connection.execute(&sql)?;
    }
    Ok(decided)
}

impl HeldRow {
    fn change(&self) -> HeldChange {
        HeldChange {
            id: self.id.clone(),
            user: self.user_id.clone(),
            user_name: self.user_name.clone(),
            deleted: self.deleted != 0,
            action: self.action().as_str(),
            group: None,
            at: instant(self.at),
        }
    }

    fn action(&self) -> Action {
        match (status(&self.status), self.purge_at) {
            (_, Some(_)) => Action::Delete,
            (Status::Archived, None) => Action::Archive,
            _ => Action::Block,
        }
    }

    fn allow(&self, connection: &mut Connection, id: ResourceId) -> Result<(), StoreError> {
        if self.deleted != 0 {
            return users::depart(connection, id, status(&self.status), self.purge_at);
        }
        // Somebody who was archived by hand meanwhile stays so.
        let write = Write::update(
            connection,
            |sql| {
                sql.push("status = ").bind(&self.status);
            },
            |sql| {
                sql.push("status <> 'archived' AND id = ")
                    .bind(id.to_string());
            },
        );
        write.run(connection)?;
        Ok(())
    }

    /// Writes the log entry, and announces what was carried out.
    fn tell(
        &self,
        connection: &mut Connection,
        id: ResourceId,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let (outcome, word) = match decision.allow {
            true => (Outcome::Success, "Allowed"),
            false => (Outcome::Skipped, "Rejected"),
        };
        let reason = format!("{word} by {}.", decision.actor);
        log::record(connection, &self.event(id, decision, outcome, reason))?;
        if !decision.allow {
            return Ok(());
        }
        let change = Change {
            topic: match status(&self.status) {
                Status::Archived => "user.archived",
                _ => "user.blocked",
            },
            kind: ResourceKind::User,
            id,
            payload: json!({ "status": self.status }),
        };
        log::announce(connection, &change, decision.now)
    }

    /// Writes the log entry of an account that is protected.
    fn tell_protected(
        &self,
        connection: &mut Connection,
        id: ResourceId,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        let reason = "Nothing was done: the account is protected.".to_owned();
        let event = self.event(id, decision, Outcome::Skipped, reason);
        log::record(connection, &event)
    }

    fn event(
        &self,
        id: ResourceId,
        decision: &Decision,
        outcome: Outcome,
        reason: String,
    ) -> Event {
        Event {
            at: decision.now,
            configuration: decision.configuration,
            configuration_name: self.configuration_name.clone(),
            request_id: self.id.clone(),
            action: self.action(),
            kind: Some(ResourceKind::User),
            resource_id: Some(id),
            resource_name: Some(self.user_name.clone()),
            mapping_version: None,
            outcome,
            status: 200,
            scim_type: None,
            cause: (outcome == Outcome::Skipped).then_some(Cause::ResourceProtected),
            reason: Some(reason),
            detail: None,
            changes: Value::Array(Vec::new()),
            deviations: Value::Array(Vec::new()),
            duration_micros: 0,
            source: None,
            user_agent: None,
            request: None,
            actor: Some(decision.actor.clone()),
            occurrences: 1,
        }
    }
}

/// The ids of protected accounts, who are few.
pub(crate) const PROTECTED: &str = "SELECT id FROM users WHERE is_tenant_admin = 1";

/// Whose time has come, of those who left and were not protected since.
const LEAVING: &str = "SELECT id FROM users WHERE is_tenant_admin = 0 AND left_at IS NOT NULL \
     AND purge_at <= ";

/// Deletes for good whose time has come; answers how many.
pub(crate) fn purge(
    connection: &mut Connection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let leaving = |sql: &mut Sql| {
        sql.push(LEAVING).bind(millis(now));
        sql.push(" ORDER BY id LIMIT ").bind(limit).push(")");
    };
    let mut sql = connection.sql("DELETE FROM group_members WHERE member_id IN (");
    leaving(&mut sql);
    connection.execute(&sql)?;
    let gone = Write::delete(connection, |sql| {
        sql.push("id IN (");
        leaving(sql);
    });
    gone.run(connection)
}
