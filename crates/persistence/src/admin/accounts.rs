//! Rows of `accounts` and `api_keys`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::account::{Account, OpenIdSubject, PasswordHash, Role};
use scim_admin::api_key::ApiKey;
use scim_admin::scope::Scopes;
use scim_protocol::text::fold;
use scim_provisioning::StoreError;

use crate::condition::millis;
use crate::connection::Connection;
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

const COLUMNS: &str =
    "id, name, role, password_hash, created_at, failures, failed_at, issuer, subject";

pub(super) fn list(connection: &mut Connection) -> Result<Vec<Account>, StoreError> {
    let sql = connection.sql(&format!("SELECT {COLUMNS} FROM accounts ORDER BY name_key"));
    let rows: Vec<AccountRow> = connection.rows(&sql)?;
    rows.into_iter().map(Account::try_from).collect()
}

pub(super) fn find(connection: &mut Connection, id: &str) -> Result<Option<Account>, StoreError> {
    let mut sql = connection.sql(&format!("SELECT {COLUMNS} FROM accounts WHERE id = "));
    sql.bind(id);
    let row: Option<AccountRow> = connection.row(&sql)?;
    row.map(Account::try_from).transpose()
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

/// How many administrators there are, and how many of them sign in with a password.
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
         WHERE role = 'administrator'",
    );
    let row: Option<AdministratorsRow> = connection.row(&sql)?;
    let row = row.ok_or_else(|| unreadable("accounts"))?;
    Ok(Administrators {
        all: row.everyone,
        local: row.local,
    })
}

/// Fails where the last administrator went, or the last one who signs in without a provider.
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
         made_by) VALUES (",
    );
    sql.bind(&key.id).push(", ").bind(&key.name);
    sql.push(", ").bind(fold(&key.name));
    sql.push(", ").bind(key.role.as_str());
    sql.push(", ").bind(key.scopes.to_string());
    sql.push(", ").bind(&key.hash);
    sql.push(", ").bind(millis(key.created));
    sql.push(", ").bind(millis(key.expires));
    sql.push(", ").bind(key.made_by.clone()).push(")");
    connection.execute(&sql)?;
    Ok(())
}

const KEY_COLUMNS: &str =
    "id, name, role, scopes, hash, created_at, expires_at, revoked_at, made_by";

pub(super) fn keys(connection: &mut Connection) -> Result<Vec<ApiKey>, StoreError> {
    let sql = connection.sql(&format!(
        "SELECT {KEY_COLUMNS} FROM api_keys ORDER BY name_key"
    ));
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
