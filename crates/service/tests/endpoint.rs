//! The endpoint in the types of the crate `http`.
#![cfg(feature = "http")]
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use http::{Method, Request, Response, header};
use scim_protocol::{Limits, ResourceDefinition};
use scim_service::{
    HttpEndpoint, MemoryStore, ResourceStore, Rollback, ServiceProvider, StoreError, store::Work,
};
use serde_json::{Value, json};

fn known(token: &str) -> Option<()> {
    (token == "open").then_some(())
}

fn request(method: Method, uri: &str, authorization: &str, body: &str) -> Request<String> {
    let request = Request::builder().method(method).uri(uri);
    let request = request.header(header::AUTHORIZATION, authorization);
    request.body(body.to_owned()).unwrap()
}

fn document(response: &Response<Vec<u8>>) -> Value {
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/scim+json"
    );
    serde_json::from_slice(response.body()).unwrap()
}

#[test]
fn requests_are_answered_below_the_path() {
    let store = MemoryStore::new([ResourceDefinition::user()]);
    let provider = ServiceProvider::new(store, "https://x.example/v2", b"secret");
    let limits = Limits {
        body: 100,
        ..Limits::default()
    };
    let endpoint = HttpEndpoint::new("/v2/", provider.with_limits(limits), known);
    let ask = |method: Method, uri: &str, authorization: &str, body: &str| {
        endpoint.answer(&request(method, uri, authorization, body))
    };
    let ava = json!({"userName": "ava"}).to_string();
    let made = ask(Method::POST, "/v2/Users", "bearer open", &ava);
    assert_eq!(made.status(), 201);
    let location = made.headers()[header::LOCATION].to_str().unwrap();
    let path = location.strip_prefix("https://x.example").unwrap();
    let tag = made.headers()[header::ETAG].clone();
    assert_eq!(document(&made)["userName"], "ava");
    let long = json!({"userName": "a".repeat(100)}).to_string();
    for (method, uri, authorization, body, status) in [
        (Method::GET, "/v2/Users", "Bearer shut", "", 401),
        (Method::GET, "/v2/Users", "Basic open", "", 401),
        (Method::POST, "/v2/Users", "Bearer open", &*long, 413),
        (Method::POST, "/v2/Users", "Bearer shut", &*long, 401),
        (Method::GET, "/v2/Nothing", "Bearer open", "", 404),
        (Method::GET, "/v2/%ff", "Bearer open", "", 400),
        (Method::OPTIONS, "/v2/Users", "Bearer open", "", 405),
        (Method::HEAD, "/v2//Users/", "Bearer open", "", 200),
        // A body without a meaning is not looked at.
        (Method::GET, path, "Bearer open", "no json", 200),
        (Method::DELETE, path, "Bearer open", "", 204),
    ] {
        let answered = ask(method, uri, authorization, body);
        assert_eq!(answered.status(), status, "{uri} {authorization}");
        let headers = answered.headers();
        assert_eq!(
            headers.contains_key(header::WWW_AUTHENTICATE),
            status == 401
        );
        assert_eq!(headers.contains_key(header::ALLOW), status == 405);
        assert_eq!(answered.body().is_empty(), status == 204);
    }
    let again = ask(Method::POST, "/v2/Users", "Bearer open", &ava);
    let path = again.headers()[header::LOCATION].to_str().unwrap();
    let path = path.strip_prefix("https://x.example").unwrap();
    for (name, value, status) in [
        (header::IF_NONE_MATCH, tag.to_str().unwrap(), 304),
        (header::CONTENT_TYPE, "text/plain", 415),
    ] {
        let (method, body) = match status {
            415 => (Method::PUT, &*ava),
            _ => (Method::GET, ""),
        };
        let mut asked = request(method, path, "Bearer open", body);
        asked.headers_mut().append(name, value.parse().unwrap());
        assert_eq!(endpoint.answer(&asked).status(), status);
    }
}

/// A store whose database is gone.
struct Gone;

impl ResourceStore for Gone {
    fn definitions(&self) -> Vec<ResourceDefinition> {
        vec![ResourceDefinition::user()]
    }

    fn write(&self, _work: &mut Work<'_>) -> Result<(), Rollback> {
        Err(StoreError::Busy.into())
    }
}

#[test]
fn a_busy_store_is_503_and_says_no_more() {
    let provider = ServiceProvider::new(Gone, "https://x.example/v2", b"secret");
    let endpoint = HttpEndpoint::new("/v2", provider, known);
    let answered = endpoint.answer(&request(Method::GET, "/v2/Users", "Bearer open", ""));
    assert_eq!(answered.status(), 503);
    assert!(answered.headers().contains_key(header::RETRY_AFTER));
    let detail = document(&answered)["detail"].clone();
    assert_eq!(detail, "The server is busy; try again later.");
}
