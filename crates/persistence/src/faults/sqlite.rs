//! Faults of SQLite.

use std::io::{Seek, SeekFrom, Write};
use std::sync::mpsc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use engines::Suite;
use scim_admin::AdminStore;
use scim_provisioning::{Directory, StoreError};

use super::{assert_later, assert_there, create, find};
use crate::common::{Engine, House};
use crate::connection::Connection;
use crate::file::File;
use crate::sqlite::{Budget, Held, Link};
use crate::target::Target;
use crate::{Database, Settings};

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn house() -> House {
    House::new(&Engine::Sqlite)
}

/// Runs a statement on the connection that writes.
fn on_the_writer(house: &House, statement: &'static str) {
    let database = &house.database;
    database
        .writing(move |connection| connection.batch(statement))
        .unwrap();
}

fn a_full_database_is_told_as_such_and_works_again_when_there_is_room() {
    let house = house();
    assert_eq!(create(&house, "ada").status, 201);
    on_the_writer(&house, "PRAGMA max_page_count = 1");
    let mut kept = vec!["ada".to_owned()];
    let refused = (0..1_000).find_map(|number| {
        let name = format!("user{number:04}");
        let answer = create(&house, &name);
        if answer.status == 201 {
            kept.push(name);
            return None;
        }
        Some(answer)
    });
    assert_later(&refused.expect("the file is full"), 30);
    // The cause is named, and the server is not ready until a write comes through.
    assert!(matches!(house.database.ready(), Err(StoreError::Full(_))));
    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    assert_there(&house, &kept);
    on_the_writer(&house, "PRAGMA max_page_count = 1000000");
    assert!(house.database.ready().is_ok());
    assert_eq!(create(&house, "eve").status, 201);
}

fn a_write_that_waits_for_a_lock_is_sent_away_and_not_refused() {
    let house = house();
    let path = house.settings.url.strip_prefix("sqlite:").unwrap();
    let mut other: diesel::SqliteConnection = diesel::Connection::establish(path).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    assert_later(&create(&house, "ada"), 1);
    assert_eq!(find(&house, "ada").status, 200);
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(create(&house, "ada").status, 201);
}

fn a_read_only_database_takes_no_writes_and_answers_reads() {
    let house = house();
    assert_eq!(create(&house, "ada").status, 201);
    on_the_writer(&house, "PRAGMA query_only = ON");
    assert!(house.database.ready().is_ok());
    assert_later(&create(&house, "eve"), 30);
    assert_there(&house, &["ada"]);
    // Its connection is made anew after a fault, so that one that takes writes is tried.
    assert_eq!(create(&house, "eve").status, 201);
    assert!(house.database.ready().is_ok());
}

fn a_damaged_page_is_told_as_such() {
    let house = house();
    assert_eq!(create(&house, "ada").status, 201);
    let settings = Settings::clone(&house.settings);
    let path = settings.url.strip_prefix("sqlite:").unwrap().to_owned();
    let copy = house.folder.path().join("damaged.db");
    house.tamper("PRAGMA wal_checkpoint(TRUNCATE)");
    std::fs::copy(&path, &copy).unwrap();
    let root = "SELECT rootpage AS number FROM sqlite_schema WHERE name = 'users'";
    let page = rows(&mut connect(&copy), root)[0].number;
    let mut file = std::fs::OpenOptions::new().write(true).open(&copy).unwrap();
    let start = u64::try_from(page - 1).unwrap() * 4096;
    file.seek(SeekFrom::Start(start)).unwrap();
    file.write_all(&[0xff; 4096]).unwrap();
    drop(file);
    let damaged = Settings {
        url: format!("sqlite:{}", copy.display()),
        ..settings
    };
    let database = Database::open(&damaged).unwrap();
    let read = database.reading(|connection| {
        let sql = connection.sql("SELECT count(version) AS number FROM users");
        connection.rows::<Number>(&sql)
    });
    assert!(matches!(read, Err(StoreError::Corrupt(_))));
}

fn one_write_that_the_engine_rolls_back_tells_the_others_of_its_batch_why() {
    let house = house();
    // An interrupted write takes the whole transaction along.
    let lost = house.database.writing(|connection| {
        let sql = connection.sql(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) \
             INSERT INTO outbox (topic, resource_type, resource_id, payload, at) \
             SELECT 't', 'User', 'x', '{}', x FROM n",
        );
        let _held = Held::to(Budget::of(None, Duration::from_millis(20)));
        connection.execute(&sql)
    });
    assert!(matches!(lost, Err(StoreError::Timeout(_))), "{lost:?}");
    assert_eq!(create(&house, "ada").status, 201);
}

