//! The port of a store of resources.

use chrono::{DateTime, Utc};
use scim_protocol::filter::index::search_document;
use scim_protocol::{Error, ResourceDefinition, Version};
use serde_json::{Map, Value};

use crate::error::{Rollback, StoreError};
use crate::order::{SortValue, Standing, page_among};
use crate::policy::StoredResource;
use crate::render::{Common, envelope};
use crate::select::{Keyset, Selected, Selection, Sort};

/// Work of a transaction.
pub type Work<'w> = dyn FnMut(&mut dyn ResourceTransaction) -> Result<(), Rollback> + 'w;

/// A store of resources of any types.
///
/// A store that is a map is written like this; [`MemoryStore`](crate::MemoryStore) is one that is
/// there already.
///
/// ```
/// use std::{collections::BTreeMap, sync::Mutex};
/// use scim_protocol::ResourceDefinition;
/// use scim_service::store::{page, Work};
/// use scim_service::{ResourceStore, ResourceTransaction, Rollback, Selected, Selection};
/// use scim_service::{StoreError, Stored};
///
/// #[derive(Clone, Default)]
/// struct Table {
///     resources: BTreeMap<(String, String), Stored>,
///     ids: u64,
/// }
/// struct Store(Mutex<Table>);
///
/// impl ResourceStore for Store {
///     fn definitions(&self) -> Vec<ResourceDefinition> {
///         vec![ResourceDefinition::user()]
///     }
///     fn write(&self, work: &mut Work<'_>) -> Result<(), Rollback> {
///         let mut table = self.0.lock().map_err(|_| StoreError::Busy)?;
///         let mut copy = table.clone();
///         work(&mut copy)?;
///         *table = copy;
///         Ok(())
///     }
/// }
///
/// impl ResourceTransaction for Table {
///     fn new_id(&mut self, kind: &str) -> Result<String, StoreError> {
///         // Counted, and not the number of resources: an id never comes twice.
///         self.ids += 1;
///         Ok(format!("{kind}-{}", self.ids))
///     }
///     fn get(&mut self, kind: &str, id: &str) -> Result<Option<Stored>, StoreError> {
///         Ok(self.resources.get(&(kind.into(), id.into())).cloned())
///     }
///     fn select(
///         &mut self,
///         definition: &ResourceDefinition,
///         selection: &Selection<String>,
///     ) -> Result<Selected<Stored, String>, StoreError> {
///         let of_kind = self.resources.iter().filter(|((kind, _), _)| kind == definition.name());
///         Ok(page(definition, of_kind.map(|(_, stored)| stored), selection))
///     }
///     fn insert(&mut self, kind: &str, stored: Stored) -> Result<(), StoreError> {
///         self.resources.insert((kind.into(), stored.id.clone()), stored);
///         Ok(())
///     }
///     fn delete(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
///         let gone = self.resources.remove(&(kind.into(), id.into()));
///         gone.map(drop).ok_or(StoreError::Stale)
///     }
/// }
///
/// // As a test of the store does.
/// scim_service::testing::check_store(|| Store(Mutex::default()));
/// ```
pub trait ResourceStore: Send + Sync + 'static {
    /// The resource types, in the order in which they are listed.
    ///
    /// ```
    /// use scim_protocol::ResourceDefinition;
    /// use scim_service::{MemoryStore, ResourceStore};
    ///
    /// let store = MemoryStore::new([ResourceDefinition::user()]);
    /// assert_eq!(store.definitions()[0].name(), "User");
    /// ```
    fn definitions(&self) -> Vec<ResourceDefinition>;

    /// Runs `work` in one transaction, and keeps what it did unless it fails.
    ///
    /// ```
    /// use scim_protocol::{ResourceDefinition, Version};
    /// use scim_service::{MemoryStore, ResourceStore, Rollback, StoreError, Stored};
    /// let store = MemoryStore::new([ResourceDefinition::user()]);
    /// let (at, attributes) = (chrono::DateTime::UNIX_EPOCH, serde_json::Map::new());
    /// let ava = Stored { id: "7".into(), version: Version(3), attributes, created: at, last_modified: at };
    /// let undone = store.write(&mut |transaction| {
    ///     transaction.insert("User", ava.clone())?;
    ///     Err(Rollback::Refused)
    /// });
    /// assert!(undone.is_err());
    /// store.read(&mut |view| Ok(assert_eq!(view.get("User", "7")?, None)))?;
    /// # Ok::<(), Rollback>(())
    /// ```
    ///
    /// # Errors
    /// What `work` answers, or a failure of the store; then nothing is kept.
    fn write(&self, work: &mut Work<'_>) -> Result<(), Rollback>;

    /// Runs `work`, which reads, on one consistent view.
    ///
    /// # Errors
    /// What `work` answers, or a failure of the store.
    fn read(&self, work: &mut Work<'_>) -> Result<(), Rollback> {
        self.write(work)
    }
}

