//! Keys for the admin API.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};
use scim_feed::Stream;
use scim_provisioning::Environment;
use serde_json::json;

use crate::account::Role;
use crate::error::AdminError;
use crate::event::AuditEntry;
use crate::hex::hex;
use crate::invalid::Problem;
use crate::scope::Scopes;
use crate::secret::draw_secret;
use crate::token::AccessToken;

/// An API key as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiKey {
    /// The id.
    pub id: String,
    /// The name, unique without regard to case.
    pub name: String,
    /// What it may do at most.
    pub role: Role,
    /// What it may be used for.
    pub scopes: Scopes,
    /// SHA-256 of the key, in hexadecimal.
    pub hash: String,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// When it ends.
    pub expires: DateTime<Utc>,
    /// When it was revoked.
    pub revoked: Option<DateTime<Utc>>,
    /// The id of the key that made it, where that was one: it ends with it, and is revoked with it.
    pub made_by: Option<String>,
    /// The id of the account that made it in the console.
    pub account: Option<String>,
}

impl ApiKey {
    /// Whether the key is accepted at this time.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

/// An API key to be made.
#[derive(Debug, Clone, Copy)]
pub struct ApiKeyInput<'a> {
    /// The name.
    pub name: &'a str,
    /// What it may do at most.
    pub role: Role,
    /// What it may be used for, where that is less than the role may.
    pub scopes: Option<Scopes>,
    /// For how many days it is accepted.
    pub days: i64,
}

/// What ends with an API key: the live keys and tokens and the streams that it made, by however many
/// steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MadeByKey {
    /// The keys, in order of name.
    pub keys: Vec<ApiKey>,
    /// The tokens, each with the name of its configuration, newest first.
    pub tokens: Vec<(AccessToken, String)>,
    /// The streams, in order of name.
    pub streams: Vec<Stream>,
}

impl MadeByKey {
    /// The audit entries of the tokens and the streams, behind the one of the key that is revoked.
    pub fn entries(&self, key: &AuditEntry) -> Vec<AuditEntry> {
        let entry = |(token, configuration): &(AccessToken, String)| AuditEntry {
            event: "token.revoked".into(),
            object: configuration.clone(),
            configuration: Some(token.configuration),
            details: json!({ "token": token.id, "withKey": key.object }),
            ..key.clone()
        };
        let deleted = |stream: &Stream| AuditEntry {
            event: "stream.deleted".into(),
            object: stream.name.clone(),
            configuration: None,
            details: json!({ "withKey": key.object }),
            ..key.clone()
        };
        let tokens = self.tokens.iter().map(entry);
        tokens.chain(self.streams.iter().map(deleted)).collect()
    }
}

/// A new key: `sopsapi_`, 256 random bits, and a checksum by which a scanner can tell it from noise.
pub(crate) fn generate(environment: &dyn Environment) -> Result<String, AdminError> {
    generate_as(PREFIX, environment)
}

/// The same, which begins with another word.
pub(crate) fn generate_as(
    prefix: &str,
    environment: &dyn Environment,
) -> Result<String, AdminError> {
    let bytes = draw_secret(environment).map_err(|_none| Problem::NoRandomNumbers.refused())?;
    let secret = URL_SAFE_NO_PAD.encode(bytes);
    Ok(format!("{prefix}{secret}{:08x}", crc32(secret.as_bytes())))
}

/// Whether a text is a key as they are made here, by its length and its checksum. Whatever else is
/// sent as a key is refused before anybody looks for it.
pub(crate) fn is_well_formed(key: &str) -> bool {
    is_well_formed_as(PREFIX, key)
}

/// The same of a key that begins with another word.
fn is_well_formed_as(prefix: &str, key: &str) -> bool {
    let parts = key
        .strip_prefix(prefix)
        .and_then(|rest| rest.split_at_checked(SECRET));
    parts.is_some_and(|(secret, checksum)| checksum == format!("{:08x}", crc32(secret.as_bytes())))
}

/// The hash by which a key is found.
pub fn hash(key: &str) -> String {
    hex(digest(&SHA256, key.as_bytes()).as_ref())
}

/// The hash by which the stream of a key is found; `None` for what is no such key, so that nobody
/// looks for it.
pub fn hash_of_stream(key: &str) -> Option<String> {
    is_well_formed_as(STREAM, key).then(|| hash(key))
}

/// CRC-32 as in IEEE 802.3.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let low = crc & 1;
            crc >>= 1;
            if low == 1 {
                crc ^= 0xEDB8_8320;
            }
        }
    }
    !crc
}

const PREFIX: &str = "sopsapi_";
/// What keys of streams begin with.
pub(crate) const STREAM: &str = "sopsfeed_";
/// The length of the random part: 32 bytes in base64url.
const SECRET: usize = 43;

#[cfg(test)]
mod tests {
    use scim_provisioning::SystemEnvironment;

    use super::*;

    #[test]
    fn keys_carry_their_checksum() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        let key = generate(&SystemEnvironment).unwrap();
        assert!(key.starts_with("sopsapi_"));
        assert_ne!(key, generate(&SystemEnvironment).unwrap());
        assert!(is_well_formed(&key));
        for wrong in [
            "",
            "sopsapi_",
            "sopsapi_ä",
            key.trim_start_matches('s'),
            key.split_at(key.len() - 1).0,
            &format!("{key}0"),
            &key.to_uppercase(),
            &key.replacen("sopsapi_", "sopscim_", 1),
            &format!("sopsapi_{}00000000", "A".repeat(43)),
        ] {
            assert!(!is_well_formed(wrong), "{wrong}");
        }
        assert_eq!(hash(&key).len(), 64);
        let feed = generate_as(STREAM, &SystemEnvironment).unwrap();
        assert_eq!(hash_of_stream(&feed), Some(hash(&feed)));
        assert_eq!(hash_of_stream(&key), None);
        assert_eq!(hash_of_stream("sopsfeed_wrong"), None);
    }
}
