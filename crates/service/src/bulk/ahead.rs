//! What can be done of operations before the transaction that carries them out: they are read,
//! checked and mapped, and updates are computed, while others write.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scim_protocol::bulk::{BulkMethod, BulkOperation, references_in_data, resolve, resolve_path};
use scim_protocol::query::Projection;
use scim_protocol::{Budget, Error, ScimType, error};

use crate::answer::{Answer, Method};
use crate::bulk::batch::{Batch, Progress};
use crate::error::Refusal;
use crate::policy::{BulkStep, FailureOf, Policy, Session};
use crate::read::Asked;
use crate::route::Route;
use crate::update::Otherwise;
use crate::{create, delete, update};

/// An operation that was refused: an attempt, of which the policy makes the answer.
pub(super) struct Refused<S: Session> {
    pub(super) session: S,
    pub(super) path: String,
    pub(super) method: Method,
    pub(super) failure: S::Failure,
}

/// What is to be done of operations that were read ahead. `None` stands for one that was refused.
pub(super) type Todos<S> = Arc<Mutex<HashMap<usize, Option<Todo<S>>>>>;

/// The operations that were read before their turn.
pub(super) struct Ahead<S: Session> {
    todos: Todos<S>,
    /// Those that were refused when they were read.
    refused: HashMap<usize, Refused<S>>,
    /// How often operations were planned in vain.
    in_vain: HashMap<usize, usize>,
}

impl<S: Session> Ahead<S> {
    pub(super) fn new() -> Self {
        Self {
            todos: Arc::default(),
            refused: HashMap::new(),
            in_vain: HashMap::new(),
        }
    }

    pub(super) fn todos(&self) -> &Todos<S> {
        &self.todos
    }

    /// Reads the next operations that refer to nothing which is not there yet.
    pub(super) fn prepare<P: Policy<Session = S>>(
        &mut self,
        policy: &P,
        batch: &Batch<S>,
        progress: &Progress,
    ) {
        let mut fresh = Vec::new();
        for at in progress.following(batch, READ_AHEAD) {
            let mut references = batch.references.of(at).iter();
            let known = references.all(|reference| progress.knows(&reference.name));
            let Some(operation) = batch.operation(at).filter(|_| known) else {
                continue;
            };
            if self.lock().contains_key(&at) {
                continue;
            }
            match read(batch, progress, at, operation) {
                Read::Todo(mut todo) => {
                    todo.tries = self.in_vain.get(&at).copied().unwrap_or(0);
                    fresh.push((at, todo));
                }
                Read::Refused(refused) => {
                    self.refused.insert(at, refused);
                    self.lock().insert(at, None);
                }
                // It is found out again, which costs nothing.
                Read::Answered(_) => {}
            }
        }
        plan(policy, &mut fresh);
        let fresh = fresh.into_iter().map(|(at, todo)| (at, Some(todo)));
        self.lock().extend(fresh);
    }

    /// An operation that was refused when it was read.
    pub(super) fn take_refused(&mut self, at: usize) -> Option<Refused<S>> {
        self.refused.remove(&at)
    }

    /// Gives up the plan of an operation, with what it cost: it is made again, of what is stored by
    /// now.
    pub(super) fn give_up(&mut self, at: usize, budget: &Budget) {
        *self.in_vain.entry(at).or_default() += 1;
        let todo = self.lock().remove(&at).flatten();
        if let Some(Work::Update(_, Some(planned))) = todo.map(|todo| todo.work) {
            budget.return_to(budget.spent().saturating_sub(planned.cost));
        }
    }

