//! Rows of streams.

use chrono::{DateTime, Utc};
use scim_admin::store::{ReadStreams, WriteStreams};
use scim_feed::{Delivery, Position, Stream, Webhook};
use scim_provisioning::StoreError;

use super::AdminRows;
use crate::feed::{self, streams, webhooks};

impl ReadStreams for AdminRows<'_> {
    fn streams(&mut self) -> Result<Vec<Stream>, StoreError> {
        streams::list(self.connection)
    }

    fn webhook(&mut self, stream: &str) -> Result<Option<Webhook>, StoreError> {
        webhooks::of_stream(self.connection, stream)
    }

    fn webhooks(&mut self) -> Result<Vec<Webhook>, StoreError> {
        webhooks::list(self.connection)
    }

    fn deliveries(
        &mut self,
        stream: &str,
        before: Option<&str>,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        webhooks::deliveries(self.connection, stream, before, limit)
    }
}

impl WriteStreams for AdminRows<'_> {
    fn insert_stream(&mut self, stream: &Stream, key_hash: &str) -> Result<(), StoreError> {
        streams::insert(self.connection, stream, key_hash)
    }

    fn update_stream(&mut self, stream: &Stream) -> Result<bool, StoreError> {
        streams::update(self.connection, stream)
    }

    fn move_stream(&mut self, stream: &Stream) -> Result<bool, StoreError> {
        streams::move_to(self.connection, stream)
    }

    fn set_stream_key(&mut self, stream: &Stream, key_hash: &str) -> Result<bool, StoreError> {
        streams::set_key(self.connection, stream, key_hash)
    }

    fn delete_stream(&mut self, stream: &Stream) -> Result<bool, StoreError> {
        streams::delete(self.connection, stream)
    }

    fn insert_webhook(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        webhooks::insert(self.connection, webhook)
    }

    fn update_webhook_secrets(&mut self, webhook: &Webhook) -> Result<(), StoreError> {
        webhooks::update_secrets(self.connection, webhook)
    }

    fn delete_webhook(&mut self, stream: &str) -> Result<(), StoreError> {
        webhooks::delete(self.connection, stream)
    }

    fn hurry_webhook(&mut self, stream: &str) -> Result<(), StoreError> {
        webhooks::hurry(self.connection, stream)
    }

    fn insert_delivery(&mut self, delivery: &Delivery) -> Result<(), StoreError> {
        webhooks::insert_delivery(self.connection, delivery)
    }

    fn restart_feed(&mut self, now: DateTime<Utc>) -> Result<Position, StoreError> {
        feed::restart(self.connection, now)
    }
}
