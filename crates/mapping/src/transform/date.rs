//! Dates as transforms read, move and write them.

use std::fmt::Write;

use chrono::{
    DateTime, Days, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset,
    SecondsFormat, TimeZone, Utc,
};
use chrono_tz::Tz;

/// An instant as RFC 3339 writes it, or in one of the formats, of which those without an offset are
/// of the zone.
pub(super) fn parse_date(text: &str, formats: &[String], zone: Tz) -> Option<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    formats.iter().find_map(|format| {
        let zoned = DateTime::parse_from_str(text, format).map(|instant| instant.to_utc());
        let local = || NaiveDateTime::parse_from_str(text, format).ok();
        let midnight = || {
            Some(
                NaiveDate::parse_from_str(text, format)
                    .ok()?
                    .and_time(NaiveTime::MIN),
            )
        };
        zoned
            .ok()
            .or_else(|| instant(local().or_else(midnight)?, zone))
    })
}

/// An instant or a day in a format; what the format has no text for is nothing.
pub(super) fn write_date(text: &str, format: &str, zone: Tz) -> Option<String> {
    let instant = match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => instant.to_utc(),
        Err(_) => instant(local(text)?, zone)?,
    };
    let mut written = String::new();
    let formatted = instant.with_timezone(&zone).format(format);
    write!(written, "{formatted}").ok()?;
    Some(written)
}

/// So many days later, in the form in which the date came.
pub(super) fn plus_days(text: &str, days: i64, zone: Option<Tz>) -> Option<String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return moved(day.and_time(NaiveTime::MIN), days).map(|moved| moved.date().to_string());
    }
    let Ok(before) = DateTime::parse_from_rfc3339(text) else {
        let moved = moved(local(text)?, days)?;
        return Some(moved.format("%Y-%m-%dT%H:%M:%S%.f").to_string());
    };
    match zone {
        None => {
            let offset: FixedOffset = before.offset().fix();
            let moved = moved(before.naive_local(), days)?;
            let after = offset.from_local_datetime(&moved).single()?;
            Some(after.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        }
        Some(zone) => {
            let moved = moved(before.with_timezone(&zone).naive_local(), days)?;
            let after = instant(moved, zone)?;
            Some(after.to_rfc3339_opts(SecondsFormat::AutoSi, true))
        }
    }
}

fn moved(local: NaiveDateTime, days: i64) -> Option<NaiveDateTime> {
    let count = Days::new(days.unsigned_abs());
    match days < 0 {
        true => local.checked_sub_days(count),
        false => local.checked_add_days(count),
    }
}

/// A date without an offset, with or without a time.
fn local(text: &str) -> Option<NaiveDateTime> {
    let date_time = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok();
    date_time.or_else(|| Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN)))
}

/// The instant at which a clock of the zone shows this: the first of two where it is put back, and
/// where it is put forward the one that it would show had it not been.
fn instant(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(instant) | MappedLocalTime::Ambiguous(instant, _) => {
            Some(instant.to_utc())
        }
        MappedLocalTime::None => {
            let before = local.checked_sub_days(Days::new(1))?;
            let offset = zone.offset_from_utc_datetime(&before).fix();
            Some(offset.from_local_datetime(&local).single()?.to_utc())
        }
    }
}
