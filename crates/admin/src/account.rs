//! Console accounts.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::{DateTime, Utc};
use scim_provisioning::Environment;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

use crate::api_key::ApiKey;
use crate::error::AdminError;
use crate::event::{AuditEntry, SERVER};
use crate::invalid::{PasswordProblem, Problem};

/// What an account or API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Administrator,
    /// Reading everything but tokens.
    Auditor,
}

impl Role {
    /// The role as it is stored and entered.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
        }
    }

    /// The role of this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Administrator, Self::Auditor]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// A console account.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The id.
    pub id: String,
    /// The name, unique without regard to case.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The hash of the password.
    pub password: PasswordHash,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// How many sign-ins failed since the last one that did not.
    pub failures: i64,
    /// When the last of them failed.
    pub failed: Option<DateTime<Utc>>,
    /// By whom the account signs in, where that is an OpenID provider.
    pub openid: Option<OpenIdSubject>,
    /// The person in the directory whose account it is, where an administrator said so.
    pub person: Option<BoundPerson>,
}

impl Account {
    /// Whether the account can be used: it is bound to nobody, or to a person who is active.
    pub fn is_open(&self) -> bool {
        self.person.as_ref().is_none_or(|person| person.active)
    }
}

/// How many administrators there are whom nobody's leaving ends, and how many of them sign in with a
/// password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Administrators {
    all: usize,
    local: usize,
}

impl Administrators {
    /// Those among accounts.
    pub(crate) fn among(accounts: &[Account]) -> Self {
        let all = || {
            accounts
                .iter()
                .filter(|account| account.role == Role::Administrator && account.person.is_none())
        };
        Self {
            all: all().count(),
            local: all().filter(|account| account.openid.is_none()).count(),
        }
    }

    /// Refuses a change after which these accounts are left, when the last administrator went who
    /// is bound to nobody, or the last one of them who signs in without a provider.
    pub(crate) fn check_left(self, after: &[Account]) -> Result<(), AdminError> {
        let after = Self::among(after);
        let last = |before: usize, after: usize| before > 0 && after == 0;
        match last(self.all, after.all) || last(self.local, after.local) {
            true => Err(Problem::LastAdministrator.refused()),
            false => Ok(()),
        }
    }
}

/// A person in the directory to whom an account is bound, or may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundPerson {
    /// The id.
    pub id: String,
    /// The logon name; `None` for a person who was deleted.
    pub user_name: Option<String>,
    /// Whether the person is there and active.
    pub active: bool,
}

/// An account that has ended with the person to whom it is bound.
#[derive(Debug, Clone, Copy)]
pub struct EndedAccount<'a> {
    /// The name.
    pub name: &'a str,
    /// The id of the person.
    pub person: &'a str,
    /// How many sessions ended.
    pub sessions: i64,
    /// When.
    pub at: DateTime<Utc>,
}

impl EndedAccount<'_> {
    /// The audit entry.
    pub fn entry(&self) -> AuditEntry {
        let details = json!({ "user": self.person, "sessions": self.sessions });
        self.told("account.ended", self.name, details)
    }

    /// The audit entry of a key that ended with the account.
    pub fn entry_of(&self, key: &ApiKey) -> AuditEntry {
        let details = json!({ "key": key.id, "withAccount": self.name });
        self.told("api_key.revoked", &key.name, details)
    }

    fn told(&self, event: &'static str, object: &str, details: Value) -> AuditEntry {
        AuditEntry {
            at: self.at,
            actor: SERVER.to_owned(),
            source: None,
            event: event.into(),
            object: object.to_owned(),
            configuration: None,
            details,
        }
    }
}

/// Somebody at an OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenIdSubject {
    /// The provider: `iss` of its tokens.
    pub issuer: String,
    /// `sub` of its tokens, which never changes.
    pub subject: String,
}

/// The hash of a password: argon2id with its parameters and salt, in the PHC string format.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PasswordHash(..)")
    }
}

