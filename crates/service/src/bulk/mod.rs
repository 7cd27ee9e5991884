//! Bulk requests (RFC 7644 section 3.7): the same operations, one after another.
//!
//! They are carried out in pieces: one transaction for as many as a store finds fit, each operation
//! a part of it that is undone alone. What does not need the transaction is done before it
//! ([`ahead`]), what refers to an operation of the same piece within ([`piece`]).

mod ahead;
mod batch;
mod piece;

use std::sync::Arc;

use scim_protocol::Error;
use scim_protocol::bulk::{BulkEntry, BulkOperation, BulkRequest, BulkResult, response};
use serde_json::Value;

use crate::answer::Answer;
use crate::bulk::ahead::{Ahead, Refused};
use crate::bulk::batch::{Batch, Progress, Turn};
use crate::bulk::piece::{Outcome, Step};
use crate::policy::{Attempt, FailureOf, KindOf, Policy, Session};
use crate::route::Route;

/// Runs a bulk request. Operations that refer to others wait for them, so that their order does
/// not matter; of operations that refer to each other in a circle, one is created without the
/// reference and completed later. Resources that would hold
/// each other, such as groups of each other's members, are not created.
pub(crate) fn run<P: Policy>(
    policy: &P,
    session: &P::Session,
    body: Value,
) -> Result<Answer, FailureOf<P>> {
    let mut tolerance = session.tolerance();
    let request = BulkRequest::read(body, session.limits(), &mut tolerance)?;
    let limit = request.fail_on_errors.unwrap_or(u64::MAX);
    let kind_at = |endpoint: &str| policy.kind_at(endpoint);
    let batch = Batch::new(session, request.operations, limit, kind_at);
    let mut run = Run {
        policy,
        results: vec![None; batch.operations.len()],
        progress: batch.start(),
        batch: Arc::new(batch),
    };
    run.refuse_circles();
    run.carry_out();
    run.tell_incomplete();
    let results: Vec<BulkResult> = run.results.into_iter().flatten().collect();
    Ok(Answer::json(200, response(&results)))
}

/// A bulk request under way, and what came of its operations.
struct Run<'a, P: Policy> {
    policy: &'a P,
    batch: Arc<Batch<P::Session>>,
    progress: Progress,
    results: Vec<Option<BulkResult>>,
}

impl<P: Policy> Run<'_, P> {
    /// RFC 7644 section 3.7.1: 409 for a circle that cannot be resolved.
    fn refuse_circles(&mut self) {
        let batch = Arc::clone(&self.batch);
        for (at, (kind, nesting)) in batch.nested.iter().copied() {
            let Some(operation) = batch.operation(at).filter(|_| self.goes_on()) else {
                continue;
            };
            let name = batch.session.definition(kind).name();
            let detail = format!(
                "The {name} would be among its own {nesting} through others of this request."
            );
            self.progress.settle(at, true);
            let error = Error::with_status(409, detail);
            self.note(at, operation, None, Answer::from(&error));
        }
    }

    fn goes_on(&self) -> bool {
        self.progress.errors < self.batch.limit
    }

    /// Carries the operations out, piece by piece.
    fn carry_out(&mut self) {
        let mut ahead = Ahead::new();
        while !self.progress.is_over(&self.batch) {
            ahead.prepare(self.policy, &self.batch, &self.progress);
            let (progress, steps) =
                piece::carry_out(self.policy, &self.batch, &self.progress, ahead.todos());
            self.progress = progress;
            for step in steps {
                self.take(step, &mut ahead);
            }
            if let Some(at) = self.progress.moved.take() {
                ahead.give_up(at, self.batch.session.budget());
            }
        }
    }

    /// Takes note of what came of an operation.
    fn take(&mut self, step: Step<P::Session>, ahead: &mut Ahead<P::Session>) {
        let batch = Arc::clone(&self.batch);
        let Step {
            turn,
            address,
            outcome,
        } = step;
        let at = turn.at();
        let answer = match outcome {
            Outcome::Answered(answer) => answer,
            Outcome::Failed(refused) => self.refuse(refused),
            Outcome::Prepared => match ahead.take_refused(at) {
                Some(refused) => self.refuse(refused),
                None => return,
            },
        };
        let Some(operation) = batch.operation(at) else {
            return self.note_malformed(at);
        };
        match turn {
            Turn::Own(_) => {
                ahead.forget(at);
                self.note_body(operation);
                self.note(at, operation, address, answer);
            }
            Turn::Completion(_) if answer.status >= 400 => self.fall_short(at, operation, answer),
            Turn::Completion(_) => {
                if let Some(Some(result)) = self.results.get_mut(at) {
                    result.version = answer.version.map(|version| version.to_string());
                }
            }
        }
    }

    fn refuse(&self, refused: Refused<P::Session>) -> Answer {
        let route = self.batch.route(&refused.path).unwrap_or(Route::Bulk);
        let attempt = Attempt {
            route,
            method: refused.method,
        };
        self.policy
            .refuse(&refused.session, attempt, refused.failure)
    }

    fn note_body(&self, operation: &BulkOperation) {
        let kind = self.batch.route(&operation.path).and_then(Route::kind);
        let session = &self.batch.session;
        let kind = kind.filter(|kind: &KindOf<P>| session.check_kind(*kind).is_ok());
        if let (Some(kind), Some(data)) = (kind, &operation.data) {
            self.policy.note_body(session, kind, data);
        }
    }

    /// Tells of the resources that were created and lack for good what they refer to.
    fn tell_incomplete(&mut self) {
        let batch = Arc::clone(&self.batch);
        for at in 0..batch.operations.len() {
            let lacking = self.progress.incomplete.get(at) == Some(&true);
            if let Some(operation) = batch.operation(at).filter(|_| lacking) {
                let error = Error::with_status(
                    409,
                    "The resource was created without what it refers to, which was not created.",
                );
                self.fall_short(at, operation, Answer::from(&error));
            }
        }
    }

    /// Notes a resource that was created and lacks what it refers to.
    fn fall_short(&mut self, at: usize, operation: &BulkOperation, mut answer: Answer) {
        let created = self.results.get_mut(at).and_then(Option::take);
        answer.location = created.and_then(|result| result.location);
        self.note(at, operation, None, answer);
    }

    fn note(
        &mut self,
        at: usize,
        operation: &BulkOperation,
        address: Option<String>,
        answer: Answer,
    ) {
        let failed = answer.status >= 400;
        let result = BulkResult {
            method: operation.method.as_str().to_owned(),
            bulk_id: operation.bulk_id.clone(),
            location: answer.location.or(address),
            version: answer.version.map(|version| version.to_string()),
            status: answer.status,
            response: answer.body.filter(|_| failed),
        };
        self.put(at, result);
    }

    fn note_malformed(&mut self, at: usize) {
        let batch = Arc::clone(&self.batch);
        let Some(BulkEntry::Malformed(malformed)) = batch.operations.get(at) else {
            return;
        };
        let answer = Answer::from(&malformed.error);
        let result = BulkResult {
            method: malformed.method.clone(),
            bulk_id: malformed.bulk_id.clone(),
            location: None,
            version: None,
            status: answer.status,
            response: answer.body,
        };
        self.put(at, result);
    }

    fn put(&mut self, at: usize, result: BulkResult) {
        if let Some(slot) = self.results.get_mut(at) {
            *slot = Some(result);
        }
    }
}
