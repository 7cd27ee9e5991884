//! `POST poll`: security events, for whoever asks for them (RFC 8936), and the keys that verify them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use scim_feed::{Feed, Position, SignedEvents, Stream, StreamKind};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::refusal::{Refusal, refuse};
use super::{
    FeedEndpoint, Known, LONGEST, MOST, PAGE, authenticate, blocking, is_stopping, read_again, wait,
};
use crate::body;

/// What a receiver asks for, and what it has (RFC 8936 section 2.2). What else it says is passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Asked {
    max_events: Option<usize>,
    return_immediately: bool,
    ack: Vec<String>,
    set_errs: BTreeMap<String, SetError>,
}

impl Asked {
    /// An object, and not what else the same could be read from.
    fn read(body: &[u8]) -> serde_json::Result<Self> {
        let members: Map<String, Value> = serde_json::from_slice(body)?;
        serde_json::from_value(members.into())
    }
}

/// Why it could not take one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SetError {
    err: String,
    description: String,
}

impl SetError {
    fn said(&self) -> String {
        let said = match self.description.is_empty() {
            true => self.err.clone(),
            false => format!("{}: {}", self.err, self.description),
        };
        let seen = |letter: &char| !letter.is_control();
        said.chars().filter(seen).take(SAID).collect()
    }
}

/// `POST poll`. Nobody waits on a thread, see `changes`.
pub(super) async fn poll(
    request: HttpRequest,
    endpoint: web::Data<FeedEndpoint>,
    payload: web::Payload,
) -> HttpResponse {
    match polled(&request, &endpoint, payload).await {
        Ok(told) => HttpResponse::Ok()
            .content_type("application/json")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(told.to_string()),
        Err(refusal) => refuse(refusal, &request),
    }
}

async fn polled(
    request: &HttpRequest,
    endpoint: &web::Data<FeedEndpoint>,
    payload: web::Payload,
) -> Result<Value, Refusal> {
    let Known { hash, stream } = authenticate(request, endpoint).await?;
    if stream.kind != StreamKind::Poll {
        return Err(Refusal::Kind);
    }
    let _turn = endpoint.turns.take(&stream.id).ok_or(Refusal::TooMany)?;
    let body = body::within(request, payload, BODY).await;
    let body = body.map_err(Refusal::Body)?;
    let asked = Asked::read(&body)
        .map_err(|error| Refusal::Query(format!("The request cannot be read: {error}.")))?;
    let limit = asked.max_events.unwrap_or(PAGE).min(MOST);
    let patience = match asked.return_immediately {
        true => Duration::ZERO,
        false => LONGEST,
    };
    let until = Instant::now() + patience;
    let settled = stream.clone();
    let settle = move |feed: &Feed| settle(feed, &settled, &asked);
    let mut from = blocking(endpoint, settle).await?;
    let mut news = None;
    loop {
        let (known, of_key) = (stream.clone(), hash.clone());
        let again = news.is_some();
        let look = move |feed: &Feed| -> Result<(SignedEvents, bool), Refusal> {
            // Meanwhile somebody may have paused the stream, or deleted it.
            let stream = match again {
                true => read_again(feed, &of_key)?,
                false => known,
            };
            let events = match limit {
                0 => SignedEvents {
                    items: Vec::new(),
                    next: from,
                },
                _ => feed.events(&stream, from, limit)?,
            };
            // Who waits is told when there is one.
            let tells = limit == 0 || !events.items.is_empty();
            let more = tells && feed.has_more_events(&stream, events.next)?;
            Ok((events, more))
        };
        let (events, more) = blocking(endpoint, look).await?;
        if !events.items.is_empty() {
            let told = stream.clone();
            blocking(endpoint, move |feed| feed.note_delivery(&told)).await?;
        }
        // What is no event is gone past at once.
        let moved = events.next != from;
        from = events.next;
        let left = until.saturating_duration_since(Instant::now());
        let answers = limit == 0 || !events.items.is_empty() || is_stopping(request);
        if answers || (left.is_zero() && !moved) {
            return Ok(written(events, more));
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

/// Notes what a receiver has, and what it could not take: that is told to administrators, and does not
/// come again by itself.
fn settle(feed: &Feed, stream: &Stream, asked: &Asked) -> Result<Position, Refusal> {
    for (id, error) in &asked.set_errs {
        feed.note_refusal(stream, id, &error.said())?;
    }
    let settled = asked.ack.iter().chain(asked.set_errs.keys());
    Ok(feed.settle_events(stream, settled.map(String::as_str))?)
}

/// RFC 8936 section 2.3. The tokens stand in the order of their changes.
fn written(events: SignedEvents, more: bool) -> Value {
    let sets = events.items.into_iter();
    let sets: Map<String, Value> = sets.map(|event| (event.id, event.token.into())).collect();
    json!({"sets": sets, "moreAvailable": more})
}

/// `GET jwks`: the keys by which security events are verified (RFC 7517). They are no secret.
pub(super) async fn keys(request: HttpRequest, endpoint: web::Data<FeedEndpoint>) -> HttpResponse {
    let read = |feed: &Feed| feed.public_keys().map_err(scim_feed::FeedError::from);
    match blocking(&endpoint, read).await {
        Ok(keys) => HttpResponse::Ok()
            .content_type("application/jwk-set+json")
            .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
            .body(keys.to_string()),
        Err(refusal) => refuse(refusal, &request),
    }
}

/// How many bytes a request has at most: more than acknowledge all that one answer holds.
const BODY: usize = 256 << 10;
/// How many letters are kept of what a receiver says of an event.
const SAID: usize = 500;
