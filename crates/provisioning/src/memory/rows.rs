//! People and groups as they are kept in memory, and which of them a configuration sees.

use chrono::{DateTime, Utc};
use scim_mapping::{Field, FieldValue, GroupKind, Record};
use scim_protocol::Version;
use scim_protocol::text::{fold, fold_name};
use serde_json::{Map, Value};

use crate::directory::{
    GroupWrite, HeldAction, Scope, Status, StoredGroup, StoredUser, UserWrite, Visible,
};
use crate::id::{ConfigurationId, ResourceId, ResourceKind};

/// A person, whoever manages them.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The user as stored. The manager is whoever it is, in sight of anybody or not.
    pub user: StoredUser,
    /// The document in the form that is searched.
    pub search: Value,
    /// The configuration that manages the person; `None` for people created by hand.
    pub managed_by: Option<ConfigurationId>,
    /// Since when the person is out of the scope of that configuration.
    pub left: Option<DateTime<Utc>>,
    /// When the record is deleted for good.
    pub purge: Option<DateTime<Utc>>,
    /// Whether the person is a tenant admin, whom no scope shows and nothing here changes.
    pub protected: bool,
    /// The administrative role.
    pub role: Option<String>,
    /// Whether somebody signs in to the console as the person.
    pub account: bool,
}

/// A group, whoever manages it.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The group as stored, without its members.
    pub group: StoredGroup,
    /// The document in the form that is searched.
    pub search: Value,
    /// `externalId`.
    pub external_id: Option<String>,
    /// The configuration that manages the group; `None` for groups created by hand.
    pub managed_by: Option<ConfigurationId>,
    /// Whether it confers an administrative right, so that no scope shows it.
    pub confers_admin: bool,
    /// What it is in ServiceOps.
    pub kind: GroupKind,
    /// The key of the rule that says so.
    pub rule: Option<String>,
    /// What its members get: fields and values.
    pub grants: Vec<(String, String)>,
}

/// A membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Whether the member is a User or a Group.
    pub kind: ResourceKind,
    /// Whose guard holds that it ends.
    pub held: Option<ConfigurationId>,
}

/// A change of a user's status that waits for an administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldChange {
    /// Of a user of this configuration.
    pub configuration: ConfigurationId,
    /// The user.
    pub user: ResourceId,
    /// What waits.
    pub action: HeldAction,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// A link that waits for an administrator, or was dismissed by one.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingLink {
    /// Of a user whom this configuration wanted to create.
    pub configuration: ConfigurationId,
    /// The person who is there already.
    pub person: ResourceId,
    /// Which attribute they share.
    pub attribute: &'static str,
    /// The user as the identity provider sent it.
    pub document: Map<String, Value>,
    /// Whether an administrator decided not to link the two.
    pub dismissed: bool,
}

/// The keys of a person, folded once.
#[derive(Debug, Clone, Default)]
pub(super) struct PersonKeys {
    pub(super) user_name: String,
    pub(super) scim_user_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) manager: Option<String>,
}

/// A person with their keys.
#[derive(Debug)]
pub(super) struct PersonRow {
    pub(super) person: Person,
    pub(super) keys: PersonKeys,
}

/// A group with its keys.
#[derive(Debug)]
pub(super) struct GroupRow {
    pub(super) group: Group,
    pub(super) name: String,
    pub(super) scim_name: Option<String>,
}

impl Person {
    /// A person created by hand.
    pub fn by_hand(
        id: ResourceId,
        user_name: &str,
        email: Option<&str>,
        at: DateTime<Utc>,
    ) -> Self {
        let text = |text: &str| FieldValue::Text(text.to_owned());
        let mut record = Record::from([
            (Field::UserName, text(user_name)),
            (Field::UserType, text("requester")),
        ]);
        record.extend(email.map(|email| (Field::Email, text(email))));
        Self {
            user: StoredUser {
                id,
                record,
                status: Status::Active,
                document: Map::new(),
                held: false,
                manager: None,
                version: Version(1),
                created: at,
                last_modified: at,
            },
            search: Value::Object(Map::new()),
            managed_by: None,
            left: None,
            purge: None,
            protected: false,
            role: None,
            account: false,
        }
    }

    /// Writes what an identity provider says of the person, and leaves id, version and manager.
    pub(super) fn write(&mut self, user: &UserWrite, now: DateTime<Utc>) {
        self.user.record = stored_record(user);
        self.user.status = user.status;
        self.user.document = user.document.clone();
        self.user.last_modified = now;
        self.search = user.search.clone();
    }

    /// A text field.
    pub(super) fn text(&self, field: &Field) -> Option<&str> {
        self.user.record.get(field).and_then(FieldValue::as_text)
    }

    /// `externalId`.
    pub(super) fn external_id(&self) -> Option<&str> {
        self.text(&Field::ScimExternalId)
    }

    /// The name by which others see the person.
    pub(super) fn display(&self) -> &str {
        let display = self.text(&Field::DisplayName);
        let name = display.or_else(|| self.text(&Field::UserName));
        name.unwrap_or_default()
    }

