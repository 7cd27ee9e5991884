//! Signing in to the console.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use scim_protocol::text::fold;
use scim_provisioning::{Environment, SystemEnvironment};
use serde_json::json;

use super::devices::{Admitted, Attempt, Device};
use super::hashing::hashing;
use super::{Act, Actor, AdminService, check_name, entry, taken};
use crate::account::{Account, OpenIdSubject, PasswordHash, Role};
use crate::api_key;
use crate::error::AdminError;
use crate::invalid::Problem;
use crate::session::{Session, SignedIn};
use crate::store::{AdminStoreExt, Written};
use crate::token::PlainToken;

impl AdminService {
    /// Whether nobody can sign in yet.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn wants_setup(&self) -> Result<bool, AdminError> {
        Ok(self.accounts()?.is_empty())
    }

    /// Adds the first account, which is an administrator's.
    ///
    /// # Errors
    /// [`AdminError::Invalid`]; [`AdminError::NameTaken`] when there is an account.
    pub fn set_up(
        &self,
        source: Option<&str>,
        name: &str,
        password: &str,
    ) -> Result<Account, AdminError> {
        check_name(name)?;
        let account = Account {
            id: self.new_id(),
            name: name.trim().to_owned(),
            role: Role::Administrator,
            password: hashing(|| PasswordHash::new(password, &*self.environment))??,
            created: self.now(),
            failures: 0,
            failed: None,
            openid: None,
            person: None,
        };
        let actor = self.act(&Actor::new(&*account.name, source));
        let details = json!({ "role": account.role.as_str(), "setup": true });
        let audit = entry(&actor, "account.created", &account.name, details);
        self.store.write(move |rows| {
            // Of two first accounts one sees the other.
            rows.lock_audit()?;
            if !rows.accounts()?.is_empty() {
                return Err(AdminError::NameTaken(account.name.clone()));
            }
            rows.insert_account(&account)?;
            Ok(Written::changed(account.clone(), audit.clone()))
        })
    }

    /// Signs somebody in and answers what the browser keeps.
    ///
    /// # Errors
    /// [`AdminError::SignIn`], [`AdminError::SignInLater`], [`AdminError::SignInClosed`];
    /// [`AdminError::Store`] while as many others sign in as may at once.
    pub fn sign_in(&self, attempt: &Attempt<'_>) -> Result<Admitted, AdminError> {
        let (account, device) = self.verified(attempt, "session.refused")?;
        let (now, source) = (self.now(), attempt.source);
        let known = device.as_ref();
        Ok(Admitted {
            session: self.begin(&account, source, (now, now), None, known, "session.began")?,
            device: self.device_cookie(&account, known),
        })
    }

    /// Takes the password again, for what a session alone does not show; the session goes on under
    /// another secret.
    ///
    /// # Errors
    /// As [`sign_in`](Self::sign_in).
    pub fn confirm(
        &self,
        signed_in: &SignedIn,
        attempt: &Attempt<'_>,
    ) -> Result<Admitted, AdminError> {
        let attempt = Attempt {
            name: &signed_in.name,
            ..*attempt
        };
        let (account, device) = self.verified(&attempt, "session.not_confirmed")?;
        let (source, known) = (attempt.source, device.as_ref());
        let times = (signed_in.session.created, self.now());
        let before = Some(&*signed_in.session.hash);
        Ok(Admitted {
            session: self.begin(&account, source, times, before, known, "session.confirmed")?,
            device: self.device_cookie(&account, known),
        })
    }

    /// Signs somebody in whom an OpenID provider vouches for, with the role that it gives. The
    /// account is made at the first sign-in. A session that is confirmed goes on under another
    /// secret.
    ///
    /// # Errors
    /// [`AdminError::SignIn`] when it is not the account of the session to be confirmed, or is bound
    /// to a person who is not active;
    /// [`AdminError::Invalid`] when the role was taken from the last administrator.
    pub fn sign_in_by_openid(
        &self,
        source: Option<&str>,
        who: &OpenIdSubject,
        name: &str,
        role: Role,
        confirms: Option<&SignedIn>,
    ) -> Result<PlainToken, AdminError> {
        let known = |account: &Account| account.openid.as_ref() == Some(who);
        let account = self.accounts()?.into_iter().find(known);
        if let Some(account) = account.as_ref().filter(|account| !account.is_open()) {
            let details = json!({ "userActive": false });
            let audit = entry(
                &self.nobody(source),
                "session.refused",
                &account.name,
                details,
            );
            self.note(audit)?;
            return Err(AdminError::SignIn);
        }
        let Some(signed_in) = confirms else {
            let account = match account {
                Some(account) => self.with_role(source, account, role)?,
                None => self.add_openid_account(source, who, name, role)?,
            };
            // The provider may have let somebody in without asking for anything.
            let times = (self.now(), DateTime::UNIX_EPOCH);
            return self.begin(&account, source, times, None, None, "session.began");
        };
        let own = |account: &Account| account.id == signed_in.session.account;
        let account = account.filter(own).ok_or(AdminError::SignIn)?;
        let account = self.with_role(source, account, role)?;
        let times = (signed_in.session.created, self.now());
        let before = Some(&*signed_in.session.hash);
        self.begin(&account, source, times, before, None, "session.confirmed")
    }

    /// Ends the sessions of somebody to whom the OpenID provider gives no role any more.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn role_taken(&self, source: Option<&str>, who: &OpenIdSubject) -> Result<(), AdminError> {
        let known = |account: &Account| account.openid.as_ref() == Some(who);
        let Some(account) = self.accounts()?.into_iter().find(known) else {
            return Ok(());
        };
        let actor = self.act(&Actor::new(&*account.name, source));
        let audit = entry(&actor, "session.role_taken", &account.name, json!({}));
        self.store.write(move |rows| {
            rows.delete_sessions_of(&account.id)?;
            Ok(Written::changed((), audit.clone()))
        })
    }

    fn with_role(
        &self,
        source: Option<&str>,
        account: Account,
        role: Role,
    ) -> Result<Account, AdminError> {
        if account.role == role {
            return Ok(account);
        }
        let actor = self.act(&Actor::new(&*account.name, source));
        self.set_role(&actor, &account.id, role)?;
        Ok(Account { role, ..account })
    }

    fn add_openid_account(
        &self,
        source: Option<&str>,
        who: &OpenIdSubject,
        name: &str,
        role: Role,
    ) -> Result<Account, AdminError> {
        let printable = |character: &char| !character.is_control();
        let name: String = name.trim().chars().filter(printable).take(60).collect();
        let subject: String = who.subject.chars().filter(printable).take(30).collect();
        // Nobody gets the account of another one by having the same name.
        for name in [name.clone(), format!("{name} ({subject})")] {
            let account = Account {
                id: self.new_id(),
                name,
                role,
                password: PasswordHash::none(),
                created: self.now(),
                failures: 0,
                failed: None,
                openid: Some(who.clone()),
                person: None,
            };
            let actor = self.act(&Actor::new(&*account.name, source));
            let details = json!({ "role": role.as_str(), "issuer": who.issuer });
            let audit = entry(&actor, "account.created", &account.name, details);
            let added = self.store.write(move |rows| {
                let inserted = rows.insert_account(&account);
                inserted.map_err(|error| taken(error, &account.name))?;
                Ok(Written::changed(account.clone(), audit.clone()))
            });
            match added {
                Err(AdminError::NameTaken(_)) => {}
                other => return other,
            }
        }
        Err(AdminError::NameTaken(name))
    }

    /// Seals a text that goes through somebody's browser.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] when there is no key.
    pub fn seal(&self, purpose: Sealed, text: &str) -> Result<String, AdminError> {
        let key = self.keys.signing_id();
        let key = key.ok_or_else(|| Problem::NoKey.refused())?;
        let sealed = self
            .keys
            .seal(&key, purpose.as_str(), text)
            .map_err(|error| Problem::KeyRing(error).refused())?;
        Ok(format!("{key}.{sealed}"))
    }

    /// The text that was sealed; `None` for what this instance did not seal.
    pub fn unseal(&self, purpose: Sealed, sealed: &str) -> Option<String> {
        let (key, sealed) = sealed.split_once('.')?;
        self.keys.unseal(key, purpose.as_str(), sealed).ok()
    }

    /// Who holds a session. Whether that is a use of the session, which keeps it alive, the caller
    /// says: a page that looks again by itself is none.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn signed_in(&self, presented: &str, used: bool) -> Result<Option<SignedIn>, AdminError> {
        let now = self.now();
        let hash = api_key::hash(presented);
        let found = self.store.read(|rows| {
            let Some(session) = rows.session(&hash)? else {
                return Ok(None);
            };
            let account = rows.account(&session.account)?;
            Ok(account.map(|account| (session, account)))
        })?;
        let stands =
            |(session, account): &(Session, Account)| session.is_live(now) && account.is_open();
        let Some((mut session, account)) = found.filter(stands) else {
            return Ok(None);
        };
        if used && now - session.last_used >= Duration::seconds(TOUCHED_SECONDS) {
            self.store
                .upkeep(move |rows| Ok(rows.touch_session(&hash, now)?))?;
            session.last_used = now;
        }
        Ok(Some(SignedIn::new(session, &account)))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn sign_out(&self, source: Option<&str>, signed_in: &SignedIn) -> Result<(), AdminError> {
        let actor = self.act(&Actor::new(&*signed_in.name, source));
        let audit = entry(&actor, "session.ended", &signed_in.name, json!({}));
        let hash = signed_in.session.hash.clone();
        self.store.write(move |rows| {
            rows.delete_session(&hash)?;
            Ok(Written::changed((), audit.clone()))
        })
    }

    /// What every form of a session carries: that it is of the session, and whose the session is.
    pub fn form_token(&self, signed_in: &SignedIn) -> String {
        let Session { hash, account, .. } = &signed_in.session;
        let of_account = self.keys.form_token(&of_account(account));
        format!("{}.{account}.{of_account}", self.keys.form_token(hash))
    }

    /// Whether a form comes from a page of this session.
    pub fn is_form_token(&self, signed_in: &SignedIn, token: &str) -> bool {
        let of_session = token.split('.').next().unwrap_or_default();
        let hash = &signed_in.session.hash;
        self.keys.is_form_token(hash, of_session)
    }

    /// The account whose page a form comes from, whether or not the session still stands. It is
    /// good for keeping what was entered until the account signs in again, and for nothing else.
    pub fn account_of_form(&self, token: &str) -> Option<String> {
        let (_, rest) = token.split_once('.')?;
        let (account, tag) = rest.split_once('.')?;
        let own = self.keys.is_form_token(&of_account(account), tag);
        own.then(|| account.to_owned())
    }

    /// Deletes sessions that nobody can use any more.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn forget_sessions(&self) -> Result<(), AdminError> {
        let before = self.now() - Duration::days(1);
        self.store
            .upkeep(move |rows| Ok(rows.delete_sessions_before(before)?))
    }

    /// The account of this name and password, with the device if the account knows it. What
    /// strangers did wrong keeps nobody waiting who comes from such a device. A name that nobody has
    /// is answered alike, after as long, and has to wait as long after failures; so is an account
    /// that is bound to a person who is not active, whatever its password.
    fn verified(
        &self,
        attempt: &Attempt<'_>,
        refused: &'static str,
    ) -> Result<(Account, Option<Device>), AdminError> {
        let (name, source) = (fold(attempt.name.trim()), attempt.source);
        let account = self.password_account(&name)?;
        let device = match &account {
            Some(account) => self.device(account, attempt.device)?,
            None => None,
        };
        let (failures, failed) = match (&device, &account) {
            (Some(device), _) => (device.failures, device.failed),
            (None, Some(account)) => (account.failures, account.failed),
            (None, None) => self.strangers.failures(&name),
        };
        if failures >= CLOSED {
            return Err(AdminError::SignInClosed);
        }
        if let Some(wait) = wait(failures, failed, self.now()) {
            return Err(AdminError::SignInLater(wait));
        }
        let stored = account
            .as_ref()
            .map_or(&*NOBODY, |account| &account.password);
        let fits = hashing(|| stored.verify(attempt.password))?;
        // Whoever has to wait does so from now on, however long the hash took.
        let now = self.now();
        if let Some(account) = account {
            if fits && account.is_open() {
                return Ok((account, device));
            }
            let active = account.person.as_ref().map(|person| person.active);
            let details = match active {
                None => json!({ "knownDevice": device.is_some() }),
                Some(active) => json!({ "knownDevice": device.is_some(), "userActive": active }),
            };
            let audit = entry(&self.nobody(source), refused, &account.name, details);
            self.store.write(move |rows| {
                match &device {
                    Some(device) => rows.count_device_failure(&device.id, &account.id, now)?,
                    None => rows.count_account_failure(&account.id, now)?,
                }
                Ok(Written::changed((), audit.clone()))
            })?;
        } else {
            // The name is left out: people enter their password there by mistake.
            let audit = entry(&self.nobody(source), refused, "an unknown name", json!({}));
            self.note(audit)?;
            self.strangers.failed(name, now);
        }
        Err(AdminError::SignIn)
    }

    /// Who fails to sign in.
    fn nobody(&self, source: Option<&str>) -> Act {
        self.act(&Actor::new("nobody", source))
    }

    pub(super) fn begin(
        &self,
        account: &Account,
        source: Option<&str>,
        (created, confirmed): (DateTime<Utc>, DateTime<Utc>),
        instead_of: Option<&str>,
        device: Option<&Device>,
        event: &'static str,
    ) -> Result<PlainToken, AdminError> {
        let actor = self.act(&Actor::new(&*account.name, source));
        let secret = actor
            .secret()
            .map_err(|_none| Problem::NoRandomNumbers.refused())?;
        let value = URL_SAFE_NO_PAD.encode(secret);
        let session = Session {
            hash: api_key::hash(&value),
            account: account.id.clone(),
            created,
            last_used: actor.at,
            confirmed,
        };
        let audit = entry(&actor, event, &account.name, json!({}));
        let device = device.map(|device| device.id.clone());
        let instead_of = instead_of.map(str::to_owned);
        self.store.write(move |rows| {
            // The person whose account it is may have left meanwhile.
            let account = rows.lock_account(&session.account)?;
            let account = account.filter(Account::is_open).ok_or(AdminError::SignIn)?;
            if let Some(before) = &instead_of {
                rows.delete_session(before)?;
            }
            rows.insert_session(&session)?;
            match &device {
                Some(device) => rows.forget_device_failures(device)?,
                None => rows.forget_account_failures(&account.id)?,
            }
            Ok(Written::changed((), audit.clone()))
        })?;
        Ok(PlainToken::new(value))
    }
}

