//! What streams hold back, what is forgotten in spite of them, and who moves them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Duration, Utc};
use common::{House, actor};
use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection;
use scim_admin::account::Role;
use scim_admin::api_key::ApiKeyInput;
use scim_admin::event::{AuditEntry, AuditQuery, EventQuery};
use scim_admin::store::{AdminStoreExt, Written};
use scim_admin::upkeep::{Retention, Upkeep};
use scim_admin::{
    Actor, AdminError, AdminService, Deliverer, IssuedStream, Services, Step, StreamInput,
};
use scim_feed::{
    Answered, Courier, DeliveryProblem, Extent, Feed, FeedError, FeedStore, Outgoing, Position,
    Stream, StreamKind, StreamState, WebhookUrl,
};
use scim_protocol::Limits;
use scim_protocol::schema::uri;
use scim_provisioning::ServiceProvider;
use serde_json::json;

/// Three people, and the feed that tells of them.
fn populated(house: &House) -> (Feed, Extent) {
    for name in ["ava", "bo", "cy"] {
        house.create(
            "/Users",
            &json!({"schemas": [uri::USER], "userName": name, "active": true}),
        );
    }
    let extent = house.database.extent().unwrap();
    assert_eq!(extent.head, extent.epoch + 3);
    (Feed::new(house.database.clone()), extent)
}

fn add_stream(house: &House, state: &str, position: Position) {
    house.tamper(&format!(
        "INSERT INTO streams (id, name, name_key, kind, key_hash, state, position, version, \
         created_at) VALUES ('s', 'S', 's', 'read', 'h', '{state}', {position}, 1, 0)"
    ));
}

fn stream(feed: &Feed) -> Stream {
    feed.stream_of_key("h").unwrap().unwrap()
}

/// Before everything that is recorded here, and behind it.
fn past_and_later() -> (DateTime<Utc>, DateTime<Utc>) {
    (
        Utc::now() - Duration::days(30),
        Utc::now() + Duration::days(1),
    )
}

fn a_time_skips_nothing_that_was_written_since(house: &House) {
    let (feed, extent) = populated(house);
    let time = Utc::now();
    let at = |seconds: i64| time.timestamp_millis() + seconds * 1_000;
    // Whoever began later may have written first.
    house.tamper(&format!(
        "UPDATE feed_changes SET at = CASE resource_name WHEN 'ava' THEN {} WHEN 'bo' THEN {} \
         ELSE {} END",
        at(10),
        at(-10),
        at(20)
    ));
    assert_eq!(feed.position_at(time).unwrap(), extent.epoch);
    let last = time + Duration::seconds(15);
    assert_eq!(feed.position_at(last).unwrap(), extent.epoch + 2);
    let after = time + Duration::seconds(25);
    assert_eq!(feed.position_at(after).unwrap(), extent.head);
}

fn a_stream_that_is_paused_for_long_stays_paused_and_holds_nothing_back(house: &House) {
    let (feed, extent) = populated(house);
    let (past, later) = past_and_later();
    add_stream(house, "paused", extent.epoch);
    assert_eq!(feed.forget_changes(later, past, 100).unwrap(), (vec![], 0));
    // What it waits for is too old by then.
    assert_eq!(feed.forget_changes(later, later, 2).unwrap(), (vec![], 2));
    assert_eq!(stream(&feed).state, StreamState::Paused);
    let refused = feed.begin_snapshot(&stream(&feed));
    assert!(matches!(refused, Err(FeedError::Paused)), "{refused:?}");
    // It lacks the first ones: nothing is won by keeping the others.
    assert_eq!(feed.forget_changes(later, past, 100).unwrap(), (vec![], 1));
    house.admin.resume_stream(&actor(), stream(&feed)).unwrap();
    let refused = feed.begin(&stream(&feed), None);
    assert!(matches!(refused, Err(FeedError::SnapshotRequired)));
    feed.begin_snapshot(&stream(&feed)).unwrap();
    assert_eq!(feed.begin(&stream(&feed), None).unwrap(), extent.head);
}

