//! What administrators do, over the store in memory.

mod accounts;

use std::sync::Arc;

use super::{Actor, AdminService};
use crate::event::AuditQuery;
use crate::keyring::KeyRing;
use crate::memory::MemoryStore;
use crate::store::AdminStoreExt;

/// The service over an empty store.
struct House {
    store: Arc<MemoryStore>,
    admin: AdminService,
    _folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Arc::new(KeyRing::open(&folder.path().join("keys.json")).unwrap());
        let store = Arc::new(MemoryStore::new());
        Self {
            admin: AdminService::new(store.clone(), keys),
            store,
            _folder: folder,
        }
    }

    /// The events of the audit, the oldest first.
    fn audited(&self) -> Vec<String> {
        let query = AuditQuery {
            limit: 1_000,
            ..AuditQuery::default()
        };
        let entries = self
            .store
            .read(|rows| Ok(rows.audit_entries(&query)?))
            .unwrap();
        let events = entries.into_iter().rev();
        events.map(|(_, entry)| entry.event.into_owned()).collect()
    }
}

fn actor() -> Actor {
    Actor::new("test", None)
}
