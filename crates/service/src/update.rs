//! PUT and PATCH (RFC 7644 sections 3.5.1 and 3.5.2).
//!
//! What an update makes of a resource is computed before the transaction that writes it, which one
//! writer may run for everybody, and written if the resource is still what it was made of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scim_protocol::patch::PatchRequest;
use scim_protocol::{Error, Resource, Tolerance};
use serde_json::Value;

use crate::answer::Answer;
use crate::error::{Refusal, StoreError};
use crate::policy::{FailureOf, KindOf, Policy, Session, StoredResource, Update};
use crate::read::{self, Asked};

/// An update as it was read, and what was noted meanwhile, from which every attempt starts.
type ReadUpdate = (Update, Tolerance);

/// The update of a PUT.
pub(crate) fn replacement<S: Session>(
    session: &S,
    kind: S::Kind,
    body: Value,
) -> Result<ReadUpdate, Error> {
    let mut tolerance = session.tolerance();
    let resource = Resource::read(session.definition(kind), body, &mut tolerance)?;
    Ok((Update::Replace(resource), tolerance))
}

/// The update of a PATCH.
pub(crate) fn modification<S: Session>(session: &S, body: Value) -> Result<ReadUpdate, Error> {
    let mut tolerance = session.tolerance();
    let request = PatchRequest::read(body, session.limits(), &mut tolerance)?;
    Ok((Update::Modify(request), tolerance))
}

/// Carries out an update.
pub(crate) fn run<P: Policy>(
    policy: &P,
    session: &P::Session,
    (kind, id): (KindOf<P>, &str),
    (update, tolerance): ReadUpdate,
    asked: Asked,
    if_match: Option<&str>,
) -> Result<Answer, FailureOf<P>> {
    let request = Request::new(session, (kind, id), (update, tolerance), asked, if_match)?;
    let request = Arc::new(request);
    let budget = session.budget();
    let spent = budget.spent();
    for _ in 0..PLANS {
        // What others did meanwhile is no work that the client asked for.
        budget.return_to(spent);
        let mut plan = request.plan(session, policy.read(|view| request.find(session, view))?)?;
        if session.looks(&plan) {
            policy.read(|view| session.look(view, &mut plan, false))?;
        }
        policy.note_plan(false);
        let moved = Arc::new(AtomicBool::new(false));
        let (write, seen) = (Arc::clone(&request), Arc::clone(&moved));
        let writing = session.clone();
        let answer = policy.write(move |transaction| {
            seen.store(false, Ordering::Relaxed);
            let otherwise = Otherwise::Tell(&seen);
            write.run(&writing, transaction, Some(&plan), otherwise)
        });
        if !moved.load(Ordering::Relaxed) {
            return Ok(request.complete(policy, session, answer?));
        }
    }
    // Somebody else is always faster: now it is computed while nobody else can write it.
    policy.note_plan(true);
    let (write, writing) = (Arc::clone(&request), session.clone());
    let answer = policy.write(move |transaction| {
        // A store that runs it again does so because of others, too.
        writing.budget().return_to(spent);
        write.run(&writing, transaction, None, Otherwise::Plan)
    })?;
    Ok(request.complete(policy, session, answer))
}

/// An update under way.
pub(crate) struct Request<S: Session> {
    kind: S::Kind,
    id: S::Id,
    update: Update,
    tolerance: Tolerance,
    asked: Asked,
    if_match: Option<String>,
}

/// What is done where a plan is not of what is stored any more.
pub(crate) enum Otherwise<'a> {
    /// It is told, and the transaction rolled back.
    Tell(&'a AtomicBool),
    /// It is planned anew in the transaction.
    Plan,
}

impl<S: Session> Request<S> {
    pub(crate) fn new(
        session: &S,
        (kind, id): (S::Kind, &str),
        (update, tolerance): ReadUpdate,
        asked: Asked,
        if_match: Option<&str>,
    ) -> Result<Self, S::Failure> {
        Ok(Self {
            kind,
            id: session.parse_id(id).ok_or(Refusal::NotFound)?,
            update,
            tolerance,
            asked,
            if_match: if_match.map(str::to_owned),
        })
    }

    pub(crate) fn find(
        &self,
        session: &S,
        view: &mut S::View<'_>,
    ) -> Result<S::Stored, S::Failure> {
        let found = session.get(view, self.kind, &self.id, false)?;
        Ok(found.ok_or(Refusal::NotFound)?)
    }

    pub(crate) fn plan(&self, session: &S, stored: S::Stored) -> Result<S::Plan, S::Failure> {
        Refusal::unless_matches(stored.version(), self.if_match.as_deref())?;
        let tolerance = self.tolerance.clone();
        session.plan(self.kind, stored, &self.update, tolerance)
    }

    /// Writes what was planned if it is of what is stored; without a plan it is planned here.
    pub(crate) fn run(
        &self,
        session: &S,
        transaction: &mut S::Transaction<'_>,
        plan: Option<&S::Plan>,
        otherwise: Otherwise<'_>,
    ) -> Result<Answer, S::Failure> {
        let (kind, id) = (self.kind, &self.id);
        let stored = session.lock(transaction, kind, id)?;
        let stored = stored.ok_or(Refusal::NotFound)?;
        let version = stored.version();
        Refusal::unless_matches(version, self.if_match.as_deref())?;
        let fresh;
        let plan = match (plan, otherwise) {
            (Some(plan), _) if session.is_of(plan, &stored) => plan,
            (Some(_), Otherwise::Tell(moved)) => {
                moved.store(true, Ordering::Relaxed);
                return Err(StoreError::Stale.into());
            }
            _ => {
                let mut planned = self.plan(session, stored)?;
                if session.looks(&planned) {
                    session.look(S::view(transaction), &mut planned, true)?;
                }
                fresh = planned;
                &fresh
            }
        };
        let asked = &self.asked;
        let brief = matches!(self.update, Update::Modify(_)) && asked.projection.is_empty();
        let written = session.update(transaction, plan, version, brief)?;
        let place = (kind, id);
        if written.brief {
            return Ok(read::unwritten(session, place, written.version, 204));
        }
        let view = S::view(transaction);
        // Who asks for nothing particular is answered 204 where there are many values.
        let leaves_out = match brief && !asked.unread {
            true => false,
            false => read::leaves_out(session, view, place, asked)?,
        };
        match leaves_out {
            true => Ok(read::unwritten(session, place, written.version, 200)),
            false => read::answer(session, view, place, asked),
        }
    }

    /// Shows what was left out while others waited.
    fn complete<P: Policy<Session = S>>(&self, policy: &P, session: &S, answer: Answer) -> Answer {
        let place = (self.kind, &self.id);
        read::complete(policy, session, place, &self.asked, answer)
    }
}

/// How often an update is computed before it waits until nobody else can write.
pub(crate) const PLANS: usize = 4;
