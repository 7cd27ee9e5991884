//! Rows of streams.

use scim_admin::store::{ReadStreams, WriteStreams};
use scim_feed::Stream;
use scim_provisioning::StoreError;

use super::AdminRows;
use crate::feed::streams;

impl ReadStreams for AdminRows<'_> {
    fn streams(&mut self) -> Result<Vec<Stream>, StoreError> {
        streams::list(self.connection)
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
}
