//! Who is a member of what, as a configuration sees it.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use scim_provisioning::directory::{MemberChunk, Membership, Visible};
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};

#[cfg(feature = "postgres")]
use diesel::pg::Pg;

use super::{CHUNK, kind, parse};
use crate::connection::Connection;
use crate::error::unreadable;
use crate::nodes::{Aliased, expression};
use crate::schema::users;
use crate::scope::{self, SeenGroup, visible};
use crate::time::instant;

#[derive(diesel::QueryableByName)]
struct MembershipRow {
    #[diesel(sql_type = Text)]
    group_id: String,
    #[diesel(sql_type = Text)]
    group_name: String,
    #[diesel(sql_type = BigInt)]
    group_modified: i64,
    #[diesel(sql_type = Text)]
    member_id: String,
    #[diesel(sql_type = Text)]
    member_kind: String,
    #[diesel(sql_type = Text)]
    display: String,
}

#[derive(diesel::QueryableByName)]
struct VisibleRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    display: String,
}

/// A member; without `display` it is not in sight.
#[derive(diesel::QueryableByName)]
struct MemberRow {
    #[diesel(sql_type = Text)]
    member_id: String,
    #[diesel(sql_type = Text)]
    member_kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    display: Option<String>,
}

#[derive(diesel::QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

pub(crate) fn groups_of(
    connection: &mut Connection,
    scope: Scope,
    members: &[ResourceId],
) -> Result<Vec<Membership>, StoreError> {
    let mut found = Vec::new();
    for chunk in members.chunks(CHUNK) {
        let mut sql = connection.sql(
            "SELECT m.group_id, g.name AS group_name, g.updated_at AS group_modified, m.member_id, \
             m.member_kind, '' AS display FROM group_members m",
        );
        sql.join_each("groups", "g", "m.group_id");
        sql.push(" WHERE g.id = m.group_id AND m.held_id IS NULL AND m.member_id ");
        sql.among(chunk.iter().map(ToString::to_string))
            .push(" AND ");
        visible(&mut sql, ResourceKind::Group, scope, "g");
        sql.push(" ORDER BY g.name_key, g.id");
        found.extend(connection.rows::<MembershipRow>(&sql)?);
    }
    memberships(found)
}

/// The groups of the user of a row that a configuration sees, as JSON in their order, so that a
/// user and its groups are read by one statement.
#[derive(Debug, Clone)]
pub(crate) struct GroupsOfUser<C> {
    seen: SeenGroup<Aliased, Aliased>,
    user: C,
}

impl GroupsOfUser<users::id> {
    pub(crate) fn new(scope: Scope) -> Self {
        Self {
            seen: scope::groups_as_g(scope),
            user: users::id,
        }
    }
}

expression!(GroupsOfUser<C>, Nullable<Text>);

impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for GroupsOfUser<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        // Each group is looked up by its id, whatever the engine believes of their numbers.
        out.push_sql(
            "(SELECT json_group_array(json_array(m.group_id, g.name, g.updated_at, m.member_kind) \
             ORDER BY g.name_key, g.id) FROM group_members m CROSS JOIN groups g \
             WHERE g.id = m.group_id AND m.held_id IS NULL AND ",
        );
        self.seen.walk_ast(out.reborrow())?;
        out.push_sql(" AND m.member_id = ");
        self.user.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<C: QueryFragment<Pg>> QueryFragment<Pg> for GroupsOfUser<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // The offset keeps the planner from any other order of looking up.
        out.push_sql(
            "(SELECT CAST(json_agg(json_build_array(m.group_id, g.name, g.updated_at, \
             m.member_kind) ORDER BY g.name_key, g.id) AS text) FROM group_members m \
             CROSS JOIN LATERAL (SELECT * FROM groups WHERE id = m.group_id OFFSET 0) g \
             WHERE m.held_id IS NULL AND ",
        );
        self.seen.walk_ast(out.reborrow())?;
        out.push_sql(" AND m.member_id = ");
        self.user.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// The memberships of a user, from what [`GroupsOfUser`] gives.
pub(crate) fn groups_from(
    user: ResourceId,
    groups: Option<&str>,
) -> Result<Vec<Membership>, StoreError> {
    let Some(groups) = groups else {
        return Ok(Vec::new());
    };
    let rows: Vec<(String, String, i64, String)> =
        serde_json::from_str(groups).map_err(|_json| unreadable("group_members"))?;
    rows.into_iter()
        .map(|(group, name, modified, member_kind)| {
            Ok(Membership {
                group: parse(&group)?,
                group_name: name,
                group_modified: instant(modified),
                member: user,
                kind: kind(&member_kind)?,
                display: String::new(),
            })
        })
        .collect()
}

