//! Faults of PostgreSQL, with messages in English and, where the server has the language, in German.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use engines::{Proxy, Relay, Suite};
use scim_admin::AdminStore;
use scim_protocol::schema::uri;
use scim_provisioning::{DirectoryExt, ResourceId, StoreError};

use super::{assert_later, assert_there, create, find};
use crate::common::{Engine, House};
use crate::target::{Server, Target};
use crate::{Database, OpenError, Settings};

pub(super) fn session(house: &House) -> PgConnection {
    diesel::Connection::establish(&house.settings.url).unwrap()
}

/// Sets what new sessions begin with, and ends those that there are.
fn set_for_all(house: &House, setting: &str) -> bool {
    let name = house.settings.url.rsplit('/').next().unwrap();
    let set = session(house).batch_execute(&format!("ALTER DATABASE {name} SET {setting}"));
    end_sessions(house);
    set.is_ok()
}

fn end_sessions(house: &House) {
    house.tamper(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

/// Has the server speak German, if it can.
pub(super) fn in_german(house: &House) {
    if !set_for_all(house, "lc_messages = 'de_DE.UTF-8'") {
        eprintln!("the server speaks English: it has no locale de_DE.UTF-8");
    }
}

fn a_read_only_server_takes_no_writes_and_answers_reads(house: &House) {
    assert_eq!(create(house, "ada").status, 201);
    set_for_all(house, "default_transaction_read_only = on");
    assert!(house.database.ready().is_ok());
    assert_later(&create(house, "eve"), 30);
    assert!(matches!(
        house.database.ready(),
        Err(StoreError::ReadOnly(_))
    ));
    assert_there(house, &["ada"]);
    let name = house.settings.url.rsplit('/').next().unwrap();
    let mut other = session(house);
    for statement in [
        "SET default_transaction_read_only = off",
        &format!("ALTER DATABASE {name} RESET default_transaction_read_only"),
    ] {
        other.batch_execute(statement).unwrap();
    }
    end_sessions(house);
    assert!(house.database.ready().is_ok());
    assert_eq!(create(house, "eve").status, 201);
}

fn a_write_that_waits_for_a_lock_is_sent_away_in_any_language(house: &House) {
    in_german(house);
    let mut other = session(house);
    other
        .batch_execute("BEGIN; LOCK TABLE users IN EXCLUSIVE MODE")
        .unwrap();
    assert_later(&create(house, "ada"), 5);
    assert_eq!(find(house, "ada").status, 200);
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(create(house, "ada").status, 201);
}

fn a_filter_that_waits_for_a_lock_is_not_called_too_expensive(house: &House) {
    in_german(house);
    let mut other = session(house);
    other
        .batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    assert_later(&find(house, "ada"), 5);
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(find(house, "ada").status, 200);
}

fn a_query_of_a_client_that_works_too_long_is_too_expensive_in_any_language(house: &House) {
    in_german(house);
    let ended = house.database.reading(|connection| {
        let sql = connection.sql("SELECT pg_sleep(60)");
        connection.budgeted(|connection| connection.execute(&sql))
    });
    assert!(matches!(ended, Err(StoreError::TooExpensive)));
    // The same by the server itself is a fault.
    let ended = house.database.writing(|connection| {
        let sql = connection.sql("SELECT pg_sleep(60)");
        connection.execute(&sql)
    });
    assert!(matches!(ended, Err(StoreError::Timeout(_))));
}

/// Writes a group, after `first` has been done the first time that the work runs.
fn write_after(house: &House, first: impl Fn() + Send + 'static) -> (u16, usize) {
    let runs = Arc::new(AtomicUsize::new(0));
    let (scope, counted) = (house.scope(), Arc::clone(&runs));
    let written = house.database.transact(move |transaction| {
        let id = ResourceId::new();
        transaction.lock_nesting(scope)?;
        if counted.fetch_add(1, Ordering::SeqCst) == 0 {
            first();
        }
        let group = serde_json::from_value(serde_json::json!({
            "schemas": [uri::GROUP], "displayName": "Ops"
        }));
        let group = scim_provisioning::directory::GroupWrite {
            name: "Ops".to_owned(),
            search: serde_json::json!({}),
            document: group.unwrap(),
            external_id: None,
            kind: scim_mapping::GroupKind::default(),
            rule: None,
            grants: Vec::new(),
            adopt: false,
        };
        transaction.insert_group(scope, id, &group, chrono::Utc::now())?;
        Ok::<u16, StoreError>(201)
    });
    (written.unwrap(), runs.load(Ordering::SeqCst))
}

fn a_write_whose_connection_is_lost_midway_runs_again_on_another(house: &House) {
    let url = house.settings.url.clone();
    let written = write_after(house, move || {
        let mut other: PgConnection = diesel::Connection::establish(&url).unwrap();
        other
            .batch_execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .unwrap();
    });
    assert_eq!(written, (201, 2));
    assert_eq!(house.get("/Groups?count=0")["totalResults"], 1);
}

fn a_write_that_fails_for_an_unknown_reason_runs_once_more(house: &House) {
    in_german(house);
    let mut runs = 0;
    let answer = house.database.writing(move |connection| {
        runs += 1;
        let sql = connection.sql(match runs {
            1 => "SELECT 1 / 0",
            _ => "SELECT 1",
        });
        connection.execute(&sql).map(|_rows| runs)
    });
    assert_eq!(answer.unwrap(), 2);
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let answer = house.database.writing(move |connection| {
        counted.fetch_add(1, Ordering::SeqCst);
        let sql = connection.sql("SELECT 1 / 0");
        connection.execute(&sql)
    });
    assert!(matches!(answer, Err(StoreError::Unknown(_))));
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

fn what_cannot_be_reached_is_told_at_the_start() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let settings = Settings {
        url: format!("postgres://nobody@127.0.0.1:{port}/none"),
        base_url: "https://scim.example/api/scim/v2".to_owned(),
        connections: 2,
    };
    assert!(matches!(
        Database::open(&settings),
        Err(OpenError::Unreachable(_))
    ));
    let server = Server {
        url: settings.url,
        prepares: true,
        schema: None,
    };
    assert!(Target::Postgres(server).connect().is_err());
}

fn a_server_that_is_away_is_waited_for_and_nothing_acknowledged_is_lost(engine: &Engine) {
    let away = Arc::new(AtomicBool::new(false));
    let now = Arc::clone(&away);
    let relays = move || {
        let pass = || Box::new(|_: &[u8]| true) as Relay;
        (!now.load(Ordering::SeqCst)).then(|| [pass(), pass()])
    };
    let proxy = Proxy::start(engine, relays).unwrap();
    let house = House::new(proxy.engine());
    assert_eq!(create(&house, "ada").status, 201);
    away.store(true, Ordering::SeqCst);
    proxy.cut();
    assert_later(&create(&house, "eve"), 5);
    assert_later(&find(&house, "ada"), 5);
    assert!(matches!(
        house.database.ready(),
        Err(StoreError::Unavailable(_))
    ));
    away.store(false, Ordering::SeqCst);
    assert!(house.database.ready().is_ok());
    assert_eq!(create(&house, "eve").status, 201);
    assert_there(&house, &["ada", "eve"]);
}

/// What becomes of a COMMIT.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtCommit {
    Pass,
    /// The server carries it out, and nobody hears of it.
    SwallowAnswer,
    /// It does not come to the server.
    Cut,
}

/// A way to the server that loses one COMMIT, or its answer.
fn losing(engine: &Engine) -> (Proxy, Arc<Mutex<AtCommit>>) {
    let next = Arc::new(Mutex::new(AtCommit::Pass));
    let shared = Arc::clone(&next);
    let relays = move || {
        let (next, swallow) = (Arc::clone(&shared), Arc::new(AtomicBool::new(false)));
        let swallowed = Arc::clone(&swallow);
        let sent = move |bytes: &[u8]| {
            if !bytes.windows(7).any(|bytes| bytes == b"COMMIT\0") {
                return true;
            }
            let now = std::mem::replace(&mut *next.lock().unwrap(), AtCommit::Pass);
            swallow.store(now == AtCommit::SwallowAnswer, Ordering::SeqCst);
            now != AtCommit::Cut
        };
        let answered = move |_: &[u8]| !swallowed.load(Ordering::SeqCst);
        Some([Box::new(sent) as Relay, Box::new(answered)])
    };
    (Proxy::start(engine, relays).unwrap(), next)
}

fn a_commit_that_nobody_answered_is_asked_for(engine: &Engine) {
    let (proxy, at_commit) = losing(engine);
    let house = House::new(proxy.engine());
    // It came through, and what was answered then is answered now.
    *at_commit.lock().unwrap() = AtCommit::SwallowAnswer;
    assert_eq!(create(&house, "ada").status, 201);
    // It did not, and is done again.
    *at_commit.lock().unwrap() = AtCommit::Cut;
    assert_eq!(create(&house, "eve").status, 201);
    assert_there(&house, &["ada", "eve"]);
}

fn a_commit_without_a_number_that_nobody_answered_is_left_to_the_client(engine: &Engine) {
    let (proxy, at_commit) = losing(engine);
    let house = House::new(proxy.engine());
    *at_commit.lock().unwrap() = AtCommit::SwallowAnswer;
    let lost = house.database.writing(|connection| {
        let sql = connection.sql("UPDATE audit_chain SET length = length");
        connection.execute(&sql)
    });
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
}

fn what_lost_its_connection_while_it_was_idle_is_done_once_more(house: &House) {
    assert_eq!(create(house, "ada").status, 201);
    end_sessions(house);
    assert_eq!(find(house, "ada").status, 200);
    end_sessions(house);
    assert_eq!(create(house, "eve").status, 201);
    assert_there(house, &["ada", "eve"]);
}

pub(super) fn add_to(suite: &mut Suite) {
    engines::add_tests! {
        suite;
        on_postgres(House::new):
            a_read_only_server_takes_no_writes_and_answers_reads,
            a_write_that_waits_for_a_lock_is_sent_away_in_any_language,
            a_filter_that_waits_for_a_lock_is_not_called_too_expensive,
            a_query_of_a_client_that_works_too_long_is_too_expensive_in_any_language,
            a_write_whose_connection_is_lost_midway_runs_again_on_another,
            a_write_that_fails_for_an_unknown_reason_runs_once_more,
            what_lost_its_connection_while_it_was_idle_is_done_once_more;
        on_postgres(Engine::clone):
            a_server_that_is_away_is_waited_for_and_nothing_acknowledged_is_lost,
            a_commit_that_nobody_answered_is_asked_for,
            a_commit_without_a_number_that_nobody_answered_is_left_to_the_client;
        once:
            what_cannot_be_reached_is_told_at_the_start;
    }
}
