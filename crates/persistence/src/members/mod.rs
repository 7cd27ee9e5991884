//! Rows of `group_members`.

mod read;

pub(crate) use read::{
    GroupsOfUser, behind, count, groups_from, groups_of, members_of, visible_ids,
};

use chrono::{DateTime, Utc};
use diesel::dsl::{case_when, not};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use scim_provisioning::{ResourceId, ResourceKind, RunKind, Scope, StoreError};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::nodes::{Number, among, locked, update};
use crate::schema::{awaited_members, group_members, groups, users};
use crate::schema_recorded::{run_images, runs};
use crate::scope;
use crate::time::millis;
use crate::values::{Word, all_of, either_number, number_or};
use crate::writes::{cell, each_of, insert_from, on_conflict};

/// Whether a row of `group_members` is of a member in scope. Values are looked up one by one, where
/// an engine might collect all that an EXISTS can be.
macro_rules! seen {
    ($scope:expr) => {{
        let user = users::table
            .filter(users::id.eq(group_members::member_id))
            .filter(scope::users_in($scope))
            .select(Number::<1>)
            .single_value();
        let group = groups::table
            .filter(groups::id.eq(group_members::member_id))
            .filter(scope::groups_in($scope))
            .select(Number::<1>)
            .single_value();
        number_or(either_number(user, group), Number::<0>).eq(Number::<1>)
    }};
}

/// Whether a row of `group_members` is of a member whom others put there: a protected account or
/// group, and what the configuration does not manage. Whoever left it is none of them.
macro_rules! of_others {
    ($scope:expr) => {{
        let configuration = $scope.configuration().to_string();
        let user = users::table
            .filter(users::id.eq(group_members::member_id))
            .select(others!(users.is_tenant_admin, configuration.clone()))
            .single_value();
        let group = groups::table
            .filter(groups::id.eq(group_members::member_id))
            .select(others!(groups.confers_admin, configuration))
            .single_value();
        number_or(either_number(user, group), Number::<0>).eq(Number::<1>)
    }};
}

/// 1 for what is protected or not managed by a configuration.
macro_rules! others {
    ($table:ident.$protected:ident, $configuration:expr) => {
        case_when(
            $table::$protected
                .eq(Number::<1>)
                .nullable()
                .or($table::managed_by.is_null().nullable())
                .or($table::managed_by.ne($configuration)),
            Number::<1>,
        )
        .otherwise(Number::<0>)
    };
}

/// Whether a row of `group_members` was put back since a time, because what an identity provider did
/// was taken back. It is looked up member by member: what was done to one is little, whatever was
/// done to the group.
macro_rules! put_back {
    ($scope:expr, $group:expr, $since:expr) => {{
        let done = diesel::alias!(runs as done);
        let kind = done.field(runs::kind);
        let of_provider = done
            .filter(done.field(runs::id).nullable().eq(runs::of_run))
            .filter(
                kind.eq(RunKind::Cycle.as_str())
                    .or(kind.eq(RunKind::GoLive.as_str()))
                    .or(kind.eq(RunKind::Replay.as_str())),
            )
            .select(Number::<1>)
            .single_value();
        let image = run_images::table
            .inner_join(runs::table.on(runs::id.eq(run_images::run)))
            .filter(run_images::other_id.eq(group_members::member_id.nullable()))
            .filter(run_images::resource_id.eq($group.to_string()))
            .filter(run_images::subject.eq("membership"))
            .filter(run_images::old.is_null())
            .filter(runs::configuration_id.eq($scope.configuration().to_string()))
            .filter(runs::kind.eq(RunKind::Undo.as_str()))
            .filter(runs::began_at.ge(millis($since)))
            .filter(number_or(of_provider, Number::<0>).eq(Number::<1>))
            .select(Number::<1>)
            .single_value();
        number_or(image, Number::<0>).eq(Number::<1>)
    }};
}

pub(crate) fn add(
    connection: &mut Connection,
    group: ResourceId,
    members: &[(ResourceId, ResourceKind)],
    now: DateTime<Utc>,
) -> Result<Vec<ResourceId>, StoreError> {
    let mut added = Vec::new();
    for chunk in members.chunks(CHUNK) {
        let rows: Vec<(String, &str)> = chunk
            .iter()
            .map(|(id, kind)| (id.to_string(), kind.as_str()))
            .collect();
        let rows = each_of(
            rows,
            (
                group.to_string().into_sql::<Text>(),
                cell::<Text, 0>(),
                cell::<Text, 1>(),
                millis(now).into_sql::<BigInt>(),
            ),
        );
        // Who is added again is not held any more.
        let free = (
            group_members::held_id.eq(None::<String>),
            group_members::held_by.eq(None::<String>),
            group_members::held_at.eq(None::<i64>),
        );
        let insert = on_conflict(insert_from(group_members::table, COLUMNS, rows), KEY)
            .set(free)
            .only(group_members::held_id.is_not_null())
            .returning(group_members::member_id);
        for id in connection.load::<String, _>(insert)? {
            added.push(parse(&id)?);
        }
    }
    Ok(added)
}

