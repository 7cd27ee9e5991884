//! Rows as they were before a run changed them, and what it made of them.

use std::collections::BTreeMap;

use scim_provisioning::ResourceKind;
use serde_json::{Map, Value};

/// Of which table a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowSubject {
    /// A person.
    User,
    /// A group.
    Group,
    /// A membership.
    Membership,
    /// What the members of a group get.
    GroupGrant,
    /// What a person got by hand.
    ManualGrant,
    /// A change of a person that the guard holds.
    HeldChange,
    /// A member whom a group awaits.
    AwaitedMember,
}

impl RowSubject {
    /// Every subject.
    pub const ALL: [Self; 7] = [
        Self::User,
        Self::Group,
        Self::Membership,
        Self::GroupGrant,
        Self::ManualGrant,
        Self::HeldChange,
        Self::AwaitedMember,
    ];

    /// The subject as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Membership => "membership",
            Self::GroupGrant => "group_grant",
            Self::ManualGrant => "manual_grant",
            Self::HeldChange => "held_change",
            Self::AwaitedMember => "awaited_member",
        }
    }

    /// The subject of a stored word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// What a row of it is of.
    pub fn kind(self) -> ResourceKind {
        match self {
            Self::User | Self::ManualGrant | Self::HeldChange => ResourceKind::User,
            Self::Group | Self::Membership | Self::GroupGrant | Self::AwaitedMember => {
                ResourceKind::Group
            }
        }
    }

    /// Whether it is a person or a group, and not what hangs on one.
    pub fn is_resource(self) -> bool {
        matches!(self, Self::User | Self::Group)
    }
}

/// A row before and after one change. Of a row that was there before and after it has what changed
/// alone; of `document` and `search` the attributes that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct RowImage {
    /// The number; numbers of one resource grow with time.
    pub id: i64,
    /// Of which table.
    pub subject: RowSubject,
    /// The person or group that the row is of.
    pub resource: String,
    /// The member, of a membership.
    pub other: Option<String>,
    /// The name of the member now.
    pub other_name: Option<String>,
    /// The name of the resource then, or of what hangs on it now.
    pub name: Option<String>,
    /// Before; `None` where the row was not there.
    pub old: Option<Map<String, Value>>,
    /// After; `None` where it is not there any more.
    pub new: Option<Map<String, Value>>,
}

/// A person or a group that a run changed, or what hangs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// User or Group.
    pub kind: ResourceKind,
    /// The id.
    pub id: String,
    /// The number of the first change.
    pub first: i64,
}

/// What a run made of the row of a person or group, all its changes together.
#[derive(Debug, Clone, PartialEq)]
pub struct RowChange {
    /// Before the run; `None` where it was not there.
    pub before: Option<Map<String, Value>>,
    /// After the run; `None` where it is not there any more.
    pub after: Option<Map<String, Value>>,
}

impl RowChange {
    /// The change that several make, in their order; `None` of none.
    pub fn of<'a>(images: impl IntoIterator<Item = &'a RowImage>) -> Option<Self> {
        let mut change: Option<Self> = None;
        for image in images {
            let (old, new) = (explicit(image, true), explicit(image, false));
            let Some(so_far) = &mut change else {
                change = Some(Self {
                    before: old,
                    after: new,
                });
                continue;
            };
            if let (Some(before), Some(old)) = (&mut so_far.before, &old) {
                add_missing(before, old);
            }
            match (&mut so_far.after, new) {
                (Some(after), Some(new)) => overwrite(after, new),
                (after, new) => *after = new,
            }
        }
        change
    }
}

/// One side of an image, in which an attribute of a document that is only on the other one is null.
fn explicit(image: &RowImage, old: bool) -> Option<Map<String, Value>> {
    let (mut side, other) = match old {
        true => (image.old.clone()?, &image.new),
        false => (image.new.clone()?, &image.old),
    };
    for name in BY_ATTRIBUTE {
        let attributes = other
            .as_ref()
            .and_then(|other| other.get(name)?.as_object());
        let (Some(Value::Object(own)), Some(attributes)) = (side.get_mut(name), attributes) else {
            continue;
        };
        for attribute in attributes.keys() {
            own.entry(attribute.as_str()).or_insert(Value::Null);
        }
    }
    Some(side)
}

