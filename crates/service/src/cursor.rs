//! Page cursors (RFC 9865): stateless, and authenticated so that nobody can make one up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::select::Keyset;

/// A key that authenticates cursors.
pub trait CursorKey: Send + Sync {
    /// The tag of a message.
    ///
    /// ```
    /// use scim_service::{CursorKey, cursor::SecretKey};
    ///
    /// let (one, replica, other) = (SecretKey::new(b"a"), SecretKey::new(b"a"), SecretKey::new(b"b"));
    /// assert_eq!(one.tag(b"page 2"), replica.tag(b"page 2"));
    /// assert_ne!(one.tag(b"page 2"), other.tag(b"page 2"));
    /// ```
    fn tag(&self, message: &[u8]) -> [u8; 32];

    /// Whether the tag is that of the message; takes the same time for every wrong tag.
    ///
    /// ```
    /// use scim_service::{CursorKey, cursor::SecretKey};
    ///
    /// let key = SecretKey::new(b"of the server");
    /// assert!(!key.verify(b"page 2", &[0; 32]), "nobody can make one up");
    /// ```
    fn verify(&self, message: &[u8], tag: &[u8]) -> bool;
}

/// HMAC-SHA256 under a secret of the server.
pub struct SecretKey(Hmac<Sha256>);

impl SecretKey {
    /// The key that a secret makes; every replica of a server needs the same one.
    ///
    /// ```
    /// use scim_service::CursorKey;
    /// use scim_service::cursor::SecretKey;
    ///
    /// let key = SecretKey::new(b"of the server");
    /// let tag = key.tag(b"page 2");
    /// assert!(key.verify(b"page 2", &tag) && !key.verify(b"page 3", &tag));
    /// ```
    pub fn new(secret: &[u8]) -> Self {
        // A block of the hash; HMAC takes secrets of any length by way of it (RFC 2104 section 2).
        use sha2::Digest;
        let digest: [u8; 32] = Sha256::digest(secret).into();
        let mut block = [0; 64];
        for (byte, of) in block.iter_mut().zip(digest) {
            *byte = of;
        }
        Self(Hmac::new(&block.into()))
    }
}

impl CursorKey for SecretKey {
    fn tag(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.verify_slice(tag).is_ok()
    }
}

/// A place in the sequence of all resources.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Position<K, I> {
    pub(crate) kind: K,
    /// Behind which resource of the type; `None` for the first of them.
    pub(crate) keyset: Option<Keyset<I>>,
}

/// What a cursor says.
pub(crate) struct Opened {
    /// The name of the resource type.
    pub(crate) kind: String,
    /// The id of the resource behind which it goes on, and its sort key.
    pub(crate) keyset: Option<(String, Value)>,
    pub(crate) issued: i64,
    pub(crate) count: Option<u64>,
}

/// A position as a cursor. `about` is what the cursor is bound to beside it.
pub(crate) fn seal(
    key: &dyn CursorKey,
    about: &str,
    (kind, keyset): (&str, Option<(String, &Value)>),
    issued: i64,
    count: Option<u64>,
) -> String {
    let (id, sort_key) = keyset.unzip();
    let payload = json!([kind, id, sort_key, issued, count]).to_string();
    let mut bytes = key.tag(message(about, &payload).as_bytes()).to_vec();
    bytes.extend(payload.into_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What a cursor says; `None` unless it was sealed with `key` about the same thing.
pub(crate) fn open(key: &dyn CursorKey, about: &str, cursor: &str) -> Option<Opened> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (tag, payload) = bytes.split_at_checked(TAG)?;
    let payload = std::str::from_utf8(payload).ok()?;
    if !key.verify(message(about, payload).as_bytes(), tag) {
        return None;
    }
    let parts: [Value; 5] = serde_json::from_str(payload).ok()?;
    let [kind, id, sort_key, issued, count] = parts;
    let keyset = match id {
        Value::Null => None,
        id => Some((id.as_str()?.to_owned(), sort_key)),
    };
    Some(Opened {
        kind: kind.as_str()?.to_owned(),
        keyset,
        issued: issued.as_i64()?,
        count: count.as_u64(),
    })
}

fn message(about: &str, payload: &str) -> String {
    format!("{about}\0{payload}")
}

/// How long a cursor is valid.
pub const CURSOR_SECONDS: u64 = 3_600;
const TAG: usize = 32;
