//! Rows of `accounts` and `api_keys`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_admin::account::{Account, BoundPerson, OpenIdSubject, PasswordHash, Role};
use scim_admin::store::{ReadAccounts, WriteAccounts};
use scim_protocol::text::fold;
use scim_provisioning::directory::Status;
use scim_provisioning::{ResourceId, StoreError};

use super::AdminRows;
use crate::connection::Connection;
use crate::error::unreadable;
use crate::key::Key;
use crate::sql::Sql;
use crate::time::{instant, millis};

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
