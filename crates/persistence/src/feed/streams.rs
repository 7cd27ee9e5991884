//! Rows of `streams`.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
use scim_feed::{Extent, Position, Stream, StreamKind, StreamState, Topic, WebhookUrl};
use scim_protocol::text::fold;
use scim_provisioning::StoreError;

use super::places_behind;
use crate::connection::Connection;
use crate::error::{readable, unreadable};
use crate::schema::api_keys;
use crate::schema_streams::streams;
use crate::time::{instant, millis};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = streams)]
struct StreamRow {
    id: String,
    name: String,
    kind: String,
    topics: Option<String>,
    state: String,
    position: i64,
    delivered_at: Option<i64>,
    version: i64,
    created_at: i64,
    made_by: Option<String>,
    url: Option<String>,
}

impl TryFrom<StreamRow> for Stream {
    type Error = StoreError;

    fn try_from(row: StreamRow) -> Result<Self, StoreError> {
        let known = || unreadable("streams");
        let topics = row.topics.as_deref().map(|topics| {
            let words = topics.split(',').filter(|word| !word.is_empty());
            words
                .map(|word| Topic::parse(word).ok_or_else(known))
                .collect::<Result<Vec<_>, _>>()
        });
        let url = row.url.as_deref().map(WebhookUrl::parse);
        let url = url.map(|read| read.map_err(|_other| known()));
        Ok(Self {
            id: row.id,
            name: row.name,
            kind: StreamKind::parse(&row.kind).ok_or_else(known)?,
            topics: topics.transpose()?,
            state: StreamState::parse(&row.state).ok_or_else(known)?,
            position: row.position,
            delivered: row.delivered_at.map(instant),
            version: row.version,
            created: instant(row.created_at),
            made_by: row.made_by,
            url: url.transpose()?,
        })
    }
}

/// Those that can be read.
pub(crate) fn list(connection: &mut Connection) -> Result<Vec<Stream>, StoreError> {
    let id = |row: &StreamRow| row.id.clone();
    Ok(readable(rows(connection)?, "streams", id, Stream::try_from))
}

fn rows(connection: &mut Connection) -> Result<Vec<StreamRow>, StoreError> {
    let query = streams::table
        .select(StreamRow::as_select())
        .order((streams::name_key, streams::id));
    connection.load(query)
}

