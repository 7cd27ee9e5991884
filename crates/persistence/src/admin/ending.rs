//! What ends with an API key, and with the person whose account it is.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use scim_admin::account::EndedAccount;
use scim_admin::api_key::MadeByKey;
use scim_admin::event::AuditEntry;
use scim_admin::store::{WriteDevices, WriteSessions};
use scim_provisioning::StoreError;

use super::{AdminRows, accounts, tokens};
use crate::connection::Connection;
use crate::log;

#[derive(QueryableByName)]
struct EndedRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    sessions: i64,
    #[diesel(sql_type = BigInt)]
    api_keys: i64,
}

/// What ends with a key: what it made, and what that made.
pub(super) fn made_by_key(
    connection: &mut Connection,
    id: &str,
    now: DateTime<Utc>,
) -> Result<MadeByKey, StoreError> {
    let mut keys = accounts::lineage(connection, id)?;
    let ids: Vec<String> = keys.iter().map(|key| key.id.clone()).collect();
    keys.retain(|key| key.id != id && key.is_live(now));
    let tokens = tokens::made_by(connection, &ids, now)?;
    Ok(MadeByKey { keys, tokens })
}

/// Revokes a key and what ends with it. The audit's chain is locked by then, with the entry of the
/// key, so that nothing is made beside it.
pub(super) fn revoke_key(
    connection: &mut Connection,
    id: &str,
    now: DateTime<Utc>,
    audit: &AuditEntry,
) -> Result<MadeByKey, StoreError> {
    let made = made_by_key(connection, id, now)?;
    if !accounts::revoke_key(connection, id, now)? {
        return Err(StoreError::Stale);
    }
    for key in &made.keys {
        accounts::revoke_key(connection, &key.id, now)?;
    }
    for (token, _) in &made.tokens {
        tokens::revoke(connection, &token.id, now)?;
    }
    for entry in made.entries(audit) {
        log::audit(connection, &entry)?;
    }
    Ok(made)
}

/// Ends the sessions, the links and the API keys of the accounts that are bound to a person who is
/// not active any more, and what those keys made. An account that has none of them is left alone.
pub(crate) fn end_accounts_of(
    connection: &mut Connection,
    person: &str,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql(
        "SELECT a.id, a.name, \
         (SELECT count(*) FROM sessions s WHERE s.account_id = a.id) AS sessions, \
         (SELECT count(*) FROM api_keys k WHERE k.account_id = a.id AND k.revoked_at IS NULL) \
         AS api_keys FROM accounts a WHERE a.user_id = ",
    );
    sql.bind(person);
    let bound: Vec<EndedRow> = connection.rows(&sql)?;
    for row in bound {
        AdminRows { connection }.delete_device_links_of(&row.id)?;
        if row.sessions == 0 && row.api_keys == 0 {
            continue;
        }
        let ended = EndedAccount {
            name: &row.name,
            person,
            sessions: row.sessions,
            at: now,
        };
        log::audit(connection, &ended.entry())?;
        AdminRows { connection }.delete_sessions_of(&row.id)?;
        for key in accounts::keys_of(connection, &row.id)? {
            let entry = ended.entry_of(&key);
            log::audit(connection, &entry)?;
            revoke_key(connection, &key.id, now, &entry)?;
        }
    }
    Ok(())
}
