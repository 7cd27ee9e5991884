//! Requests of single resources, and what all requests share.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use scim_protocol::bulk::{BulkRequest, BulkResponse};
use scim_protocol::patch::PatchRequest;
use scim_protocol::query::{ListResponse, Query};
use scim_protocol::{ETag, Error, Resource};
use serde_json::Value;

use crate::error::{ClientError, Problem};
use crate::patience::Patience;
use crate::resource::ScimResource;
use crate::transport::{Method, Request, Response, Transport};

/// A client of one service provider.
///
/// ```no_run
/// use scim_client::{Client, UreqTransport};
/// use scim_protocol::patch::{PatchOperation, PatchPath, PatchRequest};
/// use scim_protocol::query::Query;
/// use scim_protocol::user::User;
///
/// let client = Client::new(UreqTransport::default(), "https://scim.example/v2")
///     .with_bearer_token("eyJhbGciOi...");
/// let ava = client.create(&User::new("ava@corp.example"))?;
/// let id = ava.id.as_deref().unwrap_or_default();
///
/// let block = PatchOperation::replace("active".parse::<PatchPath>()?, false);
/// client.patch::<User>(id, &PatchRequest::new([block]), None)?;
///
/// let sales = Query::default().with_filter("title eq \"Sales\"".parse()?);
/// for user in client.resources::<User>(&sales) {
///     println!("{}", user?.user_name);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An answer of 429 or 503 is waited out as [`Patience`] says; every other refusal is
/// [`ClientError::Refused`] with what the service provider says of it.
#[derive(Debug, Clone)]
pub struct Client<T> {
    transport: T,
    base_url: String,
    headers: Vec<(&'static str, String)>,
    media_type: String,
    patience: Patience,
}

impl<T: Transport> Client<T> {
    /// A client of the service provider at a base URL. Nothing is sent yet.
    pub fn new(transport: T, base_url: impl Into<String>) -> Self {
        let mut base_url = base_url.into();
        base_url.truncate(base_url.trim_end_matches('/').len());
        Self {
            transport,
            base_url,
            headers: Vec::new(),
            media_type: MEDIA_TYPE.to_owned(),
            patience: Patience::default(),
        }
        .with_header("accept", MEDIA_TYPE)
    }

    /// Authenticated by a bearer token (RFC 6750).
    #[must_use]
    pub fn with_bearer_token(self, token: &str) -> Self {
        self.with_header("authorization", format!("Bearer {token}"))
    }

    /// With a header of its own in every request; of a header there is one, the last.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let known = self.headers.iter_mut().find(|(known, _)| *known == name);
        match known {
            Some((_, there)) => *there = value.into(),
            None => self.headers.push((name, value.into())),
        }
        self
    }

