//! `/api/scim/v2`: extract, authenticate, call, respond.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use scim_provisioning::{Configuration, ConfigurationId};

use super::answer::Reply;
use super::request::Incoming;
use super::{Shared, body};

/// Which configuration spoke, for the log.
pub(crate) struct Speaker(pub(crate) ConfigurationId);

/// Answers a SCIM request.
pub(crate) async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    shared: web::Data<Shared>,
) -> HttpResponse {
    let incoming = Arc::new(Incoming::of(&request));
    let reply = match incoming.takes_body() {
        true => with_body(&request, payload, &shared, &incoming).await,
        false => without_body(&request, &shared, &incoming).await,
    };
    reply.unwrap_or_else(|reply| reply).into_response()
}

/// One hand-over to the blocking threads for authentication and answer.
async fn without_body(
    request: &HttpRequest,
    shared: &web::Data<Shared>,
    incoming: &Arc<Incoming>,
) -> Result<Reply, Reply> {
    let (speaker, reply) = blocking(shared, incoming, |shared, incoming| {
        let configuration = match authenticate(shared, incoming) {
            Ok(configuration) => configuration,
            Err(reply) => return (None, reply),
        };
        let speaker = Some(configuration.id);
        let reply = match incoming.path() {
            Ok(path) => answer(shared, incoming, configuration, &path, &[]),
            Err(error) => Reply::error(&error),
        };
        (speaker, reply)
    })
    .await?;
    note(request, speaker);
    Ok(reply)
}

/// Nothing of a body is read before it is known who sends it.
async fn with_body(
    request: &HttpRequest,
    payload: web::Payload,
    shared: &web::Data<Shared>,
    incoming: &Arc<Incoming>,
) -> Result<Reply, Reply> {
    let configuration = blocking(shared, incoming, authenticate).await??;
    note(request, Some(configuration.id));
    let refuse = |error| Reply::error(&error);
    let path = incoming.path().map_err(refuse)?;
    let body = body::read(request, payload, &path, shared.service.limits());
    let body = body.await.map_err(refuse)?;
    blocking(shared, incoming, move |shared, incoming| {
        answer(shared, incoming, configuration, &path, &body)
    })
    .await
}

fn authenticate(shared: &Shared, incoming: &Incoming) -> Result<Arc<Configuration>, Reply> {
    shared
        .service
        .authenticate(&incoming.presented())
        .map_err(|refusal| {
            let address = incoming.address.filter(|_address| refusal.status == 401);
            let wait = address.and_then(|address| shared.throttle.failure(address, Instant::now()));
            match wait {
                Some(wait) => Reply::too_many_failures(wait.as_secs().saturating_add(1)),
                None => Reply::refused(refusal, &incoming.id),
            }
        })
}

fn answer(
    shared: &Shared,
    incoming: &Incoming,
    configuration: Arc<Configuration>,
    path: &str,
    body: &[u8],
) -> Reply {
    let caller = incoming.caller(configuration);
    let answer = shared
        .service
        .answer(&caller, &incoming.request(path, body));
    Reply::new(answer, &incoming.id)
}

/// Runs `work` on a thread that may block. A panic there is that request's failure alone.
async fn blocking<T: Send + 'static>(
    shared: &web::Data<Shared>,
    incoming: &Arc<Incoming>,
    work: impl FnOnce(&Shared, &Incoming) -> T + Send + 'static,
) -> Result<T, Reply> {
    let (shared, theirs) = (shared.clone(), Arc::clone(incoming));
    let guarded = move || catch_unwind(AssertUnwindSafe(|| work(&shared, &theirs)));
    match web::block(guarded).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_panic)) => {
            tracing::error!(request_id = %incoming.id, "the request ended in an internal error");
            Err(Reply::internal(&incoming.id))
        }
        Err(_cancelled) => Err(Reply::internal(&incoming.id)),
    }
}

fn note(request: &HttpRequest, speaker: Option<ConfigurationId>) {
    if let Some(id) = speaker {
        request.extensions_mut().insert(Speaker(id));
    }
}
