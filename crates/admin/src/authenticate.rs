//! From an `Authorization` header to the configuration that speaks.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Duration, SubsecRound, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use ring::digest::{SHA256, digest};
use scim_provisioning::{
    Cause, Configuration, ConfigurationId, RehearsalStage, Rehearsing, StoreError,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::configuration::{ConfigurationStatus, ProvisioningConfiguration};
use crate::error::AdminError;
use crate::event::{AuditEntry, SERVER};
use crate::hex::hex;
use crate::keyring::KeyRing;
use crate::rotation;
use crate::store::{AdminStore, AdminStoreExt, Written};
use crate::token::AccessToken;

/// Who speaks.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// The configuration of the token.
    pub configuration: Arc<Configuration>,
    /// The id of the token.
    pub token_id: String,
    /// When the token ends, as far as that is known.
    pub ends: Option<DateTime<Utc>>,
}

/// Why a request is not authenticated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// There is no `Authorization` header, or not exactly one.
    #[error("The request needs one Authorization header with a bearer token.")]
    Missing,
    /// The token is not one that is accepted.
    #[error("The token is not valid.")]
    Invalid,
    /// The token is known, and not accepted.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: Refusal,
        /// The configuration of the token.
        configuration: Box<Configuration>,
    },
    /// The store failed.
    #[error("The server is busy or the database cannot be used; try again later.")]
    Store(#[from] StoreError),
}

impl From<AdminError> for AuthenticationError {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Store(fault) => Self::Store(fault),
            // A look-up meets no rule.
            other => Self::Store(StoreError::unknown(other)),
        }
    }
}

/// Why a token that is known is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The token was revoked; the client is told what it is told of any token.
    #[error("The token is not valid.")]
    Revoked,
    /// The token's time is over; the client is told what it is told of any token.
    #[error("The token is not valid.")]
    Expired,
    /// The configuration of the token is disabled.
    #[error("The provisioning configuration is disabled.")]
    Disabled,
    /// The configuration of the token is paused.
    #[error("Provisioning is paused; send the request again later.")]
    Paused,
    /// The token does not come from where it may.
    #[error("The token is not accepted from this address.")]
    Network,
}

impl Refusal {
    /// The cause that the log tells.
    pub fn cause(self) -> Cause {
        match self {
            Self::Revoked => Cause::TokenRevoked,
            Self::Expired => Cause::TokenExpired,
            Self::Disabled => Cause::ConfigurationDisabled,
            Self::Paused => Cause::ConfigurationPaused,
            Self::Network => Cause::NetworkNotAllowed,
        }
    }

    /// A sentence for the administrator.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Revoked => "The token was revoked.",
            Self::Expired => "The token has expired.",
            Self::Disabled => "The configuration is disabled.",
            Self::Paused => "The configuration is paused.",
            Self::Network => "The address is in none of the allowed networks.",
        }
    }
}

impl AuthenticationError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Missing | Self::Invalid => 401,
            Self::Refused { reason, .. } => match reason {
                Refusal::Revoked | Refusal::Expired => 401,
                Refusal::Disabled | Refusal::Network => 403,
                Refusal::Paused => 503,
            },
            Self::Store(StoreError::Unreadable(_)) => 500,
            // Whoever asks again later may find the database in order.
            Self::Store(_) => 503,
        }
    }

    /// After how many seconds the client may try again, where that is known.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Refused {
                reason: Refusal::Paused,
                ..
            } => Some(PAUSE_SECONDS),
            Self::Store(StoreError::Unreadable(_)) => None,
            Self::Store(fault) => Some(fault.retry_after().unwrap_or(1).into()),
            _ => None,
        }
    }

    /// The `WWW-Authenticate` header of a 401 (RFC 6750 section 3).
    pub fn www_authenticate(&self) -> Option<&'static str> {
        match self {
            Self::Missing => Some("Bearer realm=\"scim\""),
            _ if self.status() == 401 => Some("Bearer realm=\"scim\", error=\"invalid_token\""),
            _ => None,
        }
    }
}

/// The claims of a token.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: String,
    pub(crate) jti: String,
    pub(crate) iat: i64,
    pub(crate) v: u8,
}

/// A token that this instance signed.
struct Signed {
    claims: Claims,
    /// Under which its row is found.
    hash: String,
}

/// What was read of a token.
struct ReadToken {
    /// What the store answered in the same view: for as long as it does, the rest is so.
    authority: String,
    row: AccessToken,
    configuration: ProvisioningConfiguration,
    /// The configuration as it speaks.
    speaker: Arc<Configuration>,
}

pub(crate) const PREFIX: &str = "sopscim_";
pub(crate) const AUDIENCE: &str = "scim";
pub(crate) const TOKEN_TYPE: &str = "scim+jwt";

