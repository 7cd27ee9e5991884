//! What the commands print with `--json` and the admin API answers, with the schemas of it.

mod alerts;
mod held;
mod kinds;
mod people;
mod runs;
mod streams;
mod tables;
mod times;
mod why;
mod working;

use chrono::{DateTime, SecondsFormat, Utc};
use scim_admin::account::Account as StoredAccount;
use scim_admin::alert::Alert as StoredAlert;
use scim_admin::api_key::ApiKey as StoredKey;
use scim_admin::configuration::profile_name;
use scim_admin::event::{AuditEntry, LoggedEvent};
use scim_admin::mapping::MappingVersion;
use scim_admin::people::{
    GroupDetail as StoredGroup, GroupSummary, Member as StoredMember, Person, PersonDetail,
};
use scim_admin::policy::LinkRequest;
use scim_admin::safekeeping::ListedKey;
use scim_admin::scope::Scopes;
use scim_admin::{
    AccessToken, AdminError, AdminService, IssuedApiKey, IssuedToken, ProvisioningConfiguration,
};
use scim_provisioning::policy::Deletion;
use scim_provisioning::{Comparison, ConfigurationId, Policies, ServiceProvider};

pub use self::alerts::*;
pub use self::held::{compared, held};
pub use self::kinds::*;
pub use self::people::*;
pub use self::runs::*;
pub use self::streams::*;
pub use self::tables::*;
pub use self::times::{instant, maybe_instant};
pub use self::why::{Why, WhyField, WhyFound, WhyMend, WhyMoment, why};
pub use self::working::*;

/// Something that needs somebody, or did.
pub fn alert(alert: &StoredAlert) -> Alert {
    Alert {
        id: alert.id.clone(),
        kind: alert.kind.as_str().to_owned(),
        title: alert.kind.title().to_owned(),
        message: alert.message(),
        advice: alert.kind.advice().to_owned(),
        page: alert.page(),
        about: AlertThing {
            kind: alert.kind.thing().to_owned(),
            id: alert.about.id.clone(),
            name: alert.about.name.clone(),
        },
        cause: alert.cause.map(|cause| cause.as_str().to_owned()),
        count: alert.count,
        ends_at: maybe_instant(alert.ends),
        since: instant(alert.since),
        last_seen_at: instant(alert.seen),
        over_at: maybe_instant(alert.over),
    }
}

/// A key of the instance.
pub fn key(key: &ListedKey) -> InstanceKey {
    InstanceKey {
        id: key.id.clone(),
        state: key.state.as_str().to_owned(),
        created_at: instant(key.created),
        retired_at: maybe_instant(key.retired),
        signed_tokens: key.signed,
        signed_tokens_end_at: maybe_instant(key.signed_until),
        sealed_tokens: key.sealed,
        sealed_webhooks: key.webhooks,
        may_retire: key.may_retire().map(|when| when.as_str().to_owned()),
    }
}

/// A configuration.
pub fn configuration(endpoint: &str, stored: &ProvisioningConfiguration) -> Configuration {
    Configuration::new(endpoint, stored)
}

/// A configuration that was just created, with its token.
pub fn added(
    endpoint: &str,
    stored: &ProvisioningConfiguration,
    token: &IssuedToken,
) -> Configuration {
    Configuration {
        token: Some(IssuedTokenDocument::new(token)),
        ..Configuration::new(endpoint, stored)
    }
}

impl Configuration {
    fn new(endpoint: &str, stored: &ProvisioningConfiguration) -> Self {
        Self {
            id: stored.id.to_string(),
            name: stored.name.clone(),
            description: stored.description.clone(),
            status: stored.status.as_str().to_owned(),
            provisioning_type: ProvisioningType {
                users: stored.users,
                groups: stored.groups,
            },
            identity_provider: stored.identity_provider.as_str().to_owned(),
            profile: profile_name(stored.profile).to_owned(),
            existing_users: stored.policies.existing_users.as_str().to_owned(),
            policy: PolicySummary::new(&stored.policies),
            allowed_networks: stored.networks.iter().map(ToString::to_string).collect(),
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
            member_guard: MemberGuardSummary {
                count: policies.member_guard.count,
                percent: policies.member_guard.percent,
                action: policies.member_guard.action.as_str().to_owned(),
            },
            unknown_members: policies.unknown_members.as_str().to_owned(),
            external_ids: policies.external_ids.as_str().to_owned(),
        }
    }
}