/// A transaction of a store. A `kind` is the name of a resource type.
pub trait ResourceTransaction {
    /// An id that no resource of the kind has or ever had.
    ///
    /// ```
    /// use scim_protocol::{ResourceDefinition, Version};
    /// use scim_service::{MemoryStore, ResourceStore, Rollback, StoreError, Stored};
    /// let store = MemoryStore::new([ResourceDefinition::user()]);
    /// let (at, attributes) = (chrono::DateTime::UNIX_EPOCH, serde_json::Map::new());
    /// let ava = Stored { id: "7".into(), version: Version(3), attributes, created: at, last_modified: at };
    /// store.write(&mut |transaction| {
    ///     Ok(assert_ne!(transaction.new_id("User")?, transaction.new_id("User")?))
    /// })?;
    /// # Ok::<(), Rollback>(())
    /// ```
    ///
    /// # Errors
    /// A fault of the store.
    fn new_id(&mut self, kind: &str) -> Result<String, StoreError>;

    /// A resource.
    ///
    /// # Errors
    /// A fault of the store.
    fn get(&mut self, kind: &str, id: &str) -> Result<Option<Stored>, StoreError>;

    /// A page of resources; [`page`] makes it for a store that has them all in memory.
    ///
    /// It may begin behind any resource, whose position is made by the rules of [`Keyset`]: a page of
    /// large resources is cut where it has as many bytes as an answer may.
    ///
    /// # Errors
    /// [`StoreError::TooExpensive`], or a fault of the store.
    fn select(
        &mut self,
        definition: &ResourceDefinition,
        selection: &Selection<String>,
    ) -> Result<Selected<Stored, String>, StoreError>;

    /// Inserts a resource, or writes it over the one that has its id.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the store decides about uniqueness; a fault of the store.
    fn insert(&mut self, kind: &str, stored: Stored) -> Result<(), StoreError>;

    /// Writes a resource that has the version `expected`: reads it and writes over it, unless the
    /// store has a better way.
    ///
    /// ```
    /// use scim_protocol::{ResourceDefinition, Version};
    /// use scim_service::{MemoryStore, ResourceStore, Rollback, StoreError, Stored};
    /// let store = MemoryStore::new([ResourceDefinition::user()]);
    /// let (at, attributes) = (chrono::DateTime::UNIX_EPOCH, serde_json::Map::new());
    /// let ava = Stored { id: "7".into(), version: Version(3), attributes, created: at, last_modified: at };
    /// store.write(&mut |transaction| {
    ///     transaction.insert("User", ava.clone())?;
    ///     let next = Stored { version: Version(4), ..ava.clone() };
    ///     transaction.replace("User", Version(3), next.clone())?;
    ///     let late = transaction.replace("User", Version(3), next);
    ///     Ok(assert!(matches!(late, Err(StoreError::Stale))))
    /// })?;
    /// # Ok::<(), Rollback>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it has another one or is gone, [`StoreError::Conflict`], or a
    /// fault of the store.
    fn replace(&mut self, kind: &str, expected: Version, stored: Stored) -> Result<(), StoreError> {
        match self.get(kind, &stored.id)? {
            Some(there) if there.version == expected => self.insert(kind, stored),
            _ => Err(StoreError::Stale),
        }
    }

    /// Deletes a resource.
    ///
    /// ```
    /// use scim_protocol::{ResourceDefinition, Version};
    /// use scim_service::{MemoryStore, ResourceStore, Rollback, StoreError, Stored};
    /// let store = MemoryStore::new([ResourceDefinition::user()]);
    /// let (at, attributes) = (chrono::DateTime::UNIX_EPOCH, serde_json::Map::new());
    /// let ava = Stored { id: "7".into(), version: Version(3), attributes, created: at, last_modified: at };
    /// store.write(&mut |transaction| {
    ///     let gone = transaction.delete("User", "7");
    ///     Ok(assert!(matches!(gone, Err(StoreError::Stale))))
    /// })?;
    /// # Ok::<(), Rollback>(())
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is gone, or a fault of the store.
    fn delete(&mut self, kind: &str, id: &str) -> Result<(), StoreError>;

