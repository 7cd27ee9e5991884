//! What administrators do.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use scim_mapping::MappingSet;
use scim_provisioning::model::ModelVersion;
use scim_provisioning::{ConfigurationId, StoreError};
use serde_json::{Value, json};
use validator::Validate;

use crate::api_key::ApiKey;
use crate::configuration::{ConfigurationInput, ProvisioningConfiguration, profile_name};
use crate::error::AdminError;
use crate::event::{AuditEntry, EventQuery, LoggedEvent};
use crate::keyring::KeyRing;
use crate::mapping::MappingVersion;
use crate::people::{GroupSummary, Person, PersonInput};
use crate::store::Store;
use crate::token::{AccessToken, PlainToken};

mod accounts;
mod audit;
mod directory;
mod events;
mod mappings;
mod replay;
mod sessions;
mod tokens;
mod waiting;

pub use mappings::VersionChoice;
pub use replay::Replay;

/// Who does something, for the audit.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The name: an account, an API key, or the command line.
    pub name: String,
    /// From where.
    pub source: Option<String>,
}

/// A token just issued.
#[derive(Debug)]
pub struct IssuedToken {
    /// What is stored of it.
    pub token: AccessToken,
    /// The token itself.
    pub value: PlainToken,
}

/// An API key just issued. It cannot be shown again.
#[derive(Debug)]
pub struct IssuedApiKey {
    /// What is stored of it.
    pub key: ApiKey,
    /// The key itself.
    pub value: PlainToken,
}

/// The administrators' service.
pub struct AdminService {
    store: Arc<dyn Store>,
    keys: Arc<KeyRing>,
}

impl AdminService {
    /// A service over a store.
    pub fn new(store: Arc<dyn Store>, keys: Arc<KeyRing>) -> Self {
        crate::jwt::install();
        Self { store, keys }
    }

    /// Adds a provisioning configuration with its first token.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::NameTaken`].
    pub fn add_configuration(
        &self,
        actor: &Actor,
        input: &ConfigurationInput,
    ) -> Result<(ProvisioningConfiguration, IssuedToken), AdminError> {
        input.validate()?;
        let now = now();
        let configuration = ProvisioningConfiguration {
            id: ConfigurationId::new(),
            name: input.name.trim().to_owned(),
            description: input.description.trim().to_owned(),
            enabled: true,
            users: input.users,
            groups: input.groups,
            identity_provider: input.identity_provider,
            profile: input.profile,
            policies: input.policies,
            model: ModelVersion {
                user: 1,
                group: 1,
                fields: 0,
            },
            guard_reset: None,
            version: 1,
            created: now,
            last_modified: now,
        };
        let token = self.issue(actor, configuration.id, now)?;
        let audit = entry(
            actor,
            "configuration.created",
            &configuration.name,
            json!({ "new": described(&configuration), "token": token.token.id }),
        );
        let first = [MappingSet::default_user(), MappingSet::default_group()].map(|rules| {
            let note = "The rules that a configuration begins with";
            MappingVersion::new(configuration.id, 1, rules, note, &actor.name, now)
        });
        self.store
            .add_configuration(&configuration, &token.token, &first, &audit)
            .map_err(|error| taken(error, &configuration.name))?;
        Ok((configuration, token))
    }

