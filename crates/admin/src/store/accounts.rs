//! Rows of console accounts.

use chrono::{DateTime, Utc};
use scim_provisioning::{ResourceId, StoreError};

use crate::account::{Account, BoundPerson, PasswordHash, Role};

/// Reading console accounts.
pub trait ReadAccounts {
    /// The accounts, in order of name.
    ///
    /// # Errors
    /// A fault of the store; so for every call of the port that names no other.
    fn accounts(&mut self) -> Result<Vec<Account>, StoreError>;

    /// The account of an id.
    ///
    /// # Errors
    /// A fault of the store.
    fn account(&mut self, id: &str) -> Result<Option<Account>, StoreError>;

    /// The person of an id, as one whom an account may be bound to.
    ///
    /// # Errors
    /// A fault of the store.
    fn bindable(&mut self, person: ResourceId) -> Result<Option<BoundPerson>, StoreError>;

    /// The person who has a logon name now: whoever is archived has given it back.
    ///
    /// # Errors
    /// A fault of the store.
    fn bindable_by_name(&mut self, user_name: &str) -> Result<Option<BoundPerson>, StoreError>;
}

/// Changing console accounts.
pub trait WriteAccounts {
    /// The account of an id, locked until the transaction ends, and with it the person whom it is
    /// bound to: neither is it bound nor does the person leave beside it.
    ///
    /// # Errors
    /// A fault of the store.
    fn lock_account(&mut self, id: &str) -> Result<Option<Account>, StoreError>;

    /// Inserts an account.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the name is in use.
    fn insert_account(&mut self, account: &Account) -> Result<(), StoreError>;

    /// Sets the password of an account and forgets its failures.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when there is no such account; so for every change of one account.
    fn set_account_password(&mut self, id: &str, password: &PasswordHash)
    -> Result<(), StoreError>;

    /// Sets the role of an account.
    ///
    /// # Errors
    /// [`StoreError::Stale`].
    fn set_account_role(&mut self, id: &str, role: Role) -> Result<(), StoreError>;

    /// Binds an account to a person by id, or to nobody.
    ///
    /// # Errors
    /// [`StoreError::Stale`].
    fn set_account_person(&mut self, id: &str, person: Option<&str>) -> Result<(), StoreError>;

    /// Counts a sign-in that failed.
    ///
    /// # Errors
    /// A fault of the store.
    fn count_account_failure(&mut self, id: &str, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Forgets the sign-ins that failed.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_account_failures(&mut self, id: &str) -> Result<(), StoreError>;

    /// Deletes an account, with what hangs on it.
    ///
    /// # Errors
    /// [`StoreError::Stale`].
    fn delete_account(&mut self, id: &str) -> Result<(), StoreError>;
}
