//! Putting rows back as they were.
//!
//! Values are written as images have them, with the keys that are derived from them. A protected
//! account is left as it is by every statement here (`people`), and so are its memberships.

use chrono::{DateTime, Utc};
use diesel::dsl::Eq;
use diesel::prelude::*;
use diesel::sql_types::Text;
use scim_admin::run::{CurrentRow, NameScope, OwnName};
use scim_provisioning::directory::Status;
use scim_provisioning::{ResourceId, ResourceKind, StoreError};
use serde_json::{Map, Value};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::json::Json;
use crate::key::Key;
use crate::nodes::{Number, locked, update};
use crate::people::{self, Write};
use crate::schema::{group_members, groups, users};
use crate::sql::{Dialect, Sql};
use crate::time::millis;
use crate::users::{depart, replace_addresses};
use crate::values::Word;

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

/// A version, a name, whether it is protected, and the row as JSON.
type CurrentText = (i64, String, i32, String);

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
    let (_, columns) = columns(kind);
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
    let record = connection.sql(&object).written::<Text>();
    let row: Option<CurrentText> = match kind {
        ResourceKind::User => {
            let row = users::table.find(id).select((
                users::version,
                users::user_name,
                users::is_tenant_admin,
                record,
            ));
            match lock {
                true => connection.first(locked(connection, row))?,
                false => connection.first(row)?,
            }
        }
        ResourceKind::Group => {
            let row = groups::table.find(id).select((
                groups::version,
                groups::name,
                groups::confers_admin,
                record,
            ));
            match lock {
                true => connection.first(locked(connection, row))?,
                false => connection.first(row)?,
            }
        }
    };
    let Some((version, name, protected, record)) = row else {
        return Ok(None);
    };
    Ok(Some(CurrentRow {
        version,
        name,
        protected: protected != 0,
        values: serde_json::from_str(&record).map_err(|_json| unreadable("a row"))?,
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
    let key = Key::of_folded(&name.folded);
    let people = || users::table.select(users::id).into_boxed();
    let person = match name.scope {
        NameScope::UserName => people()
            .filter(users::status.ne(Word("archived")))
            .filter(users::user_name_key.eq(key.as_str())),
        NameScope::ScimUserName => people()
            .filter(users::left_at.is_null())
            .filter(users::scim_user_name_key.eq(key.as_str())),
        NameScope::GroupName | NameScope::ScimDisplayName => {
            return holding_group(connection, name, key.as_str(), but);
        }
    };
    let person = person.filter(users::id.ne(but));
    match &name.manager {
        Some(manager) => connection.first(person.filter(users::managed_by.eq(manager))),
        None => connection.first(person),
    }
}

/// The same of the name of a group.
fn holding_group(
    connection: &mut Connection,
    name: &OwnName,
    key: &str,
    but: &str,
) -> Result<Option<String>, StoreError> {
    let all = groups::table.select(groups::id).into_boxed();
    let group = match name.scope {
        NameScope::ScimDisplayName => all.filter(groups::scim_name_key.eq(key)),
        _ => all.filter(groups::name_key.eq(key)),
    };
    let group = group.filter(groups::id.ne(but));
    match &name.manager {
        Some(manager) => connection.first(group.filter(groups::managed_by.eq(manager))),
        None => connection.first(group),
    }
}

/// Takes its names from a resource, which gets others in the same transaction.
pub(crate) fn vacate(
    connection: &mut Connection,
    kind: ResourceKind,
    id: &str,
) -> Result<(), StoreError> {
    // No folded name is like that.
    const TAKEN: Word = Word("\u{1}");
    match kind {
        ResourceKind::User => {
            let taken = (
                users::user_name_key.eq(TAKEN.concat(users::id)),
                users::scim_user_name_key.eq(TAKEN.concat(users::id).nullable()),
            );
            people::change!(connection, users::id.eq(id), taken);
        }
        ResourceKind::Group => {
            let taken = (
                groups::name_key.eq(TAKEN.concat(groups::id)),
                groups::scim_name_key.eq(TAKEN.concat(groups::id).nullable()),
            );
            connection.execute(update(groups::table, open_group(id), taken))?;
        }
    }
    Ok(())
}

/// A group of an id that confers no administrative right.
#[diesel::dsl::auto_type(no_type_alias)]
fn open_group<'id>(id: &'id str) -> _ {
    let open: Eq<groups::confers_admin, Number<0>> = groups::confers_admin.eq(Number::<0>);
    open.and(groups::id.eq(id))
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
        replace_addresses(connection, id, search)?;
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
    let name = text(values, "name").unwrap_or_default();
    let kept = |name: &str| values.get(name).unwrap_or(&Value::Null);
    let kind = text(values, "kind").ok_or_else(|| unreadable("run_images"))?;
    let insert = diesel::insert_into(groups::table).values((
        groups::id.eq(id),
        groups::name.eq(name),
        groups::name_key.eq(key(name)),
        groups::kind.eq(kind),
        groups::rule_key.eq(text(values, "ruleKey")),
        groups::managed_by.eq(text(values, "managedBy")),
        groups::scim_name_key.eq(scim_name(values, "displayName")),
        groups::external_id.eq(text(values, "externalId")),
        groups::scim_document.eq(kept("document").to_string()),
        groups::search_document.eq(Json::from(kept("search"))),
        groups::version.eq(number("version").unwrap_or_default() + 1),
        groups::created_at.eq(number("createdAt").unwrap_or(millis(at))),
        groups::updated_at.eq(millis(at)),
        groups::confers_admin.eq(0),
    ));
    connection.execute(insert).map(drop)
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
        return depart(connection, user, Status::Archived, None);
    }
    let group = groups::table.filter(open_group(id));
    if connection.execute(diesel::delete(group))? == 0 {
        return Err(StoreError::Stale);
    }
    let member = group_members::table.filter(group_members::member_id.eq(id));
    connection.execute(diesel::delete(member)).map(drop)
}

/// Counts a group up; answers its name, if it is there.
pub(crate) fn count_group_up(
    connection: &mut Connection,
    id: &str,
    at: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    let more = (
        groups::version.eq(groups::version + 1_i64),
        groups::updated_at.eq(millis(at)),
    );
    connection.first(update(groups::table, open_group(id), more).returning(groups::name))
}
