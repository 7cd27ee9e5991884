//! Every route of the server.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use scim_http::feed::FEED;
use scim_http::{answer, edge, endpoint, feed, request, status};

use crate::console::CONSOLE;

/// Every route of the server, which needs the data of each: the SCIM endpoint, the feed, the admin
/// API, the console, and whether it is there and ready.
pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/", web::route().to(front))
        .configure(status::routes)
        .configure(endpoint::routes)
        .configure(feed::routes)
        .configure(crate::routes)
        .default_service(web::route().to(not_found));
}

/// People who know the host alone are led to the console.
async fn front(request: HttpRequest) -> HttpResponse {
    match request.method().is_safe() {
        true => HttpResponse::SeeOther()
            .insert_header((header::LOCATION, CONSOLE))
            .finish(),
        false => not_found(request).await,
    }
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    let path = edge::path_of(&request);
    answer::problem(
        StatusCode::NOT_FOUND,
        &format!(
            "There is nothing here; SCIM is served below {path}{}, the feed below {path}{FEED}.",
            request::SCIM
        ),
        &request,
    )
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::http::Method;
    use actix_web::test::{TestRequest, call_service, init_service};

    use super::*;

    #[actix_web::test]
    async fn who_knows_the_host_alone_is_led_to_the_console() {
        let app = init_service(App::new().configure(routes)).await;
        for (method, uri, status) in [
            (Method::GET, "/", 303),
            (Method::POST, "/", 404),
            (Method::GET, "/nowhere", 404),
        ] {
            let request = TestRequest::with_uri(uri).method(method);
            let response = call_service(&app, request.to_request()).await;
            assert_eq!(response.status(), status, "{uri}");
        }
    }
}
