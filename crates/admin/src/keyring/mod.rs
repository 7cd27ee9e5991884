//! The key ring: the secrets of an instance, in a file of their own.

mod file;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use ring::{hkdf, hmac};
use scim_provisioning::{CursorKey, Environment, SystemEnvironment};
use zeroize::{Zeroize, Zeroizing};

use self::file::{KeyEntry, RingFile, Stamp};
use crate::hex::hex;

/// Why a key ring cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// There is no file.
    #[error("there is no key file {}", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read or written.
    #[error("the key file {} cannot be read or written: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Other users of the machine can read the file.
    #[error("the key file {} can be read by others; run: chmod 600 {}", .0.display(), .0.display())]
    Exposed(PathBuf),
    /// The file holds no key ring.
    #[error("the key file {} holds no key ring", .0.display())]
    Malformed(PathBuf),
    /// The machine gives no random numbers.
    #[error("the machine gives no random numbers")]
    Random,
    /// A sealed value was sealed with a key that is not in the ring.
    #[error("the key that sealed the token is not in the key file")]
    UnknownKey,
    /// The key that signs cannot be taken out of the ring.
    #[error("the key signs; run `keys rotate` first, so that another one does")]
    Signs,
}

/// A key of the ring, as far as others may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// The id, by which tokens name it.
    pub id: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// Whether it signs and seals what is new; the others verify and open what they signed and
    /// sealed.
    pub signs: bool,
}

/// The secrets of an instance. One key signs; the others still verify. A change of the file is seen
/// when something is signed, when what was signed is not known, and by [`refresh`](Self::refresh).
pub struct KeyRing {
    path: PathBuf,
    held: RwLock<Held>,
}

/// What was read of the file.
#[derive(Clone)]
struct Held {
    ring: Arc<Ring>,
    stamp: Option<Stamp>,
}

struct Ring {
    instance: String,
    keys: Vec<Key>,
}

struct Key {
    facts: KeyFacts,
    /// The secret that signs tokens.
    token: Zeroizing<[u8; 32]>,
    sealing: LessSafeKey,
    cursor: hmac::Key,
    forms: hmac::Key,
    devices: hmac::Key,
    /// The seed of the key that signs security events, and what of it others may know.
    events: Zeroizing<[u8; 32]>,
    events_public: Vec<u8>,
}

impl KeyRing {
    /// Reads a key ring, or makes one where there is none.
    ///
    /// # Errors
    /// [`KeyRingError`]; a file that others can read is refused.
    pub fn open(path: &Path) -> Result<Self, KeyRingError> {
        match Self::read(path) {
            Err(KeyRingError::Missing(_)) => {
                file::create(path)?;
                Self::read(path)
            }
            other => other,
        }
    }

