//! `/admin`: extract, call, respond.

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::NormalizePath;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, guard, web};

use percent_encoding::percent_decode_str;
use scim_http::address;
use scim_http::body;
use scim_http::deadline::{self, Unfinished};
use scim_http::request::{Incoming, holds_nul};

use super::assets::{ASSETS, Asset};
use super::routes::{Parts, ROUTES, Route};
use super::signing_in;
use super::{CONSOLE, ConsoleAnswer, ConsoleRequest};
use crate::Administration;

/// The console.
pub(crate) fn routes(app: &mut web::ServiceConfig) {
    // HEAD is GET without the body.
    let reads = || guard::Any(guard::Get()).or(guard::Head());
    let mut scope = web::scope(CONSOLE);
    for asset in &ASSETS {
        let shown = move |request, shared| show_asset(request, shared, asset);
        scope = scope.service(web::resource(asset.path).guard(reads()).to(shown));
    }
    // What a method does not reach may be reached behind it: a page below one that varies.
    for route in ROUTES {
        let page = web::resource(route.pattern());
        let page = match route.method {
            "GET" => page.guard(reads()),
            _ => page.guard(guard::Post()),
        };
        scope = scope.service(
            page.to(move |request, payload, shared| handle(request, payload, shared, Some(route))),
        );
    }
    let elsewhere = |request, payload, shared| handle(request, payload, shared, None);
    let scope = scope.default_service(web::to(elsewhere));
    app.service(scope.wrap(NormalizePath::trim()));
}

/// Answers with a file that belongs to every page.
async fn show_asset(
    request: HttpRequest,
    shared: web::Data<Administration>,
    asset: &'static Asset,
) -> HttpResponse {
    match shared.admits(address::of(&request)) {
        true => respond(&shared, asset.answer()),
        false => plain(StatusCode::FORBIDDEN, NOT_ADMITTED),
    }
}

/// Answers a request to the console that leads to a page, or nowhere.
async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Administration>,
    route: Option<&'static Route>,
) -> HttpResponse {
    let incoming = Incoming::of(&request);
    if !shared.admits(incoming.address) {
        return plain(StatusCode::FORBIDDEN, NOT_ADMITTED);
    }
    // A path that holds one is refused as any other control character is.
    if holds_nul(request.query_string()) {
        return plain(StatusCode::BAD_REQUEST, "The address contains U+0000.");
    }
    let Ok(path) = incoming.below(CONSOLE) else {
        return plain(StatusCode::BAD_REQUEST, "The address cannot be read.");
    };
    // What would be a sign of the path itself was left encoded in it.
    let decoded = |part| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts = request.match_info().iter();
    let parts: Parts = parts
        .map(|(name, part)| (name.to_owned(), decoded(part)))
        .collect();
    let text = |name: HeaderName| {
        let value = request.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let cookie = text(header::COOKIE);
    let cookie = cookie.map(|cookie| shared.console.outside.cookies(cookie));
    let writes = request.method() == Method::POST;
    let known = writes && knows(&shared, cookie.clone()).await;
    let form = match known {
        true => body::within(&request, payload, FORM).await,
        // Whose session has ended sends what was entered in it all the same.
        false => {
            let ended = |begin: &[u8]| writes && shared.console.is_own_form(begin);
            body::within_or(&request, payload, STRANGERS_FORM, FORM, ended).await
        }
    };
    let form = match form {
        Ok(form) => form,
        // Whose session has ended is told so, and that what was entered is lost, not how long a
        // form may be.
        Err(error) if error.status() == 413 && writes && !known => {
            return respond(&shared, signing_in::ask_without_form(&path));
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            return plain(status, error.detail());
        }
    };
    if str::from_utf8(&form).is_ok_and(holds_nul) {
        return plain(StatusCode::BAD_REQUEST, "A field contains U+0000.");
    }
    let method = request.method().as_str().to_owned();
    let query = request.query_string().to_owned();
    let origin = text(header::ORIGIN);
    let (host, site) = (
        text(header::HOST),
        text(HeaderName::from_static("sec-fetch-site")),
    );
    let polled = text(HeaderName::from_static("x-fragment")).is_some_and(|how| how == "poll");
    let (source, administration) = (incoming.source(), shared.clone());
    let asks_provider = ASKS_PROVIDER.contains(&path.as_str());
    let work = move || {
        let request = ConsoleRequest {
            method: &method,
            path: &path,
            query: &query,
            body: &form,
            cookie: cookie.as_deref(),
            origin: origin.as_deref(),
            host: host.as_deref(),
            fetch_site: site.as_deref(),
            polled,
            source: source.as_deref(),
        };
        match route {
            Some(route) => administration.console.answer(&request, route, parts),
            None => administration.console.answer_elsewhere(&request),
        }
    };
    let work = deadline::for_request(&incoming.id, work);
    if asks_provider {
        let answer = shared.outbound.run(work).await;
        return answer.map_or_else(
            || {
                plain(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The OpenID provider does not answer.",
                )
            },
            |answer| respond(&shared, answer),
        );
    }
    match deadline::within(shared.patience, work).await {
        Ok(answer) => respond(&shared, answer),
        Err(unfinished) => without_result(unfinished, &incoming),
    }
}

/// What is answered where there is no result.
fn without_result(unfinished: Unfinished, incoming: &Incoming) -> HttpResponse {
    match unfinished {
        Unfinished::Late => {
            tracing::error!(request_id = %incoming.id, "the database does not answer in time");
            let mut response = plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "The database does not answer in time. Try again later.",
            );
            let seconds = HeaderValue::from(deadline::RETRY_AFTER);
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
            response
        }
        Unfinished::Failed => {
            tracing::error!(request_id = %incoming.id, "the request ended in an internal error");
            plain(StatusCode::INTERNAL_SERVER_ERROR, "The server failed.")
        }
    }
}

