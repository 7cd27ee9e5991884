//! Streams that are sent: with what is signed, and what is sent by hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, Utc};
use scim_feed::{
    Delivery, DeliveryKind, DeliveryState, Position, PreviousSecret, SealedSecret, Stream,
    StreamKind, Webhook,
};
use scim_provisioning::{Environment, StoreError};
use serde_json::json;

use super::{Act, Actor, AdminService, entry};
use crate::api_key;
use crate::error::AdminError;
use crate::invalid::Problem;
use crate::secret::draw_secret;
use crate::store::{AdminStoreExt, AdminTransaction, Written};
use crate::token::PlainToken;

impl AdminService {
    /// Where the changes of a stream are sent to; nothing for one that is read.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn webhook(&self, stream: &Stream) -> Result<Option<Webhook>, AdminError> {
        self.store.read(|rows| Ok(rows.webhook(&stream.id)?))
    }

    /// What was sent to the receiver of a stream, or is to be, before one of them or at last, the
    /// newest first, at most so many.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn deliveries(
        &self,
        stream: &Stream,
        before: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Delivery>, AdminError> {
        self.store
            .read(|rows| Ok(rows.deliveries(&stream.id, before, limit)?))
    }

    /// Has something be sent that has no changes in it, also while the stream is paused; answers
    /// what waits.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a stream that is read.
    pub fn test_webhook(&self, actor: &Actor, stream: &Stream) -> Result<Delivery, AdminError> {
        let actor = &self.act(actor);
        let (kind, at) = (DeliveryKind::Test, stream.position);
        self.want_delivery(actor, stream, kind, (at, at), "stream.tested")
    }

    /// Has changes be sent once more, also while the stream is paused; it stays where it is. Answers
    /// what waits.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for a stream that is read, [`AdminError::NotFound`] for a delivery
    /// that it does not have.
    pub fn send_again(
        &self,
        actor: &Actor,
        stream: &Stream,
        delivery: &str,
    ) -> Result<Delivery, AdminError> {
        let actor = &self.act(actor);
        // The ids of deliveries are in their order: it is the first before the one behind it.
        let behind = format!("{delivery}~");
        let found = self.deliveries(stream, Some(&behind), 1)?.pop();
        let found = found.filter(|found| found.id == delivery);
        let found = found.ok_or_else(|| AdminError::not_found("delivery", delivery))?;
        let (kind, range) = (DeliveryKind::Again, (found.behind, found.up_to));
        self.want_delivery(actor, stream, kind, range, "stream.sent-again")
    }

    fn want_delivery(
        &self,
        actor: &Act,
        stream: &Stream,
        kind: DeliveryKind,
        (behind, up_to): (Position, Position),
        event: &'static str,
    ) -> Result<Delivery, AdminError> {
        let wanted = Delivery {
            id: actor.id(),
            stream: stream.id.clone(),
            kind,
            state: DeliveryState::Wanted,
            behind,
            up_to,
            changes: 0,
            at: actor.at,
            took: std::time::Duration::ZERO,
            status: None,
            problem: None,
            answer: None,
        };
        let details = json!({ "behind": behind, "upTo": up_to });
        let audit = entry(actor, event, &stream.name, details);
        let name = stream.name.clone();
        self.store.write(move |rows| {
            if rows.webhook(&wanted.stream)?.is_none() {
                let name = name.clone();
                return Err(Problem::NotPossible { name }.refused());
            }
            rows.insert_delivery(&wanted)?;
            Ok(Written::changed(wanted.clone(), audit.clone()))
        })
    }

    /// A secret for a stream.
    pub(super) fn new_secret(&self, stream: &Stream) -> Result<NewSecret, AdminError> {
        let (value, sealed) = match stream.kind {
            StreamKind::Read | StreamKind::Poll => (
                api_key::generate_as(api_key::STREAM, &*self.environment)?,
                None,
            ),
            StreamKind::Webhook | StreamKind::Push => {
                let value = match stream.kind {
                    StreamKind::Webhook => generate_secret(&*self.environment)?,
                    // The receiver knows by it who sends; what it is sent is signed by other keys.
                    _ => api_key::generate_as(PUSH, &*self.environment)?,
                };
                let key = self.keys.signing_id();
                let key = key.ok_or_else(|| Problem::NoKey.refused())?;
                let sealed = self.keys.seal(&key, &webhook_purpose(&stream.id), &value);
                let sealed = sealed.map_err(|error| Problem::KeyRing(error).refused())?;
                (value, Some(SealedSecret { key, sealed }))
            }
        };
        Ok(NewSecret {
            // That with which is sent opens nothing: a key of a stream looks different.
            hash: api_key::hash(&value),
            plain: PlainToken::new(value),
            sealed,
        })
    }
}

/// A secret that was made: it, the hash by which the stream of a key is found, and what is kept of
/// one with which is signed.
pub(super) struct NewSecret {
    pub(super) plain: PlainToken,
    pub(super) hash: String,
    pub(super) sealed: Option<SealedSecret>,
}

/// Has a webhook be signed with a secret from now on, and for a while with the one before as well.
pub(super) fn set_webhook_secret(
    rows: &mut dyn AdminTransaction,
    stream: &Stream,
    secret: Option<&SealedSecret>,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(secret) = secret else {
        return Ok(());
    };
    let new = Webhook {
        stream: stream.id.clone(),
        secret: secret.clone(),
        previous: None,
        failing: None,
        sending: None,
    };
    match rows.webhook(&stream.id)? {
        None => rows.insert_webhook(&new),
        Some(known) => rows.update_webhook_secrets(&Webhook {
            previous: Some(PreviousSecret {
                secret: known.secret,
                until: at + OVERLAP,
            }),
            ..new
        }),
    }
}

/// For what the secret of a webhook is sealed.
pub(crate) fn webhook_purpose(stream: &str) -> String {
    format!("webhook {stream}")
}

/// A secret as Standard Webhooks has them: 32 bytes in Base64 behind a prefix.
fn generate_secret(environment: &dyn Environment) -> Result<String, AdminError> {
    let bytes = draw_secret(environment).map_err(|_none| Problem::NoRandomNumbers.refused())?;
    Ok(format!("{SECRET}{}", STANDARD.encode(bytes)))
}

/// What secrets of webhooks begin with.
pub(crate) const SECRET: &str = "whsec_";
/// What secrets begin with that a receiver of security events is sent.
const PUSH: &str = "sopspush_";
/// For how long is signed with the secret before as well.
const OVERLAP: Duration = Duration::days(1);
