//! What the commands print with `--json` and the admin API answers, with the schemas of it.

use chrono::Utc;
use scim_admin::account::Account as StoredAccount;
use scim_admin::api_key::ApiKey as StoredKey;
use scim_admin::configuration::profile_name;
use scim_admin::event::{AuditEntry, LoggedEvent};
use scim_admin::mapping::MappingVersion;
use scim_admin::people::{
    GroupDetail as StoredGroup, GroupSummary, Member as StoredMember, Person, PersonDetail,
};
use scim_admin::policy::{HeldChange, LinkRequest};
use scim_admin::{AccessToken, IssuedApiKey, IssuedToken, ProvisioningConfiguration};
use scim_mapping::MappingSet;
use scim_provisioning::Policies;
use scim_provisioning::policy::Deletion;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::commands::value::{instant, maybe_instant};

/// A document with the schema of its kind.
macro_rules! document {
    ($(#[$about:meta])* $name:ident { $($(#[$said:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name { $($(#[$said])* pub(crate) $field: $kind,)* }
    };
}

document! {
    /// A provisioning configuration.
    Configuration {
        id: String,
        /// Unique without regard to case.
        name: String,
        description: String,
        /// `enabled` or `disabled`.
        status: String,
        provisioning_type: ProvisioningType,
        identity_provider: String,
        /// How far deviations from the RFCs are accepted: `tolerant` or `strict`.
        profile: String,
        /// What a create does that meets a person who was created by hand.
        existing_users: String,
        policy: PolicySummary,
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
        /// `active`, `expired` or `revoked`.
        state: String,
        created_at: String,
        created_by: String,
        expires_at: Option<String>,
        revoked_at: Option<String>,
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
    /// A change of a user's status that the guard holds.
    Held {
        id: String,
        user: Named,
        /// `block`, `archive` or `delete`.
        change: String,
        /// `DELETE` or `active: false`.
        asked_by: String,
        held_at: String,
    }
}
document! {
    /// A user by id and logon name.
    Named { id: String, user_name: String, }
}
document! {
    /// A user that an identity provider wants to create, and the person who is there already.
    Link {
        person: Named,
        user_name: String,
        /// The attribute that both have.
        shared: String,
        last_asked_at: String,
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
        reason: Option<String>,
        changes: Value,
        deviations: Value,
        mapping_version: Option<i64>,
        duration_micros: i64,
        source: Option<String>,
        user_agent: Option<String>,
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
    }
}
document! {
    /// An API key.
    ApiKey {
        id: String,
        name: String,
        /// `administrator` or `auditor`.
        role: String,
        /// `active`, `expired` or `revoked`.
        state: String,
        created_at: String,
        expires_at: String,
        revoked_at: Option<String>,
    }
}
document! {
    /// An API key, in clear text.
    IssuedKey { id: String, name: String, role: String, key: String, expires_at: String, }
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
    }
}

fn written(document: &impl Serialize) -> Value {
    json!(document)
}

pub(crate) fn configuration(endpoint: &str, stored: &ProvisioningConfiguration) -> Value {
    written(&Configuration::new(endpoint, stored))
}

/// A configuration that was just created, with its token.
pub(crate) fn added(
    endpoint: &str,
    stored: &ProvisioningConfiguration,
    token: &IssuedToken,
) -> Value {
    written(&Configuration {
        token: Some(IssuedTokenDocument::new(token)),
        ..Configuration::new(endpoint, stored)
    })
}

impl Configuration {
    fn new(endpoint: &str, stored: &ProvisioningConfiguration) -> Self {
        Self {
            id: stored.id.to_string(),
            name: stored.name.clone(),
            description: stored.description.clone(),
            status: stored.status().to_owned(),
            provisioning_type: ProvisioningType {
                users: stored.users,
                groups: stored.groups,
            },
            identity_provider: stored.identity_provider.as_str().to_owned(),
            profile: profile_name(stored.profile).to_owned(),
            existing_users: stored.policies.existing_users.as_str().to_owned(),
            policy: PolicySummary::new(&stored.policies),
            scim_endpoint: endpoint.to_owned(),
            created_at: instant(stored.created),
            last_modified_at: instant(stored.last_modified),
            token: None,
        }
    }
}

impl PolicySummary {
    fn new(policies: &Policies) -> Self {
        let (on_delete, delete_after_days) = match policies.deletion {
            Deletion::Archive => ("archive", None),
            Deletion::Block => ("block", None),
            Deletion::Delete { after_days } => ("delete", Some(after_days)),
        };
        Self {
            on_deactivate: policies.deactivation.as_str().to_owned(),
            on_delete: on_delete.to_owned(),
            delete_after_days,
            guard: GuardSummary {
                count: policies.guard.count,
                percent: policies.guard.percent,
                minutes: policies.guard.minutes,
                action: policies.guard.action.as_str().to_owned(),
            },
        }
    }
}

impl IssuedTokenDocument {
    fn new(issued: &IssuedToken) -> Self {
        Self {
            id: issued.token.id.clone(),
            value: issued.value.reveal().to_owned(),
            expires_at: maybe_instant(issued.token.expires),
        }
    }
}

pub(crate) fn issued_token(issued: &IssuedToken) -> Value {
    written(&IssuedTokenDocument::new(issued))
}

pub(crate) fn token(token: &AccessToken) -> Value {
    written(&Token {
        id: token.id.clone(),
        hint: token.hint.clone(),
        state: token.state(Utc::now()).to_owned(),
        created_at: instant(token.created),
        created_by: token.created_by.clone(),
        expires_at: maybe_instant(token.expires),
        revoked_at: maybe_instant(token.revoked),
        last_used_at: maybe_instant(token.last_used),
        last_used_from: token.last_used_from.clone(),
        last_used_by: token.last_used_by.clone(),
    })
}

impl Version {
    /// A version without its rules, where this one is active.
    pub(crate) fn new(version: &MappingVersion, active: i64) -> Self {
        Self {
            version: version.version,
            state: version.state(active).to_owned(),
            checksum: version.checksum.clone(),
            note: version.note.clone(),
            created_by: version.created_by.clone(),
            created_at: instant(version.created),
            mapping: None,
        }
    }

    /// The same with its rules.
    pub(crate) fn with_rules(version: &MappingVersion, active: i64) -> Self {
        Self {
            mapping: Some(version.rules.clone()),
            ..Self::new(version, active)
        }
    }
}

pub(crate) fn version(version: &MappingVersion, active: i64) -> Value {
    written(&Version::new(version, active))
}

pub(crate) fn held(change: &HeldChange) -> Value {
    written(&Held {
        id: change.id.clone(),
        user: Named {
            id: change.user.clone(),
            user_name: change.user_name.clone(),
        },
        change: change.action.to_owned(),
        asked_by: match change.deleted {
            true => "DELETE",
            false => "active: false",
        }
        .to_owned(),
        held_at: instant(change.at),
    })
}

pub(crate) fn link(link: &LinkRequest) -> Value {
    written(&Link {
        person: Named {
            id: link.person.clone(),
            user_name: link.person_name.clone(),
        },
        user_name: link.user_name().to_owned(),
        shared: link.attribute.clone(),
        last_asked_at: instant(link.at),
    })
}

pub(crate) fn event(event: &LoggedEvent) -> Value {
    written(&Event {
        id: event.id,
        at: event
            .at
            .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        configuration: EventConfiguration {
            id: event.configuration.clone(),
            name: event.configuration_name.clone(),
        },
        request_id: event.request_id.clone(),
        action: event.action.clone(),
        resource: EventResource {
            kind: event.resource_type.clone(),
            id: event.resource_id.clone(),
            name: event.resource_name.clone(),
        },
        outcome: event.outcome.clone(),
        status: event.status,
        scim_type: event.scim_type.clone(),
        reason: event.reason.clone(),
        changes: event.changes.clone(),
        deviations: event.deviations.clone(),
        mapping_version: event.mapping_version,
        duration_micros: event.duration_micros,
        source: event.source.clone(),
        user_agent: event.user_agent.clone(),
    })
}

impl User {
    fn new(person: &Person) -> Self {
        let grants = person.grants.iter().map(|grant| GrantDocument {
            field: grant.field.clone(),
            value: grant.value.clone(),
            group: grant.group.clone(),
        });
        Self {
            id: person.id.clone(),
            user_name: person.user_name.clone(),
            display_name: person.display_name.clone(),
            email: person.email.clone(),
            status: person.status.clone(),
            tenant_admin: person.tenant_admin,
            role: person.role.clone(),
            fields: person.fields.clone(),
            grants: grants.collect(),
            manager_id: person.manager.clone(),
            managed_by: person.managed_by.clone(),
            created_at: instant(person.created),
            last_modified_at: instant(person.last_modified),
            detail: None,
        }
    }
}

pub(crate) fn user(person: &Person) -> Value {
    written(&User::new(person))
}

/// One user with what is shown of one alone.
pub(crate) fn user_detail(found: &PersonDetail) -> Value {
    let groups = found.groups.iter().map(|group| GroupName {
        id: group.id.clone(),
        name: group.name.clone(),
    });
    written(&User {
        detail: Some(UserDetail {
            external_id: found.external_id.clone(),
            groups: groups.collect(),
            scim: found.document.clone(),
        }),
        ..User::new(&found.person)
    })
}

impl Group {
    fn new(group: &GroupSummary) -> Self {
        Self {
            id: group.id.clone(),
            name: group.name.clone(),
            kind: group.kind.clone(),
            members: group.members,
            managed_by: group.managed_by.clone(),
            created_at: instant(group.created),
            last_modified_at: instant(group.last_modified),
            detail: None,
        }
    }
}

pub(crate) fn group(group: &GroupSummary) -> Value {
    written(&Group::new(group))
}

/// One group with what is shown of one alone.
pub(crate) fn group_detail(found: &StoredGroup) -> Value {
    let grants = found.grants.iter().map(|(field, value)| GrantDocument {
        field: field.clone(),
        value: value.clone(),
        group: None,
    });
    written(&Group {
        detail: Some(GroupDetail {
            external_id: found.external_id.clone(),
            rule: found.rule.clone(),
            grants: grants.collect(),
            scim: found.document.clone(),
        }),
        ..Group::new(&found.group)
    })
}

pub(crate) fn member(member: &StoredMember) -> Value {
    written(&Member {
        id: member.id.clone(),
        kind: member.kind.clone(),
        name: member.name.clone(),
    })
}

pub(crate) fn account(account: &StoredAccount) -> Value {
    written(&Account {
        id: account.id.clone(),
        name: account.name.clone(),
        role: account.role.as_str().to_owned(),
        created_at: instant(account.created),
    })
}

/// `active`, `expired` or `revoked`.
pub(crate) fn key_state(key: &StoredKey) -> &'static str {
    match (key.revoked, key.is_live(Utc::now())) {
        (Some(_), _) => "revoked",
        (None, true) => "active",
        (None, false) => "expired",
    }
}

pub(crate) fn api_key(key: &StoredKey) -> Value {
    written(&ApiKey {
        id: key.id.clone(),
        name: key.name.clone(),
        role: key.role.as_str().to_owned(),
        state: key_state(key).to_owned(),
        created_at: instant(key.created),
        expires_at: instant(key.expires),
        revoked_at: maybe_instant(key.revoked),
    })
}

pub(crate) fn issued_key(issued: &IssuedApiKey) -> Value {
    written(&IssuedKey {
        id: issued.key.id.clone(),
        name: issued.key.name.clone(),
        role: issued.key.role.as_str().to_owned(),
        key: issued.value.reveal().to_owned(),
        expires_at: instant(issued.key.expires),
    })
}

pub(crate) fn audit(id: i64, entry: &AuditEntry) -> Value {
    written(&Audit {
        id,
        at: instant(entry.at),
        actor: entry.actor.clone(),
        source: entry.source.clone(),
        event: entry.event.clone().into_owned(),
        object: entry.object.clone(),
        details: entry.details.clone(),
    })
}
