//! What is written of users.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use scim_mapping::{Field, FieldValue};
use scim_protocol::Version;
use scim_provisioning::directory::{Departure, Status, StoredUser, UserWrite};
use scim_provisioning::{ResourceId, Scope, StoreError};
use serde_json::{Map, Value};

use crate::connection::Connection;
use crate::engine::on_backend;
use crate::json::Json;
use crate::key::Key;
use crate::references::{self, ManagerKeys};
use crate::schema::{accounts, group_members, groups, user_emails, users};
use crate::time::millis;
use crate::writes::{cell, each_of, insert_from};
use crate::{links, members, people, scope};

/// The columns that are written of a user, whether it is there or not.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = users)]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
struct UserColumns {
    user_name_key: String,
    user_name: String,
    first_name: Option<String>,
    last_name: Option<String>,
    display_name: Option<String>,
    display_key: String,
    email_key: Option<String>,
    email: Option<String>,
    contact_no: Option<String>,
    alt_contact_no1: Option<String>,
    alt_contact_no2: Option<String>,
    job_title: Option<String>,
    employee_id: Option<String>,
    department: Option<String>,
    location: Option<String>,
    manager_key: Option<String>,
    manager: Option<String>,
    roles: String,
    company: Option<String>,
    language: Option<String>,
    time_zone: Option<String>,
    user_type: String,
    is_vip: i32,
    custom_fields: String,
    status: &'static str,
    external_id: Option<String>,
    scim_user_name_key: Option<String>,
    scim_document: String,
    search_document: Json,
    updated_at: i64,
}

impl UserColumns {
    fn new(user: &UserWrite, now: DateTime<Utc>) -> Self {
        let text = |field: Field| text(user, &field).map(str::to_owned);
        let key = |text: &str| Key::of(text).as_str().to_owned();
        let name_key = |text: &str| Key::of_name(text).as_str().to_owned();
        let user_name = text(Field::UserName).unwrap_or_default();
        let display = text(Field::DisplayName);
        let (email, manager) = (text(Field::Email), text(Field::Manager));
        let roles = user.record.get(&Field::Roles);
        let roles = roles.map_or_else(|| Value::Array(Vec::new()), FieldValue::to_json);
        let custom: Map<String, Value> = user
            .record
            .iter()
            .filter_map(|(field, value)| match field {
                Field::Custom(key) => Some((key.clone(), value.to_json())),
                _ => None,
            })
            .collect();
        let scim_user_name = user.document.get("userName").and_then(Value::as_str);
        Self {
            user_name_key: key(&user_name),
            display_key: key(display.as_deref().unwrap_or(&user_name)),
            user_name,
            first_name: text(Field::FirstName),
            last_name: text(Field::LastName),
            display_name: display,
            email_key: email.as_deref().map(key),
            email,
            contact_no: text(Field::ContactNo),
            alt_contact_no1: text(Field::AltContactNo1),
            alt_contact_no2: text(Field::AltContactNo2),
            job_title: text(Field::JobTitle),
            employee_id: text(Field::EmployeeId),
            department: text(Field::Department),
            location: text(Field::Location),
            manager_key: manager.as_deref().map(name_key),
            manager,
            roles: roles.to_string(),
            company: text(Field::Company),
            language: text(Field::Language),
            time_zone: text(Field::TimeZone),
            user_type: text(Field::UserType).unwrap_or_else(|| "requester".to_owned()),
            is_vip: i32::from(user.record.get(&Field::Vip) == Some(&FieldValue::Boolean(true))),
            custom_fields: Value::Object(custom).to_string(),
            status: user.status.as_str(),
            external_id: user.external_id.clone(),
            scim_user_name_key: scim_user_name.map(name_key),
            scim_document: Value::Object(user.document.clone()).to_string(),
            search_document: Json::from(&user.search),
            updated_at: millis(now),
        }
    }
}

fn text<'a>(user: &'a UserWrite, field: &Field) -> Option<&'a str> {
    user.record.get(field).and_then(FieldValue::as_text)
}

