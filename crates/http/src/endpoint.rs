//! `/api/scim/v2`: extract, authenticate, call, respond.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use scim_service::Method;
use uuid::Uuid;

use crate::admission::{Admission, Bounds, Full, Place, Way};
use crate::answer::Reply;
use crate::body;
use crate::deadline::{Late, PATIENCE, Unfinished};
use crate::metrics::Reading;
use crate::request::{Incoming, SCIM, Speaker};
use crate::service::{Authenticated, Limit, Service};
use crate::spans;
use crate::throttle::Throttle;

/// What the SCIM endpoint needs.
pub struct Endpoint {
    service: Arc<dyn Service>,
    throttle: Arc<Throttle>,
    admission: Admission,
    /// How long a client waits for an answer.
    patience: Duration,
    /// What holds places although its client is gone.
    late: Late,
    /// Configurations that spoke, as they were when they did last, for the log of what is turned
    /// away before it is known who speaks.
    known: Mutex<HashMap<Uuid, Arc<dyn Authenticated>>>,
}

impl Endpoint {
    /// The endpoint of a service: `throttle` counts failed authentications of an address, together
    /// with whoever else holds it.
    pub fn new(service: Arc<dyn Service>, throttle: Arc<Throttle>, bounds: Bounds) -> Self {
        Self {
            service,
            throttle,
            admission: Admission::new(bounds),
            patience: PATIENCE,
            late: Late::default(),
            known: Mutex::default(),
        }
    }

    /// The same endpoint, whose clients wait so long for an answer, and ten times as long for that to
    /// a bulk request.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// What is under way, as it is measured.
    pub fn readings(&self) -> Vec<Reading> {
        self.admission.readings()
    }

    fn know(&self, speaker: &Arc<dyn Authenticated>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(speaker.id(), Arc::clone(speaker));
    }

    fn known(&self, id: Uuid) -> Option<Arc<dyn Authenticated>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).map(Arc::clone)
    }
}

/// The SCIM endpoint below [`SCIM`], which needs an [`Endpoint`].
pub fn routes(app: &mut web::ServiceConfig) {
    // A scope is found by its first letters, a pattern with a tail by a search.
    app.service(web::scope(SCIM).default_service(web::route().to(handle)));
}

/// Answers a SCIM request.
async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    endpoint: web::Data<Endpoint>,
) -> HttpResponse {
    let incoming = Arc::new(Incoming::of(&request));
    let claimed = endpoint.service.claimed(&incoming.presented(""));
    let reply = match incoming.takes_body() || body::comes(&request) {
        true => with_body(&request, payload, &endpoint, &incoming, claimed).await,
        false => without_body(&request, &endpoint, &incoming, claimed).await,
    };
    reply.unwrap_or_else(|reply| reply).into_response()
}

/// One hand-over to the blocking threads for authentication and answer.
async fn without_body(
    request: &HttpRequest,
    endpoint: &web::Data<Endpoint>,
    incoming: &Arc<Incoming>,
    claimed: Option<Uuid>,
) -> Result<Reply, Reply> {
    let place = enter(endpoint, incoming, claimed, way(incoming), 0).await?;
    let (speaker, reply) = blocking(endpoint, incoming, claimed, move |endpoint, incoming| {
        place.work(|| {
            let speaker = match authenticate(endpoint, incoming) {
                Ok(speaker) => speaker,
                Err(reply) => return (None, reply),
            };
            let reply = match incoming.path() {
                Ok(path) => answer(incoming, &*speaker, &path, &[]),
                Err(error) => Reply::error(&error),
            };
            (Some(speaker.id()), reply)
        })
    })
    .await?;
    note(request, speaker);
    Ok(reply)
}

/// Nothing of a body is read before it is known who sends it.
async fn with_body(
    request: &HttpRequest,
    payload: web::Payload,
    endpoint: &web::Data<Endpoint>,
    incoming: &Arc<Incoming>,
    claimed: Option<Uuid>,
) -> Result<Reply, Reply> {
    let place = enter(endpoint, incoming, claimed, Way::Recognise, 0).await?;
    let authenticated = blocking(endpoint, incoming, claimed, move |endpoint, incoming| {
        place.work(|| authenticate(endpoint, incoming))
    });
    let speaker = authenticated.await??;
    let id = speaker.id();
    note(request, Some(id));
    let refuse = |error| Reply::error(&error);
    let path = incoming.path().map_err(refuse)?;
    let limits = endpoint.service.limits();
    let expected = body::expected(request, &path, limits).map_err(refuse)?;
    let held = endpoint.admission.hold(id, expected).await;
    let held = held.map_err(|full| turned_away(incoming, Some(&speaker), full))?;
    let takes = incoming.takes_body();
    let body = body::taken(request, payload, takes, &path, limits);
    let body = body.await.map_err(refuse)?;
    // The client's slowness in sending is over; only now a place is taken.
    let place = enter(endpoint, incoming, Some(id), way(incoming), body.len()).await?;
    blocking(endpoint, incoming, Some(id), move |_endpoint, incoming| {
        let _held = held;
        place.work(|| answer(incoming, &*speaker, &path, &body))
    })
    .await
}

