//! What waits for an administrator: changes that the guard holds, and links.

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, max};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use scim_admin::policy::{HeldGroup, HeldMember, HeldUser, HoldEnd, LinkRequest, LinksQuery};
use scim_admin::store::{ReadWaiting, WriteWaiting};
use scim_provisioning::directory::HeldAction;
use scim_provisioning::{ConfigurationId, ResourceId, Scope, StoreError};

use super::AdminRows;

use crate::connection::Connection;
use crate::error::{readable, unreadable};
use crate::held::{forget, protected};
use crate::nodes::{Number, among};
use crate::people::{self, Write};
use crate::schema::{group_members, groups, held_changes, provisioning_configurations, users};
use crate::time::{instant, millis};
use crate::users::{depart, status};
use crate::values::{coalesce, number_or};
use crate::{held_members, links, members, terms};

#[derive(Queryable)]
struct HeldUserRow {
    id: String,
    user_id: String,
    user_name: String,
    deleted: i32,
    status: String,
    purge_at: Option<i64>,
    at: i64,
}

/// The columns of a [`HeldUserRow`].
const HELD_USER: (
    held_changes::id,
    held_changes::user_id,
    users::user_name,
    held_changes::deleted,
    held_changes::status,
    held_changes::purge_at,
    held_changes::at,
) = (
    held_changes::id,
    held_changes::user_id,
    users::user_name,
    held_changes::deleted,
    held_changes::status,
    held_changes::purge_at,
    held_changes::at,
);

/// What is held of users of a configuration, in the order of ids.
#[diesel::dsl::auto_type(no_type_alias)]
fn held_users(configuration: String) -> _ {
    held_changes::table
        .inner_join(users::table.on(users::id.eq(held_changes::user_id)))
        .filter(held_changes::configuration_id.eq(configuration))
        .order(held_changes::id)
}

