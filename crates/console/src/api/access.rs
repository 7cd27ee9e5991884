//! Who sends a request, and what they may do.
//!
//! Who it is, is found out before a route is looked for; what they may do stands in the signature of
//! each handler, as its first argument, so that nothing else of a request is read before.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use scim_admin::account::Role;
use scim_admin::api_key::ApiKey;
use scim_admin::scope::Scope;
use scim_admin::{Actor, AdminService};
use scim_feed::Feed;
use scim_http::address;
use scim_http::deadline;
use scim_http::request::Incoming;
use scim_provisioning::ServiceProvider;
use utoipa::openapi::security::SecurityRequirement;

use super::answer::ApiAnswer;
use super::description::{Describe, Description};
use super::operation::unfinished;
use super::{ADMIN, Problem};
use crate::Administration;

/// Lets nobody pass who shows no live API key; whoever passes is told to the handlers.
pub(super) async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match speaker(request.request()).await {
        Ok(key) => {
            request.extensions_mut().insert(key);
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Err(refused) => {
            let refused = refused.respond(request.request());
            Ok(request.into_response(refused))
        }
    }
}

async fn speaker(request: &HttpRequest) -> Result<ApiKey, ApiAnswer> {
    let shared = administration(request)?;
    let incoming = Incoming::of(request);
    if !shared.admits(incoming.address) {
        let said = "The admin API is not reached from your network.";
        return Err(Problem::new(403, said).into());
    }
    // What cannot be read is not looked for.
    incoming.below(ADMIN).map_err(Problem::from)?;
    let theirs = shared.clone();
    let header = incoming.authorization.first().cloned().unwrap_or_default();
    let work = deadline::for_request(&incoming.id, move || key_of(&theirs, &header));
    let found = deadline::within(shared.patience, work).await;
    let found = found.map_err(|why| unfinished(why, &incoming.id))?;
    found.map_err(|problem| throttled(problem.into(), &shared, &incoming))
}

fn administration(request: &HttpRequest) -> Result<web::Data<Administration>, Problem> {
    let shared = request.app_data::<web::Data<Administration>>();
    shared.cloned().ok_or_else(Problem::internal)
}

/// Whose key an `Authorization` header shows: 401 for whoever shows no live one.
fn key_of(shared: &Administration, header: &[u8]) -> Result<ApiKey, Problem> {
    let header = std::str::from_utf8(header).unwrap_or_default();
    let (scheme, key) = header.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::unauthenticated("An API key is needed."));
    }
    let found = shared.api.admin.authenticate_key(key.trim())?;
    found.ok_or_else(|| Problem::unauthenticated("The API key is not accepted."))
}

/// Failed authentications are counted together with those of SCIM.
fn throttled(answer: ApiAnswer, shared: &Administration, incoming: &Incoming) -> ApiAnswer {
    let failed = incoming.address.filter(|_address| answer.status == 401);
    let wait = failed.and_then(|address| shared.throttle.failure(address, Instant::now()));
    match wait {
        Some(wait) => {
            let seconds = wait.as_secs().saturating_add(1);
            let said = format!("Authentication failed too often; try again in {seconds} seconds.");
            ApiAnswer {
                retry_after: Some(seconds),
                ..Problem::new(429, said).into()
            }
        }
        None => answer,
    }
}

/// Who sends a request that was let in, and the services that they use.
pub(super) struct Caller {
    pub(super) actor: Actor,
    pub(super) admin: Arc<AdminService>,
    pub(super) provider: Arc<ServiceProvider>,
    pub(super) feed: Feed,
    pub(super) scim_endpoint: Arc<str>,
}

impl Caller {
    /// Whoever sends a request, if they have this role at least and the scopes.
    fn admit(request: &HttpRequest, role: Role, needs: &[Scope]) -> Result<Self, Problem> {
        let shared = administration(request)?;
        let extensions = request.extensions();
        let key = extensions.get::<ApiKey>().ok_or_else(Problem::internal)?;
        if role == Role::Administrator && key.role != Role::Administrator {
            return Err(Problem::new(403, "This needs the role administrator."));
        }
        let mut needs = needs.iter();
        if let Some(scope) = needs.find(|scope| !key.scopes.contains(**scope)) {
            let said = format!("This needs the scope {}.", scope.as_str());
            return Err(Problem::new(403, said));
        }
        let source = address::of(request).map(|address| address.to_string());
        Ok(Self {
            actor: Actor::of_key(key, source.as_deref()),
            admin: Arc::clone(&shared.api.admin),
            provider: Arc::clone(&shared.api.provider),
            feed: shared.api.feed.clone(),
            scim_endpoint: Arc::clone(&shared.api.scim_endpoint),
        })
    }
}

/// Administrators and auditors, with a key that may read.
pub(super) struct Auditor(Caller);

/// Administrators, with a key of these scopes.
pub(super) struct Administrator<S>(Caller, PhantomData<S>);

/// The scopes that an operation needs, all of them.
pub(super) trait Needs: Send + 'static {
    const SCOPES: &'static [Scope];
}

/// Reading.
pub(super) struct Read;
/// Changing configurations, policies, mappings and custom fields.
pub(super) struct Configure;
/// Making, showing and ending tokens and keys.
pub(super) struct Tokens;
/// Daily work with people, with what waits, and with whether a configuration runs.
pub(super) struct Operate;

impl Needs for Configure {
    const SCOPES: &'static [Scope] = &[Scope::Configure];
}

impl Needs for Tokens {
    const SCOPES: &'static [Scope] = &[Scope::Tokens];
}

impl Needs for Operate {
    const SCOPES: &'static [Scope] = &[Scope::Operate];
}

impl Needs for (Read, Tokens) {
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Tokens];
}

impl Needs for (Read, Configure) {
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Configure];
}

impl Needs for (Read, Operate) {
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Operate];
}

impl Needs for (Configure, Tokens) {
    const SCOPES: &'static [Scope] = &[Scope::Configure, Scope::Tokens];
}

impl Deref for Auditor {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<S> Deref for Administrator<S> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl FromRequest for Auditor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Caller::admit(request, Role::Auditor, READ).map(Self))
    }
}

impl<S: Needs> FromRequest for Administrator<S> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let caller = Caller::admit(request, Role::Administrator, S::SCOPES);
        ready(caller.map(|caller| Self(caller, PhantomData)))
    }
}

impl Describe for Auditor {
    fn describe(description: &mut Description) {
        needs(description, READ);
    }
}

impl<S: Needs> Describe for Administrator<S> {
    fn describe(description: &mut Description) {
        needs(description, S::SCOPES);
    }
}

/// The scopes that the key needs.
fn needs(description: &mut Description, scopes: &[Scope]) {
    let scopes = scopes.iter().map(|scope| scope.as_str());
    let requirement = SecurityRequirement::new("apiKey", scopes);
    description.operation.security = Some(vec![requirement]);
}

const READ: &[Scope] = &[Scope::Read];
