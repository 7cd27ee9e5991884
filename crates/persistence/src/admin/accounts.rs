//! Rows of `accounts` and `api_keys`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::account::{Account, BoundPerson, OpenIdSubject, PasswordHash, Role};
use scim_admin::api_key::ApiKey;
use scim_admin::scope::Scopes;
use scim_protocol::text::fold;
use scim_provisioning::directory::Status;
use scim_provisioning::{ResourceId, StoreError};

use crate::condition::millis;
use crate::connection::Connection;
use crate::key::Key;
use crate::view::{instant, unreadable};

#[derive(diesel::QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    password_hash: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    failed_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    issuer: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    subject: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    user_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    user_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    user_status: Option<String>,
}

#[derive(diesel::QueryableByName)]
struct BindableRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    user_name: String,
    #[diesel(sql_type = Text)]
    status: String,
}

#[derive(diesel::QueryableByName)]
struct BoundRow {
    #[diesel(sql_type = Nullable<Text>)]
    user_id: Option<String>,
}

#[derive(diesel::QueryableByName)]
struct ApiKeyRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Nullable<Text>)]
    scopes: Option<String>,
    #[diesel(sql_type = Text)]
    hash: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    expires_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    revoked_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    made_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    account_id: Option<String>,
}

pub(super) fn insert(connection: &mut Connection, account: &Account) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "INSERT INTO accounts (id, name, name_key, role, password_hash, created_at, issuer, \
         subject) VALUES (",
    );
    sql.bind(&account.id).push(", ").bind(&account.name);
    sql.push(", ").bind(fold(&account.name));
    sql.push(", ").bind(account.role.as_str());
    sql.push(", ").bind(&account.password.0);
    sql.push(", ").bind(millis(account.created));
    let openid = account.openid.as_ref();
    sql.push(", ")
        .bind(openid.map(|openid| openid.issuer.as_str()));
    sql.push(", ")
        .bind(openid.map(|openid| openid.subject.as_str()));
    sql.push(")");
    connection.execute(&sql)?;
    Ok(())
}

const ACCOUNTS: &str = "SELECT a.id, a.name, a.role, a.password_hash, a.created_at, a.failures, \
    a.failed_at, a.issuer, a.subject, a.user_id, u.user_name, u.status AS user_status \
    FROM accounts a LEFT JOIN users u ON u.id = a.user_id";

pub(super) fn list(connection: &mut Connection) -> Result<Vec<Account>, StoreError> {
    let sql = connection.sql(&format!("{ACCOUNTS} ORDER BY a.name_key"));
    let rows: Vec<AccountRow> = connection.rows(&sql)?;
    rows.into_iter().map(Account::try_from).collect()
}

pub(super) fn find(connection: &mut Connection, id: &str) -> Result<Option<Account>, StoreError> {
    let mut sql = connection.sql(&format!("{ACCOUNTS} WHERE a.id = "));
    sql.bind(id);
    let row: Option<AccountRow> = connection.row(&sql)?;
    row.map(Account::try_from).transpose()
}

/// The person of an id, or else of a logon name.
pub(super) fn bindable(
    connection: &mut Connection,
    name_or_id: &str,
) -> Result<Option<BoundPerson>, StoreError> {
    let mut sql = connection.sql("SELECT id, user_name, status FROM users WHERE ");
    match ResourceId::parse(name_or_id) {
        Some(id) => sql.push("id = ").bind(id.to_string()),
        // Whoever is archived has given the name back.
        None => sql
            .push("status <> 'archived' AND user_name_key = ")
            .bind(Key::of(name_or_id.trim())),
    };
    let row: Option<BindableRow> = connection.row(&sql)?;
    Ok(row.map(|row| BoundPerson {
        id: row.id,
        active: is_active(&row.status),
        user_name: Some(row.user_name),
    }))
}

fn is_active(status: &str) -> bool {
    status == Status::Active.as_str()
}

/// Binds an account to a person who is active, or to nobody.
pub(super) fn bind(
    connection: &mut Connection,
    id: &str,
    person: Option<&str>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE accounts SET user_id = ");
    sql.bind(person).push(" WHERE id = ").bind(id);
    there(connection.execute(&sql)?)?;
    hold_open(connection, id)
}

