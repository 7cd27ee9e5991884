//! Bulk requests (RFC 7644 section 3.7): the same operations, one after another.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use scim_protocol::bulk::{
    BulkMethod, BulkOperation, BulkRequest, BulkResult, references, references_in, referring,
    resolve, resolve_path, response,
};
use scim_protocol::path::same_name;
use scim_protocol::query::Projection;
use scim_protocol::schema::uri;
use scim_protocol::{Error, ScimType, error};
use serde_json::{Value, json};

use super::{Answer, Failure, Method, delete};
use crate::id::ResourceKind;
use crate::received::Received;
use crate::route::Route;
use crate::service::{Context, ServiceProvider};

/// Runs a bulk request. Operations that refer to others wait for them, so that their order does
/// not matter; of operations that refer to each other in a circle, one is created without the
/// reference and completed later. Groups that would be members of each other are not created.
pub(crate) fn run(
    provider: &ServiceProvider,
    context: &Context,
    body: Value,
) -> Result<Answer, Failure> {
    let mut tolerance = context.tolerance();
    let request = BulkRequest::read(body, &context.shared.limits, &mut tolerance)?;
    let mut batch = Batch {
        provider,
        context,
        ids: HashMap::new(),
        results: request.operations.iter().map(|_| None).collect(),
        incomplete: Vec::new(),
        errors: 0,
    };
    batch.run(&request);
    let results: Vec<BulkResult> = batch.results.into_iter().flatten().collect();
    Ok(Answer::json(200, response(&results)))
}

struct Batch<'a> {
    provider: &'a ServiceProvider,
    context: &'a Context,
    /// The ids of the resources that were created, by `bulkId`.
    ids: HashMap<String, String>,
    results: Vec<Option<BulkResult>>,
    /// Operations whose resource still lacks references.
    incomplete: Vec<usize>,
    errors: u64,
}

impl Batch<'_> {
    fn run(&mut self, request: &BulkRequest) {
        let operations = &request.operations;
        let limit = request.fail_on_errors.unwrap_or(u64::MAX);
        let mut pending: Vec<usize> = (0..operations.len()).collect();
        let nested = nested_in_circles(operations);
        for at in nested {
            pending.retain(|other| *other != at);
            if let Some(operation) = operations.get(at).filter(|_| self.errors < limit) {
                // RFC 7644 section 3.7.1: 409 for a circle that cannot be resolved.
                let error = Error::with_status(
                    409,
                    "The group would be a member of itself through others of this request.",
                );
                self.note(at, operation, Answer::from(&error));
            }
        }
        while !pending.is_empty() && self.errors < limit {
            let step = self.next(operations, &pending);
            pending.retain(|at| *at != step);
            if let Some(operation) = operations.get(step) {
                self.execute(operations, step, operation, &pending);
                self.complete_all(operations);
            }
        }
        for at in std::mem::take(&mut self.incomplete) {
            if let Some(operation) = operations.get(at) {
                let error = Error::with_status(
                    409,
                    "The resource was created without what it refers to, which was not created.",
                );
                self.fall_short(at, operation, Answer::from(&error));
            }
        }
    }

    /// Completes every resource whose references are known by now.
    fn complete_all(&mut self, operations: &[BulkOperation]) {
        for at in std::mem::take(&mut self.incomplete) {
            match operations.get(at) {
                Some(operation)
                    if references(operation)
                        .iter()
                        .all(|name| self.ids.contains_key(name)) =>
                {
                    self.complete(at, operation);
                }
                _ => self.incomplete.push(at),
            }
        }
    }

    /// The first operation that waits for nothing; else the first POST of a circle.
    fn next(&self, operations: &[BulkOperation], pending: &[usize]) -> usize {
        let names: HashSet<&str> = pending
            .iter()
            .filter_map(|at| operations.get(*at)?.bulk_id.as_deref())
            .collect();
        let waits = |at: &usize| {
            operations.get(*at).is_some_and(|operation| {
                references(operation).iter().any(|name| {
                    names.contains(name.as_str()) && operation.bulk_id.as_ref() != Some(name)
                })
            })
        };
        if let Some(free) = pending.iter().find(|at| !waits(at)) {
            return *free;
        }
        let posts = pending.iter().copied().filter(|at| {
            let operation = operations.get(*at);
            operation.is_some_and(|operation| operation.method == BulkMethod::Post)
        });
        let edges = edges(operations, posts.clone(), references);
        let circle = circular(&edges).into_iter().next();
        circle
            .or_else(|| posts.clone().next())
            .or(pending.first().copied())
            .unwrap_or_default()
    }

    fn execute(
        &mut self,
        operations: &[BulkOperation],
        at: usize,
        operation: &BulkOperation,
        pending: &[usize],
    ) {
        let later: HashSet<&str> = pending
            .iter()
            .filter_map(|at| operations.get(*at)?.bulk_id.as_deref())
            .chain(operation.bulk_id.as_deref())
            .collect();
        let missing: Vec<String> = references(operation)
            .into_iter()
            .filter(|name| !self.ids.contains_key(name))
            .collect();
        let hopeless = missing.iter().find(|name| !later.contains(name.as_str()));
        let answer = match hopeless {
            Some(name) => Answer::from(&Error::new(
                ScimType::InvalidValue,
                format!("bulkId {} names no created resource.", error::quote(name)),
            )),
            None => self.answer(operation, operation.method, &operation.path),
        };
        if answer.status < 300 && !missing.is_empty() && operation.method == BulkMethod::Post {
            self.incomplete.push(at);
        }
        if let (Some(name), Some(location)) = (&operation.bulk_id, &answer.location)
            && let Some((_, id)) = location.rsplit_once('/')
        {
            self.ids.insert(name.clone(), id.to_owned());
        }
        self.note(at, operation, answer);
    }

    /// Sets the references that were left out when the resource was created.
    fn complete(&mut self, at: usize, operation: &BulkOperation) {
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
        let model = Arc::clone(&self.context.model);
        let mut context = self.provider.context_with(&self.context.caller, model);
        let method = match method {
            BulkMethod::Post => Method::Post,
            BulkMethod::Put => Method::Put,
            BulkMethod::Patch => Method::Patch,
            BulkMethod::Delete => Method::Delete,
        };
        let version = operation.version.as_deref();
        let left_out = references(operation).iter().any(|name| id(name).is_none());
        let received = Received::operation(method, &path, data.as_ref(), version, left_out);
        context.received = Some(Arc::new(received));
        let route = match Route::parse(&path) {
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
        self.operation(&context, route, method, data, version)
            .unwrap_or_else(|failure| self.provider.refuse(&context, route, method, failure))
    }

    fn operation(
        &self,
        context: &Context,
        route: Route<'_>,
        method: Method,
        data: Option<Value>,
        version: Option<&str>,
    ) -> Result<Answer, Failure> {
        context.check_provisioned(route.kind().unwrap_or(ResourceKind::User))?;
        match (route, method, data) {
            (Route::Resource(kind, id), Method::Delete, _) => {
                delete::delete(self.provider, context, kind, id, version)
            }
            (route, method, data) => {
                let body = data.unwrap_or_default();
                let projection = Projection::default();
                self.provider
                    .write(context, route, method, body, &projection, version)
            }
        }
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
        format!("{}/{path}", self.context.shared.base_url)
    }

    fn note(&mut self, at: usize, operation: &BulkOperation, answer: Answer) {
        let failed = answer.status >= 400;
        self.errors += u64::from(failed);
        // RFC 7644 section 3.7: only a POST that failed has no location.
        let named = operation.method != BulkMethod::Post;
        let location = answer.location;
        let location = location.or_else(|| named.then(|| self.address(operation)));
        let result = BulkResult {
            method: operation.method,
            bulk_id: operation.bulk_id.clone(),
            location,
            version: answer.version.map(|version| version.to_string()),
            status: answer.status,
            response: answer.body.filter(|_| failed),
        };
        if let Some(slot) = self.results.get_mut(at) {
            *slot = Some(result);
        }
    }
}

