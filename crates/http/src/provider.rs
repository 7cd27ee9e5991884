//! The SCIM endpoint of any service provider, as an actix-web service.

use std::sync::Arc;

use actix_web::dev::{AppService, HttpServiceFactory};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use scim_protocol::{Error, Limits};
pub use scim_service::Authenticate;
use scim_service::{Policy, answer};

use crate::answer::Reply;
use crate::body;
use crate::request::Incoming;

/// The SCIM endpoint of a service provider, to be registered with an actix-web application.
///
/// ```no_run
/// use actix_web::{App, HttpServer};
/// use scim_http::ScimEndpoint;
/// use scim_protocol::ResourceDefinition;
/// use scim_service::{MemoryStore, ServiceProvider};
///
/// # async fn run() -> std::io::Result<()> {
/// let store = MemoryStore::new([ResourceDefinition::user()]);
/// let provider = ServiceProvider::new(store, "http://localhost:8080/scim/v2", b"secret");
/// let known = |token: &str| (token == "open sesame").then_some(());
/// let endpoint = ScimEndpoint::new("/scim/v2", provider, known);
/// HttpServer::new(move || App::new().service(endpoint.clone()))
///     .bind(("127.0.0.1", 8080))?
///     .run()
///     .await
/// # }
/// ```
pub struct ScimEndpoint<P, A> {
    served: web::Data<Served<P, A>>,
}

struct Served<P, A> {
    path: String,
    provider: P,
    authenticate: A,
    limits: Limits,
}

impl<P, A> Clone for ScimEndpoint<P, A> {
    fn clone(&self) -> Self {
        let served = self.served.clone();
        Self { served }
    }
}

impl<P, A> ScimEndpoint<P, A>
where
    P: Policy<Caller = A::Caller> + 'static,
    A: Authenticate,
{
    /// The endpoint at a path, such as `/scim/v2`.
    pub fn new(path: &str, provider: P, authenticate: A) -> Self {
        Self::with_limits(path, provider, authenticate, Limits::default())
    }

    /// The same, reading no longer bodies than the limits allow.
    pub fn with_limits(path: &str, provider: P, authenticate: A, limits: Limits) -> Self {
        let served = web::Data::new(Served {
            path: path.trim_end_matches('/').to_owned(),
            provider,
            authenticate,
            limits,
        });
        Self { served }
    }
}

impl<P, A> HttpServiceFactory for ScimEndpoint<P, A>
where
    P: Policy<Caller = A::Caller> + 'static,
    A: Authenticate,
{
    fn register(self, config: &mut AppService) {
        web::scope(&self.served.path)
            .app_data(self.served.clone())
            .default_service(web::to(handle::<P, A>))
            .register(config);
    }
}

async fn handle<P, A>(
    request: HttpRequest,
    payload: web::Payload,
    served: web::Data<Served<P, A>>,
) -> HttpResponse
where
    P: Policy<Caller = A::Caller> + 'static,
    A: Authenticate,
{
    let reply = reply(&request, payload, &served).await;
    reply.unwrap_or_else(|reply| reply).into_response()
}

/// Nothing of a body is read before it is known who sends it.
async fn reply<P, A>(
    request: &HttpRequest,
    payload: web::Payload,
    served: &web::Data<Served<P, A>>,
) -> Result<Reply, Reply>
where
    P: Policy<Caller = A::Caller> + 'static,
    A: Authenticate,
{
    let incoming = Arc::new(Incoming::of(request));
    let refused = |error: Error| Reply::error(&error);
    let path = incoming.below(&served.path).map_err(refused)?;
    let (asked, theirs) = (served.clone(), Arc::clone(&incoming));
    let caller = web::block(move || {
        let shown = theirs.authorization.first();
        let shown = shown.and_then(|value| std::str::from_utf8(value).ok());
        asked.authenticate.authenticate(shown)
    });
    let caller = caller
        .await
        .map_err(|_gone| Reply::internal(&incoming.id))?;
    let caller = caller.map_err(unauthenticated)?;
    let takes = incoming.takes_body();
    let body = body::taken(request, payload, takes, &path, &served.limits);
    let body = body.await.map_err(refused)?;
    let (asked, theirs) = (served.clone(), Arc::clone(&incoming));
    let answered = web::block(move || {
        let request = theirs.request(&path, &body);
        answer(&asked.provider, &caller, &request)
    });
    let answered = answered
        .await
        .map_err(|_gone| Reply::internal(&incoming.id))?;
    Ok(Reply::new(answered, &incoming.id))
}

/// RFC 7235 section 3.1: a 401 says how to authenticate.
fn unauthenticated(error: Error) -> Reply {
    let reply = Reply::error(&error);
    match error.status() {
        401 => reply.with(header::WWW_AUTHENTICATE, "Bearer"),
        _ => reply,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
    use actix_web::{App, http::Method};
    use scim_protocol::ResourceDefinition;
    use scim_service::{MemoryStore, ServiceProvider};
    use serde_json::{Value, json};

    use super::*;

    #[actix_web::test]
    async fn a_service_provider_is_served_to_those_who_are_known() {
        let store = MemoryStore::new([ResourceDefinition::user()]);
        let provider = ServiceProvider::new(store, "https://x.example/v2", b"secret");
        let known = |token: &str| (token == "open").then_some(());
        let limits = Limits {
            body: 100,
            ..Limits::default()
        };
        let endpoint = ScimEndpoint::with_limits("/v2", provider, known, limits);
        let app = init_service(App::new().service(endpoint)).await;
        let ask = |method: Method, uri: &str, token: &str, body: Value| {
            let request = TestRequest::with_uri(uri).method(method);
            let request = request.insert_header((header::AUTHORIZATION, token.to_owned()));
            match body.is_null() {
                true => request.to_request(),
                false => request
                    .set_payload(body.to_string())
                    .insert_header((header::CONTENT_TYPE, "application/scim+json"))
                    .to_request(),
            }
        };
        let ava = || json!({"userName": "ava"});
        let made = call_service(&app, ask(Method::POST, "/v2/Users", "bearer open", ava())).await;
        assert_eq!(made.status(), 201);
        let location = made.headers().get(header::LOCATION).unwrap();
        let location = location.to_str().unwrap().to_owned();
        assert!(made.headers().contains_key(header::ETAG));
        let path = location.strip_prefix("https://x.example").unwrap();
        let found = call_service(&app, ask(Method::GET, path, "Bearer open", Value::Null)).await;
        let found: Value = read_body_json(found).await;
        assert_eq!(found["userName"], "ava");
        let long = json!({"userName": "a".repeat(100)});
        for (method, uri, token, body, status) in [
            (Method::GET, "/v2/Users", "Bearer shut", Value::Null, 401),
            (Method::GET, "/v2/Users", "Basic open", Value::Null, 401),
            (Method::POST, "/v2/Users", "Bearer open", long.clone(), 413),
            (Method::POST, "/v2/Users", "Bearer shut", long, 401),
            (Method::GET, "/v2/Nothing", "Bearer open", Value::Null, 404),
            (Method::HEAD, "/v2/Users", "Bearer open", Value::Null, 200),
            (Method::DELETE, path, "Bearer open", Value::Null, 204),
        ] {
            let answered = call_service(&app, ask(method, uri, token, body)).await;
            assert_eq!(answered.status(), status, "{uri} {token}");
            let challenged = answered.headers().contains_key(header::WWW_AUTHENTICATE);
            assert_eq!(challenged, status == 401);
        }
    }
}
