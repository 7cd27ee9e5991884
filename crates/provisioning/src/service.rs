//! The service provider: from a request to its answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use chrono::{DateTime, SubsecRound, Utc};
use scim_protocol::resource;
use scim_protocol::{Budget, Error, Limits, ResourceDefinition, ScimType, Tolerance};
use serde_json::{Value, json};

use crate::configuration::Configuration;
use crate::cursor::CursorKey;
use crate::directory::{Approval, Directory, PendingLink, Scope, StoreError};
use crate::discovery;
use crate::event::{Action, Event, Outcome};
use crate::fault::{note_fault, store_error, unusable};
use crate::id::ResourceKind;
use crate::model::{Model, Models};
use crate::operation::user::text;
use crate::operation::{
    Answer, Caller, Failure, Method, Request, bulk, create, delete, query, read, update,
};
use crate::policy::ExistingUsers;
use crate::received::Received;
use crate::refusal::{Cause, Stage};
use crate::refused::Refusals;
use crate::replay::named;
use crate::route::{self, Route};
use crate::seen::{Seen, SeenAttribute};

/// The SCIM service provider of one instance.
pub struct ServiceProvider {
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) cursors: Arc<dyn CursorKey>,
    pub(crate) shared: Arc<Shared>,
    models: Models,
    seen: Seen,
    refusals: Refusals,
}

/// A request that was refused before it was looked at.
#[derive(Debug, Clone, Copy)]
pub struct RefusedRequest<'a> {
    /// The method.
    pub method: Method,
    /// The path below the base URL, percent-decoded.
    pub path: &'a str,
    /// Why.
    pub cause: Cause,
    /// The HTTP status of the answer.
    pub status: u16,
    /// A sentence for the administrator.
    pub reason: &'a str,
    /// What the client was told.
    pub detail: &'a str,
}

/// What every operation needs, and the work of a transaction takes along.
pub(crate) struct Shared {
    pub(crate) plans: Plans,
    pub(crate) base_url: String,
    pub(crate) limits: Limits,
}

/// How many updates were computed before, and how many in, the transaction that wrote them.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    pub(crate) outside: AtomicU64,
    pub(crate) inside: AtomicU64,
}

