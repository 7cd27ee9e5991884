//! Sends what changed to the receivers that do not ask for it.
//!
//! What is sent is signed as Standard Webhooks says, or is a signed security event, and sent until the
//! receiver takes it: at least once, and in one order. One server at a time sends for a stream, by a
//! lease in the database.

mod push;

use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use ring::hmac;
use scim_feed::{
    Answered, Changes, Courier, Delivery, DeliveryKind, DeliveryProblem, DeliveryState,
    DeliveryStore, Failing, FeedError, Outgoing, Position, SealedSecret, Settled, Stream,
    StreamKind, StreamProblem, StreamState, Webhook,
};
use scim_provisioning::StoreError;

use crate::event::SERVER;
use crate::keyring::KeyRing;
use crate::service::Actor;
use crate::service::webhooks::{SECRET, webhook_purpose};
use crate::{AdminError, Services};

/// Sends to the receivers of streams.
pub struct Deliverer {
    services: Services,
    store: Arc<dyn DeliveryStore>,
    keys: Arc<KeyRing>,
    courier: Arc<dyn Courier>,
    /// Who holds the leases of this server.
    owner: String,
}

/// What came of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There was nothing to send, or another server sends.
    Nothing,
    /// The receiver took something, or what came next was nothing that it is told of. There may be
    /// more.
    Went,
    /// The receiver did not take it; it is tried again later.
    Failed,
}

/// Why nothing could be sent; it is tried again later.
#[derive(Debug, thiserror::Error)]
pub enum DeliveringError {
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The feed could not.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The administrators' service could not.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

impl Deliverer {
    /// Sends for these services, by a courier.
    pub fn new(
        services: Services,
        store: Arc<dyn DeliveryStore>,
        keys: Arc<KeyRing>,
        courier: Arc<dyn Courier>,
    ) -> Self {
        Self {
            owner: services.admin.new_id(),
            services,
            store,
            keys,
            courier,
        }
    }

    /// The time, by which something is due.
    pub fn now(&self) -> DateTime<Utc> {
        self.services.admin.now()
    }

    /// The ids of the streams to whose receivers something is to be sent now.
    ///
    /// # Errors
    /// [`DeliveringError`].
    pub fn due(&self, now: DateTime<Utc>) -> Result<Vec<String>, DeliveringError> {
        let webhooks = self.store.webhooks()?;
        if webhooks.is_empty() {
            return Ok(Vec::new());
        }
        let head = self.services.feed.head()?;
        let due = webhooks.into_iter().filter(|(stream, webhook, wanted)| {
            *wanted || (stream.position < head && is_due(stream, webhook, now))
        });
        Ok(due.map(|(stream, ..)| stream.id).collect())
    }

    /// Sends once for a stream: what is wanted by hand, else what changed.
    ///
    /// # Errors
    /// [`DeliveringError`].
    pub fn step(&self, stream: &str, now: DateTime<Utc>) -> Result<Step, DeliveringError> {
        if !self.store.lease(stream, &self.owner, now, now + LEASE)? {
            return Ok(Step::Nothing);
        }
        let mut webhooks = self.store.webhooks()?.into_iter();
        let Some((stream, webhook, wanted)) = webhooks.find(|(known, ..)| known.id == stream)
        else {
            return Ok(Step::Nothing);
        };
        if wanted && let Some(wanted) = self.store.wanted(&stream.id)? {
            return self.send_wanted(&stream, &webhook, wanted, now);
        }
        match (is_due(&stream, &webhook, now), stream.kind) {
            (false, _) => Ok(Step::Nothing),
            (true, StreamKind::Push) => self.push_events(&stream, &webhook, now),
            (true, _) => self.send_changes(&stream, &webhook, now),
        }
    }

    /// Forgets old deliveries, some of them at a time.
    ///
    /// # Errors
    /// [`DeliveringError`].
    pub fn forget_deliveries(&self, now: DateTime<Utc>) -> Result<(), DeliveringError> {
        self.store.forget_deliveries(now - KEPT, FORGOTTEN)?;
        Ok(())
    }

    fn send_wanted(
        &self,
        stream: &Stream,
        webhook: &Webhook,
        wanted: Delivery,
        now: DateTime<Utc>,
    ) -> Result<Step, DeliveringError> {
        if stream.kind == StreamKind::Push {
            return self.push_wanted(stream, webhook, wanted, now);
        }
        let changes = match wanted.kind {
            DeliveryKind::Test => Ok(Changes {
                items: Vec::new(),
                next: wanted.behind,
            }),
            _ => self.changes(stream, wanted.behind, wanted.up_to),
        };
        let changes = match changes {
            Ok(changes) => changes,
            Err(DeliveringError::Feed(FeedError::SnapshotRequired)) => {
                let failed = failed(wanted, DeliveryProblem::NotKept);
                self.settle(stream, Some(failed), None, webhook.failing)?;
                return Ok(Step::Failed);
            }
            Err(error) => return Err(error),
        };
        let (sent, _) = self.send((stream, webhook), wanted, &changes, now);
        let went = sent.state == DeliveryState::Delivered;
        // What is wanted by hand says nothing of what is to come: it is tried again when its time
        // is there, or now when somebody sees that it gets through.
        let failing = webhook.failing.filter(|_| !went);
        self.settle(stream, Some(sent), None, failing)?;
        Ok(if went { Step::Went } else { Step::Failed })
    }

