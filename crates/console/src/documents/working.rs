//! What is done over everybody of a configuration, and beside it, as documents.

use scim_admin::mapping::ReceivedAttribute as StoredAttribute;
use scim_admin::session::Session as StoredSession;
use scim_admin::{ImportedMapping as StoredImport, Replay, Replayed as ReplayedRequest};
use scim_mapping::WithoutEqual;
use scim_provisioning::reapply::Job;
use serde::Serialize;
use utoipa::ToSchema;

use super::kinds::{Event, Version, document};
use super::times::instant;
use super::version;

document! {
    /// Rules that are applied again.
    #[schema(example = json!({
        "id": "0197f2e8-05d2-7c3b-9f61-2ab8d47e90c3", "users": 1204, "done": 1204, "changed": 37,
        "failed": 0, "finished": true,
        "startedAt": "2026-11-25T08:06:10Z", "updatedAt": "2026-11-25T08:06:21Z",
    }))]
    Reapplication {
        id: String,
        /// How many users there are.
        users: u64,
        done: u64,
        changed: u64,
        failed: u64,
        finished: bool,
        started_at: String,
        updated_at: String,
    }
}
document! {
    /// An attribute that an identity provider sends.
    #[schema(example = json!({
        "path": "nickName", "type": "string", "count": 412,
        "lastSeenAt": "2026-11-26T16:52:07Z", "sample": "A**", "mapped": false,
    }))]
    ReceivedAttribute {
        path: String,
        /// The JSON type of the last value.
        #[serde(rename = "type")]
        value_type: String,
        /// In how many requests.
        count: i64,
        last_seen_at: String,
        /// The last value, masked.
        sample: String,
        /// Whether a rule reads it.
        mapped: bool,
    }
}
document! {
    /// What came of a mapping of an identity provider.
    #[schema(example = json!({
        "draft": { "version": 0, "state": "draft", "note": "Imported" },
        "warnings": ["\"department\" has no rule any more."],
    }))]
    ImportedMapping {
        draft: Version,
        warnings: Vec<String>,
        /// Expressions that have no equal.
        without_equal: Vec<WithoutEqual>,
    }
}
document! {
    /// What came of a request that was carried out again.
    #[schema(example = json!({
        "status": 200, "event": {}, "run": "0197f2d0-40ab-7a63-8c1f-95b2e7d43016",
    }))]
    Replayed {
        /// What the identity provider would have been answered.
        status: u16,
        /// The entry of the log; null where there was nothing to change.
        event: Option<Event>,
        /// The id of the run, which can be taken back.
        run: String,
    }
}
document! {
    /// Somebody who is signed in to the console.
    #[schema(example = json!({
        "id": "0197f2e8-05d2-7c3b-9f61-2ab8d47e90c3", "account": "ops",
        "beganAt": "2026-11-26T08:00:14Z",
        "lastUsedAt": "2026-11-26T16:49:30Z",
    }))]
    ConsoleSession {
        id: String,
        /// The name of the account.
        account: String,
        began_at: String,
        last_used_at: String,
    }
}

/// Rules that are applied again.
pub fn reapplication(job: &Job) -> Reapplication {
    Reapplication {
        id: job.id.to_string(),
        users: job.total,
        done: job.done,
        changed: job.changed,
        failed: job.failed,
        finished: job.finished,
        started_at: instant(job.created),
        updated_at: instant(job.updated),
    }
}

/// An attribute that an identity provider sends.
pub fn received_attribute(attribute: StoredAttribute) -> ReceivedAttribute {
    ReceivedAttribute {
        path: attribute.path,
        value_type: attribute.value_type,
        count: attribute.count,
        last_seen_at: instant(attribute.last_seen),
        sample: attribute.sample,
        mapped: attribute.mapped,
    }
}

/// What came of a mapping of an identity provider.
pub fn imported_mapping(imported: StoredImport, active: i64) -> ImportedMapping {
    ImportedMapping {
        draft: version(&imported.draft, active),
        warnings: imported.warnings,
        without_equal: imported.without_equal,
    }
}

/// What came of a request that was carried out again.
pub fn replayed(done: &ReplayedRequest, replay: &Replay) -> Replayed {
    Replayed {
        status: done.answer.status,
        event: done.made.as_ref().map(super::event),
        run: replay.run().to_string(),
    }
}

/// Somebody who is signed in.
pub fn console_session(session: &StoredSession, account: String) -> ConsoleSession {
    ConsoleSession {
        id: session_id(session),
        account,
        began_at: instant(session.created),
        last_used_at: instant(session.last_used),
    }
}

impl ConsoleSession {
    /// The account, since when, when it was used last, and the id.
    pub fn cells(self) -> [String; 4] {
        [self.account, self.began_at, self.last_used_at, self.id]
    }
}

/// By what a session is named: nobody can sign in with it.
pub fn session_id(session: &StoredSession) -> String {
    session.hash.chars().take(16).collect()
}