/// One operation under way: who asked for it, and when it began.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) shared: Arc<Shared>,
    pub(crate) model: Arc<Model>,
    pub(crate) caller: Caller,
    pub(crate) received: Option<Arc<Received>>,
    /// The link that an administrator approved, where that is what goes on.
    pub(crate) approval: Option<Arc<Approval>>,
    /// The work that the request may cause.
    pub(crate) budget: Budget,
    /// Whether nobody is shown the resource that is written.
    pub(crate) unread: bool,
    pub(crate) started: Instant,
    pub(crate) now: DateTime<Utc>,
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
        let base_url: String = base_url.into();
        Self {
            directory,
            cursors,
            shared: Arc::new(Shared {
                plans: Plans::default(),
                base_url: base_url.trim_end_matches('/').to_owned(),
                limits,
            }),
            models: Models::default(),
            seen: Seen::default(),
            refusals: Refusals::default(),
        }
    }

    /// How many updates were computed before, and how many in, a transaction. The latter is for
    /// those that meet others again and again.
    pub fn planned(&self) -> (u64, u64) {
        let plans = &self.shared.plans;
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
        let Some(route) = Route::parse(request.path) else {
            return Answer::from(&Error::with_status(404, "There is no such endpoint."));
        };
        if !route.allows(request.method) {
            return Answer {
                allow: Some(route.allow()),
                ..Answer::from(&route::method_not_allowed(route))
            };
        }
        let mut context = match self.context(caller) {
            Ok(context) => context,
            Err(error) => return unusable(&caller.request_id, &error),
        };
        context.received = Some(Arc::new(Received::of(request)));
        match self.dispatch(&context, route, request) {
            Ok(answer) => answer,
            Err(failure) => self.refuse(&context, route, request.method, failure),
        }
    }

    /// Logs a request that was refused before it was looked at. Of many alike the log has the first
    /// one of a minute, and how many others there were.
    pub fn note_refusal(&self, caller: &Caller, refused: &RefusedRequest<'_>) {
        let route = Route::parse(refused.path);
        let read = matches!(route, Some(Route::Search(_))) || refused.method == Method::Get;
        let target: String = refused.path.chars().take(crate::received::TARGET).collect();
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
            at: Utc::now().trunc_subsecs(3),
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
        });
    }

    /// Logs what was counted of refusals in minutes that are over.
    pub fn log_refusals(&self) {
        for event in self.refusals.due(Utc::now()) {
            self.log(event, None);
        }
    }

    fn sample(&self, event: Event) {
        for event in self.refusals.note(event) {
            self.log(event, None);
        }
    }

    fn log(&self, event: Event, pending: Option<PendingLink>) {
        let request_id = event.request_id.clone();
        if let Err(error) = self.directory.log(event, pending) {
            tracing::error!(request_id, %error, "log entry lost");
        }
    }

    /// The attributes that were received since this was asked last, to be written.
    pub fn take_seen(&self) -> Vec<SeenAttribute> {
        self.seen.take()
    }

    /// Creates a user as the identity provider sent it, and takes over the person who was created by
    /// hand and is in its way, as an administrator approved. The approval is noted in the same
    /// transaction; a person other than the approved one is not taken over.
    ///
    /// # Errors
    /// A fault of the store ([`StoreError::is_fault`]); what the rules refuse is in the answer.
    pub fn link(
        &self,
        mut configuration: Configuration,
        document: Value,
        approval: Approval,
    ) -> Result<Answer, StoreError> {
        configuration.policies.existing_users = ExistingUsers::Link;
        let caller = Caller {
            actor: Some(approval.actor.clone()),
            source: approval.source.clone(),
            ..crate::reapply::silent(&configuration)
        };
        let mut context = self.context(&caller)?;
        context.approval = Some(Arc::new(approval));
        let route = Route::Collection(ResourceKind::User);
        let projection = scim_protocol::query::Projection::default();
        match self.write(&context, route, Method::Post, document, &projection, None) {
            Ok(answer) => Ok(answer),
            Err(Failure::Store(fault)) if fault.is_fault() => Err(fault),
            Err(failure) => Ok(self.refuse(&context, route, Method::Post, failure)),
        }
    }

    pub(crate) fn context(&self, caller: &Caller) -> Result<Context, StoreError> {
        let configuration = &caller.configuration;
        let directory = &*self.directory;
        let model = self
            .models
            .of(directory, configuration.id, configuration.model)?;
        Ok(self.context_with(caller, model))
    }

    pub(crate) fn context_with(&self, caller: &Caller, model: Arc<Model>) -> Context {
        Context {
            shared: Arc::clone(&self.shared),
            model,
            caller: caller.clone(),
            received: None,
            approval: None,
            budget: Budget::of(&self.shared.limits),
            unread: false,
            started: Instant::now(),
            now: Utc::now().trunc_subsecs(3),
        }
    }

    fn dispatch(
        &self,
        context: &Context,
        route: Route<'_>,
        request: &Request<'_>,
    ) -> Result<Answer, Failure> {
        if let Some(kind) = route.kind() {
            context.check_provisioned(kind)?;
        }
        match (route, request.method) {
            (Route::Collection(kind), Method::Get) => {
                query::list(self, context, Some(kind), request.query)
            }
            (Route::Root, _) => query::list(self, context, None, request.query),
            (Route::Search(kind), _) => {
                context.check_length(request.body, self.limits().body)?;
                let body = resource::parse_search(request.body, self.limits())?;
                query::search(self, context, kind, body)
            }
            (Route::Bulk, _) => bulk::run(
                self,
                context,
                context.json(request.body, self.limits().bulk_body)?,
            ),
            (Route::Resource(kind, id), Method::Get) => {
                read::read(self, context, kind, id, request)
            }
            (Route::Resource(kind, id), Method::Delete) => {
                delete::delete(self, context, kind, id, request.if_match)
            }
            (Route::Collection(_) | Route::Resource(..), _) => {
                let projection = query::projection(context, request.query)?;
                let body = context.json(request.body, self.limits().body)?;
                self.write(
                    context,
                    route,
                    request.method,
                    body,
                    &projection,
                    request.if_match,
                )
            }
            (Route::Me, _) => Err(Failure::because(
                Cause::RequestUnsupported,
                Error::with_status(
                    501,
                    "The caller is a provisioning configuration, not a person.",
                ),
            )),
            _ => discovery::answer(context, route, request.query),
        }
    }

    /// A create, replace or modify, from a request or from an operation of a bulk request.
    pub(crate) fn write(
        &self,
        context: &Context,
        route: Route<'_>,
        method: Method,
        body: Value,
        projection: &scim_protocol::query::Projection,
        if_match: Option<&str>,
    ) -> Result<Answer, Failure> {
        if let Some(kind) = route.kind() {
            let configuration = context.configuration().id;
            self.seen.note(configuration, kind, &body, context.now);
        }
        match (route, method) {
            (Route::Collection(kind), _) => create::create(self, context, kind, body, projection),
            (Route::Resource(kind, id), Method::Put) => {
                update::replace(self, context, kind, id, body, projection, if_match)
            }
            (Route::Resource(kind, id), _) => {
                update::modify(self, context, kind, id, body, projection, if_match)
            }
            _ => Err(Failure::not_found()),
        }
    }

    /// Logs a failed attempt and makes its answer.
    pub(crate) fn refuse(
        &self,
        context: &Context,
        route: Route<'_>,
        method: Method,
        failure: Failure,
    ) -> Answer {
        let resource_id = resource_of(route);
        let mut pending = None;
        let mut retry_after = None;
        let read = matches!(route, Route::Search(_)) || method == Method::Get;
        let failure = self.explain(failure, resource_id);
        let cause = failure.cause();
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
                pending: link,
            } => {
                pending = link.map(|link| *link);
                (error, reason, outcome)
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
                .or_else(|| named(body?, route.kind()?));
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
        Answer {
            retry_after,
            ..Answer::from(&error)
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
        let id = crate::ResourceId::parse(id)?;
        let mut name = None;
        let looked = self.directory.read(&mut |view| {
            let scope = context.scope();
            name = match kind {
                ResourceKind::User => view
                    .user(scope, id)?
                    .and_then(|user| text(&user.document, "userName")),
                ResourceKind::Group => view
                    .group(scope, id)?
                    .and_then(|group| text(&group.document, "displayName")),
            };
            Ok(Answer::default())
        });
        looked.ok()?;
        name
    }

    /// Tells an account that is protected from one that is not there, for the log alone. Both
    /// take the same way, so that the time of the answer does not tell either.
    fn explain(&self, failure: Failure, id: Option<crate::ResourceId>) -> Failure {
        let (Cause::ResourceUnknown, Some(id)) = (failure.cause(), id) else {
            return failure;
        };
        let mut protected = None;
        let looked = self.directory.read(&mut |view| {
            protected = view.protected(&[id])?;
            Ok(Answer::default())
        });
        match (looked, protected) {
            (Ok(_), Some(id)) => {
                Failure::protected(Cause::ResourceProtected, Error::not_found(), id)
            }
            _ => failure,
        }
    }
}

