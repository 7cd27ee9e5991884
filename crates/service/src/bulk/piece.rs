//! A piece of a bulk request: operations that are carried out in one transaction.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scim_protocol::bulk::{BulkEntry, BulkMethod, BulkOperation, referring, resolve_path};
use scim_protocol::schema::uri;
use scim_protocol::{Error, ScimType, error};
use serde_json::json;

use crate::answer::{Answer, Method};
use crate::bulk::ahead::{Read, Refused, Todo, Todos, method_of, read};
use crate::bulk::batch::{Batch, Progress, Turn};
use crate::error::{Abort, StoreError};
use crate::policy::{Policy, Session};

/// What came of a turn.
pub(super) struct Step<S: Session> {
    pub(super) turn: Turn,
    /// The address that the operation names.
    pub(super) address: Option<String>,
    pub(super) outcome: Outcome<S>,
}

pub(super) enum Outcome<S: Session> {
    /// It is answered.
    Answered(Answer),
    /// It was refused, and is undone.
    Failed(Refused<S>),
    /// It was refused when it was read, before the transaction.
    Prepared,
}

/// Carries out the next piece: answers how far the request is, and what came of each operation.
pub(super) fn carry_out<P: Policy>(
    policy: &P,
    batch: &Arc<Batch<P::Session>>,
    from: &Progress,
    todos: &Todos<P::Session>,
) -> (Progress, Vec<Step<P::Session>>) {
    let begun: Arc<Mutex<Noted<P::Session>>> = Arc::default();
    let (noted, shared) = (Arc::clone(&begun), Arc::clone(batch));
    let (todos, start) = (Arc::clone(todos), from.clone());
    let spent = batch.session.budget().spent();
    let done = policy.write_in_parts(move |transaction| {
        // A store that runs it again does so for a reason that is not the request's.
        shared.session.budget().return_to(spent);
        *noted.lock().unwrap_or_else(PoisonError::into_inner) = Noted::default();
        let todos = todos.lock().unwrap_or_else(PoisonError::into_inner);
        let mut piece = Piece {
            batch: &shared,
            progress: start.clone(),
            todos: &todos,
            steps: Vec::new(),
            noted: &noted,
        };
        piece.run(transaction)?;
        Ok((piece.progress, piece.steps))
    });
    done.unwrap_or_else(|failure| {
        let noted = std::mem::take(&mut *begun.lock().unwrap_or_else(PoisonError::into_inner));
        match failure.into_store() {
            // One of them did that: alone, each is told of itself.
            Ok(StoreError::Unknown(_)) if noted.begun.len() > 1 && !noted.whole => {
                let mut progress = from.clone();
                progress.alone = noted.begun.len();
                (progress, Vec::new())
            }
            Ok(store) => lost(batch, from, noted.begun, store.into()),
            Err(failure) => lost(batch, from, noted.begun, failure),
        }
    })
}

/// What is known of a piece when nothing of it was kept, even if it panicked.
struct Noted<S> {
    begun: Vec<Begun<S>>,
    /// Whether it came to its end, so that no operation of it is why the commit failed.
    whole: bool,
}

impl<S> Default for Noted<S> {
    fn default() -> Self {
        Self {
            begun: Vec::new(),
            whole: false,
        }
    }
}

/// A turn that was begun; where transactions have no parts, with what its attempt is called.
struct Begun<S> {
    turn: Turn,
    attempt: Option<(S, String)>,
}

/// A piece of which nothing was kept: all that was begun of it failed for one reason.
fn lost<S: Session>(
    batch: &Batch<S>,
    from: &Progress,
    begun: Vec<Begun<S>>,
    failure: S::Failure,
) -> (Progress, Vec<Step<S>>) {
    let mut progress = from.clone();
    progress.alone = progress.alone.saturating_sub(1);
    let mut steps = Vec::new();
    let (mut only, store) = match failure.into_store() {
        Ok(store) => (None, Some(store)),
        Err(failure) => (Some(failure), None),
    };
    let mut failure = || only.take().or_else(|| store.clone().map(S::Failure::from));
    let mut begun = begun.into_iter().peekable();
    if begun.peek().is_none() {
        // The store did not run the work at all: nothing else was begun.
        if let (Some(turn), Some(failure)) = (progress.next(batch), failure()) {
            progress.settle(turn.at(), true);
            steps.push(failed(batch, from, turn, None, failure));
        }
        return (progress, steps);
    }
    for Begun { turn, attempt } in begun {
        match progress.next(batch) {
            Some(next) if next == turn => {
                let Some(failure) = failure() else { break };
                progress.settle(turn.at(), true);
                steps.push(failed(batch, from, turn, attempt, failure));
            }
            // The completion of what was lost as well.
            Some(next) => progress.give_back(next),
            None => break,
        }
    }
    (progress, steps)
}

