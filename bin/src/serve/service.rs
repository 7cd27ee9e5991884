//! What the HTTP side asks of everything behind it.

use crate::api::{ApiAnswer, ApiRequest};
use crate::console::{ConsoleAnswer, ConsoleRequest};
use std::net::IpAddr;
use std::sync::Arc;

use scim_protocol::Limits;
use scim_provisioning::{
    Answer, Caller, Configuration, ConfigurationId, Method, RefusedRequest, Request,
};

/// Authentication and SCIM behind HTTP. Calls may block.
pub(crate) trait Service: Send + Sync + 'static {
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

    /// Why a request to the admin API is refused before its body is read; `None` when it is not.
    fn admits(&self, request: &ApiRequest<'_>) -> Option<ApiAnswer>;

    /// Answers a request to the admin API.
    fn administer(&self, request: &ApiRequest<'_>) -> ApiAnswer;

    /// Answers a request to the console.
    fn console(&self, request: &ConsoleRequest<'_>) -> ConsoleAnswer;

    /// Whether a request to the console comes from somebody who is signed in.
    fn knows(&self, request: &ConsoleRequest<'_>) -> bool;

    /// The secret of the set-up link, if nobody can sign in yet.
    ///
    /// # Errors
    /// Why it cannot be known.
    fn setup_secret(&self) -> anyhow::Result<Option<String>>;

    /// The limits in force.
    fn limits(&self) -> &Limits;

    /// Whether the database can be reached.
    ///
    /// # Errors
    /// Why it cannot, for the log.
    fn ready(&self) -> anyhow::Result<()>;

    /// Does what time brings, such as deleting for good whose time has come.
    ///
    /// # Errors
    /// Why it could not be done; it is tried again later.
    fn housekeep(&self) -> anyhow::Result<()>;

    /// Does a step of the work that waits in the background, such as applying rules anew; answers
    /// whether there was any.
    ///
    /// # Errors
    /// Why it could not be done; it is tried again later.
    fn work(&self) -> anyhow::Result<bool>;
}

/// What a client shows of itself.
#[derive(Debug, Clone)]
pub(crate) struct Presented<'a> {
    /// The value of every `Authorization` header.
    pub(crate) authorization: Vec<&'a [u8]>,
    /// Where the request came from.
    pub(crate) source: Option<String>,
    /// The same as an address.
    pub(crate) address: Option<IpAddr>,
    /// The `User-Agent` header.
    pub(crate) user_agent: Option<&'a str>,
    /// The id of the request.
    pub(crate) request_id: &'a str,
    /// The method.
    pub(crate) method: Method,
    /// The path below the SCIM endpoint; empty where it cannot be read.
    pub(crate) path: &'a str,
}

/// Why nobody is speaking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// 401, 403 or 503.
    pub(crate) status: u16,
    /// A sentence for the client.
    pub(crate) detail: String,
    /// The `WWW-Authenticate` header of a 401 (RFC 7235 section 3.1).
    pub(crate) challenge: Option<&'static str>,
    /// The `Retry-After` header, in seconds, of a client that is to come back.
    pub(crate) retry_after: Option<u64>,
}
