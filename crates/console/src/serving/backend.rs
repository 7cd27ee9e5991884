//! What the SCIM endpoint serves: whoever has a token, at the service provider.

use std::sync::Arc;

use chrono::Utc;
use scim_admin::requests::RequestCounts;
use scim_admin::{AdminStore, AuthenticationError, Authenticator, KeyRing};
use scim_http::error::describe_error;
use scim_http::service::{Presented, Refusal, Service};
use scim_protocol::Limits;
use scim_provisioning::{
    Answer, Caller, Configuration, ConfigurationId, Method, RefusedRequest, Request,
    ServiceProvider,
};

/// Authentication and the service provider behind SCIM.
pub struct Backend {
    authenticator: Authenticator,
    provider: Arc<ServiceProvider>,
    requests: Arc<RequestCounts>,
}

impl Service for Backend {
    fn authenticate(&self, presented: &Presented<'_>) -> Result<Arc<Configuration>, Refusal> {
        let now = Utc::now();
        let authenticated = self
            .authenticator
            .authenticate(&presented.authorization, presented.address, now)
            .map_err(|error| {
                self.note_not_accepted(presented, &error);
                refusal(error)
            })?;
        let (source, client) = (presented.source.as_deref(), presented.user_agent);
        self.authenticator
            .note_use(&authenticated, now, source, client);
        Ok(authenticated.configuration)
    }

    fn claimed(&self, presented: &Presented<'_>) -> Option<ConfigurationId> {
        self.authenticator.claimed(&presented.authorization)
    }

    fn note_refusal(&self, caller: &Caller, refused: &RefusedRequest<'_>) {
        self.count(caller, refused.method == Method::Get, refused.status);
        self.provider.note_refusal(caller, refused);
    }

    fn answer(&self, caller: &Caller, request: &Request<'_>) -> Answer {
        let answer = self.provider.answer(caller, request);
        let reads = request.method == Method::Get || request.path.ends_with("/.search");
        self.count(caller, reads, answer.status);
        answer
    }

    fn limits(&self) -> &Limits {
        self.provider.limits()
    }
}

impl Backend {
    /// Whoever a key of the ring authenticates, at this service provider; `requests` counts what is
    /// answered.
    pub fn new(
        store: Arc<dyn AdminStore>,
        keys: Arc<KeyRing>,
        provider: Arc<ServiceProvider>,
        requests: Arc<RequestCounts>,
    ) -> Self {
        Self {
            authenticator: Authenticator::new(store, keys),
            provider,
            requests,
        }
    }

    fn count(&self, caller: &Caller, reads: bool, status: u16) {
        let id = caller.configuration.id;
        self.requests.note(id, reads, status, Utc::now());
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
        let caller = Caller {
            configuration: Arc::new(Configuration::clone(configuration)),
            request_id: presented.request_id.to_owned(),
            source: presented.source.clone(),
            user_agent: presented.user_agent.map(str::to_owned),
            actor: None,
        };
        let refused = RefusedRequest {
            method: presented.method,
            path: presented.path,
            cause: reason.cause(),
            status: error.status(),
            reason: reason.reason(),
            detail: &error.to_string(),
        };
        self.count(&caller, presented.method == Method::Get, error.status());
        self.provider.note_refusal(&caller, &refused);
    }
}

fn refusal(error: AuthenticationError) -> Refusal {
    let (status, detail) = (error.status(), error.to_string());
    let (challenge, retry_after) = (error.www_authenticate(), error.retry_after());
    if matches!(error, AuthenticationError::Store(_)) {
        let reason = describe_error(&error);
        tracing::error!(reason, "authentication was not possible");
    }
    Refusal {
        status,
        detail,
        challenge,
        retry_after,
    }
}
