//! Rows of `stream_webhooks` and `stream_deliveries`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use scim_feed::{
    Delivery, DeliveryKind, DeliveryProblem, DeliveryState, DeliveryStore, Failing, Position,
    PreviousSecret, SealedSecret, Settled, Stream, Webhook,
};
use scim_provisioning::StoreError;

use super::streams;
use crate::connection::Connection;
use crate::database::Database;
use crate::error::unreadable;
use crate::schema_streams::{stream_deliveries, stream_webhooks, streams as stream_rows};
use crate::time::{instant, millis};

impl DeliveryStore for Database {
    fn webhooks(&self) -> Result<Vec<(Stream, Webhook, bool)>, StoreError> {
        self.reading(|connection| {
            let webhooks = list(connection)?;
            if webhooks.is_empty() {
                return Ok(Vec::new());
            }
            let wanted = stream_deliveries::table
                .filter(stream_deliveries::state.eq(DeliveryState::Wanted.as_str()))
                .select(stream_deliveries::stream_id)
                .distinct();
            let wanted: Vec<String> = connection.load(wanted)?;
            let streams = streams::list(connection)?;
            let of = |webhook: Webhook| {
                let stream = streams.iter().find(|stream| stream.id == webhook.stream)?;
                let wanted = wanted.contains(&webhook.stream);
                Some((stream.clone(), webhook, wanted))
            };
            Ok(webhooks.into_iter().filter_map(of).collect())
        })
    }

    fn lease(
        &self,
        stream: &str,
        owner: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (stream, owner) = (stream.to_owned(), owner.to_owned());
        self.writing(move |connection| {
            let free = stream_webhooks::lease_until.le(millis(now));
            let ours = stream_webhooks::lease_owner.eq(&owner);
            let row = stream_webhooks::table.find(&stream).filter(free.or(ours));
            let take = diesel::update(row).set((
                stream_webhooks::lease_owner.eq(&owner),
                stream_webhooks::lease_until.eq(millis(until)),
            ));
            Ok::<_, StoreError>(connection.execute(take)? > 0)
        })
    }

    fn wanted(&self, stream: &str) -> Result<Option<Delivery>, StoreError> {
        self.reading_one(|connection| {
            let query = stream_deliveries::table
                .filter(stream_deliveries::stream_id.eq(stream))
                .filter(stream_deliveries::state.eq(DeliveryState::Wanted.as_str()))
                .order(stream_deliveries::id)
                .limit(1)
                .select(DeliveryRow::as_select());
            let row: Option<DeliveryRow> = connection.first(query)?;
            row.map(Delivery::try_from).transpose()
        })
    }

    fn note_sending(&self, stream: &str, up_to: Position) -> Result<(), StoreError> {
        let stream = stream.to_owned();
        self.writing(move |connection| {
            let row = stream_webhooks::table.find(&stream);
            let note = diesel::update(row).set(stream_webhooks::sending.eq(up_to));
            connection.execute(note).map(drop)
        })
    }

    fn settle(&self, settled: Settled) -> Result<(), StoreError> {
        self.writing(move |connection| settle(connection, &settled))
    }

