//! What the HTTP side asks of everything behind it.

use std::net::IpAddr;
use std::sync::Arc;

use scim_protocol::Limits;
use scim_service::{Answer, Method, Request};
use uuid::Uuid;

/// Authentication and SCIM behind HTTP. Calls may block.
pub trait Service: Send + Sync + 'static {
    /// Whose token came with the request.
    ///
    /// # Errors
    /// [`Refusal`], which is what the client is told.
    fn authenticate(&self, presented: &Presented<'_>) -> Result<Arc<dyn Authenticated>, Refusal>;

    /// For whom the token that came with the request was issued, by the token alone. Does not block.
    fn claimed(&self, presented: &Presented<'_>) -> Option<Uuid>;

    /// The limits in force.
    fn limits(&self) -> &Limits;
}

/// A configuration that has shown who it is. Calls may block.
pub trait Authenticated: Send + Sync {
    /// By what it is told apart from others: each has a share of what the server can do.
    fn id(&self) -> Uuid;

    /// Answers a request that came with what was presented.
    fn answer(&self, presented: &Presented<'_>, request: &Request<'_>) -> Answer;

    /// Logs a request that was refused, with 429 and `detail`, before it was looked at.
    fn note_limit(&self, presented: &Presented<'_>, limit: Limit, detail: &str);
}

/// Of what a configuration asked too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Requests a second.
    Rate,
    /// Requests under way at once.
    AtOnce,
    /// Bytes of bodies under way at once.
    Bytes,
}

/// What a client shows of itself.
#[derive(Debug, Clone)]
pub struct Presented<'a> {
    /// The value of every `Authorization` header.
    pub authorization: Vec<&'a [u8]>,
    /// Where the request came from.
    pub source: Option<String>,
    /// The same as an address.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header.
    pub user_agent: Option<&'a str>,
    /// The id of the request.
    pub request_id: &'a str,
    /// The method.
    pub method: Method,
    /// The path below the SCIM endpoint; empty where it cannot be read.
    pub path: &'a str,
}

/// Why nobody is speaking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// 401, 403 or 503.
    pub status: u16,
    /// A sentence for the client.
    pub detail: String,
    /// The `WWW-Authenticate` header of a 401 (RFC 7235 section 3.1).
    pub challenge: Option<&'static str>,
    /// The `Retry-After` header, in seconds, of a client that is to come back.
    pub retry_after: Option<u64>,
}
