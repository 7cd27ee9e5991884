//! What the client asks of an HTTP client.

use std::time::Duration;

/// The method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Read.
    Get,
    /// Create, search or Bulk.
    Post,
    /// Replace.
    Put,
    /// Modify.
    Patch,
    /// Delete.
    Delete,
}

impl Method {
    /// The method as it is written.
    ///
    /// ```
    /// assert_eq!(scim_client::Method::Patch.as_str(), "PATCH");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A request as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole URL: base URL, path (its ids percent-encoded) and query.
    pub url: String,
    /// The headers; names are in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// An answer as it came in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of a name, in any case.
    ///
    /// ```
    /// use scim_client::Response;
    ///
    /// let busy = Response { headers: vec![("Retry-After".into(), "7".into())], ..Response::default() };
    /// assert_eq!(busy.header("retry-after"), Some("7"));
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// An HTTP client. It sends one request and answers what came, whatever the status: it follows no
/// redirects and repeats nothing.
///
/// A request goes out with its whole URL, base URL and query included. This one goes nowhere: a
/// service provider of `scim-service` in the same process answers it, as tests want it. `send` and
/// `wait` take `&self`, so that what counts or keeps requests does so in a `Cell`, a `RefCell`, or,
/// among threads, a `Mutex`.
///
/// ```
/// use std::cell::RefCell;
/// use std::time::Duration;
/// use scim_client::{Client, Method, Request, Response, Transport};
/// use scim_protocol::{ResourceDefinition, user::User};
/// use scim_service::{Answer, MemoryStore, ServiceProvider, wire::path_below};
///
/// struct InProcess {
///     provider: ServiceProvider<MemoryStore>,
///     asked: RefCell<Vec<String>>,
/// }
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("nobody is at {0}")]
/// struct NobodyThere(String);
///
/// impl Transport for InProcess {
///     type Error = NobodyThere;
///
///     fn send(&self, request: &Request) -> Result<Response, NobodyThere> {
///         self.asked.borrow_mut().push(request.url.clone());
///         let target = request.url.strip_prefix("https://scim.example");
///         let target = target.ok_or_else(|| NobodyThere(request.url.clone()))?;
///         let (path, query) = target.split_once('?').unwrap_or((target, ""));
///         let method = match request.method {
///             Method::Get => scim_service::Method::Get,
///             Method::Post => scim_service::Method::Post,
///             Method::Put => scim_service::Method::Put,
///             Method::Patch => scim_service::Method::Patch,
///             Method::Delete => scim_service::Method::Delete,
///         };
///         let if_match = request.headers.iter().find(|(name, _)| *name == "if-match");
///         // The path that a service provider is given is decoded; the query is as it was sent.
///         let answer = match path_below("/v2", path) {
///             Ok(path) => self.provider.answer(&scim_service::Request {
///                 query,
///                 body: &request.body,
///                 if_match: if_match.map(|(_, tag)| tag.as_str()),
///                 ..scim_service::Request::new(method, &path)
///             }),
///             Err(error) => Answer::from(&error),
///         };
///         let status = answer.status;
///         let body = answer.into_text().unwrap_or_default().into_bytes();
///         Ok(Response { status, body, ..Response::default() })
///     }
///
///     fn wait(&self, _pause: Duration) {} // A test does not sleep.
/// }
///
/// let store = MemoryStore::new([ResourceDefinition::user()]);
/// let provider = ServiceProvider::new(store, "https://scim.example/v2", b"a secret");
/// let here = InProcess { provider, asked: RefCell::default() };
/// let client = Client::new(&here, "https://scim.example/v2");
/// let ava = client.create(&User::new("ava"))?;
/// client.delete::<User>(ava.id.as_deref().unwrap_or_default(), None)?;
/// assert_eq!(client.resources::<User>(&Default::default()).count(), 0);
/// assert_eq!(here.asked.borrow().len(), 3);
///
/// let elsewhere = Client::new(&here, "https://scim.invalid");
/// let nobody = elsewhere.get::<User>("7").unwrap_err();
/// assert_eq!(nobody.to_string(), "no answer came: nobody is at https://scim.invalid/Users/7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Transport {
    /// Why no answer came.
    type Error: std::error::Error;

    /// Sends a request.
    ///
    /// # Errors
    /// When no answer came; an answer of any status is none.
    fn send(&self, request: &Request) -> Result<Response, Self::Error>;

    /// Waits before a request is repeated that was answered 429 or 503, as long as
    /// [`Patience`](crate::Patience) says. The thread sleeps, unless you know better.
    fn wait(&self, pause: Duration) {
        std::thread::sleep(pause);
    }
}

impl<T: Transport + ?Sized> Transport for &T {
    type Error = T::Error;

    fn send(&self, request: &Request) -> Result<Response, Self::Error> {
        (**self).send(request)
    }

    fn wait(&self, pause: Duration) {
        (**self).wait(pause);
    }
}
