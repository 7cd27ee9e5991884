//! Streams in memory.

use chrono::{DateTime, Utc};
use scim_feed::{Delivery, Position, Stream, Webhook};
use scim_protocol::text::fold;
use scim_provisioning::StoreError;

use super::Rows;
use crate::store::{ReadStreams, WriteStreams};

impl ReadStreams for Rows {
    fn streams(&mut self) -> Result<Vec<Stream>, StoreError> {
        let mut streams = self.streams.clone();
        streams.sort_by_key(|stream| fold(&stream.name));
        Ok(streams)
    }

    fn webhook(&mut self, stream: &str) -> Result<Option<Webhook>, StoreError> {
        let mut webhooks = self.webhooks.iter();
        Ok(webhooks.find(|known| known.stream == stream).cloned())
    }

    fn webhooks(&mut self) -> Result<Vec<Webhook>, StoreError> {
        Ok(self.webhooks.clone())
    }

    fn deliveries(
        &mut self,
        stream: &str,
        before: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let of = |delivery: &&Delivery| {
            delivery.stream == stream && before.is_none_or(|before| delivery.id.as_str() < before)
        };
        let mut found: Vec<Delivery> = self.deliveries.iter().filter(of).cloned().collect();
        found.sort_by(|one, other| other.id.cmp(&one.id));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }
}

impl WriteStreams for Rows {
    fn insert_stream(&mut self, stream: &Stream, _key_hash: &str) -> Result<(), StoreError> {
        let name = fold(&stream.name);
        if self.streams.iter().any(|known| fold(&known.name) == name) {
            return Err(StoreError::Conflict { attribute: "name" });
        }
        self.streams.push(stream.clone());
        Ok(())
    }

    fn update_stream(&mut self, stream: &Stream) -> Result<bool, StoreError> {
        let seen = |known: &&mut Stream| (&known.id, known.version) == (&stream.id, stream.version);
        let Some(known) = self.streams.iter_mut().find(seen) else {
            return Ok(false);
        };
        known.state = stream.state;
        known.version += 1;
        Ok(true)
    }

    fn move_stream(&mut self, stream: &Stream) -> Result<bool, StoreError> {
        let written = self.update_stream(stream)?;
        let known = self.streams.iter_mut().find(|known| known.id == stream.id);
        if let Some(known) = known.filter(|_| written) {
            known.position = stream.position;
        }
        Ok(written)
    }

    fn set_stream_key(&mut self, stream: &Stream, _key_hash: &str) -> Result<bool, StoreError> {
        let written = self.update_stream(stream)?;
        let known = self.streams.iter_mut().find(|known| known.id == stream.id);
        if let Some(known) = known.filter(|_| written) {
            known.made_by.clone_from(&stream.made_by);
        }
        Ok(written)
    }

    fn delete_stream(&mut self, stream: &Stream) -> Result<bool, StoreError> {
        let before = self.streams.len();
        let seen = (&stream.id, stream.version);
        self.streams
            .retain(|known| (&known.id, known.version) != seen);
        let deleted = self.streams.len() < before;
        if deleted {
            self.webhooks.retain(|known| known.stream != stream.id);
            self.deliveries.retain(|known| known.stream != stream.id);
        }
        Ok(deleted)
    }

    fn insert_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        self.webhooks.push(webhook.clone());
        Ok(())
    }

    fn update_webhook_secrets(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        let mut webhooks = self.webhooks.iter_mut();
        if let Some(known) = webhooks.find(|known| known.stream == webhook.stream) {
            known.secret.clone_from(&webhook.secret);
            known.previous.clone_from(&webhook.previous);
        }
        Ok(())
    }

    fn delete_webhook(&mut self, stream: &str) -> Result<(), StoreError> {
        self.webhooks.retain(|known| known.stream != stream);
        Ok(())
    }

    fn hurry_webhook(&mut self, stream: &str) -> Result<(), StoreError> {
        let mut webhooks = self.webhooks.iter_mut();
        if let Some(known) = webhooks.find(|known| known.stream == stream) {
            known.failing = None;
        }
        Ok(())
    }

    fn insert_delivery(&mut self, delivery: &Delivery) -> Result<(), StoreError> {
        self.deliveries.push(delivery.clone());
        Ok(())
    }

    fn restart_feed(&mut self, now: DateTime<Utc>) -> Result<Position, StoreError> {
        Ok(now.timestamp())
    }
}
