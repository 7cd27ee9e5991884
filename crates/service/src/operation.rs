//! What creates, replaces and modifies have in common.

use scim_protocol::query::Projection;
use serde_json::Value;

use crate::answer::{Answer, Method};
use crate::error::Refusal;
use crate::policy::{FailureOf, KindOf, Policy};
use crate::read::Asked;
use crate::route::Route;
use crate::{create, update};

/// A create, replace or modify, from a request or from an operation of a bulk request.
pub(crate) struct Write<'a, K> {
    pub(crate) route: Route<'a, K>,
    pub(crate) method: Method,
    pub(crate) body: Value,
    pub(crate) projection: Projection,
    pub(crate) if_match: Option<&'a str>,
    /// Whether nobody is shown the resource that is written.
    pub(crate) unread: bool,
}

/// Carries out a write.
pub(crate) fn write<P: Policy>(
    policy: &P,
    session: &P::Session,
    write: Write<'_, KindOf<P>>,
) -> Result<Answer, FailureOf<P>> {
    if let Some(kind) = write.route.kind() {
        policy.note_body(session, kind, &write.body);
    }
    let Write {
        route,
        method,
        body,
        projection,
        if_match,
        unread,
    } = write;
    let asked = Asked { projection, unread };
    match (route, method) {
        (Route::Collection(kind), _) => create::create(policy, session, kind, body, asked),
        (Route::Resource(kind, id), Method::Put) => {
            let update = update::replacement(session, kind, body)?;
            update::run(policy, session, (kind, id), update, asked, if_match)
        }
        (Route::Resource(kind, id), _) => {
            let update = update::modification(session, body)?;
            update::run(policy, session, (kind, id), update, asked, if_match)
        }
        _ => Err(Refusal::NotFound.into()),
    }
}
