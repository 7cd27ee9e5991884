//! `/api/feed/v1`: what changed, as it is or as security events, and the directory as it is, for
//! whoever has the key of a stream.

mod courier;
mod head;
mod poll;
mod refusal;
mod turns;

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use actix_web::rt::time::timeout;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use scim_feed::{Changes, Feed, Position, SnapshotKey, SnapshotRow, Stream, StreamKind};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::deadline::{Late, PATIENCE, Unfinished};
use crate::listener::Stopping;
use crate::request::Incoming;
use crate::throttle::Throttle;
use head::{Head, News};
use refusal::{Refusal, refuse};
use turns::Turns;

pub use courier::HttpsCourier;

/// Where the feed is served.
pub const FEED: &str = "/api/feed/v1";

/// What the feed needs.
pub struct FeedEndpoint {
    feed: Feed,
    /// The hash by which the key of a stream is found; `None` for what can be no key.
    hash: fn(&str) -> Option<String>,
    throttle: Arc<Throttle>,
    /// How long a client waits for an answer, beside the time that it asks to wait.
    patience: Duration,
    turns: Arc<Turns>,
    head: Head,
    late: Late,
}

impl FeedEndpoint {
    /// The endpoint of a feed: `throttle` counts failed authentications of an address, together
    /// with whoever else holds it.
    pub fn new(feed: Feed, hash: fn(&str) -> Option<String>, throttle: Arc<Throttle>) -> Self {
        Self {
            feed,
            hash,
            throttle,
            patience: PATIENCE,
            turns: Arc::default(),
            head: Head::default(),
            late: Late::default(),
        }
    }

