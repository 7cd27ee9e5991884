//! The service provider: from a request to its answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use scim_protocol::{Budget, Error, Limits};
use scim_service::{Answer, Attempt, CursorKey, Environment, Method, Policy, Request, StoreError};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::configuration::Configuration;
use crate::context::{Context, Shared};
use crate::cycles::Cycles;
use crate::directory::{
    Approval, Directory, DirectoryExt, DirectoryTransaction, DirectoryView, PendingLink,
};
use crate::event::{Event, Outcome};
use crate::failure::Failure;
use crate::fault::{note_fault, store_error, unusable};
use crate::id::{ResourceId, ResourceKind, RunId};
use crate::look_up::{LookUp, SoughtBy};
use crate::model::{Model, Models};
use crate::operation::user::text;
use crate::policy::ExistingUsers;
use crate::received::{self, Received};
use crate::refusal::{Cause, Stage};
use crate::refused::{Refusals, RefusedRequest};
use crate::route::{self, Route, attempted, is_read, resource_of};
use crate::seen::{Seen, SeenAttribute};

/// The SCIM service provider of one instance.
pub struct ServiceProvider {
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) cursors: Arc<dyn CursorKey>,
    pub(crate) shared: Arc<Shared>,
    plans: Plans,
    models: Models,
    seen: Seen,
    refusals: Refusals,
    refused: Mutex<HashMap<Counted, u64>>,
    pub(crate) cycles: Cycles,
    /// The run of everything that it does, where it rehearses.
    pub(crate) rehearsal: Option<RunId>,
}

/// What attempts are counted by that the log tells of and that were not carried out.
type Counted = (Outcome, Option<Cause>);

/// How many updates were computed before, and how many in, the transaction that wrote them.
#[derive(Debug, Default)]
struct Plans {
    outside: AtomicU64,
    inside: AtomicU64,
}

/// What a client is told of an attempt that failed.
struct Told {
    cause: Cause,
    error: Error,
    retry_after: Option<u32>,
}

impl ServiceProvider {
    /// A service provider over a directory.
    ///
    /// `base_url` is the SCIM endpoint (`https://host/api/scim/v2`); links are built from it and
    /// from nothing that a request says.
    pub fn new(
        directory: Arc<dyn Directory>,
        cursors: Arc<dyn CursorKey>,
        base_url: impl Into<String>,
        limits: Limits,
    ) -> Self {
        Self {
            directory,
            cursors,
            plans: Plans::default(),
            shared: Arc::new(Shared::new(&base_url.into(), limits)),
            models: Models::default(),
            seen: Seen::default(),
            refusals: Refusals::default(),
            refused: Mutex::default(),
            cycles: Cycles::default(),
            rehearsal: None,
        }
    }

    /// The same with another clock and other ids. It is said before the first request.
    #[must_use]
    pub fn with_environment(mut self, environment: Arc<dyn Environment>) -> Self {
        let shared = self.shared.anew();
        self.shared = Arc::new(Shared {
            environment,
            ..shared
        });
        self
    }