pub(crate) fn insert(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    user: &UserWrite,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let insert = diesel::insert_into(users::table).values((
        UserColumns::new(user, now),
        users::id.eq(id.to_string()),
        users::managed_by.eq(scope.configuration().to_string()),
        users::version.eq(1_i64),
        users::created_at.eq(millis(now)),
    ));
    on_backend!(connection, execute, insert)?;
    insert_emails(connection, id, &user.search)?;
    references::link_manager(connection, scope, id, text(user, &Field::Manager))?;
    link_reports(connection, scope, id, user)
}

/// Links those who wait for the user to it.
fn link_reports(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    user: &UserWrite,
) -> Result<(), StoreError> {
    references::link_reports(connection, scope, id, &manager_keys(user))
}

/// By what others name the user as their manager.
fn manager_keys(user: &UserWrite) -> ManagerKeys<'_> {
    ManagerKeys {
        user_name: user.document.get("userName").and_then(Value::as_str),
        external_id: user.external_id.as_deref(),
        email: text(user, &Field::Email),
    }
}

/// Whether others name two states of a user as their manager by the same.
fn is_named_alike(before: &StoredUser, user: &UserWrite) -> bool {
    let old = |field: Field| before.record.get(&field).and_then(FieldValue::as_text);
    before.document.get("userName") == user.document.get("userName")
        && old(Field::Email) == text(user, &Field::Email)
        && old(Field::ScimExternalId) == user.external_id.as_deref()
}

/// Writes the addresses of a user anew.
fn replace_emails(
    connection: &mut Connection,
    id: ResourceId,
    user: &UserWrite,
) -> Result<(), StoreError> {
    replace_addresses(connection, id, &user.search)
}

/// The same of a searched document.
pub(crate) fn replace_addresses(
    connection: &mut Connection,
    id: ResourceId,
    search: &Value,
) -> Result<(), StoreError> {
    let of_user = user_emails::user_id.eq(id.to_string());
    connection.execute(diesel::delete(user_emails::table.filter(of_user)))?;
    insert_emails(connection, id, search)
}

/// Writes a user in scope whose version is the expected one. `before` is the user as it stood
/// there, where that is known: what depends on values that stay is not done again.
pub(crate) fn update(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    (expected, before): (Version, Option<&StoredUser>),
    user: &UserWrite,
    now: DateTime<Utc>,
) -> Result<Version, StoreError> {
    let whom = users::id
        .eq(id.to_string())
        .and(users::version.eq(expected.0))
        .and(scope::users_in(scope));
    let manager = text(user, &Field::Manager);
    let manager = references::named_manager(connection.dialect(), scope, manager);
    let changes = (
        UserColumns::new(user, now),
        users::manager_id.eq(manager),
        users::version.eq(users::version + 1_i64),
    );
    let waited = references::is_waited_for(scope, id, &manager_keys(user));
    let waited = people::change_and_tell!(connection, whom, changes, waited);
    let waited = waited.ok_or(StoreError::Stale)?;
    let before = before.filter(|before| before.id == id && before.version == expected);
    if before.is_none_or(|before| before.document.get("emails") != user.document.get("emails")) {
        replace_emails(connection, id, user)?;
    }
    if waited || before.is_none_or(|before| !is_named_alike(before, user)) {
        link_reports(connection, scope, id, user)?;
    }
    Ok(Version(expected.0 + 1))
}

