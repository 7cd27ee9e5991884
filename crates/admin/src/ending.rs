//! What ends with an API key, and with the person whose account it is.

use chrono::{DateTime, Utc};
use scim_provisioning::StoreError;

use crate::account::EndedAccount;
use crate::api_key::{ApiKey, MadeByKey};
use crate::error::AdminError;
use crate::event::AuditEntry;
use crate::rotation;
use crate::store::{AdminTransaction, AdminView};

/// What ends with a key: what it made, and what that made.
pub(crate) fn made_by_key(
    rows: &mut dyn AdminView,
    id: &str,
    now: DateTime<Utc>,
) -> Result<MadeByKey, StoreError> {
    let mut keys = lineage(rows.api_keys()?, id);
    let mut streams = rows.streams()?;
    let ids: Vec<String> = keys.iter().map(|key| key.id.clone()).collect();
    keys.retain(|key| key.id != id && key.is_live(now));
    let mut tokens = rows.tokens_made_by(&ids)?;
    tokens.retain(|(token, _)| token.is_live(now));
    streams.retain(|stream| stream.made_by.as_ref().is_some_and(|by| ids.contains(by)));
    Ok(MadeByKey {
        keys,
        tokens,
        streams,
    })
}

/// A key and those that it made, and those that they made, in the order that they came in.
fn lineage(mut keys: Vec<ApiKey>, id: &str) -> Vec<ApiKey> {
    let mut made = vec![id.to_owned()];
    let mut next = 0;
    while let Some(maker) = made.get(next).cloned() {
        let of_maker = keys
            .iter()
            .filter(|key| key.made_by.as_ref() == Some(&maker));
        let new: Vec<String> = of_maker
            .filter(|key| !made.contains(&key.id))
            .map(|key| key.id.clone())
            .collect();
        made.extend(new);
        next += 1;
    }
    keys.retain(|key| made.contains(&key.id));
    keys
}

/// Revokes a key and what ends with it; `None` where it is revoked already. Nothing is made beside
/// it: [`check_maker`] waits for it.
pub(crate) fn revoke_key(
    rows: &mut dyn AdminTransaction,
    id: &str,
    now: DateTime<Utc>,
) -> Result<Option<MadeByKey>, StoreError> {
    rows.lock_audit()?;
    let made = made_by_key(rows, id, now)?;
    if !rows.revoke_api_key(id, now)? {
        return Ok(None);
    }
    for key in &made.keys {
        rows.revoke_api_key(&key.id, now)?;
    }
    for (token, _) in &made.tokens {
        rotation::revoke_token(rows, token, now)?;
    }
    for stream in &made.streams {
        rows.delete_stream(stream)?;
    }
    Ok(Some(made))
}

/// Refuses what a key makes that was revoked. The audit's chain is locked from then on, so that
/// nothing is made beside a revocation.
pub(crate) fn check_maker(
    rows: &mut dyn AdminTransaction,
    maker: Option<&str>,
) -> Result<(), AdminError> {
    let Some(maker) = maker else { return Ok(()) };
    rows.lock_audit()?;
    let stands = |key: &ApiKey| key.id == maker && key.revoked.is_none();
    match rows.api_keys()?.iter().any(stands) {
        true => Ok(()),
        false => Err(AdminError::Stale),
    }
}

/// Ends the sessions, the device links and the API keys of the accounts that are bound to a person
/// who is not active any more, and what those keys made; answers what the audit says of it. For
/// stores: whatever makes a person inactive does it in the same transaction.
///
/// # Errors
/// A fault of the store.
pub fn end_accounts_of(
    rows: &mut dyn AdminTransaction,
    person: &str,
    now: DateTime<Utc>,
) -> Result<Vec<AuditEntry>, StoreError> {
    let mut trail = Vec::new();
    let mut accounts = rows.accounts()?;
    accounts.retain(|account| {
        account
            .person
            .as_ref()
            .is_some_and(|bound| bound.id == person)
    });
    for account in accounts {
        rows.delete_device_links_of(&account.id)?;
        let sessions = rows.delete_sessions_of(&account.id)?;
        let mut keys = rows.api_keys()?;
        keys.retain(|key| key.revoked.is_none() && key.account.as_ref() == Some(&account.id));
        // Who holds nothing has nothing that ends.
        if sessions == 0 && keys.is_empty() {
            continue;
        }
        let ended = EndedAccount {
            name: &account.name,
            person,
            sessions: i64::try_from(sessions).unwrap_or(i64::MAX),
            at: now,
        };
        trail.push(ended.entry());
        for key in keys {
            if let Some(made) = revoke_key(rows, &key.id, now)? {
                let entry = ended.entry_of(&key);
                let others = made.entries(&entry);
                trail.push(entry);
                trail.extend(others);
            }
        }
    }
    Ok(trail)
}
