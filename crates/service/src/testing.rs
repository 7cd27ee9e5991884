//! The contract of a store: functions that a store's own tests call, and that panic where it is
//! broken.
//!
//! ```
//! use scim_protocol::ResourceDefinition;
//! use scim_service::{MemoryStore, testing};
//!
//! testing::check_store(|| MemoryStore::new([ResourceDefinition::user()]));
//! ```
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what is broken is told by a panic"
)]

use chrono::DateTime;
use scim_protocol::filter::SortKey;
use scim_protocol::{Filter, Limits, ResourceDefinition, Tolerance, Version};
use serde_json::{Map, Value, json};

use crate::error::{Abort, Failure, Rollback, StoreError};
use crate::select::{Selected, Selection, Sort, Start};
use crate::store::{self, ResourceStore, ResourceTransaction, Stored};

/// Checks everything that a service provider relies on. `make` makes an empty store, whose first
/// resource type is the built-in User or one that extends it, because the checks write users: a store
/// of other types takes its definitions as a parameter, and is given User here.
///
/// # Panics
/// Where the store breaks the contract.
///
/// ```
/// use scim_protocol::{ResourceDefinition, Schema};
/// use scim_service::{MemoryStore, testing};
///
/// /// The store of the server, which serves lamps and nothing else.
/// fn store(definitions: Vec<ResourceDefinition>) -> MemoryStore {
///     MemoryStore::new(definitions)
/// }
///
/// let lamp = Schema::new("urn:example:Lamp", "Lamp");
/// store(vec![ResourceDefinition::new("Lamp", "/Lamps", "A lamp", lamp)]);
/// testing::check_store(|| store(vec![ResourceDefinition::user()]));
/// ```
pub fn check_store<S: ResourceStore>(make: impl Fn() -> S) {
    check_transactions(&make());
    check_versions(&make());
    check_pages(&make());
    check_filters(&make());
}

/// What is written is kept, and what fails is not.
///
/// # Panics
/// Where the store breaks the contract.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_service::{MemoryStore, testing};
///
/// testing::check_transactions(&MemoryStore::new([ResourceDefinition::user()]));
/// ```
pub fn check_transactions<S: ResourceStore>(store: &S) {
    let kind = first(store);
    let kept = run(store, |tx| {
        insert(tx, kind.name(), json!({"userName": "kept"}))
    });
    let kept = kept.expect("an insert");
    let refused: Result<(), Failure> = run(store, |tx| {
        insert(tx, kind.name(), json!({"userName": "refused"}))?;
        tx.delete(kind.name(), &kept)?;
        Err(scim_protocol::Error::not_found().into())
    });
    assert!(
        matches!(refused, Err(Failure::Scim(_))),
        "the work's failure is answered"
    );
    let all = run(store, |tx| {
        select(tx, &kind, None, None, Start::Offset(0), 10)
    })
    .expect("a list");
    assert_eq!(all.total, 1, "a transaction that fails leaves nothing");
    let ids = run(store, |tx| {
        Ok([tx.new_id(kind.name())?, tx.new_id(kind.name())?])
    });
    let ids = ids.expect("ids");
    assert!(ids[0] != ids[1] && !ids.contains(&kept), "an id comes once");
    let read = run(store, |tx| Ok(tx.get(kind.name(), &kept)?)).expect("a read");
    assert_eq!(
        read.expect("what was inserted").attributes["userName"],
        "kept"
    );
    let mut reads = 0;
    let looked = store.read(&mut |tx| {
        reads += usize::from(tx.get(kind.name(), &kept)?.is_some());
        Ok(())
    });
    assert!(
        looked.is_ok() && reads >= 1,
        "a view shows what was committed"
    );
}