    /// Whether a change is allowed: a rule of the service provider's own. It is asked in the
    /// transaction, before anything is written: without `before` of a create, without `after` of a
    /// delete.
    ///
    /// # Errors
    /// What the client is told.
    fn check(
        &mut self,
        _definition: &ResourceDefinition,
        _before: Option<&Stored>,
        _after: Option<&Map<String, Value>>,
    ) -> Result<(), Error> {
        Ok(())
    }
}

/// A resource as a store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// `id`
    pub id: String,
    /// The attributes under their canonical names, without `id` and `meta`.
    pub attributes: Map<String, Value>,
    /// The version.
    pub version: Version,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// When it was changed last.
    pub last_modified: DateTime<Utc>,
}

impl StoredResource for Stored {
    type Id = String;

    fn id(&self) -> &String {
        &self.id
    }

    fn version(&self) -> Version {
        self.version
    }
}

impl Stored {
    /// The resource with `id` and `meta`, as filters see it and clients of this base URL.
    ///
    /// ```
    /// use chrono::DateTime;
    /// use scim_protocol::{ResourceDefinition, Version};
    /// use scim_service::Stored;
    ///
    /// let stored = Stored {
    ///     id: "7".into(),
    ///     attributes: serde_json::Map::from_iter([("userName".to_owned(), "ava".into())]),
    ///     version: Version(3),
    ///     created: DateTime::UNIX_EPOCH,
    ///     last_modified: DateTime::UNIX_EPOCH,
    /// };
    /// let document = stored.document(&ResourceDefinition::user(), "https://x.example/v2");
    /// assert_eq!(document["meta"]["location"], "https://x.example/v2/Users/7");
    /// assert_eq!(document["meta"]["version"], "W/\"3\"");
    /// ```
    pub fn document(&self, definition: &ResourceDefinition, base_url: &str) -> Map<String, Value> {
        let common = Common {
            id: &self.id,
            created: self.created,
            last_modified: self.last_modified,
            tag: self.version.into(),
        };
        envelope(definition, base_url, common, self.attributes.clone())
    }
}

/// A page of resources that are all in memory: those that satisfy the condition, in order.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_service::store::page;
/// use scim_service::{Selection, Start};
///
/// let all = Selection { condition: None, sort: None, from: Start::Offset(0), count: 10 };
/// let none = page(&ResourceDefinition::user(), [].into_iter(), &all);
/// assert_eq!((none.total, none.items.len(), none.next), (0, 0, None));
/// ```
pub fn page<'s>(
    definition: &ResourceDefinition,
    resources: impl Iterator<Item = &'s Stored>,
    selection: &Selection<String>,
) -> Selected<Stored, String> {
    let found = resources
        .map(|stored| (stored.document(definition, ""), stored))
        .filter(|(document, _)| {
            let condition = selection.condition.as_ref();
            condition.is_none_or(|condition| condition.matches(document))
        })
        .map(|(document, stored)| {
            let sort = selection.sort.as_ref();
            let standing = standing(definition, &document, &stored.id, sort);
            (standing, stored)
        });
    let page = page_among(found.collect(), selection);
    let items = page.items.into_iter();
    Selected {
        total: page.total,
        items: items.map(|(_, stored)| stored.clone()).collect(),
        next: page.next,
    }
}

/// The position of a resource in an order: where a page goes on that ends behind it.
pub(crate) fn keyset(
    definition: &ResourceDefinition,
    stored: &Stored,
    sort: Option<&Sort>,
) -> Keyset<String> {
    let document = match sort {
        Some(_) => stored.document(definition, ""),
        None => Map::new(),
    };
    standing(definition, &document, &stored.id, sort).keyset()
}

fn standing(
    definition: &ResourceDefinition,
    document: &Map<String, Value>,
    id: &str,
    sort: Option<&Sort>,
) -> Standing<String> {
    let value = sort.and_then(|sort| {
        let searched = search_document(definition, document);
        SortValue::find(&searched, &sort.key)
    });
    Standing::new(value, id.to_owned())
}
