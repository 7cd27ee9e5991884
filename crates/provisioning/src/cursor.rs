//! Page cursors (RFC 9865): stateless, and authenticated so that nobody can make one up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::directory::Keyset;
use crate::id::{ResourceId, ResourceKind};

/// A key that authenticates cursors.
pub trait CursorKey: Send + Sync {
    /// The tag of a message.
    fn tag(&self, message: &[u8]) -> [u8; 32];

    /// Whether the tag is that of the message; takes the same time for every wrong tag.
    fn verify(&self, message: &[u8], tag: &[u8]) -> bool;
}

/// A place in the sequence of all resources.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Position {
    pub(crate) kind: ResourceKind,
    /// Behind which resource of the type; `None` for the first of them.
    pub(crate) keyset: Option<Keyset>,
}

impl Position {
    /// The position as a cursor. `about` is what the cursor is bound to beside it.
    pub(crate) fn seal(
        &self,
        key: &dyn CursorKey,
        about: &str,
        issued: i64,
        count: Option<u64>,
    ) -> String {
        let payload = json!([
            self.kind.as_str(),
            self.keyset.as_ref().map(|keyset| keyset.id.to_string()),
            self.keyset.as_ref().map(|keyset| &keyset.key),
            issued,
            count
        ])
        .to_string();
        let mut bytes = key.tag(message(about, &payload).as_bytes()).to_vec();
        bytes.extend(payload.into_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position, time of issue and count of a cursor; `None` unless it was sealed with `key`
    /// about the same thing.
    pub(crate) fn open(
        key: &dyn CursorKey,
        about: &str,
        cursor: &str,
    ) -> Option<(Self, i64, Option<u64>)> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (tag, payload) = bytes.split_at_checked(TAG)?;
        let payload = std::str::from_utf8(payload).ok()?;
        if !key.verify(message(about, payload).as_bytes(), tag) {
            return None;
        }
        let parts: [Value; 5] = serde_json::from_str(payload).ok()?;
        let [kind, id, sort_key, issued, count] = parts;
        let kind = [ResourceKind::User, ResourceKind::Group]
            .into_iter()
            .find(|known| kind == known.as_str())?;
        let keyset = match id {
            Value::Null => None,
            id => Some(Keyset {
                key: sort_key,
                id: ResourceId::parse(id.as_str()?)?,
            }),
        };
        let position = Self { kind, keyset };
        Some((position, issued.as_i64()?, count.as_u64()))
    }
}

fn message(about: &str, payload: &str) -> String {
    format!("{about}\0{payload}")
}

const TAG: usize = 32;
