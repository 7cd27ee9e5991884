//! `/api/scim/v2`: extract, authenticate, call, respond.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use scim_provisioning::{Cause, Configuration, ConfigurationId, Method, RefusedRequest};

use super::admission::{Full, Place, Way};
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
    let claimed = shared.service.claimed(&incoming.presented(""));
    let reply = match incoming.takes_body() {
        true => with_body(&request, payload, &shared, &incoming, claimed).await,
        false => without_body(&request, &shared, &incoming, claimed).await,
    };
    reply.unwrap_or_else(|reply| reply).into_response()
}

/// One hand-over to the blocking threads for authentication and answer.
async fn without_body(
    request: &HttpRequest,
    shared: &web::Data<Shared>,
    incoming: &Arc<Incoming>,
    claimed: Option<ConfigurationId>,
) -> Result<Reply, Reply> {
    let place = enter(shared, incoming, claimed, way(incoming)).await?;
    let (speaker, reply) = blocking(shared, incoming, move |shared, incoming| {
        let _place = place;
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
    claimed: Option<ConfigurationId>,
) -> Result<Reply, Reply> {
    let place = enter(shared, incoming, claimed, Way::Read).await?;
    let authenticated = blocking(shared, incoming, move |shared, incoming| {
        let _place = place;
        authenticate(shared, incoming)
    });
    let configuration = authenticated.await??;
    let speaker = configuration.id;
    note(request, Some(speaker));
    let refuse = |error| Reply::error(&error);
    let path = incoming.path().map_err(refuse)?;
    let limits = shared.service.limits();
    let expected = body::expected(request, &path, limits).map_err(refuse)?;
    let held = shared.admission.hold(speaker, expected).await;
    let held = held.map_err(|full| turned_away(shared, incoming, Some(&configuration), full))?;
    let body = body::read(request, payload, &path, limits);
    let body = body.await.map_err(refuse)?;
    // The client's slowness in sending is over; only now a place is taken.
    let place = enter(shared, incoming, Some(speaker), way(incoming)).await?;
    blocking(shared, incoming, move |shared, incoming| {
        let (_place, _held) = (place, held);
        answer(shared, incoming, configuration, &path, &body)
    })
    .await
}

/// Waits for a place, before a thread is taken.
async fn enter(
    shared: &web::Data<Shared>,
    incoming: &Arc<Incoming>,
    configuration: Option<ConfigurationId>,
    way: Way,
) -> Result<Place, Reply> {
    let place = shared.admission.enter(configuration, way).await;
    place.map_err(|full| {
        let known = configuration.and_then(|id| shared.known(id));
        turned_away(shared, incoming, known.as_ref(), full)
    })
}

/// Whether a request reads or writes.
fn way(incoming: &Incoming) -> Way {
    let searches = incoming.path().is_ok_and(|path| path.ends_with("/.search"));
    match incoming.takes_body() && !searches || incoming.method == Method::Delete {
        true => Way::Write,
        false => Way::Read,
    }
}

/// The reply to a request for which there is no place.
fn turned_away(
    shared: &web::Data<Shared>,
    incoming: &Arc<Incoming>,
    configuration: Option<&Arc<Configuration>>,
    full: Full,
) -> Reply {
    let cause = match full {
        Full::Share(cause) => cause,
        Full::Server => return Reply::busy(&incoming.id),
    };
    let detail = match cause {
        Cause::TooManyBytes => "The configuration has too many bytes of requests under way.",
        _ => "The configuration has too many requests under way.",
    };
    if let Some(configuration) = configuration {
        let (shared, incoming) = (shared.clone(), Arc::clone(incoming));
        let configuration = Arc::clone(configuration);
        // It is counted, and rarely written; the client does not wait for that.
        drop(web::block(move || {
            note_limit(&shared, &incoming, configuration, cause, detail);
        }));
    }
    Reply::too_many(detail, 1)
}

fn note_limit(
    shared: &Shared,
    incoming: &Incoming,
    configuration: Arc<Configuration>,
    cause: Cause,
    detail: &str,
) {
    let path = incoming.path().unwrap_or_default();
    let refused = RefusedRequest {
        method: incoming.method,
        path: &path,
        cause,
        status: 429,
        reason: detail,
        detail,
    };
    let caller = incoming.caller(configuration);
    shared.service.note_refusal(&caller, &refused);
}

/// Who speaks, if they may by now.
fn authenticate(shared: &Shared, incoming: &Incoming) -> Result<Arc<Configuration>, Reply> {
    let path = incoming.path().unwrap_or_default();
    let presented = incoming.presented(&path);
    let configuration = shared.service.authenticate(&presented).map_err(|refusal| {
        let address = incoming.address.filter(|_address| refusal.status == 401);
        let wait = address.and_then(|address| shared.throttle.failure(address, Instant::now()));
        match wait {
            Some(wait) => Reply::too_many_failures(wait.as_secs().saturating_add(1)),
            None => Reply::refused(refusal, &incoming.id),
        }
    })?;
    shared.know(&configuration);
    match shared.admission.count(configuration.id, Instant::now()) {
        None => Ok(configuration),
        Some(seconds) => {
            let rate = shared.admission.rate();
            let detail = format!("The configuration sends more than {rate} requests a second.");
            let cause = Cause::TooManyRequests;
            note_limit(shared, incoming, configuration, cause, &detail);
            Err(Reply::too_many(&detail, seconds))
        }
    }
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
