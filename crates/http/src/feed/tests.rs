#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use actix_web::App;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service, read_body, try_read_body};
use chrono::{DateTime, Utc};
use scim_feed::{
    Delivery, EventSigner, Extent, FeedStore, Recorded, SigningError, StreamKind, StreamState,
    Subject,
};
use scim_service::StoreError;
use serde_json::Value;

use super::*;
use crate::throttle::MINUTE;

/// What is recorded, in memory.
struct Memory {
    recorded: Mutex<Vec<Recorded>>,
    rows: Vec<SnapshotRow>,
    state: Mutex<Option<StreamState>>,
    kind: StreamKind,
    /// Up to where the receiver has everything, and what it could not take.
    position: Mutex<Position>,
    refused: Mutex<Vec<Delivery>>,
    /// After how many rows of a snapshot the stream is gone.
    gone_after: usize,
    keys: AtomicUsize,
    heads: AtomicUsize,
    reads: AtomicUsize,
    /// Whoever looks for a key waits for it.
    stalled: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Memory {
    fn new() -> Arc<Self> {
        Self::of(0, usize::MAX)
    }

    fn of(rows: usize, gone_after: usize) -> Arc<Self> {
        Arc::new(Self::new_of(StreamKind::Read, rows, gone_after))
    }

    fn new_of(kind: StreamKind, rows: usize, gone_after: usize) -> Self {
        let row = |number| SnapshotRow {
            subject: Subject::User,
            id: format!("{number:05}"),
            version: Some(1),
            record: serde_json::Map::new(),
        };
        Self {
            kind,
            position: Mutex::default(),
            refused: Mutex::default(),
            recorded: Mutex::default(),
            rows: (0..rows).map(row).collect(),
            state: Mutex::new(Some(StreamState::Active)),
            gone_after,
            keys: AtomicUsize::default(),
            heads: AtomicUsize::default(),
            reads: AtomicUsize::default(),
            stalled: Mutex::default(),
        }
    }

    fn record(&self) {
        let mut recorded = self.recorded.lock().unwrap();
        let position = 1 + i64::try_from(recorded.len()).unwrap();
        recorded.push(Recorded {
            position,
            at: DateTime::UNIX_EPOCH,
            subject: Subject::User,
            id: format!("u{position}"),
            name: None,
            version: Some(1),
            old: None,
            new: Some(serde_json::Map::new()),
            actor: None,
            run: None,
        });
    }
}

impl FeedStore for Memory {
    fn extent(&self) -> Result<Extent, StoreError> {
        self.heads.fetch_add(1, Ordering::SeqCst);
        let head = i64::try_from(self.recorded.lock().unwrap().len()).unwrap();
        Ok(Extent {
            epoch: 0,
            forgotten: 0,
            head,
        })
    }

    fn changes(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let recorded = self.recorded.lock().unwrap();
        let behind = recorded.iter().filter(|one| one.position > after);
        Ok(behind.take(limit).cloned().collect())
    }

    fn position_at(&self, _time: DateTime<Utc>) -> Result<Position, StoreError> {
        Ok(0)
    }

    fn snapshot(
        &self,
        subjects: &[Subject],
        after: Option<&SnapshotKey>,
        limit: usize,
    ) -> Result<Vec<SnapshotRow>, StoreError> {
        let behind = |row: &&SnapshotRow| after.is_none_or(|after| row.id > after.id);
        // A page may be full before it has as many rows as were asked for.
        let told = |row: &&SnapshotRow| subjects.contains(&row.subject);
        let rows = self
            .rows
            .iter()
            .filter(told)
            .filter(behind)
            .take(limit.min(3));
        let rows: Vec<_> = rows.cloned().collect();
        if rows
            .last()
            .is_some_and(|last| last.id >= format!("{:05}", self.gone_after))
        {
            *self.state.lock().unwrap() = None;
        }
        Ok(rows)
    }

    fn stream_of_key(
        &self,
        _hash: &str,
        _now: DateTime<Utc>,
    ) -> Result<Option<Stream>, StoreError> {
        self.keys.fetch_add(1, Ordering::SeqCst);
        if let Some(stalled) = self.stalled.lock().unwrap().as_ref() {
            let _ended = stalled.recv();
        }
        let state = *self.state.lock().unwrap();
        Ok(state.map(|state| Stream {
            id: "s".to_owned(),
            name: "S".to_owned(),
            kind: self.kind,
            topics: None,
            state,
            position: *self.position.lock().unwrap(),
            delivered: None,
            version: 1,
            created: DateTime::UNIX_EPOCH,
            made_by: None,
            url: None,
        }))
    }

