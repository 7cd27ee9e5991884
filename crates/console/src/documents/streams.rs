//! Who follows the feed, and what was sent to them.

use serde::Serialize;
use utoipa::ToSchema;

use super::kinds::document;

document! {
    /// A receiver's stream of the feed.
    Stream {
        id: String,
        name: String,
        /// `read` or `webhook`.
        kind: String,
        /// Where what changes is sent to; `null` where the receiver asks for it.
        url: Option<String>,
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
    IssuedStream {
        id: String,
        name: String,
        kind: String,
        topics: Option<Vec<String>>,
        secret: String,
    }
}
