//! The keys of the instance: a new one, and the end of an old one.

use std::cmp::Reverse;
use std::path::Path;
use std::sync::Arc;

use scim_feed::{PreviousSecret, SealedSecret, Stream, Webhook};
use scim_provisioning::Environment;
use serde_json::json;

use super::tokens::purpose;
use super::webhooks::webhook_purpose;
use super::{Act, Actor, AdminService, entry};
use crate::error::AdminError;
use crate::event::AuditEntry;
use crate::invalid::Problem;
use crate::keyring::{KeyRing, KeyRingError};
use crate::rotation;
use crate::safekeeping::{GivenUp, KeyState, Known, ListedKey, MayRetire, Resealed, RingError};
use crate::store::{AdminStore, AdminStoreExt, AdminTransaction, AuditTrail, Written};

impl AdminService {
    /// The keys of the ring, those that the database knows beside them, and what needs them; the one
    /// that signs first, then the newest.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn keys(&self) -> Result<Vec<ListedKey>, AdminError> {
        self.keys.refresh();
        let (record, needs) = self
            .store
            .read(|rows| Ok((rows.instance()?, rows.key_needs(self.now())?)))?;
        let mut keys: Vec<ListedKey> = Vec::new();
        for key in self.keys.keys() {
            keys.push(ListedKey {
                state: match key.signs {
                    true => KeyState::Signs,
                    false => KeyState::Verifies,
                },
                id: key.id,
                created: key.created,
                retired: None,
                signed: 0,
                signed_until: None,
                sealed: 0,
                webhooks: 0,
            });
        }
        for known in record.keys {
            if keys.iter().any(|key| key.id == known.id) {
                continue;
            }
            keys.push(ListedKey {
                state: match known.retired {
                    Some(_) => KeyState::Retired,
                    None => KeyState::Missing,
                },
                id: known.id,
                created: known.created,
                retired: known.retired,
                signed: 0,
                signed_until: None,
                sealed: 0,
                webhooks: 0,
            });
        }
        for key in &mut keys {
            if let Some(need) = needs.iter().find(|need| need.id == key.id) {
                (key.signed, key.sealed) = (need.signed, need.sealed);
                key.signed_until = need.signed_until;
                key.webhooks = need.webhooks;
            }
        }
        keys.sort_by_key(|key| (key.state != KeyState::Signs, Reverse(key.created)));
        Ok(keys)
    }

    /// Makes a key that signs and seals from now on, and answers its id. The old ones verify and
    /// open what they signed and sealed, so that nothing ends. Every other server needs the file
    /// before it meets a token that was made with the new key.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] when the file cannot be changed.
    pub fn rotate_keys(&self, actor: &Actor) -> Result<String, AdminError> {
        let actor = &self.act(actor);
        let key = self.keys.rotate().map_err(refused)?;
        let (instance, signing) = (self.keys.instance(), (key.clone(), actor.at));
        self.store.upkeep(move |rows| {
            Ok(rows.bind_instance(&instance, std::slice::from_ref(&signing))?)
        })?;
        self.note(entry(actor, "keys.rotated", "keys", json!({ "key": key })))?;
        Ok(key)
    }

    /// Seals what other keys sealed with the key that signs. Whatever is interrupted goes on where
    /// it was when this is called again.
    ///
    /// # Errors
    /// [`AdminError::Store`]; [`AdminError::Invalid`] when nothing can be sealed.
    pub fn reseal(&self, actor: &Actor) -> Result<Resealed, AdminError> {
        let actor = &self.act(actor);
        let key = self.keys.signing_id();
        let key = key.ok_or_else(|| refused(KeyRingError::UnknownKey))?;
        let mut done = Resealed::default();
        let mut after = String::new();
        loop {
            let tokens = self
                .store
                .read(|rows| Ok(rows.tokens_sealed_by_others(&key, actor.at, &after, BATCH)?))?;
            let Some(last) = tokens.last() else { break };
            after.clone_from(&last.id);
            let mut sealed = Vec::new();
            for token in tokens {
                let purpose = purpose(&token.id);
                let opened = self.keys.unseal(&token.key_id, &purpose, &token.sealed);
                match opened.and_then(|value| self.keys.seal(&key, &purpose, &value)) {
                    Ok(seal) => sealed.push((token, seal)),
                    Err(KeyRingError::UnknownKey) => done.unopened.push(token.id),
                    Err(error) => return Err(refused(error)),
                }
            }
            let (actor, with) = (actor.clone(), key.clone());
            done.resealed += self.store.write(move |rows| {
                let mut written = 0;
                for (token, seal) in &sealed {
                    written += usize::from(rows.reseal_token(token, seal, &with)?);
                }
                if written == 0 {
                    return Ok(Written::Unchanged(0));
                }
                let details = json!({ "key": with, "tokens": written });
                Ok(Written::changed(
                    written,
                    entry(&actor, "keys.resealed", "keys", details),
                ))
            })?;
        }
        for stream in self.streams()? {
            self.reseal_webhook(actor, &stream, &key, &mut done)?;
        }
        Ok(done)
    }

    /// Seals the secrets of a webhook that other keys sealed. One that is not signed with any more
    /// goes; one before that no key opens stays as it is until it goes.
    fn reseal_webhook(
        &self,
        actor: &Act,
        stream: &Stream,
        key: &str,
        done: &mut Resealed,
    ) -> Result<(), AdminError> {
        let Some(webhook) = self.webhook(stream)? else {
            return Ok(());
        };
        let now = actor.at;
        if webhook.secrets(now).all(|secret| secret.key == key) {
            return Ok(());
        }
        let Some(secret) = self.seal_again(&stream.id, &webhook.secret, key)? else {
            done.unopened_webhooks.push(stream.name.clone());
            return Ok(());
        };
        let previous = webhook.previous.as_ref();
        let previous = match previous.filter(|previous| previous.until > now) {
            None => None,
            Some(previous) => {
                let sealed = self.seal_again(&stream.id, &previous.secret, key)?;
                Some(PreviousSecret {
                    secret: sealed.unwrap_or_else(|| previous.secret.clone()),
                    until: previous.until,
                })
            }
        };
        let resealed = Webhook {
            secret,
            previous,
            ..webhook.clone()
        };
        let details = json!({ "key": key, "stream": stream.name });
        let audit = entry(actor, "keys.resealed", "keys", details);
        done.resealed += self.store.write(move |rows| {
            // Another secret may have been made meanwhile.
            let known = rows.webhook(&webhook.stream)?;
            let same = |known: Webhook| {
                (known.secret, known.previous) == (webhook.secret.clone(), webhook.previous.clone())
            };
            if !known.is_some_and(same) {
                return Ok(Written::Unchanged(0));
            }
            rows.update_webhook_secrets(&resealed)?;
            Ok(Written::changed(1, audit.clone()))
        })?;
        Ok(())
    }

    /// Seals a secret of a webhook with a key; nothing where no key of the ring opens it.
    fn seal_again(
        &self,
        stream: &str,
        secret: &SealedSecret,
        key: &str,
    ) -> Result<Option<SealedSecret>, AdminError> {
        let purpose = webhook_purpose(stream);
        let opened = self.keys.unseal(&secret.key, &purpose, &secret.sealed);
        match opened.and_then(|value| self.keys.seal(key, &purpose, &value)) {
            Ok(sealed) => Ok(Some(SealedSecret {
                key: key.to_owned(),
                sealed,
            })),
            Err(KeyRingError::UnknownKey) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    /// Takes a key out of the ring that nothing needs any more. What it tagged beside tokens ends
    /// with it: pages of lists that are being read, and browsers that are known by it.
    ///
    /// # Errors
    /// [`AdminError::NotFound`]; [`AdminError::Invalid`] when it signs, live tokens or webhooks need
    /// it, or the file cannot be changed.
    pub fn retire_key(&self, actor: &Actor, id: &str) -> Result<(), AdminError> {
        let actor = &self.act(actor);
        let keys = self.keys()?;
        let there = |key: &&ListedKey| {
            key.id == id && matches!(key.state, KeyState::Signs | KeyState::Verifies)
        };
        let key = keys.iter().find(there);
        let key = key.ok_or_else(|| AdminError::not_found("key", id))?;
        let (signed, sealed) = (key.signed, key.sealed + key.webhooks);
        match key.may_retire() {
            Some(MayRetire::Now) => {}
            Some(MayRetire::AfterReseal | MayRetire::AfterTokens) => {
                return Err(Problem::KeyNeeded { signed, sealed }.refused());
            }
            Some(MayRetire::AfterRotation) | None => return Err(refused(KeyRingError::Signs)),
        }
        self.keys.remove(id).map_err(refused)?;
        let (actor, id) = (actor.clone(), id.to_owned());
        self.store.write(move |rows| {
            rows.note_retired_key(&id, actor.at)?;
            Ok(Written::changed(
                (),
                entry(&actor, "keys.retired", "keys", json!({ "key": id })),
            ))
        })
    }

    /// Reads the key file again if it was changed.
    pub fn refresh_keys(&self) {
        self.keys.refresh();
    }
}

/// Gives up keys that are lost: every live token that one of them signed or sealed is revoked, every
/// webhook whose secret one of them sealed has none until it gets another one, and what is left of the
/// ring, or a new one, signs with a new key. For a ring that
/// [`open_ring`](crate::safekeeping::open_ring) refuses; one that it takes loses nothing.
///
/// # Errors
/// [`RingError`].
pub fn give_up_lost_keys(
    store: &dyn AdminStore,
    path: &Path,
    actor: &Actor,
    environment: Arc<dyn Environment>,
) -> Result<GivenUp, RingError> {
    let actor = &Act::now(actor, &environment);
    let now = actor.at;
    let known = Known::read(store, now)?;
    let (ring, key) = match KeyRing::read(path) {
        Err(KeyRingError::Missing(_)) => {
            let ring = KeyRing::open(path)?;
            let key = ring.signing_id().ok_or(KeyRingError::UnknownKey)?;
            (ring, key)
        }
        read => {
            let ring = read?;
            let key = ring.rotate()?;
            (ring, key)
        }
    };
    let (there, audited, new) = (known.usable(&ring), actor.clone(), key.clone());
    let given_up = store.write(move |rows| {
        let rotated = entry(&audited, "keys.rotated", "keys", json!({ "key": new }));
        let mut entries = Vec::new();
        let revoked = revoke_lost_tokens(rows, &audited, &there, &mut entries)?;
        let webhooks = forget_lost_secrets(rows, &audited, &there, &mut entries)?;
        let given_up = GivenUp {
            key: new.clone(),
            revoked,
            webhooks,
        };
        Ok(Written::Changed(
            given_up,
            AuditTrail::new(rotated, entries),
        ))
    });
    let given_up = given_up.map_err(RingError::Store)?;
    known.bind(store, &ring)?;
    Ok(given_up)
}

/// Revokes the live tokens that a key signed or sealed which is not there; answers their ids.
fn revoke_lost_tokens(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    there: &[String],
    entries: &mut Vec<AuditEntry>,
) -> Result<Vec<String>, AdminError> {
    let (now, mut after) = (actor.at, String::new());
    let mut revoked = Vec::new();
    loop {
        let tokens = rows.tokens_lacking_keys(there, now, &after, BATCH)?;
        if tokens.is_empty() {
            return Ok(revoked);
        }
        for (token, lost) in tokens {
            rotation::revoke_token(rows, &token, now)?;
            let details = json!({ "token": token.id, "lostKey": lost });
            entries.push(AuditEntry {
                configuration: Some(token.configuration),
                ..entry(actor, "token.revoked", "keys", details)
            });
            after.clone_from(&token.id);
            revoked.push(token.id);
        }
    }
}

/// Forgets the secrets of webhooks that a key sealed which is not there; answers the names of the
/// streams that nothing is sent for until they have another one. A secret before that is lost goes
/// alone.
fn forget_lost_secrets(
    rows: &mut dyn AdminTransaction,
    actor: &Act,
    there: &[String],
    entries: &mut Vec<AuditEntry>,
) -> Result<Vec<String>, AdminError> {
    let streams = rows.streams()?;
    let mut without = Vec::new();
    for webhook in rows.webhooks()? {
        let stream = streams.iter().find(|stream| stream.id == webhook.stream);
        let name = stream.map_or(&webhook.stream, |stream| &stream.name);
        let is_lost = |secret: &SealedSecret| !there.contains(&secret.key);
        let previous = webhook.previous.as_ref();
        let lost = if is_lost(&webhook.secret) {
            rows.delete_webhook(&webhook.stream)?;
            without.push(name.clone());
            &webhook.secret
        } else if let Some(previous) = previous.filter(|previous| is_lost(&previous.secret)) {
            rows.update_webhook_secrets(&Webhook {
                previous: None,
                ..webhook.clone()
            })?;
            &previous.secret
        } else {
            continue;
        };
        let previous = lost != &webhook.secret;
        let details = json!({ "lostKey": lost.key, "previous": previous });
        entries.push(entry(actor, "stream.secretLost", name, details));
    }
    Ok(without)
}

fn refused(error: KeyRingError) -> AdminError {
    Problem::KeyRing(error).refused()
}

/// How many tokens are sealed anew in one transaction.
const BATCH: i64 = 100;
