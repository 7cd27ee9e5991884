//! What administrators do.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, SubsecRound, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::{SecureRandom, SystemRandom};
use scim_mapping::MappingSet;
use scim_provisioning::model::ModelVersion;
use scim_provisioning::{ConfigurationId, StoreError};
use serde_json::{Value, json};
use uuid::Uuid;
use validator::Validate;

use crate::account::{Account, PasswordHash, Role};
use crate::api_key::{self, ApiKey};
use crate::authenticate::{AUDIENCE, Claims, PREFIX, TOKEN_TYPE, secret_hash};
use crate::configuration::{ConfigurationInput, ProvisioningConfiguration, profile_name};
use crate::error::AdminError;
use crate::event::{AuditEntry, EventQuery, LoggedEvent};
use crate::keyring::KeyRing;
use crate::mapping::MappingVersion;
use crate::people::{GroupSummary, Person, PersonInput};
use crate::policy::{Decision, HeldChange, LinkRequest, Which};
use crate::store::Store;
use crate::token::{AccessToken, LIVE, PlainToken};

mod mappings;

pub use mappings::VersionChoice;

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

    /// Issues a further token.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::TooManyTokens`].
    pub fn add_token(&self, actor: &Actor, name_or_id: &str) -> Result<IssuedToken, AdminError> {
        let configuration = self.configuration(name_or_id)?;
        let now = now();
        let issued = self.issue(actor, configuration.id, now)?;
        let audit = entry(
            actor,
            "token.created",
            &configuration.name,
            json!({ "token": issued.token.id }),
        );
        match self.store.add_token(&issued.token, LIVE, now, &audit) {
            Err(StoreError::Conflict { .. }) => Err(AdminError::TooManyTokens(LIVE)),
            other => Ok(other.map(|()| issued)?),
        }
    }

    /// The tokens of a configuration, newest first.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn tokens(&self, name_or_id: &str) -> Result<Vec<AccessToken>, AdminError> {
        let configuration = self.configuration(name_or_id)?;
        Ok(self.store.tokens(configuration.id)?)
    }

    /// Shows a live token again: the newest, or the one of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when the key ring lost the key.
    pub fn reveal_token(
        &self,
        actor: &Actor,
        name_or_id: &str,
        token_id: Option<&str>,
    ) -> Result<IssuedToken, AdminError> {
        let configuration = self.configuration(name_or_id)?;
        let now = now();
        let token = self
            .store
            .tokens(configuration.id)?
            .into_iter()
            .filter(|token| token.is_live(now))
            .find(|token| token_id.is_none_or(|id| token.id == id))
            .ok_or_else(|| AdminError::not_found("live token", token_id.unwrap_or(name_or_id)))?;
        let value = self
            .keys
            .unseal(&token.key_id, &token.sealed)
            .map_err(|error| AdminError::Invalid(error.to_string()))?;
        let audit = entry(
            actor,
            "token.revealed",
            &configuration.name,
            json!({ "token": token.id }),
        );
        self.store.audit(&audit)?;
        Ok(IssuedToken {
            token,
            value: PlainToken::new(value),
        })
    }

    /// Revokes a token of a configuration: the one of an id, or every live one.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none.
    pub fn revoke_tokens(
        &self,
        actor: &Actor,
        name_or_id: &str,
        token_id: Option<&str>,
    ) -> Result<Vec<AccessToken>, AdminError> {
        let configuration = self.configuration(name_or_id)?;
        let now = now();
        let mut revoked = Vec::new();
        for token in self.store.tokens(configuration.id)? {
            if token.revoked.is_some() || token_id.is_some_and(|id| token.id != id) {
                continue;
            }
            let audit = entry(
                actor,
                "token.revoked",
                &configuration.name,
                json!({ "token": token.id }),
            );
            if self.store.revoke_token(&token.id, now, &audit)? {
                revoked.push(token);
            }
        }
        if revoked.is_empty() {
            return Err(AdminError::not_found(
                "live token",
                token_id.unwrap_or(name_or_id),
            ));
        }
        Ok(revoked)
    }

    /// A token: a JWT around 256 random bits.
    fn issue(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
        now: DateTime<Utc>,
    ) -> Result<IssuedToken, AdminError> {
        let unusable = |what: &str| AdminError::Invalid(format!("no token can be made: {what}"));
        let mut secret = [0; 32];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|_unspecified| unusable("no random numbers"))?;
        let claims = Claims {
            iss: self.keys.instance().to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: configuration.to_string(),
            jti: URL_SAFE_NO_PAD.encode(secret),
            iat: now.timestamp(),
            v: 1,
        };
        let key_id = self.keys.signing_id().ok_or_else(|| unusable("no key"))?;
        let signing = self
            .keys
            .token_secret(key_id)
            .ok_or_else(|| unusable("no key"))?;
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key_id.to_owned());
        header.typ = Some(TOKEN_TYPE.to_owned());
        let jwt = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(signing))
            .map_err(|error| unusable(&error.to_string()))?;
        let value = format!("{PREFIX}{jwt}");
        let sealed = self
            .keys
            .seal(&value)
            .map_err(|error| unusable(&error.to_string()))?;
        let hint: Vec<char> = value.chars().rev().take(4).collect();
        Ok(IssuedToken {
            token: AccessToken {
                id: Uuid::now_v7().to_string(),
                configuration,
                hash: secret_hash(&claims.jti),
                sealed,
                key_id: key_id.to_owned(),
                hint: hint.into_iter().rev().collect(),
                created: now,
                created_by: actor.name.clone(),
                expires: Some(now + Duration::days(TOKEN_DAYS)),
                revoked: None,
                last_used: None,
                last_used_from: None,
                last_used_by: None,
            },
            value: PlainToken::new(value),
        })
    }

    /// Adds a console account.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::NameTaken`].
    pub fn add_account(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
        password: &str,
    ) -> Result<Account, AdminError> {
        check_name(name)?;
        let account = Account {
            id: Uuid::now_v7().to_string(),
            name: name.trim().to_owned(),
            role,
            password: PasswordHash::new(password)?,
            created: now(),
        };
        let audit = entry(
            actor,
            "account.created",
            &account.name,
            json!({ "role": role.as_str() }),
        );
        self.store
            .add_account(&account, &audit)
            .map_err(|error| taken(error, name))?;
        Ok(account)
    }

    /// Sets the password of a console account.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::NotFound`].
    pub fn set_password(
        &self,
        actor: &Actor,
        name: &str,
        password: &str,
    ) -> Result<(), AdminError> {
        let password = PasswordHash::new(password)?;
        let audit = entry(actor, "account.password_changed", name, json!({}));
        if self.store.set_password(name, &password, &audit)? {
            return Ok(());
        }
        Err(AdminError::not_found("account", name))
    }

    /// The console accounts.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn accounts(&self) -> Result<Vec<Account>, AdminError> {
        Ok(self.store.accounts()?)
    }

    /// Adds an API key that ends after so many days.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::NameTaken`].
    pub fn add_api_key(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
        days: i64,
    ) -> Result<IssuedApiKey, AdminError> {
        check_name(name)?;
        if !(1..=API_KEY_DAYS).contains(&days) {
            return Err(AdminError::Invalid(format!(
                "an API key lives 1 to {API_KEY_DAYS} days"
            )));
        }
        let value = api_key::generate()?;
        let now = now();
        let key = ApiKey {
            id: Uuid::now_v7().to_string(),
            name: name.trim().to_owned(),
            role,
            hash: api_key::hash(&value),
            created: now,
            expires: now + Duration::days(days),
            revoked: None,
        };
        let audit = entry(
            actor,
            "api_key.created",
            &key.name,
            json!({ "role": role.as_str() }),
        );
        self.store
            .add_api_key(&key, &audit)
            .map_err(|error| taken(error, name))?;
        Ok(IssuedApiKey {
            key,
            value: PlainToken::new(value),
        })
    }

    /// The API keys.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn api_keys(&self) -> Result<Vec<ApiKey>, AdminError> {
        Ok(self.store.api_keys()?)
    }

    /// Revokes an API key by name or id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn revoke_api_key(&self, actor: &Actor, name_or_id: &str) -> Result<(), AdminError> {
        let audit = entry(actor, "api_key.revoked", name_or_id, json!({}));
        if self.store.revoke_api_key(name_or_id, now(), &audit)? {
            return Ok(());
        }
        Err(AdminError::not_found("live API key", name_or_id))
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

    /// What the guard holds of a configuration, in order of time.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn held(&self, name_or_id: &str) -> Result<Vec<HeldChange>, AdminError> {
        let configuration = self.configuration(name_or_id)?;
        Ok(self.store.held(configuration.id)?)
    }

    /// Carries out or drops what the guard holds, and answers what it was.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when nothing of it is held.
    pub fn decide_held(
        &self,
        actor: &Actor,
        name_or_id: &str,
        which: Which,
        allow: bool,
    ) -> Result<Vec<HeldChange>, AdminError> {
        let configuration = self.configuration(name_or_id)?;
        let event = match allow {
            true => "held.allowed",
            false => "held.rejected",
        };
        let audit = entry(
            actor,
            event,
            &configuration.name,
            json!({ "users": match &which { Which::All => json!("all"), Which::Users(users) => json!(users) } }),
        );
        let named = match &which {
            Which::Users(users) => users.join(", "),
            Which::All => configuration.name.clone(),
        };
        let decision = Decision {
            configuration: configuration.id,
            which,
            allow,
            actor: actor.name.clone(),
            now: now(),
        };
        let decided = self.store.decide_held(&decision, &audit)?;
        if decided.is_empty() {
            return Err(AdminError::not_found("held change of", &named));
        }
        Ok(decided)
    }

    /// The links of a configuration that wait, the oldest first.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn link_requests(&self, name_or_id: &str) -> Result<Vec<LinkRequest>, AdminError> {
        let configuration = self.configuration(name_or_id)?;
        Ok(self.store.link_requests(configuration.id)?)
    }

    /// Notes that a link was approved, and that it waits no longer.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn link_approved(
        &self,
        actor: &Actor,
        name_or_id: &str,
        link: &LinkRequest,
    ) -> Result<(), AdminError> {
        let configuration = self.configuration(name_or_id)?;
        let audit = entry(
            actor,
            "link.approved",
            &configuration.name,
            json!({ "person": link.person, "userName": link.user_name() }),
        );
        Ok(self
            .store
            .forget_link(configuration.id, &link.person, &audit)?)
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
        event,
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

const TOKEN_DAYS: i64 = 365;
const API_KEY_DAYS: i64 = 365;