/// Waits for a place, before a thread is taken.
async fn enter(
    endpoint: &web::Data<Endpoint>,
    incoming: &Arc<Incoming>,
    configuration: Option<Uuid>,
    way: Way,
    bytes: usize,
) -> Result<Place, Reply> {
    let admission = &endpoint.admission;
    let place = admission
        .enter(configuration, way, bytes, endpoint.patience)
        .await;
    place.map_err(|full| {
        // Not their own haste keeps them out, but a database that is silent.
        if matches!(full, Full::Share(_)) && endpoint.late.any_of(configuration) {
            return Reply::late(&incoming.id);
        }
        let known = configuration.and_then(|id| endpoint.known(id));
        turned_away(incoming, known.as_ref(), full)
    })
}

/// Whether a request reads or writes.
fn way(incoming: &Incoming) -> Way {
    let searches = || incoming.path().is_ok_and(|path| path.ends_with("/.search"));
    match incoming.takes_body() && !searches() || incoming.method == Method::Delete {
        true => Way::Write,
        false => Way::Read,
    }
}

/// The reply to a request for which there is no place.
fn turned_away(
    incoming: &Arc<Incoming>,
    speaker: Option<&Arc<dyn Authenticated>>,
    full: Full,
) -> Reply {
    let limit = match full {
        Full::Share(limit) => limit,
        Full::Server => return Reply::busy(&incoming.id),
    };
    let detail = match limit {
        Limit::Bytes => "The configuration has too many bytes of requests under way.",
        _ => "The configuration has too many requests under way.",
    };
    if let Some(speaker) = speaker {
        let (incoming, speaker) = (Arc::clone(incoming), Arc::clone(speaker));
        // It is counted, and rarely written; the client does not wait for that.
        drop(web::block(move || {
            note_limit(&incoming, &*speaker, limit, detail);
        }));
    }
    Reply::too_many(detail, 1)
}

fn note_limit(incoming: &Incoming, speaker: &dyn Authenticated, limit: Limit, detail: &str) {
    let path = incoming.path().unwrap_or_default();
    speaker.note_limit(&incoming.presented(&path), limit, detail);
}

/// Who speaks, if they may by now.
fn authenticate(endpoint: &Endpoint, incoming: &Incoming) -> Result<Arc<dyn Authenticated>, Reply> {
    let _span = spans::authenticating().entered();
    let path = incoming.path().unwrap_or_default();
    let presented = incoming.presented(&path);
    let speaker = endpoint
        .service
        .authenticate(&presented)
        .map_err(|refusal| {
            // Who presents nothing guesses nothing.
            let guesses = refusal.status == 401 && !presented.authorization.is_empty();
            let address = incoming.address.filter(|_address| guesses);
            let wait =
                address.and_then(|address| endpoint.throttle.failure(address, Instant::now()));
            match wait {
                Some(wait) => Reply::too_many_failures(wait.as_secs().saturating_add(1)),
                None => Reply::refused(refusal, &incoming.id),
            }
        })?;
    endpoint.know(&speaker);
    match endpoint.admission.count(speaker.id(), Instant::now()) {
        None => Ok(speaker),
        Some(seconds) => {
            let rate = endpoint.admission.rate();
            let detail = format!("The configuration sends more than {rate} requests a second.");
            note_limit(incoming, &*speaker, Limit::Rate, &detail);
            Err(Reply::too_many(&detail, seconds))
        }
    }
}

fn answer(incoming: &Incoming, speaker: &dyn Authenticated, path: &str, body: &[u8]) -> Reply {
    let request = incoming.request(path, body);
    let answer = speaker.answer(&incoming.presented(path), &request);
    Reply::new(answer, &incoming.id)
}

/// Runs `work` on a thread that may block, and waits for it as long as a client does.
async fn blocking<T: Send + 'static>(
    endpoint: &web::Data<Endpoint>,
    incoming: &Arc<Incoming>,
    configuration: Option<Uuid>,
    work: impl FnOnce(&Endpoint, &Incoming) -> T + Send + 'static,
) -> Result<T, Reply> {
    let (theirs, asked) = (endpoint.clone(), Arc::clone(incoming));
    let bulk = incoming.path().is_ok_and(|path| path.ends_with("/Bulk"));
    let patience = endpoint
        .patience
        .saturating_mul(if bulk { BULK } else { 1 });
    let done = endpoint
        .late
        .within(configuration, patience, move || work(&theirs, &asked));
    let done = done.await;
    done.map_err(|unfinished| match unfinished {
        Unfinished::Late => {
            tracing::error!(request_id = %incoming.id, "the database does not answer in time");
            Reply::late(&incoming.id)
        }
        Unfinished::Failed => {
            tracing::error!(request_id = %incoming.id, "the request ended in an internal error");
            Reply::internal(&incoming.id)
        }
    })
}

fn note(request: &HttpRequest, speaker: Option<Uuid>) {
    if let Some(id) = speaker {
        request.extensions_mut().insert(Speaker(id));
    }
}

/// How many times as long as others a bulk request may take.
const BULK: u32 = 10;
