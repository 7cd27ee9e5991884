//! Security events that are pushed (RFC 8935): one token a request, each acknowledged by itself.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use scim_feed::{
    Answered, Delivery, DeliveryKind, DeliveryProblem, DeliveryState, FeedError, Outgoing,
    SignedEvents, Stream, Webhook,
};
use serde::Deserialize;

use super::{BATCH, Deliverer, DeliveringError, Step, failed, problem_of, with_answer};

/// How a run of tokens ended.
struct Pushed {
    /// How many the receiver took.
    taken: usize,
    /// What came of the first one that it did not take.
    refused: Option<Result<Answered, DeliveryProblem>>,
    took: Duration,
}

impl Deliverer {
    /// Pushes what changed, one token after the other, until the receiver does not take one or the
    /// lease has to be renewed.
    pub(super) fn push_events(
        &self,
        stream: &Stream,
        webhook: &Webhook,
        now: DateTime<Utc>,
    ) -> Result<Step, DeliveringError> {
        let from = stream.position;
        let events = match self.events(stream, from, from + BATCH) {
            Err(DeliveringError::Feed(FeedError::SnapshotRequired)) => {
                self.break_off(stream)?;
                return Ok(Step::Nothing);
            }
            events => events?,
        };
        if events.next == from {
            return Ok(Step::Nothing);
        }
        let pushed = self.push_all((stream, webhook), &events);
        let reached = match events.items.get(pushed.taken) {
            // Behind the last one there may be changes that the receiver is not told of.
            None => events.next,
            Some(left) => left.position - 1,
        };
        if reached > from {
            let taken = self.begun(stream, from, reached, now);
            let taken = Delivery {
                state: DeliveryState::Delivered,
                changes: u32::try_from(pushed.taken).unwrap_or(u32::MAX),
                took: pushed.took,
                status: Some(ACCEPTED),
                ..taken
            };
            let told = (pushed.taken > 0).then_some(taken);
            let failing = webhook.failing.filter(|_| pushed.taken == 0);
            self.settle(stream, told, Some((from, reached)), failing)?;
        }
        let (Some(refused), Some(left)) = (pushed.refused, events.items.get(pushed.taken)) else {
            return Ok(Step::Went);
        };
        let sent = Delivery {
            changes: 1,
            took: pushed.took,
            ..self.begun(stream, left.position - 1, left.position, now)
        };
        let (sent, asked) = match refused {
            Err(problem) => (failed(sent, problem), None),
            Ok(answered) => with_answer(sent, problem_of_push(answered.status), told(answered)),
        };
        let before = webhook.failing.filter(|_| pushed.taken == 0);
        self.fail(stream, sent, before, asked, now)
    }

    /// Pushes what is wanted by hand.
    pub(super) fn push_wanted(
        &self,
        stream: &Stream,
        webhook: &Webhook,
        wanted: Delivery,
        now: DateTime<Utc>,
    ) -> Result<Step, DeliveringError> {
        let events = match wanted.kind {
            DeliveryKind::Test => self.verification(stream, &wanted),
            _ => self.events(stream, wanted.behind, wanted.up_to),
        };
        let events = match events {
            Err(DeliveringError::Feed(FeedError::SnapshotRequired)) => {
                let failed = failed(wanted, DeliveryProblem::NotKept);
                self.settle(stream, Some(failed), None, webhook.failing)?;
                return Ok(Step::Failed);
            }
            events => events?,
        };
        let pushed = self.push_all((stream, webhook), &events);
        let whole = pushed.taken == events.items.len();
        let sent = Delivery {
            at: now,
            took: pushed.took,
            changes: match wanted.kind {
                DeliveryKind::Test => 0,
                _ => u32::try_from(pushed.taken).unwrap_or(u32::MAX),
            },
            ..wanted
        };
        let sent = match pushed.refused {
            Some(Ok(answered)) => {
                with_answer(sent, problem_of_push(answered.status), told(answered)).0
            }
            Some(Err(problem)) => failed(sent, problem),
            None if whole => Delivery {
                state: DeliveryState::Delivered,
                status: Some(ACCEPTED),
                ..sent
            },
            None => failed(sent, DeliveryProblem::Timeout),
        };
        let failing = webhook.failing.filter(|_| !whole);
        self.settle(stream, Some(sent), None, failing)?;
        Ok(if whole { Step::Went } else { Step::Failed })
    }

    /// The tokens behind a position up to another one: the same ones each time.
    fn events(
        &self,
        stream: &Stream,
        behind: i64,
        up_to: i64,
    ) -> Result<SignedEvents, DeliveringError> {
        let feed = &self.services.feed;
        feed.check(behind)?;
        let limit = usize::try_from(up_to - behind).unwrap_or_default();
        Ok(feed.events(stream, behind, limit)?)
    }

    fn verification(
        &self,
        stream: &Stream,
        wanted: &Delivery,
    ) -> Result<SignedEvents, DeliveringError> {
        let token = self.services.feed.verification(stream, &wanted.id);
        let event = scim_feed::SignedEvent {
            id: wanted.id.clone(),
            position: wanted.behind,
            token: token.map_err(FeedError::from)?,
        };
        Ok(SignedEvents {
            items: vec![event],
            next: wanted.behind,
        })
    }

    fn push_all(&self, to: (&Stream, &Webhook), events: &SignedEvents) -> Pushed {
        let begun = Instant::now();
        let (mut taken, mut refused) = (0, None);
        for event in &events.items {
            if taken > 0 && begun.elapsed() >= RUN {
                break;
            }
            match self.push(to, &event.token) {
                Ok(answered) if answered.status == ACCEPTED => taken += 1,
                other => {
                    refused = Some(other);
                    break;
                }
            }
        }
        Pushed {
            taken,
            refused,
            took: begun.elapsed(),
        }
    }

    /// RFC 8935 section 2.1.
    fn push(
        &self,
        (stream, webhook): (&Stream, &Webhook),
        token: &str,
    ) -> Result<Answered, DeliveryProblem> {
        let url = stream.url.as_ref().ok_or(DeliveryProblem::NotKept)?;
        let secret = self.unseal(&stream.id, &webhook.secret);
        let secret = secret.ok_or(DeliveryProblem::SecretUnreadable)?;
        self.courier.send(&Outgoing {
            url: url.as_str(),
            headers: vec![
                ("content-type", "application/secevent+jwt".to_owned()),
                ("accept", "application/json".to_owned()),
                ("authorization", format!("Bearer {secret}")),
            ],
            body: token,
        })
    }
}

/// What is wrong with the status of an answer: 202 alone says that a token was taken (RFC 8935 section
/// 2.2).
fn problem_of_push(status: u16) -> Option<DeliveryProblem> {
    match status {
        ACCEPTED => None,
        200..=299 => Some(DeliveryProblem::NotAcknowledged),
        _ => problem_of(status),
    }
}

/// What a receiver says that could not take a token (RFC 8935 section 2.3).
#[derive(Deserialize)]
struct SetError {
    err: String,
    #[serde(default)]
    description: String,
}

/// An answer with what it says of an error in place of how it is written.
fn told(answered: Answered) -> Answered {
    let text = match serde_json::from_str::<SetError>(&answered.text) {
        Ok(said) if said.description.is_empty() => said.err,
        Ok(said) => format!("{}: {}", said.err, said.description),
        Err(_other) => return answered,
    };
    Answered { text, ..answered }
}

const ACCEPTED: u16 = 202;
/// For how long is pushed before what was taken is written. Together with one more attempt it is
/// shorter than the lease.
const RUN: Duration = Duration::from_secs(20);
