//! Faults of PostgreSQL, with messages in English and, where the server has the language, in German.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use scim_admin::AdminStore;
use scim_protocol::schema::uri;
use scim_provisioning::{DirectoryExt, ResourceId, StoreError};

use super::{assert_later, assert_there, create, find};
use crate::common::{Engine, House};
use crate::target::{Server, Target};
use crate::{Database, OpenError, Settings};

/// Runs a test where there is a server.
pub(super) fn with_a_house(test: impl Fn(&House)) {
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
        assert!(matches!(ended, Err(StoreError::TooExpensive)));
        // The same by the server itself is a fault.
        let ended = house.database.writing(|connection| {
            let sql = connection.sql("SELECT pg_sleep(60)");
            connection.execute(&sql)
        });
        assert!(matches!(ended, Err(StoreError::Timeout(_))));
    });
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
        assert!(matches!(answer, Err(StoreError::Unknown(_))));
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
    let server = Server {
        url: settings.url,
        prepares: true,
    };
    assert!(Target::Postgres(server).connect().is_err());
}

/// A server whose connections are cut and which is not there for a while.
struct Proxy {
    listener: std::net::TcpListener,
    open: Arc<std::sync::Mutex<Vec<std::net::TcpStream>>>,
    away: Arc<std::sync::atomic::AtomicBool>,
}

impl Proxy {
    /// Passes on to the server; hangs up at once while it is away.
    fn start(server: String) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            listener,
            open: Arc::default(),
            away: Arc::default(),
        };
        let (listener, open, away) = (
            proxy.listener.try_clone().unwrap(),
            Arc::clone(&proxy.open),
            Arc::clone(&proxy.away),
        );
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                if away.load(Ordering::SeqCst) {
                    continue;
                }
                let upstream = std::net::TcpStream::connect(&server).unwrap();
                let mut kept = open.lock().unwrap();
                for (from, to) in [(&client, &upstream), (&upstream, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    kept.push(from.try_clone().unwrap());
                    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                }
            }
        });
        proxy
    }

    fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
        for stream in self.open.lock().unwrap().drain(..) {
            let _closed = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

#[test]
fn a_server_that_is_away_is_waited_for_and_nothing_acknowledged_is_lost() {
    let Some(Engine::Postgres(server)) = Engine::postgres() else {
        eprintln!("skipped: SERVICEOPS_SCIM_TEST_POSTGRES is not set");
        return;
    };
    let (user, address) = server
        .trim_start_matches("postgres://")
        .split_once('@')
        .unwrap();
    let proxy = Proxy::start(address.to_owned());
    let port = proxy.listener.local_addr().unwrap().port();
    let house = House::new(&Engine::Postgres(format!(
        "postgres://{user}@127.0.0.1:{port}"
    )));
    assert_eq!(create(&house, "ada").status, 201);
    proxy.set_away(true);
    assert_later(&create(&house, "eve"), 5);
    assert_later(&find(&house, "ada"), 5);
    assert!(matches!(
        house.database.ready(),
        Err(StoreError::Unavailable(_))
    ));
    proxy.set_away(false);
    assert!(house.database.ready().is_ok());
    assert_eq!(create(&house, "eve").status, 201);
    assert_there(&house, &["ada", "eve"]);
}

/// What a proxy does with a COMMIT.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtCommit {
    Pass,
    /// The server carries it out, and nobody hears of it.
    SwallowAnswer,
    /// It does not come to the server.
    Cut,
}

/// A proxy that loses one COMMIT, or its answer.
struct Loser {
    address: String,
    at_commit: Arc<std::sync::Mutex<AtCommit>>,
}

impl Loser {
    fn start(server: String) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let at_commit = Arc::new(std::sync::Mutex::new(AtCommit::Pass));
        let shared = Arc::clone(&at_commit);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = std::net::TcpStream::connect(&server).unwrap();
                let swallow = Arc::new(std::sync::atomic::AtomicBool::new(false));
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (at_commit, swallows) = (Arc::clone(&shared), Arc::clone(&swallow));
                std::thread::spawn(move || send(from, to, &at_commit, &swallows));
                std::thread::spawn(move || answer(server, client, &swallow));
            }
        });
        Self { address, at_commit }
    }

    /// Loses the next COMMIT in this way.
    fn lose(&self, how: AtCommit) {
        *self.at_commit.lock().unwrap() = how;
    }
}

fn send(
    mut client: std::net::TcpStream,
    mut server: std::net::TcpStream,
    at_commit: &std::sync::Mutex<AtCommit>,
    swallow: &std::sync::atomic::AtomicBool,
) {
    use std::io::{Read, Write};
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let sent = &buffer[..length];
        if sent.windows(7).any(|bytes| bytes == b"COMMIT\0") {
            match std::mem::replace(&mut *at_commit.lock().unwrap(), AtCommit::Pass) {
                AtCommit::Pass => {}
                AtCommit::SwallowAnswer => swallow.store(true, Ordering::SeqCst),
                AtCommit::Cut => {
                    for stream in [&client, &server] {
                        let _closed = stream.shutdown(std::net::Shutdown::Both);
                    }
                    return;
                }
            }
        }
        if server.write_all(sent).is_err() {
            return;
        }
    }
}

fn answer(
    mut server: std::net::TcpStream,
    mut client: std::net::TcpStream,
    swallow: &std::sync::atomic::AtomicBool,
) {
    use std::io::{Read, Write};
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        if swallow.load(Ordering::SeqCst) {
            for stream in [&client, &server] {
                let _closed = stream.shutdown(std::net::Shutdown::Both);
            }
            return;
        }
        if client.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}

#[test]
fn a_commit_that_nobody_answered_is_asked_for() {
    let Some(Engine::Postgres(server)) = Engine::postgres() else {
        eprintln!("skipped: SERVICEOPS_SCIM_TEST_POSTGRES is not set");
        return;
    };
    let (user, address) = server
        .trim_start_matches("postgres://")
        .split_once('@')
        .unwrap();
    let loser = Loser::start(address.to_owned());
    let house = House::new(&Engine::Postgres(format!(
        "postgres://{user}@{}",
        loser.address
    )));
    // It came through, and what was answered then is answered now.
    loser.lose(AtCommit::SwallowAnswer);
    assert_eq!(create(&house, "ada").status, 201);
    // It did not, and is done again.
    loser.lose(AtCommit::Cut);
    assert_eq!(create(&house, "eve").status, 201);
    assert_there(&house, &["ada", "eve"]);
}

#[test]
fn a_commit_without_a_number_that_nobody_answered_is_left_to_the_client() {
    let Some(Engine::Postgres(server)) = Engine::postgres() else {
        eprintln!("skipped: SERVICEOPS_SCIM_TEST_POSTGRES is not set");
        return;
    };
    let (user, address) = server
        .trim_start_matches("postgres://")
        .split_once('@')
        .unwrap();
    let loser = Loser::start(address.to_owned());
    let house = House::new(&Engine::Postgres(format!(
        "postgres://{user}@{}",
        loser.address
    )));
    loser.lose(AtCommit::SwallowAnswer);
    let lost = house.database.writing(|connection| {
        let sql = connection.sql("UPDATE audit_chain SET length = length");
        connection.execute(&sql)
    });
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
}

#[test]
fn what_lost_its_connection_while_it_was_idle_is_done_once_more() {
    with_a_house(|house| {
        assert_eq!(create(house, "ada").status, 201);
        end_sessions(house);
        assert_eq!(find(house, "ada").status, 200);
        end_sessions(house);
        assert_eq!(create(house, "eve").status, 201);
        assert_there(house, &["ada", "eve"]);
    });
}