    fn send_changes(
        &self,
        stream: &Stream,
        webhook: &Webhook,
        now: DateTime<Utc>,
    ) -> Result<Step, DeliveringError> {
        let begun = webhook
            .sending
            .filter(|up_to| (stream.position + 1..=stream.position + BATCH).contains(up_to));
        let up_to = begun.unwrap_or(stream.position + BATCH);
        let changes = match self.changes(stream, stream.position, up_to) {
            Err(DeliveringError::Feed(FeedError::SnapshotRequired)) => {
                self.break_off(stream)?;
                return Ok(Step::Nothing);
            }
            changes => changes?,
        };
        if changes.next == stream.position {
            return Ok(Step::Nothing);
        }
        let moved = Some((stream.position, changes.next));
        if changes.items.is_empty() {
            self.settle(stream, None, moved, webhook.failing)?;
            return Ok(Step::Went);
        }
        if begun != Some(changes.next) {
            self.store.note_sending(&stream.id, changes.next)?;
        }
        let delivery = self.begun(stream, stream.position, changes.next, now);
        let (sent, asked) = self.send((stream, webhook), delivery, &changes, now);
        if sent.state == DeliveryState::Delivered {
            self.settle(stream, Some(sent), moved, None)?;
            return Ok(Step::Went);
        }
        self.fail(stream, sent, webhook.failing, asked, now)
    }

    /// Something that is being sent.
    fn begun(
        &self,
        stream: &Stream,
        behind: Position,
        up_to: Position,
        now: DateTime<Utc>,
    ) -> Delivery {
        Delivery {
            id: self.services.admin.new_id(),
            stream: stream.id.clone(),
            kind: DeliveryKind::Changes,
            state: DeliveryState::Wanted,
            behind,
            up_to,
            changes: 0,
            at: now,
            took: std::time::Duration::ZERO,
            status: None,
            problem: None,
            answer: None,
        }
    }

    /// Writes that a receiver did not take what it was sent, and when it is tried again; after three
    /// days it is not.
    fn fail(
        &self,
        stream: &Stream,
        sent: Delivery,
        before: Option<Failing>,
        asked: Option<Duration>,
        now: DateTime<Utc>,
    ) -> Result<Step, DeliveringError> {
        let problem = sent.problem;
        let failing = Failing::after(before, &stream.id, asked, self.now());
        self.settle(stream, Some(sent), None, Some(failing))?;
        if failing.is_given_up(now) || problem == Some(DeliveryProblem::Gone) {
            self.give_up(stream)?;
        }
        Ok(Step::Failed)
    }

    /// The changes behind a position up to another one: the same ones each time.
    fn changes(
        &self,
        stream: &Stream,
        behind: Position,
        up_to: Position,
    ) -> Result<Changes, DeliveringError> {
        let feed = &self.services.feed;
        feed.check(behind)?;
        let limit = usize::try_from(up_to - behind).unwrap_or_default();
        Ok(feed.changes(Some(stream), behind, limit)?)
    }

    /// Sends changes; answers the delivery with what came of it, and for how long the receiver asks
    /// to be left alone.
    fn send(
        &self,
        webhook: (&Stream, &Webhook),
        delivery: Delivery,
        changes: &Changes,
        now: DateTime<Utc>,
    ) -> (Delivery, Option<Duration>) {
        let begun = Instant::now();
        let answered = self.post(webhook, &delivery, changes, now);
        let sent = Delivery {
            at: now,
            took: begun.elapsed(),
            changes: u32::try_from(changes.items.len()).unwrap_or(u32::MAX),
            ..delivery
        };
        match answered {
            Err(problem) => (failed(sent, problem), None),
            Ok(answered) => with_answer(sent, problem_of(answered.status), answered),
        }
    }

