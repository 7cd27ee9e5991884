//! POST (RFC 7644 section 3.3).

use scim_protocol::Resource;
use scim_protocol::query::Projection;
use serde_json::Value;

use crate::answer::Answer;
use crate::policy::{FailureOf, KindOf, Policy, Session};
use crate::read;

/// Creates a resource.
pub(crate) fn create<P: Policy>(
    policy: &P,
    session: &P::Session,
    kind: KindOf<P>,
    body: Value,
    projection: Projection,
) -> Result<Answer, FailureOf<P>> {
    let mut tolerance = session.tolerance();
    let resource = Resource::read(session.definition(kind), body, &mut tolerance)?;
    let draft = session.prepare(kind, resource, tolerance.into_deviations())?;
    let session = session.clone();
    policy.write(move |transaction| {
        let created = session.create(transaction, &draft)?;
        let view = (!created.bare).then(|| P::Session::view(transaction));
        read::show(&session, view, kind, &created.stored, &projection, 201)
    })
}