/// Holds an account until the transaction ends, and the person whom it is bound to: neither is it
/// bound nor does the person leave beside it. Fails where the person is not active, or the account
/// is gone.
pub(super) fn hold_open(connection: &mut Connection, id: &str) -> Result<(), StoreError> {
    let mut sql = connection.sql("SELECT user_id FROM accounts WHERE id = ");
    sql.bind(id).for_update();
    let row: BoundRow = connection.row(&sql)?.ok_or(StoreError::Stale)?;
    let Some(person) = row.user_id else {
        return Ok(());
    };
    let mut sql =
        connection.sql("SELECT id AS user_id FROM users WHERE status = 'active' AND id = ");
    sql.bind(&person).for_update();
    match connection.row::<BoundRow>(&sql)? {
        Some(_) => Ok(()),
        None => Err(StoreError::Stale),
    }
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            name: row.name,
            role: Role::parse(&row.role).ok_or_else(|| unreadable("accounts.role"))?,
            password: PasswordHash(row.password_hash),
            created: instant(row.created_at),
            failures: row.failures,
            failed: row.failed_at.map(instant),
            openid: row
                .issuer
                .zip(row.subject)
                .map(|(issuer, subject)| OpenIdSubject { issuer, subject }),
            person: row.user_id.map(|id| BoundPerson {
                id,
                user_name: row.user_name,
                active: row.user_status.as_deref().is_some_and(is_active),
            }),
        })
    }
}

/// Notes a failed sign-in.
pub(super) fn note_failure(
    connection: &mut Connection,
    id: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE accounts SET failures = failures + 1, failed_at = ");
    sql.bind(millis(at)).push(" WHERE id = ").bind(id);
    connection.execute(&sql)?;
    Ok(())
}

/// Forgets failed sign-ins.
pub(super) fn forget_failures(connection: &mut Connection, id: &str) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE accounts SET failures = 0, failed_at = NULL WHERE id = ");
    sql.bind(id);
    connection.execute(&sql)?;
    Ok(())
}

pub(super) fn set_password(
    connection: &mut Connection,
    name: &str,
    password: &PasswordHash,
) -> Result<bool, StoreError> {
    let mut sql =
        connection.sql("UPDATE accounts SET failures = 0, failed_at = NULL, password_hash = ");
    sql.bind(&password.0)
        .push(" WHERE name_key = ")
        .bind(fold(name.trim()));
    Ok(connection.execute(&sql)? > 0)
}

/// How many administrators there are whom nobody's leaving ends, and how many of them sign in with a
/// password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Administrators {
    all: i64,
    local: i64,
}

#[derive(diesel::QueryableByName)]
struct AdministratorsRow {
    #[diesel(sql_type = BigInt)]
    everyone: i64,
    #[diesel(sql_type = BigInt)]
    local: i64,
}

/// The audit's chain is locked by then, so that of two administrators who go at once the second one
/// stays.
pub(super) fn administrators(connection: &mut Connection) -> Result<Administrators, StoreError> {
    let sql = connection.sql(
        "SELECT count(*) AS everyone, count(*) - count(issuer) AS local FROM accounts \
         WHERE role = 'administrator' AND user_id IS NULL",
    );
    let row: Option<AdministratorsRow> = connection.row(&sql)?;
    let row = row.ok_or_else(|| unreadable("accounts"))?;
    Ok(Administrators {
        all: row.everyone,
        local: row.local,
    })
}

/// Fails where the last administrator went who is bound to nobody, or the last one of them who signs
/// in without a provider.
pub(super) fn check_administrators(
    connection: &mut Connection,
    before: Administrators,
) -> Result<(), StoreError> {
    let after = administrators(connection)?;
    let last = |before: i64, after: i64| before > 0 && after == 0;
    match last(before.all, after.all) || last(before.local, after.local) {
        true => Err(StoreError::Conflict { attribute: "role" }),
        false => Ok(()),
    }
}

pub(super) fn set_role(
    connection: &mut Connection,
    id: &str,
    role: Role,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("UPDATE accounts SET role = ");
    sql.bind(role.as_str()).push(" WHERE id = ").bind(id);
    there(connection.execute(&sql)?)
}

pub(super) fn delete(connection: &mut Connection, id: &str) -> Result<(), StoreError> {
    let mut sql = connection.sql("DELETE FROM accounts WHERE id = ");
    sql.bind(id);
    there(connection.execute(&sql)?)
}

