//! From a query to parameters and `.search` bodies.

use serde_json::{Map, Value, json};

use super::percent::encode;
use super::{Page, Query};
use crate::error::Error;
use crate::filter::Filter;
use crate::limits::Limits;
use crate::path::AttributePath;
use crate::tolerance::Tolerance;
use crate::uri;
use crate::word::serde_as_message;

/// A query is built from [`Query::default`], which asks for everything.
///
/// ```
/// use scim_protocol::query::Query;
///
/// let query = Query::default()
///     .with_filter("userName eq \"ava\"".parse()?)
///     .with_attributes(["userName".parse()?, "emails.value".parse()?])
///     .with_count(10);
/// assert_eq!(
///     query.to_query_string(),
///     "attributes=userName,emails.value&filter=userName%20eq%20%22ava%22&count=10"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Query {
    /// Only resources that satisfy a filter.
    ///
    /// ```
    /// use scim_protocol::query::Query;
    ///
    /// let query = Query::default().with_filter("title pr".parse()?);
    /// assert_eq!(query.to_query_string(), "filter=title%20pr");
    /// # Ok::<(), scim_protocol::filter::FilterError>(())
    /// ```
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Only these attributes, and what is always returned.
    ///
    /// ```
    /// use scim_protocol::query::Query;
    ///
    /// let query = Query::default().with_attributes(["userName".parse()?]);
    /// assert_eq!(query.to_query_string(), "attributes=userName");
    /// # Ok::<(), scim_protocol::path::PathError>(())
    /// ```
    #[must_use]
    pub fn with_attributes(mut self, attributes: impl IntoIterator<Item = AttributePath>) -> Self {
        self.projection.attributes.extend(attributes);
        self
    }

    /// All attributes that are returned by default but these.
    ///
    /// ```
    /// use scim_protocol::query::Query;
    ///
    /// let query = Query::default().without_attributes(["members".parse()?]);
    /// assert_eq!(query.to_query_string(), "excludedAttributes=members");
    /// # Ok::<(), scim_protocol::path::PathError>(())
    /// ```
    #[must_use]
    pub fn without_attributes(
        mut self,
        attributes: impl IntoIterator<Item = AttributePath>,
    ) -> Self {
        self.projection.excluded_attributes.extend(attributes);
        self
    }

    /// Sorted by an attribute, in ascending order.
    ///
    /// ```
    /// use scim_protocol::query::Query;
    ///
    /// let query = Query::default().sorted_by("userName".parse()?);
    /// assert_eq!(query.to_query_string(), "sortBy=userName");
    /// # Ok::<(), scim_protocol::path::PathError>(())
    /// ```
    #[must_use]
    pub fn sorted_by(mut self, attribute: AttributePath) -> Self {
        self.sort_by = Some(attribute);
        self
    }

    /// In descending order.
    ///
    /// ```
    /// use scim_protocol::query::Query;
    ///
    /// let query = Query::default().sorted_by("userName".parse()?).in_descending_order();
    /// assert_eq!(query.to_query_string(), "sortBy=userName&sortOrder=descending");
    /// # Ok::<(), scim_protocol::path::PathError>(())
    /// ```
    #[must_use]
    pub fn in_descending_order(mut self) -> Self {
        self.descending = true;
        self
    }

    /// From an index on, counted from 1 (RFC 7644 section 3.4.2.4).
    ///
    /// ```
    /// use scim_protocol::query::Query;
    ///
    /// assert_eq!(Query::default().from_index(101).to_query_string(), "startIndex=101");
    /// ```
    #[must_use]
    pub fn from_index(mut self, start_index: u64) -> Self {
        self.page = Page::Index { start_index };
        self
    }

    /// From a cursor on; without one the first page of a walk by cursor (RFC 9865 section 2).
    ///
    /// ```
    /// use scim_protocol::query::Query;
    ///
    /// assert_eq!(Query::default().from_cursor(None).to_query_string(), "cursor=");
    /// assert_eq!(Query::default().from_cursor(Some("a+b".into())).to_query_string(), "cursor=a%2Bb");
    /// ```
    #[must_use]
    pub fn from_cursor(mut self, cursor: Option<String>) -> Self {
        self.page = Page::Cursor { cursor };
        self
    }

    /// No more results in a page than these.
    ///
    /// ```
    /// use scim_protocol::query::Query;
    ///
    /// assert_eq!(Query::default().with_count(0).to_query_string(), "count=0");
    /// ```
    #[must_use]
    pub fn with_count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// The query string of a GET, without the question mark; empty for everything.
    ///
    /// ```
    /// assert_eq!(scim_protocol::query::Query::default().to_query_string(), "");
    /// ```
    pub fn to_query_string(&self) -> String {
        let parameters = self.parameters().into_iter().map(|(name, value)| {
            let text = match value {
                Value::String(text) => encode(&text),
                Value::Array(names) => {
                    let names = names.iter().filter_map(Value::as_str).map(encode);
                    names.collect::<Vec<_>>().join(",")
                }
                other => other.to_string(),
            };
            format!("{name}={text}")
        });
        parameters.collect::<Vec<_>>().join("&")
    }

    /// The body of a `.search` request (RFC 7644 section 3.4.3).
    ///
    /// ```
    /// use scim_protocol::query::Query;
    /// use serde_json::json;
    ///
    /// let query = Query::default().with_filter("title pr".parse()?);
    /// let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
    ///     "filter": "title pr"});
    /// assert_eq!(query.to_json(), body);
    /// assert_eq!(Query::from_json(body)?, query);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_json(&self) -> Value {
        let schemas = ("schemas", json!([uri::SEARCH_REQUEST]));
        let members = std::iter::once(schemas).chain(self.parameters());
        Value::Object(Map::from_iter(
            members.map(|(name, value)| (name.to_owned(), value)),
        ))
    }

    /// Reads the body of a `.search` request within the default limits and in the tolerant profile.
    ///
    /// # Errors
    /// As [`from_search_request`](Self::from_search_request).
    pub fn from_json(body: Value) -> Result<Self, Error> {
        Self::from_search_request(body, &Limits::default(), &mut Tolerance::default())
    }

    fn parameters(&self) -> Vec<(&'static str, Value)> {
        let mut found = Vec::new();
        let projection = &self.projection;
        for (name, paths) in [
            ("attributes", &projection.attributes),
            ("excludedAttributes", &projection.excluded_attributes),
        ] {
            if !paths.is_empty() {
                let paths = paths.iter().map(|path| Value::from(path.to_string()));
                found.push((name, paths.collect()));
            }
        }
        if let Some(filter) = &self.filter {
            found.push(("filter", filter.to_string().into()));
        }
        if let Some(path) = &self.sort_by {
            found.push(("sortBy", path.to_string().into()));
        }
        if self.descending {
            found.push(("sortOrder", "descending".into()));
        }
        match &self.page {
            Page::Index { start_index: 1 } => {}
            Page::Index { start_index } => found.push(("startIndex", (*start_index).into())),
            // RFC 9865 section 2: who sends an empty cursor asks for the first page.
            Page::Cursor { cursor } => {
                let cursor = cursor.as_deref().unwrap_or_default();
                found.push(("cursor", cursor.into()));
            }
        }
        if let Some(count) = self.count {
            found.push(("count", count.into()));
        }
        found
    }
}

serde_as_message!(Query);