/// The POSTs of groups that would be members of themselves, through others or at once.
fn nested_in_circles(operations: &[BulkOperation]) -> Vec<usize> {
    let groups = operations.iter().enumerate().filter(|(_, operation)| {
        operation.method == BulkMethod::Post
            && Route::parse(&operation.path) == Some(Route::Collection(ResourceKind::Group))
    });
    let members = |operation: &BulkOperation| -> Vec<String> {
        let attributes = operation.data.iter().filter_map(Value::as_object).flatten();
        attributes
            .filter(|(name, _)| same_name(name, "members"))
            .flat_map(|(_, members)| references_in(members))
            .collect()
    };
    circular(&edges(operations, groups.map(|(at, _)| at), members))
}

/// Which of the operations refer to which.
fn edges(
    operations: &[BulkOperation],
    among: impl Iterator<Item = usize> + Clone,
    references: impl Fn(&BulkOperation) -> Vec<String>,
) -> Vec<(usize, Vec<usize>)> {
    let named: HashMap<&str, usize> = among
        .clone()
        .filter_map(|at| Some((operations.get(at)?.bulk_id.as_deref()?, at)))
        .collect();
    among
        .filter_map(|at| {
            let found = references(operations.get(at)?);
            let found = found.iter().filter_map(|name| named.get(name.as_str()));
            Some((at, found.copied().collect()))
        })
        .collect()
}

/// What lies on a circle, or between two of them: what neither leads nowhere nor comes from
/// nowhere.
fn circular(edges: &[(usize, Vec<usize>)]) -> Vec<usize> {
    let mut left: HashSet<usize> = edges.iter().map(|(from, _)| *from).collect();
    loop {
        let before = left.len();
        let reached: HashSet<usize> = edges
            .iter()
            .filter(|(from, _)| left.contains(from))
            .flat_map(|(_, to)| to.iter().copied())
            .collect();
        left = edges
            .iter()
            .filter(|(from, to)| {
                left.contains(from)
                    && reached.contains(from)
                    && to.iter().any(|to| left.contains(to))
            })
            .map(|(from, _)| *from)
            .collect();
        if left.len() == before {
            let circle = edges.iter().map(|(from, _)| *from);
            return circle.filter(|from| left.contains(from)).collect();
        }
    }
}
