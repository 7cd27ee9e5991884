//! The feed: what triggers recorded of every change, in one order.
//!
//! On SQLite there is one writer at a time, so that the id of a row is its position. On PostgreSQL a
//! row gets its position from whoever reads, see `sequence`.

#[cfg(feature = "postgres")]
mod sequence;
mod snapshot;
pub(crate) mod streams;
pub(crate) mod webhooks;

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text};
use scim_feed::{
    Delivery, Extent, FeedStore, PAGE_BYTES, Position, Recorded, SnapshotKey, SnapshotRow, Stream,
    Subject,
};
use scim_provisioning::StoreError;
use serde_json::{Map, Value};

use crate::connection::Connection;
use crate::database::Database;
use crate::error::unreadable;
use crate::sql::{Dialect, Sql};
use crate::time::{instant, millis};

impl FeedStore for Database {
    fn extent(&self) -> Result<Extent, StoreError> {
        self.sequence_changes()?;
        self.reading_one(extent)
    }

    fn changes(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        self.sequence_changes()?;
        // One state of the database, so that nothing is forgotten between two statements.
        self.reading(|connection| changes(connection, after, limit))
    }

    fn position_at(&self, time: DateTime<Utc>) -> Result<Position, StoreError> {
        self.sequence_changes()?;
        self.reading(|connection| {
            // Before the changes, so that none comes in between.
            let head = extent(connection)?.head;
            // Changes are written in another order than that of their positions.
            let position = position(connection);
            let mut sql = connection.sql(&format!(
                "SELECT MIN({position}) - 1 AS position FROM feed_changes WHERE at >= "
            ));
            sql.bind(millis(time));
            sql.push(&format!(" AND {position} IS NOT NULL"));
            let before: Option<BeforeRow> = connection.row(&sql)?;
            Ok(before.and_then(|row| row.position).unwrap_or(head))
        })
    }

    fn snapshot(
        &self,
        subjects: &[Subject],
        after: Option<&SnapshotKey>,
        limit: usize,
    ) -> Result<Vec<SnapshotRow>, StoreError> {
        self.reading(|connection| snapshot::rows(connection, subjects, after, limit))
    }

    fn stream_of_key(&self, hash: &str, now: DateTime<Utc>) -> Result<Option<Stream>, StoreError> {
        self.reading_one(|connection| streams::of_key(connection, hash, now))
    }

    fn acknowledge(
        &self,
        stream: &str,
        position: Position,
        restarts: bool,
    ) -> Result<(), StoreError> {
        let stream = stream.to_owned();
        self.writing(move |connection| {
            streams::acknowledge(connection, &stream, position, restarts)
        })
    }

    fn note_delivery(&self, stream: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
        let stream = stream.to_owned();
        self.writing(move |connection| streams::note_delivery(connection, &stream, at))
    }

    fn note_refusal(&self, refused: &Delivery) -> Result<(), StoreError> {
        let refused = refused.clone();
        self.writing(move |connection| webhooks::insert_delivery(connection, &refused))
    }

    fn forget_changes(
        &self,
        kept: DateTime<Utc>,
        broken: DateTime<Utc>,
        limit: i64,
    ) -> Result<(Vec<String>, usize), StoreError> {
        self.sequence_changes()?;
        self.writing(move |connection| {
            let extent = lock_extent(connection)?;
            let (broken, first) = streams::give_up(connection, extent, broken)?;
            let until = first.unwrap_or(extent.head);
            Ok((broken, forget(connection, extent, until, kept, limit)?))
        })
    }
}

impl Database {
    /// Gives positions to what was committed since the last time, where that is done when reading.
    fn sequence_changes(&self) -> Result<(), StoreError> {
        #[cfg(feature = "postgres")]
        self.sequence_on_server()?;
        Ok(())
    }
}

/// The column of the position.
fn position(connection: &Connection) -> &'static str {
    match connection.dialect() {
        Dialect::Sqlite => "id",
        #[cfg(feature = "postgres")]
        Dialect::Postgres => "position",
    }
}

#[derive(diesel::QueryableByName)]
struct ExtentRow {
    #[diesel(sql_type = BigInt)]
    epoch: i64,
    #[diesel(sql_type = BigInt)]
    forgotten: i64,
    #[diesel(sql_type = BigInt)]
    head: i64,
}

