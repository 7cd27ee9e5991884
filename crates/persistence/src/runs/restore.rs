//! Putting rows back as they were.
//!
//! Values are written as images have them, with the keys that are derived from them. A protected
//! account is left as it is by every statement here (`people`), and so are its memberships.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text};
use scim_admin::run::{CurrentRow, NameScope, OwnName};
use scim_provisioning::directory::Status;
use scim_provisioning::{ResourceId, ResourceKind, StoreError};
use serde_json::{Map, Value};

use super::IdRow;
use crate::connection::Connection;
use crate::error::unreadable;
use crate::key::Key;
use crate::people::{self, Write};
use crate::sql::{Dialect, Sql};
use crate::time::millis;
use crate::users;

/// How a value is kept in its column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Number,
    /// JSON that is kept as text.
    Json,
    /// JSON that is searched.
    Search,
}

/// A name that images have, the column, and how the value is kept in it.
pub(super) type Column = (&'static str, &'static str, Form);

const USER: [Column; 29] = [
    ("userName", "user_name", Form::Text),
    ("firstName", "first_name", Form::Text),
    ("lastName", "last_name", Form::Text),
    ("displayName", "display_name", Form::Text),
    ("email", "email", Form::Text),
    ("contactNo", "contact_no", Form::Text),
    ("altContactNo1", "alt_contact_no1", Form::Text),
    ("altContactNo2", "alt_contact_no2", Form::Text),
    ("jobTitle", "job_title", Form::Text),
    ("employeeId", "employee_id", Form::Text),
    ("department", "department", Form::Text),
    ("location", "location", Form::Text),
    ("manager", "manager", Form::Text),
    ("managerId", "manager_id", Form::Text),
    ("roles", "roles", Form::Json),
    ("company", "company", Form::Text),
    ("language", "language", Form::Text),
    ("timeZone", "time_zone", Form::Text),
    ("userType", "user_type", Form::Text),
    ("vip", "is_vip", Form::Number),
    ("customFields", "custom_fields", Form::Json),
    ("status", "status", Form::Text),
    ("externalId", "external_id", Form::Text),
    ("managedBy", "managed_by", Form::Text),
    ("leftAt", "left_at", Form::Number),
    ("purgeAt", "purge_at", Form::Number),
    ("held", "held", Form::Number),
    ("document", "scim_document", Form::Json),
    ("search", "search_document", Form::Search),
];

const GROUP: [Column; 7] = [
    ("name", "name", Form::Text),
    ("kind", "kind", Form::Text),
    ("ruleKey", "rule_key", Form::Text),
    ("externalId", "external_id", Form::Text),
    ("managedBy", "managed_by", Form::Text),
    ("document", "scim_document", Form::Json),
    ("search", "search_document", Form::Search),
];

#[derive(diesel::QueryableByName)]
struct CurrentText {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    protected: i64,
    #[diesel(sql_type = Text)]
    record: String,
}

fn columns(kind: ResourceKind) -> (&'static str, &'static [Column]) {
    match kind {
        ResourceKind::User => ("users", &USER),
        ResourceKind::Group => ("groups", &GROUP),
    }
}

/// A person or a group as it is now; `lock` keeps it so until the transaction ends.
pub(crate) fn current(
    connection: &mut Connection,
    kind: ResourceKind,
    id: &str,
    lock: bool,
) -> Result<Option<CurrentRow>, StoreError> {
    let (table, columns) = columns(kind);
    let (name, protected) = match kind {
        ResourceKind::User => ("user_name", "is_tenant_admin"),
        ResourceKind::Group => ("name", "confers_admin"),
    };
    let sqlite = connection.dialect() == Dialect::Sqlite;
    let pairs = columns.iter().map(|(name, column, form)| match form {
        Form::Json | Form::Search if sqlite => format!("'{name}', json({column})"),
        Form::Json => format!("'{name}', CAST({column} AS json)"),
        _ => format!("'{name}', {column}"),
    });
    let pairs = pairs.collect::<Vec<_>>().join(", ");
    let object = match sqlite {
        true => format!("json_object({pairs})"),
        false => format!("CAST(json_build_object({pairs}) AS text)"),
    };
    let mut sql = connection.sql(&format!(
        "SELECT version, {name} AS name, CAST({protected} AS BIGINT) AS protected, \
         {object} AS record FROM {table} WHERE id = "
    ));
    sql.bind(id);
    if lock {
        sql.for_update();
    }
    let Some(row) = connection.row::<CurrentText>(&sql)? else {
        return Ok(None);
    };
    Ok(Some(CurrentRow {
        version: row.version,
        name: row.name,
        protected: row.protected != 0,
        values: serde_json::from_str(&row.record).map_err(|_json| unreadable("a row"))?,
    }))
}

