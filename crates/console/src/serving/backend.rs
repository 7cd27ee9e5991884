//! What the SCIM endpoint serves: whoever has a token, at the service provider.

use std::sync::Arc;

use scim_admin::requests::RequestCounts;
use scim_admin::{
    AdminError, AdminService, AdminStore, AuthenticationError, Authenticator, KeyRing, Services,
};
use scim_http::error::describe_error;
use scim_http::service::{Authenticated, Limit, Presented, Refusal, Service};
use scim_protocol::Limits;
use scim_provisioning::{
    Answer, Caller, Cause, Configuration, Method, RefusedRequest, RehearsalStage, Rehearsing,
    Request, ServiceProvider,
};
use uuid::Uuid;

/// Authentication and the service provider behind SCIM.
pub struct Backend {
    authenticator: Authenticator,
    provider: CountedProvider,
}

/// The service provider, whose answers are counted.
#[derive(Clone)]
struct CountedProvider {
    provider: Arc<ServiceProvider>,
    /// Who opens the copies in which configurations rehearse.
    admin: Arc<AdminService>,
    requests: Arc<RequestCounts>,
}

/// A configuration whose token is good.
struct Speaker {
    configuration: Arc<Configuration>,
    provider: CountedProvider,
}

impl Service for Backend {
    fn authenticate(&self, presented: &Presented<'_>) -> Result<Arc<dyn Authenticated>, Refusal> {
        let now = self.provider.admin.now();
        let authenticated = self
            .authenticator
            .authenticate(&presented.authorization, presented.address, now)
            .map_err(|error| {
                self.note_not_accepted(presented, &error);
                refusal(error, presented.request_id)
            })?;
        let (source, client) = (presented.source.as_deref(), presented.user_agent);
        self.authenticator
            .note_use(&authenticated, now, source, client);
        Ok(Arc::new(Speaker {
            configuration: authenticated.configuration,
            provider: self.provider.clone(),
        }))
    }

    fn claimed(&self, presented: &Presented<'_>) -> Option<Uuid> {
        let claimed = self.authenticator.claimed(&presented.authorization);
        claimed.map(Uuid::from)
    }

    fn limits(&self) -> &Limits {
        self.provider.provider.limits()
    }
}

impl Authenticated for Speaker {
    fn id(&self) -> Uuid {
        self.configuration.id.into()
    }

    fn answer(&self, presented: &Presented<'_>, request: &Request<'_>) -> Answer {
        let caller = caller(Arc::clone(&self.configuration), presented);
        let reads = request.method == Method::Get || request.path.ends_with("/.search");
        let answer = match self.configuration.rehearsal {
            Some(rehearsal) => self.provider.rehearse(&caller, request, rehearsal, reads),
            None => self.provider.provider.answer(&caller, request),
        };
        self.provider.count(&caller, reads, answer.status);
        answer
    }

    fn note_limit(&self, presented: &Presented<'_>, limit: Limit, detail: &str) {
        let caller = caller(Arc::clone(&self.configuration), presented);
        let refused = RefusedRequest {
            method: presented.method,
            path: presented.path,
            cause: match limit {
                Limit::Rate => Cause::TooManyRequests,
                Limit::AtOnce => Cause::TooManyAtOnce,
                Limit::Bytes => Cause::TooManyBytes,
            },
            status: 429,
            reason: detail,
            detail,
        };
        self.provider.note_refusal(&caller, &refused);
    }
}

