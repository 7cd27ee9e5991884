//! Signs security events with the keys of the ring.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use scim_feed::{EventSigner, SigningError};
use serde_json::{Map, Value, json};

use crate::jwt;
use crate::keyring::KeyRing;

/// Signs security events with EdDSA (RFC 8417 section 5.1). The key is derived from the one of the ring that
/// signs, so that it is rotated with the ring and stands in no database; the others of the ring still
/// verify what was signed before.
pub struct RingSigner {
    keys: Arc<KeyRing>,
    issuer: String,
}

impl RingSigner {
    /// Signs as `issuer`: the base URL of the service provider, to which the addresses of subjects
    /// are relative.
    pub fn new(keys: Arc<KeyRing>, issuer: impl Into<String>) -> Self {
        jwt::install();
        Self {
            keys,
            issuer: issuer.into(),
        }
    }
}

impl EventSigner for RingSigner {
    fn issuer(&self) -> &str {
        &self.issuer
    }

    fn sign(&self, claims: &Map<String, Value>) -> Result<String, SigningError> {
        let (id, seed) = self.keys.event_seed().ok_or(SigningError)?;
        let header = Header {
            // RFC 8417 section 2.3.
            typ: Some("secevent+jwt".to_owned()),
            kid: Some(id),
            ..Header::new(Algorithm::EdDSA)
        };
        let key = EncodingKey::from_ed_der(&*seed);
        encode(&header, claims, &key).map_err(|error| {
            tracing::error!(%error, "a security event cannot be signed");
            SigningError
        })
    }

    fn public_keys(&self) -> Value {
        let keys = self.keys.event_keys().into_iter();
        // RFC 8037 section 2.
        let keys = keys.map(|(id, public)| {
            json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": "EdDSA",
                "kid": id,
                "x": URL_SAFE_NO_PAD.encode(public),
            })
        });
        json!({ "keys": keys.collect::<Vec<Value>>() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use ring::signature::{ED25519, UnparsedPublicKey};

    use super::*;

    fn part(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// Whether a key of a set verifies a token.
    fn verifies(keys: &Value, token: &str) -> bool {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let header = part(signed.split('.').next().unwrap());
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(
            (&header["typ"], &header["alg"]),
            (&json!("secevent+jwt"), &json!("EdDSA"))
        );
        let mut keys = keys["keys"].as_array().unwrap().iter();
        let Some(key) = keys.find(|key| key["kid"] == header["kid"]) else {
            return false;
        };
        let public = part(key["x"].as_str().unwrap());
        let key = UnparsedPublicKey::new(&ED25519, public);
        key.verify(signed.as_bytes(), &part(signature)).is_ok()
    }

    #[test]
    fn what_is_signed_is_verified_by_the_keys_of_the_set_until_the_key_is_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Arc::new(KeyRing::open(&folder.path().join("ring.json")).unwrap());
        let signer = RingSigner::new(Arc::clone(&keys), "https://x.example/scim");
        let claims = json!({"jti": "1", "events": {}});
        let claims = claims.as_object().unwrap();
        let token = signer.sign(claims).unwrap();
        assert_eq!(signer.sign(claims).unwrap(), token, "the same each time");
        assert!(verifies(&signer.public_keys(), &token));
        let old = keys.keys()[0].id.clone();
        keys.rotate().unwrap();
        let rotated = signer.sign(claims).unwrap();
        assert_ne!(rotated, token);
        let both = signer.public_keys();
        assert!(verifies(&both, &token) && verifies(&both, &rotated));
        // Another process with the same file derives the same keys.
        let other = RingSigner::new(Arc::new(KeyRing::read(keys.path()).unwrap()), "");
        assert_eq!(other.public_keys(), both);
        keys.remove(&old).unwrap();
        let left = signer.public_keys();
        assert!(!verifies(&left, &token) && verifies(&left, &rotated));
        assert!(!left.to_string().contains("\"d\""), "no private part");
    }
}
