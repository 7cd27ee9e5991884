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
    /// The whole URL.
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
/// ```
/// use scim_client::{Client, Request, Response, Transport};
///
/// /// Answers everything with an empty list.
/// struct Nobody;
///
/// impl Transport for Nobody {
///     type Error = std::convert::Infallible;
///
///     fn send(&self, _request: &Request) -> Result<Response, Self::Error> {
///         let body = br#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
///             "totalResults": 0}"#;
///         Ok(Response { status: 200, headers: Vec::new(), body: body.to_vec() })
///     }
/// }
///
/// let client = Client::new(Nobody, "https://scim.example/v2");
/// let users = client.resources::<scim_protocol::user::User>(&Default::default());
/// assert_eq!(users.count(), 0);
/// ```
pub trait Transport {
    /// Why no answer came.
    type Error: std::error::Error;

    /// Sends a request.
    ///
    /// # Errors
    /// When no answer came.
    fn send(&self, request: &Request) -> Result<Response, Self::Error>;

    /// Waits before a request is repeated. The thread sleeps, unless you know better.
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