pub(crate) fn members_of(
    connection: &mut Connection,
    scope: Scope,
    groups: &[ResourceId],
) -> Result<Vec<Membership>, StoreError> {
    let mut found = Vec::new();
    for chunk in groups.chunks(CHUNK) {
        let ids: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        let mut sql = connection.sql(
            "SELECT m.group_id, '' AS group_name, CAST(0 AS BIGINT) AS group_modified, m.member_id, \
             m.member_kind, COALESCE(u.display_name, u.user_name) AS display \
             FROM group_members m",
        );
        sql.join_each("users", "u", "m.member_id");
        sql.push(
            " WHERE u.id = m.member_id AND m.member_kind = 'User' AND m.held_id IS NULL \
             AND m.group_id ",
        );
        sql.among(&ids).push(" AND ");
        visible(&mut sql, ResourceKind::User, scope, "u");
        sql.push(
            " UNION ALL SELECT m.group_id, '' AS group_name, CAST(0 AS BIGINT) AS group_modified, \
             m.member_id, m.member_kind, g.name AS display FROM group_members m",
        );
        sql.join_each("groups", "g", "m.member_id");
        sql.push(
            " WHERE g.id = m.member_id AND m.member_kind = 'Group' AND m.held_id IS NULL \
             AND m.group_id ",
        );
        sql.among(&ids).push(" AND ");
        visible(&mut sql, ResourceKind::Group, scope, "g");
        sql.push(" ORDER BY 1, 4");
        found.extend(connection.rows::<MembershipRow>(&sql)?);
    }
    memberships(found)
}

/// The next members of a group. Who they are is looked up one by one, so that the order and the
/// end are those of the index.
pub(crate) fn behind(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
    after: Option<ResourceId>,
    count: usize,
) -> Result<MemberChunk, StoreError> {
    let mut sql = connection.sql(
        "SELECT m.member_id, m.member_kind, CASE m.member_kind WHEN 'Group' THEN (SELECT g.name \
         FROM groups g WHERE g.id = m.member_id AND ",
    );
    visible(&mut sql, ResourceKind::Group, scope, "g");
    sql.push(
        ") ELSE (SELECT COALESCE(u.display_name, u.user_name) FROM users u \
         WHERE u.id = m.member_id AND ",
    );
    visible(&mut sql, ResourceKind::User, scope, "u");
    sql.push(") END AS display FROM group_members m WHERE m.group_id = ");
    sql.bind(group.to_string());
    if let Some(after) = after {
        sql.push(" AND m.member_id > ").bind(after.to_string());
    }
    sql.push(" AND m.held_id IS NULL ORDER BY m.member_id LIMIT ");
    sql.bind(i64::try_from(count).unwrap_or(i64::MAX));
    let rows: Vec<MemberRow> = connection.rows(&sql)?;
    let last = rows.last().filter(|_| rows.len() >= count);
    let next = last.map(|row| parse(&row.member_id)).transpose()?;
    let mut members = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(display) = row.display {
            members.push(Visible {
                id: parse(&row.member_id)?,
                kind: kind(&row.member_kind)?,
                display,
            });
        }
    }
    Ok(MemberChunk { members, next })
}

pub(crate) fn count(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
    limit: usize,
) -> Result<usize, StoreError> {
    let mut sql =
        connection.sql("SELECT count(*) AS count FROM (SELECT 1 AS one FROM group_members m");
    sql.join_each("users", "u", "m.member_id");
    sql.push(" WHERE u.id = m.member_id AND m.member_kind = 'User' AND m.held_id IS NULL AND m.group_id = ");
    sql.bind(group.to_string()).push(" AND ");
    visible(&mut sql, ResourceKind::User, scope, "u");
    sql.push(" UNION ALL SELECT 1 AS one FROM group_members m");
    sql.join_each("groups", "g", "m.member_id");
    sql.push(" WHERE g.id = m.member_id AND m.member_kind = 'Group' AND m.held_id IS NULL AND m.group_id = ");
    sql.bind(group.to_string()).push(" AND ");
    visible(&mut sql, ResourceKind::Group, scope, "g");
    sql.push(" LIMIT ");
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .push(") AS counted");
    let count = connection.row::<CountRow>(&sql)?.map_or(0, |row| row.count);
    Ok(usize::try_from(count).unwrap_or(0))
}

pub(crate) fn visible_ids(
    connection: &mut Connection,
    scope: Scope,
    ids: &[ResourceId],
) -> Result<Vec<Visible>, StoreError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let ids: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        let mut sql = connection.sql(
            "SELECT u.id, 'User' AS kind, COALESCE(u.display_name, u.user_name) AS display \
             FROM users u WHERE u.id ",
        );
        sql.among(&ids).push(" AND ");
        visible(&mut sql, ResourceKind::User, scope, "u");
        sql.push(
            " UNION ALL SELECT g.id, 'Group' AS kind, g.name AS display FROM groups g \
             WHERE g.id ",
        );
        sql.among(&ids).push(" AND ");
        visible(&mut sql, ResourceKind::Group, scope, "g");
        for row in connection.rows::<VisibleRow>(&sql)? {
            found.push(Visible {
                id: parse(&row.id)?,
                kind: kind(&row.kind)?,
                display: row.display,
            });
        }
    }
    Ok(found)
}

fn memberships(rows: Vec<MembershipRow>) -> Result<Vec<Membership>, StoreError> {
    rows.into_iter()
        .map(|row| {
            Ok(Membership {
                group: parse(&row.group_id)?,
                group_name: row.group_name,
                group_modified: instant(row.group_modified),
                member: parse(&row.member_id)?,
                kind: kind(&row.member_kind)?,
                display: row.display,
            })
        })
        .collect()
}
