//! Rows of `users`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use scim_mapping::{Field, FieldValue, Record};
use scim_protocol::Version;
use scim_protocol::text::fold;
use scim_provisioning::directory::{Departure, Status, StoredUser, UserWrite};
use scim_provisioning::{ResourceId, ResourceKind, Scope, StoreError};
use serde_json::{Map, Value};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::key::Key;
use crate::members;
use crate::page::Identified;
use crate::people::{self, Write};
use crate::references::{self, ManagerKeys};
use crate::scope::visible;
use crate::sql::{Bind, Sql};
use crate::time::{instant, millis};

/// The columns of a [`UserRow`], of the table with the alias `r`.
pub(crate) const COLUMNS: &str = "r.id, r.user_name, r.first_name, r.last_name, r.display_name, \
    r.email, r.contact_no, r.alt_contact_no1, r.alt_contact_no2, r.job_title, r.employee_id, \
    r.department, r.location, r.manager, r.company, r.language, r.time_zone, r.user_type, \
    CAST(r.is_vip AS INTEGER) AS is_vip, r.custom_fields, r.status, r.external_id, \
    r.scim_document, CAST(r.held AS INTEGER) AS held, r.roles, r.version, r.created_at, r.updated_at, \
    (SELECT m.id FROM users m WHERE m.id = r.manager_id AND m.managed_by = r.managed_by \
    AND m.is_tenant_admin = 0 AND m.left_at IS NULL) AS seen_manager";

#[derive(diesel::QueryableByName)]
pub(crate) struct UserRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    first_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    display_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    contact_no: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    alt_contact_no1: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    alt_contact_no2: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    job_title: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    employee_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    department: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    location: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    manager: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    company: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    language: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    time_zone: Option<String>,
    #[diesel(sql_type = Text)]
    user_type: String,
    #[diesel(sql_type = Integer)]
    is_vip: i32,
    #[diesel(sql_type = Text)]
    custom_fields: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Text)]
    scim_document: String,
    #[diesel(sql_type = Integer)]
    held: i32,
    #[diesel(sql_type = Text)]
    roles: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    updated_at: i64,
    #[diesel(sql_type = Nullable<Text>)]
    seen_manager: Option<String>,
}

impl Identified for UserRow {
    fn id(&self) -> &str {
        &self.id
    }
}

impl TryFrom<UserRow> for StoredUser {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let id = ResourceId::parse(&row.id).ok_or_else(|| unreadable("users.id"))?;
        let document: Map<String, Value> = serde_json::from_str(&row.scim_document)
            .map_err(|_json| unreadable("users.scim_document"))?;
        let custom: Map<String, Value> = serde_json::from_str(&row.custom_fields)
            .map_err(|_json| unreadable("users.custom_fields"))?;
        let mut record: Record = [
            (Field::UserName, Some(row.user_name)),
            (Field::FirstName, row.first_name),
            (Field::LastName, row.last_name),
            (Field::DisplayName, row.display_name),
            (Field::Email, row.email),
            (Field::ContactNo, row.contact_no),
            (Field::AltContactNo1, row.alt_contact_no1),
            (Field::AltContactNo2, row.alt_contact_no2),
            (Field::JobTitle, row.job_title),
            (Field::EmployeeId, row.employee_id),
            (Field::Department, row.department),
            (Field::Location, row.location),
            (Field::Manager, row.manager),
            (Field::Company, row.company),
            (Field::Language, row.language),
            (Field::TimeZone, row.time_zone),
            (Field::UserType, Some(row.user_type)),
            (Field::ScimExternalId, row.external_id),
        ]
        .into_iter()
        .filter_map(|(field, value)| Some((field, FieldValue::Text(value?))))
        .collect();
        if row.is_vip != 0 {
            record.insert(Field::Vip, FieldValue::Boolean(true));
        }
        let roles: Vec<String> =
            serde_json::from_str(&row.roles).map_err(|_json| unreadable("users.roles"))?;
        if !roles.is_empty() {
            record.insert(Field::Roles, FieldValue::Texts(roles));
        }
        for (key, value) in custom {
            let value =
                serde_json::from_value(value).map_err(|_json| unreadable("users.custom_fields"))?;
            record.insert(Field::Custom(key), value);
        }
        Ok(Self {
            id,
            record,
            status: status(&row.status),
            document,
            held: row.held != 0,
            manager: row.seen_manager.as_deref().and_then(ResourceId::parse),
            version: Version(row.version),
            created: instant(row.created_at),
            last_modified: instant(row.updated_at),
        })
    }
}

pub(crate) fn status(text: &str) -> Status {
    match text {
        "active" => Status::Active,
        "blocked" => Status::Blocked,
        _ => Status::Archived,
    }
}

