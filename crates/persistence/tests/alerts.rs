//! Alerts: raised by one server at a time, told to the feed once when they begin and once when they
//! are over.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, Utc};
use common::{House, actor};
use scim_admin::alert::{Alert, AlertKind, AlertState, AlertsQuery};
use scim_admin::upkeep::{Retention, Upkeep};
use scim_admin::{AdminService, Letter, MailError, Postman, Services, StreamInput};
use scim_feed::{Change, Feed, FeedStore, Position, StreamKind, Topic};
use scim_protocol::Limits;
use scim_provisioning::ServiceProvider;
use serde_json::json;

/// A server that shares the database with others.
fn server(house: &House) -> Upkeep {
    let provider = ServiceProvider::new(
        house.database.clone(),
        house.keys.clone(),
        common::BASE,
        Limits::default(),
    );
    let services = Services {
        admin: Arc::new(AdminService::new(
            house.database.clone(),
            house.keys.clone(),
        )),
        provider: Arc::new(provider),
        feed: Feed::new(house.database.clone()),
    };
    Upkeep::new(services, Arc::default(), Retention::default())
}

fn alerts(house: &House, state: AlertState) -> Vec<Alert> {
    let query = AlertsQuery {
        state,
        before: None,
        limit: 100,
    };
    house.admin.alerts(&query).unwrap()
}

fn kinds(alerts: &[Alert]) -> Vec<AlertKind> {
    alerts.iter().map(|alert| alert.kind).collect()
}

/// What the feed tells behind a position.
fn told(house: &House, after: Position) -> Vec<Change> {
    let feed = Feed::new(house.database.clone());
    house.database.extent().unwrap();
    feed.changes(None, after, 100).unwrap().items
}

/// The only token is in use and ends in so many hours.
fn token_ends(house: &House, now: DateTime<Utc>, hours: i64) {
    let (used, end) = (now.timestamp_millis(), now + Duration::hours(hours));
    house.tamper(&format!(
        "UPDATE access_tokens SET last_used_at = {used}, expires_at = {}",
        end.timestamp_millis()
    ));
}

fn an_alert_is_told_to_the_feed_when_it_begins_gets_worse_and_is_over(house: &House) {
    let (server, now) = (server(house), Utc::now());
    let begin = house.database.extent().unwrap().head;
    server.watch(now).unwrap();
    assert_eq!(alerts(house, AlertState::All), []);
    token_ends(house, now, 100);
    server.watch(now).unwrap();
    server.watch(now + Duration::seconds(10)).unwrap();
    let open = alerts(house, AlertState::Open);
    assert_eq!(kinds(&open), [AlertKind::TokenEnds]);
    assert_eq!(told(house, begin).len(), 1, "told once");
    token_ends(house, now, 50);
    server.watch(now + Duration::seconds(20)).unwrap();
    token_ends(house, now, 10_000);
    server.watch(now + Duration::seconds(30)).unwrap();
    assert_eq!(alerts(house, AlertState::Open), []);
    let over = alerts(house, AlertState::Over);
    assert_eq!(over[0].id, open[0].id);

    let told = told(house, begin);
    let topics: Vec<Topic> = told.iter().map(|change| change.topic).collect();
    let (raised, resolved) = (Topic::AlertRaised, Topic::AlertResolved);
    assert_eq!(topics, [raised, raised, resolved]);
    let first = told[0].record.clone().unwrap();
    assert_eq!(
        (&first["kind"], &first["cause"], &first["overAt"]),
        (&json!("token-ends"), &json!("14-days"), &json!(null))
    );
    let page = first["page"].as_str().unwrap();
    let id = house.id_of("Test");
    assert_eq!(page, format!("/admin/users/scim-provisioning/{id}/tokens"));
    let worse = &told[1].changes;
    let worse = worse.iter().find(|one| one.field == "cause").unwrap();
    assert_eq!(
        (&worse.old, &worse.new),
        (&json!("14-days"), &json!("3-days"))
    );
    let last = told[2].record.clone().unwrap();
    assert!(last["overAt"].is_string(), "{last:?}");
    assert_eq!(
        (&told[2].resource.id, told[2].version),
        (&open[0].id, Some(3))
    );
    assert_eq!(told[2].actor, None);

    // When it begins once more it is another one.
    token_ends(house, now, 50);
    server.watch(now + Duration::seconds(40)).unwrap();
    let again = alerts(house, AlertState::All);
    assert_eq!(again.len(), 2);
    assert!(again[0].id > again[1].id && again[0].over.is_none());
}

