//! The accounts of the console. Nobody makes or changes one with a key.

use serde::Deserialize;
use utoipa::IntoParams;

use super::Problem;
use super::access::Auditor;
use super::answer::{One, Page};
use super::extract::Path;
use super::operation::{Operation, operations};
use crate::documents::{self, Account};

pub(super) fn operations() -> Vec<Operation> {
    operations![list_accounts, show_account]
}

/// The account that a path is about.
#[derive(Deserialize, IntoParams)]
struct AccountPath {
    /// The id
    #[param(pattern = "^[0-9A-Za-z-]{1,64}$")]
    account: String,
}

/// List the console accounts.
#[utoipa::path(get, path = "/accounts")]
fn list_accounts(by: Auditor) -> Result<Page<Account>, Problem> {
    let found = by.admin.accounts()?;
    Ok(Page::whole(found.iter().map(documents::account).collect()))
}

/// Read a console account.
#[utoipa::path(get, path = "/accounts/{account}")]
fn show_account(by: Auditor, Path(path): Path<AccountPath>) -> Result<One<Account>, Problem> {
    let found = by.admin.account(&path.account)?;
    Ok(One::new(documents::account(&found)))
}
