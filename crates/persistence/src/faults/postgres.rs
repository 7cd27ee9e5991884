//! Faults of PostgreSQL, with messages in English and, where the server has the language, in German.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use scim_protocol::schema::uri;
use scim_provisioning::{Answer, Directory, ResourceId};

use super::{assert_later, assert_there, create, find};
use crate::common::{Engine, House};
use crate::connection::Target;
use crate::{Database, OpenError, Settings};

/// Runs a test where there is a server.
fn with_a_house(test: impl Fn(&House)) {
    match Engine::postgres() {
        Some(engine) => test(&House::new(&engine)),
        None => eprintln!("skipped: SERVICEOPS_SCIM_TEST_POSTGRES is not set"),
    }
}

fn session(house: &House) -> PgConnection {
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
fn in_german(house: &House) {
    if !set_for_all(house, "lc_messages = 'de_DE.UTF-8'") {
        eprintln!("the server speaks English: it has no locale de_DE.UTF-8");
    }
}

#[test]
fn a_read_only_server_takes_no_writes_and_answers_reads() {
    with_a_house(|house| {
        assert_eq!(create(house, "ada").status, 201);
        set_for_all(house, "default_transaction_read_only = on");
        assert_later(&create(house, "eve"), 30);
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
        assert_eq!(create(house, "eve").status, 201);
    });
}

#[test]
fn a_write_that_waits_for_a_lock_is_sent_away_in_any_language() {
    with_a_house(|house| {
        in_german(house);
        let mut other = session(house);
        other
            .batch_execute("BEGIN; LOCK TABLE users IN EXCLUSIVE MODE")
            .unwrap();
        assert_later(&create(house, "ada"), 5);
        assert_eq!(find(house, "ada").status, 200);
        other.batch_execute("ROLLBACK").unwrap();
        assert_eq!(create(house, "ada").status, 201);
    });
}

#[test]
fn a_filter_that_waits_for_a_lock_is_not_called_too_expensive() {
    with_a_house(|house| {
        in_german(house);
        let mut other = session(house);
        other
            .batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            .unwrap();
        assert_later(&find(house, "ada"), 5);
        other.batch_execute("ROLLBACK").unwrap();
        assert_eq!(find(house, "ada").status, 200);
    });
}

#[test]
fn a_query_of_a_client_that_works_too_long_is_too_expensive_in_any_language() {
    with_a_house(|house| {
        in_german(house);
        let ended = house.database.reading(|connection| {
            let sql = connection.sql("SELECT pg_sleep(60)");
            connection.budgeted(|connection| connection.execute(&sql))
        });
        assert!(matches!(
            ended,
            Err(scim_provisioning::StoreError::TooExpensive)
        ));
        // The same by the server itself is a fault.
        let ended = house.database.writing(|connection| {
            let sql = connection.sql("SELECT pg_sleep(60)");
            connection.execute(&sql)
        });
        assert!(matches!(
            ended,
            Err(scim_provisioning::StoreError::Timeout(_))
        ));
    });
}

/// Writes a group, after `first` has been done the first time that the work runs.
fn write_after(house: &House, first: impl Fn() + Send + 'static) -> (u16, usize) {
    let runs = Arc::new(AtomicUsize::new(0));
    let (scope, counted) = (house.scope(), Arc::clone(&runs));
    let answer = house.database.write(Box::new(move |transaction| {
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
        Ok(Answer::empty(201))
    }));
    (answer.unwrap().status, runs.load(Ordering::SeqCst))
}

#[test]
fn a_write_whose_connection_is_lost_midway_runs_again_on_another() {
    with_a_house(|house| {
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
    });
}

#[test]
fn a_write_that_fails_for_an_unknown_reason_runs_once_more() {
    with_a_house(|house| {
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
        assert!(matches!(
            answer,
            Err(scim_provisioning::StoreError::Unknown(_))
        ));
        assert_eq!(runs.load(Ordering::SeqCst), 2);
    });
}

#[test]
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
    assert!(Target::Postgres(settings.url).connect().is_err());
}
