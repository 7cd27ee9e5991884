//! Streams in memory.

use scim_feed::Stream;
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
        Ok(self.streams.len() < before)
    }
}
