//! GET of one resource (RFC 7644 section 3.4.1).

use scim_protocol::EntityTag;
use scim_protocol::query::Projection;

use crate::answer::{Answer, Request};
use crate::error::Refusal;
use crate::policy::{Apart, FailureOf, KindOf, Policy, Session, StoredResource};
use crate::{query, render, written};

/// What a write is asked to answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) projection: Projection,
    /// Whether nobody is shown the resource that is written.
    pub(crate) unread: bool,
}

/// Reads a resource.
pub(crate) fn read<P: Policy>(
    policy: &P,
    session: &P::Session,
    kind: KindOf<P>,
    id: &str,
    request: &Request<'_>,
) -> Result<Answer, FailureOf<P>> {
    let id = session.parse_id(id).ok_or(Refusal::NotFound)?;
    let projection = query::projection(session, request.query)?;
    policy.read(|view| {
        let stored = find(session, view, kind, &id, &projection)?;
        let tag = stored.tag();
        if request.if_none_match.is_some_and(|tags| tag.matches(tags)) {
            return Ok(Answer {
                version: Some(tag),
                ..Answer::empty(304)
            });
        }
        show(session, Some(view), kind, &stored, &projection, 200)
    })
}

/// The answer to a write that shows the resource as it is now, where anybody reads it.
pub(crate) fn answer<S: Session>(
    session: &S,
    view: &mut S::View<'_>,
    (kind, id): (S::Kind, &S::Id),
    asked: &Asked,
) -> Result<Answer, S::Failure> {
    let stored = find(session, view, kind, id, &asked.projection)?;
    if asked.unread {
        return Ok(unwritten(session, (kind, id), stored.tag(), 200));
    }
    show(session, Some(view), kind, &stored, &asked.projection, 200)
}

/// Whether the answer to a write leaves the resource out, because nobody reads it or because others
/// wait for the transaction and it is asked for with many values.
pub(crate) fn leaves_out<S: Session>(
    session: &S,
    view: &mut S::View<'_>,
    (kind, id): (S::Kind, &S::Id),
    asked: &Asked,
) -> Result<bool, S::Failure> {
    let Some(Apart::Paged(name)) = session.apart(kind) else {
        return Ok(false);
    };
    if asked.unread {
        return Ok(true);
    }
    let included = query::includes(session.definition(kind), &asked.projection, name);
    Ok(included && session.has_many_values(view, kind, id)?)
}

/// The answer to a write, without the resource.
pub(crate) fn unwritten<S: Session>(
    session: &S,
    (kind, id): (S::Kind, &S::Id),
    version: impl Into<EntityTag>,
    status: u16,
) -> Answer {
    Answer {
        location: Some(render::location(
            session.definition(kind),
            session.base_url(),
            id,
        )),
        version: Some(version.into()),
        ..Answer::empty(status)
    }
}

/// Shows the resource in the answer to a write that left it out because others waited. It is shown
/// as it is now, and not at all if it was deleted meanwhile or cannot be read: what was written is
/// written, and no answer may say otherwise.
pub(crate) fn complete<P: Policy>(
    policy: &P,
    session: &P::Session,
    (kind, id): (KindOf<P>, &<P::Session as Session>::Id),
    asked: &Asked,
    written: Answer,
) -> Answer {
    let status = written.status;
    let lacks = matches!(status, 200 | 201) && written.body.is_none() && written.written.is_none();
    if asked.unread || !lacks {
        return written;
    }
    let shown = policy.read(|view| match session.get_shown(view, kind, id, false)? {
        Some(stored) => show(
            session,
            Some(view),
            kind,
            &stored,
            &asked.projection,
            status,
        )
        .map(Some),
        None => Ok(None),
    });
    let shown = shown.unwrap_or_else(|failure| {
        policy.note_unshown(session, &failure);
        None
    });
    shown.unwrap_or(match status {
        200 => Answer {
            status: 204,
            ..written
        },
        _ => written,
    })
}

/// A resource with the values beside it that the request asked for and that are loaded with it.
fn find<S: Session>(
    session: &S,
    view: &mut S::View<'_>,
    kind: S::Kind,
    id: &S::Id,
    projection: &Projection,
) -> Result<S::Stored, S::Failure> {
    let beside = match session.apart(kind) {
        Some(Apart::Loaded(name)) => query::includes(session.definition(kind), projection, name),
        _ => false,
    };
    let found = session.get_shown(view, kind, id, beside)?;
    Ok(found.ok_or(Refusal::NotFound)?)
}

/// The answer that shows a resource, with the values kept apart that the request asked for; without
/// a view it is known to have none.
pub(crate) fn show<S: Session>(
    session: &S,
    view: Option<&mut S::View<'_>>,
    kind: S::Kind,
    stored: &S::Stored,
    projection: &Projection,
    status: u16,
) -> Result<Answer, S::Failure> {
    let definition = session.definition(kind);
    let of = written::Wanted::new(definition, projection);
    let shown = session.render(kind, stored, projection)?;
    let paged = match session.apart(kind) {
        Some(Apart::Paged(name)) => query::includes(definition, projection, name),
        _ => false,
    };
    let mut text = String::new();
    match view.filter(|_| paged) {
        None => written::resource(&of, shown, &mut text),
        Some(view) => {
            let what = (kind, stored.id(), shown);
            written::with_values(session, view, &of, what, &mut text, usize::MAX)?;
        }
    }
    Ok(Answer {
        written: Some(text),
        location: Some(render::location(
            definition,
            session.base_url(),
            stored.id(),
        )),
        version: Some(stored.tag()),
        ..Answer::empty(status)
    })
}
