//! Console accounts, their sessions, and API keys.

use chrono::Duration;
use scim_protocol::text::fold;
use scim_provisioning::ResourceId;
use serde_json::json;

use super::hashing::hashing;
use super::{Actor, AdminService, IssuedApiKey, check_name, entry, taken};
use crate::account::{Account, Administrators, PasswordHash, Role};
use crate::api_key::{self, ApiKey, ApiKeyInput, MadeByKey};
use crate::ending;
use crate::error::AdminError;
use crate::invalid::{InputField, Problem};
use crate::scope::Scopes;
use crate::session::Session;
use crate::store::{AdminStoreExt, AuditTrail, Written};
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
        let actor = &self.act(actor);
        check_name(name)?;
        let account = Account {
            id: actor.id(),
            name: name.trim().to_owned(),
            role,
            password: hashing(|| PasswordHash::new(password, &*self.environment))??,
            created: actor.at,
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
        self.store.write(move |rows| {
            let inserted = rows.insert_account(&account);
            inserted.map_err(|error| taken(error, &account.name))?;
            Ok(Written::changed(account.clone(), audit.clone()))
        })
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
        let actor = &self.act(actor);
        let password = hashing(|| PasswordHash::new(password, &*self.environment))??;
        let audit = entry(actor, "account.password_changed", name, json!({}));
        let name = name.to_owned();
        self.store.write(move |rows| {
            let account = named_account(&rows.accounts()?, &name)?;
            if account.openid.is_some() {
                return Err(Problem::NoPassword.at(InputField::Password));
            }
            rows.set_account_password(&account.id, &password)?;
            // Whoever knew the old password is out.
            rows.delete_sessions_of(&account.id)?;
            Ok(Written::changed((), audit.clone()))
        })
    }

    /// The console accounts.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn accounts(&self) -> Result<Vec<Account>, AdminError> {
        self.store.read(|rows| Ok(rows.accounts()?))
    }

    /// Sets the role of a console account. Its sessions end.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when no administrator would be left.
    pub fn set_role(&self, actor: &Actor, id: &str, role: Role) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let (actor, id) = (actor.clone(), id.to_owned());
        self.store.write(move |rows| {
            rows.lock_audit()?;
            let before = rows.accounts()?;
            let account = account_of_id(&before, &id)?;
            let details = json!({ "old": account.role.as_str(), "new": role.as_str() });
            let audit = entry(&actor, "account.role_changed", &account.name, details);
            rows.set_account_role(&id, role)?;
            rows.delete_sessions_of(&id)?;
            Administrators::among(&before).check_left(&rows.accounts()?)?;
            Ok(Written::changed((), audit))
        })
    }

    /// Deletes a console account. Its sessions end.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when no administrator would be left.
    pub fn delete_account(&self, actor: &Actor, id: &str) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let (actor, id) = (actor.clone(), id.to_owned());
        self.store.write(move |rows| {
            rows.lock_audit()?;
            let before = rows.accounts()?;
            let account = account_of_id(&before, &id)?;
            let details = json!({ "role": account.role.as_str() });
            let audit = entry(&actor, "account.deleted", &account.name, details);
            rows.delete_sessions_of(&id)?;
            rows.delete_account(&id)?;
            Administrators::among(&before).check_left(&rows.accounts()?)?;
            Ok(Written::changed((), audit))
        })
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
        let actor = &self.act(actor);
        let (actor, account) = (actor.clone(), name_or_id.to_owned());
        let person = person.to_owned();
        self.store.write(move |rows| {
            let before = rows.accounts()?;
            let account = named_account(&before, &account)?;
            // What looks like an id is none but an id.
            let found = match ResourceId::parse(&person) {
                Some(id) => rows.bindable(id)?,
                None => rows.bindable_by_name(&person)?,
            };
            let found = found.ok_or_else(|| AdminError::not_found("user", &person))?;
            let name = found.user_name.clone().unwrap_or_default();
            rows.set_account_person(&account.id, Some(&found.id))?;
            // The person comes before the chain, as where the person leaves.
            let bound = rows.lock_account(&account.id)?.ok_or(AdminError::Stale)?;
            if !bound.is_open() {
                return Err(Problem::NotActive { name }.refused());
            }
            rows.lock_audit()?;
            Administrators::among(&before).check_left(&rows.accounts()?)?;
            let old = account.person.as_ref().map(|person| &person.id);
            let details = json!({ "old": old, "new": found.id, "userName": name });
            let audit = entry(&actor, "account.bound", &account.name, details);
            Ok(Written::changed(bound, audit))
        })
    }

    /// Takes the person from a console account who is bound to it; it opens again if the person had
    /// left.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when it is bound to nobody.
    pub fn unbind_account(&self, actor: &Actor, name_or_id: &str) -> Result<Account, AdminError> {
        let actor = &self.act(actor);
        let (actor, name_or_id) = (actor.clone(), name_or_id.to_owned());
        self.store.write(move |rows| {
            let account = named_account(&rows.accounts()?, &name_or_id)?;
            let Some(person) = &account.person else {
                return Err(Problem::NotBound { name: account.name }.refused());
            };
            let details = json!({ "user": person.id, "userName": person.user_name });
            let audit = entry(&actor, "account.unbound", &account.name, details);
            rows.set_account_person(&account.id, None)?;
            let unbound = Account {
                person: None,
                ..account
            };
            Ok(Written::changed(unbound, audit))
        })
    }

    /// The console account of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn account(&self, id: &str) -> Result<Account, AdminError> {
        let found = self.store.read(|rows| Ok(rows.account(id)?))?;
        found.ok_or_else(|| AdminError::not_found("account", id))
    }

    /// The live sessions of the console, those used last first, with the names of their accounts.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn sessions(&self) -> Result<Vec<(Session, String)>, AdminError> {
        let now = self.now();
        let mut sessions = self.store.read(|rows| Ok(rows.sessions()?))?;
        sessions.retain(|(session, _)| session.is_live(now));
        Ok(sessions)
    }

    /// Ends a session of somebody.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn revoke_session(&self, actor: &Actor, hash: &str) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let (actor, hash) = (actor.clone(), hash.to_owned());
        self.store.write(move |rows| {
            let now = actor.at;
            let mut sessions = rows.sessions()?.into_iter();
            let found = sessions.find(|(one, _)| one.hash == hash && one.is_live(now));
            let (session, name) = found.ok_or_else(|| AdminError::not_found("session", ""))?;
            rows.delete_session(&session.hash)?;
            let audit = entry(&actor, "session.revoked", &name, json!({}));
            Ok(Written::changed((), audit))
        })
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
        let actor = &self.act(actor);
        let (role, days, maker) = (input.role, input.days, actor.key.as_ref());
        check_name(input.name)?;
        if !(1..=API_KEY_DAYS).contains(&days) {
            return Err(Problem::KeyLife { most: API_KEY_DAYS }.at(InputField::Days));
        }
        let scopes = input.scopes.unwrap_or(Scopes::of(role));
        if !Scopes::of(role).cover(scopes) {
            return Err(Problem::ScopeBeyondRole {
                role: role.as_str(),
                scopes: Scopes::of(role).names(),
            }
            .at(InputField::Scopes));
        }
        if let Some(maker) = maker.filter(|maker| !maker.scopes.cover(scopes)) {
            return Err(AdminError::BeyondKey(maker.scopes.to_string()));
        }
        let value = api_key::generate(&*self.environment)?;
        let now = actor.at;
        let key = ApiKey {
            id: actor.id(),
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
        let inserted = key.clone();
        self.store.write(move |rows| {
            if let Some(account) = &inserted.account {
                let account = rows.lock_account(account)?;
                // The person whose account it is may have left meanwhile.
                account.filter(Account::is_open).ok_or(AdminError::Stale)?;
            }
            ending::check_maker(rows, inserted.made_by.as_deref())?;
            let result = rows.insert_api_key(&inserted);
            result.map_err(|error| taken(error, &inserted.name))?;
            Ok(Written::changed((), audit.clone()))
        })?;
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
        self.store.read(|rows| Ok(rows.api_keys()?))
    }

    /// The live API key that somebody presents.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn authenticate_key(&self, presented: &str) -> Result<Option<ApiKey>, AdminError> {
        if !api_key::is_well_formed(presented) {
            return Ok(None);
        }
        let hash = api_key::hash(presented);
        let found = self
            .store
            .look_up(|rows| Ok(rows.api_key_of_hash(&hash)?))?;
        Ok(found.filter(|key| key.is_live(self.now())))
    }

    /// The API key of a name or id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn api_key(&self, name_or_id: &str) -> Result<ApiKey, AdminError> {
        named_key(self.api_keys()?, name_or_id)
    }

    /// What would end with an API key of a name or id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn made_by_key(&self, name_or_id: &str) -> Result<MadeByKey, AdminError> {
        self.store.read(|rows| {
            let key = named_key(rows.api_keys()?, name_or_id)?;
            Ok(ending::made_by_key(rows, &key.id, self.now())?)
        })
    }

    /// Revokes an API key by name or id, and answers what ended with it.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none that is not revoked.
    pub fn revoke_api_key(&self, actor: &Actor, name_or_id: &str) -> Result<MadeByKey, AdminError> {
        let actor = &self.act(actor);
        let (actor, name_or_id) = (actor.clone(), name_or_id.to_owned());
        self.store.write(move |rows| {
            let key = named_key(rows.api_keys()?, &name_or_id)?;
            let details = json!({ "key": key.id });
            let audit = entry(&actor, "api_key.revoked", &key.name, details);
            let made = ending::revoke_key(rows, &key.id, audit.at)?;
            let made = made.ok_or_else(|| AdminError::not_found("live API key", &name_or_id))?;
            let others = made.entries(&audit);
            Ok(Written::changed(made, AuditTrail::new(audit, others)))
        })
    }
}

/// The API key of a name without regard to case, or of an id.
fn named_key(keys: Vec<ApiKey>, name_or_id: &str) -> Result<ApiKey, AdminError> {
    let name = fold(name_or_id.trim());
    let named = |key: &ApiKey| key.id == name_or_id || fold(&key.name) == name;
    let found = keys.into_iter().find(named);
    found.ok_or_else(|| AdminError::not_found("API key", name_or_id))
}

/// The account of a name without regard to case, or of an id.
fn named_account(accounts: &[Account], name_or_id: &str) -> Result<Account, AdminError> {
    let name = fold(name_or_id.trim());
    let named = |account: &&Account| account.id == name_or_id || fold(&account.name) == name;
    let found = accounts.iter().find(named).cloned();
    found.ok_or_else(|| AdminError::not_found("account", name_or_id))
}

fn account_of_id(accounts: &[Account], id: &str) -> Result<Account, AdminError> {
    let found = accounts.iter().find(|account| account.id == id).cloned();
    found.ok_or_else(|| AdminError::not_found("account", id))
}

const API_KEY_DAYS: i64 = 365;
