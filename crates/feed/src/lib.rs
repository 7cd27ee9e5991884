//! The feed: what changed in the directory, in one order, and the streams by which receivers follow
//! it.
//!
//! A store records every change of a row as it was before and as it is after ([`Recorded`]). What
//! that means to a receiver is decided here and nowhere else: [`Change::of`] names the [`Topic`] and
//! the fields. [`Feed`] answers what is behind a position, or that it is not kept any more and a
//! snapshot is needed, through the port [`FeedStore`]. A receiver asks, or what changed is sent to it
//! ([`Webhook`], [`Delivery`]): what was sent and how it goes is kept in a [`DeliveryStore`]. Either
//! way changes may come as they are, or as security events of SCIM (RFC 9967) that an
//! [`EventSigner`] signed.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod change;
mod delivery;
mod event;
mod feed;
mod position;
mod snapshot;
mod store;
mod stream;
mod topic;
mod webhook;

pub use change::{Change, FieldChange, Recorded, Resource};
pub use delivery::{
    Answered, Courier, Delivery, DeliveryKind, DeliveryProblem, DeliveryState, DeliveryStore,
    Outgoing, Settled,
};
pub use event::{EVENT_URIS, EventSigner, SignedEvent, SignedEvents, SigningError};
pub use feed::{Changes, Feed, FeedError};
pub use position::Position;
pub use snapshot::{SnapshotKey, SnapshotRow};
pub use store::{Extent, FeedStore, PAGE_BYTES};
pub use stream::{Stream, StreamKind, StreamProblem, StreamState};
pub use topic::{Subject, Topic};
pub use webhook::{Failing, PreviousSecret, SealedSecret, Webhook, WebhookUrl, WebhookUrlError};
