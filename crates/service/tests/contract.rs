//! The contract of stores, kept by the one in memory.

use scim_protocol::ResourceDefinition;
use scim_service::{MemoryStore, testing};

#[test]
fn the_store_in_memory_keeps_the_contract() {
    testing::check_store(|| MemoryStore::new([ResourceDefinition::user()]));
}
