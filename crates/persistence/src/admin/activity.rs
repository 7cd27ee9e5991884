//! How many entries the provisioning log has of every hour.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use scim_admin::event::Activity;
use scim_provisioning::{ConfigurationId, Outcome, StoreError};

use crate::connection::Connection;
use crate::engine::MultiBackend;
use crate::error::unreadable;
use crate::nodes::{locked, update_all};
use crate::schema::{event_counts, event_counts_end, request_counts};
use crate::time::{instant, millis};
use crate::values::{Way, all_of};
use crate::writes::{excluded, insert_from, on_conflict};

/// A configuration, an hour, an outcome, and how many entries there are of them.
type ActivityRow = (String, i64, String, i64);

/// The entries since an hour, counted by configuration, hour and outcome: from the counts of past
/// hours, and from the log itself for what has come since.
pub(super) fn activity(
    connection: &mut Connection,
    since: DateTime<Utc>,
    configuration: Option<ConfigurationId>,
) -> Result<Vec<Activity>, StoreError> {
    let since = millis(since) / HOUR * HOUR;
    let counted = counted_until(connection)?;
    let mut past = event_counts::table
        .filter(event_counts::hour.ge(since))
        .select((
            event_counts::configuration_id,
            event_counts::hour,
            event_counts::outcome,
            event_counts::entries,
        ))
        .into_boxed();
    if let Some(id) = configuration {
        past = past.filter(event_counts::configuration_id.eq(id.to_string()));
    }
    let come = Counts::new(since.max(counted), i64::MAX, configuration);
    let all = all_of(past, come).order([Way::Up(2), Way::Up(1), Way::Up(3)]);
    let rows: Vec<ActivityRow> = connection.load(all)?;
    Ok(rows.into_iter().filter_map(known).collect())
}

/// What is counted under a word that another version wrote is nothing that is shown here.
fn known((configuration, hour, outcome, entries): ActivityRow) -> Option<Activity> {
    Some(Activity {
        configuration: ConfigurationId::parse(&configuration)?,
        hour: instant(hour),
        outcome: Outcome::parse(&outcome)?,
        entries,
    })
}

/// The requests since an hour.
pub(super) fn requests(
    connection: &mut Connection,
    since: DateTime<Utc>,
    configuration: Option<ConfigurationId>,
) -> Result<Vec<Activity>, StoreError> {
    let mut counts = request_counts::table
        .filter(request_counts::hour.ge(millis(since) / HOUR * HOUR))
        .order((
            request_counts::hour,
            request_counts::configuration_id,
            request_counts::outcome,
        ))
        .select((
            request_counts::configuration_id,
            request_counts::hour,
            request_counts::outcome,
            request_counts::requests,
        ))
        .into_boxed();
    if let Some(id) = configuration {
        counts = counts.filter(request_counts::configuration_id.eq(id.to_string()));
    }
    let rows: Vec<ActivityRow> = connection.load(counts)?;
    Ok(rows.into_iter().filter_map(known).collect())
}

/// Adds to the counts of requests.
pub(super) fn note_requests(
    connection: &mut Connection,
    counts: &[Activity],
) -> Result<(), StoreError> {
    for count in counts {
        let insert = diesel::insert_into(request_counts::table).values((
            request_counts::configuration_id.eq(count.configuration.to_string()),
            request_counts::hour.eq(millis(count.hour)),
            request_counts::outcome.eq(count.outcome.as_str()),
            request_counts::requests.eq(count.entries),
        ));
        let key = (
            request_counts::configuration_id,
            request_counts::hour,
            request_counts::outcome,
        );
        let more = request_counts::requests
            .eq(request_counts::requests + excluded(request_counts::requests));
        connection.execute(on_conflict(insert, key).set(more))?;
    }
    Ok(())
}

/// Counts the hours that are over, so that nobody has to count their entries again.
pub(super) fn count_hours(
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let end = locked(
        connection,
        event_counts_end::table.select(event_counts_end::counted_until),
    );
    let from: Option<i64> = connection.first(end)?;
    let from = from.ok_or_else(|| unreadable("event_counts_end"))?;
    // A transaction that began in the hour may end a little later.
    let until = (millis(now) - LATE) / HOUR * HOUR;
    if until <= from {
        return Ok(());
    }
    let columns = (
        event_counts::configuration_id,
        event_counts::hour,
        event_counts::outcome,
        event_counts::entries,
    );
    let counts = Counts::new(from, until, None);
    connection.execute(insert_from(event_counts::table, columns, counts))?;
    let counted = event_counts_end::counted_until.eq(until);
    connection.execute(update_all(event_counts_end::table, counted))?;
    Ok(())
}

fn counted_until(connection: &mut Connection) -> Result<i64, StoreError> {
    let end = event_counts_end::table.select(event_counts_end::counted_until);
    let until: Option<i64> = connection.first(end)?;
    until.ok_or_else(|| unreadable("event_counts_end"))
}

/// The entries of the log itself, counted by configuration, hour and outcome. SQLite is told which
/// index it takes, for which diesel has no words.
#[derive(Debug, Clone)]
struct Counts {
    from: i64,
    until: i64,
    configuration: Option<String>,
}

impl Counts {
    fn new(from: i64, until: i64, configuration: Option<ConfigurationId>) -> Self {
        Self {
            from,
            until,
            configuration: configuration.map(|id| id.to_string()),
        }
    }
}

impl Query for Counts {
    type SqlType = (Text, BigInt, Text, BigInt);
}
/// The type does not say whether it is of one configuration.
impl QueryId for Counts {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<MultiBackend> for Counts {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        // With a plus SQLite stays with the index of times, and does not read the whole log of the
        // configuration.
        let (aside, index, column) = match out.backend() {
            MultiBackend::Sqlite(_) => (
                "+configuration_id",
                " INDEXED BY provisioning_events_at",
                "+configuration_id",
            ),
            #[cfg(feature = "postgres")]
            MultiBackend::Postgres(_) => ("(configuration_id || '')", "", "configuration_id"),
        };
        let hour = format!("at / {HOUR} * {HOUR}");
        out.push_sql(&format!(
            "SELECT {aside} AS configuration_id, {hour} AS hour, outcome, count(*) AS entries \
             FROM provisioning_events{index} WHERE at >= "
        ));
        out.push_bind_param::<BigInt, _>(&self.from)?;
        out.push_sql(" AND at < ");
        out.push_bind_param::<BigInt, _>(&self.until)?;
        if let Some(configuration) = &self.configuration {
            out.push_sql(&format!(" AND {column} = "));
            out.push_bind_param::<Text, _>(configuration)?;
        }
        out.push_sql(&format!(" GROUP BY {aside}, {hour}, outcome"));
        Ok(())
    }
}

/// In milliseconds.
const HOUR: i64 = 3_600_000;
const LATE: i64 = 300_000;
