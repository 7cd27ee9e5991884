//! Queries: parameters of a GET, bodies of `.search`, list responses (RFC 7644 section 3.4.2,
//! RFC 9865).

mod list_response;
mod percent;
mod read;
mod write;

pub use list_response::ListResponse;

use crate::error::{Error, ScimType};
use crate::filter::Filter;
use crate::limits::Limits;
use crate::path::AttributePath;

/// Which attributes an answer holds (RFC 7644 section 3.9).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Projection {
    /// Nothing but these, and what is always returned.
    pub attributes: Vec<AttributePath>,
    /// All but these.
    pub excluded_attributes: Vec<AttributePath>,
}

impl Projection {
    /// Whether the request asked for no part in particular.
    ///
    /// ```
    /// assert!(scim_protocol::query::Projection::default().is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.excluded_attributes.is_empty()
    }
}

/// How results are cut into pages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Page {
    /// From an index on (RFC 7644 section 3.4.2.4).
    Index {
        /// The index of the first result, from 1.
        start_index: u64,
    },
    /// From a cursor on (RFC 9865).
    Cursor {
        /// The cursor; `None` for the first page.
        cursor: Option<String>,
    },
}

impl Default for Page {
    fn default() -> Self {
        Self::Index { start_index: 1 }
    }
}

/// A query.
///
/// ```
/// use scim_protocol::{Limits, Tolerance, query::{Page, Query}};
///
/// let (limits, mut tolerance) = (Limits::default(), Tolerance::default());
/// let query = Query::from_query_string(
///     "filter=userName%20eq%20%22ava%22&startIndex=0&count=5000",
///     &limits,
///     &mut tolerance,
/// )?;
/// assert_eq!(query.filter.as_ref().map(ToString::to_string).as_deref(), Some("userName eq \"ava\""));
/// assert_eq!(query.page, Page::Index { start_index: 1 });
/// assert_eq!(query.page_size(&limits)?, 1000);
/// # Ok::<(), scim_protocol::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Which attributes the answer holds.
    pub projection: Projection,
    /// Which resources.
    pub filter: Option<Filter>,
    /// By which attribute they are sorted.
    pub sort_by: Option<AttributePath>,
    /// Whether in descending order.
    pub descending: bool,
    /// From where on.
    pub page: Page,
    /// How many results the client asked for; negative is 0.
    pub count: Option<u64>,
}

impl Query {
    /// How many results a page holds.
    ///
    /// ```
    /// use scim_protocol::Limits;
    /// use scim_protocol::query::Query;
    ///
    /// let limits = Limits::default();
    /// assert_eq!(Query::default().page_size(&limits), Ok(100));
    /// assert!(Query::default().from_cursor(None).with_count(5_000).page_size(&limits).is_err());
    /// ```
    ///
    /// # Errors
    /// `invalidCount` for a cursor page larger than [`Limits::page_max`] (RFC 9865 section 2.1);
    /// an index page is cut to the limit instead (RFC 7644 section 3.4.2.4).
    pub fn page_size(&self, limits: &Limits) -> Result<usize, Error> {
        let Some(count) = self.count else {
            return Ok(limits.page_default);
        };
        // RFC 7644 section 3.4.2.4, RFC 9865 section 2: never more than the client asks for.
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > limits.page_max && matches!(self.page, Page::Cursor { .. }) {
            return Err(Error::new(
                ScimType::InvalidCount,
                format!("A page may hold {} results, not {count}.", limits.page_max),
            ));
        }
        Ok(count.min(limits.page_max))
    }
}

#[cfg(test)]
mod tests;
