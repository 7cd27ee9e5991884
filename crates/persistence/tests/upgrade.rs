//! How tables are brought to a version, and who may work on which, on every engine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

mod common;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::{Engine, House, new_database};
use diesel::connection::SimpleConnection;
use scim_admin::safekeeping::Upgraded;
use scim_persistence::{Database, OpenError, Settings, upgrade};
use scim_protocol::schema::uri;
use scim_provisioning::Method;
use serde_json::json;

/// A database of nothing yet.
struct Fresh {
    settings: Settings,
    // Deleted after the database is closed.
    _folder: tempfile::TempDir,
}

impl Fresh {
    fn new(engine: &Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            url: new_database(engine, &folder),
            base_url: common::BASE.to_owned(),
            connections: 2,
        };
        Self {
            settings,
            _folder: folder,
        }
    }

    fn upgrade(&self, patience: Duration) -> Result<Upgraded, OpenError> {
        upgrade(&self.settings.url, patience, &mut || {})
    }

    fn opened(&self) -> Option<OpenError> {
        Database::open_existing(&self.settings).err()
    }

    /// Holds back whoever brings the tables to a version, until it is told to stop.
    fn held_back<T>(&self, work: impl FnOnce() -> T) -> T {
        let (stop, stopped) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let url = self.settings.url.clone();
        thread::scope(|scope| {
            scope.spawn(move || {
                match url.strip_prefix("sqlite:") {
                    Some(path) => holding::<diesel::SqliteConnection>(
                        path,
                        "BEGIN IMMEDIATE",
                        &begin,
                        &stopped,
                    ),
                    // As an older version of this program holds it.
                    None => holding::<diesel::PgConnection>(
                        &url,
                        "SELECT pg_advisory_lock(7355608017)",
                        &begin,
                        &stopped,
                    ),
                }
            });
            begun.recv().unwrap();
            let result = work();
            drop(stop);
            result
        })
    }
}

fn holding<C: diesel::Connection + SimpleConnection>(
    url: &str,
    statement: &str,
    begin: &mpsc::Sender<()>,
    stopped: &mpsc::Receiver<()>,
) {
    let mut connection = C::establish(url).unwrap();
    connection.batch_execute(statement).unwrap();
    begin.send(()).unwrap();
    // It ends when nobody holds the other end any more.
    let _ = stopped.recv();
}

const NEWER: &str = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";

fn an_older_program_works_on_newer_tables_until_they_say_that_it_cannot(house: &House) {
    house.tamper(NEWER);
    let before = Database::open_existing(&house.settings).unwrap();
    drop(before);
    let upgraded = upgrade(&house.settings.url, Duration::ZERO, &mut || {}).unwrap();
    assert_eq!(upgraded.applied, [""; 0]);
    house.tamper("UPDATE instance SET compatible_since = '99990101000000'");
    let refused = Database::open_existing(&house.settings).err();
    assert!(matches!(refused, Some(OpenError::Newer)), "{refused:?}");
    let refused = upgrade(&house.settings.url, Duration::ZERO, &mut || {});
    assert!(matches!(refused, Err(OpenError::Newer)), "{refused:?}");
}

/// Takes the last migration of this part back.
const OLDER: &str = "ALTER TABLE access_tokens DROP COLUMN signed_by; DROP TABLE instance_keys; \
                     DROP TABLE instance; DELETE FROM __diesel_schema_migrations \
                     WHERE version = '20261127030001'";

fn older_tables_are_refused_until_they_are_brought_to_this_version(house: &House) {
    house.tamper(OLDER);
    let refused = Database::open_existing(&house.settings).err();
    assert!(matches!(refused, Some(OpenError::Behind(1))), "{refused:?}");
    let upgraded = upgrade(&house.settings.url, Duration::ZERO, &mut || {}).unwrap();
    assert_eq!(upgraded.applied, ["20261127030001"]);
    Database::open_existing(&house.settings).unwrap();
    // What an older program wrote of newer tables does not make it one that they suit.
    house.tamper(NEWER);
    house.tamper("DELETE FROM instance");
    let refused = Database::open_existing(&house.settings).err();
    assert!(matches!(refused, Some(OpenError::Newer)), "{refused:?}");
}

fn a_database_that_is_not_there_is_refused_and_not_made(fresh: &Fresh) {
    for _ in 0..2 {
        let refused = fresh.opened();
        assert!(
            matches!(refused, Some(OpenError::Missing(_))),
            "{refused:?}"
        );
    }
    if let Some(path) = fresh.settings.url.strip_prefix("sqlite:") {
        assert!(!std::path::Path::new(path).exists());
    }
    let upgraded = fresh.upgrade(Duration::ZERO).unwrap();
    assert_eq!(upgraded.applied.last(), Some(&upgraded.version));
    assert!(fresh.opened().is_none());
    assert!(fresh.upgrade(Duration::ZERO).unwrap().applied.is_empty());
}