    fn post(
        &self,
        (stream, webhook): (&Stream, &Webhook),
        delivery: &Delivery,
        changes: &Changes,
        now: DateTime<Utc>,
    ) -> Result<Answered, DeliveryProblem> {
        let Some(url) = &stream.url else {
            return Err(DeliveryProblem::NotKept);
        };
        // What was recorded is JSON, which can always be written.
        let body = serde_json::to_string(changes).unwrap_or_default();
        let id = match delivery.kind {
            // The same each time that it is sent, so that the receiver knows it again.
            DeliveryKind::Changes | DeliveryKind::Again => {
                format!(
                    "msg_{}_{}_{}",
                    webhook.stream, delivery.behind, delivery.up_to
                )
            }
            DeliveryKind::Test => format!("msg_{}", delivery.id),
        };
        let timestamp = now.timestamp();
        let previous = webhook.previous.as_ref();
        let previous = previous.filter(|previous| previous.until > now);
        let secrets = [
            Some(&webhook.secret),
            previous.map(|previous| &previous.secret),
        ];
        let signed = format!("{id}.{timestamp}.{body}");
        let mut signatures = Vec::new();
        for secret in secrets.into_iter().flatten() {
            let secret = self.open(&webhook.stream, secret);
            signatures.push(secret.map(|secret| signature(&secret, signed.as_bytes())));
        }
        // With one that can be read the receiver may be content.
        let readable: Vec<String> = signatures.into_iter().flatten().collect();
        if readable.is_empty() {
            return Err(DeliveryProblem::SecretUnreadable);
        }
        self.courier.send(&Outgoing {
            url: url.as_str(),
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("webhook-id", id),
                ("webhook-timestamp", timestamp.to_string()),
                ("webhook-signature", readable.join(" ")),
            ],
            body: &body,
        })
    }

    fn unseal(&self, stream: &str, secret: &SealedSecret) -> Option<String> {
        let purpose = webhook_purpose(stream);
        let opened = self.keys.unseal(&secret.key, &purpose, &secret.sealed);
        opened.ok()
    }

    /// The bytes of a secret with which is signed.
    fn open(&self, stream: &str, secret: &SealedSecret) -> Option<Vec<u8>> {
        let text = self.unseal(stream, secret)?;
        STANDARD.decode(text.strip_prefix(SECRET)?).ok()
    }

    fn settle(
        &self,
        stream: &Stream,
        delivery: Option<Delivery>,
        moved: Option<(Position, Position)>,
        failing: Option<Failing>,
    ) -> Result<(), StoreError> {
        self.store.settle(Settled {
            stream: stream.id.clone(),
            owner: self.owner.clone(),
            delivery,
            moved,
            failing,
        })
    }

    /// Marks a stream as broken for which what comes next is not kept; the audit says so.
    fn break_off(&self, stream: &Stream) -> Result<(), DeliveringError> {
        let advice = StreamProblem::SnapshotRequired.advice(stream.kind);
        tracing::error!(stream = stream.name, advice, "the stream is broken");
        let admin = &self.services.admin;
        match admin.break_stream(&Actor::new(SERVER, None), stream.clone()) {
            // Somebody changed it meanwhile.
            Ok(_) | Err(AdminError::Stale) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Pauses a stream whose receiver takes nothing any more; the audit says so.
    fn give_up(&self, stream: &Stream) -> Result<(), DeliveringError> {
        let admin = &self.services.admin;
        tracing::error!(
            stream = stream.name,
            "the receiver of the stream takes nothing any more; the stream is paused"
        );
        match admin.pause_stream(&Actor::new(SERVER, None), stream.clone()) {
            // Somebody changed it meanwhile.
            Ok(_) | Err(AdminError::Stale) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A delivery that cannot be sent.
fn failed(delivery: Delivery, problem: DeliveryProblem) -> Delivery {
    Delivery {
        state: DeliveryState::Failed,
        problem: Some(problem),
        ..delivery
    }
}

/// Whether changes are sent now.
fn is_due(stream: &Stream, webhook: &Webhook, now: DateTime<Utc>) -> bool {
    stream.state == StreamState::Active && webhook.failing.is_none_or(|failing| failing.next <= now)
}

/// A delivery with what the receiver answered, and for how long it asks to be left alone.
fn with_answer(
    sent: Delivery,
    problem: Option<DeliveryProblem>,
    answered: Answered,
) -> (Delivery, Option<Duration>) {
    let asked = answered.retry_after.map(Duration::from_std);
    let delivery = Delivery {
        state: match problem {
            None => DeliveryState::Delivered,
            Some(_) => DeliveryState::Failed,
        },
        problem,
        status: Some(answered.status),
        answer: Some(answered.text).filter(|text| !text.is_empty()),
        ..sent
    };
    (delivery, asked.and_then(Result::ok))
}

/// What is wrong with the status of an answer.
fn problem_of(status: u16) -> Option<DeliveryProblem> {
    match status {
        200..=299 => None,
        300..=399 => Some(DeliveryProblem::Redirected),
        410 => Some(DeliveryProblem::Gone),
        _ => Some(DeliveryProblem::Refused),
    }
}

/// The signature of Standard Webhooks: HMAC-SHA256 in Base64, with its version.
fn signature(secret: &[u8], signed: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, signed)))
}

/// How many changes are sent at once, at most.
const BATCH: Position = 100;
/// For how long a server sends for a stream before another one may: longer than an attempt takes.
const LEASE: Duration = Duration::seconds(60);

/// For how long deliveries are kept to look at, and how many are forgotten at a time.
const KEPT: Duration = Duration::days(7);
const FORGOTTEN: i64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        assert_eq!(
            secret.map(|secret| signature(&secret, signed)),
            Ok("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned())
        );
    }
}