    fn acknowledge(
        &self,
        _stream: &str,
        position: Position,
        _restarts: bool,
    ) -> Result<(), StoreError> {
        *self.position.lock().unwrap() = position;
        Ok(())
    }

    fn note_delivery(&self, _stream: &str, _at: DateTime<Utc>) -> Result<(), StoreError> {
        Ok(())
    }

    fn note_refusal(&self, refused: &Delivery) -> Result<(), StoreError> {
        self.refused.lock().unwrap().push(refused.clone());
        Ok(())
    }

    fn forget_changes(
        &self,
        _kept: DateTime<Utc>,
        _broken: DateTime<Utc>,
        _limit: i64,
    ) -> Result<(Vec<String>, usize), StoreError> {
        Ok((Vec::new(), 0))
    }
}

fn endpoint(store: &Arc<Memory>) -> web::Data<FeedEndpoint> {
    let hash = |key: &str| (key == "good").then(|| "h".to_owned());
    let throttle = Arc::new(Throttle::new(1, MINUTE));
    let store: Arc<dyn FeedStore> = Arc::clone(store) as _;
    let feed = Feed::new(store).with_signer(Arc::new(Unsigned));
    web::Data::new(FeedEndpoint::new(feed, hash, throttle))
}

/// Writes claims as they are.
struct Unsigned;

impl EventSigner for Unsigned {
    fn issuer(&self) -> &str {
        "https://x.example/scim"
    }

    fn sign(&self, claims: &serde_json::Map<String, Value>) -> Result<String, SigningError> {
        Ok(Value::Object(claims.clone()).to_string())
    }

