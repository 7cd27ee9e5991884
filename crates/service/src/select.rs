//! Which resources, in which order, from where.

use scim_protocol::filter::{Condition, SortKey};
use serde_json::Value;

/// Which resources, in which order, from where; `I` is the id of a resource.
#[derive(Debug, Clone)]
pub struct Selection<I> {
    /// What they must satisfy; everything in scope without it.
    pub condition: Option<Condition>,
    /// How they are sorted; by id without it, and by id among equals.
    pub sort: Option<Sort>,
    /// Where the page begins.
    pub from: Start<I>,
    /// How many resources the page holds at most; 0 for the total alone.
    pub count: usize,
}

/// A sort order (RFC 7644 section 3.4.2.3). Missing values come last ascending, first descending.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    /// By which values.
    pub key: SortKey,
    /// Whether in descending order.
    pub descending: bool,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Start<I> {
    /// Behind this many resources.
    Offset(u64),
    /// Behind this resource.
    After(Keyset<I>),
}

/// The position of a resource in an order.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyset<I> {
    /// The sort key as text, of a number the way JSON writes it; null for a missing value and when
    /// there is no sort.
    pub key: Value,
    /// The id.
    pub id: I,
}

/// A page; `T` is what it holds.
#[derive(Debug, Clone)]
pub struct Selected<T, I> {
    /// How many resources satisfy the condition.
    pub total: u64,
    /// The page.
    pub items: Vec<T>,
    /// The position of the last item, when more follow it.
    pub next: Option<Keyset<I>>,
}

/// A resource of a page, before it is read.
#[derive(Debug, Clone)]
pub struct Place<T, I> {
    /// Where it stands in the order.
    pub keyset: Keyset<I>,
    /// About how many bytes it takes, with what is answered beside it.
    pub bytes: u64,
    /// The resource, where it was cheaper to read it at once.
    pub resource: Option<T>,
}
