//! One change, as it was recorded and as receivers get it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::position::Position;
use crate::topic::{Subject, Topic};

/// What a store recorded of a change: the record before and after, of which one may be missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its place in the order.
    pub position: Position,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// What it is about.
    pub subject: Subject,
    /// Of this id; of a membership `GROUP/MEMBER`.
    pub id: String,
    /// The name of a person or a group.
    pub name: Option<String>,
    /// The version of a person or a group.
    pub version: Option<i64>,
    /// The record before; `None` where there was none.
    pub old: Option<Map<String, Value>>,
    /// The record after; `None` where there is none.
    pub new: Option<Map<String, Value>>,
    /// Who did it.
    pub actor: Option<String>,
    /// The run of rules that it was part of.
    pub run: Option<String>,
}

/// What a change is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// What it is.
    #[serde(rename = "type")]
    pub subject: Subject,
    /// Its id.
    pub id: String,
    /// Its name, where it has one.
    pub name: Option<String>,
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// The field; a custom field is `customFields.KEY`.
    pub field: String,
    /// What it was.
    pub old: Value,
    /// What it is.
    pub new: Value,
}

/// A change as receivers get it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Its place in the order of all changes.
    pub position: Position,
    /// By which a receiver knows it again when it comes twice.
    pub id: String,
    /// What happened.
    pub topic: Topic,
    /// What it is about.
    pub resource: Resource,
    /// The version of a person or a group after it.
    pub version: Option<i64>,
    /// The fields that changed, where it was there before and still is.
    pub changes: Vec<FieldChange>,
    /// The whole record after; `None` where it is gone.
    pub record: Option<Map<String, Value>>,
    /// The record as it was, where it is gone. Receivers of changes are not told of it.
    #[serde(skip)]
    pub gone: Option<Map<String, Value>>,
    /// The run of rules that it was part of.
    pub run: Option<String>,
    /// Who did it: `configuration:NAME`, `administrator:NAME`, or nobody but time.
    pub actor: Option<String>,
    /// When it was written.
    #[serde(serialize_with = "milliseconds")]
    pub at: DateTime<Utc>,
}

impl Change {
    /// The one way to make a change: of what was recorded.
    pub fn of(recorded: Recorded) -> Self {
        let (old, new) = (recorded.old.as_ref(), recorded.new.as_ref());
        Self {
            position: recorded.position,
            id: recorded.position.to_string(),
            topic: topic(recorded.subject, old, new),
            changes: match (old, new) {
                (Some(old), Some(new)) => differences(old, new),
                _ => Vec::new(),
            },
            resource: Resource {
                subject: recorded.subject,
                id: recorded.id,
                name: recorded.name,
            },
            version: recorded.version,
            gone: recorded.old.filter(|_| recorded.new.is_none()),
            record: recorded.new,
            run: recorded.run,
            actor: recorded.actor,
            at: recorded.at,
        }
    }
}

type Record = Map<String, Value>;

fn topic(subject: Subject, old: Option<&Record>, new: Option<&Record>) -> Topic {
    let (created, deleted) = (old.is_none(), new.is_none());
    match subject {
        Subject::User if created => Topic::UserCreated,
        Subject::User if deleted => Topic::UserDeleted,
        Subject::User => status_topic(old, new),
        Subject::Group if created => Topic::GroupCreated,
        Subject::Group if deleted => Topic::GroupDeleted,
        Subject::Group => Topic::GroupUpdated,
        Subject::Membership if deleted => Topic::MembershipRemoved,
        Subject::Membership => Topic::MembershipAdded,
        Subject::Grant if deleted => Topic::GrantRemoved,
        Subject::Grant => Topic::GrantAdded,
        Subject::CustomField if created => Topic::CustomFieldCreated,
        Subject::CustomField if deleted => Topic::CustomFieldDeleted,
        Subject::CustomField => Topic::CustomFieldUpdated,
        Subject::Alert => alert_topic(new),
    }
}

/// What the status of a person says of a change; other fields may have changed with it.
fn status_topic(old: Option<&Record>, new: Option<&Record>) -> Topic {
    let status = |record: Option<&Record>| record?.get("status")?.as_str().map(str::to_owned);
    let (old, new) = (status(old), status(new));
    if old == new {
        return Topic::UserUpdated;
    }
    match new.as_deref() {
        Some("blocked") => Topic::UserBlocked,
        Some("archived") => Topic::UserArchived,
        _ => Topic::UserUnblocked,
    }
}

/// Whether an alert is over.
fn alert_topic(new: Option<&Record>) -> Topic {
    match new.and_then(|record| record.get("overAt")) {
        Some(Value::Null) => Topic::AlertRaised,
        _ => Topic::AlertResolved,
    }
}