fn what_was_forgotten_meanwhile_is_no_silent_gap(house: &House) {
    let (feed, extent) = populated(house);
    let position = match house.settings.url.starts_with("sqlite:") {
        true => "id",
        false => "position",
    };
    house.tamper(&format!(
        "DELETE FROM feed_changes WHERE {position} = {}",
        extent.epoch + 1
    ));
    let read = feed.changes(None, extent.epoch, 10);
    assert!(matches!(read, Err(FeedError::SnapshotRequired)), "{read:?}");
    let behind = feed.changes(None, extent.epoch + 1, 10).unwrap();
    assert_eq!(behind.items.len(), 2);
}

fn what_is_rolled_back_leaves_no_hole(house: &House) {
    let (feed, extent) = populated(house);
    house.tamper("BEGIN; UPDATE users SET is_vip = 1; ROLLBACK");
    house.tamper("UPDATE users SET is_vip = 1 WHERE user_name = 'cy'");
    let behind = feed.changes(None, extent.head, 10).unwrap();
    let positions: Vec<_> = behind.items.iter().map(|change| change.position).collect();
    assert_eq!(positions, [extent.head + 1]);
}

fn who_forgets_beside_another_takes_nothing_back(house: &House) {
    #[derive(diesel::QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        waiting: i64,
    }
    let (feed, extent) = populated(house);
    let (past, later) = past_and_later();
    let connect =
        || -> diesel::PgConnection { diesel::Connection::establish(&house.settings.url).unwrap() };
    let (mut other, mut watch) = (connect(), connect());
    let two = extent.epoch + 2;
    other
        .batch_execute(&format!(
            "BEGIN; DELETE FROM feed_changes WHERE position <= {two}; \
             UPDATE feed_state SET forgotten = {two}"
        ))
        .unwrap();
    let count = "SELECT count(*) AS waiting FROM pg_stat_activity \
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let forgotten = std::thread::scope(|scope| {
        let forgetting = scope.spawn(|| feed.forget_changes(later, past, 1).unwrap());
        loop {
            let rows: Vec<Waiting> = diesel::sql_query(count).load(&mut watch).unwrap();
            if rows[0].waiting > 0 || forgetting.is_finished() {
                break;
            }
            std::thread::yield_now();
        }
        other.batch_execute("COMMIT").unwrap();
        forgetting.join().unwrap()
    });
    assert_eq!(forgotten, (vec![], 1));
    assert_eq!(house.database.extent().unwrap().forgotten, extent.head);
}

fn a_replay_is_undone_neither_by_a_delivery_nor_by_an_administrator(house: &House) {
    let (feed, extent) = populated(house);
    add_stream(house, "active", extent.head);
    let seen = stream(&feed);
    house
        .admin
        .replay_stream(&actor(), stream(&feed), extent.epoch)
        .unwrap();
    // Whoever waited for changes meanwhile was told some.
    feed.note_delivery(&seen).unwrap();
    assert_eq!(stream(&feed).position, extent.epoch);
    assert!(stream(&feed).delivered.is_some());
    // The receiver moves on while it is paused.
    let seen = stream(&feed);
    feed.begin(&seen, Some(extent.head)).unwrap();
    let paused = Stream {
        state: StreamState::Paused,
        ..seen
    };
    let told = AuditEntry {
        at: Utc::now(),
        actor: "test".to_owned(),
        source: None,
        event: "stream.paused".into(),
        object: "S".to_owned(),
        configuration: None,
        details: json!({}),
    };
    let written = house.database.write(move |rows| {
        let written = rows.update_stream(&paused)?;
        Ok(Written::changed(written, told.clone()))
    });
    assert!(written.unwrap());
    let now = stream(&feed);
    assert_eq!(
        (now.state, now.position),
        (StreamState::Paused, extent.head)
    );
}

