//! Authentication tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, SubsecRound, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use scim_provisioning::ConfigurationId;
use serde_json::json;

use super::{Act, Actor, AdminService, IssuedToken, entry, entry_of};
use crate::authenticate::{AUDIENCE, Claims, PREFIX, TOKEN_TYPE, secret_hash};
use crate::error::AdminError;
use crate::event::{AuditEntry, SERVER};
use crate::invalid::{InputField, Problem, TokenProblem};
use crate::store::{AdminStoreExt, AuditTrail, Written};
use crate::token::{AccessToken, PlainToken};
use crate::{ending, rotation};

impl AdminService {
    /// Issues a further token, which lives so many days, or a year. The one that is there goes on
    /// until the new one is used, and for `overlap` hours after that, or a day; with 0 hours it ends
    /// with the first use.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::TooManyTokens`]; [`AdminError::Invalid`] for an
    /// overlap of more than 30 days, or a life of more than two years; [`AdminError::Stale`] when the
    /// key that makes it was revoked meanwhile.
    pub fn add_token(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
        overlap: Option<i64>,
        days: Option<i64>,
    ) -> Result<IssuedToken, AdminError> {
        let actor = &self.act(actor);
        let configuration = self.staying(configuration)?;
        let now = actor.at;
        let overlap = overlap_of(overlap.unwrap_or(OVERLAP_HOURS))?;
        let issued = self.issue(actor, configuration.id, now, days)?;
        let audit = entry_of(
            actor,
            "token.created",
            &configuration,
            json!({
                "token": issued.token.id,
                "overlapHours": overlap.num_hours(),
            }),
        );
        let token = issued.token.clone();
        self.store.write(move |rows| {
            rows.lock_configuration(token.configuration)?;
            ending::check_maker(rows, token.made_by.as_deref())?;
            rotation::add_token(rows, &token, overlap, now)?;
            Ok(Written::changed((), audit.clone()))
        })?;
        Ok(issued)
    }