    /// Every address with which an identity provider sent the person, folded.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &str> {
        let emails = self.search.get("emails").and_then(Value::as_array);
        let emails = emails.into_iter().flatten();
        emails.filter_map(|email| email.get("value")?.as_str())
    }

    /// Whether a configuration sees the person: nobody whom another one manages or nobody, no
    /// protected account, and nobody who left.
    pub(super) fn is_seen(&self, scope: Scope) -> bool {
        self.is_managed(scope) && !self.protected && self.left.is_none()
    }

    /// Whether the person left the configuration that manages them still.
    pub(super) fn is_gone(&self, scope: Scope) -> bool {
        self.is_managed(scope) && !self.protected && self.left.is_some()
    }

    /// Whether a configuration manages the person, in its sight or not.
    pub(super) fn is_managed(&self, scope: Scope) -> bool {
        self.managed_by == Some(scope.configuration())
    }
}

impl Group {
    /// A group created by hand.
    pub fn by_hand(id: ResourceId, name: &str, at: DateTime<Utc>) -> Self {
        Self {
            group: StoredGroup {
                id,
                name: name.to_owned(),
                document: Map::new(),
                version: Version(1),
                created: at,
                last_modified: at,
            },
            search: Value::Object(Map::new()),
            external_id: None,
            managed_by: None,
            confers_admin: false,
            kind: GroupKind::default(),
            rule: None,
            grants: Vec::new(),
        }
    }

    /// Writes what an identity provider and the rules say of the group.
    pub(super) fn write(&mut self, group: &GroupWrite, now: DateTime<Utc>) {
        self.classify(group);
        self.group.document = group.document.clone();
        self.group.last_modified = now;
        self.search = group.search.clone();
        self.external_id = group.external_id.clone();
    }

    /// Writes what the group is and gives.
    pub(super) fn classify(&mut self, group: &GroupWrite) {
        self.group.name = group.name.clone();
        self.kind = group.kind;
        self.rule = group.rule.clone();
        let grants = group.grants.iter();
        self.grants = grants
            .map(|(field, value)| ((*field).to_owned(), value.clone()))
            .collect();
        self.grants.sort();
        self.grants.dedup();
    }

    /// Whether a configuration sees the group: none that another one manages or nobody, and none
    /// that confers an administrative right.
    pub(super) fn is_seen(&self, scope: Scope) -> bool {
        self.managed_by == Some(scope.configuration()) && !self.confers_admin
    }
}

impl PersonRow {
    pub(super) fn new(person: Person) -> Self {
        let key = |field: &Field| person.text(field).map(fold);
        let sent = person.user.document.get("userName").and_then(Value::as_str);
        let keys = PersonKeys {
            user_name: key(&Field::UserName).unwrap_or_default(),
            scim_user_name: sent.map(fold_name),
            email: key(&Field::Email),
            manager: person.text(&Field::Manager).map(fold_name),
        };
        Self { person, keys }
    }

    /// Whether the person has the logon name for themselves. Archived people do not.
    pub(super) fn holds_name(&self) -> bool {
        self.person.user.status != Status::Archived
    }

    pub(super) fn visible(&self) -> Visible {
        Visible {
            id: self.person.user.id,
            kind: ResourceKind::User,
            display: self.person.display().to_owned(),
        }
    }
}

impl GroupRow {
    pub(super) fn new(group: Group) -> Self {
        let sent = group.group.document.get("displayName");
        Self {
            name: fold(&group.group.name),
            scim_name: sent.and_then(Value::as_str).map(fold_name),
            group,
        }
    }

    pub(super) fn visible(&self) -> Visible {
        Visible {
            id: self.group.group.id,
            kind: ResourceKind::Group,
            display: self.group.group.name.clone(),
        }
    }
}

/// The fields of a user as they are read again after they were written.
fn stored_record(user: &UserWrite) -> Record {
    let mut record = Record::new();
    for (field, value) in &user.record {
        let kept = match (field, value) {
            (Field::Status | Field::Name | Field::Members | Field::ScimExternalId, _) => None,
            (Field::Vip, value) => Some(value).filter(|value| **value == FieldValue::Boolean(true)),
            (Field::Roles, FieldValue::Texts(roles)) => Some(value).filter(|_| !roles.is_empty()),
            (Field::Custom(_), value) => {
                // An instant is kept as the text that it is written as.
                record.extend(
                    serde_json::from_value(value.to_json())
                        .ok()
                        .map(|value| (field.clone(), value)),
                );
                None
            }
            (_, FieldValue::Text(_)) => Some(value),
            _ => None,
        };
        record.extend(kept.map(|value| (field.clone(), value.clone())));
    }
    let text = |text: &str| FieldValue::Text(text.to_owned());
    record.entry(Field::UserName).or_insert_with(|| text(""));
    record
        .entry(Field::UserType)
        .or_insert_with(|| text("requester"));
    let external_id = user.external_id.as_deref();
    record.extend(external_id.map(|id| (Field::ScimExternalId, text(id))));
    record
}
