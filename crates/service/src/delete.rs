//! DELETE (RFC 7644 section 3.6).

use crate::answer::Answer;
use crate::error::Refusal;
use crate::policy::{FailureOf, KindOf, Policy, Session, StoredResource};

/// Deletes a resource, or what the policy has in its place.
pub(crate) fn delete<P: Policy>(
    policy: &P,
    session: &P::Session,
    kind: KindOf<P>,
    id: &str,
    if_match: Option<&str>,
) -> Result<Answer, FailureOf<P>> {
    let id = session.parse_id(id).ok_or(Refusal::NotFound)?;
    let session = session.clone();
    let if_match = if_match.map(str::to_owned);
    policy.write(move |transaction| {
        remove::<P::Session>(&session, transaction, kind, &id, if_match.as_deref())
    })
}

/// Deletes a resource in a transaction.
pub(crate) fn remove<S: Session>(
    session: &S,
    transaction: &mut S::Transaction<'_>,
    kind: S::Kind,
    id: &S::Id,
    if_match: Option<&str>,
) -> Result<Answer, S::Failure> {
    let stored = session.lock(transaction, kind, id)?;
    let stored = stored.ok_or(Refusal::NotFound)?;
    Refusal::unless_matches(stored.version(), if_match)?;
    session.delete(transaction, kind, stored)?;
    Ok(Answer::empty(204))
}