/// Adds what an earlier state did not say, because it had not changed until then.
fn add_missing(before: &mut Map<String, Value>, old: &Map<String, Value>) {
    for (name, value) in old {
        match (before.get_mut(name), value) {
            (None, _) => {
                before.insert(name.clone(), value.clone());
            }
            (Some(Value::Object(known)), Value::Object(more)) if is_by_attribute(name) => {
                for (attribute, value) in more {
                    known
                        .entry(attribute.as_str())
                        .or_insert_with(|| value.clone());
                }
            }
            (Some(_), _) => {}
        }
    }
}

fn overwrite(after: &mut Map<String, Value>, new: Map<String, Value>) {
    for (name, value) in new {
        match (after.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(more)) if is_by_attribute(&name) => {
                known.extend(more);
            }
            (_, value) => {
                after.insert(name, value);
            }
        }
    }
}

/// What an image has attribute by attribute.
pub(super) fn is_by_attribute(name: &str) -> bool {
    BY_ATTRIBUTE.contains(&name)
}

/// Images by their resource, in their order.
pub(crate) fn by_resource(images: Vec<RowImage>) -> BTreeMap<String, Vec<RowImage>> {
    let mut found: BTreeMap<String, Vec<RowImage>> = BTreeMap::new();
    for image in images {
        found.entry(image.resource.clone()).or_default().push(image);
    }
    found
}

/// The SCIM document, and the form in which it is searched.
const BY_ATTRIBUTE: [&str; 2] = ["document", "search"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image(id: i64, old: Value, new: Value) -> RowImage {
        let map = |value: Value| value.as_object().cloned();
        RowImage {
            id,
            subject: RowSubject::User,
            resource: "u".to_owned(),
            other: None,
            other_name: None,
            name: None,
            old: map(old),
            new: map(new),
        }
    }

    #[test]
    fn changes_add_up_to_the_first_state_and_the_last() {
        let images = [
            image(1, json!({"jobTitle": null}), json!({"jobTitle": "a"})),
            image(
                2,
                json!({"jobTitle": "a", "status": "active", "document": {"title": "x"}}),
                json!({"jobTitle": "b", "status": "blocked", "document": {"nickName": "n"}}),
            ),
        ];
        let change = RowChange::of(&images).unwrap();
        assert_eq!(
            json!(change.before),
            json!({"jobTitle": null, "status": "active", "document": {"title": "x", "nickName": null}})
        );
        assert_eq!(
            json!(change.after),
            json!({"jobTitle": "b", "status": "blocked", "document": {"nickName": "n", "title": null}})
        );
    }

    #[test]
    fn what_came_and_went_was_nothing_and_is_nothing() {
        let images = [
            image(1, Value::Null, json!({"name": "g"})),
            image(2, json!({"name": "g"}), Value::Null),
        ];
        let change = RowChange::of(&images).unwrap();
        assert_eq!((change.before, change.after), (None, None));
        // And what went and came is what it was before.
        let images = [
            image(1, json!({"name": "g", "document": {"a": 1}}), Value::Null),
            image(2, Value::Null, json!({"name": "h"})),
        ];
        let change = RowChange::of(&images).unwrap();
        assert_eq!(
            json!(change.before),
            json!({"name": "g", "document": {"a": 1}})
        );
        assert_eq!(json!(change.after), json!({"name": "h"}));
        assert_eq!(RowChange::of([]), None);
    }

    #[test]
    fn every_subject_has_a_word_of_its_own() {
        for subject in RowSubject::ALL {
            assert_eq!(RowSubject::parse(subject.as_str()), Some(subject));
        }
    }
}