    /// The same, which tells of security events of these URIs while there are any (RFC 9967
    /// section 4). It is said before the first request.
    #[must_use]
    pub fn with_event_uris(
        mut self,
        told: impl Fn() -> &'static [&'static str] + Send + Sync + 'static,
    ) -> Self {
        let mut shared = self.shared.anew();
        shared.event_uris = Arc::new(told);
        self.shared = Arc::new(shared);
        self
    }

    pub(crate) fn environment(&self) -> &dyn Environment {
        &*self.shared.environment
    }

    /// How many updates were computed before, and how many in, a transaction. The latter is for
    /// those that meet others again and again.
    pub fn planned(&self) -> (u64, u64) {
        let plans = &self.plans;
        (
            plans.outside.load(Ordering::Relaxed),
            plans.inside.load(Ordering::Relaxed),
        )
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Answers a request. What goes wrong is a SCIM error in the answer.
    pub fn answer(&self, caller: &Caller, request: &Request<'_>) -> Answer {
        let answer = scim_service::answer(self, caller, request);
        let left = self.shared.unchanged.take(&caller.request_id, &answer);
        self.note_request(caller, is_read(request.method, request.path), left);
        answer
    }

    /// Logs a request that was refused before it was looked at. Of many alike the log has the first
    /// one of a minute, and how many others there were.
    pub fn note_refusal(&self, caller: &Caller, refused: &RefusedRequest<'_>) {
        let route = route::parse(refused.path);
        let read = matches!(route, Some(Route::Search(_))) || refused.method == Method::Get;
        self.note_request(caller, read, 0);
        let target: String = refused.path.chars().take(received::TARGET).collect();
        let configuration = &caller.configuration;
        let outcome = match refused.cause {
            // It is to be sent again, and then there is nothing to be mended.
            Cause::ConfigurationPaused
            | Cause::TooManyRequests
            | Cause::TooManyAtOnce
            | Cause::TooManyBytes => Outcome::Skipped,
            _ => Outcome::Failure,
        };
        self.sample(Event {
            at: self.environment().now(),
            configuration: configuration.id,
            configuration_name: configuration.name.clone(),
            request_id: caller.request_id.clone(),
            action: attempted(refused.method, read),
            kind: route.and_then(Route::kind),
            resource_id: route.and_then(resource_of),
            resource_name: None,
            mapping_version: None,
            outcome,
            status: refused.status,
            scim_type: None,
            cause: Some(refused.cause),
            reason: Some(refused.reason.to_owned()),
            detail: Some(refused.detail.to_owned()),
            changes: Value::Array(Vec::new()),
            deviations: Value::Array(Vec::new()),
            duration_micros: 0,
            source: caller.source.clone(),
            user_agent: caller.user_agent.clone(),
            request: Some(json!({ "method": refused.method.as_str(), "target": target })),
            actor: None,
            occurrences: 1,
            run: self
                .cycles
                .current(configuration.id, self.environment().now()),
        });
    }

    /// Logs what was counted of refusals in minutes that are over.
    pub fn log_refusals(&self) {
        for event in self.refusals.due(self.environment().now()) {
            self.log(event, Vec::new());
        }
    }

    fn sample(&self, event: Event) {
        for event in self.refusals.note(event) {
            self.log(event, Vec::new());
        }
    }

    /// The attempts that were logged by themselves since the process began, because nothing was
    /// changed: how many of each outcome and cause.
    pub fn refused(&self) -> Vec<((Outcome, Option<Cause>), u64)> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.iter().map(|(of, count)| (*of, *count)).collect()
    }

    fn log(&self, event: Event, pending: Vec<PendingLink>) {
        let count = u64::from(event.occurrences);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry((event.outcome, event.cause)).or_default() += count;
        drop(refused);
        let request_id = event.request_id.clone();
        if let Err(error) = self.directory.log(event, pending) {
            tracing::error!(request_id, %error, "log entry lost");
        }
    }

    /// The attributes that were received since this was asked last, to be written.
    pub fn take_seen(&self) -> Vec<SeenAttribute> {
        self.seen.take()
    }

    /// What identity providers looked for and did not find since this was asked last, to be
    /// written.
    pub fn take_look_ups(&self) -> Vec<LookUp> {
        self.shared.look_ups.take()
    }

    /// Creates a user as the identity provider sent it, and takes over the person who was created by
    /// hand and is in its way, as an administrator approved. The approval is noted in the same
    /// transaction; a person other than the approved one is not taken over.
    ///
    /// # Errors
    /// A fault of the store; else what the rules refuse it for, as an identity provider is told.
    pub fn link(
        &self,
        mut configuration: Configuration,
        document: Value,
        approval: Approval,
    ) -> Result<(), Failure> {
        configuration.policies.existing_users = ExistingUsers::Link;
        let caller = Caller {
            actor: Some(approval.actor.clone()),
            source: approval.source.clone(),
            ..Caller::silent(&configuration, self.environment())
        };
        let mut context = self.context(&caller)?;
        context.run = Some(approval.run);
        context.approval = Some(Arc::new(approval));
        match scim_service::create_resource(self, &context, ResourceKind::User, document) {
            Ok(_created) => Ok(()),
            Err(Failure::Store(fault)) if fault.is_fault() => Err(fault.into()),
            Err(failure) => {
                let route = Route::Collection(ResourceKind::User);
                let told = self.log_refusal(&context, route, Method::Post, failure);
                Err(Failure::because(told.cause, told.error))
            }
        }
    }

    pub(crate) fn context(&self, caller: &Caller) -> Result<Context, StoreError> {
        let configuration = &caller.configuration;
        let (id, version) = (configuration.id, configuration.model);
        let read = || self.directory.model(id, version);
        let model = self.models.of(id, version, read)?;
        Ok(self.context_with(caller, model))
    }

    pub(crate) fn context_with(&self, caller: &Caller, model: Arc<Model>) -> Context {
        Context {
            shared: Arc::clone(&self.shared),
            model,
            caller: caller.clone(),
            received: None,
            approval: None,
            run: None,
            budget: Budget::of(&self.shared.limits),
            started: Instant::now(),
            now: self.environment().now(),
        }
    }

    /// Logs a failed attempt and makes its answer.
    fn explain_refusal(
        &self,
        context: &Context,
        route: Route<'_>,
        method: Method,
        failure: Failure,
    ) -> Answer {
        let told = self.log_refusal(context, route, method, failure);
        Answer {
            retry_after: told.retry_after,
            ..Answer::from(&told.error)
        }
    }

    /// Logs a failed attempt; answers what the client is told of it.
    fn log_refusal(
        &self,
        context: &Context,
        route: Route<'_>,
        method: Method,
        failure: Failure,
    ) -> Told {
        let resource_id = resource_of(route);
        let mut pending = Vec::new();
        let mut retry_after = None;
        let read = matches!(route, Route::Search(_)) || method == Method::Get;
        let failure = self.explain(failure, resource_id);
        let cause = failure.cause();
        if let (true, Cause::ResourceUnknown, Route::Resource(ResourceKind::User, id)) =
            (read, cause, route)
        {
            let (look_ups, configuration) = (&self.shared.look_ups, context.configuration().id);
            look_ups.note(configuration, SoughtBy::Id, id, context.now);
        }
        let (error, reason, outcome) = match failure {
            Failure::Scim(error) => {
                let reason = error.detail().to_owned();
                (error, reason, Outcome::Failure)
            }
            Failure::Refused {
                cause: _,
                error,
                reason,
                outcome,
                pending: links,
            } => {
                pending = links;
                (error, reason, outcome)
            }
            Failure::Contended => {
                // The client is told what it is told where the store is busy.
                let busy = StoreError::Busy;
                retry_after = busy.retry_after();
                let request_id = &context.caller.request_id;
                tracing::warn!(request_id, "{}", Failure::Contended);
                let answer = busy.to_error();
                let reason = answer.detail().to_owned();
                (answer, reason, Outcome::Failure)
            }
            Failure::Store(error) => {
                let answer = store_error(&error, route.kind());
                let reason = answer.detail().to_owned();
                retry_after = error.retry_after();
                if error.is_fault() {
                    note_fault(&context.caller.request_id, &error);
                }
                (answer, reason, Outcome::Failure)
            }
        };
        if error.status() < 500 {
            let known = context.event(attempted(method, read), route.kind());
            let body = known.request.as_ref().and_then(|kept| kept.get("body"));
            // Of what is not there, there is no more than the name that it was to have.
            let name = self
                .name(context, route, cause)
                .or_else(|| received::name_in(body?, route.kind()?));
            let event = Event {
                resource_name: name.map(|name| name.chars().take(NAME).collect()),
                status: error.status(),
                scim_type: error.scim_type().map(|t| t.as_str().to_owned()),
                cause: Some(cause),
                reason: Some(reason),
                // What nobody asked for was told to nobody.
                detail: context.received.as_ref().map(|_| error.detail().to_owned()),
                // To look for what is gone is no failure of anything.
                outcome: match (read, cause) {
                    (true, Cause::ResourceUnknown) => Outcome::Skipped,
                    _ => outcome,
                },
                resource_id,
                ..known
            };
            match cause.stage() {
                Stage::Authenticate => self.sample(event),
                _ => self.log(event, pending),
            }
        }
        Told {
            cause,
            error,
            retry_after,
        }
    }

    /// The name of the resource that a refused request was about, where the caller sees it.
    fn name(&self, context: &Context, route: Route<'_>, cause: Cause) -> Option<String> {
        let Route::Resource(kind, id) = route else {
            return None;
        };
        if matches!(cause, Cause::ResourceUnknown | Cause::ResourceProtected) {
            return None;
        }
        let id = ResourceId::parse(id)?;
        let scope = context.scope();
        let looked = self.directory.view(|view| {
            Ok::<_, StoreError>(match kind {
                ResourceKind::User => view
                    .user(scope, id)?
                    .and_then(|user| text(&user.document, "userName")),
                ResourceKind::Group => view
                    .group(scope, id)?
                    .and_then(|group| text(&group.document, "displayName")),
            })
        });
        looked.ok()?
    }

    /// Tells an account that is protected from one that is not there, for the log alone. Both
    /// take the same way, so that the time of the answer does not tell either.
    fn explain(&self, failure: Failure, id: Option<ResourceId>) -> Failure {
        let (Cause::ResourceUnknown, Some(id)) = (failure.cause(), id) else {
            return failure;
        };
        let looked: Result<_, StoreError> = self.directory.view(|view| view.protected(&[id]));
        match looked {
            Ok(Some(id)) => Failure::protected(Cause::ResourceProtected, Error::not_found(), id),
            _ => failure,
        }
    }
}