pub(crate) fn extent(connection: &mut Connection) -> Result<Extent, StoreError> {
    let head = match connection.dialect() {
        Dialect::Sqlite => {
            "COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'feed_changes'), epoch)"
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => "sequenced",
    };
    let sql = connection.sql(&format!(
        "SELECT epoch, forgotten, {head} AS head FROM feed_state"
    ));
    let row: Option<ExtentRow> = connection.row(&sql)?;
    let row = row.ok_or_else(|| unreadable("feed_state"))?;
    Ok(Extent {
        epoch: row.epoch,
        forgotten: row.forgotten,
        head: row.head,
    })
}

/// The same, which nobody else changes until the transaction ends.
fn lock_extent(connection: &mut Connection) -> Result<Extent, StoreError> {
    #[cfg(feature = "postgres")]
    if connection.dialect() == Dialect::Postgres {
        let sql = connection.sql("SELECT 1 FROM feed_state FOR UPDATE");
        connection.execute(&sql)?;
    }
    // A statement of its own, so that it sees what the one before has done who held the lock.
    extent(connection)
}

/// Forgets every change, and gives positions behind those of every copy that was not restarted.
/// Answers where they begin.
pub(crate) fn restart(
    connection: &mut Connection,
    now: DateTime<Utc>,
) -> Result<Position, StoreError> {
    let extent = lock_extent(connection)?;
    // A second beyond what is there at least: whoever it is a copy of may have gone on meanwhile.
    let beyond = ((extent.head >> EPOCH_BITS) + 1) << EPOCH_BITS;
    let epoch = (now.timestamp() << EPOCH_BITS).max(beyond);
    let sql = connection.sql("DELETE FROM feed_changes");
    connection.execute(&sql)?;
    let mut sql = connection.sql("UPDATE feed_state SET epoch = ");
    sql.bind(epoch).push(", sequenced = ").bind(epoch);
    sql.push(", forgotten = ").bind(epoch);
    connection.execute(&sql)?;
    if connection.dialect() == Dialect::Sqlite {
        let mut sql = connection.sql("UPDATE sqlite_sequence SET seq = ");
        sql.bind(epoch).push(" WHERE name = 'feed_changes'");
        connection.execute(&sql)?;
    }
    Ok(epoch)
}

#[derive(diesel::QueryableByName)]
struct BeforeRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    position: Option<i64>,
}

#[derive(diesel::QueryableByName)]
struct RecordedRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    resource_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    resource_name: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    version: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    old: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    new: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    actor: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    run: Option<String>,
}

impl RecordedRow {
    /// How much the record before and the one after hold.
    fn bytes(&self) -> usize {
        let length = |record: &Option<String>| record.as_ref().map_or(0, String::len);
        length(&self.old) + length(&self.new)
    }
}

impl TryFrom<RecordedRow> for Recorded {
    type Error = StoreError;

    fn try_from(row: RecordedRow) -> Result<Self, StoreError> {
        let subject = Subject::parse(&row.subject);
        Ok(Self {
            position: row.position,
            at: instant(row.at),
            subject: subject.ok_or_else(|| unreadable("feed_changes.subject"))?,
            id: row.resource_id,
            name: row.resource_name,
            version: row.version,
            old: row.old.as_deref().map(record).transpose()?,
            new: row.new.as_deref().map(record).transpose()?,
            actor: row.actor,
            run: row.run,
        })
    }
}

fn record(text: &str) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_str(text).map_err(|_json| unreadable("feed_changes"))
}

/// Changes behind a position, until there are `limit` or they hold [`PAGE_BYTES`].
fn changes(
    connection: &mut Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<Recorded>, StoreError> {
    let (mut found, mut held, mut from) = (Vec::new(), 0, after);
    while found.len() < limit {
        let count = (limit - found.len()).min(ROWS_AT_ONCE);
        let rows = changes_at_once(connection, from, count)?;
        let ended = rows.len() < count;
        for row in rows {
            if held >= PAGE_BYTES {
                return Ok(found);
            }
            held += row.bytes();
            from = row.position;
            found.push(row.try_into()?);
        }
        if ended {
            break;
        }
    }
    Ok(found)
}

fn changes_at_once(
    connection: &mut Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<RecordedRow>, StoreError> {
    let position = position(connection);
    let mut sql = connection.sql(&format!(
        "SELECT {position} AS position, at, subject, resource_id, resource_name, version, old, new, \
         actor, run FROM feed_changes WHERE {position} > "
    ));
    sql.bind(after);
    sql.push(&format!(" ORDER BY {position} LIMIT "));
    sql.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    connection.rows(&sql)
}

#[derive(diesel::QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    at: i64,
}

/// The first changes behind a position and when they were written.
fn places_behind(
    connection: &mut Connection,
    after: Position,
    until: Position,
    limit: i64,
) -> Result<Vec<PlaceRow>, StoreError> {
    let position = position(connection);
    let mut sql = connection.sql(&format!(
        "SELECT {position} AS position, at FROM feed_changes WHERE {position} > "
    ));
    sql.bind(after);
    sql.push(&format!(" AND {position} <= ")).bind(until);
    sql.push(&format!(" ORDER BY {position} LIMIT "))
        .bind(limit);
    connection.rows(&sql)
}

/// Forgets changes from before a time, in their order, up to a position that every stream has.
fn forget(
    connection: &mut Connection,
    extent: Extent,
    until: Position,
    kept: DateTime<Utc>,
    limit: i64,
) -> Result<usize, StoreError> {
    let oldest = places_behind(connection, extent.forgotten, until, limit)?;
    let old = oldest.iter().take_while(|row| row.at < millis(kept));
    let Some(last) = old.last().map(|row| row.position) else {
        return Ok(0);
    };
    let position = position(connection);
    let mut sql: Sql = connection.sql(&format!("DELETE FROM feed_changes WHERE {position} <= "));
    sql.bind(last);
    let forgotten = connection.execute(&sql)?;
    let mut sql = connection.sql("UPDATE feed_state SET forgotten = ");
    sql.bind(last);
    connection.execute(&sql)?;
    Ok(forgotten)
}

/// Positions begin with the second in which they do, shifted by so much; the migrations do the same.
const EPOCH_BITS: u32 = 20;
/// How many rows are read by one statement, of changes and of a snapshot.
const ROWS_AT_ONCE: usize = 50;
