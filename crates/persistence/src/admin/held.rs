//! What waits for an administrator: changes that the guard holds, and links.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel::{ExpressionMethods, QueryDsl};
use scim_admin::policy::{HeldGroup, HeldMember, HeldUser, HoldEnd, LinkRequest, LinksQuery};
use scim_admin::store::{ReadWaiting, WriteWaiting};
use scim_provisioning::directory::HeldAction;
use scim_provisioning::{ConfigurationId, ResourceId, Scope, StoreError};

use super::{AdminRows, page};

use crate::connection::Connection;
use crate::error::{readable, unreadable};
use crate::held::{PROTECTED, forget};
use crate::people::{self, Write};
use crate::schema::{groups, provisioning_configurations};
use crate::terms::{self, FoundRow};
use crate::time::{instant, millis};
use crate::users::{self, status};
use crate::{held_members, links, members};

#[derive(diesel::QueryableByName)]
struct HeldUserRow {
    #[diesel(sql_type = Text)]
    id: String,
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

#[derive(diesel::QueryableByName)]
struct HeldMemberRow {
    #[diesel(sql_type = Text)]
    id: String,
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
struct HeldGroupRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    members: i64,
    #[diesel(sql_type = BigInt)]
    leaving: i64,
}

#[derive(diesel::QueryableByName)]
struct EndRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Nullable<Text>)]
    last: Option<String>,
}

impl TryFrom<HeldUserRow> for HeldUser {
    type Error = StoreError;

    fn try_from(row: HeldUserRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            user: ResourceId::parse(&row.user_id).ok_or_else(|| unreadable("held_changes"))?,
            user_name: row.user_name,
            action: HeldAction {
                deleted: row.deleted != 0,
                status: status(&row.status)?,
                purge: row.purge_at.map(instant),
            },
            at: instant(row.at),
        })
    }
}

impl TryFrom<HeldMemberRow> for HeldMember {
    type Error = StoreError;

    fn try_from(row: HeldMemberRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            group: ResourceId::parse(&row.group_id).ok_or_else(|| unreadable("group_members"))?,
            group_name: row.group_name,
            member: row.member_id,
            member_name: row.member_name,
            at: instant(row.held_at),
        })
    }
}

/// A page of what can be read behind an id: what cannot be read makes none short, because one that is
/// short is the last. `next` answers what can be read of so many rows behind an id, how many rows
/// those were, and the id of the last one.
fn filled<T>(
    after: Option<&str>,
    limit: i64,
    mut next: impl FnMut(Option<&str>, i64) -> Result<(Vec<T>, usize, Option<String>), StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut page = Vec::new();
    let mut after = after.map(str::to_owned);
    let mut wanted = limit;
    loop {
        let (found, read, last) = next(after.as_deref(), wanted)?;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let all = count(read) < wanted;
        wanted -= count(found.len());
        page.extend(found);
        after = last;
        if all || wanted <= 0 || after.is_none() {
            return Ok(page);
        }
    }
}

