//! What administrators do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use scim_mapping::MappingSet;
use scim_protocol::text::fold;
use scim_provisioning::directory::Author;
use scim_provisioning::{ConfigurationId, Environment, StoreError, SystemEnvironment};
use serde_json::{Value, json};
use validator::Validate;

use self::act::{Act, entry, entry_of};
use crate::api_key::ApiKey;
use crate::configuration::{
    ConfigurationInput, ConfigurationStatus, ProvisioningConfiguration, profile_name,
};
use crate::ending;
use crate::error::AdminError;
use crate::event::{AuditEntry, EventQuery, LoggedEvent};
use crate::hex::hex;
use crate::invalid::Problem;
use crate::keyring::KeyRing;
use crate::mapping::MappingVersion;
use crate::name::check_name;
use crate::secret::draw_secret;
use crate::session::SignedIn;
use crate::store::{AdminStore, AdminStoreExt, AdminTransaction, Written};
use crate::token::{AccessToken, PlainToken};

mod accounts;
pub(crate) mod act;
pub(crate) mod alerts;
mod audit;
mod by_hand;
mod declared;
mod deletion;
mod devices;
mod directory;
mod drafted;
mod events;
mod fields;
mod going_live;
mod hashing;
mod imports;
mod keys;
mod leaving;
mod mappings;
mod measures;
mod rehearsals;
mod rehearsed;
mod replay;
pub(crate) mod runs;
mod sessions;
mod streams;
mod surveys;
mod tables;
mod together;
mod tokens;
mod undo;
mod waiting;
pub(crate) mod webhooks;
mod why;

#[cfg(test)]
mod tests;

pub use declared::Application;
pub use deletion::Deletion;
pub use devices::{Admitted, Attempt};
pub use imports::ImportedMapping;
pub use keys::give_up_lost_keys;
pub use mappings::VersionChoice;
pub use measures::{ConfigurationMeasures, Measures, StreamMeasures};
pub use replay::{Replay, Replayed};
pub use sessions::Sealed;
pub use streams::{IssuedStream, StreamInput};
pub use tables::{PutTable, TableSeen};
pub use why::WhyQuery;

/// Who does something, for the audit.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The name: an account, an API key, or the command line.
    pub name: String,
    /// From where.
    pub source: Option<String>,
    /// The API key, where it is one: what it makes ends with it.
    pub key: Option<ApiKey>,
    /// The id of the account, where it is one.
    pub account: Option<String>,
}

impl Actor {
    /// Who it is, as the feed names it.
    pub(crate) fn author(&self) -> Author {
        Author::administrator(&self.name)
    }

    /// Somebody, or the command line.
    pub fn new(name: impl Into<String>, source: Option<&str>) -> Self {
        Self {
            name: name.into(),
            source: source.map(str::to_owned),
            key: None,
            account: None,
        }
    }

    /// Somebody who is signed in.
    pub fn signed_in(who: &SignedIn, source: Option<&str>) -> Self {
        Self {
            account: Some(who.session.account.clone()),
            ..Self::new(&*who.name, source)
        }
    }

    /// Whoever holds an API key.
    pub fn of_key(key: &ApiKey, source: Option<&str>) -> Self {
        Self {
            key: Some(key.clone()),
            ..Self::new(format!("API key {}", key.name), source)
        }
    }

    /// When something ends that was to end at a time: no later than the key that makes it.
    pub(crate) fn ends_by(&self, end: DateTime<Utc>) -> DateTime<Utc> {
        self.key.as_ref().map_or(end, |key| key.expires.min(end))
    }
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
    store: Arc<dyn AdminStore>,
    keys: Arc<KeyRing>,
    environment: Arc<dyn Environment>,
    strangers: sessions::Strangers,
    /// Who read the audit lately, and since when.
    readers: Mutex<HashMap<String, DateTime<Utc>>>,
    rehearsals: rehearsals::Open,
    /// Since when the database takes no writes.
    refusing: Mutex<Option<DateTime<Utc>>>,
}

