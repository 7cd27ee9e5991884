#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method as HttpMethod;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use scim_protocol::Limits;
use scim_service::{Answer, Method, Request};
use serde_json::{Value, json};
use uuid::Uuid;

use std::sync::Arc;

use actix_web::{App, middleware, web};

use crate::admission::Bounds;
use crate::edge::{self, Edge};
use crate::endpoint::{self, Endpoint};
use crate::readiness::Readiness;
use crate::service::{Authenticated, Limit, Presented, Refusal, Service};
use crate::status::{self, Product};
use crate::throttle::{self, Throttle};

/// Knows one token and answers with what it was asked.
struct Echo {
    limits: Limits,
}

struct Known;

impl Service for Echo {
    fn authenticate(&self, presented: &Presented<'_>) -> Result<Arc<dyn Authenticated>, Refusal> {
        match presented.authorization.as_slice() {
            [b"Bearer good"] => Ok(Arc::new(Known)),
            _ => Err(Refusal {
                status: 401,
                detail: "The token is not valid.".to_owned(),
                retry_after: None,
                challenge: Some("Bearer realm=\"scim\""),
            }),
        }
    }

    fn claimed(&self, presented: &Presented<'_>) -> Option<Uuid> {
        (presented.authorization == [b"Bearer good"]).then_some(Known.id())
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }
}

impl Authenticated for Known {
    fn id(&self) -> Uuid {
        Uuid::from_u128(1)
    }

    fn answer(&self, presented: &Presented<'_>, request: &Request<'_>) -> Answer {
        match request.path {
            "/panic" => panic!("a mistake"),
            "/fail" => Answer::json(500, json!({"detail": "a secret"})),
            "/busy" => Answer {
                retry_after: Some(2),
                ..Answer::empty(503)
            },
            "/refuse" => Answer {
                allow: Some("GET"),
                ..Answer::json(405, json!({}))
            },
            _ => Answer {
                location: Some("https://scim.example.com/x".to_owned()),
                version: Some(scim_protocol::Version(7).into()),
                ..Answer::json(200, echo(presented, request))
            },
        }
    }

    fn note_limit(&self, _presented: &Presented<'_>, limit: Limit, _detail: &str) {
        assert_eq!(limit, Limit::Rate);
    }
}

fn echo(presented: &Presented<'_>, request: &Request<'_>) -> Value {
    json!({
        "get": request.method == Method::Get,
        "other": request.method == Method::Other,
        "path": request.path,
        "query": request.query,
        "body": request.body.len(),
        "ifMatch": request.if_match,
        "source": presented.source,
        "requestId": presented.request_id,
    })
}

async fn call(request: TestRequest) -> ServiceResponse<BoxBody> {
    call_all(vec![request]).await.pop().unwrap()
}

async fn call_all(requests: Vec<TestRequest>) -> Vec<ServiceResponse<BoxBody>> {
    let service = Echo {
        limits: Limits {
            body: 1_024,
            bulk_body: 4_096,
            ..Limits::default()
        },
    };
    let endpoint = Endpoint::new(
        Arc::new(service),
        Arc::new(Throttle::new(1, throttle::MINUTE)),
        Bounds {
            at_once: 4,
            share: 2,
            rate: 4,
            bytes: 8_192,
        },
    );
    let away = || Err::<(), _>(std::io::Error::other("the database is away"));
    let app = App::new()
        .app_data(web::Data::new(endpoint))
        .app_data(web::Data::new(Readiness::start(away).unwrap()))
        .app_data(web::Data::new(Product {
            name: "test",
            version: "1",
        }))
        .app_data(web::Data::new(Edge {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..Edge::default()
        }))
        .wrap(middleware::from_fn(edge::guard))
        .configure(endpoint::routes)
        .configure(status::routes);
    let app = init_service(app).await;
    let mut responses = Vec::new();
    for request in requests {
        responses.push(call_service(&app, request.to_request()).await);
    }
    responses
}

fn to(method: HttpMethod, uri: &str) -> TestRequest {
    TestRequest::with_uri(uri)
        .method(method)
        .peer_addr("192.0.2.1:1234".parse().unwrap())
        .insert_header(("Authorization", "Bearer good"))
}

fn post(uri: &str, body: &str) -> TestRequest {
    to(HttpMethod::POST, uri)
        .insert_header(("Content-Type", "application/scim+json"))
        .insert_header(("Content-Length", body.len().to_string()))
        .set_payload(body.to_owned())
}

fn header(response: &ServiceResponse<BoxBody>, name: &str) -> String {
    let value = response.headers().get(name);
    value
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default()
}

async fn body(response: ServiceResponse<BoxBody>) -> Value {
    serde_json::from_slice(&read_body(response).await).unwrap()
}

