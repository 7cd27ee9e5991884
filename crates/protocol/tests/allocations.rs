//! What the hot paths allocate. Times depend on the machine; these do not.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use scim_protocol::query::Projection;
use scim_protocol::resource::Projector;
use scim_protocol::{Filter, Limits, Resource, ResourceDefinition, Tolerance};
use serde_json::{Value, json};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: it hands every call on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's contract is the same.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = COUNT.get();
    let done = work();
    (COUNT.get() - before, done)
}

#[test]
fn a_filter_allocates_what_it_holds() {
    let limits = Limits::default();
    let mut tolerance = Tolerance::default();
    for (filter, expected) in [
        (r#"userName eq "ava@corp.example""#, 2),
        (r#"externalId eq "2819c223""#, 2),
        (r#"displayName sw "Ops""#, 2),
        (r#"id eq "2819c223""#, 2),
        (r#"active eq true"#, 1),
        (r#"title pr"#, 1),
        // With a sub-attribute, or the URI of a schema.
        (r#"meta.lastModified gt "2026-01-31T08:00:00Z""#, 3),
        (
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "Ops""#,
            3,
        ),
        // A path, a box for the filter in brackets, and what is in it.
        (r#"emails[value eq "ava@corp.example"]"#, 4),
        // The same with a list of two terms in it.
        (
            r#"emails[type eq "work" and value eq "ava@corp.example"]"#,
            7,
        ),
        // A list with room for two, and two terms.
        (r#"userName eq "ava" and active eq true"#, 4),
        // A list in a list.
        (r#"active eq true and (title eq "A" or title eq "B")"#, 7),
    ] {
        let (count, parsed) = allocations(|| Filter::parse(filter, &limits, &mut tolerance));
        assert!(parsed.is_ok(), "{filter}");
        assert!(
            count <= expected,
            "{filter}: {count} allocations, {expected} at most"
        );
    }
}

fn user() -> Value {
    let emails = ["work", "home"].map(|kind| {
        json!({"value": format!("ava.{kind}@corp.example"), "type": kind, "primary": kind == "work"})
    });
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "externalId": "701984", "userName": "ava@corp.example", "active": true, "title": "Engineer",
        "name": {"formatted": "Ava Li", "familyName": "Li", "givenName": "Ava"},
        "displayName": "Ava Li", "emails": emails,
        "phoneNumbers": [{"value": "+1 555 0100", "type": "work"}],
        "addresses": [{"type": "work", "streetAddress": "1 Main St", "locality": "Lyon"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
            {"department": "Ops", "costCenter": "4130", "manager": {"value": "26118915"}},
    })
}

#[test]
fn reading_a_resource_allocates_little_beyond_its_json() {
    let users = ResourceDefinition::user();
    let text = user().to_string();
    let (parsed, body) = allocations(|| serde_json::from_str::<Value>(&text).unwrap());
    let mut tolerance = Tolerance::default();
    let (read, resource) = allocations(|| Resource::read(&users, body, &mut tolerance));
    assert!(resource.is_ok() && tolerance.deviations().is_empty());
    assert!(
        read * 2 <= parsed,
        "{read} allocations, where its JSON took {parsed}"
    );
}

#[test]
fn showing_a_resource_allocates_no_more_than_a_copy() {
    let users = ResourceDefinition::user();
    let user = user();
    let attributes = user.as_object().unwrap();
    let projector = Projector::new(&users, &Projection::default());
    let (copied, copy) = allocations(|| attributes.clone());
    let (shown, part) = allocations(|| projector.project(attributes));
    assert_eq!(copy.len(), part.len());
    assert!(
        shown <= copied * 5 / 4,
        "{shown} allocations, where a copy takes {copied}"
    );
}
