//! Documents of people, groups and console accounts.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::kinds::document;

document! {
    /// A person in the directory.
    #[schema(example = json!({
        "id": "0197f2c9-13b6-7e08-9a47-c25d80f1e3b4", "userName": "ava.berg@example.com",
        "displayName": "Ava Berg",
        "email": "ava.berg@example.com", "status": "active", "tenantAdmin": false,
        "role": "Agent", "fields": { "user_name": "ava.berg@example.com", "job_title": "Lead" },
        "managerId": "0197f2c9-13c1-7d5f-8b02-71e4a6903fcd",
        "managedBy": "0197f2c4-8a31-7c52-b1d0-4f6e2a9c7d15",
        "createdAt": "2026-11-24T10:33:19Z", "lastModifiedAt": "2026-11-26T16:52:07Z",
        "detail": {},
    }))]
    User {
        id: String,
        user_name: String,
        display_name: Option<String>,
        email: Option<String>,
        /// `active`, `blocked` or `archived`.
        status: String,
        /// Whether it is a protected account, which nothing changes from here.
        tenant_admin: bool,
        role: Option<String>,
        /// The fields that have a value, by their keys.
        fields: Map<String, Value>,
        grants: Vec<GrantDocument>,
        manager_id: Option<String>,
        managed_by: Option<String>,
        created_at: String,
        last_modified_at: String,
        /// What is shown of one person alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<UserDetail>,
    }
}
document! {
    /// What is shown of one person alone.
    #[schema(example = json!({
        "externalId": "7d1e0c52",
        "scim": { "userName": "ava.berg@example.com", "title": "Lead", "active": true },
    }))]
    UserDetail {
        external_id: Option<String>,
        groups: Vec<GroupName>,
        /// What the identity provider said.
        scim: Value,
    }
}
document! {
    /// A group by id and name.
    #[schema(example = json!({ "id": "0197f2cb-6e20-7f91-a3c8-0d94b5e7126a", "name": "Berlin" }))]
    GroupName { id: String, name: String, }
}
document! {
    /// A value that a group or an administrator gave.
    #[schema(example = json!({ "field": "role", "value": "Agent", "group": "0197f2cb-6e20-7f91-a3c8-0d94b5e7126a" }))]
    GrantDocument { field: String, value: String, group: Option<String>, }
}
document! {
    /// A group in the directory.
    #[schema(example = json!({
        "id": "0197f2cb-6e20-7f91-a3c8-0d94b5e7126a", "name": "Berlin",
        "kind": "technician_group", "confersAdmin": false,
        "members": 42, "managedBy": "0197f2c4-8a31-7c52-b1d0-4f6e2a9c7d15",
        "createdAt": "2026-11-24T10:35:51Z",
        "lastModifiedAt": "2026-11-26T16:52:09Z", "detail": {},
    }))]
    Group {
        id: String,
        name: String,
        /// `requester_group`, `technician_group` or `ignored`.
        kind: String,
        /// Whether it makes its members tenant admins; nothing changes it from here.
        confers_admin: bool,
        /// How many members it has.
        members: i64,
        managed_by: Option<String>,
        created_at: String,
        last_modified_at: String,
        /// What is shown of one group alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        detail: Option<GroupDetail>,
    }
}
document! {
    /// What is shown of one group alone.
    #[schema(example = json!({
        "externalId": "51c07b9e", "rule": "offices",
        "scim": { "displayName": "Berlin" },
    }))]
    GroupDetail {
        external_id: Option<String>,
        /// The group rule that made it what it is.
        rule: Option<String>,
        grants: Vec<GrantDocument>,
        /// What the identity provider said.
        scim: Value,
    }
}
document! {
    /// A member of a group.
    #[schema(example = json!({ "id": "0197f2c9-13b6-7e08-9a47-c25d80f1e3b4", "kind": "User", "name": "ava.berg@example.com" }))]
    Member {
        id: String,
        /// `User` or `Group`.
        kind: String,
        name: Option<String>,
    }
}
document! {
    /// A console account.
    #[schema(example = json!({
        "id": "0197f2e8-05d2-7c3b-9f61-2ab8d47e90c3", "name": "ops", "role": "administrator",
        "createdAt": "2026-11-24T09:02:37Z", "user": {},
    }))]
    Account {
        id: String,
        name: String,
        /// `administrator` or `auditor`.
        role: String,
        created_at: String,
        /// The person in the directory with whom it ends.
        user: Option<AccountUser>,
    }
}
document! {
    /// The person in the directory to whom a console account is bound.
    #[schema(example = json!({ "id": "0197f2c9-13c1-7d5f-8b02-71e4a6903fcd", "userName": "ben.okoye@example.com", "active": true }))]
    AccountUser {
        id: String,
        /// The logon name; `null` for a person who was deleted.
        user_name: Option<String>,
        /// Whether the person is active; nobody signs in to the account while not.
        active: bool,
    }
}
