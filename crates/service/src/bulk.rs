//! Bulk requests (RFC 7644 section 3.7): the same operations, one after another.

use std::collections::HashMap;

use scim_protocol::bulk::{
    BulkEntry, BulkMethod, BulkOperation, BulkRequest, BulkResult, References, references_in,
    referring, resolve, resolve_path, response,
};
use scim_protocol::path::same_name;
use scim_protocol::query::Projection;
use scim_protocol::schema::uri;
use scim_protocol::{Error, ScimType, error};
use serde_json::{Value, json};

use crate::answer::{Answer, Method};
use crate::delete;
use crate::operation::{self, Write};
use crate::policy::{Attempt, BulkStep, FailureOf, KindOf, Policy, Session};
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
    let count = request.operations.len();
    let mut batch = Batch {
        policy,
        session,
        references: References::new(&request.operations),
        operations: &request.operations,
        ids: HashMap::new(),
        results: vec![None; count],
        done: vec![false; count],
        missing: vec![0; count],
        incomplete: vec![false; count],
        errors: 0,
    };
    batch.run(request.fail_on_errors.unwrap_or(u64::MAX));
    let results: Vec<BulkResult> = batch.results.into_iter().flatten().collect();
    Ok(Answer::json(200, response(&results)))
}

struct Batch<'a, P: Policy> {
    policy: &'a P,
    session: &'a P::Session,
    operations: &'a [BulkEntry],
    references: References,
    /// The ids of the resources that were created, by `bulkId`.
    ids: HashMap<String, String>,
    results: Vec<Option<BulkResult>>,
    /// Which operations were carried out, or refused.
    done: Vec<bool>,
    /// How many references of each operation are not known yet.
    missing: Vec<usize>,
    /// Operations whose resource still lacks references.
    incomplete: Vec<bool>,
    errors: u64,
}

impl<'a, P: Policy> Batch<'a, P> {
    fn run(&mut self, limit: u64) {
        let references = self.references.clone();
        let mut order = references.order();
        for (at, missing) in self.missing.iter_mut().enumerate() {
            *missing = references.of(at).len();
        }
        for at in self.nested_in_circles() {
            order.leave_out(at);
            if self.errors < limit
                && let Some(operation) = self.operation_at(at)
                && let Some((kind, nesting)) = self.nesting(operation)
            {
                // RFC 7644 section 3.7.1: 409 for a circle that cannot be resolved.
                let name = self.session.definition(kind).name();
                let error = Error::with_status(
                    409,
                    format!(
                        "The {name} would be among its own {nesting} through others of this request."
                    ),
                );
                self.note(at, operation, Answer::from(&error));
            }
        }
        while self.errors < limit
            && let Some(at) = order.next()
        {
            match self.operations.get(at) {
                Some(BulkEntry::Operation(operation)) => self.execute(at, operation),
                Some(BulkEntry::Malformed(malformed)) => {
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
                None => {}
            }
        }
        for at in 0..self.incomplete.len() {
            let lacking = self.incomplete.get(at) == Some(&true);
            if let Some(operation) = self.operation_at(at).filter(|_| lacking) {
                let error = Error::with_status(
                    409,
                    "The resource was created without what it refers to, which was not created.",
                );
                self.fall_short(at, operation, Answer::from(&error));
            }
        }
    }

    fn operation_at(&self, at: usize) -> Option<&'a BulkOperation> {
        self.operations.get(at)?.operation()
    }

    fn execute(&mut self, at: usize, operation: &BulkOperation) {
        let references = self.references.of(at).iter();
        let mut unknown = references.filter(|reference| !self.ids.contains_key(&reference.name));
        let hopeless = unknown.find(|reference| {
            let waits_for = reference.to.filter(|to| *to != at);
            waits_for.map_or(reference.to.is_none(), |to| {
                self.done.get(to) != Some(&false)
            })
        });
        let answer = match hopeless {
            Some(reference) => Answer::from(&Error::new(
                ScimType::InvalidValue,
                format!(
                    "bulkId {} names no created resource.",
                    error::quote(&reference.name)
                ),
            )),
            None => self.answer(operation, operation.method, &operation.path),
        };
        if answer.status < 300
            && operation.method == BulkMethod::Post
            && self.missing.get(at).is_some_and(|missing| *missing > 0)
            && let Some(incomplete) = self.incomplete.get_mut(at)
        {
            *incomplete = true;
        }
        let id = answer
            .location
            .as_ref()
            .and_then(|location| location.rsplit_once('/'));
        let named = operation.bulk_id.clone();
        let named = named.zip(id.map(|(_, id)| id.to_owned()));
        self.note(at, operation, answer);
        if let Some((name, id)) = named
            && self.ids.insert(name, id).is_none()
        {
            self.complete_referring(at);
        }
    }

    /// Completes the resources of which the last reference is known by now.
    fn complete_referring(&mut self, at: usize) {
        for referring in self.references.to(at).to_vec() {
            let Some(missing) = self.missing.get_mut(referring) else {
                continue;
            };
            *missing = missing.saturating_sub(1);
            let whole = *missing == 0;
            let incomplete = self.incomplete.get_mut(referring).filter(|_| whole);
            if incomplete.is_some_and(std::mem::take) {
                self.complete(referring);
            }
        }
    }

