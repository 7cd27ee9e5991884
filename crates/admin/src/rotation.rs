//! How tokens give way to one another: how many there are, when the old one ends, and what becomes
//! of that when one of them is revoked.
//!
//! Whoever calls these holds the configuration's lock, or that of the audit's chain as the end of a
//! key does: what a key makes waits for the chain, so that no token of it comes in between.

use chrono::{DateTime, Duration, Utc};
use scim_provisioning::{ConfigurationId, StoreError};

use crate::error::AdminError;
use crate::store::AdminTransaction;
use crate::token::{AccessToken, LIVE, Retirement};

/// Adds a token beside those that are live, which go on until it was used, and for `overlap` after
/// that.
///
/// # Errors
/// [`AdminError::TooManyTokens`].
pub(crate) fn add_token(
    rows: &mut dyn AdminTransaction,
    token: &AccessToken,
    overlap: Duration,
    now: DateTime<Utc>,
) -> Result<(), AdminError> {
    let mut live = rows.tokens(token.configuration)?;
    live.retain(|token| token.is_live(now));
    if live.len() >= LIVE {
        return Err(AdminError::TooManyTokens(LIVE));
    }
    for old in live {
        rows.update_token(&AccessToken {
            retirement: Some(Retirement {
                by: token.id.clone(),
                overlap,
                at: None,
            }),
            ..old
        })?;
    }
    Ok(rows.insert_token(token)?)
}

/// Revokes a token; answers whether it was not before. A token whose place it was to take, and that
/// is not over yet, goes on as before: nothing takes its place any more.
pub(crate) fn revoke_token(
    rows: &mut dyn AdminTransaction,
    token: &AccessToken,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let revoked = AccessToken {
        revoked: Some(now),
        ..token.clone()
    };
    if !rows.update_token(&revoked)? {
        return Ok(false);
    }
    for other in giving_way_to(rows, token.configuration, &token.id)? {
        let at = other.retirement.as_ref().and_then(|retiring| retiring.at);
        if at.is_none_or(|at| at > now) {
            rows.update_token(&AccessToken {
                retirement: None,
                ..other
            })?;
        }
    }
    Ok(true)
}

/// Lets a token end at a time, whatever its retirement said. Who takes it over keeps it from ending
/// with the key that made it.
pub(crate) fn set_end(
    rows: &mut dyn AdminTransaction,
    token: AccessToken,
    end: DateTime<Utc>,
    taken_over: bool,
) -> Result<(), StoreError> {
    rows.update_token(&AccessToken {
        expires: Some(end),
        retirement: None,
        made_by: token.made_by.filter(|_| !taken_over),
        ..token
    })?;
    Ok(())
}

/// Notes the first use of a token, with which begins the end of the one whose place it takes;
/// answers whether it was the first.
pub(crate) fn begin(
    rows: &mut dyn AdminTransaction,
    configuration: ConfigurationId,
    id: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let tokens = rows.tokens(configuration)?;
    let new = |token: &&AccessToken| token.id == id && token.first_used.is_none();
    let Some(token) = tokens.iter().find(new) else {
        return Ok(false);
    };
    let begun = AccessToken {
        first_used: Some(at),
        ..token.clone()
    };
    if !rows.update_token(&begun)? {
        return Ok(false);
    }
    for mut other in giving_way_to(rows, configuration, id)? {
        let Some(retiring) = other.retirement.as_mut().filter(|one| one.at.is_none()) else {
            continue;
        };
        retiring.at = Some(at + retiring.overlap);
        rows.update_token(&other)?;
    }
    Ok(true)
}

/// The tokens that are not revoked and give way to another one.
fn giving_way_to(
    rows: &mut dyn AdminTransaction,
    configuration: ConfigurationId,
    id: &str,
) -> Result<Vec<AccessToken>, StoreError> {
    let mut tokens = rows.tokens(configuration)?;
    tokens.retain(|token| {
        let to = token.retirement.as_ref().map(|retiring| &*retiring.by);
        token.revoked.is_none() && to == Some(id)
    });
    Ok(tokens)
}