fn text<'v>(values: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    values.get(name).and_then(Value::as_str)
}

fn key(text: &str) -> String {
    Key::of(text).as_str().to_owned()
}

fn name_key(name: &str) -> String {
    Key::of_name(name).as_str().to_owned()
}

/// The name by which the identity provider knows a resource.
fn scim_name(values: &Map<String, Value>, attribute: &str) -> Option<String> {
    let document = values.get("document")?;
    document.get(attribute)?.as_str().map(name_key)
}

/// Who has a name, other than one.
pub(crate) fn holder_of(
    connection: &mut Connection,
    name: &OwnName,
    but: &str,
) -> Result<Option<String>, StoreError> {
    let (table, condition) = match name.scope {
        NameScope::UserName => ("users", "status <> 'archived' AND user_name_key"),
        NameScope::ScimUserName => ("users", "left_at IS NULL AND scim_user_name_key"),
        NameScope::GroupName => ("groups", "name_key"),
        NameScope::ScimDisplayName => ("groups", "scim_name_key"),
    };
    let mut sql = connection.sql(&format!("SELECT id FROM {table} WHERE {condition} = "));
    sql.bind(Key::of_folded(&name.folded));
    if let Some(manager) = &name.manager {
        sql.push(" AND managed_by = ").bind(manager);
    }
    sql.push(" AND id <> ").bind(but);
    Ok(connection.row::<IdRow>(&sql)?.map(|row| row.id))
}

/// Takes its names from a resource, which gets others in the same transaction.
pub(crate) fn vacate(
    connection: &mut Connection,
    kind: ResourceKind,
    id: &str,
) -> Result<(), StoreError> {
    // No folded name is like that.
    let taken = |column: &str| format!("{column} = '\u{1}' || id");
    match kind {
        ResourceKind::User => {
            let taken = [taken("user_name_key"), taken("scim_user_name_key")].join(", ");
            people::set(connection, id, |sql| {
                sql.push(&taken);
            })
            .map(drop)
        }
        ResourceKind::Group => {
            let taken = [taken("name_key"), taken("scim_name_key")].join(", ");
            let mut sql = connection.sql(&format!(
                "UPDATE groups SET {taken} WHERE confers_admin = 0 AND id = "
            ));
            sql.bind(id);
            connection.execute(&sql).map(drop)
        }
    }
}

/// Appends a value as its column keeps it.
pub(super) fn push_value(sql: &mut Sql, value: &Value, form: Form) {
    match (form, value) {
        (Form::Number, value) => sql.bind(value.as_i64()),
        (Form::Text, value) => sql.bind(value.as_str()),
        (Form::Json, value) => sql.bind(value.to_string()),
        (Form::Search, value) if sql.dialect == Dialect::Sqlite => sql.bind(value.to_string()),
        (Form::Search, value) => sql.push("CAST(").bind(value.to_string()).push(" AS jsonb)"),
    };
}

/// Appends the keys by which names are compared, of the whole row as it will be. They are written
/// with every change, because a name may have been taken from the row meanwhile.
fn push_keys(sql: &mut Sql, kind: ResourceKind, row: &Map<String, Value>) {
    let keyed = |name: &str| text(row, name).map(key);
    let keys = match kind {
        ResourceKind::User => vec![
            ("user_name_key", Some(keyed("userName").unwrap_or_default())),
            (
                "display_key",
                keyed("displayName").or_else(|| keyed("userName")),
            ),
            ("email_key", keyed("email")),
            ("manager_key", text(row, "manager").map(name_key)),
            ("scim_user_name_key", scim_name(row, "userName")),
        ],
        ResourceKind::Group => vec![
            ("name_key", Some(keyed("name").unwrap_or_default())),
            ("scim_name_key", scim_name(row, "displayName")),
        ],
    };
    for (column, key) in keys {
        sql.push(&format!(", {column} = ")).bind(key);
    }
}