impl AdminService {
    /// A service over a store.
    pub fn new(store: Arc<dyn AdminStore>, keys: Arc<KeyRing>) -> Self {
        crate::jwt::install();
        Self {
            store,
            keys,
            environment: Arc::new(SystemEnvironment),
            strangers: sessions::Strangers::default(),
            readers: Mutex::default(),
            rehearsals: rehearsals::Open::default(),
            refusing: Mutex::default(),
        }
    }

    /// The same with another clock and other random numbers, for tests. The key ring keeps drawing
    /// its own: a number that seals twice would give a key away.
    #[must_use]
    pub fn with_environment(self, environment: Arc<dyn Environment>) -> Self {
        Self {
            environment,
            ..self
        }
    }

    /// The time as this service has it, by which everything that it keeps ends and is shown.
    pub fn now(&self) -> DateTime<Utc> {
        self.environment.now()
    }

    /// A text that nobody can foresee.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] when the system gives no random numbers.
    pub fn draw_secret(&self) -> Result<String, AdminError> {
        let secret = draw_secret(&*self.environment);
        let secret = secret.map_err(|_none| Problem::NoRandomNumbers.refused())?;
        Ok(hex(&secret))
    }

    /// An id that nothing else has.
    pub(crate) fn new_id(&self) -> String {
        self.environment.uuid().to_string()
    }

    /// What somebody does now.
    fn act(&self, actor: &Actor) -> Act {
        Act::now(actor, &self.environment)
    }

    /// Adds a provisioning configuration with its first token, which lives so many days, or a year.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::NameTaken`]; [`AdminError::Stale`] when the key that
    /// makes it was revoked meanwhile.
    pub fn add_configuration(
        &self,
        actor: &Actor,
        input: &ConfigurationInput,
        token_days: Option<i64>,
    ) -> Result<(ProvisioningConfiguration, IssuedToken), AdminError> {
        let actor = &self.act(actor);
        input.validate()?;
        let now = actor.at;
        let configuration = input.clone().begin(
            ConfigurationId::of(actor.uuid()),
            ConfigurationStatus::Enabled,
            now,
        );
        let token = self.issue(actor, configuration.id, now, token_days)?;
        let audit = entry_of(
            actor,
            "configuration.created",
            &configuration,
            json!({ "new": described(&configuration), "token": token.token.id }),
        );
        let maker = actor.name.clone();
        let (added, first_token) = (configuration.clone(), token.token.clone());
        self.store.write(move |rows| {
            ending::check_maker(rows, first_token.made_by.as_deref())?;
            insert_configuration(rows, &added, &maker)?;
            rows.insert_token(&first_token)?;
            Ok(Written::changed((), audit.clone()))
        })?;
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
        let mut found = self.store.read(|rows| Ok(rows.configurations()?))?;
        // There are few configurations; no database folds a description as it is folded here.
        if let Some(search) = search.map(fold) {
            found.retain(|configuration| {
                fold(&configuration.name).contains(&search)
                    || fold(&configuration.description).contains(&search)
            });
        }
        Ok(found)
    }

