//! Rows of `groups`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use scim_protocol::Version;
use scim_provisioning::directory::{Adoption, GroupEnd, GroupWrite, StoredGroup};
use scim_provisioning::{ResourceId, Scope, StoreError};
use serde_json::Value;

use crate::connection::Connection;
use crate::engine::on_backend;
use crate::error::unreadable;
use crate::json::Json;
use crate::key::Key;
use crate::look_up::Lookup;
use crate::members;
use crate::nodes::{self, Number, among, locked};
use crate::schema::{group_grants, group_members, groups, users};
use crate::scope;
use crate::time::{instant, millis};

/// A group as it is shown, without its members.
#[derive(Queryable, Selectable)]
#[diesel(table_name = groups)]
pub(crate) struct GroupRow {
    id: String,
    name: String,
    scim_document: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<GroupRow> for StoredGroup {
    type Error = StoreError;

    fn try_from(row: GroupRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ResourceId::parse(&row.id).ok_or_else(|| unreadable("groups.id"))?,
            name: row.name,
            document: serde_json::from_str(&row.scim_document)
                .map_err(|_json| unreadable("groups.scim_document"))?,
            version: Version(row.version),
            created: instant(row.created_at),
            last_modified: instant(row.updated_at),
        })
    }
}

/// A group in scope.
pub(crate) fn find(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
) -> Result<Option<StoredGroup>, StoreError> {
    let query = groups::table
        .filter(groups::id.eq(id.to_string()))
        .filter(scope::groups_in(scope))
        .select(GroupRow::as_select());
    let row: Option<GroupRow> = connection.first(query)?;
    row.map(StoredGroup::try_from).transpose()
}

/// A group in scope, locked until the transaction ends.
pub(crate) fn lock(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
) -> Result<Option<StoredGroup>, StoreError> {
    let query = groups::table
        .filter(groups::id.eq(id.to_string()))
        .filter(scope::groups_in(scope))
        .select(GroupRow::as_select());
    let query = locked(connection, query);
    let row: Option<GroupRow> = connection.first(query)?;
    row.map(StoredGroup::try_from).transpose()
}

/// The first groups in scope that have what somebody looks for, two at most.
pub(crate) fn look_up(
    connection: &mut Connection,
    scope: Scope,
    lookup: &Lookup<'_>,
) -> Result<Vec<StoredGroup>, StoreError> {
    let base = groups::table
        .filter(scope::groups_in(scope))
        .limit(2)
        .select(GroupRow::as_select());
    let rows: Vec<GroupRow> = match lookup {
        Lookup::Id(id) => connection.load(base.filter(groups::id.eq(id)))?,
        Lookup::ExternalId(id) => connection.load(base.filter(groups::external_id.eq(id)))?,
        Lookup::Name(key) => {
            connection.load(base.filter(groups::scim_name_key.eq(key.as_str())))?
        }
        // Users alone have addresses.
        Lookup::Email(..) => Vec::new(),
    };
    rows.into_iter().map(StoredGroup::try_from).collect()
}

/// The groups in scope of these ids.
pub(crate) fn among_ids(
    connection: &mut Connection,
    scope: Scope,
    ids: &[ResourceId],
) -> Result<Vec<StoredGroup>, StoreError> {
    let query = groups::table
        .filter(among(groups::id, ids))
        .filter(scope::groups_in(scope))
        .select(GroupRow::as_select());
    let rows: Vec<GroupRow> = connection.load(query)?;
    rows.into_iter().map(StoredGroup::try_from).collect()
}

/// The columns that are written of a group, whether it is there or not.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = groups)]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
struct GroupColumns<'g> {
    kind: &'static str,
    rule_key: Option<&'g str>,
    name: &'g str,
    name_key: String,
    scim_name_key: Option<String>,
    external_id: Option<&'g str>,
    scim_document: String,
    search_document: Json,
    updated_at: i64,
}

impl<'g> GroupColumns<'g> {
    fn new(group: &'g GroupWrite, now: DateTime<Utc>) -> Self {
        let scim_name = group.document.get("displayName").and_then(Value::as_str);
        Self {
            kind: group.kind.as_str(),
            rule_key: group.rule.as_deref(),
            name: &group.name,
            name_key: key(&group.name),
            scim_name_key: scim_name.map(|name| Key::of_name(name).as_str().to_owned()),
            external_id: group.external_id.as_deref(),
            scim_document: Value::Object(group.document.clone()).to_string(),
            search_document: Json::from(&group.search),
            updated_at: millis(now),
        }
    }
}

