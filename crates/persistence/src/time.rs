//! Times as the tables keep them: milliseconds since 1970 in UTC.

use chrono::{DateTime, TimeZone, Utc};

/// An instant from milliseconds since 1970.
pub(crate) fn instant(millis: i64) -> DateTime<Utc> {
    Utc.timestamp_millis_opt(millis)
        .single()
        .unwrap_or_default()
}

/// The milliseconds since 1970 of an instant.
pub(crate) fn millis(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_millis()
}
