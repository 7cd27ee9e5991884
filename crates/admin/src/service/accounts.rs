//! Console accounts, their sessions, and API keys.

use chrono::Duration;
use scim_protocol::text::fold;
use scim_provisioning::StoreError;
use serde_json::json;
use uuid::Uuid;

use super::sessions::hashing;
use super::{Actor, AdminService, IssuedApiKey, check_name, entry, now, taken};
use crate::account::{Account, PasswordHash, Role};
use crate::api_key::{self, ApiKey, ApiKeyInput, MadeByKey};
use crate::error::AdminError;
use crate::scope::Scopes;
use crate::session::Session;
use crate::token::PlainToken;

impl AdminService {
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
            password: hashing(|| PasswordHash::new(password))??,
            created: now(),
            failures: 0,
            failed: None,
            openid: None,
            person: None,
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
        let password = hashing(|| PasswordHash::new(password))??;
        let key = name.trim().to_lowercase();
        let elsewhere =
            |account: &Account| account.openid.is_some() && account.name.to_lowercase() == key;
        if self.store.accounts()?.iter().any(elsewhere) {
            return Err(AdminError::Invalid(
                "this account signs in by its OpenID provider and has no password".to_owned(),
            ));
        }
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

    /// Sets the role of a console account. Its sessions end.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when no administrator would be left.
    pub fn set_role(&self, actor: &Actor, id: &str, role: Role) -> Result<(), AdminError> {
        let account = self.account(id)?;
        let details = json!({ "old": account.role.as_str(), "new": role.as_str() });
        let audit = entry(actor, "account.role_changed", &account.name, details);
        needed(self.store.set_role(&account.id, role, &audit))
    }

    /// Deletes a console account. Its sessions end.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when no administrator would be left.
    pub fn delete_account(&self, actor: &Actor, id: &str) -> Result<(), AdminError> {
        let account = self.account(id)?;
        let details = json!({ "role": account.role.as_str() });
        let audit = entry(actor, "account.deleted", &account.name, details);
        needed(self.store.delete_account(&account.id, &audit))
    }

    /// Binds a console account to a person in the directory, by id or logon name: when the person is
    /// not active any more, its sessions and API keys end, and nobody signs in to it.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when the person is not active, or no
    /// administrator would be left who is bound to nobody.
    pub fn bind_account(
        &self,
        actor: &Actor,
        name_or_id: &str,
        person: &str,
    ) -> Result<Account, AdminError> {
        let account = self.named_account(name_or_id)?;
        let found = self.store.bindable(person)?;
        let found = found.ok_or_else(|| AdminError::not_found("user", person))?;
        let name = found.user_name.clone().unwrap_or_default();
        let inactive = || AdminError::Invalid(format!("the user \"{name}\" is not active"));
        if !found.active {
            return Err(inactive());
        }
        let before = account.person.as_ref().map(|person| &person.id);
        let details = json!({ "old": before, "new": found.id, "userName": name });
        let audit = entry(actor, "account.bound", &account.name, details);
        match self
            .store
            .bind_account(&account.id, Some(&found.id), &audit)
        {
            Err(StoreError::Stale) => Err(inactive()),
            bound => needed(bound).map(|()| Account {
                person: Some(found),
                ..account
            }),
        }
    }

    /// Takes the person from a console account who is bound to it; it opens again if the person had
    /// left.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when it is bound to nobody.
    pub fn unbind_account(&self, actor: &Actor, name_or_id: &str) -> Result<Account, AdminError> {
        let account = self.named_account(name_or_id)?;
        let Some(person) = &account.person else {
            return Err(AdminError::Invalid(format!(
                "the account \"{}\" is bound to nobody",
                account.name
            )));
        };
        let details = json!({ "user": person.id, "userName": person.user_name });
        let audit = entry(actor, "account.unbound", &account.name, details);
        needed(self.store.bind_account(&account.id, None, &audit))?;
        Ok(Account {
            person: None,
            ..account
        })
    }

    fn named_account(&self, name_or_id: &str) -> Result<Account, AdminError> {
        let name = fold(name_or_id.trim());
        let named = |account: &Account| account.id == name_or_id || fold(&account.name) == name;
        let found = self.store.accounts()?.into_iter().find(named);
        found.ok_or_else(|| AdminError::not_found("account", name_or_id))
    }