    /// The configurations whose name or description contains a text.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn configurations(
        &self,
        search: Option<&str>,
    ) -> Result<Vec<ProvisioningConfiguration>, AdminError> {
        Ok(self.store.configurations(search)?)
    }

    /// The configuration of a name or id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn configuration(&self, name_or_id: &str) -> Result<ProvisioningConfiguration, AdminError> {
        self.store
            .configuration(name_or_id)?
            .ok_or_else(|| AdminError::not_found("configuration", name_or_id))
    }

    /// Writes what an administrator entered.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`], [`AdminError::NameTaken`],
    /// [`AdminError::Stale`].
    pub fn edit_configuration(
        &self,
        actor: &Actor,
        name_or_id: &str,
        input: &ConfigurationInput,
    ) -> Result<ProvisioningConfiguration, AdminError> {
        input.validate()?;
        let before = self.configuration(name_or_id)?;
        let after = ProvisioningConfiguration {
            name: input.name.trim().to_owned(),
            description: input.description.trim().to_owned(),
            users: input.users,
            groups: input.groups,
            identity_provider: input.identity_provider,
            profile: input.profile,
            policies: input.policies,
            ..before.clone()
        };
        self.update(actor, "configuration.edited", &before, after)
    }

    /// Enables or disables a configuration; its tokens are accepted or refused from the next
    /// request on.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Stale`].
    pub fn enable_configuration(
        &self,
        actor: &Actor,
        name_or_id: &str,
        enabled: bool,
    ) -> Result<ProvisioningConfiguration, AdminError> {
        let before = self.configuration(name_or_id)?;
        if before.enabled == enabled {
            return Ok(before);
        }
        let event = if enabled {
            "configuration.enabled"
        } else {
            "configuration.disabled"
        };
        let after = ProvisioningConfiguration {
            enabled,
            ..before.clone()
        };
        self.update(actor, event, &before, after)
    }

    fn update(
        &self,
        actor: &Actor,
        event: &'static str,
        before: &ProvisioningConfiguration,
        mut after: ProvisioningConfiguration,
    ) -> Result<ProvisioningConfiguration, AdminError> {
        after.last_modified = now();
        let audit = entry(
            actor,
            event,
            &after.name,
            json!({ "old": described(before), "new": described(&after) }),
        );
        self.store
            .update_configuration(&after, &audit)
            .map_err(|error| taken(error, &after.name))?;
        after.version += 1;
        Ok(after)
    }

    /// Deletes a configuration and its tokens.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn delete_configuration(
        &self,
        actor: &Actor,
        name_or_id: &str,
    ) -> Result<ProvisioningConfiguration, AdminError> {
        let configuration = self.configuration(name_or_id)?;
        let audit = entry(
            actor,
            "configuration.deleted",
            &configuration.name,
            json!({ "old": described(&configuration) }),
        );
        self.store.delete_configuration(configuration.id, &audit)?;
        Ok(configuration)
    }

    /// Adds a person by hand and answers the id.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::NameTaken`].
    pub fn add_person(&self, actor: &Actor, input: &PersonInput) -> Result<String, AdminError> {
        input.validate()?;
        let audit = entry(
            actor,
            "person.created",
            &input.user_name,
            json!({ "tenantAdmin": input.tenant_admin, "role": input.role }),
        );
        self.store
            .add_person(input, now(), &audit)
            .map_err(|error| taken(error, &input.user_name))
    }

    /// People, in order of id.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn people(
        &self,
        search: Option<&str>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Person>, AdminError> {
        Ok(self.store.people(search, after, limit)?)
    }

    /// Groups, in order of id.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn groups(
        &self,
        search: Option<&str>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<GroupSummary>, AdminError> {
        Ok(self.store.group_summaries(search, after, limit)?)
    }

    /// Entries of the provisioning log, in order of time.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn events(&self, query: &EventQuery) -> Result<Vec<LoggedEvent>, AdminError> {
        Ok(self.store.events(query)?)
    }
}

fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(3)
}

fn entry(actor: &Actor, event: &'static str, object: &str, details: Value) -> AuditEntry {
    AuditEntry {
        at: now(),
        actor: actor.name.clone(),
        source: actor.source.clone(),
        event: event.into(),
        object: object.to_owned(),
        details,
    }
}

fn described(configuration: &ProvisioningConfiguration) -> Value {
    json!({
        "name": configuration.name,
        "description": configuration.description,
        "status": configuration.status(),
        "users": configuration.users,
        "groups": configuration.groups,
        "identityProvider": configuration.identity_provider.as_str(),
        "profile": profile_name(configuration.profile),
        "policies": configuration.policies,
    })
}

fn taken(error: StoreError, name: &str) -> AdminError {
    match error {
        StoreError::Conflict { .. } => AdminError::NameTaken(name.to_owned()),
        other => other.into(),
    }
}

fn check_name(name: &str) -> Result<(), AdminError> {
    let length = name.trim().chars().count();
    if (1..=100).contains(&length) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(AdminError::Invalid(
        "a name has 1 to 100 characters and no control characters".to_owned(),
    ))
}
