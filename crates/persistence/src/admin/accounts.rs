//! Rows of `accounts` and `api_keys`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::account::{Account, BoundPerson, OpenIdSubject, PasswordHash, Role};
use scim_admin::api_key::ApiKey;
use scim_admin::scope::Scopes;
use scim_admin::store::{ReadAccounts, WriteAccounts};
use scim_protocol::text::fold;
use scim_provisioning::directory::Status;
use scim_provisioning::{ResourceId, StoreError};

use super::AdminRows;
use crate::condition::millis;
use crate::connection::Connection;
use crate::key::Key;
use crate::sql::Sql;
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

impl ReadAccounts for AdminRows<'_> {
    fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        let sql = self
            .connection
            .sql(&format!("{ACCOUNTS} ORDER BY a.name_key"));
        let rows: Vec<AccountRow> = self.connection.rows(&sql)?;
        rows.into_iter().map(Account::try_from).collect()
    }

    fn account(&mut self, id: &str) -> Result<Option<Account>, StoreError> {
        let mut sql = self.connection.sql(&format!("{ACCOUNTS} WHERE a.id = "));
        sql.bind(id);
        let row: Option<AccountRow> = self.connection.row(&sql)?;
        row.map(Account::try_from).transpose()
    }

    fn bindable(&mut self, person: ResourceId) -> Result<Option<BoundPerson>, StoreError> {
        let mut sql = self.connection.sql(BINDABLE);
        sql.push("id = ").bind(person.to_string());
        bindable(self.connection, &sql)
    }

    fn bindable_by_name(&mut self, user_name: &str) -> Result<Option<BoundPerson>, StoreError> {
        let mut sql = self.connection.sql(BINDABLE);
        sql.push("status <> 'archived' AND user_name_key = ")
            .bind(Key::of(user_name.trim()));
        bindable(self.connection, &sql)
    }
}

impl WriteAccounts for AdminRows<'_> {
    fn lock_account(&mut self, id: &str) -> Result<Option<Account>, StoreError> {
        let mut sql = self
            .connection
            .sql("SELECT user_id FROM accounts WHERE id = ");
        sql.bind(id).for_update();
        let row: Option<BoundRow> = self.connection.row(&sql)?;
        if let Some(person) = row.and_then(|row| row.user_id) {
            let mut sql = self
                .connection
                .sql("SELECT id AS user_id FROM users WHERE id = ");
            sql.bind(&person).for_update();
            self.connection.row::<BoundRow>(&sql)?;
        }
        self.account(id)
    }

    fn insert_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let mut sql = self.connection.sql(
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
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn set_account_password(
        &mut self,
        id: &str,
        password: &PasswordHash,
    ) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("UPDATE accounts SET failures = 0, failed_at = NULL, password_hash = ");
        sql.bind(&password.0).push(" WHERE id = ").bind(id);
        there(self.connection.execute(&sql)?)
    }

    fn set_account_role(&mut self, id: &str, role: Role) -> Result<(), StoreError> {
        let mut sql = self.connection.sql("UPDATE accounts SET role = ");
        sql.bind(role.as_str()).push(" WHERE id = ").bind(id);
        there(self.connection.execute(&sql)?)
    }

    fn set_account_person(&mut self, id: &str, person: Option<&str>) -> Result<(), StoreError> {
        let mut sql = self.connection.sql("UPDATE accounts SET user_id = ");
        sql.bind(person).push(" WHERE id = ").bind(id);
        there(self.connection.execute(&sql)?)
    }

    fn count_account_failure(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("UPDATE accounts SET failures = failures + 1, failed_at = ");
        sql.bind(millis(at)).push(" WHERE id = ").bind(id);
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn forget_account_failures(&mut self, id: &str) -> Result<(), StoreError> {
        let mut sql = self
            .connection
            .sql("UPDATE accounts SET failures = 0, failed_at = NULL WHERE id = ");
        sql.bind(id);
        self.connection.execute(&sql)?;
        Ok(())
    }

    fn delete_account(&mut self, id: &str) -> Result<(), StoreError> {
        let mut sql = self.connection.sql("DELETE FROM accounts WHERE id = ");
        sql.bind(id);
        there(self.connection.execute(&sql)?)
    }
}

const ACCOUNTS: &str = "SELECT a.id, a.name, a.role, a.password_hash, a.created_at, a.failures, \
    a.failed_at, a.issuer, a.subject, a.user_id, u.user_name, u.status AS user_status \
    FROM accounts a LEFT JOIN users u ON u.id = a.user_id";

const BINDABLE: &str = "SELECT id, user_name, status FROM users WHERE ";

fn bindable(connection: &mut Connection, sql: &Sql) -> Result<Option<BoundPerson>, StoreError> {
    let row: Option<BindableRow> = connection.row(sql)?;
    Ok(row.map(|row| BoundPerson {
        id: row.id,
        active: is_active(&row.status),
        user_name: Some(row.user_name),
    }))
}

fn is_active(status: &str) -> bool {
    status == Status::Active.as_str()
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

fn there(changed: usize) -> Result<(), StoreError> {
    match changed {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

/// Holds an account until the transaction ends, and the person whom it is bound to. Fails where the
/// person is not active, or the account is gone.
pub(super) fn hold_open(connection: &mut Connection, id: &str) -> Result<(), StoreError> {
    match (AdminRows { connection }).lock_account(id)? {
        Some(account) if account.is_open() => Ok(()),
        _ => Err(StoreError::Stale),
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