    /// The same endpoint, whose clients wait so long for an answer.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

/// The feed below [`FEED`], which needs a [`FeedEndpoint`]. With a [`Stopping`] in the data of the
/// application nobody is left to wait when the server stops.
pub fn routes(app: &mut web::ServiceConfig) {
    let read = |path: &str| web::resource(path).default_service(web::route().to(other_method));
    app.service(
        web::scope(FEED)
            .service(read("/changes").route(web::get().to(changes)))
            .service(read("/snapshot").route(web::get().to(snapshot)))
            .service(read("/jwks").route(web::get().to(poll::keys)))
            .service(
                web::resource("/poll")
                    .route(web::post().to(poll::poll))
                    .default_service(web::route().to(only_post)),
            )
            .default_service(web::route().to(nothing)),
    )
    .service(web::scope(FEEDS).default_service(web::route().to(nothing)));
}

async fn nothing(request: HttpRequest) -> HttpResponse {
    refuse(Refusal::NotFound, &request)
}

async fn other_method(request: HttpRequest) -> HttpResponse {
    refuse(Refusal::Method("GET"), &request)
}

async fn only_post(request: HttpRequest) -> HttpResponse {
    refuse(Refusal::Method("POST"), &request)
}

#[derive(Debug, Deserialize)]
struct ChangesQuery {
    after: Option<String>,
    limit: Option<String>,
    wait: Option<String>,
}

#[derive(Debug, Deserialize)]
struct SnapshotQuery {
    after: Option<String>,
    limit: Option<String>,
}

/// `GET changes`: what is behind a position. Nobody waits on a thread: as long as there is nothing
/// new the connection alone is held.
async fn changes(request: HttpRequest, endpoint: web::Data<FeedEndpoint>) -> HttpResponse {
    match changed(&request, &endpoint).await {
        Ok(body) => HttpResponse::Ok()
            .content_type("application/json")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(body),
        Err(refusal) => refuse(refusal, &request),
    }
}

/// What a look behind a position found, written out.
struct Page {
    body: String,
    next: Position,
    told: bool,
}

impl Page {
    fn of(changes: &Changes) -> Result<Self, Refusal> {
        Ok(Self {
            body: serde_json::to_string(changes).map_err(|_json| Refusal::Failed)?,
            next: changes.next,
            told: !changes.items.is_empty(),
        })
    }
}

async fn changed(
    request: &HttpRequest,
    endpoint: &web::Data<FeedEndpoint>,
) -> Result<String, Refusal> {
    let query: ChangesQuery = read_query(request)?;
    let limit = checked_limit(number("limit", query.limit)?, PAGE, MOST)?;
    let after = number("after", query.after)?;
    let patience: Option<u64> = number("wait", query.wait)?;
    let until = Instant::now() + Duration::from_secs(patience.unwrap_or(0)).min(LONGEST);
    let Known { hash, stream } = authenticate(request, endpoint).await?;
    if stream.kind != StreamKind::Read {
        return Err(Refusal::Kind);
    }
    let _turn = endpoint.turns.take(&stream.id).ok_or(Refusal::TooMany)?;
    let begun = stream.clone();
    let begin = blocking(endpoint, move |feed| feed.begin(&begun, after));
    let mut from = begin.await?;
    let mut news = None;
    loop {
        let (asked, of_key) = (stream.clone(), hash.clone());
        let again = news.is_some();
        let read = move |feed: &Feed| {
            // Meanwhile somebody may have paused the stream, or deleted it.
            let stream = match again {
                true => read_again(feed, &of_key)?,
                false => asked,
            };
            Page::of(&feed.changes(Some(&stream), from, limit)?)
        };
        let page: Page = blocking(endpoint, read).await?;
        if page.told {
            let told = stream.clone();
            blocking(endpoint, move |feed| feed.note_delivery(&told)).await?;
            return Ok(page.body);
        }
        // What the stream is not told of is gone past at once.
        let moved = page.next != from;
        from = page.next;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || is_stopping(request) {
            return Ok(page.body);
        }
        if moved {
            continue;
        }
        match &mut news {
            // What came before the head was watched is seen by another look.
            None => news = Some(endpoint.head.watch(endpoint)),
            Some(news) => wait(request, news, left).await,
        }
    }
}

/// The stream of a key, as it is now.
fn read_again(feed: &Feed, hash: &str) -> Result<Stream, Refusal> {
    let stream = feed.stream_of_key(hash)?.ok_or(Refusal::Unknown)?;
    Feed::check_state(&stream)?;
    Ok(stream)
}

/// Waits until the head of the feed moves, the time is over or the server stops.
async fn wait(request: &HttpRequest, news: &mut News, left: Duration) {
    let mut moves = pin!(timeout(left, news.moved()));
    let mut stops = pin!(async {
        match request.app_data::<Stopping>() {
            Some(stopping) => stopping.notified().await,
            None => pending().await,
        }
    });
    poll_fn(|context| match moves.as_mut().poll(context) {
        Poll::Ready(_moved) => Poll::Ready(()),
        Poll::Pending => stops.as_mut().poll(context),
    })
    .await;
}

fn is_stopping(request: &HttpRequest) -> bool {
    let stopping = request.app_data::<Stopping>();
    stopping.is_some_and(Stopping::is_told)
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
    let limit = match number("limit", query.limit)? {
        None => usize::MAX,
        limit => checked_limit(limit, PAGE, MOST_ROWS)?,
    };
    let Known { hash, stream } = authenticate(request, endpoint).await?;
    let turn = endpoint.turns.take(&stream.id).ok_or(Refusal::TooMany)?;
    let (first, after) = match query.after {
        None => {
            let begin = move |feed: &Feed| feed.begin_snapshot(&stream);
            let position = blocking(endpoint, begin).await?;
            let line = format!("{}\n", json!({ "position": position }));
            (Some(line), None)
        }
        Some(text) => {
            let unknown = || Refusal::Query("\"after\" is TYPE:ID of a line.".to_owned());
            let key = SnapshotKey::parse(&text).ok_or_else(unknown)?;
            // The position was told when the snapshot began: another one now would leave out what
            // changed since.
            let begin = move |feed: &Feed| feed.begin(&stream, None);
            blocking(endpoint, begin).await?;
            (None, Some(key))
        }
    };
    let (lines, receiver) = channel(1);
    let feed = endpoint.clone();
    actix_web::rt::spawn(async move {
        let _turn = turn;
        if let Some(first) = first
            && lines.send(Ok(first.into())).await.is_err()
        {
            return;
        }
        send_rows(&feed, &hash, after, limit, &lines).await;
    });
    Ok(Lines(receiver))
}

/// Rows of a snapshot, written out.
struct Rows {
    lines: Bytes,
    count: usize,
    last: Option<SnapshotKey>,
}

/// Sends rows page by page, no faster than they are taken. What fails cuts the answer short, so
/// that nobody takes a part for the whole.
async fn send_rows(
    endpoint: &web::Data<FeedEndpoint>,
    hash: &str,
    mut after: Option<SnapshotKey>,
    mut left: usize,
    lines: &Sender<Result<Bytes, Cut>>,
) {
    while left > 0 {
        let (behind, count, of_key) = (after.take(), left.min(ROWS), hash.to_owned());
        let read = move |feed: &Feed| -> Result<Rows, Refusal> {
            let stream = read_again(feed, &of_key)?;
            let page = feed.snapshot(&stream, behind.as_ref(), count)?;
            Ok(Rows {
                lines: written(&page),
                count: page.len(),
                last: page.last().map(SnapshotRow::key),
            })
        };
        let page = match blocking(endpoint, read).await {
            Ok(page) => page,
            Err(refusal) => {
                tracing::error!(?refusal, "a snapshot was cut short");
                let _gone = lines.send(Err(Cut)).await;
                return;
            }
        };
        if page.last.is_none() || lines.send(Ok(page.lines)).await.is_err() {
            return;
        }
        after = page.last;
        left = left.saturating_sub(page.count);
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

/// A stream, and the hash by which it is found again.
struct Known {
    hash: String,
    stream: Stream,
}

/// The stream whose key came with a request. Who has one is not refused for what others at the same
/// address fail with.
async fn authenticate(
    request: &HttpRequest,
    endpoint: &web::Data<FeedEndpoint>,
) -> Result<Known, Refusal> {
    let incoming = Incoming::of(request);
    let header = incoming.authorization.first();
    let header = header.and_then(|header| std::str::from_utf8(header).ok());
    let presented = header.and_then(|header| header.split_once(' '));
    let bearer = presented.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let hash = bearer.and_then(|(_, key)| (endpoint.hash)(key.trim()));
    if let Some(hash) = hash {
        let of_key = hash.clone();
        let find = move |feed: &Feed| feed.stream_of_key(&of_key);
        if let Some(stream) = blocking(endpoint, find).await? {
            return Ok(Known { hash, stream });
        }
    }
    let failed = |address| endpoint.throttle.failure(address, Instant::now());
    Err(match incoming.address.and_then(failed) {
        Some(wait) => Refusal::TooOften(wait),
        None => Refusal::Unknown,
    })
}

/// Runs `work` on a thread that may block, and waits for it as long as a client does. While too much
/// is late nothing more is begun.
async fn blocking<T: Send + 'static, E: Into<Refusal> + Send + 'static>(
    endpoint: &web::Data<FeedEndpoint>,
    work: impl FnOnce(&Feed) -> Result<T, E> + Send + 'static,
) -> Result<T, Refusal> {
    if endpoint.late.count_of(None) >= MOST_LATE {
        return Err(Refusal::Late);
    }
    let theirs = endpoint.clone();
    let done = endpoint
        .late
        .within(None, endpoint.patience, move || work(&theirs.feed));
    match done.await {
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

/// A parameter that is a number.
fn number<T: FromStr>(name: &str, text: Option<String>) -> Result<Option<T>, Refusal> {
    let read = text.map(|text| text.parse::<T>()).transpose();
    read.map_err(|_no_number| Refusal::Query(format!("\"{name}\" is a whole number.")))
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

/// How many changes a page has, and at most.
const PAGE: usize = 100;
const MOST: usize = 1_000;
/// How many rows of a snapshot can be asked for, and how many are read at once.
const MOST_ROWS: usize = 100_000;
const ROWS: usize = 500;
/// How long a receiver may wait for changes.
const LONGEST: Duration = Duration::from_secs(30);
/// On how many threads work may be late before nothing more is begun.
const MOST_LATE: usize = 8;
/// Where versions of the feed are.
const FEEDS: &str = "/api/feed";

#[cfg(test)]
mod tests;
