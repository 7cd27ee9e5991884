//! Rows of `accounts`.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, Insertable, JoinOnDsl, NullableExpressionMethods, QueryDsl, Queryable,
    Selectable, SelectableHelper,
};
use scim_admin::account::{Account, BoundPerson, OpenIdSubject, PasswordHash, Role};
use scim_admin::store::{ReadAccounts, WriteAccounts};
use scim_protocol::text::fold;
use scim_provisioning::directory::Status;
use scim_provisioning::{ResourceId, StoreError};

use super::{AdminRows, there};
use crate::error::{readable, unreadable};
use crate::key::Key;
use crate::nodes::locked;
use crate::schema::{accounts, users};
use crate::time::{instant, millis};

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct AccountRow {
    id: String,
    name: String,
    role: String,
    password_hash: String,
    created_at: i64,
    failures: i64,
    failed_at: Option<i64>,
    issuer: Option<String>,
    subject: Option<String>,
    user_id: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = accounts)]
struct NewAccount<'a> {
    id: &'a str,
    name: &'a str,
    name_key: String,
    role: &'a str,
    password_hash: &'a str,
    created_at: i64,
    issuer: Option<&'a str>,
    subject: Option<&'a str>,
}

/// An account with the logon name and the status of the person to whom it is bound, as long as that
/// person is there.
type WithPerson = (AccountRow, Option<String>, Option<String>);

/// A query of accounts, each [`WithPerson`].
macro_rules! accounts {
    () => {
        accounts::table
            .left_join(users::table.on(users::id.nullable().eq(accounts::user_id)))
            .select((
                AccountRow::as_select(),
                users::user_name.nullable(),
                users::status.nullable(),
            ))
    };
}

/// A query of people, for [`bindable`].
macro_rules! bindable {
    () => {
        users::table.select((users::id, users::user_name, users::status))
    };
}

impl ReadAccounts for AdminRows<'_> {
    fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        let query = accounts!().order(accounts::name_key);
        let rows: Vec<WithPerson> = self.connection.load(query)?;
        let id = |(row, ..): &WithPerson| row.id.clone();
        let nobody = rows.is_empty();
        let accounts = readable(rows, "accounts", id, account);
        // Where there is nobody, whoever comes first is made an administrator.
        match accounts.is_empty() && !nobody {
            true => Err(unreadable("accounts.role")),
            false => Ok(accounts),
        }
    }

    fn account(&mut self, id: &str) -> Result<Option<Account>, StoreError> {
        let query = accounts!().filter(accounts::id.eq(id));
        let row: Option<WithPerson> = self.connection.first(query)?;
        row.map(account).transpose()
    }

    fn bindable(&mut self, person: ResourceId) -> Result<Option<BoundPerson>, StoreError> {
        let query = bindable!().filter(users::id.eq(person.to_string()));
        Ok(self.connection.first(query)?.map(bindable))
    }

    fn bindable_by_name(&mut self, user_name: &str) -> Result<Option<BoundPerson>, StoreError> {
        let query = bindable!()
            .filter(users::status.ne(Status::Archived.as_str()))
            .filter(users::user_name_key.eq(Key::of(user_name.trim()).as_str().to_owned()));
        Ok(self.connection.first(query)?.map(bindable))
    }
}

impl WriteAccounts for AdminRows<'_> {
    fn lock_account(&mut self, id: &str) -> Result<Option<Account>, StoreError> {
        let bound = accounts::table.find(id).select(accounts::user_id);
        let bound = locked(self.connection, bound);
        let bound: Option<Option<String>> = self.connection.first(bound)?;
        if let Some(person) = bound.flatten() {
            let person = users::table.find(person).select(users::id);
            let person = locked(self.connection, person);
            self.connection.first::<String, _>(person)?;
        }
        self.account(id)
    }

    fn insert_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let openid = account.openid.as_ref();
        let insert = diesel::insert_into(accounts::table).values(NewAccount {
            id: &account.id,
            name: &account.name,
            name_key: fold(&account.name),
            role: account.role.as_str(),
            password_hash: &account.password.0,
            created_at: millis(account.created),
            issuer: openid.map(|openid| openid.issuer.as_str()),
            subject: openid.map(|openid| openid.subject.as_str()),
        });
        self.connection.execute(insert).map(drop)
    }

    fn set_account_password(
        &mut self,
        id: &str,
        password: &PasswordHash,
    ) -> Result<(), StoreError> {
        let update = diesel::update(accounts::table.find(id)).set((
            accounts::password_hash.eq(&password.0),
            accounts::failures.eq(0),
            accounts::failed_at.eq(None::<i64>),
        ));
        there(self.connection.execute(update)?)
    }

    fn set_account_role(&mut self, id: &str, role: Role) -> Result<(), StoreError> {
        let update = diesel::update(accounts::table.find(id)).set(accounts::role.eq(role.as_str()));
        there(self.connection.execute(update)?)
    }

    fn set_account_person(&mut self, id: &str, person: Option<&str>) -> Result<(), StoreError> {
        let update = diesel::update(accounts::table.find(id)).set(accounts::user_id.eq(person));
        there(self.connection.execute(update)?)
    }

    fn count_account_failure(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let update = diesel::update(accounts::table.find(id)).set((
            accounts::failures.eq(accounts::failures + 1),
            accounts::failed_at.eq(millis(at)),
        ));
        self.connection.execute(update).map(drop)
    }

    fn forget_account_failures(&mut self, id: &str) -> Result<(), StoreError> {
        let update = diesel::update(accounts::table.find(id)).set((
            accounts::failures.eq(0),
            accounts::failed_at.eq(None::<i64>),
        ));
        self.connection.execute(update).map(drop)
    }

    fn delete_account(&mut self, id: &str) -> Result<(), StoreError> {
        let delete = diesel::delete(accounts::table.find(id));
        there(self.connection.execute(delete)?)
    }
}

fn account((row, user_name, status): WithPerson) -> Result<Account, StoreError> {
    Ok(Account {
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
            user_name,
            active: status.as_deref().is_some_and(is_active),
        }),
    })
}

fn bindable((id, user_name, status): (String, String, String)) -> BoundPerson {
    BoundPerson {
        id,
        active: is_active(&status),
        user_name: Some(user_name),
    }
}

fn is_active(status: &str) -> bool {
    status == Status::Active.as_str()
}