    /// The configuration of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn configuration(
        &self,
        id: ConfigurationId,
    ) -> Result<ProvisioningConfiguration, AdminError> {
        let found = self.store.read(|rows| Ok(rows.configuration(id)?))?;
        found.ok_or_else(|| AdminError::not_found("configuration", &id.to_string()))
    }

    /// The configuration of a name or id, as somebody writes it.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn find_configuration(
        &self,
        name_or_id: &str,
    ) -> Result<ProvisioningConfiguration, AdminError> {
        let found = self.store.read(|rows| {
            // What looks like an id is none but an id, so that nobody stands in for another one by
            // being called like it.
            Ok(match ConfigurationId::parse(name_or_id) {
                Some(id) => rows.configuration(id)?,
                None => rows.configuration_by_name(name_or_id)?,
            })
        })?;
        found.ok_or_else(|| AdminError::not_found("configuration", name_or_id))
    }

    /// Writes what an administrator entered, if the configuration still is as the administrator saw
    /// it.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::NameTaken`], [`AdminError::Stale`],
    /// [`AdminError::BeingDeleted`].
    pub fn edit_configuration(
        &self,
        actor: &Actor,
        before: &ProvisioningConfiguration,
        input: &ConfigurationInput,
    ) -> Result<ProvisioningConfiguration, AdminError> {
        let actor = &self.act(actor);
        deletion::check_stays(before)?;
        input.validate()?;
        let after = input.over(before);
        self.update(actor, "configuration.edited", before, after)
    }

    /// Enables, pauses or disables a configuration from the next request on, if it still is as the
    /// administrator saw it.
    ///
    /// # Errors
    /// [`AdminError::Stale`]; [`AdminError::BeingDeleted`].
    pub fn set_status(
        &self,
        actor: &Actor,
        before: &ProvisioningConfiguration,
        status: ConfigurationStatus,
    ) -> Result<ProvisioningConfiguration, AdminError> {
        let actor = &self.act(actor);
        deletion::check_stays(before)?;
        if before.status == status {
            return Ok(before.clone());
        }
        if before.status == ConfigurationStatus::Rehearsing {
            return Err(AdminError::Rehearses(before.name.clone()));
        }
        let after = ProvisioningConfiguration {
            status,
            ..before.clone()
        };
        self.update(actor, status.event(), before, after)
    }

    fn update(
        &self,
        actor: &Act,
        event: &'static str,
        before: &ProvisioningConfiguration,
        mut after: ProvisioningConfiguration,
    ) -> Result<ProvisioningConfiguration, AdminError> {
        after.last_modified = actor.at;
        let (actor, before) = (actor.clone(), before.clone());
        self.store.write(move |rows| {
            let (after, audit) = update_configuration(rows, &actor, event, &before, &after)?;
            Ok(Written::changed(after, audit))
        })
    }

    /// Entries of the provisioning log, in order of time.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn events(&self, query: &EventQuery) -> Result<Vec<LoggedEvent>, AdminError> {
        self.store.read(|rows| Ok(rows.events(query)?))
    }
}

/// Inserts a configuration with the rules that it begins with.
fn insert_configuration(
    rows: &mut dyn AdminTransaction,
    configuration: &ProvisioningConfiguration,
    maker: &str,
) -> Result<(), AdminError> {
    if let Some(known) = rows.configuration_by_name(&configuration.name)? {
        deletion::check_stays(&known)?;
    }
    let inserted = rows.insert_configuration(configuration);
    inserted.map_err(|error| taken(error, &configuration.name))?;
    for rules in [MappingSet::default_user(), MappingSet::default_group()] {
        let (note, at) = (
            "The rules that a configuration begins with",
            configuration.created,
        );
        let first = MappingVersion::new(configuration.id, 1, rules, note, maker, at);
        rows.insert_mapping_version(&first)?;
    }
    Ok(())
}

/// Writes a configuration that is still as it was seen, and answers it as it is then.
fn update_configuration(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    event: &'static str,
    before: &ProvisioningConfiguration,
    after: &ProvisioningConfiguration,
) -> Result<(ProvisioningConfiguration, AuditEntry), AdminError> {
    let updated = rows.update_configuration(after);
    updated.map_err(|error| taken(error, &after.name))?;
    let details = json!({ "old": described(before), "new": described(after) });
    let audit = entry_of(actor, event, after, details);
    let after = ProvisioningConfiguration {
        version: after.version + 1,
        ..after.clone()
    };
    Ok((after, audit))
}

/// Pauses a configuration that is enabled, as it was read.
fn pause_configuration(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    before: &ProvisioningConfiguration,
) -> Result<AuditEntry, AdminError> {
    let status = ConfigurationStatus::Paused;
    let after = ProvisioningConfiguration {
        status,
        last_modified: actor.at,
        ..before.clone()
    };
    let (_paused, audit) = update_configuration(rows, actor, status.event(), before, &after)?;
    Ok(audit)
}

fn described(configuration: &ProvisioningConfiguration) -> Value {
    json!({
        "name": configuration.name,
        "description": configuration.description,
        "status": configuration.status.as_str(),
        "users": configuration.users,
        "groups": configuration.groups,
        "identityProvider": configuration.identity_provider.as_str(),
        "profile": profile_name(configuration.profile),
        "policies": configuration.policies,
        "networks": configuration.networks,
    })
}

fn taken(error: StoreError, name: &str) -> AdminError {
    match error {
        StoreError::Conflict { .. } => AdminError::NameTaken(name.to_owned()),
        other => other.into(),
    }
}
