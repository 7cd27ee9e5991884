//! What is shown of one person, group or configuration alone, and what is done to one by hand.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::people::{
    Changeable, GroupDetail, ManagedCounts, Member, Membership, PersonChange, PersonDetail,
};
use scim_provisioning::directory::Change;
use scim_provisioning::{ConfigurationId, ResourceId, ResourceKind, StoreError};
use serde_json::{Value, json};

use super::directory::{self, page};
use crate::connection::Connection;
use crate::held::PROTECTED;
use crate::held_members;
use crate::log;
use crate::people::Write;
use crate::time::millis;
use crate::totals::Totals;

#[derive(diesel::QueryableByName)]
struct DetailRow {
    #[diesel(sql_type = Nullable<Text>)]
    managed_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    named: Option<String>,
    #[diesel(sql_type = Text)]
    scim_document: String,
}

impl DetailRow {
    fn configuration(&self) -> Option<ConfigurationId> {
        ConfigurationId::parse(self.managed_by.as_deref()?)
    }

    fn document(&self) -> Value {
        serde_json::from_str(&self.scim_document).unwrap_or_default()
    }
}

#[derive(diesel::QueryableByName)]
struct NamedRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

pub(super) fn person(
    connection: &mut Connection,
    id: &str,
) -> Result<Option<PersonDetail>, StoreError> {
    let Some(person) = directory::person(connection, id)? else {
        return Ok(None);
    };
    let mut sql = connection.sql(
        "SELECT u.managed_by, u.external_id, m.user_name AS named, u.scim_document \
         FROM users u LEFT JOIN users m ON m.id = u.manager_id WHERE u.id = ",
    );
    sql.bind(id);
    let Some(row) = connection.row::<DetailRow>(&sql)? else {
        return Ok(None);
    };
    let mut sql = connection.sql(
        "SELECT g.id, g.name, g.kind FROM group_members m JOIN groups g ON g.id = m.group_id \
         WHERE m.member_id = ",
    );
    sql.bind(id).push(" ORDER BY g.name_key, g.id LIMIT ");
    sql.bind(MEMBERSHIPS);
    let groups = connection.rows::<NamedRow>(&sql)?.into_iter();
    Ok(Some(PersonDetail {
        configuration: row.configuration(),
        document: row.document(),
        external_id: row.external_id,
        manager_name: row.named,
        groups: groups
            .map(|group| Membership {
                id: group.id,
                name: group.name.unwrap_or_default(),
                kind: group.kind,
            })
            .collect(),
        person,
    }))
}

pub(super) fn group(
    connection: &mut Connection,
    id: &str,
) -> Result<Option<GroupDetail>, StoreError> {
    let Some(group) = directory::group(connection, id)? else {
        return Ok(None);
    };
    let mut sql = connection.sql(
        "SELECT managed_by, external_id, rule_key AS named, scim_document FROM groups WHERE id = ",
    );
    sql.bind(id);
    let Some(row) = connection.row::<DetailRow>(&sql)? else {
        return Ok(None);
    };
    let mut sql = connection
        .sql("SELECT field AS kind, value AS id, NULL AS name FROM group_grants WHERE group_id = ");
    sql.bind(id).push(" ORDER BY 1, 2");
    let grants = connection.rows::<NamedRow>(&sql)?.into_iter();
    Ok(Some(GroupDetail {
        configuration: row.configuration(),
        document: row.document(),
        external_id: row.external_id,
        rule: row.named,
        grants: grants.map(|grant| (grant.kind, grant.id)).collect(),
        group,
    }))
}

