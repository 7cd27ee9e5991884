//! The kinds of documents, with their schemas.

use scim_mapping::{FieldChange, MappingSet};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A document with the schema of its kind. Its example says what is its own; what it holds of other kinds
/// has theirs.
macro_rules! document {
    ($(#[$about:meta])* $name:ident { $($(#[$said:meta])* $field:ident: $kind:ty,)* }) => {
        #[derive(Debug, Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        $(#[$about])*
        pub struct $name { $($(#[$said])* pub(crate) $field: $kind,)* }
    };
}
pub(super) use document;

document! {
    /// A provisioning configuration.
    #[schema(example = json!({
        "id": "0197f2c4-8a31-7c52-b1d0-4f6e2a9c7d15", "name": "Entra ID",
        "description": "Workforce",
        "status": "enabled", "identityProvider": "entra", "profile": "tolerant",
        "existingUsers": "ask", "allowedNetworks": ["192.0.2.0/24"],
        "scimEndpoint": "https://scim.example.com/api/scim/v2",
        "createdAt": "2026-11-24T09:15:00Z", "lastModifiedAt": "2026-11-26T16:40:12Z",
    }))]
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
    #[schema(example = json!({ "users": true, "groups": true }))]
    ProvisioningType { users: bool, groups: bool, }
}
document! {
    /// What leaving means.
    #[schema(example = json!({
        "onDeactivate": "block", "onDelete": "archive", "deleteAfterDays": null,
        "unknownMembers": "usual", "externalIds": "accept",
    }))]
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
    #[schema(example = json!({ "count": 500, "percent": 20, "action": "hold" }))]
    MemberGuardSummary {
        count: u32,
        percent: u8,
        /// `hold`, `reject` or `warn`.
        action: String,
    }
}
document! {
    /// When leaving is too much at once.
    #[schema(example = json!({ "count": 500, "percent": 20, "minutes": 60, "action": "hold" }))]
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
    #[schema(example = json!({
        "id": "0197f2c4-8a35-7b19-92e6-a8d15c3f7042", "value": "sopscim_EXAMPLE",
        "expiresAt": "2027-11-24T09:15:00Z",
    }))]
    IssuedTokenDocument { id: String, value: String, expires_at: Option<String>, }
}
document! {
    /// A token.
    #[schema(example = json!({
        "id": "0197f2c4-8a35-7b19-92e6-a8d15c3f7042", "hint": "a1b2", "state": "active",
        "createdAt": "2026-11-24T09:15:00Z",
        "createdBy": "administrator:ops", "madeByKey": null, "expiresAt": "2027-11-24T09:15:00Z",
        "replacedBy": null, "overlapHours": null, "revokedAt": null,
        "firstUsedAt": "2026-11-24T10:31:04Z", "lastUsedAt": "2026-11-26T16:52:07Z",
        "lastUsedFrom": "192.0.2.17", "lastUsedBy": "Azure AD SCIM client",
    }))]
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
    #[schema(example = json!({
        "version": 7, "state": "active",
        "checksum": "9f2c6d1be04a7358c1d09e6fb27a4853e0c8416f5db3729ae4180f6c2b97d35e",
        "note": "Cost centres", "createdBy": "administrator:ops",
        "createdAt": "2026-11-25T08:05:44Z", "mapping": {},
    }))]
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
    #[schema(example = json!({ "active": {}, "draft": null }))]
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
    #[schema(example = json!({
        "id": "0197f2e8-05d2-7c3b-9f61-2ab8d47e90c3", "user": {}, "change": "archive",
        "askedBy": "DELETE",
        "heldAt": "2026-11-26T16:51:40Z",
        "changes": [{ "field": "status", "old": "active", "new": "archived" }],
        "leaves": ["Berlin"],
    }))]
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
    #[schema(example = json!({ "id": "0197f2c9-13b6-7e08-9a47-c25d80f1e3b4", "userName": "ava.berg@example.com" }))]
    Named { id: String, user_name: String, }
}
document! {
    /// A user that an identity provider wants to create, and the person who is there already.
    #[schema(example = json!({
        "id": "0197f2e8-05d2-7c3b-9f61-2ab8d47e90c3", "person": {}, "personVersion": 4,
        "userName": "ava.berg@example.com",
        "shared": "userName", "lastAskedAt": "2026-11-26T16:50:02Z",
    }))]
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
    #[schema(example = json!({
        "id": 48213, "at": "2026-11-26T16:52:07.318Z", "requestId": "c0a4f6d2",
        "action": "update", "outcome": "success", "status": 200, "scimType": null,
        "stage": null, "cause": null, "reason": "1 field changed", "actor": null, "occurrences": 1,
        "changes": [{ "field": "job_title", "old": "Engineer", "new": "Lead" }],
        "deviations": [], "mappingVersion": 7, "durationMicros": 4120, "source": "192.0.2.17",
        "userAgent": "Azure AD SCIM client", "resolvedAt": null, "resolvedBy": null,
        "run": "0197f2d0-40ab-7a63-8c1f-95b2e7d43016",
    }))]
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
    #[schema(example = json!({ "id": "0197f2c4-8a31-7c52-b1d0-4f6e2a9c7d15", "name": "Entra ID" }))]
    EventConfiguration { id: String, name: String, }
}
document! {
    /// What a log entry is about.
    #[schema(example = json!({ "type": "User", "id": "0197f2c9-13b6-7e08-9a47-c25d80f1e3b4", "name": "ava.berg@example.com" }))]
    EventResource {
        #[serde(rename = "type")]
        kind: Option<String>,
        id: Option<String>,
        name: Option<String>,
    }
}
document! {
    /// An API key.
    #[schema(example = json!({
        "id": "0197f2b1-2f07-7d44-a6be-3c8091f5e2d7", "name": "nightly report",
        "role": "auditor", "scopes": ["read"],
        "state": "active", "createdAt": "2026-11-24T09:20:00Z", "madeByKey": null,
        "expiresAt": "2027-02-22T09:20:00Z", "revokedAt": null,
    }))]
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
    #[schema(example = json!({
        "id": "0197f2c4-8a35-7b19-92e6-a8d15c3f7042", "hint": "a1b2", "configuration": "Entra ID",
        "expiresAt": "2027-11-24T09:15:00Z", "lastUsedAt": "2026-11-26T16:52:07Z",
    }))]
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
    #[schema(example = json!({
        "id": "0197f2b1-2f07-7d44-a6be-3c8091f5e2d7", "name": "nightly report",
        "role": "auditor", "scopes": ["read"],
        "key": "sopskey_EXAMPLE", "expiresAt": "2027-02-22T09:20:00Z",
    }))]
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
    #[schema(example = json!({
        "id": "k-20261124", "state": "signs", "createdAt": "2026-11-24T09:00:11Z",
        "retiredAt": null, "signedTokens": 3, "signedTokensEndAt": "2027-11-24T09:15:00Z",
        "sealedTokens": 3, "sealedWebhooks": 1, "mayRetire": "afterRotation",
    }))]
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
    #[schema(example = json!({
        "id": 912, "at": "2026-11-25T08:06:02Z", "actor": "administrator:ops",
        "source": "192.0.2.40", "event": "mapping.activate", "object": "Entra ID: user",
        "details": { "version": 7 },
    }))]
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
    #[schema(example = json!({
        "type": "about:blank", "title": "Unprocessable Entity", "status": 422,
        "detail": "The name is too long.", "requestId": "c0a4f6d2",
        "errors": [{ "pointer": "/name", "detail": "The name is too long." }],
    }))]
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
#[schema(example = json!({ "passed": 4, "failed": 1 }))]
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
