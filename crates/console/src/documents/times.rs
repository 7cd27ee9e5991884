//! Times as the API writes them.

use chrono::{DateTime, SecondsFormat, Utc};

/// An instant, to the second.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// An instant that may not have come.
pub fn maybe_instant(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(instant)
}