/// The records of people, whoever manages them, by their ids.
pub(crate) fn records(
    connection: &mut Connection,
    ids: &[&str],
) -> Result<HashMap<String, Record>, StoreError> {
    let mut found = HashMap::new();
    for chunk in ids.chunks(500) {
        let mut sql = connection.sql(&format!("SELECT {COLUMNS} FROM users r WHERE r.id "));
        sql.among(chunk.iter().copied());
        for row in connection.rows::<UserRow>(&sql)? {
            let user = StoredUser::try_from(row)?;
            found.insert(user.id.to_string(), user.record);
        }
    }
    Ok(found)
}

/// A user in scope, locked where `lock` is true.
pub(crate) fn find(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    lock: bool,
) -> Result<Option<StoredUser>, StoreError> {
    let mut sql = connection.sql(&format!("SELECT {COLUMNS} FROM users r WHERE r.id = "));
    sql.bind(id.to_string()).push(" AND ");
    visible(&mut sql, ResourceKind::User, scope, "r");
    if lock {
        sql.for_update();
    }
    connection
        .row::<UserRow>(&sql)?
        .map(StoredUser::try_from)
        .transpose()
}

/// A person whom nobody manages.
pub(crate) fn by_hand(
    connection: &mut Connection,
    id: ResourceId,
) -> Result<Option<StoredUser>, StoreError> {
    let mut sql = connection.sql(&format!("SELECT {COLUMNS} FROM users r WHERE r.id = "));
    sql.bind(id.to_string());
    sql.push(" AND r.managed_by IS NULL AND r.is_tenant_admin = 0");
    connection
        .row::<UserRow>(&sql)?
        .map(StoredUser::try_from)
        .transpose()
}

/// The columns that are written of a user, and their values.
fn values(user: &UserWrite) -> Vec<(&'static str, Bind)> {
    let text = |field: Field| {
        let value = user.record.get(&field).and_then(FieldValue::as_text);
        value.map(str::to_owned)
    };
    let user_name = text(Field::UserName).unwrap_or_default();
    let display = text(Field::DisplayName).unwrap_or_else(|| user_name.clone());
    let email = text(Field::Email);
    let roles = user.record.get(&Field::Roles);
    let roles = roles.map_or_else(|| Value::Array(Vec::new()), FieldValue::to_json);
    let vip = user.record.get(&Field::Vip) == Some(&FieldValue::Boolean(true));
    let custom: Map<String, Value> = user
        .record
        .iter()
        .filter_map(|(field, value)| match field {
            Field::Custom(key) => Some((key.clone(), value.to_json())),
            _ => None,
        })
        .collect();
    vec![
        ("user_name_key", Key::of(&user_name).into()),
        ("user_name", user_name.into()),
        ("first_name", text(Field::FirstName).into()),
        ("last_name", text(Field::LastName).into()),
        ("display_name", text(Field::DisplayName).into()),
        ("display_key", Key::of(&display).into()),
        ("email_key", email.as_deref().map(Key::of).into()),
        ("email", email.into()),
        ("contact_no", text(Field::ContactNo).into()),
        ("alt_contact_no1", text(Field::AltContactNo1).into()),
        ("alt_contact_no2", text(Field::AltContactNo2).into()),
        ("job_title", text(Field::JobTitle).into()),
        ("employee_id", text(Field::EmployeeId).into()),
        ("department", text(Field::Department).into()),
        ("location", text(Field::Location).into()),
        (
            "manager_key",
            text(Field::Manager).as_deref().map(Key::of).into(),
        ),
        ("manager", text(Field::Manager).into()),
        ("roles", roles.to_string().into()),
        ("company", text(Field::Company).into()),
        ("language", text(Field::Language).into()),
        ("time_zone", text(Field::TimeZone).into()),
        (
            "user_type",
            text(Field::UserType)
                .unwrap_or_else(|| "requester".to_owned())
                .into(),
        ),
        ("is_vip", vip.into()),
        ("custom_fields", Value::Object(custom).to_string().into()),
        ("status", user.status.as_str().into()),
        ("external_id", user.external_id.clone().into()),
        (
            "scim_user_name_key",
            user.document
                .get("userName")
                .and_then(Value::as_str)
                .map(Key::of)
                .into(),
        ),
        (
            "scim_document",
            Value::Object(user.document.clone()).to_string().into(),
        ),
    ]
}

pub(crate) fn insert(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    user: &UserWrite,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let values = values(user);
    let names: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    let mut sql = connection.sql(&format!(
        "INSERT INTO users ({}, id, managed_by, version, created_at, updated_at, search_document) \
         VALUES (",
        names.join(", ")
    ));
    sql.bind_all(values.into_iter().map(|(_, value)| value));
    sql.push(", ").bind(id.to_string());
    sql.push(", ").bind(scope.configuration().to_string());
    sql.push(", 1, ").bind(millis(now));
    sql.push(", ").bind(millis(now));
    sql.push(", ").bind_json(&user.search).push(")");
    connection.execute(&sql)?;
    insert_emails(connection, id, &user.search)?;
    link(connection, scope, id, user)
}