/// Whether somebody is signed in who brings a cookie.
async fn knows(shared: &web::Data<Administration>, cookie: Option<String>) -> bool {
    let administration = shared.clone();
    let work = move || {
        administration.console.knows(&ConsoleRequest {
            cookie: cookie.as_deref(),
            ..ConsoleRequest::default()
        })
    };
    deadline::within(shared.patience, work).await == Ok(true)
}

fn respond(shared: &Administration, answer: ConsoleAnswer) -> HttpResponse {
    sent(shared.console.outside.answer(answer))
}

fn sent(answer: ConsoleAnswer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status);
    let mut response = HttpResponse::build(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    if answer.lasting {
        response.insert_header((header::CACHE_CONTROL, "public, max-age=300"));
    }
    protect(&mut response);
    let download = answer
        .download
        .map(|name| format!("attachment; filename=\"{name}\""));
    let variable = [
        (header::CONTENT_DISPOSITION, download),
        (header::ALLOW, answer.allow),
        (
            header::RETRY_AFTER,
            answer.retry_after.map(|seconds| seconds.to_string()),
        ),
        (header::LOCATION, answer.location),
    ];
    for (name, value) in variable {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            response.insert_header((name, value));
        }
    }
    for cookie in answer.cookies {
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.append_header((header::SET_COOKIE, cookie));
        }
    }
    response.content_type(answer.media_type).body(answer.body)
}

/// What every page tells the browser to hold to.
fn protect(response: &mut HttpResponseBuilder) {
    for header in [
        ("content-security-policy", POLICY),
        ("referrer-policy", "same-origin"),
        ("permissions-policy", "clipboard-write=(self)"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        response.insert_header(header);
    }
}

fn plain(status: StatusCode, text: &str) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    protect(&mut response);
    response
        .content_type("text/plain; charset=utf-8")
        .body(format!("{text}\n"))
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
const NOT_ADMITTED: &str = "The console is not reached from your network.";
/// What asks the OpenID provider.
const ASKS_PROVIDER: [&str; 2] = ["/openid", "/openid/callback"];
/// The longest form of somebody who is not signed in, in bytes, unless it comes from a page of an
/// account here.
const STRANGERS_FORM: usize = 16 * 1024;
/// The longest form, in bytes: a mapping that is imported.
const FORM: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_sent_whole() {
        let answer = ConsoleAnswer {
            cookies: vec!["a=1".to_owned(), "b=2".to_owned()],
            retry_after: Some(7),
            ..ConsoleAnswer::html(429)
        };
        let response = sent(answer);
        assert_eq!(response.status(), 429);
        let headers = response.headers();
        assert_eq!(headers.get("retry-after").unwrap(), "7");
        assert_eq!(headers.get_all("set-cookie").count(), 2);
        assert!(headers.contains_key("content-security-policy"));
    }

    #[test]
    fn whoever_is_answered_too_late_is_told_when_to_come_again() {
        let request = actix_web::test::TestRequest::default().to_http_request();
        let incoming = Incoming::of(&request);
        let late = without_result(Unfinished::Late, &incoming);
        assert_eq!(late.status(), 503);
        assert_eq!(late.headers().get("retry-after").unwrap(), "5");
        let failed = without_result(Unfinished::Failed, &incoming);
        assert_eq!(failed.status(), 500);
        assert!(!failed.headers().contains_key("retry-after"));
    }
}
