//! People and groups as ServiceOps has them, whoever manages them.

mod changes;

use chrono::{DateTime, Utc};
use scim_mapping::{Catalog, Field, FieldValue};
use scim_protocol::text::valid_user_name;
use scim_provisioning::ConfigurationId;
use serde_json::{Map, Value, json};
use validator::{Validate, ValidationError};

pub use self::changes::{
    GroupState, NewGroup, NewPerson, PersonChange, PersonState, PersonUpdate, UserType,
};
use crate::error::AdminError;

/// A person to be created by hand.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct PersonInput {
    /// The logon name.
    #[validate(custom(function = "check_user_name"))]
    pub user_name: String,
    /// The e-mail address.
    #[validate(length(max = 254, message = "is longer than 254 characters"))]
    pub email: Option<String>,
    /// Whether the person is a tenant admin, whom no identity provider can see or change.
    pub tenant_admin: bool,
    /// A role; a person who has one that administers ServiceOps is never linked.
    pub role: Option<String>,
}

/// A group to be created by hand.
#[derive(Debug, Clone, PartialEq, Validate)]
pub struct GroupInput {
    /// The name.
    #[validate(custom(function = "check_user_name"))]
    pub name: String,
    /// Whether it makes its members tenant admins.
    pub confers_admin: bool,
}

fn check_user_name(name: &str) -> Result<(), ValidationError> {
    if valid_user_name(name) && name.chars().count() <= 512 {
        return Ok(());
    }
    Err(ValidationError::new("user_name")
        .with_message("is blank, longer than 512 characters or holds invisible characters".into()))
}

/// Which people, in order of id.
#[derive(Debug, Clone, Default)]
pub struct PeopleQuery {
    /// Whose logon name, name or e-mail contains this.
    pub search: Option<String>,
    /// With this status: `active`, `blocked` or `archived`.
    pub status: Option<String>,
    /// Whose own record says so, whatever groups give.
    pub user_type: Option<UserType>,
    /// Managed by whom.
    pub managed_by: ManagedBy,
    /// Behind this id.
    pub after: Option<String>,
    /// At most so many.
    pub limit: i64,
}

/// Which groups, in order of id.
#[derive(Debug, Clone, Default)]
pub struct GroupsQuery {
    /// Whose name contains this.
    pub search: Option<String>,
    /// Managed by whom.
    pub managed_by: ManagedBy,
    /// Behind this id.
    pub after: Option<String>,
    /// At most so many.
    pub limit: i64,
}

/// Who manages a person or a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ManagedBy {
    /// Whoever does, or nobody.
    #[default]
    Anybody,
    /// Nobody: it is done by hand.
    Nobody,
    /// A configuration.
    Configuration(ConfigurationId),
}

/// A person in the directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// The id.
    pub id: String,
    /// The logon name.
    pub user_name: String,
    /// The name.
    pub display_name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// `active`, `blocked` or `archived`.
    pub status: String,
    /// Whether the person is a tenant admin.
    pub tenant_admin: bool,
    /// The administrative role.
    pub role: Option<String>,
    /// The fields that have a value, by their keys, with what groups and administrators gave.
    pub fields: Map<String, Value>,
    /// What groups and administrators gave.
    pub grants: Vec<Grant>,
    /// The id of the manager, once the manager is there.
    pub manager: Option<String>,
    /// The name of the configuration that manages the person; `None` for people created by hand.
    pub managed_by: Option<String>,
    /// When the person was created.
    pub created: DateTime<Utc>,
    /// When the person last changed.
    pub last_modified: DateTime<Utc>,
}

impl Person {
    /// The name by which people know the person: the displayed one, or else first and last name.
    pub fn known_as(&self) -> Option<String> {
        let of = |field: Field| self.fields.get(&field.key()).and_then(Value::as_str);
        let parts = [of(Field::FirstName), of(Field::LastName)];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        let named = self.display_name.clone();
        named.or_else(|| (!parts.is_empty()).then(|| parts.join(" ")))
    }

    /// Refuses a tenant admin, whom nothing changes from here.
    ///
    /// # Errors
    /// [`AdminError::Protected`].
    pub fn check_changeable(&self) -> Result<(), AdminError> {
        match self.tenant_admin {
            true => Err(AdminError::Protected {
                kind: "user",
                name: self.user_name.clone(),
            }),
            false => Ok(()),
        }
    }

    /// What the person is, with what groups give.
    pub fn user_type(&self) -> UserType {
        let found = self.fields.get("user_type").and_then(Value::as_str);
        found
            .and_then(UserType::parse)
            .unwrap_or(UserType::Requester)
    }
}

/// A person whose fields are as they were mapped, before what was given takes effect.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedPerson(Person);

impl MappedPerson {
    /// A person with the fields as they were mapped, and what groups and administrators gave.
    pub fn new(person: Person) -> Self {
        Self(person)
    }