    /// Sets the references that were left out when the resource was created.
    fn complete(&mut self, at: usize) {
        let Some(operation) = self.operations.get(at).and_then(BulkEntry::operation) else {
            return;
        };
        let id = operation
            .bulk_id
            .as_ref()
            .and_then(|name| self.ids.get(name));
        let Some(id) = id else { return };
        let path = format!("{}/{id}", operation.path.trim_end_matches('/'));
        let left = operation.data.as_ref().map(referring);
        let completion = BulkOperation {
            data: Some(json!({
                "schemas": [uri::PATCH_OP],
                "Operations": [{ "op": "add", "value": left }],
            })),
            ..operation.clone()
        };
        let answer = self.answer(&completion, BulkMethod::Patch, &path);
        if answer.status >= 400 {
            self.fall_short(at, operation, answer);
        } else if let Some(Some(result)) = self.results.get_mut(at) {
            result.version = answer.version.map(|version| version.to_string());
        }
    }

    fn answer(&self, operation: &BulkOperation, method: BulkMethod, path: &str) -> Answer {
        let id = |name: &str| self.ids.get(name).cloned();
        let path = resolve_path(path, &id);
        let data = operation.data.as_ref().map(|data| resolve(data, &id));
        let method = match method {
            BulkMethod::Post => Method::Post,
            BulkMethod::Put => Method::Put,
            BulkMethod::Patch => Method::Patch,
            BulkMethod::Delete => Method::Delete,
        };
        let version = operation.version.as_deref();
        let whole = data.as_ref() == operation.data.as_ref();
        let referring = operation
            .data
            .as_ref()
            .filter(|_| !whole)
            .map(references_in);
        let left_out = referring.is_some_and(|names| names.iter().any(|name| id(name).is_none()));
        let session = self.session.of_operation(&BulkStep {
            method,
            path: &path,
            data: data.as_ref(),
            version,
            left_out,
        });
        let route = match self.route(&path) {
            Some(route @ (Route::Collection(_) | Route::Resource(..))) if route.allows(method) => {
                route
            }
            _ => {
                return Answer::from(&Error::new(
                    ScimType::InvalidValue,
                    format!("{} is no path of this method.", error::quote(&path)),
                ));
            }
        };
        self.operation(&session, route, method, data, version)
            .unwrap_or_else(|failure| {
                let attempt = Attempt { route, method };
                self.policy.refuse(&session, attempt, failure)
            })
    }

    fn route<'p>(&self, path: &'p str) -> Option<Route<'p, KindOf<P>>> {
        Route::parse(path, |endpoint| self.policy.kind_at(endpoint))
    }

    fn operation(
        &self,
        session: &P::Session,
        route: Route<'_, KindOf<P>>,
        method: Method,
        data: Option<Value>,
        version: Option<&str>,
    ) -> Result<Answer, FailureOf<P>> {
        if let Some(kind) = route.kind() {
            session.check_kind(kind)?;
        }
        if let (Route::Resource(kind, id), Method::Delete) = (route, method) {
            return delete::delete(self.policy, session, kind, id, version);
        }
        let write = Write {
            route,
            method,
            body: data.unwrap_or_default(),
            projection: Projection::default(),
            if_match: version,
            // RFC 7644 section 3.7: what succeeded is answered by its location and version.
            unread: true,
        };
        operation::write(self.policy, session, write)
    }

    /// Notes a resource that was created and lacks what it refers to.
    fn fall_short(&mut self, at: usize, operation: &BulkOperation, mut answer: Answer) {
        let created = self.results.get_mut(at).and_then(Option::take);
        answer.location = created.and_then(|result| result.location);
        self.note(at, operation, answer);
    }

    /// The address that an operation names.
    fn address(&self, operation: &BulkOperation) -> String {
        let path = resolve_path(&operation.path, &|name| self.ids.get(name).cloned());
        let path = path.trim_matches('/');
        format!("{}/{path}", self.session.base_url())
    }

    fn note(&mut self, at: usize, operation: &BulkOperation, answer: Answer) {
        let failed = answer.status >= 400;
        // RFC 7644 section 3.7: only a POST that failed has no location.
        let named = operation.method != BulkMethod::Post;
        let location = answer.location;
        let location = location.or_else(|| named.then(|| self.address(operation)));
        let result = BulkResult {
            method: operation.method.as_str().to_owned(),
            bulk_id: operation.bulk_id.clone(),
            location,
            version: answer.version.map(|version| version.to_string()),
            status: answer.status,
            response: answer.body.filter(|_| failed),
        };
        self.put(at, result);
    }

    fn put(&mut self, at: usize, result: BulkResult) {
        self.errors += u64::from(result.status >= 400);
        if let Some(slot) = self.results.get_mut(at) {
            *slot = Some(result);
        }
        if let Some(done) = self.done.get_mut(at) {
            *done = true;
        }
    }

    /// The POSTs of resources that would hold themselves, through others or at once.
    fn nested_in_circles(&self) -> Vec<usize> {
        let held = |operation: &BulkOperation| -> Option<Vec<String>> {
            let (_kind, nesting) = self.nesting(operation)?;
            let attributes = operation.data.iter().filter_map(Value::as_object).flatten();
            let held = attributes
                .filter(|(name, _)| same_name(name, nesting))
                .flat_map(|(_, values)| references_in(values));
            (operation.method == BulkMethod::Post).then(|| held.collect())
        };
        References::among(self.operations, held).circular()
    }

    /// The type of what an operation creates, and by which attribute such resources hold each other.
    fn nesting(&self, operation: &BulkOperation) -> Option<(KindOf<P>, &'static str)> {
        let Some(Route::Collection(kind)) = self.route(&operation.path) else {
            return None;
        };
        Some((kind, self.session.nesting(kind)?))
    }
}
