//! What creates, replaces and modifies have in common.

use scim_protocol::Version;
use scim_protocol::query::Projection;
use serde_json::Value;

use crate::answer::{Answer, Method};
use crate::error::Refusal;
use crate::policy::{FailureOf, KindOf, Policy};
use crate::route::Route;
use crate::{create, update};

/// A create, replace or modify, from a request or from an operation of a bulk request.
pub(crate) struct Write<'a, K> {
    pub(crate) route: Route<'a, K>,
    pub(crate) method: Method,
    pub(crate) body: Value,
    pub(crate) projection: Projection,
    pub(crate) if_match: Option<&'a str>,
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
    match (write.route, write.method) {
        (Route::Collection(kind), _) => {
            create::create(policy, session, kind, write.body, write.projection)
        }
        (Route::Resource(kind, id), Method::Put) => {
            let update = update::replacement(session, kind, write.body)?;
            update::run(
                policy,
                session,
                (kind, id),
                update,
                write.projection,
                write.if_match,
            )
        }
        (Route::Resource(kind, id), _) => {
            let update = update::modification(session, write.body)?;
            update::run(
                policy,
                session,
                (kind, id),
                update,
                write.projection,
                write.if_match,
            )
        }
        _ => Err(Refusal::NotFound.into()),
    }
}

/// RFC 7644 section 3.14: a request that names another version changes nothing.
pub(crate) fn check_match(version: Version, if_match: Option<&str>) -> Result<(), Refusal> {
    match if_match {
        Some(header) if !version.matches(header) => Err(Refusal::VersionMismatch(version)),
        _ => Ok(()),
    }
}
