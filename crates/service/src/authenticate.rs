//! Who speaks.

use scim_protocol::Error;

/// Who speaks. A function from a bearer token to its caller is one.
///
/// ```
/// use scim_service::Authenticate;
///
/// let known = |token: &str| (token == "open sesame").then_some("Ali");
/// assert_eq!(known.authenticate(Some("Bearer open sesame")), Ok("Ali"));
/// assert_eq!(known.authenticate(Some("Bearer barley")).unwrap_err().status(), 401);
/// assert_eq!(known.authenticate(None).unwrap_err().status(), 401);
/// ```
pub trait Authenticate: Send + Sync + 'static {
    /// Who may speak.
    type Caller: Send + 'static;

    /// Finds out who sent a request by its `Authorization` header. It may block.
    ///
    /// # Errors
    /// What the client is told, 401 for somebody unknown.
    fn authenticate(&self, authorization: Option<&str>) -> Result<Self::Caller, Error>;
}

impl<C, F> Authenticate for F
where
    C: Send + 'static,
    F: Fn(&str) -> Option<C> + Send + Sync + 'static,
{
    type Caller = C;

    fn authenticate(&self, authorization: Option<&str>) -> Result<C, Error> {
        let presented = authorization.and_then(|value| value.split_once(' '));
        let bearer = presented.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
        let caller = bearer.and_then(|(_, token)| self(token.trim()));
        caller.ok_or_else(|| Error::with_status(401, "The bearer token is missing or unknown."))
    }
}