#[actix_web::test]
async fn a_request_reaches_the_service_as_it_was_sent() {
    let request =
        post("/api/scim/v2/Users%2dx/?a=%20b", "{}").insert_header(("If-Match", "W/\"1\""));
    let response = call(request).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "application/scim+json");
    assert_eq!(header(&response, "location"), "https://scim.example.com/x");
    assert_eq!(header(&response, "etag"), "W/\"7\"");
    let id = header(&response, "x-request-id");
    let body = body(response).await;
    assert_eq!(
        body,
        json!({"get": false, "other": false, "path": "/Users-x", "query": "a=%20b", "body": 2,
            "ifMatch": "W/\"1\"", "source": "192.0.2.1", "requestId": id})
    );
}

#[actix_web::test]
async fn head_is_get_and_an_unknown_method_is_left_to_the_service() {
    let response = call(to(HttpMethod::HEAD, "/api/scim/v2/Users")).await;
    assert_eq!(body(response).await["get"], true);
    let method = HttpMethod::from_bytes(b"BREW").unwrap();
    let response = call(to(method, "/api/scim/v2/Users")).await;
    assert_eq!(body(response).await["other"], true);
}

#[actix_web::test]
async fn every_response_carries_the_fixed_headers_and_an_id_of_our_own() {
    for uri in ["/api/scim/v2/Users", "/healthz", "/nowhere"] {
        let request = to(HttpMethod::GET, uri).insert_header(("X-Request-Id", "theirs"));
        let response = call(request).await;
        assert_eq!(header(&response, "cache-control"), "no-store", "{uri}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(
            header(&response, "strict-transport-security"),
            "max-age=31536000"
        );
        let id = header(&response, "x-request-id");
        assert!(Uuid::parse_str(&id).is_ok(), "{uri}: {id}");
    }
}

#[actix_web::test]
async fn authentication_comes_before_the_body_and_before_404() {
    for uri in [
        "/api/scim/v2/Users",
        "/api/scim/v2/nowhere",
        "/api/scim/v2/%ff",
    ] {
        let long = "x".repeat(5_000);
        let request = post(uri, &long)
            .insert_header(("Content-Type", "text/plain"))
            .insert_header(("Authorization", "Bearer bad"));
        let response = call(request).await;
        assert_eq!(response.status(), 401, "{uri}");
        assert_eq!(
            header(&response, "www-authenticate"),
            "Bearer realm=\"scim\""
        );
        assert_eq!(body(response).await["status"], "401");
    }
}

#[actix_web::test]
async fn a_body_one_byte_too_long_is_413() {
    for (uri, length, status) in [
        ("/api/scim/v2/Users", 1_024, 200),
        ("/api/scim/v2/Users", 1_025, 413),
        ("/api/scim/v2/Bulk/", 4_096, 200),
        ("/api/scim/v2/bulk", 4_097, 413),
    ] {
        let text = "x".repeat(length);
        let response = call(post(uri, &text)).await;
        assert_eq!(response.status(), status, "{uri} announced {length}");
        let unannounced = to(HttpMethod::POST, uri)
            .insert_header(("Transfer-Encoding", "chunked"))
            .set_payload(text);
        let response = call(unannounced).await;
        assert_eq!(response.status(), status, "{uri} chunked {length}");
        if status == 413 {
            assert_eq!(body(response).await["status"], "413");
        }
    }
}

#[actix_web::test]
async fn media_types_of_bodies_are_checked() {
    for (media_type, status) in [
        ("application/scim+json", 200),
        ("application/json; charset=iso-8859-1", 200),
        ("Application/SCIM+JSON;charset=utf-8;x=y", 200),
        ("application/jsonp", 415),
        ("text/plain", 415),
        ("", 415),
    ] {
        let request = post("/api/scim/v2/Users", "{}").insert_header(("Content-Type", media_type));
        assert_eq!(call(request).await.status(), status, "{media_type:?}");
    }
    let without = to(HttpMethod::PUT, "/api/scim/v2/Users").set_payload("{}");
    let without = without.insert_header(("Content-Length", "2"));
    assert_eq!(call(without).await.status(), 200);
    let no_body =
        to(HttpMethod::POST, "/api/scim/v2/Users").insert_header(("Content-Type", "text/plain"));
    assert_eq!(call(no_body).await.status(), 200);
}

