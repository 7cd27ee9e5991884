//! From a request to its answer.

use scim_protocol::{Error, resource};
use serde_json::Value;

use crate::answer::{Answer, Method, Request};
use crate::error::Refusal;
use crate::operation::{self, Write};
use crate::policy::{Attempt, FailureOf, KindOf, Policy, Session};
use crate::read::Asked;
use crate::route::Route;
use crate::{bulk, create, delete, discovery, query, read};

/// Creates a resource as a POST of this body would, in a session that the policy began itself.
///
/// # Errors
/// Why it is not created.
pub fn create_resource<P: Policy>(
    policy: &P,
    session: &P::Session,
    kind: KindOf<P>,
    body: Value,
) -> Result<Answer, FailureOf<P>> {
    policy.note_body(session, kind, &body);
    create::create(policy, session, kind, body, Asked::default())
}

/// Answers a request. What goes wrong is a SCIM error in the answer.
///
/// ```
/// use scim_protocol::ResourceDefinition;
/// use scim_service::{MemoryStore, Method, Request, ServiceProvider, answer};
///
/// let store = MemoryStore::new([ResourceDefinition::user()]);
/// let policy = ServiceProvider::new(store, "https://scim.example/v2", b"a secret of the server");
/// // Its callers are alike, and so are nobody in particular.
/// let refused = answer(&policy, &(), &Request::new(Method::Put, "/Users"));
/// assert_eq!((refused.status, refused.allow), (405, Some("GET, HEAD, POST")));
/// ```
pub fn answer<P: Policy>(policy: &P, caller: &P::Caller, request: &Request<'_>) -> Answer {
    let Some(route) = Route::parse(request.path, |endpoint| policy.kind_at(endpoint)) else {
        return Answer::from(&Error::with_status(404, "There is no such endpoint."));
    };
    if !route.allows(request.method) {
        return Answer {
            allow: Some(route.allow()),
            ..Answer::from(&route.method_not_allowed())
        };
    }
    let session = match policy.begin(caller, request) {
        Ok(session) => session,
        Err(answer) => return *answer,
    };
    dispatch(policy, &session, route, request).unwrap_or_else(|failure| {
        let method = request.method;
        policy.refuse(&session, Attempt { route, method }, failure)
    })
}

fn dispatch<P: Policy>(
    policy: &P,
    session: &P::Session,
    route: Route<'_, KindOf<P>>,
    request: &Request<'_>,
) -> Result<Answer, FailureOf<P>> {
    if let Some(kind) = route.kind() {
        session.check_kind(kind)?;
    }
    let limits = session.limits();
    match (route, request.method) {
        (Route::Collection(kind), Method::Get) => {
            query::list(policy, session, Some(kind), request.query)
        }
        (Route::Root, _) => query::list(policy, session, None, request.query),
        (Route::Search(kind), _) => {
            check_length(request.body, limits.body)?;
            let body = resource::parse_search(request.body, limits)?;
            query::search(policy, session, kind, body)
        }
        (Route::Bulk, _) => {
            check_length(request.body, limits.bulk_body)?;
            bulk::run(policy, session, resource::parse(request.body, limits)?)
        }
        (Route::Resource(kind, id), Method::Get) => read::read(policy, session, kind, id, request),
        (Route::Resource(kind, id), Method::Delete) => {
            delete::delete(policy, session, kind, id, request.if_match)
        }
        (Route::Collection(_) | Route::Resource(..), _) => {
            let projection = query::projection(session, request.query)?;
            check_length(request.body, limits.body)?;
            let write = Write {
                route,
                method: request.method,
                body: resource::parse(request.body, limits)?,
                projection,
                if_match: request.if_match,
                unread: false,
            };
            operation::write(policy, session, write)
        }
        (Route::Me, _) => Err(Refusal::NoSelf.into()),
        _ => discovery::answer(session, route, request.query),
    }
}

fn check_length(body: &[u8], limit: usize) -> Result<(), Error> {
    if body.len() <= limit {
        return Ok(());
    }
    Err(Error::with_status(
        413,
        format!("The body is longer than {limit} bytes."),
    ))
}
