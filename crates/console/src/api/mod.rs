//! The admin API: what administrators do, by script.
//!
//! Each resource has a file. Of an operation its handler says everything: method and path stand above
//! it, and the types of its arguments and of its answer say who may do it, what is read of the request
//! and what is answered. From that come the route, what is refused before the handler runs, and the
//! OpenAPI document. Errors are `application/problem+json` (RFC 9457). A write of what is there already
//! takes `If-Match`, so that nobody overwrites what they have not seen.

mod access;
mod accounts;
mod alerts;
mod answer;
mod api_keys;
mod audit;
mod configurations;
mod custom_fields;
mod declaration;
mod description;
mod events;
mod examples;
mod extract;
mod groups;
mod held;
mod input;
mod keys;
mod links;
mod mappings;
pub mod openapi;
mod operation;
mod parameters;
mod policy;
mod problem;
mod rehearsals;
mod runs;
mod services;
mod sessions;
mod streams;
mod tables;
#[cfg(test)]
mod tests;
mod tokens;
mod users;
mod why;
mod working;

use actix_web::middleware::{NormalizePath, from_fn};
use actix_web::{HttpRequest, HttpResponse, web};

use self::answer::ApiAnswer;
use self::operation::Operation;
use self::problem::Problem;
pub use self::services::ADMIN;
pub(crate) use self::services::Api;

/// Every operation, those of one path one after the other.
fn operations() -> Vec<Operation> {
    let mut operations: Vec<Operation> = [
        configurations::operations(),
        policy::operations(),
        tokens::operations(),
        mappings::operations(),
        working::operations(),
        sessions::operations(),
        held::operations(),
        links::operations(),
        events::operations(),
        users::operations(),
        groups::operations(),
        custom_fields::operations(),
        tables::operations(),
        accounts::operations(),
        alerts::operations(),
        api_keys::operations(),
        audit::operations(),
        keys::operations(),
        streams::operations(),
        declaration::operations(),
        why::operations(),
        runs::operations(),
        rehearsals::operations(),
        openapi::operations(),
    ]
    .into_iter()
    .flatten()
    .collect();
    operations.sort_by(|one, other| one.path.cmp(&other.path));
    operations
}

/// The admin API, which needs an [`Administration`](crate::Administration).
pub(crate) fn routes(app: &mut web::ServiceConfig) {
    let operations = operations();
    let mut scope = web::scope(ADMIN);
    for of_path in operations.chunk_by(|one, other| one.path == other.path) {
        let allowed: Vec<&str> = of_path
            .iter()
            .map(|operation| operation.method.as_str())
            .collect();
        let allowed = allowed.join(", ");
        let path = of_path.first().map_or("", |operation| &operation.path);
        let resource = of_path
            .iter()
            .fold(web::resource(path), |resource, operation| {
                resource.route(operation.route())
            });
        let resource = resource.default_service(web::to(move |request| {
            refuse(request, Problem::method(allowed.clone()))
        }));
        scope = scope.service(resource);
    }
    let nothing = |request| refuse(request, Problem::not_found("There is no such resource."));
    let scope = scope
        .default_service(web::to(nothing))
        .wrap(from_fn(access::authenticate))
        .wrap(NormalizePath::trim());
    app.service(scope);
}

async fn refuse(request: HttpRequest, problem: Problem) -> HttpResponse {
    ApiAnswer::from(problem).respond(&request)
}
