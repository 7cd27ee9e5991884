//! All pages of a query, one after another.

use std::vec::IntoIter;

use scim_protocol::query::{Page, Query};
use serde_json::Value;

use crate::client::{Client, resource_of, unusable};
use crate::error::{ClientError, Problem};
use crate::resource::ScimResource;
use crate::transport::Transport;

/// The results of a query, page by page; see [`Client::walk`].
#[derive(Debug)]
pub struct Walk<'c, T> {
    client: &'c Client<T>,
    endpoint: String,
    /// What is asked for next; `None` when the last page was answered.
    query: Option<Query>,
    page: IntoIter<Value>,
    /// How many results were answered.
    seen: u64,
}

impl<T: Transport> Client<T> {
    /// Every result of a query at an endpoint, as JSON. Pages go by cursor (RFC 9865) if the query
    /// begins with one ([`Query::from_cursor`]), else by index; they are fetched as they are needed.
    ///
    /// A walk by cursor ends behind the page that names no next one. Where the first page names none
    /// and holds fewer than `totalResults`, the service provider knows no cursors and did not look at
    /// the one it was sent: the walk then goes on by index. A walk by index ends with the result of
    /// which `totalResults` says that it is the last, or with a page that has none; it can miss or
    /// repeat what is created or deleted meanwhile (RFC 7644 section 3.4.2.4).
    ///
    /// A page that cannot be had is an error, after which nothing comes: who needs all of them, to
    /// compare both sides, must not go on with what came before it.
    ///
    /// ```
    /// use scim_client::{Client, Request, Response, Transport};
    /// use scim_protocol::query::Query;
    ///
    /// /// Knows no cursors, and has three lamps, of which a page holds one.
    /// struct Lamps;
    ///
    /// impl Transport for Lamps {
    ///     type Error = std::convert::Infallible;
    ///
    ///     fn send(&self, request: &Request) -> Result<Response, Self::Error> {
    ///         let (_, index) = request.url.split_once("startIndex=").unwrap_or(("", "1"));
    ///         let body = format!(r#"{{"totalResults": 3, "startIndex": {index},
    ///             "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
    ///             "Resources": [{{"id": "lamp-{index}"}}]}}"#);
    ///         Ok(Response { status: 200, body: body.into_bytes(), ..Response::default() })
    ///     }
    /// }
    ///
    /// let client = Client::new(Lamps, "https://scim.example/v2");
    /// let lamps = client.walk("/Lamps", &Query::default().from_cursor(None));
    /// let lamps: Vec<_> = lamps.collect::<Result<_, _>>()?;
    /// assert_eq!(lamps[2]["id"], "lamp-3");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn walk(&self, endpoint: impl Into<String>, query: &Query) -> Walk<'_, T> {
        Walk {
            client: self,
            endpoint: endpoint.into(),
            query: Some(query.clone()),
            page: Vec::new().into_iter(),
            seen: 0,
        }
    }

    /// Every resource of a type that satisfies a query, as [`walk`](Self::walk) fetches them.
    ///
    /// A resource that cannot be read is an error in its place, and the iterator goes on behind it:
    /// it does not say that the walk is over, as a page that cannot be had does. To
    /// `collect::<Result<Vec<_>, _>>()` is to stop at the first error of either kind.
    pub fn resources<R: ScimResource>(
        &self,
        query: &Query,
    ) -> impl Iterator<Item = Result<R, ClientError<T::Error>>> + '_ {
        let found = self.walk(R::ENDPOINT, query);
        found.map(|resource| resource_of(200, resource?))
    }
}

impl<T: Transport> Walk<'_, T> {
    fn fetch(&mut self, query: Query) -> Result<(), ClientError<T::Error>> {
        let list = self.client.page_at(&self.endpoint, &query)?;
        let found = list.resources.len() as u64;
        self.seen = self.seen.saturating_add(found);
        // An empty cursor would ask for the first page again.
        let next_cursor = list.next_cursor.filter(|next| !next.is_empty());
        self.query = match (&query.page, next_cursor) {
            (Page::Cursor { cursor }, Some(next)) if cursor.as_ref() == Some(&next) => {
                return Err(unusable(200, Problem::Endless));
            }
            (Page::Cursor { .. }, Some(next)) => Some(query.from_cursor(Some(next))),
            // Who knows no cursors does not look at them, and answers the first page by index.
            (Page::Cursor { cursor: None }, None) if list.total_results.is_some() => {
                behind(&query, 1, found, list.total_results)
            }
            (Page::Cursor { .. }, None) => None,
            (Page::Index { start_index }, _) => {
                behind(&query, *start_index, found, list.total_results)
            }
        };
        self.page = list.resources.into_iter();
        Ok(())
    }

    /// How many results were fetched so far.
    pub fn seen(&self) -> u64 {
        self.seen
    }
}

/// What is asked for behind a page by index, if anything may be there. A page may hold fewer than were
/// asked for; without resources, `count` was 0 or nothing is left.
fn behind(query: &Query, start_index: u64, found: u64, total: Option<u64>) -> Option<Query> {
    let next = start_index.saturating_add(found);
    let more = total.is_none_or(|total| next <= total);
    (more && found > 0).then(|| query.clone().from_index(next))
}

impl<T: Transport> Iterator for Walk<'_, T> {
    type Item = Result<Value, ClientError<T::Error>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(resource) = self.page.next() {
                return Some(Ok(resource));
            }
            let query = self.query.take()?;
            if let Err(error) = self.fetch(query) {
                return Some(Err(error));
            }
        }
    }
}