fn failed<S: Session>(
    batch: &Batch<S>,
    from: &Progress,
    turn: Turn,
    attempt: Option<(S, String)>,
    failure: S::Failure,
) -> Step<S> {
    let operation = batch.operation(turn.at());
    let (session, path) = attempt.unwrap_or_else(|| {
        let path = operation.map_or("", |operation| &operation.path);
        (batch.session.clone(), path.to_owned())
    });
    let id = |name: &str| from.id(name);
    Step {
        turn,
        address: operation.and_then(|operation| address(&session, operation, &id)),
        outcome: Outcome::Failed(Refused {
            session,
            path,
            method: operation.map_or(Method::Other, |operation| method_of(operation.method)),
            failure,
        }),
    }
}

/// A piece under way.
struct Piece<'p, S: Session> {
    batch: &'p Batch<S>,
    progress: Progress,
    todos: &'p HashMap<usize, Option<Todo<S>>>,
    steps: Vec<Step<S>>,
    noted: &'p Mutex<Noted<S>>,
}

impl<S: Session> Piece<'_, S> {
    fn run(&mut self, transaction: &mut S::Transaction<'_>) -> Result<(), S::Failure> {
        let batch = self.batch;
        let alone = self.progress.alone > 0;
        while let Some(turn) = self.progress.next(batch) {
            let has_room = S::PARTS && !alone && batch.session.has_room(transaction);
            if !has_room && !self.steps.is_empty() {
                self.progress.give_back(turn);
                break;
            }
            let Some(step) = self.take(transaction, turn)? else {
                self.progress.give_back(turn);
                if self.progress.moved.is_some() {
                    break;
                }
                return Ok(());
            };
            self.steps.push(step);
            self.progress.alone = self.progress.alone.saturating_sub(1);
        }
        self.noted().whole = true;
        Ok(())
    }

    fn noted(&self) -> MutexGuard<'_, Noted<S>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out whose turn it is; `None` where the store fails it that did not fail those before,
    /// or where it is to be planned again: they are kept, and it begins the next piece.
    fn take(
        &mut self,
        transaction: &mut S::Transaction<'_>,
        turn: Turn,
    ) -> Result<Option<Step<S>>, S::Failure> {
        let at = turn.at();
        let batch = self.batch;
        let Some(operation) = batch.operation(at) else {
            let error = match batch.operations.get(at) {
                Some(BulkEntry::Malformed(malformed)) => Answer::from(&malformed.error),
                _ => Answer::default(),
            };
            self.begin(turn, None);
            return Ok(Some(self.settled(turn, None, Outcome::Answered(error))));
        };
        let address = address(&batch.session, operation, &|name| self.progress.id(name));
        let ready = match turn {
            Turn::Own(_) => self.todos.get(&at),
            Turn::Completion(_) => None,
        };
        let fresh;
        let todo = match ready {
            Some(Some(todo)) => todo,
            Some(None) => {
                self.begin(turn, None);
                return Ok(Some(self.settled(turn, address, Outcome::Prepared)));
            }
            None => match self.read(turn, operation) {
                Read::Todo(todo) => {
                    fresh = todo;
                    &fresh
                }
                Read::Answered(answer) => {
                    self.begin(turn, None);
                    return Ok(Some(self.settled(turn, address, Outcome::Answered(answer))));
                }
                Read::Refused(refused) => {
                    self.begin(turn, None);
                    return Ok(Some(self.settled(turn, address, Outcome::Failed(refused))));
                }
            },
        };
        self.begin(turn, Some((&todo.session, &todo.path)));
        let session = todo.session.at_its_turn();
        let moved = AtomicBool::new(false);
        let done = session.part(transaction, |transaction| {
            todo.run(&session, transaction, &moved)
        });
        if moved.load(Ordering::Relaxed) {
            self.noted().begun.pop();
            self.progress.moved = Some(at);
            return Ok(None);
        }
        let outcome = match done {
            Ok(answer) => {
                self.note_created(turn, operation, &answer);
                Outcome::Answered(answer)
            }
            Err(failure) => match self.refused(failure)? {
                None => return Ok(None),
                Some(failure) => Outcome::Failed(Refused {
                    session,
                    path: todo.path.clone(),
                    method: todo.method,
                    failure,
                }),
            },
        };
        Ok(Some(self.settled(turn, address, outcome)))
    }

    /// What is told of a part that failed, where the transaction goes on without it.
    fn refused(&self, failure: S::Failure) -> Result<Option<S::Failure>, S::Failure> {
        if !S::PARTS {
            return Err(failure);
        }
        match failure.into_store() {
            // It is as if it came alone, so that the store may run it again.
            Ok(fault) if fault.is_fault() && self.steps.is_empty() => Err(fault.into()),
            Ok(fault) if fault.is_fault() => Ok(None),
            Ok(refusal) => Ok(Some(refusal.into())),
            Err(failure) => Ok(Some(failure)),
        }
    }

    fn begin(&self, turn: Turn, attempt: Option<(&S, &String)>) {
        let attempt = attempt.filter(|_| !S::PARTS);
        self.noted().begun.push(Begun {
            turn,
            attempt: attempt.map(|(session, path)| (session.clone(), path.clone())),
        });
    }

    fn settled(&mut self, turn: Turn, address: Option<String>, outcome: Outcome<S>) -> Step<S> {
        let failed = match &outcome {
            Outcome::Answered(answer) => answer.status >= 400,
            Outcome::Failed(_) | Outcome::Prepared => true,
        };
        self.progress.settle(turn.at(), failed);
        Step {
            turn,
            address,
            outcome,
        }
    }

    /// What is to be done in a turn that was not read ahead.
    fn read(&self, turn: Turn, operation: &BulkOperation) -> Read<S> {
        let at = turn.at();
        match turn {
            Turn::Own(_) => match self.hopeless(at) {
                Some(error) => Read::Answered(Answer::from(&error)),
                None => read(self.batch, &self.progress, at, operation),
            },
            Turn::Completion(_) => {
                let id = operation.bulk_id.as_deref();
                let id = id.and_then(|name| self.progress.id(name));
                let id = id.unwrap_or_default();
                let left = referring(operation, self.batch.definition(operation));
                let completion = BulkOperation {
                    method: BulkMethod::Patch,
                    path: format!("{}/{id}", operation.path.trim_end_matches('/')),
                    data: Some(json!({
                        "schemas": [uri::PATCH_OP],
                        "Operations": [{ "op": "add", "value": left }],
                    })),
                    ..operation.clone()
                };
                read(self.batch, &self.progress, at, &completion)
            }
        }
    }

    /// Why an operation cannot be carried out that refers to what is not there and will not be.
    fn hopeless(&self, at: usize) -> Option<Error> {
        let references = self.batch.references.of(at).iter();
        let mut unknown = references.filter(|reference| !self.progress.knows(&reference.name));
        let reference = unknown.find(|reference| {
            let waits_for = reference.to.filter(|to| *to != at);
            waits_for.map_or(reference.to.is_none(), |to| !self.progress.waits(to))
        })?;
        let name = error::quote(&reference.name);
        let detail = format!("bulkId {name} names no created resource.");
        Some(Error::new(ScimType::InvalidValue, detail))
    }

    fn note_created(&mut self, turn: Turn, operation: &BulkOperation, answer: &Answer) {
        let Turn::Own(at) = turn else { return };
        if operation.method == BulkMethod::Post {
            self.progress.note_missing(at);
        }
        let location = answer.location.as_deref();
        let id = location.and_then(|location| location.rsplit_once('/'));
        if let (Some(name), Some((_, id))) = (&operation.bulk_id, id) {
            let referring = self.batch.references.to(at);
            self.progress
                .note_created(name.clone(), id.to_owned(), referring);
        }
    }
}

/// The address that an operation names. RFC 7644 section 3.7: only a POST that failed has none.
fn address<S: Session>(
    session: &S,
    operation: &BulkOperation,
    id: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    if operation.method == BulkMethod::Post {
        return None;
    }
    let path = resolve_path(&operation.path, id);
    let path = path.trim_matches('/');
    Some(format!("{}/{path}", session.base_url()))
}