/// Writes values of a person or a group whose version is still the given one.
pub(crate) fn write(
    connection: &mut Connection,
    kind: ResourceKind,
    id: &str,
    version: i64,
    values: &Map<String, Value>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let before = current(connection, kind, id, false)?.ok_or(StoreError::Stale)?;
    let mut row = before.values;
    row.extend(values.clone());
    let (table, columns) = columns(kind);
    let set = |sql: &mut Sql| {
        // Any of the columns may be among them.
        sql.never_alike();
        sql.push("version = version + 1, updated_at = ")
            .bind(millis(at));
        for (name, column, form) in columns {
            let Some(value) = values.get(*name) else {
                continue;
            };
            sql.push(&format!(", {column} = "));
            match *column {
                // Whoever is gone is nobody's manager.
                "manager_id" => {
                    sql.push("(SELECT m.id FROM users m WHERE m.id = ");
                    push_value(sql, value, *form);
                    sql.push(")");
                }
                _ => push_value(sql, value, *form),
            }
        }
        push_keys(sql, kind, &row);
    };
    let whom = |sql: &mut Sql| {
        sql.push("id = ")
            .bind(id)
            .push(" AND version = ")
            .bind(version);
    };
    let written = match kind {
        ResourceKind::User => Write::update(connection, set, whom).run(connection)?,
        ResourceKind::Group => {
            let mut sql = connection.sql(&format!("UPDATE {table} SET "));
            set(&mut sql);
            sql.push(" WHERE confers_admin = 0 AND ");
            whom(&mut sql);
            connection.execute(&sql)?
        }
    };
    if written == 0 {
        return Err(StoreError::Stale);
    }
    if kind == ResourceKind::User
        && let Some(search) = values.get("search")
    {
        let id = ResourceId::parse(id).ok_or_else(|| unreadable("users.id"))?;
        users::replace_addresses(connection, id, search)?;
    }
    Ok(())
}

/// Puts a group back that is not there any more.
pub(crate) fn insert_group(
    connection: &mut Connection,
    id: &str,
    values: &Map<String, Value>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let number = |name: &str| values.get(name).and_then(Value::as_i64);
    let mut sql = connection.sql(
        "INSERT INTO groups (id, name, name_key, kind, rule_key, managed_by, scim_name_key, \
         external_id, scim_document, search_document, version, created_at, updated_at, \
         confers_admin) VALUES (",
    );
    let name = text(values, "name").unwrap_or_default();
    sql.bind(id).push(", ").bind(name).push(", ");
    sql.bind(key(name)).push(", ");
    sql.bind(text(values, "kind")).push(", ");
    sql.bind(text(values, "ruleKey")).push(", ");
    sql.bind(text(values, "managedBy")).push(", ");
    sql.bind(scim_name(values, "displayName")).push(", ");
    sql.bind(text(values, "externalId")).push(", ");
    for (name, form) in [("document", Form::Json), ("search", Form::Search)] {
        push_value(&mut sql, values.get(name).unwrap_or(&Value::Null), form);
        sql.push(", ");
    }
    sql.bind(number("version").unwrap_or_default() + 1)
        .push(", ");
    sql.bind(number("createdAt").unwrap_or(millis(at)))
        .push(", ");
    sql.bind(millis(at)).push(", 0)");
    connection.execute(&sql).map(drop)
}

/// Archives a person out of everybody's sight; deletes a group.
pub(crate) fn remove(
    connection: &mut Connection,
    kind: ResourceKind,
    id: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    if kind == ResourceKind::User {
        let row = current(connection, kind, id, false)?.ok_or(StoreError::Stale)?;
        let mut values = Map::new();
        values.insert("leftAt".to_owned(), millis(at).into());
        values.insert("held".to_owned(), 0.into());
        write(connection, kind, id, row.version, &values, at)?;
        let user = ResourceId::parse(id).ok_or_else(|| unreadable("users.id"))?;
        return users::depart(connection, user, Status::Archived, None);
    }
    let mut sql = connection.sql("DELETE FROM groups WHERE confers_admin = 0 AND id = ");
    sql.bind(id);
    if connection.execute(&sql)? == 0 {
        return Err(StoreError::Stale);
    }
    let mut sql = connection.sql("DELETE FROM group_members WHERE member_id = ");
    sql.bind(id);
    connection.execute(&sql).map(drop)
}

/// Counts a group up; answers its name, if it is there.
pub(crate) fn count_group_up(
    connection: &mut Connection,
    id: &str,
    at: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    let mut sql = connection.sql("UPDATE groups SET version = version + 1, updated_at = ");
    sql.bind(millis(at));
    sql.push(" WHERE confers_admin = 0 AND id = ").bind(id);
    sql.push(" RETURNING name AS id");
    Ok(connection.row::<IdRow>(&sql)?.map(|row| row.id))
}