/// Checks tokens. The store is asked at every request whether what was read of a token and its
/// configuration is still so, so that a revocation holds from the next one.
pub struct Authenticator {
    store: Arc<dyn AdminStore>,
    keys: Arc<KeyRing>,
    /// The tokens whose signature was found right, by the digest of the token: a key that a live
    /// token needs stays in the ring. Whether a token may be used is in its row.
    signed: Mutex<HashMap<[u8; 32], Arc<Signed>>>,
    /// What was read of tokens, by the hashes under which they are stored.
    read: Mutex<HashMap<String, Arc<ReadToken>>>,
    touched: Mutex<HashMap<String, DateTime<Utc>>>,
    /// When the use of a token that has ended was last told.
    told: Mutex<HashMap<String, DateTime<Utc>>>,
}

impl Authenticator {
    /// An authenticator over a store.
    pub fn new(store: Arc<dyn AdminStore>, keys: Arc<KeyRing>) -> Self {
        crate::jwt::install();
        Self {
            store,
            keys,
            signed: Mutex::default(),
            read: Mutex::default(),
            touched: Mutex::default(),
            told: Mutex::default(),
        }
    }

    /// Authenticates a request by its `Authorization` headers and by where it comes from.
    ///
    /// # Errors
    /// [`AuthenticationError`]; every token that is not accepted is answered alike.
    pub fn authenticate(
        &self,
        headers: &[&[u8]],
        source: Option<IpAddr>,
        now: DateTime<Utc>,
    ) -> Result<Authenticated, AuthenticationError> {
        let [header] = headers else {
            return Err(AuthenticationError::Missing);
        };
        let token = bearer(header)?;
        let signed = self.signed(token).ok_or(AuthenticationError::Invalid)?;
        let found = self.read(&signed.hash)?;
        let found = found.ok_or(AuthenticationError::Invalid)?;
        let (row, configuration) = (&found.row, &found.configuration);
        if row.configuration.to_string() != signed.claims.sub {
            return Err(AuthenticationError::Invalid);
        }
        if !row.is_live(now) {
            self.note_late_use(row, configuration, source, now);
        }
        let refused = match configuration.status {
            _ if row.revoked.is_some() => Some(Refusal::Revoked),
            _ if !row.is_live(now) => Some(Refusal::Expired),
            _ if !configuration.admits(source) => Some(Refusal::Network),
            ConfigurationStatus::Enabled => None,
            ConfigurationStatus::Paused => Some(Refusal::Paused),
            ConfigurationStatus::Disabled | ConfigurationStatus::Deleting => {
                Some(Refusal::Disabled)
            }
            ConfigurationStatus::Rehearsing => match configuration.rehearsal {
                Some(Rehearsing {
                    stage: RehearsalStage::Open | RehearsalStage::GoingLive,
                    ..
                }) => None,
                _ => Some(Refusal::Paused),
            },
        };
        if let Some(reason) = refused {
            return Err(AuthenticationError::Refused {
                reason,
                configuration: Box::new(configuration.to_provisioning()),
            });
        }
        Ok(Authenticated {
            configuration: Arc::clone(&found.speaker),
            token_id: row.id.clone(),
            ends: row.ends(),
        })
    }

    /// Which configuration a token of this instance was issued for, before anything is read: it may
    /// be revoked meanwhile.
    pub fn claimed(&self, headers: &[&[u8]]) -> Option<ConfigurationId> {
        let [header] = headers else {
            return None;
        };
        let signed = self.signed(bearer(header).ok()?)?;
        ConfigurationId::parse(&signed.claims.sub)
    }

    /// The row of a token with its configuration, as they are now.
    fn read(&self, hash: &str) -> Result<Option<Arc<ReadToken>>, AdminError> {
        let lock = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(hash).map(Arc::clone);
        if let Some(known) = known {
            let authority = self.store.look_up(|rows| Ok(rows.authority()?))?;
            if known.authority == authority {
                return Ok(Some(known));
            }
        }
        let found = self.store.read(|rows| {
            let authority = rows.authority()?;
            Ok((authority, rows.token_of_hash(hash)?))
        });
        let (authority, found) = found?;
        let mut read = lock();
        let Some((row, configuration)) = found else {
            read.remove(hash);
            return Ok(None);
        };
        let found = Arc::new(ReadToken {
            authority,
            row,
            speaker: Arc::new(configuration.to_provisioning()),
            configuration,
        });
        if read.len() >= SIGNED {
            read.clear();
        }
        read.insert(hash.to_owned(), Arc::clone(&found));
        Ok(Some(found))
    }

    /// Notes the use of a token, at most once a minute, and warns when it ends within an hour.
    pub fn note_use(
        &self,
        authenticated: &Authenticated,
        now: DateTime<Utc>,
        from: Option<&str>,
        client: Option<&str>,
    ) {
        let id = &authenticated.token_id;
        if !is_due(&self.touched, id, now, Duration::seconds(TOUCH_SECONDS)) {
            return;
        }
        let configuration = &authenticated.configuration;
        if let Some(ends) = authenticated.ends
            && ends - now < Duration::hours(1)
        {
            tracing::warn!(
                configuration.id = %configuration.id,
                token.id = id,
                ends = ends.to_rfc3339(),
                "a token is still used that ends within an hour"
            );
        }
        let first = AuditEntry {
            at: now.trunc_subsecs(3),
            actor: SERVER.to_owned(),
            source: from.map(str::to_owned),
            event: "token.first_used".into(),
            object: configuration.name.clone(),
            configuration: Some(configuration.id),
            details: json!({ "token": id, "client": client }),
        };
        let used = self.used(authenticated, now, from, client, first);
        if let Err(error) = used {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::warn!(error, "the use of a token could not be noted");
            // The next request tries again: with the first use begins the end of an older token.
            let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
            touched.remove(id);
        }
    }