/// Links the user to the manager it names, and to those who wait for it.
fn link(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    user: &UserWrite,
) -> Result<(), StoreError> {
    let text = |field: Field| user.record.get(&field).and_then(FieldValue::as_text);
    references::link_manager(connection, scope, id, text(Field::Manager))?;
    let keys = ManagerKeys {
        user_name: user.document.get("userName").and_then(Value::as_str),
        external_id: user.external_id.as_deref(),
        email: text(Field::Email),
    };
    references::link_reports(connection, scope, id, &keys)
}

/// Sets the columns of a user; `further` restricts which row is meant beside its id.
fn write(
    connection: &mut Connection,
    id: ResourceId,
    user: &UserWrite,
    now: DateTime<Utc>,
    managed_by: Option<Scope>,
    further: impl FnOnce(&mut Sql),
) -> Result<(), StoreError> {
    let write = Write::update(
        connection,
        |sql| {
            for (name, value) in values(user) {
                sql.push(name).push(" = ").bind(value).push(", ");
            }
            if let Some(scope) = managed_by {
                sql.push("left_at = NULL, purge_at = NULL, managed_by = ");
                sql.bind(scope.configuration().to_string()).push(", ");
            }
            // Who is the manager is kept for as long as the same one is named.
            let manager = user.record.get(&Field::Manager);
            let manager = manager.and_then(FieldValue::as_text).map(fold);
            sql.push("manager_id = CASE WHEN manager_key IS NOT DISTINCT FROM ");
            sql.bind(manager).push(" THEN manager_id END, ");
            sql.push("search_document = ").bind_json(&user.search);
            sql.push(", version = version + 1, updated_at = ")
                .bind(millis(now));
        },
        |sql| {
            sql.push("id = ").bind(id.to_string()).push(" AND ");
            further(sql);
        },
    );
    if write.run(connection)? == 0 {
        return Err(StoreError::Stale);
    }
    let mut clear = connection.sql("DELETE FROM user_emails WHERE user_id = ");
    clear.bind(id.to_string());
    connection.execute(&clear)?;
    insert_emails(connection, id, &user.search)
}

pub(crate) fn update(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    expected: Version,
    user: &UserWrite,
    now: DateTime<Utc>,
) -> Result<Version, StoreError> {
    write(connection, id, user, now, None, |sql| {
        sql.push("version = ").bind(expected.0).push(" AND ");
        visible(sql, ResourceKind::User, scope, "users");
    })?;
    link(connection, scope, id, user)?;
    Ok(Version(expected.0 + 1))
}

pub(crate) fn take_over(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    user: &UserWrite,
    now: DateTime<Utc>,
) -> Result<Version, StoreError> {
    write(connection, id, user, now, Some(scope), |sql| {
        sql.push(
            "status <> 'archived' AND admin_role IS NULL \
             AND (managed_by IS NULL AND NOT EXISTS (SELECT 1 FROM accounts a \
             WHERE a.user_id = users.id) OR left_at IS NOT NULL AND managed_by = ",
        );
        sql.bind(scope.configuration().to_string()).push(")");
    })?;
    members::touch_groups_of(connection, scope, id, now)?;
    members::join(connection, scope, id, now)?;
    link(connection, scope, id, user)?;
    match find(connection, scope, id, false)? {
        Some(user) => Ok(user.version),
        None => Err(StoreError::Stale),
    }
}

pub(crate) fn release(
    connection: &mut Connection,
    scope: Scope,
    id: ResourceId,
    departure: &Departure,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let write = Write::update(
        connection,
        |sql| {
            sql.push("left_at = ").bind(millis(now));
            sql.push(", version = version + 1, updated_at = ")
                .bind(millis(now));
        },
        |sql| {
            sql.push("id = ").bind(id.to_string()).push(" AND ");
            visible(sql, ResourceKind::User, scope, "users");
        },
    );
    if write.run(connection)? == 0 {
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
    let left = people::set(connection, &id.to_string(), |sql| {
        sql.push("status = ").bind(status.as_str());
        sql.push(", purge_at = ").bind(purge_at);
    })?;
    if !left {
        return Err(StoreError::Stale);
    }
    let mut leave = connection.sql("DELETE FROM group_members WHERE member_id = ");
    leave.bind(id.to_string());
    leave.push(
        " AND (SELECT g.managed_by FROM groups g WHERE g.id = group_members.group_id) \
         = (SELECT managed_by FROM users WHERE id = ",
    );
    leave.bind(id.to_string()).push(")");
    connection.execute(&leave)?;
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
        .filter_map(|email| Some((text(email, "value")?, text(email, "type"))))
        .collect();
    for chunk in emails.chunks(100) {
        let mut sql =
            connection.sql("INSERT INTO user_emails (user_id, value_key, type_key) VALUES ");
        if chunk.len() > 1 {
            sql.never_alike();
        }
        for (at, (value, kind)) in chunk.iter().enumerate() {
            sql.push(if at > 0 { ", (" } else { "(" });
            sql.bind(id.to_string());
            sql.push(", ").bind(Key::of_folded(value)).push(", ");
            sql.bind(kind.clone()).push(")");
        }
        connection.execute(&sql)?;
    }
    Ok(())
}