pub(super) fn of_key(
    connection: &mut Connection,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<Stream>, StoreError> {
    let query = streams::table
        .filter(streams::key_hash.eq(hash))
        .select(StreamRow::as_select());
    let row: Option<StreamRow> = connection.first(query)?;
    let Some(row) = row else { return Ok(None) };
    if let Some(maker) = &row.made_by {
        // It ends with the key, and is deleted a moment later.
        let live = api_keys::table
            .find(maker)
            .filter(api_keys::revoked_at.is_null())
            .filter(api_keys::expires_at.gt(millis(now)))
            .select(api_keys::id);
        if connection.first::<String, _>(live)?.is_none() {
            return Ok(None);
        }
    }
    Stream::try_from(row).map(Some)
}

pub(crate) fn insert(
    connection: &mut Connection,
    stream: &Stream,
    key_hash: &str,
) -> Result<(), StoreError> {
    let topics = stream.topics.as_ref().map(|topics| {
        let words: Vec<&str> = topics.iter().map(|topic| topic.as_str()).collect();
        words.join(",")
    });
    let row = StreamRow {
        id: stream.id.clone(),
        name: stream.name.clone(),
        kind: stream.kind.as_str().to_owned(),
        topics,
        state: stream.state.as_str().to_owned(),
        position: stream.position,
        delivered_at: stream.delivered.map(millis),
        version: stream.version,
        created_at: millis(stream.created),
        made_by: stream.made_by.clone(),
        url: stream.url.as_ref().map(|url| url.as_str().to_owned()),
    };
    let insert = diesel::insert_into(streams::table).values((
        row,
        streams::name_key.eq(fold(&stream.name)),
        streams::key_hash.eq(key_hash),
    ));
    connection.execute(insert).map(drop)
}

/// Writes the state of a stream, if it still has the version; answers whether it has.
pub(crate) fn update(connection: &mut Connection, stream: &Stream) -> Result<bool, StoreError> {
    let seen = streams::table
        .find(&stream.id)
        .filter(streams::version.eq(stream.version));
    let update = diesel::update(seen).set((
        streams::state.eq(stream.state.as_str()),
        streams::version.eq(streams::version + 1_i64),
    ));
    Ok(connection.execute(update)? > 0)
}

/// The same with the position.
pub(crate) fn move_to(connection: &mut Connection, stream: &Stream) -> Result<bool, StoreError> {
    let written = update(connection, stream)?;
    if written {
        let moved = diesel::update(streams::table.find(&stream.id))
            .set(streams::position.eq(stream.position));
        connection.execute(moved)?;
    }
    Ok(written)
}

/// Writes the hash of another key and who made it, if the stream still has the version; answers
/// whether it has.
pub(crate) fn set_key(
    connection: &mut Connection,
    stream: &Stream,
    key_hash: &str,
) -> Result<bool, StoreError> {
    let seen = streams::table
        .find(&stream.id)
        .filter(streams::version.eq(stream.version));
    let update = diesel::update(seen).set((
        streams::key_hash.eq(key_hash),
        streams::made_by.eq(&stream.made_by),
        streams::version.eq(streams::version + 1_i64),
    ));
    Ok(connection.execute(update)? > 0)
}

/// Deletes a stream, if it still has the version; answers whether it has.
pub(crate) fn delete(connection: &mut Connection, stream: &Stream) -> Result<bool, StoreError> {
    let seen = streams::table
        .find(&stream.id)
        .filter(streams::version.eq(stream.version));
    Ok(connection.execute(diesel::delete(seen))? > 0)
}

pub(super) fn acknowledge(
    connection: &mut Connection,
    id: &str,
    position: Position,
    restarts: bool,
) -> Result<(), StoreError> {
    let stream = streams::table.find(id);
    connection.execute(diesel::update(stream).set(streams::position.eq(position)))?;
    if restarts {
        let broken = stream.filter(streams::state.eq(StreamState::Broken.as_str()));
        let restart = diesel::update(broken).set(streams::state.eq(StreamState::Active.as_str()));
        connection.execute(restart)?;
    }
    Ok(())
}

/// Notes when a receiver was told something. The position is not touched: an administrator may have
/// set another one meanwhile.
pub(super) fn note_delivery(
    connection: &mut Connection,
    id: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let note = diesel::update(streams::table.find(id)).set(streams::delivered_at.eq(millis(at)));
    connection.execute(note).map(drop)
}

/// Marks the active streams as broken that lack what is forgotten, or wait for changes from before a
/// time; answers their names, and the first position of the streams for which changes are kept.
/// Nothing is kept either for those that have been paused for as long, which stay paused.
pub(super) fn give_up(
    connection: &mut Connection,
    extent: Extent,
    before: DateTime<Utc>,
) -> Result<(Vec<String>, Option<Position>), StoreError> {
    let mut broken = Vec::new();
    let mut first: Option<Position> = None;
    for row in rows(connection)? {
        // What one waits for that cannot be read, nobody knows: nothing is forgotten.
        let stream = Stream::try_from(row)?;
        let next = places_behind(connection, stream.position, i64::MAX, 1)?;
        let lost = stream.position < extent.forgotten
            || next.first().is_some_and(|(_, at)| *at < millis(before));
        let holds = match stream.state {
            StreamState::Broken => false,
            StreamState::Paused => !lost,
            StreamState::Active if lost => {
                let marked = mark_broken(connection, &stream)?;
                if marked {
                    broken.push(stream.name);
                }
                !marked && stream.position >= extent.forgotten
            }
            StreamState::Active => true,
        };
        if holds {
            first = Some(first.map_or(stream.position, |first| first.min(stream.position)));
        }
    }
    Ok((broken, first))
}

/// Marks a stream as broken unless it has moved meanwhile; answers whether it has not.
fn mark_broken(connection: &mut Connection, stream: &Stream) -> Result<bool, StoreError> {
    let seen = streams::table
        .find(&stream.id)
        .filter(streams::state.eq(stream.state.as_str()))
        .filter(streams::position.eq(stream.position));
    let mark = diesel::update(seen).set(streams::state.eq(StreamState::Broken.as_str()));
    Ok(connection.execute(mark)? > 0)
}
