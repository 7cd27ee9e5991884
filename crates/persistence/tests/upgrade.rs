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

engines::tests! {
    on_both(House::new):
        an_older_program_works_on_newer_tables_until_they_say_that_it_cannot,
        older_tables_are_refused_until_they_are_brought_to_this_version;
    on_both(Fresh::new):
        a_database_that_is_not_there_is_refused_and_not_made,
        whoever_holds_the_lock_is_waited_for_within_bounds;
    on_postgres(House::new): no_deadline_of_a_session_ends_a_migration;
}