fn differences(old: &Record, new: &Record) -> Vec<FieldChange> {
    let none = Record::new();
    let mut changes = Vec::new();
    for (field, of) in compared(old, new) {
        let before = old.get(&field).cloned().unwrap_or_default();
        let after = of.unwrap_or_default();
        if before == after {
            continue;
        }
        if field != CUSTOM {
            let (old, new) = (before, after);
            changes.push(FieldChange { field, old, new });
            continue;
        }
        let (before, after) = (
            before.as_object().unwrap_or(&none),
            after.as_object().unwrap_or(&none),
        );
        for (key, of) in compared(before, after) {
            let (old, new) = (
                before.get(&key).cloned().unwrap_or_default(),
                of.unwrap_or_default(),
            );
            if old != new {
                let field = format!("{CUSTOM}.{key}");
                changes.push(FieldChange { field, old, new });
            }
        }
    }
    changes
}

/// The fields of either record, with their new values.
fn compared(old: &Record, new: &Record) -> Vec<(String, Option<Value>)> {
    let gone = old.keys().filter(|field| !new.contains_key(*field));
    new.iter()
        .map(|(field, value)| (field.clone(), Some(value.clone())))
        .chain(gone.map(|field| (field.clone(), None)))
        .collect()
}

fn milliseconds<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

const CUSTOM: &str = "customFields";

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use serde_json::json;

    use super::*;

    fn recorded(subject: Subject, old: Value, new: Value) -> Recorded {
        let record = |value: Value| value.as_object().cloned();
        Recorded {
            position: 7,
            at: DateTime::UNIX_EPOCH,
            subject,
            id: "u".to_owned(),
            name: None,
            version: Some(2),
            old: record(old),
            new: record(new),
            actor: None,
            run: None,
        }
    }

    fn topic_of(old: Value, new: Value) -> Topic {
        Change::of(recorded(Subject::User, old, new)).topic
    }

    #[test]
    fn the_topic_of_a_person_follows_the_status() {
        let with = |status: &str| json!({ "status": status });
        for (old, new, topic) in [
            (Value::Null, with("active"), Topic::UserCreated),
            (with("active"), with("active"), Topic::UserUpdated),
            (with("active"), with("blocked"), Topic::UserBlocked),
            (with("archived"), with("blocked"), Topic::UserBlocked),
            (with("active"), with("archived"), Topic::UserArchived),
            (with("blocked"), with("active"), Topic::UserUnblocked),
            (with("archived"), with("active"), Topic::UserUnblocked),
            (with("archived"), Value::Null, Topic::UserDeleted),
        ] {
            assert_eq!(topic_of(old.clone(), new.clone()), topic, "{old} {new}");
        }
    }

    #[test]
    fn the_topic_of_an_alert_says_whether_it_is_over() {
        let of = |old, new| Change::of(recorded(Subject::Alert, old, new)).topic;
        let (open, over) = (
            json!({"overAt": null}),
            json!({"overAt": "2026-11-26T12:00:00Z"}),
        );
        assert_eq!(of(Value::Null, open.clone()), Topic::AlertRaised);
        assert_eq!(of(open.clone(), open.clone()), Topic::AlertRaised);
        assert_eq!(of(open, over), Topic::AlertResolved);
    }

    #[test]
    fn what_changed_is_named_field_by_field_and_custom_fields_by_their_keys() {
        let old = json!({"email": "a@x", "roles": ["a"], "customFields": {"desk": 1, "gone": 2}});
        let new = json!({"email": null, "roles": ["a"], "customFields": {"desk": 1, "new": 3}});
        let change = Change::of(recorded(Subject::User, old, new));
        let expected = json!([
            {"field": "email", "old": "a@x", "new": null},
            {"field": "customFields.new", "old": null, "new": 3},
            {"field": "customFields.gone", "old": 2, "new": null},
        ]);
        assert_eq!(json!(change.changes), expected);
        assert_eq!(change.record.unwrap()["roles"], json!(["a"]));
    }

    #[test]
    fn every_topic_and_subject_is_parsed_from_its_word() {
        for topic in Topic::ALL {
            assert_eq!(Topic::parse(topic.as_str()), Some(*topic));
        }
        for subject in Subject::ALL {
            let word = subject.as_str();
            assert_eq!(Subject::parse(word), Some(*subject));
            let of = |topic: &&Topic| topic.as_str().starts_with(&format!("{word}."));
            assert!(Topic::ALL.iter().any(|topic| of(&topic)), "{word}");
        }
    }
}