/// A resource is replaced at the version that it has, and deleted once.
///
/// # Panics
/// Where the store breaks the contract.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_service::{MemoryStore, testing};
///
/// testing::check_versions(&MemoryStore::new([ResourceDefinition::user()]));
/// ```
pub fn check_versions<S: ResourceStore>(store: &S) {
    let kind = first(store);
    let id = run(store, |tx| {
        insert(tx, kind.name(), json!({"userName": "ava"}))
    });
    let id = id.expect("an insert");
    let write = |expected: i64, next: i64| {
        run(store, |tx| {
            let stored = stored(
                &id,
                json!({"userName": "ava", "title": next.to_string()}),
                next,
            );
            Ok(tx.replace(kind.name(), Version(expected), stored)?)
        })
    };
    write(1, 2).expect("the version that it has");
    let stale = write(1, 3);
    assert!(
        matches!(stale, Err(Failure::Store(StoreError::Stale))),
        "another version is stale"
    );
    let read = run(store, |tx| Ok(tx.get(kind.name(), &id)?)).expect("a read");
    let read = read.expect("what was replaced");
    assert_eq!(
        (read.version, &read.attributes["title"]),
        (Version(2), &json!("2"))
    );
    let delete = || run(store, |tx| Ok(tx.delete(kind.name(), &id)?));
    delete().expect("a delete");
    assert!(
        matches!(delete(), Err(Failure::Store(StoreError::Stale))),
        "what is gone is stale"
    );
    let gone = run(store, |tx| Ok(tx.get(kind.name(), &id)?)).expect("a read");
    assert_eq!(gone, None);
}

/// Pages by offset and behind a resource hold every resource once, in order; a page may go on behind
/// any resource, because one is cut where it has as many bytes as it may.
///
/// # Panics
/// Where the store breaks the contract.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_service::{MemoryStore, testing};
///
/// testing::check_pages(&MemoryStore::new([ResourceDefinition::user()]));
/// ```
pub fn check_pages<S: ResourceStore>(store: &S) {
    let kind = first(store);
    for title in [Some("b"), None, Some("a"), Some("B"), None, Some("c")] {
        let document = json!({"userName": format!("{title:?}"), "title": title});
        run(store, |tx| insert(tx, kind.name(), document.clone())).expect("an insert");
    }
    let path = "title".parse().expect("a path");
    let key = SortKey::new(&kind, &path, &mut Tolerance::default()).expect("a sort key");
    for (descending, order) in [(false, "a b b c - -"), (true, "- - c b b a")] {
        let sort = Some(Sort {
            key: key.clone(),
            descending,
        });
        let list = |from, count| {
            let sort = sort.clone();
            run(store, |tx| {
                select(tx, &kind, None, sort.clone(), Start::clone(&from), count)
            })
        };
        let whole = list(Start::Offset(0), 10).expect("a list");
        assert_eq!((titles(&whole).as_str(), whole.total), (order, 6));
        assert!(whole.next.is_none(), "nothing follows the last one");
        let none = list(Start::Offset(0), 0).expect("a total");
        assert_eq!((none.total, none.items.len()), (6, 0));
        let (mut walked, mut from) = (Vec::new(), Start::Offset(0));
        loop {
            let page = list(from, 2).expect("a page");
            assert_eq!(page.total, 6, "the total is that of all pages");
            walked.push(titles(&page));
            match page.next {
                Some(keyset) => from = Start::After(keyset),
                None => break,
            }
        }
        assert_eq!(walked.join(" "), order, "pages one behind another");
        let by_offset: Vec<String> = [0, 2, 4]
            .map(|at| titles(&list(Start::Offset(at), 2).expect("a page")))
            .to_vec();
        assert_eq!(by_offset.join(" "), order, "pages by offset");
        for (at, stored) in whole.items.iter().enumerate() {
            let behind = Start::After(store::keyset(&kind, stored, sort.as_ref()));
            let rest = list(behind, 10).expect("a page");
            assert_eq!(
                rest.items,
                whole.items[at + 1..],
                "a page behind any resource"
            );
        }
    }
}

