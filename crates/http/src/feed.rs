//! `/api/feed/v1`: what changed, and the directory as it is, for whoever has the key of a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::rt::time::sleep;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use scim_feed::{Changes, Feed, FeedError, Position, SnapshotKey, SnapshotRow, Stream};
use scim_service::StoreError;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::deadline::{self, PATIENCE, Unfinished};
use crate::error::describe_error;
use crate::request::{Incoming, id_of};
use crate::throttle::Throttle;

/// Where the feed is served.
pub const FEED: &str = "/api/feed/v1";

/// What the feed needs.
pub struct FeedEndpoint {
    feed: Feed,
    /// The hash by which the key of a stream is found.
    hash: fn(&str) -> String,
    throttle: Arc<Throttle>,
    /// How long a client waits for an answer, beside the time that it asks to wait.
    patience: Duration,
}

impl FeedEndpoint {
    /// The endpoint of a feed: `throttle` counts failed authentications of an address, together
    /// with whoever else holds it.
    pub fn new(feed: Feed, hash: fn(&str) -> String, throttle: Arc<Throttle>) -> Self {
        Self {
            feed,
            hash,
            throttle,
            patience: PATIENCE,
        }
    }

    /// The same endpoint, whose clients wait so long for an answer.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

/// The feed below [`FEED`], which needs a [`FeedEndpoint`].
pub fn routes(app: &mut web::ServiceConfig) {
    app.service(
        web::scope(FEED)
            .route("/changes", web::get().to(changes))
            .route("/snapshot", web::get().to(snapshot)),
    );
}

/// Why a receiver is told nothing.
#[derive(Debug)]
enum Refusal {
    Unknown,
    TooOften(Duration),
    Query(String),
    Feed(FeedError),
    Late,
    Failed,
}

impl From<FeedError> for Refusal {
    fn from(error: FeedError) -> Self {
        Self::Feed(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Feed(error.into())
    }
}

#[derive(Debug, Deserialize)]
struct ChangesQuery {
    after: Option<Position>,
    limit: Option<usize>,
    wait: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct SnapshotQuery {
    after: Option<String>,
    limit: Option<usize>,
}

/// `GET changes`: what is behind a position. Nobody waits on a thread: as long as there is nothing
/// new the connection alone is held.
async fn changes(request: HttpRequest, endpoint: web::Data<FeedEndpoint>) -> HttpResponse {
    match changed(&request, &endpoint).await {
        Ok(changes) => match serde_json::to_string(&changes) {
            Ok(body) => HttpResponse::Ok()
                .content_type("application/json")
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .body(body),
            Err(_) => refuse(Refusal::Failed, &request),
        },
        Err(refusal) => refuse(refusal, &request),
    }
}

async fn changed(
    request: &HttpRequest,
    endpoint: &web::Data<FeedEndpoint>,
) -> Result<Changes, Refusal> {
    let query: ChangesQuery = read_query(request)?;
    let limit = checked_limit(query.limit, PAGE, MOST)?;
    let until = Instant::now() + Duration::from_secs(query.wait.unwrap_or(0)).min(LONGEST);
    let stream = authenticate(request, endpoint).await?;
    let begun = stream.clone();
    let begin = blocking(endpoint, move |feed| feed.begin(&begun, query.after));
    let mut from = begin.await?;
    loop {
        let asked = stream.clone();
        let read = move |feed: &Feed| feed.changes(Some(&asked), from, limit);
        let page = blocking(endpoint, read).await?;
        if !page.items.is_empty() {
            let told = stream.clone();
            blocking(endpoint, move |feed| feed.note_delivery(&told)).await?;
            return Ok(page);
        }
        // What the stream is not told of is gone past at once.
        let moved = page.next != from;
        from = page.next;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(page);
        }
        if !moved {
            sleep(LOOK.min(left)).await;
        }
    }
}

/// `GET snapshot`: the directory, row by row, as lines of JSON.
async fn snapshot(request: HttpRequest, endpoint: web::Data<FeedEndpoint>) -> HttpResponse {
    match begin_snapshot(&request, &endpoint).await {
        Ok(lines) => HttpResponse::Ok()
            .content_type("application/x-ndjson")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(lines),
        Err(refusal) => refuse(refusal, &request),
    }
}

async fn begin_snapshot(
    request: &HttpRequest,
    endpoint: &web::Data<FeedEndpoint>,
) -> Result<Lines, Refusal> {
    let query: SnapshotQuery = read_query(request)?;
    let limit = match query.limit {
        None => usize::MAX,
        limit => checked_limit(limit, PAGE, MOST_ROWS)?,
    };
    let stream = authenticate(request, endpoint).await?;
    let (position, after) = match query.after {
        None => {
            let begin = move |feed: &Feed| feed.begin_snapshot(&stream);
            (blocking(endpoint, begin).await?, None)
        }
        Some(text) => {
            let unknown = || Refusal::Query("\"after\" is TYPE:ID of a line.".to_owned());
            let key = SnapshotKey::parse(&text).ok_or_else(unknown)?;
            // Where to go on from was noted when the snapshot began.
            let begin = move |feed: &Feed| feed.begin(&stream, None);
            (blocking(endpoint, begin).await?, Some(key))
        }
    };
    let (lines, receiver) = channel(1);
    let first = format!("{}\n", json!({ "position": position }));
    let feed = endpoint.clone();
    actix_web::rt::spawn(async move {
        if lines.send(Ok(first.into())).await.is_ok() {
            send_rows(&feed, after, limit, &lines).await;
        }
    });
    Ok(Lines(receiver))
}

/// Sends rows page by page, no faster than they are taken. What fails cuts the answer short, so
/// that nobody takes a part for the whole.
async fn send_rows(
    endpoint: &web::Data<FeedEndpoint>,
    mut after: Option<SnapshotKey>,
    mut left: usize,
    lines: &Sender<Result<Bytes, Cut>>,
) {
    while left > 0 {
        let (behind, count) = (after.clone(), left.min(ROWS));
        let read = move |feed: &Feed| feed.snapshot(behind.as_ref(), count);
        let page = match blocking(endpoint, read).await {
            Ok(page) => page,
            Err(refusal) => {
                tracing::error!(?refusal, "a snapshot was cut short");
                let _gone = lines.send(Err(Cut)).await;
                return;
            }
        };
        let Some(last) = page.last() else { return };
        after = Some(last.key());
        left -= page.len().min(left);
        let whole = page.len() == count;
        if lines.send(Ok(written(&page))).await.is_err() || !whole {
            return;
        }
    }
}

fn written(rows: &[SnapshotRow]) -> Bytes {
    let mut text = String::new();
    for row in rows {
        // Words, numbers and what was JSON before can always be written.
        text.push_str(&serde_json::to_string(row).unwrap_or_default());
        text.push('\n');
    }
    text.into()
}

/// A snapshot that could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot was cut short")]
struct Cut;

/// Lines as they come.
struct Lines(Receiver<Result<Bytes, Cut>>);

impl MessageBody for Lines {
    type Error = Cut;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Cut>>> {
        self.0.poll_recv(context)
    }
}

/// The stream whose key came with a request.
async fn authenticate(
    request: &HttpRequest,
    endpoint: &web::Data<FeedEndpoint>,
) -> Result<Stream, Refusal> {
    let incoming = Incoming::of(request);
    let now = Instant::now();
    let waits = |address| endpoint.throttle.waits(address, now);
    if let Some(wait) = incoming.address.and_then(waits) {
        return Err(Refusal::TooOften(wait));
    }
    let header = incoming.authorization.first();
    let header = header.and_then(|header| std::str::from_utf8(header).ok());
    let presented = header.and_then(|header| header.split_once(' '));
    let bearer = presented.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let found = match bearer {
        Some((_, key)) => {
            let hash = (endpoint.hash)(key.trim());
            blocking(endpoint, move |feed| feed.stream_of_key(&hash)).await?
        }
        None => None,
    };
    found.ok_or_else(|| {
        let failed = |address| endpoint.throttle.failure(address, now);
        match incoming.address.and_then(failed) {
            Some(wait) => Refusal::TooOften(wait),
            None => Refusal::Unknown,
        }
    })
}

/// Runs `work` on a thread that may block, and waits for it as long as a client does.
async fn blocking<T: Send + 'static, E: Into<Refusal> + Send + 'static>(
    endpoint: &web::Data<FeedEndpoint>,
    work: impl FnOnce(&Feed) -> Result<T, E> + Send + 'static,
) -> Result<T, Refusal> {
    let theirs = endpoint.clone();
    let done = deadline::within(endpoint.patience, move || work(&theirs.feed)).await;
    match done {
        Ok(done) => done.map_err(Into::into),
        Err(Unfinished::Late) => Err(Refusal::Late),
        Err(Unfinished::Failed) => Err(Refusal::Failed),
    }
}

fn read_query<T: for<'de> Deserialize<'de>>(request: &HttpRequest) -> Result<T, Refusal> {
    let read = web::Query::<T>::from_query(request.query_string());
    let read = read.map_err(|error| Refusal::Query(format!("The query cannot be read: {error}.")));
    Ok(read?.into_inner())
}

fn checked_limit(limit: Option<usize>, default: usize, most: usize) -> Result<usize, Refusal> {
    match limit {
        None => Ok(default),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(_) => Err(Refusal::Query(format!(
            "\"limit\" is a number from 1 to {most}."
        ))),
    }
}

/// A problem (RFC 9457), whose type names what a receiver is to do.
fn refuse(refusal: Refusal, request: &HttpRequest) -> HttpResponse {
    let mut kind = "about:blank";
    let mut wait = None;
    let (status, detail) = match refusal {
        Refusal::Unknown => (
            StatusCode::UNAUTHORIZED,
            "The key of a stream is needed as a bearer token.".to_owned(),
        ),
        Refusal::TooOften(left) => {
            wait = Some(left.as_secs().saturating_add(1));
            let detail = "Authentication failed too often; try again later.";
            (StatusCode::TOO_MANY_REQUESTS, detail.to_owned())
        }
        Refusal::Query(detail) => (StatusCode::BAD_REQUEST, detail),
        Refusal::Feed(FeedError::SnapshotRequired) => {
            kind = "feed.snapshot-required";
            let detail = "What is behind this position is not kept. Take a snapshot and go on from \
                          its position.";
            (StatusCode::GONE, detail.to_owned())
        }
        Refusal::Feed(FeedError::Paused) => {
            kind = "feed.stream-paused";
            let detail = "An administrator paused the stream. What changes meanwhile is kept.";
            (StatusCode::CONFLICT, detail.to_owned())
        }
        Refusal::Feed(error) => {
            let reason = describe_error(&error);
            tracing::error!(reason, "the feed could not be read");
            wait = Some(match &error {
                FeedError::Store(fault) => fault.retry_after().map_or(5, u64::from),
                _ => 5,
            });
            (StatusCode::SERVICE_UNAVAILABLE, BUSY.to_owned())
        }
        Refusal::Late => {
            wait = Some(u64::from(deadline::RETRY_AFTER));
            (StatusCode::SERVICE_UNAVAILABLE, BUSY.to_owned())
        }
        Refusal::Failed => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server failed to process the request.".to_owned(),
        ),
    };
    let mut response = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    if let Some(seconds) = wait {
        response.insert_header((header::RETRY_AFTER, seconds.to_string()));
    }
    let body = json!({
        "type": kind,
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
        "requestId": id_of(request),
    });
    response
        .content_type("application/problem+json")
        .body(body.to_string())
}

const BUSY: &str = "The server is busy or the database cannot be reached; try again later.";
/// How many changes a page has, and at most.
const PAGE: usize = 100;
const MOST: usize = 1_000;
/// How many rows of a snapshot can be asked for, and how many are read at once.
const MOST_ROWS: usize = 100_000;
const ROWS: usize = 500;
/// How long a receiver may wait for changes, and how often is looked for some meanwhile.
const LONGEST: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(250);