    /// Forgets an operation whose turn is over.
    pub(super) fn forget(&mut self, at: usize) {
        self.refused.remove(&at);
        self.lock().remove(&at);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<usize, Option<Todo<S>>>> {
        self.todos.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Computes the updates among operations, of what is stored now. One that cannot be computed is left
/// to the transaction: those before it may change what it is about.
fn plan<P: Policy>(policy: &P, todos: &mut [(usize, Todo<P::Session>)]) {
    let updates = |todo: &Todo<P::Session>| matches!(todo.work, Work::Update(..));
    if !todos.iter().any(|(_, todo)| updates(todo)) {
        return;
    }
    let found = policy.read(|view| {
        let mut found = Vec::with_capacity(todos.len());
        for (_, todo) in todos.iter() {
            found.push(match &todo.work {
                Work::Update(request, _) => request.find(&todo.session, view).ok(),
                _ => None,
            });
        }
        Ok::<_, FailureOf<P>>(found)
    });
    for ((_, todo), stored) in todos.iter_mut().zip(found.unwrap_or_default()) {
        let session = &todo.session;
        let spent = session.budget().spent();
        let (Work::Update(request, plan), Some(stored)) = (&mut todo.work, stored) else {
            continue;
        };
        let Ok(mut planned) = request.plan(session, stored) else {
            continue;
        };
        let looks = session.looks(&planned);
        if looks
            && policy
                .read(|view| session.look(view, &mut planned, false))
                .is_err()
        {
            // It is charged when it is planned again.
            session.budget().return_to(spent);
            continue;
        }
        policy.note_plan(false);
        let cost = session.budget().spent().saturating_sub(spent);
        *plan = Some(Planned {
            plan: planned,
            looks,
            cost,
        });
    }
}

/// What is to be done of an operation.
pub(super) struct Todo<S: Session> {
    pub(super) session: S,
    /// The path, with the ids of what was created before.
    pub(super) path: String,
    pub(super) method: Method,
    work: Work<S>,
    /// How often it was planned in vain.
    tries: usize,
}

/// An update that was computed before its transaction.
struct Planned<S: Session> {
    plan: S::Plan,
    /// Whether it was looked for among values that are kept apart, which may take long.
    looks: bool,
    /// What it took of the request's budget.
    cost: u64,
}

enum Work<S: Session> {
    Create(S::Kind, S::Draft),
    Update(Box<update::Request<S>>, Option<Planned<S>>),
    Delete(S::Kind, S::Id, Option<String>),
}

/// What an operation was read as.
pub(super) enum Read<S: Session> {
    Todo(Todo<S>),
    /// It is refused, and no attempt at anything.
    Answered(Answer),
    Refused(Refused<S>),
}

impl<S: Session> Todo<S> {
    /// Does it. What succeeded is answered by its location and version (RFC 7644 section 3.7). Where
    /// `moved` is set, nothing was done: it is to be planned again while nobody waits.
    pub(super) fn run(
        &self,
        session: &S,
        transaction: &mut S::Transaction<'_>,
        moved: &AtomicBool,
    ) -> Result<Answer, S::Failure> {
        match &self.work {
            Work::Create(kind, draft) => {
                let asked = unread();
                let (_id, answer) = create::insert(session, transaction, *kind, draft, &asked)?;
                Ok(answer)
            }
            Work::Update(request, plan) => {
                let again = plan.as_ref().is_some_and(|planned| planned.looks);
                let otherwise = match again && self.tries < update::PLANS {
                    true => Otherwise::Tell(moved),
                    false => Otherwise::Plan,
                };
                let plan = plan.as_ref().map(|planned| &planned.plan);
                request.run(session, transaction, plan, otherwise)
            }
            Work::Delete(kind, id, if_match) => {
                delete::remove(session, transaction, *kind, id, if_match.as_deref())
            }
        }
    }
}

fn unread() -> Asked {
    Asked {
        projection: Projection::default(),
        unread: true,
    }
}

/// Reads an operation, with the ids of what was created before in the place of references.
pub(super) fn read<S: Session>(
    batch: &Batch<S>,
    progress: &Progress,
    at: usize,
    operation: &BulkOperation,
) -> Read<S> {
    let id = |name: &str| progress.id(name);
    let path = resolve_path(&operation.path, &id);
    let refers = !batch.references.of(at).is_empty();
    let definition = batch.definition(operation);
    let data = match refers {
        true => resolve(operation, definition, &id),
        false => operation.data.clone(),
    };
    let lacks = |name: &String| !progress.knows(name);
    let left_out = refers && references_in_data(operation, definition).iter().any(lacks);
    let method = method_of(operation.method);
    let session = batch.session.of_operation(&BulkStep {
        method,
        path: &path,
        data: data.as_ref(),
        version: operation.version.as_deref(),
        left_out,
    });
    let route = match batch.route(&path) {
        Some(route @ (Route::Collection(_) | Route::Resource(..))) if route.allows(method) => route,
        _ => {
            let path = error::quote(&path);
            let detail = format!("{path} is no path of this method.");
            return Read::Answered(Answer::from(&Error::new(ScimType::InvalidValue, detail)));
        }
    };
    let if_match = operation.version.as_deref();
    match work(&session, route, method, data.unwrap_or_default(), if_match) {
        Ok(work) => Read::Todo(Todo {
            session,
            path,
            method,
            work,
            tries: 0,
        }),
        Err(failure) => Read::Refused(Refused {
            session,
            path,
            method,
            failure,
        }),
    }
}

fn work<S: Session>(
    session: &S,
    route: Route<'_, S::Kind>,
    method: Method,
    data: serde_json::Value,
    if_match: Option<&str>,
) -> Result<Work<S>, S::Failure> {
    let (kind, id) = match route {
        Route::Collection(kind) => {
            session.check_kind(kind)?;
            return Ok(Work::Create(kind, create::draft(session, kind, data)?));
        }
        Route::Resource(kind, id) => (kind, id),
        _ => return Err(Refusal::NotFound.into()),
    };
    session.check_kind(kind)?;
    let read = match method {
        Method::Delete => {
            let id = session.parse_id(id).ok_or(Refusal::NotFound)?;
            return Ok(Work::Delete(kind, id, if_match.map(str::to_owned)));
        }
        Method::Put => update::replacement(session, kind, data)?,
        _ => update::modification(session, data)?,
    };
    let request = update::Request::new(session, (kind, id), read, unread(), if_match)?;
    Ok(Work::Update(Box::new(request), None))
}

pub(super) fn method_of(method: BulkMethod) -> Method {
    match method {
        BulkMethod::Post => Method::Post,
        BulkMethod::Put => Method::Put,
        BulkMethod::Patch => Method::Patch,
        BulkMethod::Delete => Method::Delete,
    }
}

/// How many operations are read before their turn: as many as a transaction takes.
const READ_AHEAD: usize = 100;
