//! Security events that are pushed and polled, over both engines.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::sync::{Arc, Mutex};

use chrono::{Duration, Utc};
use common::{House, actor};
use scim_admin::{AdminService, Deliverer, Services, Step, StreamInput};
use scim_feed::{
    Answered, Courier, Delivery, DeliveryProblem, DeliveryState, EventSigner, Feed, FeedStore as _,
    Outgoing, SigningError, Stream, StreamKind, Topic, WebhookUrl,
};
use scim_protocol::Limits;
use scim_protocol::schema::uri;
use scim_provisioning::ServiceProvider;
use serde_json::{Map, Value, json};

fn feed(house: &House) -> Feed {
    Feed::new(house.database.clone()).with_signer(Arc::new(Unsigned))
}

/// Writes claims as they are.
struct Unsigned;

impl EventSigner for Unsigned {
    fn issuer(&self) -> &str {
        common::BASE
    }

    fn sign(&self, claims: &Map<String, Value>) -> Result<String, SigningError> {
        Ok(Value::Object(claims.clone()).to_string())
    }

    fn public_keys(&self) -> Value {
        Value::Null
    }
}

fn add(house: &House, kind: StreamKind, topics: Option<Vec<Topic>>) -> Stream {
    let url = kind
        .is_sent()
        .then(|| WebhookUrl::parse("https://example.com/sets").unwrap());
    let input = StreamInput {
        name: "Mail".to_owned(),
        kind,
        url,
        topics,
    };
    let head = feed(house).head().unwrap();
    let added = house.admin.add_stream(&actor(), input, head).unwrap();
    added.stream
}

fn people(house: &House, names: &[&str]) {
    for name in names {
        house.create(
            "/Users",
            &json!({"schemas": [uri::USER], "userName": name, "active": true}),
        );
    }
}

/// The claims of a token.
fn claims(token: &str) -> Value {
    serde_json::from_str(token).unwrap()
}

/// Headers, and a body.
type Sent = (Vec<(String, String)>, String);

