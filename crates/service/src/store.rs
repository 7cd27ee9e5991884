//! The port of a store of resources.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use scim_protocol::filter::SortKey;
use scim_protocol::filter::index::search_document;
use scim_protocol::{Error, ResourceDefinition, Version, number};
use serde_json::{Map, Number, Value};

use crate::error::{Rollback, StoreError};
use crate::policy::StoredResource;
use crate::render::{Common, envelope};
use crate::select::{Keyset, Selected, Selection, Sort, Start};

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
/// struct Table(BTreeMap<(String, String), Stored>);
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
///         Ok(format!("{kind}-{}", self.0.len())) // An id must never come twice.
///     }
///     fn get(&mut self, kind: &str, id: &str) -> Result<Option<Stored>, StoreError> {
///         Ok(self.0.get(&(kind.into(), id.into())).cloned())
///     }
///     fn select(
///         &mut self,
///         definition: &ResourceDefinition,
///         selection: &Selection<String>,
///     ) -> Result<Selected<Stored, String>, StoreError> {
///         let of_kind = self.0.iter().filter(|((kind, _), _)| kind == definition.name());
///         Ok(page(definition, of_kind.map(|(_, stored)| stored), selection))
///     }
///     fn insert(&mut self, kind: &str, stored: Stored) -> Result<(), StoreError> {
///         self.0.insert((kind.into(), stored.id.clone()), stored);
///         Ok(())
///     }
///     fn delete(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
///         self.0.remove(&(kind.into(), id.into())).map(drop).ok_or(StoreError::Stale)
///     }
/// }
/// ```
pub trait ResourceStore: Send + Sync + 'static {
    /// The resource types, in the order in which they are listed.
    fn definitions(&self) -> Vec<ResourceDefinition>;

    /// Runs `work` in one transaction, and keeps what it did unless it fails.
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
pub fn page<'s>(
    definition: &ResourceDefinition,
    resources: impl Iterator<Item = &'s Stored>,
    selection: &Selection<String>,
) -> Selected<Stored, String> {
    let mut found: Vec<(Place, &Stored)> = resources
        .map(|stored| (stored.document(definition, ""), stored))
        .filter(|(document, _)| {
            let condition = selection.condition.as_ref();
            condition.is_none_or(|condition| condition.matches(document))
        })
        .map(|(document, stored)| {
            let sort = selection.sort.as_ref();
            (
                Place::among(definition, &document, &stored.id, sort),
                stored,
            )
        })
        .collect();
    let descending = selection.sort.as_ref().is_some_and(|sort| sort.descending);
    found.sort_by(|(left, _), (right, _)| left.compare(right, descending));
    let total = found.len();
    let begin = match &selection.from {
        Start::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX).min(total),
        Start::After(keyset) => {
            let after = Place::of(keyset, selection.sort.as_ref().map(|sort| &sort.key));
            found.partition_point(|(place, _)| place.compare(&after, descending).is_le())
        }
    };
    let items = found.iter().skip(begin).take(selection.count);
    let items: Vec<Stored> = items.map(|(_, stored)| (*stored).clone()).collect();
    let end = begin + items.len();
    let last = end.checked_sub(1).and_then(|last| found.get(last));
    let next = last
        .filter(|_| !items.is_empty() && end < total)
        .map(|(place, _)| place.keyset());
    Selected {
        total: total as u64,
        items,
        next,
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
    Place::among(definition, &document, &stored.id, sort).keyset()
}

/// The place of a resource in an order.
struct Place {
    key: Option<SortValue>,
    id: String,
}

/// What a resource is sorted by.
enum SortValue {
    Text(String),
    Number(Number),
}

impl Place {
    fn new(key: Option<SortValue>, id: &str) -> Self {
        let id = id.to_owned();
        Self { key, id }
    }

    fn among(
        definition: &ResourceDefinition,
        document: &Map<String, Value>,
        id: &str,
        sort: Option<&Sort>,
    ) -> Self {
        let key = sort.and_then(|sort| sort_value(definition, document, &sort.key));
        Self::new(key, id)
    }

    fn of(keyset: &Keyset<String>, sort: Option<&SortKey>) -> Self {
        let key = keyset.key.as_str().and_then(|text| {
            Some(match sort?.numeric {
                true => SortValue::Number(serde_json::from_str(text).ok()?),
                false => SortValue::Text(text.to_owned()),
            })
        });
        Self::new(key, &keyset.id)
    }

    fn keyset(&self) -> Keyset<String> {
        let key = match &self.key {
            None => Value::Null,
            Some(SortValue::Text(text)) => text.as_str().into(),
            Some(SortValue::Number(number)) => number.to_string().into(),
        };
        let id = self.id.clone();
        Keyset { key, id }
    }

    /// RFC 7644 section 3.4.2.3: what is missing comes last ascending and first descending.
    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let by_key = match (&self.key, &other.key) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(left), Some(right)) => left.compare(right),
        };
        let by_key = if descending { by_key.reverse() } else { by_key };
        by_key.then_with(|| self.id.cmp(&other.id))
    }
}

impl SortValue {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => number::compare(left, right),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

/// The value by which a resource is sorted: of a multi-valued attribute the primary or first one.
fn sort_value(
    definition: &ResourceDefinition,
    document: &Map<String, Value>,
    key: &SortKey,
) -> Option<SortValue> {
    let searched = search_document(definition, document);
    let holder = match &key.target.extension {
        Some(uri) => searched.get(&**uri)?,
        None => &searched,
    };
    let value = holder.get(&*key.target.attribute)?;
    let value = match value {
        Value::Array(values) => values.first()?,
        single => single,
    };
    let value = match &key.target.sub_attribute {
        Some(name) => value.get(&**name)?,
        None => value,
    };
    Some(match value {
        Value::String(text) => SortValue::Text(text.clone()),
        Value::Number(number) => SortValue::Number(number.clone()),
        Value::Bool(truth) => SortValue::Text(truth.to_string()),
        _ => return None,
    })
}