fn one_server_at_a_time_raises_them_and_another_takes_over(house: &House) {
    let (one, other, now) = (server(house), server(house), Utc::now());
    one.watch(now).unwrap();
    token_ends(house, now, 50);
    other.watch(now + Duration::seconds(10)).unwrap();
    assert_eq!(alerts(house, AlertState::Open), [], "it is not its turn");
    one.watch(now + Duration::seconds(20)).unwrap();
    assert_eq!(alerts(house, AlertState::Open).len(), 1);
    // The first one is gone, and with its lease its turn.
    other.watch(now + Duration::seconds(79)).unwrap();
    token_ends(house, now, 10_000);
    other.watch(now + Duration::seconds(80)).unwrap();
    assert_eq!(alerts(house, AlertState::Open), []);
    one.watch(now + Duration::seconds(90)).unwrap();
    assert_eq!(alerts(house, AlertState::All).len(), 1);
}

fn who_keeps_a_copy_of_the_directory_gets_no_alert_in_a_snapshot(house: &House) {
    let (server, now) = (server(house), Utc::now());
    let input = StreamInput {
        name: "Mail".to_owned(),
        kind: StreamKind::Read,
        url: None,
        topics: None,
    };
    let head = house.database.extent().unwrap().head;
    let stream = house
        .admin
        .add_stream(&actor(), input, head)
        .unwrap()
        .stream;
    token_ends(house, now, 50);
    server.watch(now).unwrap();
    let feed = Feed::new(house.database.clone());
    assert_eq!(feed.snapshot(&stream, None, 100).unwrap(), []);
    let page = feed.changes(Some(&stream), head, 100).unwrap();
    assert_eq!(page.items.len(), 1, "a stream of everything is told");
}

fn a_receiver_that_lags_is_told_of_until_it_has_caught_up(house: &House) {
    let (server, now) = (server(house), Utc::now());
    let head = house.database.extent().unwrap().head;
    let input = StreamInput {
        name: "Mail".to_owned(),
        kind: StreamKind::Read,
        url: None,
        topics: Some(vec![Topic::UserCreated]),
    };
    let stream = house
        .admin
        .add_stream(&actor(), input, head)
        .unwrap()
        .stream;
    house.create(
        "/Users",
        &json!({"schemas": [scim_protocol::schema::uri::USER], "userName": "ava"}),
    );
    server.watch(now).unwrap();
    assert_eq!(alerts(house, AlertState::Open), []);
    let later = now + Duration::minutes(62);
    server.watch(later).unwrap();
    let open = alerts(house, AlertState::Open);
    assert_eq!(kinds(&open), [AlertKind::DeliveriesFailing]);
    assert_eq!(open[0].about.id, stream.id);
    let feed = Feed::new(house.database.clone());
    feed.begin(&stream, Some(feed.head().unwrap())).unwrap();
    server.watch(later + Duration::seconds(10)).unwrap();
    assert_eq!(alerts(house, AlertState::Open), []);
}

fn alerts_are_listed_in_pages_and_forgotten_when_they_are_long_over(house: &House) {
    let (server, now) = (server(house), Utc::now());
    for turn in 0..3 {
        let at = now + Duration::seconds(20 * turn);
        token_ends(house, now, 50);
        server.watch(at).unwrap();
        token_ends(house, now, 10_000);
        server.watch(at + Duration::seconds(10)).unwrap();
    }
    let page = |before: Option<&Alert>| {
        let query = AlertsQuery {
            state: AlertState::Over,
            before: before.map(|alert| alert.id.clone()),
            limit: 2,
        };
        house.admin.alerts(&query).unwrap()
    };
    let first = page(None);
    let second = page(first.last());
    assert_eq!((first.len(), second.len()), (2, 1));
    let all = alerts(house, AlertState::All);
    assert_eq!([first, second].concat(), all);
    let newest = all[0].over.unwrap();
    assert_eq!(house.admin.forget_alerts(newest, 1).unwrap(), 1);
    assert_eq!(house.admin.forget_alerts(newest, 9).unwrap(), 1);
    assert_eq!(alerts(house, AlertState::All), all[..1]);
    token_ends(house, now, 50);
    server.watch(now + Duration::seconds(90)).unwrap();
    let far = now + Duration::days(1_000);
    assert_eq!(
        house.admin.forget_alerts(far, 9).unwrap(),
        1,
        "an open one stays"
    );
}