/// Filters select what the evaluator says.
///
/// # Panics
/// Where the store breaks the contract.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_service::{MemoryStore, testing};
///
/// testing::check_filters(&MemoryStore::new([ResourceDefinition::user()]));
/// ```
pub fn check_filters<S: ResourceStore>(store: &S) {
    let kind = first(store);
    let documents = [
        json!({"userName": "Ava", "active": true, "emails": [
            {"value": "ava@x.example", "type": "work"}, {"value": "a@y.example", "type": "home"}]}),
        json!({"userName": "ben", "active": false, "title": "Boss", "name": {"familyName": "Öz"}}),
        json!({"userName": "cy", "emails": [{"value": "cy@x.example", "type": "home"}]}),
    ];
    for document in documents {
        run(store, |tx| insert(tx, kind.name(), document.clone())).expect("an insert");
    }
    for filter in [
        "userName eq \"AVA\"",
        "userName sw \"b\" or userName ew \"Y\"",
        "not (title pr)",
        "active eq true",
        "active ne true",
        "emails[type eq \"work\" and value co \"x.example\"]",
        "emails.value eq \"cy@x.example\" and userName lt \"d\"",
        "name.familyName eq \"öz\"",
        "meta.lastModified gt \"1970-01-01T00:00:00Z\"",
        "meta.lastModified gt \"2030-01-01T00:00:00Z\"",
        "id pr",
    ] {
        let mut tolerance = Tolerance::default();
        let parsed = Filter::parse(filter, &Limits::default(), &mut tolerance).expect(filter);
        let condition = parsed.bind(&kind, &mut tolerance).expect(filter);
        let everything = run(store, |tx| {
            select(tx, &kind, None, None, Start::Offset(0), 10)
        });
        let everything = everything.expect("a list").items.into_iter();
        let wanted: Vec<String> = everything
            .filter(|stored| condition.matches(&stored.document(&kind, "")))
            .map(|stored| stored.id)
            .collect();
        let found = run(store, |tx| {
            select(
                tx,
                &kind,
                Some(condition.clone()),
                None,
                Start::Offset(0),
                10,
            )
        });
        let found = found.expect(filter);
        let ids: Vec<String> = found.items.into_iter().map(|stored| stored.id).collect();
        assert_eq!(ids, wanted, "{filter}");
        assert_eq!(found.total as usize, wanted.len(), "{filter}");
    }
}

fn first(store: &impl ResourceStore) -> ResourceDefinition {
    let first = store.definitions().into_iter().next();
    let first = first.expect("a resource type");
    assert!(
        first.core().id == scim_protocol::uri::USER,
        "the first resource type must be the built-in User or one that extends it, and is {}",
        first.name()
    );
    first
}

/// Runs work that answers something.
fn run<S: ResourceStore, T>(
    store: &S,
    mut work: impl FnMut(&mut dyn ResourceTransaction) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut slot = None;
    let ran: Result<(), Rollback> = store.write(&mut |tx| Failure::carry(work(tx), &mut slot));
    Failure::conclude(ran, slot)
}

fn insert(
    tx: &mut dyn ResourceTransaction,
    kind: &str,
    document: Value,
) -> Result<String, Failure> {
    let id = tx.new_id(kind)?;
    tx.insert(kind, stored(&id, document, 1))?;
    Ok(id)
}

fn stored(id: &str, document: Value, version: i64) -> Stored {
    let attributes = document.as_object().cloned().unwrap_or_else(Map::new);
    let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
    Stored {
        id: id.to_owned(),
        attributes: attributes
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect(),
        version: Version(version),
        created: at,
        last_modified: at,
    }
}

fn select(
    tx: &mut dyn ResourceTransaction,
    kind: &ResourceDefinition,
    condition: Option<scim_protocol::filter::Condition>,
    sort: Option<Sort>,
    from: Start<String>,
    count: usize,
) -> Result<Selected<Stored, String>, Failure> {
    let selection = Selection {
        condition,
        sort,
        from,
        count,
    };
    Ok(tx.select(kind, &selection)?)
}

fn titles(page: &Selected<Stored, String>) -> String {
    let titles = page.items.iter().map(|stored| {
        let title = stored.attributes.get("title").and_then(Value::as_str);
        title.unwrap_or("-").to_lowercase()
    });
    titles.collect::<Vec<_>>().join(" ")
}
