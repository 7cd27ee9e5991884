//! What is sent to a receiver, and what came of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use scim_service::StoreError;

use crate::position::Position;
use crate::stream::Stream;
use crate::topic::words;
use crate::webhook::{Failing, Webhook};

words! {
    /// Why something is sent.
    DeliveryKind {
        /// It changed.
        Changes = "changes",
        /// An administrator wants to see whether it arrives. Nothing is in it.
        Test = "test",
        /// An administrator wants it to be sent once more.
        Again = "again",
    }
}

words! {
    /// What became of it.
    DeliveryState {
        /// It is to be sent.
        Wanted = "wanted",
        /// The receiver took it.
        Delivered = "delivered",
        /// It did not.
        Failed = "failed",
    }
}

words! {
    /// Why a receiver did not take what was sent.
    DeliveryProblem {
        /// It answered with a status that is no success.
        Refused = "refused",
        /// It answered with a success that does not say that it took a security event (RFC 8935
        /// section 2.2).
        NotAcknowledged = "not-acknowledged",
        /// It answered that it is somewhere else, which is not followed.
        Redirected = "redirected",
        /// It answered that it is there no more (410).
        Gone = "gone",
        /// It did not answer in time.
        Timeout = "timeout",
        /// Its host has no address.
        UnknownHost = "unknown-host",
        /// Its address is not one that may be reached.
        AddressNotAllowed = "address-not-allowed",
        /// There is no connection to it.
        Unreachable = "unreachable",
        /// Its certificate is not trusted, or it speaks no TLS.
        Untrusted = "untrusted",
        /// The secret cannot be opened with the keys of this server.
        SecretUnreadable = "secret-unreadable",
        /// What was to be sent again is not kept any more.
        NotKept = "not-kept",
    }
}

impl DeliveryProblem {
    /// What it says to an administrator, and what to do.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Refused => "The receiver refused it; its own log says why.",
            Self::NotAcknowledged => {
                "The receiver answered, but not with 202, by which a receiver of security events says \
                 that it took one; look whether the address is that of such a receiver."
            }
            Self::Redirected => {
                "The receiver answered with another address, which is not followed; add a stream \
                 with that one."
            }
            Self::Gone => "The receiver says that it is there no more.",
            Self::Timeout => "The receiver did not answer within ten seconds.",
            Self::UnknownHost => "The host of the receiver has no address.",
            Self::AddressNotAllowed => {
                "The host of the receiver has no address outside of private networks; name its \
                 network with --feed-allow-networks if it is to be reached."
            }
            Self::Unreachable => "There is no connection to the receiver.",
            Self::Untrusted => {
                "The certificate of the receiver is not trusted; name its authority with --feed-ca \
                 if it is a private one."
            }
            Self::SecretUnreadable => {
                "The secret of the stream was sealed with a key that is not in the key ring."
            }
            Self::NotKept => "The changes are not kept any more.",
        }
    }
}

/// Something that was sent, or is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The id; later ones have greater ones.
    pub id: String,
    /// The id of the stream.
    pub stream: String,
    /// Why it is sent.
    pub kind: DeliveryKind,
    /// What became of it.
    pub state: DeliveryState,
    /// The position behind which its changes begin.
    pub behind: Position,
    /// The position of the last one.
    pub up_to: Position,
    /// How many changes it has.
    pub changes: u32,
    /// When it was sent, or wanted.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub took: Duration,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why the receiver did not take it.
    pub problem: Option<DeliveryProblem>,
    /// How the answer begins.
    pub answer: Option<String>,
}

/// What came of an attempt, to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The id of the stream.
    pub stream: String,
    /// Who had the lease.
    pub owner: String,
    /// What was sent; `None` where nothing had to be.
    pub delivery: Option<Delivery>,
    /// From where to where the receiver has come.
    pub moved: Option<(Position, Position)>,
    /// How it fails from now on.
    pub failing: Option<Failing>,
}

/// Where webhooks and deliveries are kept.
pub trait DeliveryStore: Send + Sync {
    /// The streams to whose receivers something is sent, with whether something is wanted by hand.
    ///
    /// # Errors
    /// A fault of the store.
    fn webhooks(&self) -> Result<Vec<(Stream, Webhook, bool)>, StoreError>;

    /// Takes a stream for one server until a time; answers whether it is that server's. A lease that
    /// is over is anybody's.
    ///
    /// # Errors
    /// A fault of the store.
    fn lease(
        &self,
        stream: &str,
        owner: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// The oldest delivery of a stream that is wanted by hand.
    ///
    /// # Errors
    /// A fault of the store.
    fn wanted(&self, stream: &str) -> Result<Option<Delivery>, StoreError>;

    /// Notes up to where the changes go that are being sent.
    ///
    /// # Errors
    /// A fault of the store.
    fn note_sending(&self, stream: &str, up_to: Position) -> Result<(), StoreError>;

    /// Writes what came of an attempt, all at once; nothing of it where the lease is another's by
    /// now. The receiver moves only from where it was: an administrator may have set another
    /// position.
    ///
    /// # Errors
    /// A fault of the store.
    fn settle(&self, settled: Settled) -> Result<(), StoreError>;

    /// Forgets deliveries from before a time, at most so many; answers how many.
    ///
    /// # Errors
    /// A fault of the store.
    fn forget_deliveries(&self, before: DateTime<Utc>, limit: i64) -> Result<usize, StoreError>;
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// Where to.
    pub url: &'a str,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body, JSON.
    pub body: &'a str,
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// How long it asks to be left alone (RFC 9110 section 10.2.3).
    pub retry_after: Option<Duration>,
    /// How its text begins.
    pub text: String,
}

/// Sends to receivers.
pub trait Courier: Send + Sync {
    /// Sends, and waits for the answer.
    ///
    /// # Errors
    /// Why there is none.
    fn send(&self, outgoing: &Outgoing<'_>) -> Result<Answered, DeliveryProblem>;
}
