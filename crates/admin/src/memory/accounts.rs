//! Console accounts in memory.

use chrono::{DateTime, Utc};
use scim_protocol::text::fold;
use scim_provisioning::directory::Status;
use scim_provisioning::{ResourceId, StoreError};

use super::rows::Rows;
use crate::account::{Account, BoundPerson, PasswordHash, Role};
use crate::store::{ReadAccounts, WriteAccounts};

impl Rows {
    /// An account with the person to whom it is bound, as that person is now.
    fn with_person(&self, account: &Account) -> Account {
        let person = account.person.as_ref();
        Account {
            person: person.map(|person| self.bound(&person.id)),
            ..account.clone()
        }
    }

    fn account_mut(&mut self, id: &str) -> Result<&mut Account, StoreError> {
        let found = self.accounts.iter_mut().find(|account| account.id == id);
        found.ok_or(StoreError::Stale)
    }
}

impl ReadAccounts for Rows {
    fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        let accounts = self.accounts.iter();
        let mut accounts: Vec<_> = accounts.map(|account| self.with_person(account)).collect();
        accounts.sort_by_key(|account| fold(&account.name));
        Ok(accounts)
    }

    fn account(&mut self, id: &str) -> Result<Option<Account>, StoreError> {
        let found = self.accounts.iter().find(|account| account.id == id);
        Ok(found.map(|account| self.with_person(account)))
    }

    fn bindable(&mut self, person: ResourceId) -> Result<Option<BoundPerson>, StoreError> {
        let id = person.to_string();
        Ok(self.bindable_that(|person| person.id == id))
    }

    fn bindable_by_name(&mut self, user_name: &str) -> Result<Option<BoundPerson>, StoreError> {
        let key = fold(user_name.trim());
        Ok(self.bindable_that(|person| {
            person.status != Status::Archived && fold(&person.user_name) == key
        }))
    }
}

impl WriteAccounts for Rows {
    fn lock_account(&mut self, id: &str) -> Result<Option<Account>, StoreError> {
        self.account(id)
    }

    fn insert_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let key = fold(&account.name);
        if self.accounts.iter().any(|known| fold(&known.name) == key) {
            return Err(StoreError::Conflict { attribute: "name" });
        }
        self.accounts.push(account.clone());
        Ok(())
    }

    fn set_account_password(
        &mut self,
        id: &str,
        password: &PasswordHash,
    ) -> Result<(), StoreError> {
        let account = self.account_mut(id)?;
        account.password = password.clone();
        account.failures = 0;
        account.failed = None;
        Ok(())
    }

    fn set_account_role(&mut self, id: &str, role: Role) -> Result<(), StoreError> {
        self.account_mut(id)?.role = role;
        Ok(())
    }

    fn set_account_person(&mut self, id: &str, person: Option<&str>) -> Result<(), StoreError> {
        let bound = person.map(|person| self.bound(person));
        self.account_mut(id)?.person = bound;
        Ok(())
    }

    fn count_account_failure(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let account = self.account_mut(id)?;
        account.failures += 1;
        account.failed = Some(at);
        Ok(())
    }

    fn forget_account_failures(&mut self, id: &str) -> Result<(), StoreError> {
        let account = self.account_mut(id)?;
        account.failures = 0;
        account.failed = None;
        Ok(())
    }

    fn delete_account(&mut self, id: &str) -> Result<(), StoreError> {
        self.account_mut(id)?;
        self.accounts.retain(|account| account.id != id);
        self.sessions.retain(|session| session.account != id);
        self.devices.retain(|_, device| device.account != id);
        self.device_links.retain(|_, link| link.account != id);
        Ok(())
    }
}
