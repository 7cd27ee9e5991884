//! People and groups as ServiceOps has them, whoever manages them.

use chrono::{DateTime, Utc};
use scim_protocol::text::valid_user_name;
use serde_json::{Map, Value};
use validator::{Validate, ValidationError};

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
    /// An administrative role; a person who has one is never linked.
    pub role: Option<String>,
}

fn check_user_name(name: &str) -> Result<(), ValidationError> {
    if valid_user_name(name) && name.chars().count() <= 512 {
        return Ok(());
    }
    Err(ValidationError::new("user_name")
        .with_message("is blank, longer than 512 characters or holds invisible characters".into()))
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
    /// How many members it has.
    pub members: i64,
    /// The name of the configuration that manages the group.
    pub managed_by: Option<String>,
    /// When the group was created.
    pub created: DateTime<Utc>,
    /// When the group last changed.
    pub last_modified: DateTime<Utc>,
}