fn whoever_holds_the_lock_is_waited_for_within_bounds(fresh: &Fresh) {
    let mut waits = 0;
    let refused = fresh.held_back(|| {
        let patience = Duration::from_millis(600);
        upgrade(&fresh.settings.url, patience, &mut || waits += 1)
    });
    assert!(matches!(refused, Err(OpenError::Held(_))), "{refused:?}");
    assert_eq!(waits, 1, "it is told once");
    assert!(matches!(fresh.opened(), Some(OpenError::Missing(_))));
    // What is current needs no lock.
    let (told, telling) = mpsc::channel();
    thread::scope(|scope| {
        let waiting = fresh.held_back(|| {
            let waiting = scope.spawn(move || {
                let told = &mut || told.send(()).unwrap();
                upgrade(&fresh.settings.url, Duration::from_secs(60), told)
            });
            telling.recv().unwrap();
            waiting
        });
        assert!(!waiting.join().unwrap().unwrap().applied.is_empty());
    });
    let current = fresh.held_back(|| fresh.upgrade(Duration::ZERO));
    assert!(current.unwrap().applied.is_empty());
}

fn no_deadline_of_a_session_ends_a_migration(house: &House) {
    house.tamper(OLDER);
    let (begin, begun) = mpsc::channel();
    let url = house.settings.url.clone();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut other: diesel::PgConnection = diesel::Connection::establish(&url).unwrap();
            other
                .batch_execute("BEGIN; LOCK TABLE access_tokens")
                .unwrap();
            begin.send(()).unwrap();
            other.batch_execute("SELECT pg_sleep(1); ROLLBACK").unwrap();
        });
        begun.recv().unwrap();
        let name = house.settings.url.rsplit('/').next().unwrap();
        house.tamper(&format!(
            "ALTER DATABASE {name} SET statement_timeout = '300ms'; \
             ALTER DATABASE {name} SET lock_timeout = '300ms'"
        ));
        upgrade(&house.settings.url, Duration::ZERO, &mut || {}).unwrap();
    });
}

/// What the version before held: keys with the white space that was sent.
const UNTRIMMED: &str = "DELETE FROM __diesel_schema_migrations WHERE version = '20261130010001'; \
     UPDATE users SET scim_user_name_key = 'ava ', search_document = DOCUMENT(userName, 'ava ') \
         WHERE scim_user_name_key = 'ava'; \
     UPDATE users SET scim_user_name_key = '\u{a0}bo', \
         search_document = DOCUMENT(userName, '\u{a0}bo') WHERE scim_user_name_key = 'bo'; \
     UPDATE users SET scim_user_name_key = 'bo ', search_document = DOCUMENT(userName, 'bo ') \
         WHERE scim_user_name_key = 'twin'; \
     UPDATE users SET scim_user_name_key = 'cy ', search_document = DOCUMENT(userName, 'cy ') \
         WHERE scim_user_name_key = 'third'; \
     UPDATE users SET manager_key = ' ava ' WHERE manager_key = 'ava'; \
     UPDATE groups SET scim_name_key = ' ops', search_document = DOCUMENT(displayName, ' ops') \
         WHERE scim_name_key = 'ops'";

fn names_of_before_are_found_without_their_blanks(house: &House) {
    for name in ["Ava ", "\u{a0}bo", "twin", "cy", "third"] {
        house.create(
            "/Users",
            &json!({"userName": name, uri::ENTERPRISE_USER: {"manager": "ava"}}),
        );
    }
    house.create("/Groups", &json!({"displayName": " Ops"}));
    let (to, postgres) = (house.settings.url.as_str(), "postgres");
    let document = match to.starts_with(postgres) {
        true => "jsonb_set(search_document, '{$1}', to_jsonb(CAST('$2' AS text)))",
        false => "json_set(search_document, '$.$1', '$2')",
    };
    let mut sql = UNTRIMMED.to_owned();
    while let Some((before, call)) = sql.split_once("DOCUMENT(") {
        let (arguments, behind) = call.split_once("')").unwrap();
        let (attribute, value) = arguments.split_once(", '").unwrap();
        let call = document.replace("$1", attribute).replace("$2", value);
        sql = format!("{before}{call}{behind}");
    }
    house.tamper(&sql);
    let total = |path: &str, filter: &str| {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        house.get(&format!("{path}?filter={filter}"))["totalResults"].as_u64()
    };
    let found = || {
        [
            ("/Users", "userName eq \"ava\""),
            ("/Groups", "displayName eq \"ops\""),
        ]
        .map(|(path, filter)| total(path, filter))
    };
    assert_eq!(found(), [Some(0), Some(0)]);
    let upgraded = upgrade(&house.settings.url, Duration::ZERO, &mut || {}).unwrap();
    assert_eq!(upgraded.applied, ["20261130010001"]);
    assert_eq!(found(), [Some(1), Some(1)]);
    for (filter, count) in [
        // One of two that are the same without blanks has the name, and nobody loses theirs.
        ("userName eq \"bo\"", 1),
        ("userName eq \"cy\"", 1),
        ("userName sw \"av\" and userName ew \"va\"", 1),
        ("userName pr", 5),
    ] {
        assert_eq!(total("/Users", filter), Some(count), "{filter}");
    }
    // Whoever has a name anew is somebody else.
    let again = house.request(Method::Post, "/Users", &json!({"userName": " AVA"}));
    assert_eq!(again.status, 409);
    upgrade(&house.settings.url, Duration::ZERO, &mut || {}).unwrap();
}

engines::tests! {
    on_both(House::new):
        an_older_program_works_on_newer_tables_until_they_say_that_it_cannot,
        older_tables_are_refused_until_they_are_brought_to_this_version,
        names_of_before_are_found_without_their_blanks;
    on_both(Fresh::new):
        a_database_that_is_not_there_is_refused_and_not_made,
        whoever_holds_the_lock_is_waited_for_within_bounds;
    on_postgres(House::new): no_deadline_of_a_session_ends_a_migration;
}