    fn forget_deliveries(&self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError> {
        self.writing(move |connection| {
            let old = stream_deliveries::table
                .filter(stream_deliveries::at.lt(millis(before)))
                .filter(stream_deliveries::state.ne(DeliveryState::Wanted.as_str()))
                .order(stream_deliveries::at)
                .limit(limit)
                .select(stream_deliveries::id);
            let old: Vec<String> = connection.load(old)?;
            for id in &old {
                connection.execute(diesel::delete(stream_deliveries::table.find(id)))?;
            }
            Ok(old.len())
        })
    }
}

fn settle(connection: &mut Connection, settled: &Settled) -> Result<(), StoreError> {
    let ours = stream_webhooks::table
        .find(&settled.stream)
        .filter(stream_webhooks::lease_owner.eq(&settled.owner));
    let failing = settled.failing;
    let ended = diesel::update(ours).set((
        stream_webhooks::failing_since.eq(failing.map(|failing| millis(failing.since))),
        stream_webhooks::attempts.eq(failing.map_or(0, |failing| i64::from(failing.attempts))),
        stream_webhooks::next_attempt_at.eq(failing.map_or(0, |failing| millis(failing.next))),
    ));
    if connection.execute(ended)? == 0 {
        return Ok(());
    }
    if let Some((from, to)) = settled.moved {
        let there = stream_rows::table
            .find(&settled.stream)
            .filter(stream_rows::position.eq(from));
        connection.execute(diesel::update(there).set(stream_rows::position.eq(to)))?;
        let row = stream_webhooks::table.find(&settled.stream);
        let sent = diesel::update(row).set(stream_webhooks::sending.eq(None::<i64>));
        connection.execute(sent)?;
    }
    let Some(delivery) = &settled.delivery else {
        return Ok(());
    };
    if delivery.state == DeliveryState::Delivered {
        streams::note_delivery(connection, &settled.stream, delivery.at)?;
    }
    // One that was wanted by hand is there already.
    connection.execute(diesel::delete(stream_deliveries::table.find(&delivery.id)))?;
    insert_delivery(connection, delivery)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = stream_webhooks)]
struct WebhookRow {
    stream_id: String,
    secret: String,
    key_id: String,
    previous_secret: Option<String>,
    previous_key_id: Option<String>,
    previous_until: Option<i64>,
    failing_since: Option<i64>,
    attempts: i64,
    next_attempt_at: i64,
    sending: Option<i64>,
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = StoreError;

    fn try_from(row: WebhookRow) -> Result<Self, StoreError> {
        let unknown = || unreadable("stream_webhooks");
        let failing = row.failing_since.map(|since| {
            Ok(Failing {
                since: instant(since),
                attempts: u32::try_from(row.attempts).map_err(|_beyond| unknown())?,
                next: instant(row.next_attempt_at),
            })
        });
        let secret = |sealed, key| SealedSecret { key, sealed };
        let previous = row.previous_secret.zip(row.previous_key_id);
        let previous = previous.zip(row.previous_until);
        Ok(Self {
            stream: row.stream_id,
            secret: secret(row.secret, row.key_id),
            previous: previous.map(|((sealed, key), until)| PreviousSecret {
                secret: secret(sealed, key),
                until: instant(until),
            }),
            failing: failing.transpose()?,
            sending: row.sending,
        })
    }
}

/// The webhooks that can be read, in order of their streams; one that cannot be read does not keep
/// the others from being sent to.
pub(crate) fn list(connection: &mut Connection) -> Result<Vec<Webhook>, StoreError> {
    let query = stream_webhooks::table
        .order(stream_webhooks::stream_id)
        .select(WebhookRow::as_select());
    let rows: Vec<WebhookRow> = connection.load(query)?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Webhook::try_from(row).ok())
        .collect())
}

/// The webhook of a stream, where it has one.
pub(crate) fn of_stream(
    connection: &mut Connection,
    stream: &str,
) -> Result<Option<Webhook>, StoreError> {
    let query = stream_webhooks::table
        .find(stream)
        .select(WebhookRow::as_select());
    let row: Option<WebhookRow> = connection.first(query)?;
    row.map(Webhook::try_from).transpose()
}

pub(crate) fn insert(connection: &mut Connection, webhook: &Webhook) -> Result<(), StoreError> {
    let insert = diesel::insert_into(stream_webhooks::table).values((
        stream_webhooks::stream_id.eq(&webhook.stream),
        stream_webhooks::secret.eq(&webhook.secret.sealed),
        stream_webhooks::key_id.eq(&webhook.secret.key),
        stream_webhooks::attempts.eq(0_i64),
        stream_webhooks::next_attempt_at.eq(0_i64),
        stream_webhooks::lease_until.eq(0_i64),
    ));
    connection.execute(insert).map(drop)
}

