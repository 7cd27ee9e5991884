//! Who is a member of what, as a configuration sees it.

use diesel::dsl::{AsExprOf, case_when};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use scim_provisioning::directory::{MemberChunk, Membership, Visible};
use scim_provisioning::{ResourceId, Scope, StoreError};

#[cfg(feature = "postgres")]
use diesel::pg::Pg;

use super::{CHUNK, kind, parse};
use crate::connection::Connection;
use crate::each::each;
use crate::error::unreadable;
use crate::nodes::{Aliased, Number, among, expression};
use crate::schema::{group_members, groups, users};
use crate::scope::{self, SeenGroup};
use crate::time::instant;
use crate::values::{Way, Word, all_of, count_of, text_or};

/// Of a membership.
#[derive(Queryable)]
struct MembershipRow {
    group_id: String,
    group_name: String,
    group_modified: i64,
    member_id: String,
    member_kind: String,
    display: String,
}

/// What says of a group nothing, where members are asked for.
type NoGroup = (AsExprOf<&'static str, Text>, AsExprOf<i64, BigInt>);

fn no_group() -> NoGroup {
    ("".into_sql::<Text>(), 0_i64.into_sql::<BigInt>())
}

/// The name that is shown of a user.
#[diesel::dsl::auto_type(no_type_alias)]
fn shown() -> _ {
    text_or(users::display_name, users::user_name)
}

pub(crate) fn groups_of(
    connection: &mut Connection,
    scope: Scope,
    members: &[ResourceId],
) -> Result<Vec<Membership>, StoreError> {
    let mut found = Vec::new();
    for chunk in members.chunks(CHUNK) {
        let seen = group_members::held_id
            .is_null()
            .and(among(group_members::member_id, chunk))
            .and(scope::groups_in(scope));
        let of = each(group_members::group_id, groups::id)
            .only(
                seen,
                (
                    group_members::group_id,
                    groups::name,
                    groups::updated_at,
                    group_members::member_id,
                    group_members::member_kind,
                    "".into_sql::<Text>(),
                ),
            )
            .order((groups::name_key, groups::id));
        found.extend(connection.load::<MembershipRow, _>(of)?);
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
        let (no_name, no_time) = no_group();
        let people = group_members::member_kind
            .eq(USER)
            .and(group_members::held_id.is_null())
            .and(among(group_members::group_id, chunk))
            .and(scope::users_in(scope));
        let people = each(group_members::member_id, users::id).only(
            people,
            (
                group_members::group_id,
                no_name,
                no_time,
                group_members::member_id,
                group_members::member_kind,
                shown(),
            ),
        );
        let within = group_members::member_kind
            .eq(GROUP)
            .and(group_members::held_id.is_null())
            .and(among(group_members::group_id, chunk))
            .and(scope::groups_in(scope));
        let within = each(group_members::member_id, groups::id).only(
            within,
            (
                group_members::group_id,
                no_name,
                no_time,
                group_members::member_id,
                group_members::member_kind,
                groups::name,
            ),
        );
        let all = all_of(people, within).order([Way::Up(1), Way::Up(4)]);
        found.extend(connection.load::<MembershipRow, _>(all)?);
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
    let within = groups::table
        .filter(groups::id.eq(group_members::member_id))
        .filter(scope::groups_in(scope))
        .select(groups::name)
        .single_value();
    let person = users::table
        .filter(users::id.eq(group_members::member_id))
        .filter(scope::users_in(scope))
        .select(shown())
        .single_value();
    let display = case_when(group_members::member_kind.eq(GROUP), within).otherwise(person);
    // Every id is behind the empty text.
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let members = group_members::table
        .filter(group_members::group_id.eq(group.to_string()))
        .filter(group_members::member_id.gt(after))
        .filter(group_members::held_id.is_null())
        .order(group_members::member_id)
        .limit(i64::try_from(count).unwrap_or(i64::MAX))
        .select((
            group_members::member_id,
            group_members::member_kind,
            display,
        ));
    // Without a name a member is not in sight.
    let rows: Vec<(String, String, Option<String>)> = connection.load(members)?;
    let last = rows.last().filter(|_| rows.len() >= count);
    let next = last.map(|(id, ..)| parse(id)).transpose()?;
    let mut members = Vec::with_capacity(rows.len());
    for (id, member_kind, display) in rows {
        if let Some(display) = display {
            members.push(Visible {
                id: parse(&id)?,
                kind: kind(&member_kind)?,
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
    let people = group_members::member_kind
        .eq(USER)
        .and(group_members::held_id.is_null())
        .and(group_members::group_id.eq(group.to_string()))
        .and(scope::users_in(scope));
    let people = each(group_members::member_id, users::id).only(people, Number::<1>);
    let within = group_members::member_kind
        .eq(GROUP)
        .and(group_members::held_id.is_null())
        .and(group_members::group_id.eq(group.to_string()))
        .and(scope::groups_in(scope));
    let within = each(group_members::member_id, groups::id).only(within, Number::<1>);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let count: Option<i64> = connection.first(count_of(all_of(people, within).at_most(limit)))?;
    Ok(usize::try_from(count.unwrap_or_default()).unwrap_or(0))
}

pub(crate) fn visible_ids(
    connection: &mut Connection,
    scope: Scope,
    ids: &[ResourceId],
) -> Result<Vec<Visible>, StoreError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let people = users::table
            .filter(among(users::id, chunk))
            .filter(scope::users_in(scope))
            .select((users::id, USER, shown()));
        let within = groups::table
            .filter(among(groups::id, chunk))
            .filter(scope::groups_in(scope))
            .select((groups::id, GROUP, groups::name));
        let rows: Vec<(String, String, String)> = connection.load(all_of(people, within))?;
        for (id, member_kind, display) in rows {
            found.push(Visible {
                id: parse(&id)?,
                kind: kind(&member_kind)?,
                display,
            });
        }
    }
    Ok(found)
}

/// The kinds of members, as they stand in the text.
const USER: Word = Word("User");
const GROUP: Word = Word("Group");

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
