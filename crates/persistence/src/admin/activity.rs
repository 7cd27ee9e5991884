//! How many entries the provisioning log has of every hour.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text};
use scim_admin::event::Activity;
use scim_provisioning::{ConfigurationId, Outcome, StoreError};

use crate::connection::Connection;
use crate::error::unreadable;
use crate::sql::{Dialect, Sql};
use crate::time::{instant, millis};

#[derive(diesel::QueryableByName)]
struct ActivityRow {
    #[diesel(sql_type = Text)]
    configuration_id: String,
    #[diesel(sql_type = BigInt)]
    hour: i64,
    #[diesel(sql_type = Text)]
    outcome: String,
    #[diesel(sql_type = BigInt)]
    entries: i64,
}

#[derive(diesel::QueryableByName)]
struct UntilRow {
    #[diesel(sql_type = BigInt)]
    until: i64,
}

/// The entries since an hour, counted by configuration, hour and outcome: from the counts of past
/// hours, and from the log itself for what has come since.
pub(super) fn activity(
    connection: &mut Connection,
    since: DateTime<Utc>,
    configuration: Option<ConfigurationId>,
) -> Result<Vec<Activity>, StoreError> {
    let since = millis(since) / HOUR * HOUR;
    let counted = counted_until(connection)?;
    let mut sql = connection
        .sql("SELECT configuration_id, hour, outcome, entries FROM event_counts WHERE hour >= ");
    sql.bind(since);
    if let Some(id) = configuration {
        sql.push(" AND configuration_id = ").bind(id.to_string());
    }
    sql.push(" UNION ALL ");
    counts(&mut sql, since.max(counted), i64::MAX, configuration);
    sql.push(" ORDER BY 2, 1, 3");
    let rows: Vec<ActivityRow> = connection.rows(&sql)?;
    Ok(rows.into_iter().filter_map(known).collect())
}

/// What is counted under a word that another version wrote is nothing that is shown here.
fn known(row: ActivityRow) -> Option<Activity> {
    Some(Activity {
        configuration: ConfigurationId::parse(&row.configuration_id)?,
        hour: instant(row.hour),
        outcome: Outcome::parse(&row.outcome)?,
        entries: row.entries,
    })
}

/// The requests since an hour.
pub(super) fn requests(
    connection: &mut Connection,
    since: DateTime<Utc>,
    configuration: Option<ConfigurationId>,
) -> Result<Vec<Activity>, StoreError> {
    let mut sql = connection.sql(
        "SELECT configuration_id, hour, outcome, requests AS entries FROM request_counts \
         WHERE hour >= ",
    );
    sql.bind(millis(since) / HOUR * HOUR);
    if let Some(id) = configuration {
        sql.push(" AND configuration_id = ").bind(id.to_string());
    }
    sql.push(" ORDER BY 2, 1, 3");
    let rows: Vec<ActivityRow> = connection.rows(&sql)?;
    Ok(rows.into_iter().filter_map(known).collect())
}

/// Adds to the counts of requests.
pub(super) fn note_requests(
    connection: &mut Connection,
    counts: &[Activity],
) -> Result<(), StoreError> {
    for count in counts {
        let mut sql = connection
            .sql("INSERT INTO request_counts (configuration_id, hour, outcome, requests) VALUES (");
        sql.bind(count.configuration.to_string());
        sql.push(", ").bind(millis(count.hour));
        sql.push(", ").bind(count.outcome.as_str());
        sql.push(", ").bind(count.entries);
        sql.push(
            ") ON CONFLICT (configuration_id, hour, outcome) DO UPDATE SET \
             requests = request_counts.requests + excluded.requests",
        );
        connection.execute(&sql)?;
    }
    Ok(())
}

/// Counts the hours that are over, so that nobody has to count their entries again.
pub(super) fn count_hours(
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut sql = connection.sql("SELECT counted_until AS until FROM event_counts_end");
    sql.for_update();
    let row: Option<UntilRow> = connection.row(&sql)?;
    let from = row.ok_or_else(|| unreadable("event_counts_end"))?.until;
    // A transaction that began in the hour may end a little later.
    let until = (millis(now) - LATE) / HOUR * HOUR;
    if until <= from {
        return Ok(());
    }
    let mut sql =
        connection.sql("INSERT INTO event_counts (configuration_id, hour, outcome, entries) ");
    counts(&mut sql, from, until, None);
    connection.execute(&sql)?;
    let mut sql = connection.sql("UPDATE event_counts_end SET counted_until = ");
    sql.bind(until);
    connection.execute(&sql)?;
    Ok(())
}

fn counted_until(connection: &mut Connection) -> Result<i64, StoreError> {
    let sql = connection.sql("SELECT counted_until AS until FROM event_counts_end");
    let row: Option<UntilRow> = connection.row(&sql)?;
    Ok(row.ok_or_else(|| unreadable("event_counts_end"))?.until)
}

fn counts(sql: &mut Sql, from: i64, until: i64, configuration: Option<ConfigurationId>) {
    sql.push(&format!(
        "SELECT {} AS configuration_id, at / {HOUR} * {HOUR} AS hour, outcome, count(*) AS entries \
         FROM provisioning_events{} WHERE at >= ",
        sql.aside("configuration_id"),
        match sql.dialect {
            Dialect::Sqlite => " INDEXED BY provisioning_events_at",
            #[cfg(feature = "postgres")]
            Dialect::Postgres => "",
        }
    ));
    sql.bind(from).push(" AND at < ").bind(until);
    if let Some(id) = configuration {
        // With a plus SQLite stays with the index of times, and does not read the whole log of the
        // configuration.
        let column = match sql.dialect {
            Dialect::Sqlite => " AND +configuration_id = ",
            #[cfg(feature = "postgres")]
            Dialect::Postgres => " AND configuration_id = ",
        };
        sql.push(column).bind(id.to_string());
    }
    sql.push(&format!(
        " GROUP BY {}, at / {HOUR} * {HOUR}, outcome",
        sql.aside("configuration_id")
    ));
}

/// In milliseconds.
const HOUR: i64 = 3_600_000;
const LATE: i64 = 300_000;