    /// Writes the use of a token; the first one is audited, and with it begins the end of the token
    /// whose place it takes.
    fn used(
        &self,
        authenticated: &Authenticated,
        now: DateTime<Utc>,
        from: Option<&str>,
        client: Option<&str>,
        first: AuditEntry,
    ) -> Result<(), AdminError> {
        let (id, configuration) = (
            authenticated.token_id.clone(),
            authenticated.configuration.id,
        );
        let token = id.clone();
        let (from, client) = (from.map(str::to_owned), client.map(str::to_owned));
        let known = self.store.upkeep(move |rows| {
            Ok(rows.touch_token(&token, now, from.as_deref(), client.as_deref())?)
        })?;
        if known {
            return Ok(());
        }
        self.store.write(move |rows| {
            rows.lock_configuration(configuration)?;
            match rotation::begin(rows, configuration, &id, now)? {
                true => Ok(Written::changed((), first.clone())),
                false => Ok(Written::Unchanged(())),
            }
        })
    }

    /// Says in the audit that a token was used after its end, at most once an hour.
    fn note_late_use(
        &self,
        token: &AccessToken,
        configuration: &ProvisioningConfiguration,
        source: Option<IpAddr>,
        now: DateTime<Utc>,
    ) {
        if !is_due(&self.told, &token.id, now, Duration::hours(1)) {
            return;
        }
        let audit = AuditEntry {
            at: now.trunc_subsecs(3),
            actor: SERVER.to_owned(),
            source: source.map(|address| address.to_string()),
            event: "token.used_after_end".into(),
            object: configuration.name.clone(),
            configuration: Some(configuration.id),
            details: json!({ "token": token.id, "state": token.state(now).as_str() }),
        };
        let noted = self
            .store
            .write(move |_rows| Ok(Written::changed((), audit.clone())));
        if let Err(error) = noted {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::warn!(
                error,
                "the use of a token that has ended could not be noted"
            );
        }
    }

    /// A token of this instance.
    fn signed(&self, token: &str) -> Option<Arc<Signed>> {
        let of = digest(&SHA256, token.as_bytes()).as_ref().try_into().ok()?;
        let lock = || self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&of) {
            return Some(Arc::clone(known));
        }
        let claims = self.verify(token)?;
        let hash = secret_hash(&claims.jti);
        let found = Arc::new(Signed { claims, hash });
        let mut signed = lock();
        if signed.len() >= SIGNED {
            signed.clear();
        }
        signed.insert(of, Arc::clone(&found));
        Some(found)
    }

    /// Checks the signature of a token.
    fn verify(&self, token: &str) -> Option<Claims> {
        let jwt = token.strip_prefix(PREFIX)?;
        let header = jsonwebtoken::decode_header(jwt).ok()?;
        if header.alg != Algorithm::HS256 || header.typ.as_deref() != Some(TOKEN_TYPE) {
            return None;
        }
        let secret = self.keys.token_secret(header.kid.as_deref()?)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[self.keys.instance()]);
        // The row says when a token ends, so that its life can be changed.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        let key = DecodingKey::from_secret(secret.as_slice());
        let claims = jsonwebtoken::decode::<Claims>(jwt, &key, &validation)
            .ok()?
            .claims;
        (claims.v == 1).then_some(claims)
    }
}

/// Whether something was last done at least so long ago; if so, it is done now.
fn is_due(
    done: &Mutex<HashMap<String, DateTime<Utc>>>,
    id: &str,
    now: DateTime<Utc>,
    every: Duration,
) -> bool {
    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
    if done.get(id).is_some_and(|last| now - *last < every) {
        return false;
    }
    done.insert(id.to_owned(), now);
    true
}

pub(crate) fn secret_hash(secret: &str) -> String {
    hex(digest(&SHA256, secret.as_bytes()).as_ref())
}

/// The token of `Bearer TOKEN`; the scheme is compared without regard to case (RFC 7235 section 2.1).
fn bearer(header: &[u8]) -> Result<&str, AuthenticationError> {
    let header = std::str::from_utf8(header).map_err(|_utf8| AuthenticationError::Invalid)?;
    let (scheme, token) = header
        .trim()
        .split_once(' ')
        .ok_or(AuthenticationError::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AuthenticationError::Missing);
    }
    let token = token.trim_start();
    if !(64..=1024).contains(&token.len()) {
        return Err(AuthenticationError::Invalid);
    }
    Ok(token)
}

/// How many tokens are remembered whose signature was checked.
const SIGNED: usize = 1_024;
const TOUCH_SECONDS: i64 = 60;
/// When a client that met a pause may ask again.
const PAUSE_SECONDS: u64 = 300;