#[actix_web::test]
async fn the_edge_refuses_in_scim_shape() {
    let scim = || to(HttpMethod::GET, "/api/scim/v2/Users");
    for (request, status) in [
        (scim().insert_header(("Upgrade", "h2c")), 400),
        (scim().append_header(("Authorization", "Bearer good")), 401),
        (scim().insert_header(("Content-Encoding", "gzip")), 415),
        (scim().insert_header(("Content-Encoding", "identity")), 200),
        (to(HttpMethod::CONNECT, "/api/scim/v2/Users"), 405),
        (
            to(HttpMethod::GET, "/api/scim/v2/Users?a=1&access_token=good"),
            403,
        ),
        (
            TestRequest::get().uri("/api/scim/v2/Users?access_token=good"),
            401,
        ),
    ] {
        let response = call(request).await;
        assert_eq!(response.status(), status);
        if status != 200 {
            assert_eq!(body(response).await["status"], status.to_string());
        }
    }
}

#[actix_web::test]
async fn what_fails_inside_is_not_told_to_the_client() {
    for (path, status) in [("fail", 500), ("panic", 500), ("busy", 503)] {
        let response = call(to(HttpMethod::GET, &format!("/api/scim/v2/{path}"))).await;
        assert_eq!(response.status(), status, "{path}");
        let (id, retry) = (
            header(&response, "x-request-id"),
            header(&response, "retry-after"),
        );
        assert_eq!(retry, if path == "busy" { "2" } else { "" });
        let detail = body(response).await["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&id) && !id.is_empty(), "{detail}");
        assert!(
            !detail.contains("secret") && !detail.contains("mistake"),
            "{detail}"
        );
    }
    let response = call(post("/api/scim/v2/panic", "{}")).await;
    assert_eq!(response.status(), 500);
}

#[actix_web::test]
async fn a_refused_method_says_which_are_allowed() {
    let response = call(to(HttpMethod::GET, "/api/scim/v2/refuse")).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "allow")),
        (405, "GET".to_owned())
    );
}

#[actix_web::test]
async fn failures_beyond_the_limit_are_429_and_a_valid_token_never_is() {
    let bad = || to(HttpMethod::GET, "/api/scim/v2/Users").insert_header(("Authorization", "x"));
    let good = || to(HttpMethod::GET, "/api/scim/v2/Users");
    let elsewhere = bad().peer_addr("192.0.2.2:1".parse().unwrap());
    let nothing =
        || TestRequest::with_uri("/api/scim/v2/Users").peer_addr("192.0.2.1:1234".parse().unwrap());
    let requests = vec![
        nothing(),
        nothing(),
        bad(),
        bad(),
        nothing(),
        good(),
        elsewhere,
    ];
    let responses = call_all(requests).await;
    let status: Vec<u16> = responses.iter().map(|one| one.status().as_u16()).collect();
    assert_eq!(status, [401, 401, 401, 429, 401, 200, 401]);
    let seconds: u64 = header(&responses[3], "retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds));
}

#[actix_web::test]
async fn other_routes_answer_without_authentication() {
    for (method, uri, status) in [
        (HttpMethod::GET, "/healthz", 200),
        (HttpMethod::GET, "/version", 200),
        (HttpMethod::POST, "/healthz", 405),
        (HttpMethod::GET, "/readyz", 503),
        (HttpMethod::GET, "/api/scim/v2x", 404),
    ] {
        let response = call(TestRequest::with_uri(uri).method(method)).await;
        assert_eq!(response.status(), status, "{uri}");
        let text = read_body(response).await;
        assert!(!String::from_utf8_lossy(&text).contains("away"), "{uri}");
    }
}

#[actix_web::test]
async fn the_client_is_who_the_proxy_says_and_nobody_else_says_so() {
    for (peer, source) in [("10.0.0.9:1", "192.0.2.7"), ("192.0.2.1:1", "192.0.2.1")] {
        let request = to(HttpMethod::GET, "/api/scim/v2/Users")
            .peer_addr(peer.parse().unwrap())
            .insert_header(("X-Forwarded-For", "1.1.1.1, 192.0.2.7"));
        let answer = body(call(request).await).await;
        assert_eq!(answer["source"], source);
    }
}

#[actix_web::test]
async fn a_configuration_that_asks_too_fast_is_told_when_to_come_again() {
    let mut requests: Vec<_> = (0..21)
        .map(|_| to(HttpMethod::GET, "/api/scim/v2/Users"))
        .collect();
    requests.push(to(HttpMethod::GET, "/healthz"));
    let mut responses = call_all(requests).await;
    assert_eq!(
        responses.pop().unwrap().status(),
        200,
        "nobody else is held up"
    );
    let last = responses.pop().unwrap();
    assert!(responses.iter().all(|response| response.status() == 200));
    assert_eq!(last.status(), 429);
    let seconds: u64 = header(&last, "retry-after").parse().unwrap();
    assert!((1..=2).contains(&seconds), "{seconds}");
    assert_eq!(header(&last, "content-type"), "application/scim+json");
    let error = body(last).await;
    assert_eq!(error["status"], "429");
    assert_eq!(error["schemas"], json!([scim_protocol::schema::uri::ERROR]));
}