fn there(changed: usize) -> Result<(), StoreError> {
    match changed {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

pub(super) fn insert_key(connection: &mut Connection, key: &ApiKey) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "INSERT INTO api_keys (id, name, name_key, role, scopes, hash, created_at, expires_at, \
         made_by, account_id) VALUES (",
    );
    sql.bind(&key.id).push(", ").bind(&key.name);
    sql.push(", ").bind(fold(&key.name));
    sql.push(", ").bind(key.role.as_str());
    sql.push(", ").bind(key.scopes.to_string());
    sql.push(", ").bind(&key.hash);
    sql.push(", ").bind(millis(key.created));
    sql.push(", ").bind(millis(key.expires));
    sql.push(", ").bind(key.made_by.clone());
    sql.push(", ").bind(key.account.clone()).push(")");
    connection.execute(&sql)?;
    Ok(())
}

const KEY_COLUMNS: &str =
    "id, name, role, scopes, hash, created_at, expires_at, revoked_at, made_by, account_id";

pub(super) fn keys(connection: &mut Connection) -> Result<Vec<ApiKey>, StoreError> {
    let sql = connection.sql(&format!(
        "SELECT {KEY_COLUMNS} FROM api_keys ORDER BY name_key"
    ));
    let rows: Vec<ApiKeyRow> = connection.rows(&sql)?;
    rows.into_iter().map(key).collect()
}

/// The keys that an account made and that are not revoked.
pub(super) fn keys_of(
    connection: &mut Connection,
    account: &str,
) -> Result<Vec<ApiKey>, StoreError> {
    let mut sql = connection.sql(&format!(
        "SELECT {KEY_COLUMNS} FROM api_keys WHERE revoked_at IS NULL AND account_id = "
    ));
    sql.bind(account);
    let rows: Vec<ApiKeyRow> = connection.rows(&sql)?;
    rows.into_iter().map(key).collect()
}

pub(super) fn find_key(
    connection: &mut Connection,
    hash: &str,
) -> Result<Option<ApiKey>, StoreError> {
    let mut sql = connection.sql(&format!("SELECT {KEY_COLUMNS} FROM api_keys WHERE hash = "));
    sql.bind(hash);
    connection.row::<ApiKeyRow>(&sql)?.map(key).transpose()
}

fn key(row: ApiKeyRow) -> Result<ApiKey, StoreError> {
    let role = Role::parse(&row.role).ok_or_else(|| unreadable("api_keys.role"))?;
    Ok(ApiKey {
        id: row.id,
        name: row.name,
        role,
        // A key from before there were scopes has those of its role.
        scopes: match row.scopes {
            None => Scopes::of(role),
            Some(scopes) => {
                Scopes::parse(scopes.split(',')).map_err(|_error| unreadable("api_keys.scopes"))?
            }
        },
        hash: row.hash,
        created: instant(row.created_at),
        expires: instant(row.expires_at),
        revoked: row.revoked_at.map(instant),
        made_by: row.made_by,
        account: row.account_id,
    })
}

/// Refuses what a key makes that was revoked. The audit's chain is locked by then, so that nothing is
/// made beside a revocation.
pub(super) fn check_maker(
    connection: &mut Connection,
    maker: Option<&str>,
) -> Result<(), StoreError> {
    let Some(maker) = maker else { return Ok(()) };
    let mut sql = connection.sql(&format!("SELECT {KEY_COLUMNS} FROM api_keys WHERE id = "));
    sql.bind(maker);
    let found = connection.row::<ApiKeyRow>(&sql)?.map(key).transpose()?;
    match found.is_some_and(|key| key.revoked.is_none()) {
        true => Ok(()),
        false => Err(StoreError::Stale),
    }
}

/// A key of an id and those that it made, and those that they made, in order of name.
pub(super) fn lineage(connection: &mut Connection, id: &str) -> Result<Vec<ApiKey>, StoreError> {
    let mut sql =
        connection.sql("WITH RECURSIVE made (id) AS (SELECT id FROM api_keys WHERE id = ");
    sql.bind(id);
    sql.push(&format!(
        " UNION SELECT k.id FROM api_keys k JOIN made ON k.made_by = made.id) \
         SELECT {KEY_COLUMNS} FROM api_keys WHERE id IN (SELECT id FROM made) ORDER BY name_key"
    ));
    let rows: Vec<ApiKeyRow> = connection.rows(&sql)?;
    rows.into_iter().map(key).collect()
}

/// Revokes a key; answers whether it was not before.
pub(super) fn revoke_key(
    connection: &mut Connection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql("UPDATE api_keys SET revoked_at = ");
    sql.bind(millis(now)).push(" WHERE id = ").bind(id);
    sql.push(" AND revoked_at IS NULL");
    Ok(connection.execute(&sql)? > 0)
}