pub(crate) fn take_over(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    user: &UserWrite,
    now: DateTime<Utc>,
) -> Result<Version, StoreError> {
    // Nobody who may sign in to the console, or was given an administrative role.
    let bound = accounts::table.filter(accounts::user_id.eq(users::id.nullable()));
    let by_hand = users::managed_by
        .is_null()
        .and(diesel::dsl::not(diesel::dsl::exists(bound)));
    let came_back = users::left_at
        .is_not_null()
        .and(users::managed_by.eq(scope.configuration().to_string()));
    let whom = users::id
        .eq(id.to_string())
        .and(users::status.ne("archived"))
        .and(users::admin_role.is_null())
        .and(by_hand.or(came_back));
    let manager = text(user, &Field::Manager);
    let manager = references::named_manager(connection.dialect(), scope, manager);
    let changes = (
        UserColumns::new(user, now),
        users::left_at.eq(None::<i64>),
        users::purge_at.eq(None::<i64>),
        users::managed_by.eq(scope.configuration().to_string()),
        users::manager_id.eq(manager),
        users::version.eq(users::version + 1_i64),
    );
    if people::change!(connection, whom, changes) == 0 {
        return Err(StoreError::Stale);
    }
    replace_emails(connection, id, user)?;
    members::touch_groups_of(connection, scope, id, now)?;
    members::join(connection, scope, id, now)?;
    link_reports(connection, scope, id, user)?;
    // Approved or not, who waited to be linked waits no longer.
    let named = user.document.get("userName").and_then(Value::as_str);
    let configuration = scope.configuration();
    links::forget(
        connection,
        configuration,
        &id.to_string(),
        named.unwrap_or_default(),
    )?;
    let version = users::table
        .filter(users::id.eq(id.to_string()))
        .filter(scope::users_in(scope))
        .select(users::version);
    let version: Option<i64> = connection.first(version)?;
    version.map(Version).ok_or(StoreError::Stale)
}

pub(crate) fn release(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    departure: &Departure,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let whom = users::id.eq(id.to_string()).and(scope::users_in(scope));
    let changes = (
        users::left_at.eq(millis(now)),
        users::updated_at.eq(millis(now)),
        users::version.eq(users::version + 1_i64),
    );
    if people::change!(connection, whom, changes) == 0 {
        return Err(StoreError::Stale);
    }
    members::touch_groups_of(connection, scope, id, now)?;
    match departure.held {
        true => Ok(()),
        false => depart(
            connection,
            id,
            departure.status,
            departure.purge.map(millis),
        ),
    }
}

/// Gives a user who leaves the status, and takes the user out of the configuration's groups.
pub(crate) fn depart(
    connection: &mut Connection,
    id: ResourceId,
    status: Status,
    purge_at: Option<i64>,
) -> Result<(), StoreError> {
    let id = id.to_string();
    let changes = (
        users::status.eq(status.as_str()),
        users::purge_at.eq(purge_at),
    );
    if people::change!(connection, users::id.eq(&id), changes) == 0 {
        return Err(StoreError::Stale);
    }
    // Of whom the configuration manages, by its groups. Looked up for each membership, where an
    // engine might begin with all groups of the configuration.
    let manager = users::table
        .filter(users::id.eq(&id))
        .select(users::managed_by)
        .single_value();
    let of_group = groups::table
        .filter(groups::id.eq(group_members::group_id))
        .select(groups::managed_by)
        .single_value();
    let left = group_members::table
        .filter(group_members::member_id.eq(&id))
        .filter(of_group.eq(manager));
    connection.execute(diesel::delete(left))?;
    Ok(())
}

/// The e-mail addresses of a searched document, for lookups.
fn insert_emails(
    connection: &mut Connection,
    id: ResourceId,
    search: &Value,
) -> Result<(), StoreError> {
    let text = |email: &Value, name: &str| email.get(name)?.as_str().map(str::to_owned);
    let emails: Vec<(String, Option<String>)> = search
        .get("emails")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|email| {
            let value = text(email, "value")?;
            let key = Key::of_folded(&value).as_str().to_owned();
            Some((key, text(email, "type")))
        })
        .collect();
    if emails.is_empty() {
        return Ok(());
    }
    let rows = each_of(
        emails,
        (
            id.to_string().into_sql::<Text>(),
            cell::<Text, 0>(),
            cell::<Nullable<Text>, 1>(),
        ),
    );
    let columns = (
        user_emails::user_id,
        user_emails::value_key,
        user_emails::type_key,
    );
    connection.execute(insert_from(user_emails::table, columns, rows))?;
    Ok(())
}