/// Keeps letters, as long as it takes any.
#[derive(Default)]
struct Post {
    letters: Mutex<Vec<Letter>>,
    refuses: AtomicBool,
}

impl Post {
    /// The subjects of the letters since the last time.
    fn subjects(&self) -> Vec<String> {
        let letters = std::mem::take(&mut *self.letters.lock().unwrap());
        letters.into_iter().map(|letter| letter.subject).collect()
    }
}

impl Postman for Post {
    fn send(&self, letter: &Letter) -> Result<(), MailError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(MailError::new("no"));
        }
        self.letters.lock().unwrap().push(letter.clone());
        Ok(())
    }
}

fn people_are_written_to_once_when_it_begins_gets_worse_and_is_over(house: &House) {
    let (one, other, now) = (server(house), server(house), Utc::now());
    let post = Arc::new(Post::default());
    let mailers =
        [&one, &other].map(|server| server.mailer(post.clone(), "https://x.example/admin"));
    let at = |seconds: i64| now + Duration::seconds(seconds);
    let look = |seconds: i64| {
        one.watch(at(seconds)).unwrap();
        other.watch(at(seconds)).unwrap();
        for mailer in &mailers {
            mailer.step(at(seconds)).unwrap();
        }
        post.subjects()
    };
    assert!(look(0).is_empty());
    token_ends(house, now, 200);
    let told = look(10);
    assert!(
        told.len() == 1 && told[0].starts_with("A token ends soon: "),
        "{told:?}"
    );
    assert!(look(20).is_empty(), "once, by one of two");
    token_ends(house, now, 50);
    assert_eq!(look(30), told);
    token_ends(house, now, 10_000);
    assert_eq!(look(40), [format!("Over: {}", told[0])]);
    assert!(look(50).is_empty());
}

fn what_is_not_taken_is_written_again_and_told_meanwhile(house: &House) {
    let (server, now) = (server(house), Utc::now());
    let post = Arc::new(Post::default());
    let mailer = server.mailer(post.clone(), "https://x.example/admin");
    let look = |seconds: i64| {
        server.watch(now + Duration::seconds(seconds)).unwrap();
        mailer.step(now + Duration::seconds(seconds)).unwrap();
    };
    post.refuses.store(true, Ordering::Relaxed);
    token_ends(house, now, 50);
    look(0);
    assert_eq!(
        kinds(&alerts(house, AlertState::Open)),
        [AlertKind::TokenEnds]
    );
    look(50);
    look(70);
    let open = kinds(&alerts(house, AlertState::Open));
    assert_eq!(open, [AlertKind::MailFailing, AlertKind::TokenEnds]);
    post.refuses.store(false, Ordering::Relaxed);
    look(90);
    assert!(post.subjects().is_empty(), "it is not its time yet");
    look(1_000);
    look(1_010);
    assert_eq!(post.subjects().len(), 1, "of mail itself no letter tells");
    assert_eq!(
        kinds(&alerts(house, AlertState::Open)),
        [AlertKind::TokenEnds]
    );
}

fn who_begins_to_be_written_to_gets_nothing_about_what_is_long_over(house: &House) {
    let (server, now) = (server(house), Utc::now());
    let post = Arc::new(Post::default());
    let mailer = server.mailer(post.clone(), "https://x.example/admin");
    for (seconds, hours) in [(0, 50), (10, 10_000)] {
        token_ends(house, now, hours);
        server.watch(now + Duration::seconds(seconds)).unwrap();
    }
    let later = now + Duration::days(2);
    token_ends(house, later, 50);
    server.watch(later).unwrap();
    mailer.step(later).unwrap();
    let told = post.subjects();
    assert!(told.len() == 1 && !told[0].starts_with("Over"), "{told:?}");
}

engines::tests! {
    on_both(House::new): an_alert_is_told_to_the_feed_when_it_begins_gets_worse_and_is_over,
        one_server_at_a_time_raises_them_and_another_takes_over,
        who_keeps_a_copy_of_the_directory_gets_no_alert_in_a_snapshot,
        a_receiver_that_lags_is_told_of_until_it_has_caught_up,
        people_are_written_to_once_when_it_begins_gets_worse_and_is_over,
        what_is_not_taken_is_written_again_and_told_meanwhile,
        who_begins_to_be_written_to_gets_nothing_about_what_is_long_over,
        alerts_are_listed_in_pages_and_forgotten_when_they_are_long_over;
}