/// The id of the resource that a request is about.
fn resource_of(route: Route<'_>) -> Option<crate::ResourceId> {
    match route {
        Route::Resource(_, id) => crate::ResourceId::parse(id),
        _ => None,
    }
}

fn attempted(method: Method, read: bool) -> Action {
    match method {
        _ if read => Action::Read,
        Method::Post => Action::Create,
        Method::Delete => Action::Archive,
        _ => Action::Update,
    }
}

/// 409 in words that do not tell what was met.
pub(crate) fn taken(kind: ResourceKind) -> Error {
    let detail = match kind {
        ResourceKind::Group => "A group with this displayName or externalId exists already.",
        ResourceKind::User => {
            "A user with this userName, e-mail address or externalId exists already."
        }
    };
    Error::new(ScimType::Uniqueness, detail)
}

impl Context {
    pub(crate) fn configuration(&self) -> &Configuration {
        &self.caller.configuration
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::of(self.configuration().id)
    }

    pub(crate) fn tolerance(&self) -> Tolerance {
        Tolerance::new(self.configuration().profile).on_budget(self.budget.clone())
    }

    pub(crate) fn definition(&self, kind: ResourceKind) -> &ResourceDefinition {
        match kind {
            ResourceKind::User => &self.model.users,
            ResourceKind::Group => &self.model.groups,
        }
    }

    pub(crate) fn provisions(&self, kind: ResourceKind) -> bool {
        match kind {
            ResourceKind::User => self.configuration().users,
            ResourceKind::Group => self.configuration().groups,
        }
    }

    pub(crate) fn check_provisioned(&self, kind: ResourceKind) -> Result<(), Failure> {
        if self.provisions(kind) {
            return Ok(());
        }
        let detail = format!("Provisioning of {kind}s is switched off for this configuration.");
        Err(Failure::because(
            Cause::TypeSwitchedOff,
            Error::with_status(403, detail),
        ))
    }

    pub(crate) fn json(&self, body: &[u8], limit: usize) -> Result<Value, Error> {
        self.check_length(body, limit)?;
        resource::parse(body, &self.shared.limits)
    }

    fn check_length(&self, body: &[u8], limit: usize) -> Result<(), Error> {
        if body.len() <= limit {
            return Ok(());
        }
        Err(Error::with_status(
            413,
            format!("The body is longer than {limit} bytes."),
        ))
    }

    /// The URL of a resource.
    pub(crate) fn location(&self, kind: ResourceKind, id: impl std::fmt::Display) -> String {
        format!("{}{}/{id}", self.shared.base_url, kind.endpoint())
    }

    /// A log entry with what every entry has.
    pub(crate) fn event(&self, action: Action, kind: Option<ResourceKind>) -> Event {
        Event {
            at: self.now,
            configuration: self.configuration().id,
            configuration_name: self.configuration().name.clone(),
            request_id: self.caller.request_id.clone(),
            action,
            kind,
            resource_id: None,
            resource_name: None,
            outcome: Outcome::Success,
            mapping_version: kind.map(|kind| self.configuration().model.mapping(kind)),
            status: 200,
            scim_type: None,
            cause: None,
            reason: None,
            detail: None,
            changes: Value::Array(Vec::new()),
            deviations: Value::Array(Vec::new()),
            duration_micros: i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX),
            source: self.caller.source.clone(),
            user_agent: self.caller.user_agent.clone(),
            request: self.received.as_deref().map(Received::to_json),
            actor: self.caller.actor.clone(),
            occurrences: 1,
        }
    }
}

/// The longest name of what was refused, in characters.
const NAME: usize = 512;