#[derive(Queryable)]
struct HeldMemberRow {
    id: String,
    group_id: String,
    group_name: String,
    member_id: String,
    member_name: Option<String>,
    held_at: Option<i64>,
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
            at: instant(row.held_at.unwrap_or_default()),
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
            let held = held_users(configuration.to_string())
                .filter(users::is_tenant_admin.eq(Number::<0>))
                // Every id is behind the empty text.
                .filter(held_changes::id.gt(after.unwrap_or_default().to_owned()))
                .limit(limit)
                .select(HELD_USER);
            let rows: Vec<HeldUserRow> = self.connection.load(held)?;
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
            let other = diesel::alias!(groups as other);
            let held = group_members::table
                .inner_join(groups::table.on(groups::id.eq(group_members::group_id)))
                .left_join(users::table.on(users::id.eq(group_members::member_id)))
                .left_join(other.on(other.field(groups::id).eq(group_members::member_id)))
                .filter(number_or(users::is_tenant_admin.nullable(), 0).eq(0))
                .filter(group_members::held_by.eq(configuration.to_string()))
                .filter(group_members::held_id.gt(after.unwrap_or_default().to_owned()))
                .order(group_members::held_id)
                .limit(limit)
                .select((
                    group_members::held_id.assume_not_null(),
                    group_members::group_id,
                    groups::name,
                    group_members::member_id,
                    coalesce(
                        users::user_name.nullable(),
                        other.field(groups::name).nullable(),
                    ),
                    group_members::held_at,
                ));
            let rows: Vec<HeldMemberRow> = self.connection.load(held)?;
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
        let end = held_changes::table
            .filter(held_changes::configuration_id.eq(configuration.to_string()))
            .filter(held_changes::user_id.ne_all(protected()))
            .select((count_star(), max(held_changes::id)));
        let end: Option<(i64, Option<String>)> = self.connection.first(end)?;
        Ok(end.unwrap_or_default())
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

/// The memberships of a person that are held, the newest first.
pub(super) fn held_memberships_of(
    connection: &mut Connection,
    person: &str,
    limit: i64,
) -> Result<Vec<(ConfigurationId, HeldMember)>, StoreError> {
    let held = group_members::table
        .inner_join(groups::table.on(groups::id.eq(group_members::group_id)))
        .left_join(users::table.on(users::id.eq(group_members::member_id)))
        .filter(group_members::member_id.eq(person))
        .filter(group_members::held_id.is_not_null())
        .order(group_members::held_at.desc())
        .limit(limit)
        .select((
            group_members::held_by,
            (
                group_members::held_id.assume_not_null(),
                group_members::group_id,
                groups::name,
                group_members::member_id,
                users::user_name.nullable(),
                group_members::held_at,
            ),
        ));
    let rows: Vec<(Option<String>, HeldMemberRow)> = connection.load(held)?;
    let read = |(by, row): (Option<String>, HeldMemberRow)| {
        let by = by.as_deref().and_then(ConfigurationId::parse);
        let by = by.ok_or_else(|| unreadable("group_members.held_by"))?;
        Ok((by, HeldMember::try_from(row)?))
    };
    rows.into_iter().map(read).collect()
}

/// How many memberships are held, and the id of the last one.
pub(super) fn members_end(
    connection: &mut Connection,
    configuration: ConfigurationId,
) -> Result<(i64, Option<String>), StoreError> {
    let protected = users::table
        .filter(users::id.eq(group_members::member_id))
        .select(users::is_tenant_admin)
        .single_value();
    let end = group_members::table
        .filter(number_or(protected, 0).eq(0))
        .filter(group_members::held_by.eq(configuration.to_string()))
        .select((count_star(), max(group_members::held_id)));
    let end: Option<(i64, Option<String>)> = connection.first(end)?;
    Ok(end.unwrap_or_default())
}

impl WriteWaiting for AdminRows<'_> {
    fn all_held_users(
        &mut self,
        configuration: ConfigurationId,
    ) -> Result<Vec<HeldUser>, StoreError> {
        let held = held_users(configuration.to_string()).select(HELD_USER);
        let rows: Vec<HeldUserRow> = self.connection.load(held)?;
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
        let freed = (
            users::held.eq(0),
            users::version.eq(users::version + 1),
            users::updated_at.eq(millis(at)),
        );
        let free = match end {
            HoldEnd::Returns => {
                let returned = (freed, users::left_at.eq(None::<i64>));
                people::change!(self.connection, users::id.eq(&id), returned)
            }
            _ => people::change!(self.connection, users::id.eq(&id), freed),
        };
        if free == 0 {
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
                let open = users::status.ne("archived").and(users::id.eq(&id));
                people::change!(self.connection, open, users::status.eq(status.as_str()));
            }
            HoldEnd::Departs { status, purge } => {
                depart(self.connection, user, status, purge.map(millis))?;
            }
        }
        Ok(true)
    }

    fn delete_held_member(&mut self, group: ResourceId, member: &str) -> Result<(), StoreError> {
        let held = group_members::table
            .filter(group_members::held_id.is_not_null())
            .filter(group_members::member_id.ne_all(protected()))
            .filter(group_members::group_id.eq(group.to_string()))
            .filter(group_members::member_id.eq(member));
        self.connection.execute(diesel::delete(held))?;
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

/// Deletes for good whose time has come; answers how many.
pub(super) fn purge(
    connection: &mut Connection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    // Whose time has come, of those who left and were not protected since.
    let leaving = users::table
        .filter(users::is_tenant_admin.eq(Number::<0>))
        .filter(users::left_at.is_not_null())
        .filter(users::purge_at.le(millis(now)))
        .order(users::id)
        .limit(limit)
        .select(users::id);
    let ids: Vec<String> = connection.load(leaving)?;
    if ids.is_empty() {
        return Ok(0);
    }
    terms::forget_users(connection, &ids)?;
    let memberships = group_members::table.filter(among(group_members::member_id, &ids));
    connection.execute(diesel::delete(memberships))?;
    let gone = Write::delete(connection, |sql| {
        sql.push("id ").among(ids.iter().map(String::as_str));
        // Who was protected or came back meanwhile stays.
        sql.push(" AND left_at IS NOT NULL AND purge_at <= ")
            .bind(millis(now));
    });
    gone.run(connection)
}