/// Adds those who are in scope to a group that has no members, and answers who they are.
pub(crate) fn add_first(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
    ids: &[ResourceId],
    now: DateTime<Utc>,
) -> Result<Vec<ResourceId>, StoreError> {
    let mut added = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let ids: Vec<String> = chunk.iter().map(ToString::to_string).collect();
        let group = || group.to_string().into_sql::<Text>();
        let now = || millis(now).into_sql::<BigInt>();
        let people = users::table
            .filter(among(users::id, &ids))
            .filter(scope::users_in(scope))
            .select((group(), users::id, Word(ResourceKind::User.as_str()), now()));
        let within = groups::table
            .filter(among(groups::id, &ids))
            .filter(scope::groups_in(scope))
            .select((
                group(),
                groups::id,
                Word(ResourceKind::Group.as_str()),
                now(),
            ));
        let insert = insert_from(group_members::table, COLUMNS, all_of(people, within))
            .returning(group_members::member_id);
        for id in connection.load::<String, _>(insert)? {
            added.push(parse(&id)?);
        }
    }
    Ok(added)
}

pub(crate) fn remove(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
    members: &[ResourceId],
    since: DateTime<Utc>,
) -> Result<Vec<ResourceId>, StoreError> {
    let mut removed = Vec::new();
    for chunk in members.chunks(CHUNK) {
        let some = group_members::table
            .filter(group_members::held_id.is_null())
            .filter(group_members::group_id.eq(group.to_string()))
            .filter(among(group_members::member_id, chunk))
            .filter(not(put_back!(scope, group, since)))
            .filter(seen!(scope));
        let delete = diesel::delete(some).returning(group_members::member_id);
        for id in connection.load::<String, _>(delete)? {
            removed.push(parse(&id)?);
        }
    }
    Ok(removed)
}

/// Who of these is a member because the removal was taken back since a time.
pub(crate) fn brought_back(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
    members: &[ResourceId],
    since: DateTime<Utc>,
) -> Result<Vec<ResourceId>, StoreError> {
    let mut found = Vec::new();
    for chunk in members.chunks(CHUNK) {
        let some = group_members::table
            .filter(group_members::held_id.is_null())
            .filter(group_members::group_id.eq(group.to_string()))
            .filter(among(group_members::member_id, chunk))
            .filter(put_back!(scope, group, since))
            .filter(seen!(scope))
            .select(group_members::member_id);
        for id in connection.load::<String, _>(some)? {
            found.push(parse(&id)?);
        }
    }
    Ok(found)
}

/// Holds memberships that the identity provider ended.
pub(crate) fn hold(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
    members: &[ResourceId],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // In order of time, and of members at the same time.
    let batch = connection.uuid();
    for chunk in members.chunks(CHUNK) {
        let batch = format!("{batch}.").into_sql::<Text>();
        let held = (
            group_members::held_id.eq(batch.concat(group_members::member_id).nullable()),
            group_members::held_by.eq(scope.configuration().to_string()),
            group_members::held_at.eq(millis(now)),
        );
        let whom = group_members::held_id
            .is_null()
            .and(group_members::group_id.eq(group.to_string()))
            .and(among(group_members::member_id, chunk));
        connection.execute(update(group_members::table, whom, held))?;
    }
    Ok(())
}

/// Notes whom a request named as members and nobody saw.
pub(crate) fn awaits(
    connection: &mut Connection,
    group: ResourceId,
    members: &[ResourceId],
) -> Result<(), StoreError> {
    for chunk in members.chunks(CHUNK) {
        let rows: Vec<[String; 1]> = chunk.iter().map(|id| [id.to_string()]).collect();
        let rows = each_of(
            rows,
            (group.to_string().into_sql::<Text>(), cell::<Text, 0>()),
        );
        let key = (awaited_members::group_id, awaited_members::member_id);
        let insert = insert_from(awaited_members::table, key, rows);
        connection.execute(on_conflict(insert, key).ignored())?;
    }
    Ok(())
}

