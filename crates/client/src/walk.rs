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
    /// Every result of a query at an endpoint. Pages go by cursor (RFC 9865) if the query begins
    /// with one ([`Query::from_cursor`]), else by index; they are fetched as they are needed.
    ///
    /// A walk by index can miss or repeat what is created or deleted meanwhile (RFC 7644 section
    /// 3.4.2.4). After an error it is over.
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
        self.query = match &query.page {
            Page::Cursor { cursor } => match list.next_cursor {
                None => None,
                Some(next) if cursor.as_ref() == Some(&next) => {
                    return Err(unusable(200, Problem::Endless));
                }
                Some(next) => Some(query.from_cursor(Some(next))),
            },
            // A page may hold fewer than were asked for; one without results is the last.
            Page::Index { start_index } => {
                let next = start_index.saturating_add(found);
                let more = list.total_results.is_none_or(|total| next <= total);
                // Without resources, `count` was 0 or nothing is left.
                (more && found > 0).then(|| query.clone().from_index(next))
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