/// Writes the secrets of a webhook.
pub(crate) fn update_secrets(
    connection: &mut Connection,
    webhook: &Webhook,
) -> Result<(), StoreError> {
    let previous = webhook.previous.as_ref();
    let update = diesel::update(stream_webhooks::table.find(&webhook.stream)).set((
        stream_webhooks::secret.eq(&webhook.secret.sealed),
        stream_webhooks::key_id.eq(&webhook.secret.key),
        stream_webhooks::previous_secret.eq(previous.map(|previous| &previous.secret.sealed)),
        stream_webhooks::previous_key_id.eq(previous.map(|previous| &previous.secret.key)),
        stream_webhooks::previous_until.eq(previous.map(|previous| millis(previous.until))),
    ));
    connection.execute(update).map(drop)
}

/// Forgets the secrets of a webhook.
pub(crate) fn delete(connection: &mut Connection, stream: &str) -> Result<(), StoreError> {
    let delete = diesel::delete(stream_webhooks::table.find(stream));
    connection.execute(delete).map(drop)
}

/// Has the next attempt be now.
pub(crate) fn hurry(connection: &mut Connection, stream: &str) -> Result<(), StoreError> {
    let update = diesel::update(stream_webhooks::table.find(stream)).set((
        stream_webhooks::failing_since.eq(None::<i64>),
        stream_webhooks::attempts.eq(0_i64),
        stream_webhooks::next_attempt_at.eq(0_i64),
    ));
    connection.execute(update).map(drop)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = stream_deliveries)]
struct DeliveryRow {
    id: String,
    stream_id: String,
    kind: String,
    state: String,
    behind: i64,
    up_to: i64,
    changes: i64,
    at: i64,
    milliseconds: i64,
    status: Option<i64>,
    problem: Option<String>,
    answer: Option<String>,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        let unknown = || unreadable("stream_deliveries");
        let problem = row.problem.as_deref().map(DeliveryProblem::parse);
        let status = row.status.map(u16::try_from).transpose();
        Ok(Self {
            id: row.id,
            stream: row.stream_id,
            kind: DeliveryKind::parse(&row.kind).ok_or_else(unknown)?,
            state: DeliveryState::parse(&row.state).ok_or_else(unknown)?,
            behind: row.behind,
            up_to: row.up_to,
            changes: u32::try_from(row.changes).map_err(|_beyond| unknown())?,
            at: instant(row.at),
            took: Duration::from_millis(u64::try_from(row.milliseconds).unwrap_or_default()),
            status: status.map_err(|_beyond| unknown())?,
            problem: problem.map(|known| known.ok_or_else(unknown)).transpose()?,
            answer: row.answer,
        })
    }
}

/// Deliveries of a stream before one of them, or the last ones, the newest first.
pub(crate) fn deliveries(
    connection: &mut Connection,
    stream: &str,
    before: Option<&str>,
    limit: i64,
) -> Result<Vec<Delivery>, StoreError> {
    // Every id is before this one.
    let before = before.unwrap_or("~").to_owned();
    let query = stream_deliveries::table
        .filter(stream_deliveries::stream_id.eq(stream))
        .filter(stream_deliveries::id.lt(before))
        .order(stream_deliveries::id.desc())
        .limit(limit)
        .select(DeliveryRow::as_select());
    let rows: Vec<DeliveryRow> = connection.load(query)?;
    rows.into_iter().map(Delivery::try_from).collect()
}

pub(crate) fn insert_delivery(
    connection: &mut Connection,
    delivery: &Delivery,
) -> Result<(), StoreError> {
    let row = DeliveryRow {
        id: delivery.id.clone(),
        stream_id: delivery.stream.clone(),
        kind: delivery.kind.as_str().to_owned(),
        state: delivery.state.as_str().to_owned(),
        behind: delivery.behind,
        up_to: delivery.up_to,
        changes: i64::from(delivery.changes),
        at: millis(delivery.at),
        milliseconds: i64::try_from(delivery.took.as_millis()).unwrap_or(i64::MAX),
        status: delivery.status.map(i64::from),
        problem: delivery.problem.map(|problem| problem.as_str().to_owned()),
        answer: delivery.answer.clone(),
    };
    let insert = diesel::insert_into(stream_deliveries::table).values(row);
    connection.execute(insert).map(drop)
}
