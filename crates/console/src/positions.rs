//! Where a stream is to begin again, as somebody writes it.

use chrono::{DateTime, ParseError};
use scim_feed::{Feed, FeedError, Position};
use scim_provisioning::StoreError;

/// Why a stream cannot begin there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PositionError {
    /// What is behind the position is not kept, or the feed cannot be asked.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// It is neither a position nor a time.
    #[error("\"from\" is a position or a time ({0})")]
    Malformed(ParseError),
    /// The feed cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A position at which everything is still kept, or that before the changes since a time.
///
/// # Errors
/// [`PositionError`].
pub(crate) fn position_of(feed: &Feed, from: &str) -> Result<Position, PositionError> {
    if let Ok(position) = from.parse() {
        return Ok(feed.check(position)?);
    }
    let time = DateTime::parse_from_rfc3339(from).map_err(PositionError::Malformed)?;
    Ok(feed.position_at(time.to_utc())?)
}