fn a_feed_that_is_restarted_gives_no_position_again(house: &House) {
    let (feed, extent) = populated(house);
    add_stream(house, "active", extent.head);
    // In a copy of later, or by a clock that goes ahead.
    let epoch = house.admin.restart_feed(&actor()).unwrap();
    assert!(epoch > extent.head);
    let began = house.database.extent().unwrap();
    assert_eq!(
        (began.epoch, began.forgotten, began.head),
        (epoch, epoch, epoch)
    );
    let again = house.admin.restart_feed(&actor()).unwrap();
    assert!(again > epoch);
    let refused = feed.begin(&stream(&feed), None);
    assert!(matches!(refused, Err(FeedError::SnapshotRequired)));
    let position = feed.begin_snapshot(&stream(&feed)).unwrap();
    assert_eq!(position, again);
    house.tamper("UPDATE users SET is_vip = 1 WHERE user_name = 'cy'");
    let behind = feed.changes(None, position, 10).unwrap();
    let positions: Vec<_> = behind.items.iter().map(|change| change.position).collect();
    assert_eq!(positions, [again + 1]);
    let query = AuditQuery {
        event: Some("feed.restarted".to_owned()),
        limit: 10,
        ..AuditQuery::default()
    };
    assert_eq!(house.admin.audit(&query).unwrap().len(), 2);
}

fn a_stream_ends_with_the_key_that_made_it(house: &House) {
    let key = |name: &str| {
        let input = ApiKeyInput {
            name,
            role: Role::Administrator,
            scopes: None,
            days: 90,
        };
        house.admin.add_api_key(&actor(), &input).unwrap().key
    };
    let add = |by: &Actor, name: &str| {
        let input = StreamInput {
            name: name.to_owned(),
            kind: StreamKind::Read,
            url: None,
            topics: None,
        };
        house.admin.add_stream(by, input, 7)
    };
    let (revoked, ended) = (key("revoked"), key("ended"));
    let by = Actor::of_key(&revoked, None);
    let first = add(&by, "First").unwrap();
    let second = add(&Actor::of_key(&ended, None), "Second").unwrap();
    let third = add(&actor(), "Third").unwrap();
    let feed = Feed::new(house.database.clone());
    let works = |issued: &IssuedStream| {
        let hash = scim_admin::api_key::hash(issued.key.reveal());
        feed.stream_of_key(&hash).unwrap().is_some()
    };
    assert!(works(&first) && works(&second) && works(&third));
    let made = house.admin.made_by_key("revoked").unwrap();
    assert_eq!(made.streams, std::slice::from_ref(&first.stream));
    house.admin.revoke_api_key(&actor(), "revoked").unwrap();
    assert!(!works(&first) && works(&second));
    let late = add(&by, "Late");
    assert!(matches!(late, Err(AdminError::Stale)), "{late:?}");
    house.tamper("UPDATE api_keys SET expires_at = 1 WHERE name = 'ended'");
    assert!(!works(&second));
    house.admin.delete_ended_streams().unwrap();
    house.admin.delete_ended_streams().unwrap();
    assert_eq!(house.admin.streams().unwrap(), [third.stream]);
    let query = AuditQuery {
        event: Some("stream.deleted".to_owned()),
        limit: 100,
        ..AuditQuery::default()
    };
    assert_eq!(house.admin.audit(&query).unwrap().len(), 2);
}

/// The services over a house, as a process has them.
fn services(house: &House) -> Services {
    Services {
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
        feed: Feed::new(house.database.clone()),
    }
}

/// Takes everything, and counts it.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Courier for Counting {
    fn send(&self, _outgoing: &Outgoing<'_>) -> Result<Answered, DeliveryProblem> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Answered {
            status: 204,
            retry_after: None,
            text: String::new(),
        })
    }
}

