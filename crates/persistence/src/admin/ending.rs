//! What ends with the person whose account it is.

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use super::AdminRows;
use crate::connection::Connection;
use crate::log;

/// Ends what the accounts hold that are bound to a person who is not active any more.
pub(crate) fn end_accounts_of(
    connection: &mut Connection,
    person: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut rows = AdminRows { connection };
    let trail = scim_admin::ending::end_accounts_of(&mut rows, person, now)?;
    for entry in &trail {
        log::audit(connection, entry)?;
    }
    Ok(())
}
