//! Rows of `accounts` and `api_keys`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::account::{Account, OpenIdSubject, PasswordHash, Role};
use scim_admin::api_key::ApiKey;
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
    #[diesel(sql_type = Text)]
    hash: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    expires_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    revoked_at: Option<i64>,
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

/// Fails where no administrator is left. The audit's chain is locked by then, so that of two
/// administrators who go at once the second one stays.
pub(super) fn check_administrators(connection: &mut Connection) -> Result<(), StoreError> {
    let sql = connection.sql(&format!(
        "SELECT {COLUMNS} FROM accounts WHERE role = 'administrator' LIMIT 1"
    ));
    match connection.row::<AccountRow>(&sql)? {
        Some(_) => Ok(()),
        None => Err(StoreError::Conflict { attribute: "role" }),
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
        "INSERT INTO api_keys (id, name, name_key, role, hash, created_at, expires_at) VALUES (",
    );
    sql.bind(&key.id).push(", ").bind(&key.name);
    sql.push(", ").bind(fold(&key.name));
    sql.push(", ").bind(key.role.as_str());
    sql.push(", ").bind(&key.hash);
    sql.push(", ").bind(millis(key.created));
    sql.push(", ").bind(millis(key.expires)).push(")");
    connection.execute(&sql)?;
    Ok(())
}

const KEY_COLUMNS: &str = "id, name, role, hash, created_at, expires_at, revoked_at";

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
    Ok(ApiKey {
        id: row.id,
        name: row.name,
        role: Role::parse(&row.role).ok_or_else(|| unreadable("api_keys.role"))?,
        hash: row.hash,
        created: instant(row.created_at),
        expires: instant(row.expires_at),
        revoked: row.revoked_at.map(instant),
    })
}

pub(super) fn revoke_key(
    connection: &mut Connection,
    name_or_id: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut sql = connection.sql("UPDATE api_keys SET revoked_at = ");
    sql.bind(millis(now))
        .push(" WHERE revoked_at IS NULL AND (id = ");
    sql.bind(name_or_id).push(" OR name_key = ");
    sql.bind(fold(name_or_id.trim())).push(")");
    Ok(connection.execute(&sql)? > 0)
}