fn a_query_of_a_client_ends_when_its_work_is_done_for() {
    let house = house();
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) \
                   SELECT count(*) AS number FROM n";
    let ended = house.database.reading(|connection| {
        let sql = connection.sql(endless);
        connection.budgeted(|connection| connection.rows::<Number>(&sql))
    });
    assert!(matches!(ended, Err(StoreError::TooExpensive)));
    // The connection works on, and what the server asks for itself has no such budget.
    let still = house.database.reading(|connection| {
        let sql = connection.sql(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100000) \
             SELECT count(*) AS number FROM n",
        );
        connection.rows::<Number>(&sql)
    });
    assert_eq!(still.unwrap()[0].number, 100_000);
}

fn a_read_without_a_clients_query_that_takes_too_long_is_a_fault() {
    let house = house();
    let mut connection = connect(&house.folder.path().join("test.db"));
    connection.patience = Some(Duration::from_millis(20));
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) \
                   SELECT count(*) AS number FROM n";
    // With text that is bound, diesel binds once more before anybody can ask for the code.
    let mut sql = connection.sql(endless);
    sql.push(" WHERE ").bind("a").push(" = 'a'");
    let ended = connection.rows::<Number>(&sql);
    assert!(matches!(ended, Err(StoreError::Timeout(_))));
    let mut sql = connection.sql("SELECT json_extract(");
    sql.bind("no JSON").push(", '$') AS number");
    let ended = connection.rows::<Number>(&sql);
    assert!(matches!(ended, Err(StoreError::Unknown(_))));
}

fn a_write_is_answered_before_a_long_one_begins_that_came_behind_it() {
    let house = house();
    let database = &house.database;
    let (begin, begun) = mpsc::channel();
    let (run, running) = mpsc::channel();
    let (answer, answered) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let written = database.writing(move |_| {
                run.send(()).unwrap();
                begun.recv().unwrap();
                Ok::<(), StoreError>(())
            });
            answer.send(written).unwrap();
        });
        running.recv().unwrap();
        scope.spawn(move || {
            let written = database.write_in_parts(Box::new(move |_| {
                let before = answered.recv_timeout(Duration::from_secs(5));
                tell.send(before.is_ok_and(|written| written.is_ok()))
                    .unwrap();
                Ok(())
            }));
            written.unwrap();
        });
        while database.under_way().writes_waiting == 0 {
            std::thread::yield_now();
        }
        begin.send(()).unwrap();
    });
    assert!(told.recv().unwrap());
}

fn a_budget_ends_with_what_it_was_for() {
    let outer = Held::to(Budget::of(None, Duration::from_secs(3600)));
    assert!(Held::at_least_to(|| Budget::of(None, Duration::ZERO)).is_none());
    drop(outer);
    assert!(Held::at_least_to(|| Budget::of(None, Duration::ZERO)).is_some());
}

fn each_connection_knows_its_own_handle() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Link::to_file(folder.path().join("a.db").to_str().unwrap()).unwrap();
    let mut second = Link::to_file(folder.path().join("b.db").to_str().unwrap()).unwrap();
    first.engine().batch_execute("BEGIN").unwrap();
    assert_eq!(first.in_transaction(), Some(true));
    assert_eq!(second.in_transaction(), Some(false));
    let failed = second.run(|connection| connection.batch_execute("COMMIT"));
    assert_eq!(failed.unwrap_err().1, Some(libsqlite3_sys::SQLITE_ERROR));
    assert_eq!(first.in_transaction(), Some(true));
}

fn connect(path: &std::path::Path) -> Connection {
    Target::Sqlite(File::of(path.to_str().unwrap()))
        .connect()
        .unwrap()
}

fn rows(connection: &mut Connection, text: &str) -> Vec<Number> {
    let sql = connection.sql(text);
    connection.rows(&sql).unwrap()
}

pub(super) fn add_to(suite: &mut Suite) {
    engines::add_tests! {
        suite;
        once:
            a_full_database_is_told_as_such_and_works_again_when_there_is_room,
            a_write_that_waits_for_a_lock_is_sent_away_and_not_refused,
            a_read_only_database_takes_no_writes_and_answers_reads,
            a_damaged_page_is_told_as_such,
            one_write_that_the_engine_rolls_back_tells_the_others_of_its_batch_why,
            a_query_of_a_client_ends_when_its_work_is_done_for,
            a_read_without_a_clients_query_that_takes_too_long_is_a_fault,
            a_write_is_answered_before_a_long_one_begins_that_came_behind_it,
            a_budget_ends_with_what_it_was_for,
            each_connection_knows_its_own_handle;
    }
}