impl PasswordHash {
    /// Checks the rules for passwords and hashes one.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a password that is too short, too long or too common.
    pub fn new(password: &str, environment: &dyn Environment) -> Result<Self, AdminError> {
        let password = normal(password);
        check(&password)?;
        let mut salt = [0; 16];
        environment
            .fill(&mut salt)
            .map_err(|_none| PasswordProblem::NoRandomNumbers)?;
        let hash = derive(&password, &salt)?;
        Ok(Self(format!(
            "{PREFIX}{}${}",
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(hash)
        )))
    }

    /// The hash of no password: nothing fits it.
    pub fn none() -> Self {
        Self(String::new())
    }

    /// Whether this is the hash of a password; takes the same time for every wrong one.
    pub fn verify(&self, password: &str) -> bool {
        let Some((salt, hash)) = self
            .0
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split_once('$'))
        else {
            return false;
        };
        match (STANDARD_NO_PAD.decode(salt), STANDARD_NO_PAD.decode(hash)) {
            (Ok(salt), Ok(hash)) => derive(&normal(password), &salt)
                .is_ok_and(|derived| derived.as_slice().ct_eq(&hash).into()),
            _ => false,
        }
    }
}

fn normal(password: &str) -> String {
    password.nfkc().collect()
}

fn check(password: &str) -> Result<(), PasswordProblem> {
    if password.chars().count() < 15 {
        return Err(PasswordProblem::TooShort);
    }
    if password.len() > 256 {
        return Err(PasswordProblem::TooLong);
    }
    let folded = password.to_lowercase();
    let mut distinct: Vec<char> = folded.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() < 5 || COMMON.iter().any(|common| repeats(&folded, common)) {
        return Err(PasswordProblem::Common);
    }
    Ok(())
}

/// Whether a password is a common word with nothing but digits and signs around it.
fn repeats(password: &str, common: &str) -> bool {
    let rest = password.replace(common, "");
    rest.len() < password.len() && !rest.chars().any(char::is_alphabetic)
}

fn derive(password: &str, salt: &[u8]) -> Result<[u8; 32], PasswordProblem> {
    let params = Params::new(47_104, 1, 1, Some(32)).map_err(PasswordProblem::NotHashed)?;
    let mut hash = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .map_err(PasswordProblem::NotHashed)?;
    Ok(hash)
}

const PREFIX: &str = "$argon2id$v=19$m=47104,t=1,p=1$";

/// Words that make a password easy to guess when they are all it is made of.
const COMMON: [&str; 30] = [
    "password",
    "passwort",
    "passw0rd",
    "serviceops",
    "service",
    "scim",
    "administrator",
    "admin",
    "provisioning",
    "qwertyuiop",
    "qwerty",
    "qwertz",
    "letmein",
    "welcome",
    "changeme",
    "secret",
    "dragon",
    "monkey",
    "football",
    "baseball",
    "iloveyou",
    "sunshine",
    "princess",
    "superman",
    "batman",
    "trustno",
    "master",
    "login",
    "abcdefghijklmnopqrstuvwxyz",
    "asdfghjkl",
];

#[cfg(test)]
mod tests {
    use scim_provisioning::SystemEnvironment;

    use super::*;

    #[test]
    fn a_password_is_recognised_in_any_normal_form_and_nothing_else_is() {
        let hash = PasswordHash::new("caf\u{e9} horse battery staple", &SystemEnvironment).unwrap();
        assert!(hash.verify("cafe\u{301} horse battery staple"));
        assert!(!hash.verify("cafe horse battery staple"));
        assert!(!PasswordHash("nonsense".into()).verify(""));
        assert!(!format!("{hash:?}").contains("argon2"));
    }

    #[test]
    fn weak_passwords_are_refused() {
        for weak in [
            "short",
            "fourteen chars",
            "aaaaaaaaaaaaaaaaaaaa",
            "Password-123456789",
            "ServiceOpsServiceOps!",
            &"x1y2z3".repeat(50),
        ] {
            assert!(
                PasswordHash::new(weak, &SystemEnvironment).is_err(),
                "{weak}"
            );
        }
    }
}
