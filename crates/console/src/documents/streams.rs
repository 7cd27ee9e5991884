//! Who follows the feed, and what was sent to them.

use scim_admin::IssuedStream as IssuedStreamKey;
use scim_feed::{Delivery as StoredDelivery, Position, Stream as StoredStream, Topic, Webhook};
use serde::Serialize;
use utoipa::ToSchema;

use super::kinds::document;
use super::times::{instant, maybe_instant};

document! {
    /// A receiver's stream of the feed.
    #[schema(example = json!({
        "id": "0197f2e3-91c4-7206-bd5a-e47f308c61b9", "name": "asset database", "kind": "webhook",
        "url": "https://receiver.example.com/feed", "audience": null,
        "topics": ["user.created", "user.updated"], "state": "active", "position": 90412,
        "lag": 0, "lastDelivery": "2026-11-26T16:52:08Z", "problem": null, "advice": null,
        "failing": null, "createdAt": "2026-11-24T11:00:00Z",
    }))]
    Stream {
        id: String,
        name: String,
        /// `read`, `webhook`, `poll` or `push`.
        kind: String,
        /// Where what changes is sent to; `null` where the receiver asks for it.
        url: Option<String>,
        /// Whom its security events are meant for (`aud`); `null` where it has none.
        audience: Option<String>,
        /// What it is told of; `null` for everything.
        topics: Option<Vec<String>>,
        /// `active`, `paused` or `broken`.
        state: String,
        /// Up to where the receiver has everything.
        position: i64,
        /// How many changes it does not have yet.
        lag: i64,
        /// When it was told something last.
        last_delivery: Option<String>,
        /// Why nothing is told until somebody does something about it: `snapshot-required` or
        /// `no-secret`.
        problem: Option<String>,
        /// What that means, and what to do.
        advice: Option<String>,
        /// How long nothing gets through; `null` where the last attempt did.
        failing: Option<Failing>,
        created_at: String,
    }
}
document! {
    /// A receiver that does not take what is sent to it.
    #[schema(example = json!({
        "since": "2026-11-26T15:00:00Z", "attempts": 6, "nextAttemptAt": "2026-11-26T17:04:00Z",
    }))]
    Failing {
        since: String,
        /// How many attempts failed one after the other.
        attempts: u32,
        /// When it is tried again.
        next_attempt_at: String,
    }
}
document! {
    /// Something that was sent to a receiver, or is to be.
    #[schema(example = json!({
        "id": "0197f2e8-05d2-7c3b-9f61-2ab8d47e90c3", "kind": "changes", "state": "delivered",
        "behind": 90409, "upTo": 90412,
        "changes": 3, "at": "2026-11-26T16:52:08Z", "milliseconds": 38, "status": 204,
        "problem": null, "advice": null, "answer": null,
    }))]
    Delivery {
        id: String,
        /// `changes`, `test` or `again`.
        kind: String,
        /// `wanted`, `delivered` or `failed`.
        state: String,
        /// The position behind which its changes begin.
        behind: i64,
        /// The position of the last one.
        up_to: i64,
        /// How many changes it has.
        changes: u32,
        at: String,
        /// How long the receiver took to answer.
        milliseconds: u64,
        /// The status of the answer.
        status: Option<u16>,
        /// Why the receiver did not take it.
        problem: Option<String>,
        /// What that means, and what to do.
        advice: Option<String>,
        /// How the answer begins.
        answer: Option<String>,
    }
}
document! {
    /// A stream that was just added, with the key that its receiver sends.
    #[schema(example = json!({
        "id": "0197f2e3-91c4-7206-bd5a-e47f308c61b9", "name": "asset database", "kind": "webhook",
        "topics": ["user.created", "user.updated"], "secret": "whsec_EXAMPLE",
    }))]
    IssuedStream {
        id: String,
        name: String,
        kind: String,
        topics: Option<Vec<String>>,
        secret: String,
    }
}

/// A stream of the feed, whose last change has the position `head`.
pub fn stream(stream: &StoredStream, webhook: Option<&Webhook>, head: Position) -> Stream {
    let failing = webhook.and_then(|webhook| webhook.failing);
    let problem = stream.problem(webhook);
    Stream {
        id: stream.id.clone(),
        name: stream.name.clone(),
        kind: stream.kind.as_str().to_owned(),
        url: stream.url.as_ref().map(|url| url.as_str().to_owned()),
        audience: stream.kind.has_events().then(|| stream.audience()),
        topics: topics(stream),
        state: stream.state.as_str().to_owned(),
        position: stream.position,
        lag: (head - stream.position).max(0),
        last_delivery: maybe_instant(stream.delivered),
        problem: problem.map(|problem| problem.as_str().to_owned()),
        advice: problem.map(|problem| problem.advice(stream.kind).to_owned()),
        failing: failing.map(|failing| Failing {
            since: instant(failing.since),
            attempts: failing.attempts,
            next_attempt_at: instant(failing.next),
        }),
        created_at: instant(stream.created),
    }
}

/// Something that was sent to a receiver, or is to be.
pub fn delivery(delivery: &StoredDelivery) -> Delivery {
    Delivery {
        id: delivery.id.clone(),
        kind: delivery.kind.as_str().to_owned(),
        state: delivery.state.as_str().to_owned(),
        behind: delivery.behind,
        up_to: delivery.up_to,
        changes: delivery.changes,
        at: instant(delivery.at),
        milliseconds: u64::try_from(delivery.took.as_millis()).unwrap_or(u64::MAX),
        status: delivery.status,
        problem: delivery.problem.map(|problem| problem.as_str().to_owned()),
        advice: delivery.problem.map(|problem| problem.advice().to_owned()),
        answer: delivery.answer.clone(),
    }
}

/// A stream that was just added, with its key in clear text.
pub fn issued_stream(issued: &IssuedStreamKey) -> IssuedStream {
    let stream = &issued.stream;
    IssuedStream {
        id: stream.id.clone(),
        name: stream.name.clone(),
        kind: stream.kind.as_str().to_owned(),
        topics: topics(stream),
        secret: issued.key.reveal().to_owned(),
    }
}

fn topics(stream: &StoredStream) -> Option<Vec<String>> {
    let words = |topic: &Topic| topic.as_str().to_owned();
    let topics = stream.topics.as_ref();
    topics.map(|topics| topics.iter().map(words).collect())
}