fn key(name: &str) -> String {
    Key::of(name).as_str().to_owned()
}

pub(crate) fn insert(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    group: &GroupWrite,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let insert = diesel::insert_into(groups::table).values((
        GroupColumns::new(group, now),
        groups::id.eq(id.to_string()),
        groups::managed_by.eq(scope.configuration().to_string()),
        groups::version.eq(1_i64),
        groups::created_at.eq(millis(now)),
    ));
    on_backend!(connection, execute, insert)?;
    give(connection, &id.to_string(), group.grants.iter())
}

/// Writes what the members of a group get.
fn grant(
    connection: &mut Connection,
    id: ResourceId,
    group: &GroupWrite,
) -> Result<(), StoreError> {
    let id = id.to_string();
    let of_group = group_grants::table
        .filter(group_grants::group_id.eq(&id))
        .select((group_grants::field, group_grants::value));
    let before: Vec<(String, String)> = connection.load(of_group)?;
    let has = |pair: &(String, String), (field, value): &(_, String)| {
        pair.0 == *field && pair.1 == *value
    };
    // What stays is not written: others are told of what comes and goes.
    for gone in before
        .iter()
        .filter(|one| !group.grants.iter().any(|grant| has(one, grant)))
    {
        let grant = group_grants::table.find((&id, &gone.0, &gone.1));
        connection.execute(diesel::delete(grant))?;
    }
    let coming = group.grants.iter();
    let coming = coming.filter(|grant| !before.iter().any(|one| has(one, grant)));
    give(connection, &id, coming)
}

/// Writes what the members of a group get that they do not yet.
fn give<'g>(
    connection: &mut Connection,
    group: &str,
    grants: impl Iterator<Item = &'g (String, String)>,
) -> Result<(), StoreError> {
    for (field, value) in grants {
        let grant = (
            group_grants::group_id.eq(group),
            group_grants::field.eq(field),
            group_grants::value.eq(value),
        );
        let insert = diesel::insert_into(group_grants::table).values(grant);
        on_backend!(connection, execute, insert.on_conflict_do_nothing())?;
    }
    Ok(())
}

/// The group that confers an administrative right and has one of the names.
pub(crate) fn protected(
    connection: &mut Connection,
    names: &[&str],
) -> Result<Option<ResourceId>, StoreError> {
    let query = groups::table
        // The words of the index, which holds these groups alone.
        .filter(groups::confers_admin.eq(Number::<1>))
        .filter(among(groups::name_key, names.iter().map(|name| key(name))))
        .order(groups::id)
        .limit(1)
        .select(groups::id);
    let found: Option<String> = connection.first(query)?;
    found.as_deref().map(parse).transpose()
}

fn parse(id: &str) -> Result<ResourceId, StoreError> {
    ResourceId::parse(id).ok_or_else(|| unreadable("groups.id"))
}

/// Takes over the group created by hand that has the name.
pub(crate) fn adopt(
    connection: &mut Connection,
    scope: Scope,
    group: &GroupWrite,
    now: DateTime<Utc>,
) -> Result<Adoption, StoreError> {
    let by_hand = groups::table
        .filter(groups::managed_by.is_null())
        .filter(groups::confers_admin.eq(0))
        .filter(groups::name_key.eq(key(&group.name)))
        .order(groups::id)
        .limit(1)
        .select(groups::id);
    let by_hand = locked(connection, by_hand);
    let Some(found): Option<String> = connection.first(by_hand)? else {
        return Ok(Adoption::Nothing);
    };
    let id = parse(&found)?;
    let protected = users::table
        .filter(users::id.eq(group_members::member_id))
        .filter(users::is_tenant_admin.eq(1));
    let member = group_members::table
        .filter(group_members::group_id.eq(&found))
        .filter(diesel::dsl::exists(protected))
        .limit(1)
        .select(group_members::member_id);
    if connection.first::<String, _>(member)?.is_some() {
        return Ok(Adoption::Protected(id));
    }
    let taken = groups::managed_by.eq(scope.configuration().to_string());
    connection.execute(diesel::update(groups::table.filter(groups::id.eq(&found))).set(taken))?;
    let Some(stored) = find(connection, scope, id)? else {
        return Ok(Adoption::Nothing);
    };
    let version = update(connection, scope, id, stored.version, group, now)?;
    members::touch_groups_of(connection, scope, id, now)?;
    Ok(Adoption::Taken(id, version))
}