/// Forgets some who were awaited in a group, or all of them.
pub(crate) fn forget(
    connection: &mut Connection,
    group: ResourceId,
    members: Option<&[ResourceId]>,
) -> Result<(), StoreError> {
    let of_group = awaited_members::table.filter(awaited_members::group_id.eq(group.to_string()));
    let Some(members) = members else {
        connection.execute(diesel::delete(of_group))?;
        return Ok(());
    };
    for chunk in members.chunks(CHUNK) {
        let some = among(awaited_members::member_id, chunk);
        connection.execute(diesel::delete(of_group.clone().filter(some)))?;
    }
    Ok(())
}

/// Lets somebody who came back join the groups of the configuration that await them.
pub(crate) fn join(
    connection: &mut Connection,
    scope: Scope,
    member: ResourceId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // Looked up for each group that awaits them, where an engine might begin with all groups.
    let managed_by = groups::table
        .filter(groups::id.eq(awaited_members::group_id))
        .select(groups::managed_by)
        .single_value();
    let awaiting = awaited_members::table
        .filter(awaited_members::member_id.eq(member.to_string()))
        .filter(managed_by.eq(scope.configuration().to_string()));
    let awaited: Vec<String> =
        connection.load(awaiting.clone().select(awaited_members::group_id))?;
    if awaited.is_empty() {
        return Ok(());
    }
    // Whoever changes whom a group awaits has locked it: what is deleted behind the lock is awaited
    // still, and nothing is that another group began to await meanwhile.
    let waiting = groups::table
        .filter(among(groups::id, &awaited))
        .order(groups::id)
        .select(groups::id);
    let waiting = locked(connection, waiting);
    let waiting: Vec<String> = connection.load(waiting)?;
    let of_waiting = awaiting.filter(among(awaited_members::group_id, &waiting));
    let joining: Vec<String> =
        connection.load(diesel::delete(of_waiting).returning(awaited_members::group_id))?;
    let rows: Vec<[&String; 1]> = joining.iter().map(|group| [group]).collect();
    let rows = each_of(
        rows,
        (
            cell::<Text, 0>(),
            member.to_string().into_sql::<Text>(),
            Word(ResourceKind::User.as_str()),
            millis(now).into_sql::<BigInt>(),
        ),
    );
    let insert = on_conflict(insert_from(group_members::table, COLUMNS, rows), KEY).ignored();
    if connection.execute(insert)? > 0 {
        touch_groups_of(connection, scope, member, now)?;
    }
    Ok(())
}

/// Whether others put members into a group.
pub(crate) fn has_others(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
) -> Result<bool, StoreError> {
    let others = group_members::table
        .filter(group_members::group_id.eq(group.to_string()))
        .filter(of_others!(scope))
        .limit(1)
        .select(group_members::member_id);
    Ok(connection.first::<String, _>(others)?.is_some())
}

/// Removes every member of a group but those whom others put there.
pub(crate) fn leave_to_others(
    connection: &mut Connection,
    scope: Scope,
    group: ResourceId,
) -> Result<(), StoreError> {
    let own = group_members::table
        .filter(group_members::group_id.eq(group.to_string()))
        .filter(not(of_others!(scope)));
    connection.execute(diesel::delete(own))?;
    Ok(())
}

/// Counts up the groups of a configuration that show one member more or less, for a reason that
/// is not theirs.
pub(crate) fn touch_groups_of(
    connection: &mut Connection,
    scope: Scope,
    member: ResourceId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let with_member = group_members::table
        .filter(group_members::member_id.eq(member.to_string()))
        .select(group_members::group_id);
    let whom = groups::table
        .filter(groups::id.eq_any(with_member))
        .filter(scope::groups_in(scope));
    connection.execute(diesel::update(whom).set((
        groups::version.eq(groups::version + 1_i64),
        groups::updated_at.eq(millis(now)),
    )))?;
    Ok(())
}

fn parse(id: &str) -> Result<ResourceId, StoreError> {
    ResourceId::parse(id).ok_or_else(|| unreadable("group_members"))
}

fn kind(text: &str) -> Result<ResourceKind, StoreError> {
    ResourceKind::parse(text).ok_or_else(|| unreadable("group_members.member_kind"))
}

/// The columns of a membership that is not held.
const COLUMNS: (
    group_members::group_id,
    group_members::member_id,
    group_members::member_kind,
    group_members::added_at,
) = (
    group_members::group_id,
    group_members::member_id,
    group_members::member_kind,
    group_members::added_at,
);

/// By which columns a membership is known.
const KEY: (group_members::group_id, group_members::member_id) =
    (group_members::group_id, group_members::member_id);

/// Ids in one statement; well below the limits of both engines.
pub(crate) const CHUNK: usize = 500;