    /// The console account of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn account(&self, id: &str) -> Result<Account, AdminError> {
        let mut accounts = self.store.accounts()?.into_iter();
        let found = accounts.find(|account| account.id == id);
        found.ok_or_else(|| AdminError::not_found("account", id))
    }

    /// The live sessions of the console, those used last first, with the names of their accounts.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn sessions(&self) -> Result<Vec<(Session, String)>, AdminError> {
        let now = now();
        let mut sessions = self.store.sessions()?;
        sessions.retain(|(session, _)| session.is_live(now));
        Ok(sessions)
    }

    /// Ends a session of somebody.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn revoke_session(&self, actor: &Actor, hash: &str) -> Result<(), AdminError> {
        let sessions = self.sessions()?;
        let found = sessions.iter().find(|(session, _)| session.hash == hash);
        let (session, name) = found.ok_or_else(|| AdminError::not_found("session", ""))?;
        let audit = entry(actor, "session.revoked", name, json!({}));
        Ok(self.store.end_session(&session.hash, &audit)?)
    }

    /// Adds an API key that ends after so many days, or with the key that makes it.
    ///
    /// # Errors
    /// [`AdminError::Invalid`], [`AdminError::NameTaken`]; [`AdminError::BeyondKey`] where a key
    /// makes one that may do more than itself.
    pub fn add_api_key(
        &self,
        actor: &Actor,
        input: &ApiKeyInput<'_>,
    ) -> Result<IssuedApiKey, AdminError> {
        let (role, days, maker) = (input.role, input.days, actor.key.as_ref());
        check_name(input.name)?;
        if !(1..=API_KEY_DAYS).contains(&days) {
            return Err(AdminError::Invalid(format!(
                "an API key lives 1 to {API_KEY_DAYS} days"
            )));
        }
        let scopes = input.scopes.unwrap_or(Scopes::of(role));
        if !Scopes::of(role).cover(scopes) {
            return Err(AdminError::Invalid(format!(
                "a key of the role {} has no scope but {}",
                role.as_str(),
                Scopes::of(role)
            )));
        }
        if let Some(maker) = maker.filter(|maker| !maker.scopes.cover(scopes)) {
            return Err(AdminError::BeyondKey(maker.scopes.to_string()));
        }
        let value = api_key::generate()?;
        let now = now();
        let key = ApiKey {
            id: Uuid::now_v7().to_string(),
            name: input.name.trim().to_owned(),
            role,
            scopes,
            hash: api_key::hash(&value),
            created: now,
            expires: actor.ends_by(now + Duration::days(days)),
            revoked: None,
            made_by: maker.map(|maker| maker.id.clone()),
            account: actor.account.clone(),
        };
        let audit = entry(
            actor,
            "api_key.created",
            &key.name,
            json!({
                "role": role.as_str(),
                "scopes": scopes.names(),
                "expires": key.expires.to_rfc3339(),
            }),
        );
        self.store
            .add_api_key(&key, &audit)
            .map_err(|error| taken(error, input.name))?;
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

    /// The live API key that somebody presents.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn authenticate_key(&self, presented: &str) -> Result<Option<ApiKey>, AdminError> {
        if !api_key::is_well_formed(presented) {
            return Ok(None);
        }
        let found = self.store.find_api_key(&api_key::hash(presented))?;
        Ok(found.filter(|key| key.is_live(now())))
    }

    /// The API key of a name or id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn api_key(&self, name_or_id: &str) -> Result<ApiKey, AdminError> {
        let name = fold(name_or_id.trim());
        let keys = self.store.api_keys()?;
        let named = |key: &ApiKey| key.id == name_or_id || fold(&key.name) == name;
        let found = keys.into_iter().find(named);
        found.ok_or_else(|| AdminError::not_found("API key", name_or_id))
    }

    /// What would end with an API key of a name or id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn made_by_key(&self, name_or_id: &str) -> Result<MadeByKey, AdminError> {
        let key = self.api_key(name_or_id)?;
        Ok(self.store.made_by_key(&key.id, now())?)
    }

    /// Revokes an API key by name or id, and answers what ended with it.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none that is not revoked.
    pub fn revoke_api_key(&self, actor: &Actor, name_or_id: &str) -> Result<MadeByKey, AdminError> {
        let key = self.api_key(name_or_id)?;
        let audit = entry(
            actor,
            "api_key.revoked",
            &key.name,
            json!({ "key": key.id }),
        );
        match self.store.revoke_api_key(&key.id, now(), &audit) {
            Err(StoreError::Stale) => Err(AdminError::not_found("live API key", name_or_id)),
            other => Ok(other?),
        }
    }
}

fn needed(done: Result<(), StoreError>) -> Result<(), AdminError> {
    match done {
        Err(StoreError::Conflict { .. }) => Err(AdminError::Invalid(
            "this is the last administrator who is bound to nobody; make another one first"
                .to_owned(),
        )),
        other => Ok(other?),
    }
}

const API_KEY_DAYS: i64 = 365;
