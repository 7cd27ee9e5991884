//! The key ring: the secrets of an instance, in a file of their own.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac};
use scim_provisioning::CursorKey;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::hex::hex;

/// Why a key ring cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// The file cannot be read or written.
    #[error("the key file {} cannot be read or written: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
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
}

/// The secrets of an instance. One key signs; the others still verify.
pub struct KeyRing {
    instance: String,
    keys: Vec<Key>,
}

struct Key {
    id: String,
    signs: bool,
    derived: Derived,
    sealing: LessSafeKey,
    cursor: hmac::Key,
    forms: hmac::Key,
    devices: hmac::Key,
}

/// What is derived from a key and must not stay in memory.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Derived {
    token: [u8; 32],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RingFile {
    instance: String,
    keys: Vec<KeyEntry>,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    key: String,
    #[zeroize(skip)]
    created: DateTime<Utc>,
    role: String,
}

impl KeyRing {
    /// Reads a key ring, or makes one on the first start.
    ///
    /// # Errors
    /// [`KeyRingError`]; a file that others can read is refused.
    pub fn open(path: &Path) -> Result<Self, KeyRingError> {
        match fs::read(path) {
            Ok(mut bytes) => {
                check_private(path)?;
                let ring = Self::parse(&bytes).ok_or_else(|| KeyRingError::Malformed(path.into()));
                bytes.zeroize();
                ring
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(source) => Err(KeyRingError::File {
                path: path.into(),
                source,
            }),
        }
    }

    fn create(path: &Path) -> Result<Self, KeyRingError> {
        let mut secret = [0; 32];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|_unspecified| KeyRingError::Random)?;
        let ring = RingFile {
            instance: Uuid::new_v4().to_string(),
            keys: vec![KeyEntry {
                key: STANDARD.encode(secret),
                created: Utc::now(),
                role: SIGN.to_owned(),
            }],
        };
        secret.zeroize();
        let mut text = serde_json::to_string_pretty(&ring)
            .map_err(|_json| KeyRingError::Malformed(path.into()))?;
        let written = write_private(path, text.as_bytes());
        text.zeroize();
        match written {
            // Another process was first: its key ring counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::open(path),
            Err(source) => Err(KeyRingError::File {
                path: path.into(),
                source,
            }),
            Ok(()) => Self::open(path),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let file: RingFile = serde_json::from_slice(bytes).ok()?;
        let keys: Vec<Key> = file.keys.iter().map(Key::derive).collect::<Option<_>>()?;
        let ring = Self {
            instance: file.instance,
            keys,
        };
        ring.signing().is_some().then_some(ring)
    }

    /// The id of the instance, which its tokens name as their issuer.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    pub(crate) fn signing_id(&self) -> Option<&str> {
        self.signing().map(|key| key.id.as_str())
    }

    /// The secret with which tokens of a key are signed.
    pub(crate) fn token_secret(&self, id: &str) -> Option<&[u8]> {
        self.find(id).map(|key| key.derived.token.as_slice())
    }

    /// Seals a text with the signing key, for one purpose alone: it opens nowhere else.
    pub(crate) fn seal(&self, purpose: &str, text: &str) -> Result<String, KeyRingError> {
        let key = self.signing().ok_or(KeyRingError::UnknownKey)?;
        let mut nonce = [0; 12];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_unspecified| KeyRingError::Random)?;
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
        let open = || {
            let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
            let (nonce, sealed) = bytes.split_at_checked(12)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut sealed = sealed.to_vec();
            let key = &self.find(id)?.sealing;
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

    /// The tag of a device from which somebody signed in.
    pub(crate) fn device_tag(&self, device: &str) -> String {
        self.tag_of(|key| &key.devices, device)
    }

    /// Whether a tag is that of a device; takes the same time for every wrong one.
    pub(crate) fn is_device_tag(&self, device: &str, tag: &str) -> bool {
        self.is_tag_of(|key| &key.devices, device, tag)
    }

    fn tag_of(&self, part: fn(&Key) -> &hmac::Key, message: &str) -> String {
        let key = self.signing();
        key.map(|key| hex(hmac::sign(part(key), message.as_bytes()).as_ref()))
            .unwrap_or_default()
    }

    fn is_tag_of(&self, part: fn(&Key) -> &hmac::Key, message: &str, tag: &str) -> bool {
        let tag: Option<Vec<u8>> = (0..tag.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(tag.get(at..at + 2)?, 16).ok())
            .collect();
        let Some(tag) = tag else { return false };
        self.keys
            .iter()
            .any(|key| hmac::verify(part(key), message.as_bytes(), &tag).is_ok())
    }

    /// Whether a form carries the token of a session; takes the same time for every wrong one.
    pub fn is_form_token(&self, session: &str, token: &str) -> bool {
        self.is_tag_of(|key| &key.forms, session, token)
    }

    fn signing(&self) -> Option<&Key> {
        self.keys.iter().find(|key| key.signs)
    }

    fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl CursorKey for KeyRing {
    fn tag(&self, message: &[u8]) -> [u8; 32] {
        let mut tag = [0; 32];
        if let Some(key) = self.signing() {
            tag.copy_from_slice(hmac::sign(&key.cursor, message).as_ref());
        }
        tag
    }

    fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        self.keys
            .iter()
            .any(|key| hmac::verify(&key.cursor, message, tag).is_ok())
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
        Some(Self {
            id,
            signs: entry.role == SIGN,
            derived: Derived {
                token: derive("token mac")?,
            },
            sealing: LessSafeKey::new(sealing),
            cursor: hmac::Key::new(hmac::HMAC_SHA256, &derive("page cursor")?),
            forms: hmac::Key::new(hmac::HMAC_SHA256, &derive("console forms")?),
            devices: hmac::Key::new(hmac::HMAC_SHA256, &derive("console devices")?),
        })
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("KeyRing")
            .field("instance", &self.instance)
            .field(
                "keys",
                &self.keys.iter().map(|key| &key.id).collect::<Vec<_>>(),
            )
            .finish()
    }
}

#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), KeyRingError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path).map_err(|source| KeyRingError::File {
        path: path.into(),
        source,
    })?;
    if metadata.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(KeyRingError::Exposed(path.into()))
}

#[cfg(not(unix))]
fn check_private(_path: &Path) -> Result<(), KeyRingError> {
    Ok(())
}

/// Writes a file that nobody else can read, whole or not at all.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.new", Uuid::new_v4()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&temporary)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        // A link fails when the file is there already, where a rename would replace it.
        .and_then(|()| fs::hard_link(&temporary, path));
    fs::remove_file(&temporary)?;
    written
}

const SIGN: &str = "sign";
/// How a seal begins that has a purpose.
const PURPOSEFUL: &str = "2~";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_opens_for_its_purpose_alone() {
        let path = std::env::temp_dir().join(Uuid::new_v4().to_string());
        let ring = KeyRing::open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let id = ring.signing_id().unwrap();
        let sealed = ring.seal("token 1", "secret").unwrap();
        assert_eq!(ring.unseal(id, "token 1", &sealed).unwrap(), "secret");
        assert!(ring.unseal(id, "token 2", &sealed).is_err());
        assert!(ring.unseal(id, "", &sealed).is_err());
        let bare = sealed.strip_prefix(PURPOSEFUL).unwrap();
        assert!(ring.unseal(id, "token 1", bare).is_err());
        // As it was sealed before.
        let old = ring.seal("", "secret").unwrap();
        let old = old.strip_prefix(PURPOSEFUL).unwrap();
        assert_eq!(ring.unseal(id, "token 1", old).unwrap(), "secret");
    }
}