fn a_webhook_that_lacks_changes_is_broken_at_once_and_not_tried_again(house: &House) {
    let (feed, extent) = populated(house);
    let input = StreamInput {
        name: "Mail".to_owned(),
        kind: StreamKind::Webhook,
        url: Some(WebhookUrl::parse("https://example.com/hook").unwrap()),
        topics: None,
    };
    let added = house.admin.add_stream(&actor(), input, extent.epoch);
    let id = added.unwrap().stream.id;
    let courier = Arc::new(Counting::default());
    let deliverer = Deliverer::new(
        services(house),
        house.database.clone(),
        house.keys.clone(),
        courier.clone(),
    );
    house.admin.restart_feed(&actor()).unwrap();
    house.tamper("UPDATE users SET is_vip = 1");
    assert_eq!(
        deliverer.due(Utc::now()).unwrap(),
        std::slice::from_ref(&id)
    );
    assert_eq!(deliverer.step(&id, Utc::now()).unwrap(), Step::Nothing);
    let broken = house.admin.stream("Mail").unwrap();
    assert_eq!(broken.state, StreamState::Broken);
    assert!(deliverer.due(Utc::now()).unwrap().is_empty());
    // It goes on where its receiver says.
    let head = feed.head().unwrap();
    house
        .admin
        .replay_stream(&actor(), broken, head - 1)
        .unwrap();
    assert_eq!(deliverer.step(&id, Utc::now()).unwrap(), Step::Went);
    assert_eq!(courier.0.load(Ordering::Relaxed), 1);
}

/// Does what time brings as a process does that has just begun; answers whether it is behind.
fn keep_up_anew(house: &House) -> bool {
    let retention = Retention {
        events: Some(30),
        ..Retention::default()
    };
    let upkeep = Upkeep::new(services(house), Arc::default(), retention);
    let began = upkeep.done_until();
    // It is told in whole seconds.
    let later = || Utc::now().timestamp() > began.timestamp();
    while !later() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    upkeep.run().unwrap();
    upkeep.done_until() == began
}

fn a_doubt_of_the_clock_ends_after_a_day_however_often_the_server_begins(house: &House) {
    populated(house);
    let events = || common::found(house, EventQuery::default()).len();
    assert_eq!(events(), 3);
    let day = 24 * 60 * 60 * 1_000_i64;
    let before = |days: i64| Utc::now().timestamp_millis() - days * day;
    house.tamper(&format!(
        "UPDATE instance SET kept_up_at = {}; UPDATE provisioning_events SET at = {}",
        before(20),
        before(40)
    ));
    for _ in 0..2 {
        assert!(!keep_up_anew(house), "nothing but deletion is left undone");
        assert_eq!(events(), 3);
    }
    let hours = |hours: i64| {
        let back = hours * 60 * 60 * 1_000;
        house.tamper(&format!(
            "UPDATE instance SET doubted_since = doubted_since - {back}, \
             doubted_at = doubted_at - {back}"
        ));
    };
    // Twice in the evening and in the morning.
    for _ in 0..2 {
        hours(11);
        assert!(!keep_up_anew(house));
        assert_eq!(events(), 3);
    }
    hours(11);
    assert!(!keep_up_anew(house));
    assert_eq!(events(), 0);
    // The time is known from then on.
    let instance = house.database.read(|rows| Ok(rows.instance()?)).unwrap();
    assert!(Utc::now() - instance.kept_up.unwrap() < Duration::hours(1));
}

engines::tests! {
    on_both(House::new): a_time_skips_nothing_that_was_written_since,
        a_stream_that_is_paused_for_long_stays_paused_and_holds_nothing_back,
        what_was_forgotten_meanwhile_is_no_silent_gap,
        what_is_rolled_back_leaves_no_hole,
        a_feed_that_is_restarted_gives_no_position_again,
        a_stream_ends_with_the_key_that_made_it,
        a_replay_is_undone_neither_by_a_delivery_nor_by_an_administrator,
        a_webhook_that_lacks_changes_is_broken_at_once_and_not_tried_again,
        a_doubt_of_the_clock_ends_after_a_day_however_often_the_server_begins;
    on_postgres(House::new): who_forgets_beside_another_takes_nothing_back;
}
