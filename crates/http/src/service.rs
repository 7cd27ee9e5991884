//! What the HTTP side asks of everything behind it.

use std::net::IpAddr;
use std::sync::Arc;

use scim_protocol::Limits;
use scim_provisioning::{
    Answer, Caller, Configuration, ConfigurationId, Method, RefusedRequest, Request,
};

/// Authentication and SCIM behind HTTP. Calls may block.
pub trait Service: Send + Sync + 'static {
    /// The configuration whose token came with the request.
    ///
    /// # Errors
    /// [`Refusal`], which is what the client is told.
    fn authenticate(&self, presented: &Presented<'_>) -> Result<Arc<Configuration>, Refusal>;

    /// Which configuration the token that came with the request was issued for, by the token alone.
    /// Does not block.
    fn claimed(&self, presented: &Presented<'_>) -> Option<ConfigurationId>;

    /// Logs a request that was refused before it was looked at.
    fn note_refusal(&self, caller: &Caller, refused: &RefusedRequest<'_>);

    /// Answers a request.
    fn answer(&self, caller: &Caller, request: &Request<'_>) -> Answer;

    /// The limits in force.
    fn limits(&self) -> &Limits;
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