impl CountedProvider {
    /// Answers from the copy of the directory in which the configuration rehearses.
    fn rehearse(
        &self,
        caller: &Caller,
        request: &Request<'_>,
        rehearsal: Rehearsing,
        reads: bool,
    ) -> Answer {
        if rehearsal.stage == RehearsalStage::GoingLive && !reads {
            return later(
                GOING_LIVE,
                "The configuration goes live; try again in a moment.",
            );
        }
        match self.admin.rehearsed(&self.provider, rehearsal.id) {
            Ok(provider) => {
                let answer = provider.answer(caller, request);
                if !reads && answer.status < 400 {
                    self.let_leave(caller, rehearsal);
                }
                answer
            }
            Err(error) => {
                let seconds = match &error {
                    AdminError::Store(fault) => fault.retry_after(),
                    _ => None,
                };
                let reason = describe_error(&error);
                let request_id = &caller.request_id;
                tracing::error!(request_id, reason, "the copy of a rehearsal cannot be used");
                later(
                    seconds.unwrap_or(NO_COPY),
                    "The rehearsal cannot be answered from its copy; try again later.",
                )
            }
        }
    }

    /// Has those leave at once who do so in a rehearsal and were there before it.
    fn let_leave(&self, caller: &Caller, rehearsal: Rehearsing) {
        let left = self.admin.let_leave(&self.provider, caller, rehearsal.id);
        if let Err(error) = left {
            let (reason, request_id) = (describe_error(&error), &caller.request_id);
            tracing::error!(
                request_id,
                reason,
                "who leaves beside a rehearsal could not be found"
            );
        }
    }

    fn note_refusal(&self, caller: &Caller, refused: &RefusedRequest<'_>) {
        self.count(caller, refused.method == Method::Get, refused.status);
        self.provider.note_refusal(caller, refused);
    }

    fn count(&self, caller: &Caller, reads: bool, status: u16) {
        let id = caller.configuration.id;
        self.requests.note(id, reads, status, self.admin.now());
    }
}

impl Backend {
    /// Whoever a key of the ring authenticates, at the service provider; `requests` counts what is
    /// answered.
    pub fn new(
        store: Arc<dyn AdminStore>,
        keys: Arc<KeyRing>,
        services: &Services,
        requests: Arc<RequestCounts>,
    ) -> Self {
        Self {
            authenticator: Authenticator::new(store, keys),
            provider: CountedProvider {
                provider: Arc::clone(&services.provider),
                admin: Arc::clone(&services.admin),
                requests,
            },
        }
    }

    /// Logs that a token which is known was not accepted.
    fn note_not_accepted(&self, presented: &Presented<'_>, error: &AuthenticationError) {
        let AuthenticationError::Refused {
            reason,
            configuration,
        } = error
        else {
            return;
        };
        let caller = caller(Arc::new(Configuration::clone(configuration)), presented);
        let refused = RefusedRequest {
            method: presented.method,
            path: presented.path,
            cause: reason.cause(),
            status: error.status(),
            reason: reason.reason(),
            detail: &error.to_string(),
        };
        self.provider.note_refusal(&caller, &refused);
    }
}

fn caller(configuration: Arc<Configuration>, presented: &Presented<'_>) -> Caller {
    Caller {
        configuration,
        request_id: presented.request_id.to_owned(),
        source: presented.source.clone(),
        user_agent: presented.user_agent.map(str::to_owned),
        actor: None,
        run: None,
    }
}

/// 503, which says when to come again (RFC 7644 section 3.12).
fn later(seconds: u32, detail: &str) -> Answer {
    Answer {
        retry_after: Some(seconds),
        ..Answer::from(&scim_protocol::Error::with_status(503, detail))
    }
}

/// When a client may write again whose configuration goes live, and when one may come again whose
/// copy is gone.
const GOING_LIVE: u32 = 5;
const NO_COPY: u32 = 300;

fn refusal(error: AuthenticationError, request_id: &str) -> Refusal {
    let (status, detail) = (error.status(), error.to_string());
    let (challenge, retry_after) = (error.www_authenticate(), error.retry_after());
    if matches!(error, AuthenticationError::Store(_)) {
        let reason = describe_error(&error);
        tracing::error!(request_id, reason, "authentication was not possible");
    }
    Refusal {
        status,
        detail,
        challenge,
        retry_after,
    }
}
