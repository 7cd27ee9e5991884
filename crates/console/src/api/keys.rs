//! The keys of the instance. What changes them needs the key file, and is for the command line.

use super::Problem;
use super::access::Auditor;
use super::answer::Page;
use super::operation::{Operation, operations};
use crate::documents::{self, InstanceKey};

pub(super) fn operations() -> Vec<Operation> {
    operations![list_keys]
}

/// List the keys with which tokens are signed and secrets are sealed, and what needs them.
#[utoipa::path(get, path = "/keys")]
fn list_keys(by: Auditor) -> Result<Page<InstanceKey>, Problem> {
    let keys = by.admin.keys()?;
    Ok(Page::whole(keys.iter().map(documents::key).collect()))
}