    /// The person without what these groups gave.
    pub(crate) fn without_groups(mut self, names: &[String]) -> Self {
        let lost = |grant: &Grant| {
            grant
                .group
                .as_ref()
                .is_some_and(|name| names.contains(name))
        };
        self.0.grants.retain(|grant| !lost(grant));
        self
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Whether fields were given that administrators defined, whose types a catalogue knows.
    pub(crate) fn was_given_custom_fields(&self) -> bool {
        let mut fields = self
            .0
            .grants
            .iter()
            .map(|grant| Field::from_key(&grant.field));
        fields.any(|field| matches!(field, Some(Field::Custom(_))))
    }

    /// The person as ServiceOps has them. A single value that was given takes the place of the one
    /// that was mapped; roles and the options of a choice of several are added.
    pub fn effective(self, catalog: &Catalog) -> Person {
        let mut person = self.0;
        for grant in &person.grants {
            let field = Field::from_key(&grant.field);
            let typed = field.and_then(|field| catalog.value(&field, &grant.value));
            match (grant.field.as_str(), grant.value.as_str()) {
                (field, value)
                    if field == "roles" || matches!(typed, Some(FieldValue::Texts(_))) =>
                {
                    let values = person.fields.entry(field).or_insert_with(|| json!([]));
                    if let Some(values) = values.as_array_mut()
                        && !values.iter().any(|known| known == value)
                    {
                        values.push(json!(value));
                    }
                }
                ("is_vip", vip) => {
                    person
                        .fields
                        .insert("is_vip".to_owned(), json!(vip == "true"));
                }
                (field, value) => {
                    let value = typed.map_or_else(|| json!(value), |typed| typed.to_json());
                    person.fields.insert(field.to_owned(), value);
                }
            }
        }
        person
    }
}

/// A value that a group or an administrator gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The key of the field.
    pub field: String,
    /// The value.
    pub value: String,
    /// The name of the group; `None` for what was given by hand.
    pub group: Option<String>,
}

/// A group in the directory.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSummary {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// `requester_group`, `technician_group` or `ignored`.
    pub kind: String,
    /// Whether it makes its members tenant admins; no identity provider can see or change it.
    pub confers_admin: bool,
    /// How many members it has.
    pub members: i64,
    /// The name of the configuration that manages the group.
    pub managed_by: Option<String>,
    /// When the group was created.
    pub created: DateTime<Utc>,
    /// When the group last changed.
    pub last_modified: DateTime<Utc>,
}

impl GroupSummary {
    /// Refuses a group that confers an administrative right.
    ///
    /// # Errors
    /// [`AdminError::Protected`].
    pub fn check_changeable(&self) -> Result<(), AdminError> {
        match self.confers_admin {
            true => Err(AdminError::Protected {
                kind: "group",
                name: self.name.clone(),
            }),
            false => Ok(()),
        }
    }
}

/// A person with what is shown of one alone.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonDetail {
    /// The person.
    pub person: Person,
    /// The id of the configuration that manages the person.
    pub configuration: Option<ConfigurationId>,
    /// `externalId`.
    pub external_id: Option<String>,
    /// The logon name of the manager.
    pub manager_name: Option<String>,
    /// The groups that the person is a member of, in order of name; at most 100.
    pub groups: Vec<Membership>,
    /// What the identity provider said, as SCIM stores it; empty for people created by hand.
    pub document: Value,
}

/// What is shown of one person alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PersonFacts {
    /// The id of the configuration that manages the person.
    pub configuration: Option<ConfigurationId>,
    /// `externalId`.
    pub external_id: Option<String>,
    /// The logon name of the manager.
    pub manager_name: Option<String>,
    /// The groups that the person is a member of, in order of name; at most 100.
    pub groups: Vec<Membership>,
    /// What the identity provider said, as SCIM stores it; empty for people created by hand.
    pub document: Value,
}

impl PersonFacts {
    /// These facts with the person whom they are about.
    pub(crate) fn of(self, person: Person) -> PersonDetail {
        PersonDetail {
            person,
            configuration: self.configuration,
            external_id: self.external_id,
            manager_name: self.manager_name,
            groups: self.groups,
            document: self.document,
        }
    }
}

/// A group that somebody is a member of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The id of the group.
    pub id: String,
    /// The name of the group.
    pub name: String,
    /// `requester_group`, `technician_group` or `ignored`.
    pub kind: String,
}

/// A group with what is shown of one alone.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupDetail {
    /// The group.
    pub group: GroupSummary,
    /// The id of the configuration that manages the group.
    pub configuration: Option<ConfigurationId>,
    /// `externalId`.
    pub external_id: Option<String>,
    /// The key of the group rule that made it what it is.
    pub rule: Option<String>,
    /// What its members get: the key of a field, and a value.
    pub grants: Vec<(String, String)>,
    /// What the identity provider said, as SCIM stores it.
    pub document: Value,
}

/// What is shown of one group alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupFacts {
    /// The id of the configuration that manages the group.
    pub configuration: Option<ConfigurationId>,
    /// `externalId`.
    pub external_id: Option<String>,
    /// The key of the group rule that made it what it is.
    pub rule: Option<String>,
    /// What its members get: the key of a field, and a value.
    pub grants: Vec<(String, String)>,
    /// What the identity provider said, as SCIM stores it.
    pub document: Value,
}

impl GroupFacts {
    /// These facts with the group that they are about.
    pub(crate) fn of(self, group: GroupSummary) -> GroupDetail {
        GroupDetail {
            group,
            configuration: self.configuration,
            external_id: self.external_id,
            rule: self.rule,
            grants: self.grants,
            document: self.document,
        }
    }
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The id.
    pub id: String,
    /// `User` or `Group`.
    pub kind: String,
    /// The logon name, or the name of the group; `None` for an id that is not there.
    pub name: Option<String>,
}

/// How many users and groups a configuration manages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ManagedCounts {
    /// Active users.
    pub active: i64,
    /// Blocked users.
    pub blocked: i64,
    /// Archived users.
    pub archived: i64,
    /// Groups.
    pub groups: i64,
    /// Changes that the guard holds.
    pub held: i64,
    /// Links that wait.
    pub links: i64,
}