/// A receiver that answers what it is told to, and keeps what it is sent.
#[derive(Default)]
struct Receiver {
    sent: Mutex<Vec<Sent>>,
    /// Answers in their order; 202 behind them.
    answers: Mutex<Vec<(u16, &'static str)>>,
}

impl Receiver {
    fn jtis(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let id = |(_, token): &Sent| claims(token)["jti"].as_str().unwrap().to_owned();
        sent.iter().map(id).collect()
    }
}

impl Courier for Receiver {
    fn send(&self, outgoing: &Outgoing<'_>) -> Result<Answered, DeliveryProblem> {
        let headers = outgoing.headers.iter();
        let headers = headers.map(|(name, value)| ((*name).to_owned(), value.clone()));
        let sent = (headers.collect(), outgoing.body.to_owned());
        self.sent.lock().unwrap().push(sent);
        let mut answers = self.answers.lock().unwrap();
        let (status, text) = match answers.is_empty() {
            true => (202, ""),
            false => answers.remove(0),
        };
        Ok(Answered {
            status,
            retry_after: None,
            text: text.to_owned(),
        })
    }
}

fn deliverer(house: &House, receiver: &Arc<Receiver>) -> Deliverer {
    let services = Services {
        admin: Arc::new(AdminService::new(
            house.database.clone(),
            house.keys.clone(),
        )),
        provider: Arc::new(ServiceProvider::new(
            house.database.clone(),
            house.keys.clone(),
            common::BASE,
            Limits::default(),
        )),
        feed: feed(house),
    };
    Deliverer::new(
        services,
        house.database.clone(),
        house.keys.clone(),
        receiver.clone(),
    )
}

fn deliveries(house: &House, stream: &Stream) -> Vec<Delivery> {
    house.admin.deliveries(stream, None, 10).unwrap()
}

fn tokens_are_pushed_one_by_one_and_again_from_the_first_that_was_not_taken(house: &House) {
    let stream = add(house, StreamKind::Push, None);
    people(house, &["ava", "bo", "cy"]);
    let receiver = Arc::new(Receiver::default());
    let refusal = r#"{"err": "invalid_key", "description": "I do not know this key"}"#;
    *receiver.answers.lock().unwrap() = vec![(202, ""), (400, refusal)];
    let deliverer = deliverer(house, &receiver);
    let now = Utc::now();
    assert_eq!(
        deliverer.due(now).unwrap(),
        std::slice::from_ref(&stream.id)
    );
    assert_eq!(deliverer.step(&stream.id, now).unwrap(), Step::Failed);
    let sent = receiver.sent.lock().unwrap()[0].clone();
    let header = |name: &str| {
        let mut headers = sent.0.iter();
        headers.find(|(known, _)| known == name).unwrap().1.clone()
    };
    assert_eq!(header("content-type"), "application/secevent+jwt");
    assert!(header("authorization").starts_with("Bearer sopspush_"));
    let known = house.admin.stream("Mail").unwrap();
    assert_eq!(known.position, stream.position + 1, "it has the first one");
    let found = deliveries(house, &stream);
    let told: Vec<_> = found.iter().map(|one| (one.state, one.status)).collect();
    let failed = (DeliveryState::Failed, Some(400));
    assert_eq!(told, [failed, (DeliveryState::Delivered, Some(202))]);
    let said = found[0].answer.as_deref();
    assert_eq!(said, Some("invalid_key: I do not know this key"));
    assert!(deliverer.due(now).unwrap().is_empty(), "it waits");
    // A success that is no acknowledgement is none (RFC 8935 section 2.2).
    *receiver.answers.lock().unwrap() = vec![(200, "hello")];
    let later = now + Duration::minutes(1);
    assert_eq!(deliverer.step(&stream.id, later).unwrap(), Step::Failed);
    let problem = deliveries(house, &stream)[0].problem;
    assert_eq!(problem, Some(DeliveryProblem::NotAcknowledged));
    let later = now + Duration::hours(1);
    assert_eq!(deliverer.step(&stream.id, later).unwrap(), Step::Went);
    assert_eq!(deliverer.step(&stream.id, later).unwrap(), Step::Nothing);
    let id = |behind: i64| format!("{}.{}", stream.id, stream.position + behind);
    let expected = [id(1), id(2), id(2), id(2), id(3)];
    assert_eq!(receiver.jtis(), expected);
    let failing = house.admin.webhook(&stream).unwrap().unwrap().failing;
    assert_eq!(failing, None);
}

fn what_is_wanted_by_hand_is_pushed_and_the_stream_stays(house: &House) {
    let stream = add(house, StreamKind::Push, None);
    people(house, &["ava", "bo"]);
    let receiver = Arc::new(Receiver::default());
    let deliverer = deliverer(house, &receiver);
    let now = Utc::now();
    assert_eq!(deliverer.step(&stream.id, now).unwrap(), Step::Went);
    let done = deliveries(house, &stream).pop().unwrap();
    assert_eq!(done.changes, 2);
    house.admin.test_webhook(&actor(), &stream).unwrap();
    assert_eq!(deliverer.step(&stream.id, now).unwrap(), Step::Went);
    let again = house.admin.send_again(&actor(), &stream, &done.id).unwrap();
    assert_eq!(deliverer.step(&stream.id, now).unwrap(), Step::Went);
    let ids = receiver.jtis();
    assert_eq!(ids.len(), 5);
    assert_eq!(ids[..2], ids[3..], "the same tokens");
    let test = claims(&receiver.sent.lock().unwrap()[2].1);
    let uri = "https://schemas.openid.net/secevent/ssf/event-type/verification";
    assert_eq!(test["events"][uri]["state"], ids[2]);
    let found = deliveries(house, &stream);
    let again = found.iter().find(|one| one.id == again.id).unwrap();
    assert_eq!((again.state, again.changes), (DeliveryState::Delivered, 2));
}

fn who_polls_has_what_it_acknowledged_and_no_more(house: &House) {
    let topics = vec![Topic::UserCreated, Topic::UserDeleted];
    let stream = add(house, StreamKind::Poll, Some(topics));
    people(house, &["ava", "bo", "cy"]);
    house.tamper("UPDATE users SET first_name = 'X' WHERE user_name = 'ava'");
    people(house, &["di"]);
    let feed = feed(house);
    let read = |after| feed.events(&stream, after, 100).unwrap();
    let events = read(stream.position);
    let ids: Vec<&str> = events.items.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), 4, "what it is not told of is none");
    assert_eq!(read(stream.position), events, "the same tokens each time");
    let uris: Vec<Value> = events
        .items
        .iter()
        .map(|one| claims(&one.token)["sub_id"]["uri"].clone())
        .collect();
    assert!(
        uris.iter()
            .all(|uri| uri.as_str().unwrap().starts_with("/Users/"))
    );
    let known = || house.admin.stream("Mail").unwrap();
    let settle = |ids: &[&str]| {
        let ids = ids.iter().copied();
        feed.settle_events(&known(), ids).unwrap() - stream.position
    };
    assert_eq!(settle(&[]), 0);
    assert_eq!(settle(&[ids[1]]), 0, "the first one is not settled");
    assert_eq!(settle(&[ids[0], ids[1]]), 2);
    // Behind the third comes what it is not told of.
    assert_eq!(settle(&[ids[2]]), 4);
    assert!(feed.has_more_events(&stream, stream.position + 4).unwrap());
    assert_eq!(settle(&[ids[3]]), 5);
    assert_eq!(known().position, house.database.extent().unwrap().head);
    assert!(!feed.has_more_events(&stream, known().position).unwrap());
    feed.note_refusal(&known(), ids[3], "late").unwrap();
    assert!(deliveries(house, &stream).is_empty(), "it is settled");
    people(house, &["ed"]);
    let last = read(known().position).items.remove(0);
    feed.note_refusal(&known(), &last.id, "jwtParse: what?")
        .unwrap();
    let told = deliveries(house, &stream).remove(0);
    assert_eq!(
        (told.state, told.up_to),
        (DeliveryState::Failed, last.position)
    );
    assert!(house.admin.test_webhook(&actor(), &stream).is_err());
}

fn a_stream_of_events_is_told_of_no_more_than_scim_knows(house: &House) {
    let refused = |kind, topic| {
        let input = StreamInput {
            name: "Other".to_owned(),
            kind,
            url: None,
            topics: Some(vec![topic]),
        };
        house.admin.add_stream(&actor(), input, 7).is_err()
    };
    assert!(refused(StreamKind::Poll, Topic::AlertRaised));
    assert!(!refused(StreamKind::Read, Topic::AlertRaised));
    let stream = add(house, StreamKind::Poll, None);
    people(house, &["ava"]);
    let rows = feed(house).snapshot(&stream, None, 100).unwrap();
    let mut people = rows
        .iter()
        .filter(|row| row.record.contains_key("userName"));
    let record = &people.next().unwrap().record;
    assert_eq!(
        (&record["userName"], &record["active"]),
        (&json!("ava"), &json!(true))
    );
    assert_eq!(record["schemas"][0], uri::USER);
}

engines::tests! {
    on_both(House::new): tokens_are_pushed_one_by_one_and_again_from_the_first_that_was_not_taken,
        what_is_wanted_by_hand_is_pushed_and_the_stream_stays,
        who_polls_has_what_it_acknowledged_and_no_more,
        a_stream_of_events_is_told_of_no_more_than_scim_knows;
}
