//! A receiver's stream.

use chrono::{DateTime, Utc};

use crate::position::Position;
use crate::topic::{Subject, Topic, words};
use crate::webhook::{Webhook, WebhookUrl};

words! {
    /// How a receiver gets what changed.
    StreamKind {
        /// It asks for it.
        Read = "read",
        /// It is sent to it.
        Webhook = "webhook",
        /// It is sent to it as security events (RFC 8935).
        Push = "push",
        /// It asks for it as security events (RFC 8936).
        Poll = "poll",
    }
}

impl StreamKind {
    /// Whether what changed is sent to an address.
    pub fn is_sent(self) -> bool {
        matches!(self, Self::Webhook | Self::Push)
    }

    /// Whether what changed is told as security events.
    pub fn has_events(self) -> bool {
        matches!(self, Self::Push | Self::Poll)
    }

    /// Whether a topic can be told of. SCIM knows people, groups and who is in them, and so do its
    /// events.
    pub fn tells(self, topic: Topic) -> bool {
        !self.has_events() || has_event(topic.subject())
    }
}

fn has_event(subject: Subject) -> bool {
    matches!(
        subject,
        Subject::User | Subject::Group | Subject::Membership
    )
}

words! {
    /// Whether a receiver gets what changed.
    StreamState {
        /// It does.
        Active = "active",
        /// Not until an administrator resumes it. What changes meanwhile waits.
        Paused = "paused",
        /// It was away for so long that what it missed is not kept. It begins again with a
        /// snapshot.
        Broken = "broken",
    }
}

words! {
    /// Why nothing is told to a receiver until somebody does something about it.
    StreamProblem {
        /// What it is to be told next is not kept any more, or is of another database.
        SnapshotRequired = "snapshot-required",
        /// There is no secret with which what is sent could be signed.
        NoSecret = "no-secret",
    }
}

impl StreamProblem {
    /// What it says to an administrator, and what to do.
    pub fn advice(self, kind: StreamKind) -> &'static str {
        match (self, kind) {
            (Self::SnapshotRequired, StreamKind::Read | StreamKind::Poll) => {
                "What the receiver is to be told next is not kept any more; it goes on when it has \
                 taken a snapshot."
            }
            (Self::SnapshotRequired, StreamKind::Webhook | StreamKind::Push) => {
                "What the receiver is to be told next is not kept any more: have it take a snapshot \
                 by a stream that is read, then replay this one from the position of the snapshot."
            }
            (Self::NoSecret, _) => {
                "There is no secret to send with, because none was made yet or its key is lost: make \
                 a new one and give it to the receiver; what changed meanwhile is sent then."
            }
        }
    }
}

/// A receiver's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// How the receiver gets what changed.
    pub kind: StreamKind,
    /// What it is told of; `None` for everything.
    pub topics: Option<Vec<Topic>>,
    /// Whether it gets it.
    pub state: StreamState,
    /// Up to where it has it.
    pub position: Position,
    /// When it got something last.
    pub delivered: Option<DateTime<Utc>>,
    /// How often it was changed by an administrator.
    pub version: i64,
    /// When it was added.
    pub created: DateTime<Utc>,
    /// The id of the API key that made it, where that was one: it ends with it.
    pub made_by: Option<String>,
    /// Where what changes is sent to; `None` where the receiver asks for it.
    pub url: Option<WebhookUrl>,
}

impl Stream {
    /// Whether it is told of a topic.
    pub fn takes(&self, topic: Topic) -> bool {
        let topics = self.topics.as_ref();
        self.kind.tells(topic) && topics.is_none_or(|topics| topics.contains(&topic))
    }

    /// Whom its security events are meant for (`aud`).
    pub fn audience(&self) -> String {
        format!("urn:uuid:{}", self.id)
    }

    /// Why nothing is told to its receiver until somebody does something about it; `webhook` is what
    /// it has where changes are sent.
    pub fn problem(&self, webhook: Option<&Webhook>) -> Option<StreamProblem> {
        match (self.state, self.kind, webhook) {
            (StreamState::Broken, ..) => Some(StreamProblem::SnapshotRequired),
            (_, kind, None) if kind.is_sent() => Some(StreamProblem::NoSecret),
            _ => None,
        }
    }

    /// What its snapshot holds: that of which it is told of a topic, but for alerts, which are none
    /// of the directory.
    pub fn subjects(&self) -> Vec<Subject> {
        let told = |subject: &Subject| {
            let topics = self.topics.as_ref();
            *subject != Subject::Alert
                && (!self.kind.has_events() || has_event(*subject))
                && topics
                    .is_none_or(|topics| topics.iter().any(|topic| topic.subject() == *subject))
        };
        Subject::ALL.iter().copied().filter(told).collect()
    }
}