    /// The tokens of a configuration, newest first.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub fn tokens(&self, configuration: ConfigurationId) -> Result<Vec<AccessToken>, AdminError> {
        let configuration = self.configuration(configuration)?;
        self.store.read(|rows| Ok(rows.tokens(configuration.id)?))
    }

    /// Shows a live token again: the newest, or the one of an id.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when the key ring lost the key.
    pub fn reveal_token(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
        token_id: Option<&str>,
    ) -> Result<IssuedToken, AdminError> {
        let actor = &self.act(actor);
        let configuration = self.configuration(configuration)?;
        let now = actor.at;
        let tokens = self.store.read(|rows| Ok(rows.tokens(configuration.id)?))?;
        let token = tokens
            .into_iter()
            .filter(|token| token.is_live(now))
            .find(|token| token_id.is_none_or(|id| token.id == id))
            .ok_or_else(|| {
                AdminError::not_found("live token", token_id.unwrap_or(&configuration.name))
            })?;
        let value = self
            .keys
            .unseal(&token.key_id, &purpose(&token.id), &token.sealed)
            .map_err(|error| Problem::KeyRing(error).refused())?;
        let audit = entry_of(
            actor,
            "token.revealed",
            &configuration,
            json!({ "token": token.id }),
        );
        self.note(audit)?;
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
        configuration: ConfigurationId,
        token_id: Option<&str>,
    ) -> Result<Vec<AccessToken>, AdminError> {
        let actor = &self.act(actor);
        let configuration = self.staying(configuration)?;
        let now = actor.at;
        let (actor, wanted) = (actor.clone(), token_id.map(str::to_owned));
        let missing = token_id.unwrap_or(&configuration.name).to_owned();
        self.store.write(move |rows| {
            rows.lock_configuration(configuration.id)?;
            let mut revoked = Vec::new();
            for token in rows.tokens(configuration.id)? {
                let named = wanted.as_ref().is_none_or(|id| token.id == *id);
                if named && rotation::revoke_token(rows, &token, now)? {
                    revoked.push(token);
                }
            }
            let entries = revoked.iter().map(|token| {
                let details = json!({ "token": token.id });
                entry_of(&actor, "token.revoked", &configuration, details)
            });
            match AuditTrail::of(entries) {
                Some(trail) => Ok(Written::Changed(revoked, trail)),
                None => Err(AdminError::not_found("live token", &missing)),
            }
        })
    }

    /// Revokes the live tokens that were issued before a time: those of one configuration, or of all.
    /// Answers each with the name of its configuration.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] for a time that has not come.
    pub fn revoke_tokens_before(
        &self,
        actor: &Actor,
        configuration: Option<ConfigurationId>,
        time: DateTime<Utc>,
    ) -> Result<Vec<(AccessToken, String)>, AdminError> {
        let actor = &self.act(actor);
        let now = actor.at;
        if time.trunc_subsecs(3) > now {
            return Err(Problem::NotPassed.refused());
        }
        let of = match configuration {
            Some(id) => vec![self.staying(id)?],
            None => self.configurations_staying()?,
        };
        let actor = actor.clone();
        self.store.write(move |rows| {
            let (mut revoked, mut entries) = (Vec::new(), Vec::new());
            for configuration in &of {
                rows.lock_configuration(configuration.id)?;
                for token in rows.tokens(configuration.id)? {
                    let meant = token.created < time && token.is_live(now);
                    if meant && rotation::revoke_token(rows, &token, now)? {
                        let details = json!({ "token": token.id, "issuedBefore": time });
                        let entry = entry_of(&actor, "token.revoked", configuration, details);
                        entries.push(entry);
                        revoked.push((token, configuration.name.clone()));
                    }
                }
            }
            Ok(match AuditTrail::of(entries) {
                Some(trail) => Written::Changed(revoked, trail),
                None => Written::Unchanged(revoked),
            })
        })
    }

    /// Lets a live token end at a time: sooner, so that a new one can take its place without a gap,
    /// or later. From somebody it is a decision for the token: one that an API key made ends with
    /// that key no more. An API key lengthens no life beyond its own.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] for a time that has passed, or is more than
    /// two years away; [`AdminError::BeyondKey`].
    pub fn set_token_end(
        &self,
        actor: &Actor,
        configuration: ConfigurationId,
        token_id: &str,
        end: DateTime<Utc>,
    ) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let configuration = self.staying(configuration)?;
        let now = actor.at;
        if end <= now || end > now + Duration::days(LONGEST_DAYS) {
            return Err(Problem::TokenLife.at(InputField::ExpiresAt));
        }
        let (actor, token_id) = (actor.clone(), token_id.to_owned());
        self.store.write(move |rows| {
            rows.lock_configuration(configuration.id)?;
            let mut tokens = rows.tokens(configuration.id)?.into_iter();
            let found = tokens.find(|token| token.id == token_id && token.is_live(now));
            let token = found.ok_or_else(|| AdminError::not_found("live token", &token_id))?;
            let longer = token.ends().is_none_or(|before| end > before);
            if longer && actor.ends_by(end) != end {
                return Err(AdminError::BeyondKey("it ends before that".to_owned()));
            }
            let details = json!({
                "token": token.id,
                "old": token.ends().map(|end| end.to_rfc3339()),
                "new": end.to_rfc3339(),
            });
            let audit = entry_of(&actor, "token.endSet", &configuration, details);
            rotation::set_end(rows, token, end, actor.key.is_none())?;
            Ok(Written::changed((), audit))
        })
    }

    /// Says in the audit which tokens have ended by themselves.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn note_ended_tokens(&self) -> Result<(), AdminError> {
        let actor = self.act(&Actor::new(SERVER, None));
        let ended = self.store.read(|rows| Ok(rows.ended_tokens(actor.at)?))?;
        for (token, configuration) in ended {
            let details = json!({
                "token": token.id,
                "ended": token.ends().map(|end| end.to_rfc3339()),
            });
            let audit = AuditEntry {
                configuration: Some(token.configuration),
                ..entry(&actor, "token.expired", &configuration, details)
            };
            self.store
                .write(move |rows| match rows.note_token_end(&token.id)? {
                    true => Ok(Written::changed((), audit.clone())),
                    false => Ok(Written::Unchanged(())),
                })?;
        }
        Ok(())
    }

    /// A token: a JWT around 256 random bits.
    pub(super) fn issue(
        &self,
        actor: &Act,
        configuration: ConfigurationId,
        now: DateTime<Utc>,
        days: Option<i64>,
    ) -> Result<IssuedToken, AdminError> {
        let days = days.unwrap_or(TOKEN_DAYS);
        if !(1..=LONGEST_DAYS).contains(&days) {
            return Err(Problem::TokenLife.at(InputField::Days));
        }
        let secret = actor
            .secret()
            .map_err(|_none| TokenProblem::NoRandomNumbers)?;
        let claims = Claims {
            iss: self.keys.instance(),
            aud: AUDIENCE.to_owned(),
            sub: configuration.to_string(),
            jti: URL_SAFE_NO_PAD.encode(secret),
            iat: now.timestamp(),
            v: 1,
        };
        let key_id = self.keys.signing_id().ok_or(TokenProblem::NoKey)?;
        let signing = self.keys.token_secret(&key_id).ok_or(TokenProblem::NoKey)?;
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(key_id.clone());
        header.typ = Some(TOKEN_TYPE.to_owned());
        let jwt = jsonwebtoken::encode(
            &header,
            &claims,
            &EncodingKey::from_secret(signing.as_slice()),
        )
        .map_err(TokenProblem::Signing)?;
        let value = format!("{PREFIX}{jwt}");
        let id = actor.id();
        let sealed = self
            .keys
            .seal(&key_id, &purpose(&id), &value)
            .map_err(TokenProblem::Sealing)?;
        let hint: Vec<char> = value.chars().rev().take(4).collect();
        Ok(IssuedToken {
            token: AccessToken {
                id,
                configuration,
                hash: secret_hash(&claims.jti),
                sealed,
                key_id,
                hint: hint.into_iter().rev().collect(),
                created: now,
                created_by: actor.name.clone(),
                made_by: actor.key.as_ref().map(|key| key.id.clone()),
                expires: Some(actor.ends_by(now + Duration::days(days))),
                retirement: None,
                revoked: None,
                first_used: None,
                last_used: None,
                last_used_from: None,
                last_used_by: None,
            },
            value: PlainToken::new(value),
        })
    }
}

/// What a token is sealed for: its own row.
pub(super) fn purpose(id: &str) -> String {
    format!("token {id}")
}

fn overlap_of(hours: i64) -> Result<Duration, AdminError> {
    match hours {
        0..=LONGEST_OVERLAP_HOURS => Ok(Duration::hours(hours)),
        _ => Err(Problem::Overlap.at(InputField::OverlapHours)),
    }
}

/// How long an old token goes on once the new one was used, unless somebody says otherwise.
const OVERLAP_HOURS: i64 = 24;
const LONGEST_OVERLAP_HOURS: i64 = 30 * 24;
/// How long a token lives unless somebody says otherwise.
const TOKEN_DAYS: i64 = 365;
const LONGEST_DAYS: i64 = 730;