    fn public_keys(&self) -> Value {
        json!({"keys": [{"kid": "k"}]})
    }
}

async fn app(
    endpoint: &web::Data<FeedEndpoint>,
) -> impl Service<actix_http::Request, Response = ServiceResponse, Error = actix_web::Error> + use<>
{
    init_service(App::new().app_data(endpoint.clone()).configure(routes)).await
}

fn get(path: &str) -> TestRequest {
    let request = TestRequest::with_uri(&format!("{FEED}{path}"));
    request
        .peer_addr("192.0.2.1:7".parse().unwrap())
        .insert_header(("authorization", "Bearer good"))
}

async fn json_of(response: ServiceResponse) -> Value {
    serde_json::from_slice(&read_body(response).await).unwrap()
}

#[actix_web::test]
async fn a_key_is_taken_whatever_others_at_its_address_fail_with() {
    let store = Memory::new();
    let app = app(&endpoint(&store)).await;
    for status in [401, 429, 429] {
        let wrong = get("/changes").insert_header(("authorization", "Bearer wrong"));
        assert_eq!(
            call_service(&app, wrong.to_request()).await.status(),
            status
        );
    }
    assert_eq!(store.keys.load(Ordering::SeqCst), 0, "it is no key");
    let taken = call_service(&app, get("/changes").to_request()).await;
    assert_eq!(taken.status(), 200);
}

#[actix_web::test]
async fn one_looks_for_everybody_who_waits_and_nobody_when_nobody_does() {
    let store = Memory::new();
    let endpoint = endpoint(&store);
    let app = std::rc::Rc::new(app(&endpoint).await);
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let app = std::rc::Rc::clone(&app);
        waiting.push(actix_web::rt::spawn(async move {
            let told = call_service(&*app, get("/changes?wait=30").to_request()).await;
            json_of(told).await
        }));
    }
    let heads = || store.heads.load(Ordering::SeqCst);
    let reads = || store.reads.load(Ordering::SeqCst);
    // Everybody reads once, once more when the head is watched, and nobody at every look.
    while reads() < 6 {
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
    let begun = heads();
    while heads() < begun + 3 {
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(reads(), 6);
    store.record();
    for one in waiting {
        assert_eq!(one.await.unwrap()["items"][0]["topic"], "user.created");
    }
    assert_eq!(reads(), 9);
    while Arc::strong_count(&endpoint) > 2 {
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn a_stream_that_is_deleted_or_paused_meanwhile_is_told_nothing_more() {
    for (state, status) in [(None, 401), (Some(StreamState::Paused), 409)] {
        let store = Memory::new();
        let app = app(&endpoint(&store)).await;
        let waiting = call_service(&app, get("/changes?wait=30").to_request());
        let meanwhile = async {
            while store.reads.load(Ordering::SeqCst) < 2 {
                actix_web::rt::time::sleep(Duration::from_millis(5)).await;
            }
            *store.state.lock().unwrap() = state;
            store.record();
        };
        let mut waiting = pin!(waiting);
        let mut meanwhile = pin!(meanwhile);
        let mut done = false;
        let told = poll_fn(|context| {
            if !done && meanwhile.as_mut().poll(context).is_ready() {
                done = true;
            }
            waiting.as_mut().poll(context)
        });
        assert_eq!(told.await.status(), status);
    }
    let store = Memory::of(9, 4);
    let app = app(&endpoint(&store)).await;
    let cut = call_service(&app, get("/snapshot").to_request()).await;
    assert_eq!(cut.status(), 200);
    assert!(try_read_body(cut).await.is_err());
}

#[actix_web::test]
async fn a_stream_has_four_requests_under_way() {
    let store = Memory::of(1, usize::MAX);
    let app = app(&endpoint(&store)).await;
    let mut begun = Vec::new();
    for _ in 0..4 {
        // Its body is not read, so that it stays under way.
        let one = call_service(&app, get("/snapshot").to_request()).await;
        assert_eq!(one.status(), 200);
        begun.push(one);
    }
    let refused = call_service(&app, get("/changes").to_request()).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers().get("retry-after").unwrap(), "1");
    drop(begun);
    while call_service(&app, get("/changes").to_request())
        .await
        .status()
        != 200
    {
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn while_much_is_late_nothing_more_is_begun() {
    let store = Memory::new();
    let (go_on, stalled) = mpsc::channel();
    *store.stalled.lock().unwrap() = Some(stalled);
    let data = endpoint(&store).into_inner();
    let late = Arc::into_inner(data).unwrap();
    let late = web::Data::new(late.with_patience(Duration::from_millis(5)));
    let app = app(&late).await;
    for _ in 0..MOST_LATE + 5 {
        let answer = call_service(&app, get("/changes").to_request()).await;
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"));
    }
    assert_eq!(late.late.count_of(None), MOST_LATE);
    drop(go_on);
    while late.late.any_of(None) {
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
    let answer = call_service(&app, get("/changes").to_request()).await;
    assert_eq!(answer.status(), 200);
}

#[actix_web::test]
async fn a_snapshot_has_one_position_and_every_row() {
    let store = Memory::of(10, usize::MAX);
    let app = app(&endpoint(&store)).await;
    for (query, position, rows) in [
        ("", true, 10),
        ("?limit=4", true, 4),
        ("?after=user:00003&limit=4", false, 4),
        ("?after=user:00007&limit=4", false, 2),
        ("?after=user:00009", false, 0),
    ] {
        let told = call_service(&app, get(&format!("/snapshot{query}")).to_request()).await;
        let text = String::from_utf8(read_body(told).await.to_vec()).unwrap();
        let mut lines = text.lines().peekable();
        let first = lines.next_if(|line| line.contains("position"));
        assert_eq!(first.is_some(), position, "{query}");
        assert_eq!(lines.count(), rows, "{query}");
    }
    let refused = call_service(&app, get("/snapshot?after=user:%00").to_request()).await;
    assert_eq!(refused.status(), 400);
}

#[actix_web::test]
async fn what_is_not_there_and_what_is_not_done_is_said_as_a_problem_of_the_feed() {
    let app = app(&endpoint(&Memory::new())).await;
    for path in ["/changes", "/snapshot"] {
        let refused = call_service(&app, get(path).method(Method::POST).to_request()).await;
        assert_eq!(refused.status(), 405);
        assert_eq!(refused.headers().get("allow").unwrap(), "GET");
    }
    for path in ["/api/feed", "/api/feed/v2/changes", "/api/feed/v1/change"] {
        let request = TestRequest::with_uri(path).to_request();
        let missing = call_service(&app, request).await;
        assert_eq!(missing.status(), 404, "{path}");
        let told = json_of(missing).await;
        assert!(
            told["detail"]
                .as_str()
                .unwrap()
                .contains("/api/feed/v1/changes"),
            "{told}"
        );
    }
}

mod poll;