    /// With bodies of another media type than `application/scim+json`.
    #[must_use]
    pub fn with_media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = media_type.into();
        self
    }

    /// With more or less patience.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// The HTTP client.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// Creates a resource (RFC 7644 section 3.3).
    ///
    /// # Errors
    /// [`ClientError`]; what is taken is a refusal of 409.
    pub fn create<R: ScimResource>(&self, resource: &R) -> Result<R, ClientError<T::Error>> {
        let body = self.body_of(resource);
        let created = self.send_json(Method::Post, R::ENDPOINT, Some(body), None)?;
        self.read(created)
    }

    /// The resource of an id (RFC 7644 section 3.4.1).
    ///
    /// # Errors
    /// [`ClientError`]; who is not there is a refusal of 404.
    pub fn get<R: ScimResource>(&self, id: &str) -> Result<R, ClientError<T::Error>> {
        let found = self.send_json(Method::Get, &path_of::<R>(id), None, None)?;
        self.read(found)
    }

    /// Replaces a resource (RFC 7644 section 3.5.1), if it has an entity tag where one is given.
    ///
    /// # Errors
    /// [`ClientError`]; another version than the one given is a refusal of 412.
    pub fn replace<R: ScimResource>(
        &self,
        id: &str,
        resource: &R,
        version: Option<&ETag>,
    ) -> Result<R, ClientError<T::Error>> {
        let body = self.body_of(resource);
        let replaced = self.send_json(Method::Put, &path_of::<R>(id), Some(body), version)?;
        self.read(replaced)
    }

    /// Changes a resource (RFC 7644 section 3.5.2), if it has an entity tag where one is given. A
    /// service provider may answer nothing.
    ///
    /// # Errors
    /// [`ClientError`]; another version than the one given is a refusal of 412.
    pub fn patch<R: ScimResource>(
        &self,
        id: &str,
        request: &PatchRequest,
        version: Option<&ETag>,
    ) -> Result<Option<R>, ClientError<T::Error>> {
        let body = Some(request.to_json());
        let answer = self.send_json(Method::Patch, &path_of::<R>(id), body, version)?;
        match answer.1 {
            None => Ok(None),
            Some(_) => self.read(answer).map(Some),
        }
    }

    /// Deletes a resource (RFC 7644 section 3.6), if it has an entity tag where one is given.
    ///
    /// # Errors
    /// [`ClientError`]; who is not there is a refusal of 404.
    pub fn delete<R: ScimResource>(
        &self,
        id: &str,
        version: Option<&ETag>,
    ) -> Result<(), ClientError<T::Error>> {
        let path = path_of::<R>(id);
        self.send_json(Method::Delete, &path, None, version)?;
        Ok(())
    }

    /// One page of the resources of a type (RFC 7644 section 3.4.2).
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn page<R: ScimResource>(
        &self,
        query: &Query,
    ) -> Result<ListResponse<R>, ClientError<T::Error>> {
        let (status, list) = self.list(R::ENDPOINT, query)?;
        list.try_map(|resource| resource_of(status, resource))
    }

    /// One page of what an endpoint lists, as JSON.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn page_at(
        &self,
        endpoint: &str,
        query: &Query,
    ) -> Result<ListResponse, ClientError<T::Error>> {
        Ok(self.list(endpoint, query)?.1)
    }

    /// Runs a bulk request (RFC 7644 section 3.7). That operations failed is told by their outcomes.
    ///
    /// # Errors
    /// [`ClientError`] for the request as a whole.
    pub fn bulk(&self, request: &BulkRequest) -> Result<BulkResponse, ClientError<T::Error>> {
        let body = Some(request.to_json());
        let (status, answer) = self.send_json(Method::Post, "/Bulk", body, None)?;
        let answer = answer.ok_or_else(|| unusable(status, Problem::Empty))?;
        BulkResponse::from_json(answer).map_err(|error| unusable(status, Problem::Document(error)))
    }

    /// Sends a request of any kind below the base URL, and waits for a server that is busy. Whatever
    /// comes in the end is answered. A path without a slash in front has one put there.
    ///
    /// # Errors
    /// [`ClientError::Transport`] when no answer came.
    pub fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        version: Option<&ETag>,
    ) -> Result<Response, ClientError<T::Error>> {
        let mut headers = self.headers.clone();
        if body.is_some() {
            headers.push(("content-type", self.media_type.clone()));
        }
        if let Some(version) = version {
            headers.push(("if-match", version.to_string()));
        }
        let request = Request {
            method,
            url: self.url_of(path),
            headers,
            body: body
                .map(|body| body.to_string().into_bytes())
                .unwrap_or_default(),
        };
        let mut attempt = 1;
        loop {
            let sent = self.transport.send(&request);
            let response = sent.map_err(ClientError::Transport)?;
            if !self.patience.repeats(response.status, attempt) {
                return Ok(response);
            }
            let asked = response.header("retry-after");
            self.transport.wait(self.patience.pause(asked, attempt));
            attempt += 1;
        }
    }

    /// The status and the document of an answer that is no refusal.
    pub(crate) fn send_json(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        version: Option<&ETag>,
    ) -> Result<(u16, Option<Value>), ClientError<T::Error>> {
        let response = self.send(method, path, body.as_ref(), version)?;
        let status = response.status;
        if !(200..300).contains(&status) {
            return Err(ClientError::Refused(refusal(&response)));
        }
        if response.body.is_empty() {
            return Ok((status, None));
        }
        match serde_json::from_slice(&response.body) {
            Ok(document) => Ok((status, Some(document))),
            Err(_) => Err(unusable(status, Problem::NoJson)),
        }
    }

    fn list(
        &self,
        endpoint: &str,
        query: &Query,
    ) -> Result<(u16, ListResponse), ClientError<T::Error>> {
        let query = query.to_query_string();
        let path = match query.is_empty() {
            true => endpoint.to_owned(),
            false => format!("{endpoint}?{query}"),
        };
        let (status, body) = self.send_json(Method::Get, &path, None, None)?;
        let body = body.ok_or_else(|| unusable(status, Problem::Empty))?;
        let list = ListResponse::from_json(body);
        let list = list.map_err(|error| unusable(status, Problem::Document(error)))?;
        Ok((status, list))
    }

    fn url_of(&self, path: &str) -> String {
        // Whoever has `Users` of a service provider's documents must not ask for `/v2Users`.
        let joint = match path.is_empty() || path.starts_with(['/', '?']) {
            true => "",
            false => "/",
        };
        format!("{}{joint}{path}", self.base_url)
    }

    fn body_of<R: ScimResource>(&self, resource: &R) -> Value {
        let resource: Resource = resource.clone().into();
        Value::Object(resource.into_map())
    }

    fn read<R: ScimResource>(
        &self,
        (status, document): (u16, Option<Value>),
    ) -> Result<R, ClientError<T::Error>> {
        let document = document.ok_or_else(|| unusable(status, Problem::Empty))?;
        resource_of(status, document)
    }
}

/// A resource of an answer.
pub(crate) fn resource_of<R: ScimResource, E>(
    status: u16,
    document: Value,
) -> Result<R, ClientError<E>> {
    R::from_response(document).map_err(|error| unusable(status, Problem::Document(error)))
}

pub(crate) fn unusable<E>(status: u16, problem: Problem) -> ClientError<E> {
    ClientError::Unusable { status, problem }
}

/// What a service provider says when it refuses: without an error response, the status alone.
fn refusal(response: &Response) -> Error {
    let body = serde_json::from_slice(&response.body).ok();
    let error = body.and_then(|body: Value| Error::from_json(body).ok());
    // What counts is the status of the answer, whatever its body says.
    let error = error.filter(|error| error.status() == response.status);
    error.unwrap_or_else(|| Error::with_status(response.status, "The request was refused."))
}

fn path_of<R: ScimResource>(id: &str) -> String {
    format!("{}/{}", R::ENDPOINT, utf8_percent_encode(id, SEGMENT))
}

/// RFC 3986 section 2.3: what is not unreserved is escaped.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const MEDIA_TYPE: &str = "application/scim+json";