impl ReadWaiting for AdminRows<'_> {
    fn held_users(
        &mut self,
        configuration: ConfigurationId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<HeldUser>, StoreError> {
        let id = |row: &HeldUserRow| row.id.clone();
        let next = |after: Option<&str>, limit| {
            let mut sql = self.connection.sql(HELD_USERS);
            sql.bind(configuration.to_string());
            sql.push(" AND u.is_tenant_admin = 0");
            page(&mut sql, "h.id", after, limit);
            let rows: Vec<HeldUserRow> = self.connection.rows(&sql)?;
            let last = rows.last().map(id);
            let read = rows.len();
            let found = readable(rows, "held_changes", id, HeldUser::try_from);
            Ok((found, read, last))
        };
        filled(after, limit, next)
    }

    fn held_members(
        &mut self,
        configuration: ConfigurationId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<HeldMember>, StoreError> {
        let id = |row: &HeldMemberRow| row.id.clone();
        let next = |after: Option<&str>, limit| {
            let mut sql = self.connection.sql(
                "SELECT m.held_id AS id, m.group_id, g.name AS group_name, m.member_id, \
             COALESCE(u.user_name, n.name) AS member_name, m.held_at \
             FROM group_members m JOIN groups g ON g.id = m.group_id \
             LEFT JOIN users u ON u.id = m.member_id LEFT JOIN groups n ON n.id = m.member_id \
             WHERE COALESCE(u.is_tenant_admin, 0) = 0 AND m.held_by = ",
            );
            sql.bind(configuration.to_string());
            page(&mut sql, "m.held_id", after, limit);
            let rows: Vec<HeldMemberRow> = self.connection.rows(&sql)?;
            let last = rows.last().map(id);
            let read = rows.len();
            let found = readable(rows, "group_members", id, HeldMember::try_from);
            Ok((found, read, last))
        };
        filled(after, limit, next)
    }

    fn held_users_end(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<(i64, Option<String>), StoreError> {
        let mut sql = self.connection.sql(
            "SELECT count(*) AS count, max(id) AS last FROM held_changes \
             WHERE configuration_id = ",
        );
        sql.bind(configuration.to_string())
            .push(" AND user_id NOT IN (")
            .push(PROTECTED)
            .push(")");
        let row: Option<EndRow> = self.connection.row(&sql)?;
        Ok(row.map_or((0, None), |row| (row.count, row.last)))
    }

    fn held_groups(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<Vec<HeldGroup>, StoreError> {
        let mut sql = self.connection.sql(
            "SELECT g.id, g.name, \
             (SELECT count(*) FROM group_members a WHERE a.group_id = g.id) AS members, h.leaving \
             FROM (SELECT m.group_id, count(*) AS leaving FROM group_members m WHERE COALESCE(\
             (SELECT u.is_tenant_admin FROM users u WHERE u.id = m.member_id), 0) = 0 \
             AND m.held_by = ",
        );
        sql.bind(configuration.to_string()).push(
            " GROUP BY m.group_id) h JOIN groups g ON g.id = h.group_id ORDER BY g.name_key, g.id",
        );
        let rows: Vec<HeldGroupRow> = self.connection.rows(&sql)?;
        let rows = rows.into_iter().map(|row| HeldGroup {
            id: row.id,
            name: row.name,
            members: row.members,
            leaving: row.leaving,
        });
        Ok(rows.collect())
    }

    fn held_members_end(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<(i64, Option<String>), StoreError> {
        members_end(self.connection, configuration)
    }

    fn links(
        &mut self,
        configuration: ConfigurationId,
        query: &LinksQuery,
    ) -> Result<Vec<LinkRequest>, StoreError> {
        links::list(self.connection, configuration, query)
    }
}

/// How many memberships are held, and the id of the last one.
pub(super) fn members_end(
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

const HELD_USERS: &str = "SELECT h.id, h.user_id, u.user_name, \
     CAST(h.deleted AS INTEGER) AS deleted, h.status, h.purge_at, h.at \
     FROM held_changes h JOIN users u ON u.id = h.user_id WHERE h.configuration_id = ";

impl WriteWaiting for AdminRows<'_> {
    fn all_held_users(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<Vec<HeldUser>, StoreError> {
        let mut sql = self.connection.sql(HELD_USERS);
        sql.bind(configuration.to_string());
        page(&mut sql, "h.id", None, i64::MAX);
        let rows: Vec<HeldUserRow> = self.connection.rows(&sql)?;
        let id = |row: &HeldUserRow| row.id.clone();
        Ok(readable(rows, "held_changes", id, HeldUser::try_from))
    }

    fn end_hold(
        &mut self,
        configuration: ConfigurationId,
        user: ResourceId,
        end: HoldEnd,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let id = user.to_string();
        let free = people::set(self.connection, &id, |sql| {
            sql.push("held = 0, version = version + 1, updated_at = ");
            sql.bind(millis(at));
            if end == HoldEnd::Returns {
                sql.push(", left_at = NULL");
            }
        })?;
        if !free {
            return Ok(false);
        }
        forget(self.connection, &id)?;
        match end {
            HoldEnd::Stays => {}
            HoldEnd::Returns => {
                let scope = Scope::of(configuration);
                members::touch_groups_of(self.connection, scope, user, at)?;
                members::join(self.connection, scope, user, at)?;
            }
            HoldEnd::Becomes(status) => {
                let write = Write::update(
                    self.connection,
                    |sql| {
                        sql.push("status = ").bind(status.as_str());
                    },
                    |sql| {
                        sql.push("status <> 'archived' AND id = ").bind(&id);
                    },
                );
                write.run(self.connection)?;
            }
            HoldEnd::Departs { status, purge } => {
                users::depart(self.connection, user, status, purge.map(millis))?;
            }
        }
        Ok(true)
    }

    fn delete_held_member(&mut self, group: ResourceId, member: &str) -> Result<(), StoreError> {
        let mut sql = self.connection.sql(
            "DELETE FROM group_members WHERE held_id IS NOT NULL AND member_id NOT IN \
             (SELECT id FROM users WHERE is_tenant_admin = 1) AND group_id = ",
        );
        sql.bind(group.to_string());
        sql.push(" AND member_id = ").bind(member);
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn keep_held_member(&mut self, group: ResourceId, member: &str) -> Result<(), StoreError> {
        held_members::keep(self.connection, group, member)
    }

    fn touch_group(&mut self, group: ResourceId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let touch = diesel::update(groups::table.find(group.to_string())).set((
            groups::version.eq(groups::version + 1),
            groups::updated_at.eq(millis(at)),
        ));
        self.connection.execute(touch).map(drop)
    }

    fn reset_guard(
        &mut self,
        configuration: ConfigurationId,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let found = provisioning_configurations::table.find(configuration.to_string());
        let reset =
            diesel::update(found).set(provisioning_configurations::guard_reset_at.eq(millis(at)));
        self.connection.execute(reset).map(drop)
    }

    fn dismiss_link(
        &mut self,
        configuration: ConfigurationId,
        id: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        links::dismiss(self.connection, configuration, id, at)
    }

    fn restore_link(
        &mut self,
        configuration: ConfigurationId,
        id: &str,
    ) -> Result<bool, StoreError> {
        links::restore(self.connection, configuration, id)
    }
}

/// Whose time has come, of those who left and were not protected since.
const LEAVING: &str = "SELECT id AS found FROM users WHERE is_tenant_admin = 0 AND left_at IS NOT NULL \
     AND purge_at <= ";

/// Deletes for good whose time has come; answers how many.
pub(super) fn purge(
    connection: &mut Connection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let mut leaving = connection.sql(LEAVING);
    leaving.bind(millis(now));
    leaving.push(" ORDER BY id LIMIT ").bind(limit);
    let ids: Vec<FoundRow> = connection.rows(&leaving)?;
    let ids: Vec<String> = ids.into_iter().map(|row| row.found).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    terms::forget_users(connection, &ids)?;
    let mut sql = connection.sql("DELETE FROM group_members WHERE member_id ");
    sql.among(ids.iter().map(String::as_str));
    connection.execute(&sql)?;
    let gone = Write::delete(connection, |sql| {
        sql.push("id ").among(ids.iter().map(String::as_str));
        // Who was protected or came back meanwhile stays.
        sql.push(" AND left_at IS NOT NULL AND purge_at <= ")
            .bind(millis(now));
    });
    gone.run(connection)
}