/// What is sealed on its way through somebody's browser. What was sealed for one of them is nothing
/// to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// What is shown once, on the next page.
    Flash,
    /// A sign-in at an OpenID provider.
    SignIn,
    /// A form that comes back after a sign-in.
    Form,
}

impl Sealed {
    fn as_str(self) -> &'static str {
        match self {
            Self::Flash => "browser: flash",
            Self::SignIn => "browser: sign-in",
            Self::Form => "browser: form",
        }
    }
}

/// How often names failed that no account has, so that waiting tells nobody which names there are.
/// A server that is asked for more names than it keeps forgets the oldest.
#[derive(Debug, Default)]
pub(super) struct Strangers(Mutex<HashMap<String, (i64, DateTime<Utc>)>>);

impl Strangers {
    fn failures(&self, name: &str) -> (i64, Option<DateTime<Utc>>) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(name).copied();
        found.map_or((0, None), |(failures, at)| (failures, Some(at)))
    }

    fn failed(&self, name: String, now: DateTime<Utc>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= NAMES && !known.contains_key(&name) {
            let oldest = known.iter().min_by_key(|(_, (_, at))| *at);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                known.remove(&oldest);
            }
        }
        let entry = known.entry(name).or_insert((0, now));
        *entry = (entry.0 + 1, now);
    }
}

/// How many seconds a name has to wait after failures: 1, 2, 4 ... 60 from the fifth on.
fn wait(failures: i64, failed: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<i64> {
    let failed = failed.filter(|_| failures >= 5)?;
    let pause = Duration::seconds(60.min(1 << (failures - 5).min(6)));
    let left = failed + pause - now;
    (left > Duration::zero()).then(|| left.num_seconds() + 1)
}

/// The hash of no account's password.
static NOBODY: LazyLock<PasswordHash> = LazyLock::new(|| {
    let unknown = SystemEnvironment.uuid().to_string();
    PasswordHash::new(&unknown, &SystemEnvironment).unwrap_or(PasswordHash(String::new()))
});

/// How many names that nobody has are kept.
const NAMES: usize = 10_000;
/// What is signed of an account; no hash of a session looks like it.
fn of_account(account: &str) -> String {
    format!("account {account}")
}

const TOUCHED_SECONDS: i64 = 60;
/// After how many failures in a row no stranger signs in, until an operator says so.
const CLOSED: i64 = 100;
