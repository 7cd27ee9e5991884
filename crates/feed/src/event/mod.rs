//! Changes as security events: SCIM events (RFC 9967) in the claims of a Security Event Token
//! (RFC 8417).
//!
//! A change of a person, a group or a membership is one event, in its `full` form: a receiver that
//! has nothing but the events ends with the directory, as it does with changes. What the directory
//! knows beyond SCIM (grants, definitions of custom fields, alerts) is none. Resources neither come
//! into a stream nor leave it without being created or deleted, so that there is no `feed:add` and no
//! `feed:remove`.

mod resource;
mod sign;

use serde_json::{Map, Value, json};

use crate::change::Change;
use crate::position::Position;
use crate::stream::Stream;
use crate::topic::{Subject, Topic};

pub(crate) use resource::document;
pub use sign::{EventSigner, SignedEvent, SignedEvents, SigningError};

/// The events that are sent, as `eventUris` of a service provider's configuration lists them (RFC
/// 9967 section 4).
pub const EVENT_URIS: [&str; 7] = [
    CREATED,
    PATCHED,
    PUT,
    DELETED,
    ACTIVATED,
    DEACTIVATED,
    VERIFICATION,
];

/// The claims of the token of a change (RFC 8417 section 2.2, RFC 9967 section 2.2); `None` for a
/// change that is no event. They are the same each time, so that what comes twice is known by its
/// `jti`.
pub(crate) fn claims(stream: &Stream, change: &Change, issuer: &str) -> Option<Map<String, Value>> {
    let events = events(change)?;
    let at = change.at.timestamp();
    Some(members(json!({
        "iss": issuer,
        // The token is what the change made it be, whenever it is sent.
        "iat": at,
        "toe": at,
        "jti": id(stream, change.position),
        "aud": [stream.audience()],
        // Of one change, whoever it is told to (RFC 9967 section 2.2).
        "txn": change.position.to_string(),
        "sub_id": subject(change),
        "events": events,
    })))
}

/// The claims of a token by which somebody sees whether tokens arrive: the verification event of the
/// OpenID Shared Signals Framework, about the stream.
pub(crate) fn verification(
    stream: &Stream,
    id: &str,
    at: chrono::DateTime<chrono::Utc>,
    issuer: &str,
) -> Map<String, Value> {
    members(json!({
        "iss": issuer,
        "iat": at.timestamp(),
        "jti": id,
        "aud": [stream.audience()],
        "sub_id": {"format": "opaque", "id": stream.id},
        "events": {VERIFICATION: {"state": id}},
    }))
}

/// Whether a change is an event.
pub(crate) fn is_event(change: &Change) -> bool {
    events(change).is_some()
}

/// The `jti` of a change in a stream: the same each time that it is sent, and no other stream's.
pub(crate) fn id(stream: &Stream, position: Position) -> String {
    format!("{}.{position}", stream.id)
}

/// The change of which a token of a stream was.
pub(crate) fn position_of(stream: &Stream, id: &str) -> Option<Position> {
    id.strip_prefix(&stream.id)?.strip_prefix('.')?.parse().ok()
}

/// Whom or what a change is about (RFC 9967 section 2.1).
fn subject(change: &Change) -> Value {
    let mut subject = json!({"format": "scim", "uri": uri(change)});
    let external = match change.resource.subject {
        Subject::Membership => None,
        _ => record(change).and_then(|record| record.get("externalId")?.as_str()),
    };
    if let (Some(external), Some(members)) = (external, subject.as_object_mut()) {
        members.insert("externalId".into(), external.into());
    }
    subject
}

/// The path of the resource that changed; of a membership that of the group.
fn uri(change: &Change) -> String {
    let id = &change.resource.id;
    match change.resource.subject {
        Subject::User => format!("/Users/{id}"),
        _ => format!("/Groups/{}", id.split('/').next().unwrap_or(id)),
    }
}

/// The record after, or the one before where it is gone.
fn record(change: &Change) -> Option<&Map<String, Value>> {
    change.record.as_ref().or(change.gone.as_ref())
}

/// The events of a change with what each says (RFC 9967 section 2.4). Of one change there may be two
/// (section 2.1): somebody is blocked, and is otherwise than before.
fn events(change: &Change) -> Option<Value> {
    Some(match change.topic {
        Topic::UserCreated | Topic::GroupCreated => {
            json!({CREATED: with_version(change, full(change)?)})
        }
        Topic::UserUpdated => {
            let shown = |of: &str| resource::shows(Subject::User, of);
            let seen = change.changes.iter().any(|change| shown(&change.field));
            return seen.then_some(()).and(Some(json!({PUT: full(change)?})));
        }
        Topic::UserUnblocked => json!({ACTIVATED: {}, PUT: full(change)?}),
        Topic::UserBlocked | Topic::UserArchived => json!({DEACTIVATED: {}, PUT: full(change)?}),
        // RFC 9967 section 2.4.4: it says nothing more.
        Topic::UserDeleted | Topic::GroupDeleted => json!({DELETED: {}}),
        // A PUT without members would take them away (RFC 7644 section 3.5.1).
        Topic::GroupUpdated => {
            let operations: Vec<Value> = change.changes.iter().filter_map(operation).collect();
            if operations.is_empty() {
                return None;
            }
            json!({PATCHED: with_version(change, patch(&operations))})
        }
        Topic::MembershipAdded => {
            let member = resource::member(change.record.as_ref()?)?;
            let add = json!({"op": "add", "path": "members", "value": [member]});
            json!({PATCHED: patch(&[add])})
        }
        Topic::MembershipRemoved => {
            let (_, member) = change.resource.id.split_once('/')?;
            let path = format!("members[value eq {}]", Value::from(member));
            json!({PATCHED: patch(&[json!({"op": "remove", "path": path})])})
        }
        Topic::GrantAdded
        | Topic::GrantRemoved
        | Topic::CustomFieldCreated
        | Topic::CustomFieldUpdated
        | Topic::CustomFieldDeleted
        | Topic::AlertRaised
        | Topic::AlertResolved => return None,
    })
}

/// The whole resource as it is after a change.
fn full(change: &Change) -> Option<Value> {
    let data = document(change.resource.subject, change.record.as_ref()?)?;
    Some(json!({ "data": data }))
}

/// The entity tag of a group. That of a person counts the groups too, which no change of the person
/// knows.
fn with_version(change: &Change, mut payload: Value) -> Value {
    let group = change.resource.subject == Subject::Group;
    if let (true, Some(version), Some(members)) = (group, change.version, payload.as_object_mut()) {
        members.insert("version".into(), format!("W/\"{version}\"").into());
    }
    payload
}

fn patch(operations: &[Value]) -> Value {
    json!({"data": {"schemas": [PATCH_OP], "Operations": operations}})
}

/// The operation that makes a group what it is after a change of a field.
fn operation(changed: &crate::change::FieldChange) -> Option<Value> {
    let path = resource::group_attribute(&changed.field)?;
    Some(match &changed.new {
        Value::Null => json!({"op": "remove", "path": path}),
        value => json!({"op": "replace", "path": path, "value": value}),
    })
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

const CREATED: &str = "urn:ietf:params:scim:event:prov:create:full";
const PATCHED: &str = "urn:ietf:params:scim:event:prov:patch:full";
const PUT: &str = "urn:ietf:params:scim:event:prov:put:full";
const DELETED: &str = "urn:ietf:params:scim:event:prov:delete";
const ACTIVATED: &str = "urn:ietf:params:scim:event:prov:activate";
const DEACTIVATED: &str = "urn:ietf:params:scim:event:prov:deactivate";
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

#[cfg(test)]
mod tests;