impl Policy for ServiceProvider {
    type Caller = Caller;
    type Session = Context;

    fn kind_at(&self, endpoint: &str) -> Option<ResourceKind> {
        route::kind_at(endpoint)
    }

    fn begin(&self, caller: &Caller, request: &Request<'_>) -> Result<Context, Box<Answer>> {
        let context = self.context(caller);
        let mut context =
            context.map_err(|error| Box::new(unusable(&caller.request_id, &error)))?;
        let run = self.run_of(caller, is_read(request.method, request.path), context.now);
        context.run = run.map_err(|error| Box::new(unusable(&caller.request_id, &error)))?;
        context.received = Some(Arc::new(Received::of(request)));
        Ok(context)
    }

    fn cursor_key(&self) -> &dyn CursorKey {
        &*self.cursors
    }

    fn read<T>(
        &self,
        work: impl FnMut(&mut (dyn DirectoryView + '_)) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.directory.view(work)
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut (dyn DirectoryTransaction + '_)) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.directory.transact(work)
    }

    fn write_in_parts<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut (dyn DirectoryTransaction + '_)) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.directory.transact_in_parts(work)
    }

    fn note_body(&self, context: &Context, kind: ResourceKind, body: &Value) {
        let configuration = context.configuration().id;
        self.seen.note(configuration, kind, body, context.now);
    }

    fn note_plan(&self, inside: bool) {
        let counter = match inside {
            true => &self.plans.inside,
            false => &self.plans.outside,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn note_unshown(&self, context: &Context, failure: &Failure) {
        let request_id = &context.caller.request_id;
        match failure {
            Failure::Store(fault) => note_fault(request_id, fault),
            other => tracing::warn!(request_id, %other, "what was written is not shown"),
        }
    }

    fn refuse(
        &self,
        context: &Context,
        attempt: Attempt<'_, ResourceKind>,
        failure: Failure,
    ) -> Answer {
        self.explain_refusal(context, attempt.route, attempt.method, failure)
    }
}

/// The longest name of what was refused, in characters.
const NAME: usize = 512;