pub(super) fn members(
    connection: &mut Connection,
    group: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Member>, StoreError> {
    let mut sql = connection.sql(
        "SELECT m.member_id AS id, m.member_kind AS kind, COALESCE(u.user_name, g.name) AS name \
         FROM group_members m LEFT JOIN users u ON u.id = m.member_id \
         LEFT JOIN groups g ON g.id = m.member_id WHERE m.group_id = ",
    );
    sql.bind(group);
    page(&mut sql, "m.member_id", after, limit);
    let rows = connection.rows::<NamedRow>(&sql)?.into_iter();
    Ok(rows
        .map(|row| Member {
            id: row.id,
            kind: row.kind,
            name: row.name,
        })
        .collect())
}

pub(super) fn change(
    connection: &mut Connection,
    person: &Changeable,
    change: PersonChange,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let id = person.id();
    let (what, whom) = update_of(change);
    let write = Write::update(
        connection,
        |sql| {
            sql.push(&what);
            sql.push(", version = version + 1, updated_at = ")
                .bind(millis(now));
        },
        |sql| {
            sql.push("id = ").bind(id).push(" AND ").push(&whom);
        },
    );
    if write.run(connection)? == 0 {
        return Ok(false);
    }
    let (topic, payload) = match change {
        PersonChange::Block => ("user.blocked", json!({ "status": "blocked" })),
        PersonChange::Unblock => ("user.unblocked", json!({ "status": "active" })),
        PersonChange::Archive => ("user.archived", json!({ "status": "archived" })),
        PersonChange::Convert(user_type) => (
            "user.updated",
            json!({ "fields": { "user_type": user_type.as_str() } }),
        ),
        PersonChange::Unlink => {
            let mut sql = connection.sql("DELETE FROM held_changes WHERE user_id = ");
            sql.bind(id);
            connection.execute(&sql)?;
            lose_member(connection, id, now)?;
            ("user.unlinked", json!({ "managedBy": null }))
        }
    };
    announce(connection, topic, ResourceKind::User, id, payload, now)?;
    Ok(true)
}

/// What a change sets, and the people whom it is for. Whom SCIM deleted comes back by SCIM alone.
fn update_of(change: PersonChange) -> (String, String) {
    let (what, whom) = match change {
        PersonChange::Block => ("status = 'blocked'", "status = 'active'"),
        PersonChange::Unblock => (
            "status = 'active'",
            "status <> 'active' AND left_at IS NULL",
        ),
        PersonChange::Archive => (
            "status = 'archived'",
            "status <> 'archived' AND left_at IS NULL",
        ),
        PersonChange::Unlink => (
            "managed_by = NULL, left_at = NULL, purge_at = NULL, held = 0",
            "managed_by IS NOT NULL",
        ),
        PersonChange::Convert(into) => {
            let into = into.as_str();
            return (
                format!("user_type = '{into}'"),
                format!("user_type <> '{into}' AND left_at IS NULL"),
            );
        }
    };
    (what.to_owned(), whom.to_owned())
}

/// Takes a group out of its configuration's management; answers whether it was in one.
pub(super) fn unlink_group(
    connection: &mut Connection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql =
        connection.sql("UPDATE groups SET managed_by = NULL, version = version + 1, updated_at = ");
    sql.bind(millis(now)).push(" WHERE id = ").bind(id);
    sql.push(" AND managed_by IS NOT NULL AND confers_admin = 0");
    if connection.execute(&sql)? == 0 {
        return Ok(false);
    }
    lose_member(connection, id, now)?;
    announce(
        connection,
        "group.unlinked",
        ResourceKind::Group,
        id,
        json!({ "managedBy": null }),
        now,
    )?;
    held_members::release(connection, "group_id", id)?;
    Ok(true)
}

/// Counts up the managed groups that show one member less.
fn lose_member(
    connection: &mut Connection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE groups SET version = version + 1, updated_at = ");
    sql.bind(millis(now)).push(
        " WHERE managed_by IS NOT NULL AND id IN \
         (SELECT group_id FROM group_members WHERE member_id = ",
    );
    sql.bind(id).push(")");
    connection.execute(&sql)?;
    Ok(())
}

fn announce(
    connection: &mut Connection,
    topic: &'static str,
    kind: ResourceKind,
    id: &str,
    payload: Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(id) = ResourceId::parse(id) else {
        return Ok(());
    };
    let change = Change {
        topic,
        kind,
        id,
        payload,
    };
    log::announce(connection, &change, now)
}

pub(super) fn counts(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<ManagedCounts, StoreError> {
    let id = configuration.to_string();
    let totals = Totals::of(connection, configuration)?;
    let mut sql = connection.sql(
        "SELECT 'held' AS name, count(*) AS number FROM held_changes WHERE configuration_id = ",
    );
    sql.bind(&id);
    sql.push(&format!(" AND user_id NOT IN ({PROTECTED})"));
    sql.push(" UNION ALL SELECT 'links', count(*) FROM link_candidates WHERE dismissed_at IS NULL AND configuration_id = ");
    sql.bind(&id);
    sql.push(&format!(" AND person_id NOT IN ({PROTECTED})"));
    let rows: Vec<CountRow> = connection.rows(&sql)?;
    let of = |name: &str| {
        let found = rows.iter().find(|row| row.name == name);
        found.map(|row| row.number).unwrap_or_default()
    };
    let number = |total: u64| i64::try_from(total).unwrap_or(i64::MAX);
    Ok(ManagedCounts {
        active: number(totals.with_status("active")),
        blocked: number(totals.with_status("blocked")),
        archived: number(totals.with_status("archived")),
        groups: number(totals.visible(ResourceKind::Group)),
        held: of("held") + held_members::end(connection, configuration)?.0,
        links: of("links"),
    })
}

/// How many groups of a person are shown.
const MEMBERSHIPS: i64 = 100;