impl IssuedTokenDocument {
    fn new(issued: &IssuedToken) -> Self {
        Self {
            id: issued.token.id.clone(),
            value: issued.value.reveal().to_owned(),
            expires_at: maybe_instant(issued.token.ends()),
        }
    }
}

/// A token that was just issued, in clear text.
pub fn issued_token(issued: &IssuedToken) -> IssuedTokenDocument {
    IssuedTokenDocument::new(issued)
}

/// A token as it is at a time.
pub fn token(token: &AccessToken, now: DateTime<Utc>) -> Token {
    Token {
        id: token.id.clone(),
        hint: token.hint.clone(),
        state: token.state(now).as_str().to_owned(),
        created_at: instant(token.created),
        created_by: token.created_by.clone(),
        made_by_key: token.made_by.clone(),
        expires_at: maybe_instant(token.ends()),
        replaced_by: token.retirement.as_ref().map(|to| to.by.clone()),
        overlap_hours: token.retirement.as_ref().map(|to| to.overlap.num_hours()),
        revoked_at: maybe_instant(token.revoked),
        first_used_at: maybe_instant(token.first_used),
        last_used_at: maybe_instant(token.last_used),
        last_used_from: token.last_used_from.clone(),
        last_used_by: token.last_used_by.clone(),
    }
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

/// A version of a mapping, of which that number is active.
pub fn version(version: &MappingVersion, active: i64) -> Version {
    Version::new(version, active)
}

/// Links that wait, with what they would change.
pub fn links(
    admin: &AdminService,
    provider: &ServiceProvider,
    configuration: ConfigurationId,
    links: &[LinkRequest],
) -> Result<Vec<Link>, AdminError> {
    let compared = admin.compare_links(provider, configuration, links)?;
    let pairs = links.iter().zip(compared);
    Ok(pairs
        .map(|(found, compared)| link(found, compared))
        .collect())
}

fn link(link: &LinkRequest, compared: Comparison) -> Link {
    Link {
        id: link.id.clone(),
        person: Named {
            id: link.person.clone(),
            user_name: link.person_name.clone(),
        },
        person_version: link.person_version.0,
        user_name: link.user_name().to_owned(),
        shared: link.attribute.clone(),
        last_asked_at: instant(link.at),
        dismissed_at: maybe_instant(link.dismissed),
        changes: compared.changes,
        refused: compared.refused,
    }
}

/// An entry of the provisioning log.
pub fn event(event: &LoggedEvent) -> Event {
    Event {
        id: event.id,
        at: event.at.to_rfc3339_opts(SecondsFormat::Millis, true),
        configuration: EventConfiguration {
            id: event.configuration.to_string(),
            name: event.configuration_name.clone(),
        },
        request_id: event.request_id.clone(),
        action: event.action.as_str().to_owned(),
        resource: EventResource {
            kind: event.kind.as_ref().map(ToString::to_string),
            id: event.resource_id.clone(),
            name: event.resource_name.clone(),
        },
        outcome: event.outcome.as_str().to_owned(),
        status: event.status,
        scim_type: event.scim_type.clone(),
        stage: event.stage.as_ref().map(ToString::to_string),
        cause: event.cause.as_ref().map(ToString::to_string),
        actor: event.actor.clone(),
        occurrences: event.occurrences,
        reason: event.reason.clone(),
        changes: event.changes.clone(),
        deviations: event.deviations.clone(),
        mapping_version: event.mapping_version,
        duration_micros: event.duration_micros,
        source: event.source.clone(),
        user_agent: event.user_agent.clone(),
        resolved_at: maybe_instant(event.resolved_at),
        resolved_by: event.resolved_by.clone(),
        run: event.run.map(|run| run.to_string()),
    }
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

/// A person.
pub fn user(person: &Person) -> User {
    User::new(person)
}

/// One user with what is shown of one alone.
pub fn user_detail(found: &PersonDetail) -> User {
    let groups = found.groups.iter().map(|group| GroupName {
        id: group.id.clone(),
        name: group.name.clone(),
    });
    User {
        detail: Some(UserDetail {
            external_id: found.external_id.clone(),
            groups: groups.collect(),
            scim: found.document.clone(),
        }),
        ..User::new(&found.person)
    }
}

impl Group {
    fn new(group: &GroupSummary) -> Self {
        Self {
            id: group.id.clone(),
            name: group.name.clone(),
            kind: group.kind.clone(),
            confers_admin: group.confers_admin,
            members: group.members,
            managed_by: group.managed_by.clone(),
            created_at: instant(group.created),
            last_modified_at: instant(group.last_modified),
            detail: None,
        }
    }
}

/// A group.
pub fn group(group: &GroupSummary) -> Group {
    Group::new(group)
}

/// One group with what is shown of one alone.
pub fn group_detail(found: &StoredGroup) -> Group {
    let grants = found.grants.iter().map(|(field, value)| GrantDocument {
        field: field.clone(),
        value: value.clone(),
        group: None,
    });
    Group {
        detail: Some(GroupDetail {
            external_id: found.external_id.clone(),
            rule: found.rule.clone(),
            grants: grants.collect(),
            scim: found.document.clone(),
        }),
        ..Group::new(&found.group)
    }
}

/// A member of a group.
pub fn member(member: &StoredMember) -> Member {
    Member {
        id: member.id.clone(),
        kind: member.kind.clone(),
        name: member.name.clone(),
    }
}

/// An account of an administrator.
pub fn account(account: &StoredAccount) -> Account {
    Account {
        id: account.id.clone(),
        name: account.name.clone(),
        role: account.role.as_str().to_owned(),
        created_at: instant(account.created),
        user: account.person.as_ref().map(|person| AccountUser {
            id: person.id.clone(),
            user_name: person.user_name.clone(),
            active: person.active,
        }),
    }
}

/// `active`, `expired` or `revoked`.
pub fn key_state(key: &StoredKey, now: DateTime<Utc>) -> &'static str {
    match (key.revoked, key.is_live(now)) {
        (Some(_), _) => "revoked",
        (None, true) => "active",
        (None, false) => "expired",
    }
}

/// A key for the admin API as it is at a time.
pub fn api_key(key: &StoredKey, now: DateTime<Utc>) -> ApiKey {
    ApiKey {
        id: key.id.clone(),
        name: key.name.clone(),
        role: key.role.as_str().to_owned(),
        scopes: names(key.scopes),
        state: key_state(key, now).to_owned(),
        created_at: instant(key.created),
        made_by_key: key.made_by.clone(),
        expires_at: instant(key.expires),
        revoked_at: maybe_instant(key.revoked),
    }
}

fn names(scopes: Scopes) -> Vec<String> {
    scopes.names().into_iter().map(str::to_owned).collect()
}

/// A token that ends with an API key, and the name of its configuration.
pub fn made(token: &AccessToken, configuration: &str) -> Made {
    Made {
        id: token.id.clone(),
        hint: token.hint.clone(),
        configuration: configuration.to_owned(),
        expires_at: maybe_instant(token.ends()),
        last_used_at: maybe_instant(token.last_used),
    }
}

/// A key that was just issued, in clear text.
pub fn issued_key(issued: &IssuedApiKey) -> IssuedKey {
    IssuedKey {
        id: issued.key.id.clone(),
        name: issued.key.name.clone(),
        role: issued.key.role.as_str().to_owned(),
        scopes: names(issued.key.scopes),
        key: issued.value.reveal().to_owned(),
        expires_at: instant(issued.key.expires),
    }
}

/// An entry of the audit.
pub fn audit(id: i64, entry: &AuditEntry) -> Audit {
    Audit {
        id,
        at: instant(entry.at),
        actor: entry.actor.clone(),
        source: entry.source.clone(),
        event: entry.event.clone().into_owned(),
        object: entry.object.clone(),
        details: entry.details.clone(),
    }
}
