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
use diesel::QueryResult;
use diesel::dsl::min;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{BigInt, Nullable};
use diesel::sqlite::Sqlite;
use scim_feed::{
    Delivery, Extent, FeedStore, PAGE_BYTES, Position, Recorded, SnapshotKey, SnapshotRow, Stream,
    Subject,
};
use scim_provisioning::StoreError;
use serde_json::{Map, Value};

#[cfg(feature = "postgres")]
use diesel::pg::Pg;

use crate::connection::Connection;
use crate::database::Database;
use crate::error::unreadable;
#[cfg(feature = "postgres")]
use crate::nodes::locked;
use crate::nodes::{expression, update_all};
use crate::schema_recorded::{feed_changes, feed_state};
use crate::sql::Dialect;
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
            let first = feed_changes::table
                .filter(feed_changes::at.ge(millis(time)))
                .filter(place().is_not_null())
                .select(min(place()));
            let first: Option<Option<i64>> = connection.first(first)?;
            Ok(first.flatten().map_or(head, |first| first - 1))
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

/// Where a change is in the order: its position where it has one of its own, or its id, see
/// [`Place`].
#[derive(Debug, Clone, Copy)]
struct Place<I, P> {
    id: I,
    position: P,
}

fn place() -> Place<feed_changes::id, feed_changes::position> {
    Place {
        id: feed_changes::id,
        position: feed_changes::position,
    }
}

expression!(Place<I, P>, Nullable<BigInt>);

impl<I: QueryFragment<Sqlite>, P> QueryFragment<Sqlite> for Place<I, P> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.id.walk_ast(out)
    }
}

#[cfg(feature = "postgres")]
impl<I, P: QueryFragment<Pg>> QueryFragment<Pg> for Place<I, P> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.position.walk_ast(out)
    }
}

/// The position of the last change.
#[derive(Debug, Clone, Copy)]
struct Head<E, S> {
    epoch: E,
    sequenced: S,
}

expression!(Head<E, S>, BigInt);

impl<E: QueryFragment<Sqlite>, S> QueryFragment<Sqlite> for Head<E, S> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'feed_changes'), ");
        self.epoch.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<E, S: QueryFragment<Pg>> QueryFragment<Pg> for Head<E, S> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.sequenced.walk_ast(out)
    }
}

pub(crate) fn extent(connection: &mut Connection) -> Result<Extent, StoreError> {
    let head = Head {
        epoch: feed_state::epoch,
        sequenced: feed_state::sequenced,
    };
    let state = feed_state::table.select((feed_state::epoch, feed_state::forgotten, head));
    let row: Option<(i64, i64, i64)> = connection.first(state)?;
    let (epoch, forgotten, head) = row.ok_or_else(|| unreadable("feed_state"))?;
    Ok(Extent {
        epoch,
        forgotten,
        head,
    })
}

/// The same, which nobody else changes until the transaction ends.
fn lock_extent(connection: &mut Connection) -> Result<Extent, StoreError> {
    #[cfg(feature = "postgres")]
    if connection.dialect() == Dialect::Postgres {
        let state = feed_state::table.select(feed_state::epoch);
        connection.load::<i64, _>(locked(connection, state))?;
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
    connection.execute(diesel::delete(feed_changes::table))?;
    let begun = (
        feed_state::epoch.eq(epoch),
        feed_state::sequenced.eq(epoch),
        feed_state::forgotten.eq(epoch),
    );
    connection.execute(update_all(feed_state::table, begun))?;
    if connection.dialect() == Dialect::Sqlite {
        let mut sql = connection.sql("UPDATE sqlite_sequence SET seq = ");
        sql.bind(epoch).push(" WHERE name = 'feed_changes'");
        connection.execute(&sql)?;
    }
    Ok(epoch)
}

#[derive(Queryable)]
struct RecordedRow {
    position: i64,
    at: i64,
    subject: String,
    resource_id: String,
    resource_name: Option<String>,
    version: Option<i64>,
    old: Option<String>,
    new: Option<String>,
    actor: Option<String>,
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
    let changes = feed_changes::table
        .filter(place().gt(after))
        .order(place())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((
            place().assume_not_null(),
            feed_changes::at,
            feed_changes::subject,
            feed_changes::resource_id,
            feed_changes::resource_name,
            feed_changes::version,
            feed_changes::old,
            feed_changes::new,
            feed_changes::actor,
            feed_changes::run,
        ));
    connection.load(changes)
}

/// The first changes behind a position and when they were written.
fn places_behind(
    connection: &mut Connection,
    after: Position,
    until: Position,
    limit: i64,
) -> Result<Vec<(Position, i64)>, StoreError> {
    let changes = feed_changes::table
        .filter(place().gt(after))
        .filter(place().le(until))
        .order(place())
        .limit(limit)
        .select((place().assume_not_null(), feed_changes::at));
    connection.load(changes)
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
    let old = oldest.iter().take_while(|(_, at)| *at < millis(kept));
    let Some((last, _)) = old.last().copied() else {
        return Ok(0);
    };
    let old = feed_changes::table.filter(place().le(last));
    let forgotten = connection.execute(diesel::delete(old))?;
    let until = feed_state::forgotten.eq(last);
    connection.execute(update_all(feed_state::table, until))?;
    Ok(forgotten)
}

/// Positions begin with the second in which they do, shifted by so much; the migrations do the same.
const EPOCH_BITS: u32 = 20;
/// How many rows are read by one statement, of changes and of a snapshot.
const ROWS_AT_ONCE: usize = 50;
