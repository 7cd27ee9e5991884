//! POST (RFC 7644 section 3.3).

use scim_protocol::Resource;
use serde_json::Value;

use crate::answer::Answer;
use crate::policy::{Created, FailureOf, KindOf, Policy, Session, StoredResource};
use crate::read::{self, Asked};

/// Creates a resource.
pub(crate) fn create<P: Policy>(
    policy: &P,
    session: &P::Session,
    kind: KindOf<P>,
    body: Value,
    asked: Asked,
) -> Result<Answer, FailureOf<P>> {
    let draft = draft(session, kind, body)?;
    let (writing, shown) = (session.clone(), asked.clone());
    let (id, answer) = policy.write(move |transaction| {
        insert::<P::Session>(&writing, transaction, kind, &draft, &shown)
    })?;
    let place = (kind, &id);
    Ok(read::complete(policy, session, place, &asked, answer))
}

/// Reads what is to be created.
pub(crate) fn draft<S: Session>(
    session: &S,
    kind: S::Kind,
    body: Value,
) -> Result<S::Draft, S::Failure> {
    let mut tolerance = session.tolerance();
    let resource = Resource::read(session.definition(kind), body, &mut tolerance)?;
    session.prepare(kind, resource, tolerance.into_deviations())
}

/// Creates what was read, in a transaction.
pub(crate) fn insert<S: Session>(
    session: &S,
    transaction: &mut S::Transaction<'_>,
    kind: S::Kind,
    draft: &S::Draft,
    asked: &Asked,
) -> Result<(S::Id, Answer), S::Failure> {
    let created = session.create(transaction, draft)?;
    let id = created.stored.id().clone();
    let answer = answer(session, transaction, kind, &created, asked)?;
    Ok((id, answer))
}

fn answer<S: Session>(
    session: &S,
    transaction: &mut S::Transaction<'_>,
    kind: S::Kind,
    created: &Created<S::Stored>,
    asked: &Asked,
) -> Result<Answer, S::Failure> {
    let stored = &created.stored;
    if asked.unread {
        let place = (kind, stored.id());
        return Ok(read::unwritten(session, place, stored.tag(), 201));
    }
    if created.bare {
        return read::show(session, None, kind, stored, &asked.projection, 201);
    }
    let view = S::view(transaction);
    let place = (kind, stored.id());
    if read::leaves_out(session, view, place, asked)? {
        return Ok(read::unwritten(session, place, stored.version(), 201));
    }
    read::show(session, Some(view), kind, stored, &asked.projection, 201)
}
