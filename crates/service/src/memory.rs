//! A store in memory: for tests, examples, and service providers that keep few resources.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use scim_protocol::ResourceDefinition;

use crate::error::{Rollback, StoreError};
use crate::select::{Selected, Selection};
use crate::store::{ResourceStore, ResourceTransaction, Stored, Work, page};

/// Resources in memory. Transactions run one after another.
#[derive(Debug)]
pub struct MemoryStore {
    definitions: Vec<ResourceDefinition>,
    tables: Mutex<Tables>,
}

/// The resources of each kind by their ids, and how many ids were given.
#[derive(Debug, Default)]
struct Tables {
    resources: BTreeMap<String, BTreeMap<String, Stored>>,
    ids: u64,
}

/// A transaction, and what it found where it wrote.
struct Transaction<'a> {
    tables: &'a mut Tables,
    before: Vec<(String, String, Option<Stored>)>,
}

impl MemoryStore {
    /// An empty store of these resource types.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, ResourceStore};
    ///
    /// let store = MemoryStore::new([ResourceDefinition::user(), ResourceDefinition::group()]);
    /// assert_eq!(store.definitions().len(), 2);
    /// ```
    pub fn new(definitions: impl IntoIterator<Item = ResourceDefinition>) -> Self {
        Self {
            definitions: definitions.into_iter().collect(),
            tables: Mutex::default(),
        }
    }
}

impl ResourceStore for MemoryStore {
    fn definitions(&self) -> Vec<ResourceDefinition> {
        self.definitions.clone()
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), Rollback> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let mut transaction = Transaction {
            tables: &mut tables,
            before: Vec::new(),
        };
        work(&mut transaction).inspect_err(|_rollback| transaction.undo())
    }
}

impl Transaction<'_> {
    fn table(&mut self, kind: &str) -> &mut BTreeMap<String, Stored> {
        self.tables.resources.entry(kind.to_owned()).or_default()
    }

    fn set(&mut self, kind: &str, id: &str, stored: Option<Stored>) {
        let table = self.table(kind);
        let before = match stored {
            Some(stored) => table.insert(id.to_owned(), stored),
            None => table.remove(id),
        };
        self.before.push((kind.to_owned(), id.to_owned(), before));
    }

    fn undo(&mut self) {
        for (kind, id, before) in std::mem::take(&mut self.before).into_iter().rev() {
            self.set(&kind, &id, before);
        }
    }
}

impl ResourceTransaction for Transaction<'_> {
    fn new_id(&mut self, _kind: &str) -> Result<String, StoreError> {
        self.tables.ids += 1;
        // As many digits in all of them, so that the order of ids is that of creation.
        Ok(format!("{:016x}", self.tables.ids))
    }

    fn get(&mut self, kind: &str, id: &str) -> Result<Option<Stored>, StoreError> {
        Ok(self.table(kind).get(id).cloned())
    }

    fn select(
        &mut self,
        definition: &ResourceDefinition,
        selection: &Selection<String>,
    ) -> Result<Selected<Stored, String>, StoreError> {
        let table = self.table(definition.name());
        Ok(page(definition, table.values(), selection))
    }

    fn insert(&mut self, kind: &str, stored: Stored) -> Result<(), StoreError> {
        let id = stored.id.clone();
        self.set(kind, &id, Some(stored));
        Ok(())
    }

    fn delete(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
        if !self.table(kind).contains_key(id) {
            return Err(StoreError::Stale);
        }
        self.set(kind, id, None);
        Ok(())
    }
}