    /// Reads a key ring.
    ///
    /// # Errors
    /// [`KeyRingError`]; a file that others can read is refused.
    pub fn read(path: &Path) -> Result<Self, KeyRingError> {
        Ok(Self {
            path: path.into(),
            held: RwLock::new(Held::read(path)?),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file again if it was changed. What cannot be read, or is the ring of another
    /// instance, does not take the place of what is known; the log says so.
    pub fn refresh(&self) -> bool {
        let known = self.held();
        let stamp = Stamp::of(&self.path);
        if stamp.is_none() || stamp == known.stamp {
            return false;
        }
        let read = Held::read(&self.path);
        let usable = read
            .as_ref()
            .is_ok_and(|read| read.ring.instance == known.ring.instance);
        let next = match read {
            Ok(read) if usable => read,
            read => {
                let path = self.path.display();
                match read {
                    Err(error) => {
                        tracing::error!(%error, "the key file was changed and cannot be used")
                    }
                    Ok(_) => tracing::error!(%path, "the key file is that of another instance now"),
                }
                // It is not told again until it is changed again.
                Held { stamp, ..known }
            }
        };
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = next;
        usable
    }

    /// Makes a key that signs and seals from now on. The others verify what they signed. Answers
    /// its id.
    ///
    /// # Errors
    /// [`KeyRingError`]; the file is as it was then.
    pub fn rotate(&self) -> Result<String, KeyRingError> {
        let made = file::change(&self.path, |ring| {
            ring.keys.iter_mut().for_each(KeyEntry::stop_signing);
            let entry = KeyEntry::generate()?;
            let key = Key::derive(&entry).ok_or(KeyRingError::Random)?;
            ring.keys.insert(0, entry);
            Ok(key.facts.id)
        })?;
        self.refresh();
        Ok(made)
    }

    /// Takes a key out of the ring for good. Whoever calls this knows that nothing needs it.
    ///
    /// # Errors
    /// [`KeyRingError::UnknownKey`], [`KeyRingError::Signs`]; the file is as it was then.
    pub(crate) fn remove(&self, id: &str) -> Result<(), KeyRingError> {
        file::change(&self.path, |ring| {
            let is_it = |entry: &KeyEntry| Key::derive(entry).is_some_and(|key| key.facts.id == id);
            let found = ring.keys.iter().position(is_it);
            let found = found.ok_or(KeyRingError::UnknownKey)?;
            if ring.keys.get(found).is_some_and(KeyEntry::signs) {
                return Err(KeyRingError::Signs);
            }
            ring.keys.remove(found);
            Ok(())
        })?;
        self.refresh();
        Ok(())
    }

    /// The id of the instance, which its tokens name as their issuer.
    pub fn instance(&self) -> String {
        self.ring().instance.clone()
    }

    /// Its keys, the one that signs first.
    pub fn keys(&self) -> Vec<KeyFacts> {
        let ring = self.ring();
        let mut keys: Vec<KeyFacts> = ring.keys.iter().map(|key| key.facts.clone()).collect();
        keys.sort_by_key(|key| !key.signs);
        keys
    }

    pub(crate) fn signing_id(&self) -> Option<String> {
        self.refresh();
        self.ring().signing().map(|key| key.facts.id.clone())
    }

    /// The secret with which tokens of a key are signed.
    pub(crate) fn token_secret(&self, id: &str) -> Option<Zeroizing<[u8; 32]>> {
        let secret = |ring: &Ring| ring.find(id).map(|key| key.token.clone());
        secret(&self.ring()).or_else(|| self.refresh().then(|| secret(&self.ring())).flatten())
    }

    /// The seed of the Ed25519 key that signs security events, and the id by which it is known.
    pub(crate) fn event_seed(&self) -> Option<(String, Zeroizing<[u8; 32]>)> {
        self.refresh();
        let ring = self.ring();
        let key = ring.signing()?;
        Some((key.facts.id.clone(), key.events.clone()))
    }

    /// The public keys by which security events are verified with their ids, the one that signs
    /// first. Each key of the ring has one: who holds the ring derives it, and no database has it.
    pub(crate) fn event_keys(&self) -> Vec<(String, Vec<u8>)> {
        self.refresh();
        let ring = self.ring();
        let mut keys: Vec<&Key> = ring.keys.iter().collect();
        keys.sort_by_key(|key| !key.facts.signs);
        let public = |key: &Key| (key.facts.id.clone(), key.events_public.clone());
        keys.into_iter().map(public).collect()
    }

    /// Seals a text with the key of an id, for one purpose alone: it opens nowhere else.
    pub(crate) fn seal(&self, id: &str, purpose: &str, text: &str) -> Result<String, KeyRingError> {
        let ring = self.ring();
        let key = ring.find(id).ok_or(KeyRingError::UnknownKey)?;
        let mut nonce = [0; 12];
        // Drawn by the machine whatever the clock of a test is: two texts under one nonce would give
        // the key away.
        SystemEnvironment
            .fill(&mut nonce)
            .map_err(|_none| KeyRingError::Random)?;
        let mut sealed = text.as_bytes().to_vec();
        key.sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.as_bytes()),
                &mut sealed,
            )
            .map_err(|_unspecified| KeyRingError::Random)?;
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        Ok(format!("{PURPOSEFUL}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Opens what [`seal`](Self::seal) sealed with this key for a purpose, or what was sealed before
    /// seals had one.
    pub(crate) fn unseal(
        &self,
        id: &str,
        purpose: &str,
        sealed: &str,
    ) -> Result<String, KeyRingError> {
        let (purpose, sealed) = match sealed.strip_prefix(PURPOSEFUL) {
            Some(sealed) => (purpose, sealed),
            None => ("", sealed),
        };
        if self.ring().find(id).is_none() {
            self.refresh();
        }
        let open = || {
            let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
            let (nonce, sealed) = bytes.split_at_checked(12)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut sealed = sealed.to_vec();
            let ring = self.ring();
            let key = &ring.find(id)?.sealing;
            let text = key
                .open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut sealed)
                .ok()?;
            String::from_utf8(text.to_vec()).ok()
        };
        open().ok_or(KeyRingError::UnknownKey)
    }

    /// What every form of a session carries, so that no other site can send one.
    pub fn form_token(&self, session: &str) -> String {
        self.tag_of(|key| &key.forms, session)
    }

    /// Whether a form carries the token of a session; takes the same time for every wrong one.
    pub fn is_form_token(&self, session: &str, token: &str) -> bool {
        self.is_tag_of(|key| &key.forms, session, token)
    }

    /// The tag of a device from which somebody signed in.
    pub(crate) fn device_tag(&self, device: &str) -> String {
        self.tag_of(|key| &key.devices, device)
    }

    /// Whether a tag is that of a device; takes the same time for every wrong one.
    pub(crate) fn is_device_tag(&self, device: &str, tag: &str) -> bool {
        self.is_tag_of(|key| &key.devices, device, tag)
    }

    fn tag_of(&self, part: fn(&Key) -> &hmac::Key, message: &str) -> String {
        let ring = self.ring();
        let key = ring.signing();
        key.map(|key| hex(hmac::sign(part(key), message.as_bytes()).as_ref()))
            .unwrap_or_default()
    }

    fn is_tag_of(&self, part: fn(&Key) -> &hmac::Key, message: &str, tag: &str) -> bool {
        let tag: Option<Vec<u8>> = (0..tag.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(tag.get(at..at + 2)?, 16).ok())
            .collect();
        let Some(tag) = tag else { return false };
        self.is_of_a_key(part, message.as_bytes(), &tag)
    }

    /// Whether a key made a tag; one that came into the file meanwhile counts.
    fn is_of_a_key(&self, part: fn(&Key) -> &hmac::Key, message: &[u8], tag: &[u8]) -> bool {
        let verifies = || {
            let ring = self.ring();
            ring.keys
                .iter()
                .any(|key| hmac::verify(part(key), message, tag).is_ok())
        };
        verifies() || (self.refresh() && verifies())
    }

    fn held(&self) -> Held {
        self.held
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn ring(&self) -> Arc<Ring> {
        self.held().ring
    }
}

impl CursorKey for KeyRing {
    fn tag(&self, message: &[u8]) -> [u8; 32] {
        let mut tag = [0; 32];
        if let Some(key) = self.ring().signing() {
            tag.copy_from_slice(hmac::sign(&key.cursor, message).as_ref());
        }
        tag
    }

    fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        self.is_of_a_key(|key| &key.cursor, message, tag)
    }
}

impl Held {
    fn read(path: &Path) -> Result<Self, KeyRingError> {
        // Before the file is read, so that a change meanwhile is seen later.
        let stamp = Stamp::of(path);
        let ring = Ring::of(&file::read(path)?);
        Ok(Self {
            ring: Arc::new(ring.ok_or_else(|| KeyRingError::Malformed(path.into()))?),
            stamp,
        })
    }
}

impl Ring {
    fn of(file: &RingFile) -> Option<Self> {
        let keys: Vec<Key> = file.keys.iter().map(Key::derive).collect::<Option<_>>()?;
        let ring = Self {
            instance: file.instance.clone(),
            keys,
        };
        ring.signing().is_some().then_some(ring)
    }

    fn signing(&self) -> Option<&Key> {
        self.keys.iter().find(|key| key.facts.signs)
    }

    fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.facts.id == id)
    }
}

impl Key {
    fn derive(entry: &KeyEntry) -> Option<Self> {
        let mut secret = STANDARD.decode(&entry.key).ok()?;
        if secret.len() != 32 {
            return None;
        }
        let id = hex(digest(&SHA256, &secret).as_ref().get(..4)?);
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"serviceops-scim").extract(&secret);
        secret.zeroize();
        let derive = |label: &'static str| -> Option<[u8; 32]> {
            let mut key = [0; 32];
            let labels = [label.as_bytes()];
            root.expand(&labels, hkdf::HKDF_SHA256)
                .and_then(|output| output.fill(&mut key))
                .ok()?;
            Some(key)
        };
        let sealing = UnboundKey::new(&AES_256_GCM, &derive("token sealing")?).ok()?;
        let events = Zeroizing::new(derive("security events")?);
        let signer = Ed25519KeyPair::from_seed_unchecked(&*events).ok()?;
        Some(Self {
            facts: KeyFacts {
                id,
                created: entry.created,
                signs: entry.signs(),
            },
            token: Zeroizing::new(derive("token mac")?),
            sealing: LessSafeKey::new(sealing),
            cursor: hmac::Key::new(hmac::HMAC_SHA256, &derive("page cursor")?),
            forms: hmac::Key::new(hmac::HMAC_SHA256, &derive("console forms")?),
            devices: hmac::Key::new(hmac::HMAC_SHA256, &derive("console devices")?),
            events_public: signer.public_key().as_ref().to_vec(),
            events,
        })
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("KeyRing")
            .field("instance", &self.instance())
            .field("keys", &self.keys())
            .finish()
    }
}

/// How a seal begins that has a purpose.
const PURPOSEFUL: &str = "2~";

#[cfg(test)]
mod tests;