/// Another group in scope that has this `externalId`.
pub(crate) fn with_external_id(
    connection: &mut Connection,
    scope: Scope,
    external_id: &str,
    except: ResourceId,
) -> Result<Option<ResourceId>, StoreError> {
    let query = groups::table
        .filter(groups::external_id.eq(external_id))
        .filter(groups::id.ne(except.to_string()))
        .filter(scope::groups_in(scope))
        .order(groups::id)
        .limit(1)
        .select(groups::id);
    let found: Option<String> = connection.first(query)?;
    Ok(found.as_deref().and_then(ResourceId::parse))
}

/// Writes what a group is and gives, and nothing else of it.
pub(crate) fn classify(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    group: &GroupWrite,
) -> Result<(), StoreError> {
    let whom = groups::table
        .filter(groups::id.eq(id.to_string()))
        .filter(scope::groups_in(scope));
    connection.execute(diesel::update(whom).set((
        groups::kind.eq(group.kind.as_str()),
        groups::rule_key.eq(group.rule.as_deref()),
        groups::name.eq(&group.name),
        groups::name_key.eq(key(&group.name)),
    )))?;
    grant(connection, id, group)
}

pub(crate) fn update(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    expected: Version,
    group: &GroupWrite,
    now: DateTime<Utc>,
) -> Result<Version, StoreError> {
    let whom = groups::table
        .filter(groups::id.eq(id.to_string()))
        .filter(groups::version.eq(expected.0))
        .filter(scope::groups_in(scope));
    let written = connection.execute(diesel::update(whom).set((
        GroupColumns::new(group, now),
        groups::version.eq(groups::version + 1_i64),
    )))?;
    if written == 0 {
        return Err(StoreError::Stale);
    }
    grant(connection, id, group)?;
    Ok(Version(expected.0 + 1))
}

pub(crate) fn touch(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    expected: Version,
    now: DateTime<Utc>,
) -> Result<Version, StoreError> {
    let whom = groups::id
        .eq(id.to_string())
        .and(groups::version.eq(expected.0))
        .and(scope::groups_in(scope));
    let changes = (
        groups::version.eq(groups::version + 1_i64),
        groups::updated_at.eq(millis(now)),
    );
    match connection.execute(nodes::update(groups::table, whom, changes))? {
        0 => Err(StoreError::Stale),
        _ => Ok(Version(expected.0 + 1)),
    }
}

pub(crate) fn delete(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    now: DateTime<Utc>,
) -> Result<GroupEnd, StoreError> {
    members::touch_groups_of(connection, scope, id, now)?;
    if members::has_others(connection, scope, id)? {
        release(connection, scope, id, now)?;
        return Ok(GroupEnd::Released);
    }
    let own = groups::table
        .filter(groups::id.eq(id.to_string()))
        .filter(scope::groups_in(scope));
    if connection.execute(diesel::delete(own))? == 0 {
        return Err(StoreError::Stale);
    }
    let elsewhere = group_members::table.filter(group_members::member_id.eq(id.to_string()));
    connection.execute(diesel::delete(elsewhere))?;
    Ok(GroupEnd::Deleted)
}

/// Makes a group one that was made by hand: with the members whom others put there, and without
/// what came of the configuration and its rules.
fn release(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let own = groups::table
        .filter(groups::id.eq(id.to_string()))
        .filter(scope::groups_in(scope));
    let nothing = Value::Object(serde_json::Map::new());
    let written = connection.execute(diesel::update(own).set((
        groups::managed_by.eq(None::<String>),
        groups::rule_key.eq(None::<String>),
        groups::external_id.eq(None::<String>),
        groups::scim_name_key.eq(None::<String>),
        groups::scim_document.eq(nothing.to_string()),
        groups::search_document.eq(Json::from(&nothing)),
        groups::version.eq(groups::version + 1_i64),
        groups::updated_at.eq(millis(now)),
    )))?;
    if written == 0 {
        return Err(StoreError::Stale);
    }
    let of_group = group_grants::group_id.eq(id.to_string());
    connection.execute(diesel::delete(group_grants::table.filter(of_group)))?;
    members::leave_to_others(connection, scope, id)?;
    // Where groups of the configuration have it as a member, the identity provider said so.
    let seen = groups::table
        .filter(scope::groups_in(scope))
        .filter(groups::id.eq(group_members::group_id));
    let elsewhere = group_members::table
        .filter(group_members::member_id.eq(id.to_string()))
        .filter(diesel::dsl::exists(seen));
    connection.execute(diesel::delete(elsewhere))?;
    Ok(())
}
