//! The kinds of documents, with their schemas.

use scim_mapping::{FieldChange, MappingSet};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A document with the schema of its kind.
macro_rules! document {
    ($(#[$about:meta])* $name:ident { $($(#[$said:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name { $($(#[$said])* pub(crate) $field: $kind,)* }
    };
}
pub(super) use document;

document! {
    /// A provisioning configuration.
    Configuration {
        id: String,
        /// Unique without regard to case.
        name: String,
        description: String,
        /// `enabled`, `paused`, `disabled` or `rehearsing`.
        status: String,
        provisioning_type: ProvisioningType,
        identity_provider: String,
        /// How far deviations from the RFCs are accepted: `tolerant` or `strict`.
        profile: String,
        /// What a create does that meets a person who was created by hand.
        existing_users: String,
        policy: PolicySummary,
        /// From where its tokens are accepted; from everywhere when empty.
        allowed_networks: Vec<String>,
        scim_endpoint: String,
        created_at: String,
        last_modified_at: String,
        /// The first token; of a configuration that was just created alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<IssuedTokenDocument>,
    }
}
document! {
    /// What is provisioned.
    ProvisioningType { users: bool, groups: bool, }
}
document! {
    /// What leaving means.
    PolicySummary {
        /// `block` or `archive`.
        on_deactivate: String,
        /// `archive`, `block` or `delete`.
        on_delete: String,
        delete_after_days: Option<u16>,
        guard: GuardSummary,
        member_guard: MemberGuardSummary,
        /// `usual`, `refuse` or `skip`.
        unknown_members: String,
        /// `accept` or `refuse`.
        external_ids: String,
    }
}
document! {
    /// When too many members would leave a group at once.
    MemberGuardSummary {
        count: u32,
        percent: u8,
        /// `hold`, `reject` or `warn`.
        action: String,
    }
}
document! {
    /// When leaving is too much at once.
    GuardSummary {
        count: u32,
        percent: u8,
        minutes: u16,
        /// `hold` or `reject`.
        action: String,
    }
}
document! {
    /// A token, in clear text.
    IssuedTokenDocument { id: String, value: String, expires_at: Option<String>, }
}
document! {
    /// A token.
    Token {
        id: String,
        /// Its last characters.
        hint: String,
        /// `active`, `retiring` (another one takes its place), `expired` or `revoked`.
        state: String,
        created_at: String,
        created_by: String,
        /// The id of the API key that made it, with which it ends.
        made_by_key: Option<String>,
        /// When it ends, as far as that is known.
        expires_at: Option<String>,
        /// The id of the token that takes its place.
        replaced_by: Option<String>,
        /// For how many hours it goes on once that one was used.
        overlap_hours: Option<i64>,
        revoked_at: Option<String>,
        first_used_at: Option<String>,
        last_used_at: Option<String>,
        last_used_from: Option<String>,
        last_used_by: Option<String>,
    }
}
document! {
    /// A version of a mapping. Version 0 is the draft.
    Version {
        version: i64,
        /// `draft`, `active` or `archived`.
        state: String,
        /// SHA-256 of the rules, in hexadecimal.
        checksum: String,
        note: String,
        created_by: String,
        created_at: String,
        /// The rules; not in lists.
        #[serde(skip_serializing_if = "Option::is_none")]
        mapping: Option<MappingSet>,
    }
}
document! {
    /// The active version of a mapping, and the draft where there is one.
    Mapping {
        active: Option<Version>,
        draft: Option<Version>,
        /// What of a draft that was just written is worth a second look.
        #[serde(skip_serializing_if = "Option::is_none")]
        warnings: Option<Vec<String>>,
    }
}
document! {
    /// A change that a guard holds: of a user's status, or of a membership.
    Held {
        id: String,
        user: Named,
        /// `block`, `archive` or `delete`; `leave` where it is a membership.
        change: String,
        /// `DELETE`, `active: false` or `members replaced`.
        asked_by: String,
        /// The name of the group that the user would leave.
        #[serde(skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        held_at: String,
        /// What it would change of the user; in lists alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        changes: Option<Vec<FieldChange>>,
        /// The names of the groups that the user would leave; in lists alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        leaves: Option<Vec<String>>,
        /// When the user would be deleted for good.
        #[serde(skip_serializing_if = "Option::is_none")]
        purge_at: Option<String>,
    }
}
document! {
    /// A user by id and logon name.
    Named { id: String, user_name: String, }
}
document! {
    /// A user that an identity provider wants to create, and the person who is there already.
    Link {
        /// The id; another one as soon as the identity provider asks again.
        id: String,
        person: Named,
        /// The version of the person; another one as soon as somebody changes them.
        person_version: i64,
        user_name: String,
        /// The attribute that both have.
        shared: String,
        last_asked_at: String,
        /// When it was dismissed, if it was.
        #[serde(skip_serializing_if = "Option::is_none")]
        dismissed_at: Option<String>,
        /// What linking would change of the person.
        changes: Vec<FieldChange>,
        /// Why the two cannot be linked, as far as the user alone says.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    }
}
document! {
    /// An entry of the provisioning log.
    Event {
        id: i64,
        at: String,
        configuration: EventConfiguration,
        request_id: String,
        action: String,
        resource: EventResource,
        outcome: String,
        /// The HTTP status.
        status: i32,
        scim_type: Option<String>,
        /// The step at which it ended: `authenticate`, `read`, `match`, `map`, `policy` or `write`.
        stage: Option<String>,
        /// Why it was not carried out, or not as it was asked for, such as `guard.rejected`.
        cause: Option<String>,
        reason: Option<String>,
        /// The administrator who did it; null for what the identity provider asked for.
        actor: Option<String>,
        /// How many attempts alike the entry stands for.
        occurrences: i64,
        changes: Value,
        deviations: Value,
        mapping_version: Option<i64>,
        duration_micros: i64,
        source: Option<String>,
        user_agent: Option<String>,
        /// When an administrator marked it as resolved.
        resolved_at: Option<String>,
        resolved_by: Option<String>,
        /// The run that it is part of.
        run: Option<String>,
    }
}
document! {
    /// The configuration of a log entry.
    EventConfiguration { id: String, name: String, }
}
document! {
    /// What a log entry is about.
    EventResource {
        #[serde(rename = "type")]
        kind: Option<String>,
        id: Option<String>,
        name: Option<String>,
    }
}
document! {
    /// A person in the directory.
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
    UserDetail {
        external_id: Option<String>,
        groups: Vec<GroupName>,
        /// What the identity provider said.
        scim: Value,
    }
}
document! {
    /// A group by id and name.
    GroupName { id: String, name: String, }
}
document! {
    /// A value that a group or an administrator gave.
    GrantDocument { field: String, value: String, group: Option<String>, }
}
document! {
    /// A group in the directory.
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
    Member {
        id: String,
        /// `User` or `Group`.
        kind: String,
        name: Option<String>,
    }
}
document! {
    /// A console account.
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
    AccountUser {
        id: String,
        /// The logon name; `null` for a person who was deleted.
        user_name: Option<String>,
        /// Whether the person is active; nobody signs in to the account while not.
        active: bool,
    }
}
document! {
    /// An API key.
    ApiKey {
        id: String,
        name: String,
        /// `administrator` or `auditor`.
        role: String,
        /// What it may be used for: `read`, `configure`, `tokens`, `operate`.
        scopes: Vec<String>,
        /// `active`, `expired` or `revoked`.
        state: String,
        created_at: String,
        /// The id of the API key that made it, with which it ends.
        made_by_key: Option<String>,
        expires_at: String,
        revoked_at: Option<String>,
    }
}
document! {
    /// A token that ends with an API key.
    Made {
        id: String,
        /// Its last characters.
        hint: String,
        /// The name of its configuration.
        configuration: String,
        expires_at: Option<String>,
        last_used_at: Option<String>,
    }
}
document! {
    /// An API key, in clear text.
    IssuedKey {
        id: String,
        name: String,
        role: String,
        scopes: Vec<String>,
        key: String,
        expires_at: String,
    }
}
document! {
    /// A key of the instance, and what needs it.
    InstanceKey {
        id: String,
        /// `signs`, `verifies`, `missing` in the key ring, or `retired`.
        state: String,
        created_at: String,
        retired_at: Option<String>,
        /// How many live tokens it signed.
        signed_tokens: i64,
        /// When the last of these ends, where that is known.
        signed_tokens_end_at: Option<String>,
        /// How many live tokens it sealed.
        sealed_tokens: i64,
        /// How many secrets of webhooks it sealed.
        sealed_webhooks: i64,
        /// When it may be taken out of the ring: `now`, `afterRotation`, `afterReseal` or
        /// `afterTokens`; null for one that is in none.
        may_retire: Option<String>,
    }
}
document! {
    /// An entry of the audit.
    Audit {
        id: i64,
        at: String,
        actor: String,
        source: Option<String>,
        event: String,
        object: String,
        details: Value,
    }
}
document! {
    /// What went wrong (RFC 9457).
    ProblemDocument {
        #[serde(rename = "type")]
        kind: String,
        title: Option<String>,
        status: u16,
        detail: String,
        request_id: String,
        /// The values that are wrong, where some of the document are.
        errors: Option<Vec<InvalidValue>>,
    }
}
document! {
    /// A value that is wrong.
    InvalidValue {
        /// Where it stands in the document that was sent: a JSON pointer (RFC 6901).
        pointer: String,
        detail: String,
    }
}

/// How the tests of a mapping went.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestReport {
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// Each of them.
    pub tests: Vec<scim_mapping::TestOutcome>,
}

/// How the tests of a mapping went, counted.
pub fn test_report(tests: Vec<scim_mapping::TestOutcome>) -> TestReport {
    let passed = tests.iter().filter(|test| test.passed).count();
    TestReport {
        passed,
        failed: tests.len() - passed,
        tests,
    }
}
