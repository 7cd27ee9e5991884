//! Memberships that the guard holds.

use std::collections::BTreeMap;

use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::policy::{Decision, HeldChange};
use scim_provisioning::directory::Change;
use scim_provisioning::{
    Action, ConfigurationId, Event, Outcome, ResourceId, ResourceKind, StoreError,
};
use serde_json::{Value, json};

use crate::admin::page;
use crate::connection::Connection;
use crate::error::unreadable;
use crate::log;
use crate::time::{instant, millis};

#[derive(diesel::QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    configuration_name: String,
    #[diesel(sql_type = Text)]
    group_id: String,
    #[diesel(sql_type = Text)]
    group_name: String,
    #[diesel(sql_type = Text)]
    member_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    member_name: Option<String>,
    #[diesel(sql_type = BigInt)]
    held_at: i64,
}

#[derive(diesel::QueryableByName)]
struct EndRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Nullable<Text>)]
    last: Option<String>,
}

fn rows(
    connection: &mut Connection,
    configuration: ConfigurationId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<HeldRow>, StoreError> {
    let mut sql = connection.sql(
        "SELECT m.held_id AS id, c.name AS configuration_name, m.group_id, g.name AS group_name, \
         m.member_id, COALESCE(u.user_name, n.name) AS member_name, m.held_at \
         FROM group_members m JOIN groups g ON g.id = m.group_id \
         JOIN provisioning_configurations c ON c.id = m.held_by \
         LEFT JOIN users u ON u.id = m.member_id LEFT JOIN groups n ON n.id = m.member_id \
         WHERE COALESCE(u.is_tenant_admin, 0) = 0 AND m.held_by = ",
    );
    sql.bind(configuration.to_string());
    page(&mut sql, "m.held_id", after, limit);
    connection.rows(&sql)
}

/// The memberships that are held, in order of their ids.
pub(crate) fn list(
    connection: &mut Connection,
    configuration: ConfigurationId,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<HeldChange>, StoreError> {
    let rows = rows(connection, configuration, after, limit)?;
    Ok(rows.iter().map(HeldRow::change).collect())
}

/// How many are held, and the id of the last one.
pub(crate) fn end(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<(i64, Option<String>), StoreError> {
    let mut sql = connection.sql(
        "SELECT count(*) AS count, max(m.held_id) AS last FROM group_members m \
         WHERE COALESCE((SELECT u.is_tenant_admin FROM users u WHERE u.id = m.member_id), 0) = 0 \
         AND m.held_by = ",
    );
    sql.bind(configuration.to_string());
    let row: Option<EndRow> = connection.row(&sql)?;
    Ok(row.map_or((0, None), |row| (row.count, row.last)))
}

/// Carries out a decision and answers what it was about. Every group has an entry in the log.
pub(crate) fn decide(
    connection: &mut Connection,
    decision: &Decision,
) -> Result<Vec<HeldChange>, StoreError> {
    let mut decided = Vec::new();
    let mut groups: BTreeMap<String, Vec<HeldRow>> = BTreeMap::new();
    for row in rows(connection, decision.configuration, None, i64::MAX)? {
        let change = row.change();
        if !decision.concerns(&change) {
            continue;
        }
        let mut sql = connection.sql(match decision.allow {
            // Nobody takes a protected account out of a group.
            true => {
                "DELETE FROM group_members WHERE held_id IS NOT NULL AND member_id NOT IN \
                 (SELECT id FROM users WHERE is_tenant_admin = 1) AND group_id = "
            }
            false => {
                "UPDATE group_members SET held_id = NULL, held_by = NULL, held_at = NULL \
                 WHERE held_id IS NOT NULL AND group_id = "
            }
        });
        sql.bind(&row.group_id);
        sql.push(" AND member_id = ").bind(&row.member_id);
        connection.execute(&sql)?;
        decided.push(change);
        groups.entry(row.group_id.clone()).or_default().push(row);
    }
    for (group, rows) in groups {
        let id = ResourceId::parse(&group).ok_or_else(|| unreadable("group_members"))?;
        if !decision.allow {
            // They are seen again.
            let mut sql = connection.sql("UPDATE groups SET version = version + 1, updated_at = ");
            sql.bind(millis(decision.now))
                .push(" WHERE id = ")
                .bind(&group);
            connection.execute(&sql)?;
        }
        tell(connection, id, &rows, decision)?;
    }
    Ok(decided)
}

/// Lets go of what is held where nobody manages any more, of a configuration (`held_by`) or in a
/// group (`group_id`): the members stay.
pub(crate) fn release(
    connection: &mut Connection,
    column: &'static str,
    id: &str,
) -> Result<(), StoreError> {
    let mut sql = connection.sql(&format!(
        "UPDATE group_members SET held_id = NULL, held_by = NULL, held_at = NULL \
         WHERE held_id IS NOT NULL AND {column} = "
    ));
    sql.bind(id);
    connection.execute(&sql)?;
    Ok(())
}

/// Writes the log entry of a group, and announces what was carried out.
fn tell(
    connection: &mut Connection,
    id: ResourceId,
    rows: &[HeldRow],
    decision: &Decision,
) -> Result<(), StoreError> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let (outcome, word) = match decision.allow {
        true => (Outcome::Success, "Allowed"),
        false => (Outcome::Skipped, "Rejected"),
    };
    let named: Vec<&str> = rows
        .iter()
        .take(NAMED)
        .map(|row| row.member_id.as_str())
        .collect();
    let change = json!({ "path": "members", "added": 0, "removed": rows.len(), "new": [],
        "old": named });
    let changes = match decision.allow {
        true => json!([change]),
        false => json!([]),
    };
    let event = Event {
        at: decision.now,
        configuration: decision.configuration,
        configuration_name: first.configuration_name.clone(),
        request_id: first.id.clone(),
        action: Action::ChangeMembers,
        kind: Some(ResourceKind::Group),
        resource_id: Some(id),
        resource_name: Some(first.group_name.clone()),
        mapping_version: None,
        outcome,
        cause: None,
        status: 200,
        scim_type: None,
        reason: Some(format!("{word} by {}.", decision.actor)),
        detail: None,
        changes: changes.clone(),
        deviations: Value::Array(Vec::new()),
        duration_micros: 0,
        source: None,
        user_agent: None,
        request: None,
        actor: Some(decision.actor.clone()),
        occurrences: 1,
    };
    log::record(connection, &event)?;
    if !decision.allow {
        return Ok(());
    }
    let change = Change {
        topic: "group.members_changed",
        kind: ResourceKind::Group,
        id,
        payload: json!({ "changes": changes }),
    };
    log::announce(connection, &change, decision.now)
}

impl HeldRow {
    fn change(&self) -> HeldChange {
        HeldChange {
            id: self.id.clone(),
            user: self.member_id.clone(),
            user_name: self
                .member_name
                .clone()
                .unwrap_or_else(|| self.member_id.clone()),
            deleted: false,
            action: "leave",
            group: Some(self.group_name.clone()),
            at: instant(self.held_at),
        }
    }
}

const NAMED: usize = 100;
