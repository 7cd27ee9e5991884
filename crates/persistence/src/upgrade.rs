//! Of which version the tables are, and how they are brought to the version of this program.
//!
//! Everything that is missing is done in one transaction, on both engines: whoever is killed
//! meanwhile leaves the tables as they were. On PostgreSQL its lock ends with the transaction and no
//! setting outlives it, so that it works behind a pooler which gives each transaction to another
//! session.

use std::error::Error;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, TransactionManager as _};
use diesel::migration::{Migration, MigrationSource};
use diesel::sql_types::{BigInt, Text};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use scim_admin::safekeeping::Upgraded;
use scim_provisioning::StoreError;

use crate::connection::Connection;
use crate::engine::Engine;
use crate::error;
use crate::target::{OpenError, Target, target};

/// How the tables of a database stand to this program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There are none.
    Empty,
    /// So many migrations are missing.
    Behind(usize),
    /// They are of this version, or of a newer one that this program can work on.
    Current,
    /// This program must not work on them.
    Incompatible,
}

/// Which migrations a database has.
struct Applied {
    versions: Vec<String>,
    /// The one that a program must know.
    needed: Option<String>,
}

#[derive(diesel::QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Brings the tables of a database to this version, and makes the file of SQLite where there is
/// none. Another program that does the same is waited for; `waits` is called when that begins.
///
/// # Errors
/// [`OpenError`]; nothing was changed then.
pub fn upgrade(
    url: &str,
    patience: Duration,
    waits: &mut dyn FnMut(),
) -> Result<Upgraded, OpenError> {
    let target = target(url)?;
    let mut connection = connect(&target)?;
    match standing(&mut connection).map_err(untold)? {
        Standing::Incompatible => return Err(OpenError::Newer),
        Standing::Current => return Ok(upgraded(&connection, Vec::new())),
        Standing::Empty | Standing::Behind(_) => {}
    }
    let until = Instant::now().checked_add(patience);
    let mut told = false;
    loop {
        let begun = Instant::now();
        match attempt(&mut connection)? {
            Attempt::Done(applied) => return Ok(upgraded(&connection, applied)),
            Attempt::Held if until.is_some_and(|until| begun >= until) => {
                return Err(OpenError::Held(patience));
            }
            Attempt::Held => {
                if !std::mem::replace(&mut told, true) {
                    waits();
                }
                std::thread::sleep(LOOK);
            }
        }
    }
}

/// A connection as it comes, which is set to nothing and keeps no statements.
pub(crate) fn connect(target: &Target) -> Result<Connection, OpenError> {
    let refused = |error: std::io::Error| OpenError::Unreachable(Box::new(error));
    if let Target::Sqlite(file) = target {
        if file.is_orphaned().map_err(refused)? {
            return Err(OpenError::Orphaned(file.path().to_owned()));
        }
        file.make_private().map_err(refused)?;
    }
    let connection = target.connect_bare();
    connection.map_err(|error| OpenError::Unreachable(Box::new(error)))
}

fn upgraded(connection: &Connection, applied: Vec<String>) -> Upgraded {
    let version = known(connection).pop().unwrap_or_default();
    Upgraded { applied, version }
}

fn untold(error: StoreError) -> OpenError {
    OpenError::Tables(Box::new(error))
}

/// How the tables stand to this program.
pub(crate) fn standing(connection: &mut Connection) -> Result<Standing, StoreError> {
    // A pooler may give each statement to another session unless a transaction holds them together.
    connection.batch("BEGIN")?;
    let found = applied(connection);
    connection.batch("ROLLBACK")?;
    let found = found?;
    let known = known(connection);
    let knows = |version: &String| known.contains(version);
    if !found.versions.iter().all(knows) && !found.needed.as_ref().is_some_and(knows) {
        return Ok(Standing::Incompatible);
    }
    let missing = known.iter().filter(|one| !found.versions.contains(one));
    Ok(match missing.count() {
        0 => Standing::Current,
        _ if found.versions.is_empty() => Standing::Empty,
        missing => Standing::Behind(missing),
    })
}

fn applied(connection: &mut Connection) -> Result<Applied, StoreError> {
    let mut words = |table: &str, text: &str| -> Result<Vec<String>, StoreError> {
        if !is_there(connection, table)? {
            return Ok(Vec::new());
        }
        let sql = connection.sql(text);
        let rows: Vec<Word> = connection.rows(&sql)?;
        Ok(rows.into_iter().map(|row| row.word).collect())
    };
    let versions = words(
        "__diesel_schema_migrations",
        "SELECT version AS word FROM __diesel_schema_migrations ORDER BY version",
    )?;
    let needed = words("instance", "SELECT compatible_since AS word FROM instance")?.pop();
    Ok(Applied { versions, needed })
}

fn is_there(connection: &mut Connection, table: &str) -> Result<bool, StoreError> {
    let mut sql = match connection.dialect() {
        crate::sql::Dialect::Sqlite => connection
            .sql("SELECT COUNT(*) AS count FROM sqlite_schema WHERE type = 'table' AND name = "),
        #[cfg(feature = "postgres")]
        crate::sql::Dialect::Postgres => connection.sql(
            "SELECT CAST(COUNT(*) AS bigint) AS count FROM pg_class \
             WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relname = ",
        ),
    };
    sql.bind(table);
    let found: Option<Count> = connection.row(&sql)?;
    Ok(found.is_some_and(|row| row.count > 0))
}

/// The migrations that this program knows, in their order.
fn known(connection: &Connection) -> Vec<String> {
    match connection.dialect() {
        crate::sql::Dialect::Sqlite => names::<diesel::sqlite::Sqlite>(&SQLITE),
        #[cfg(feature = "postgres")]
        crate::sql::Dialect::Postgres => names::<diesel::pg::Pg>(&POSTGRES),
    }
}

fn names<DB: diesel::backend::Backend>(migrations: &EmbeddedMigrations) -> Vec<String> {
    // What is embedded was read when the program was built.
    let all = MigrationSource::<DB>::migrations(migrations).unwrap_or_default();
    let mut names: Vec<String> = all
        .iter()
        .map(|one| one.name().version().to_string())
        .collect();
    names.sort();
    names
}

/// Refuses tables that this program must not work on.
pub(crate) fn check(connection: &mut Connection, target: &Target) -> Result<(), OpenError> {
    match standing(connection).map_err(untold)? {
        Standing::Empty => Err(OpenError::Missing(target.shown().to_owned())),
        Standing::Behind(migrations) => Err(OpenError::Behind(migrations)),
        Standing::Incompatible => Err(OpenError::Newer),
        Standing::Current => Ok(()),
    }
}

/// What came of an attempt.
pub(crate) enum Attempt {
    /// These were applied.
    Done(Vec<String>),
    /// Somebody else holds the lock.
    Held,
}

/// Applies what is missing in one transaction.
pub(crate) fn attempt(connection: &mut Connection) -> Result<Attempt, OpenError> {
    if connection.link.is_file() {
        // Whoever writes to a file that is not in this mode yet keeps it from it.
        match connection.batch("PRAGMA journal_mode = WAL") {
            Err(StoreError::Busy) => return Ok(Attempt::Held),
            set => set.map_err(untold)?,
        }
    }
    match in_one_transaction(connection, |connection| apply(connection, None)) {
        Ok(applied) => Ok(Attempt::Done(applied)),
        Err(Failed::Held) => Ok(Attempt::Held),
        Err(Failed::Migration(error)) => Err(OpenError::Tables(error)),
    }
}

/// Runs work in one transaction that changes tables, alone: the work of others who do is before it
/// or behind it. Where it fails, nothing that it did stays.
pub(crate) fn in_one_transaction<T, E: From<Failed>>(
    connection: &mut Connection,
    work: impl FnOnce(&mut Connection) -> Result<T, E>,
) -> Result<T, E> {
    let begun = Instant::now();
    let failed = |error| E::from(fault(error, begun));
    connection
        .link
        .run(|engine| match engine {
            Engine::Sqlite(one) => Manager::begin_transaction_sql(one, "BEGIN IMMEDIATE"),
            #[cfg(feature = "postgres")]
            Engine::Postgres(one) => Manager::begin_transaction_sql(
                one,
                "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            ),
        })
        .map_err(failed)?;
    #[cfg(feature = "postgres")]
    let locked = lock(connection);
    #[cfg(not(feature = "postgres"))]
    let locked = Ok::<_, Failed>(());
    let done = locked.map_err(E::from).and_then(|()| work(connection));
    let ended = connection.link.run(|engine| match (engine, done.is_ok()) {
        (Engine::Sqlite(one), true) => Manager::commit_transaction(one),
        (Engine::Sqlite(one), false) => Manager::rollback_transaction(one),
        #[cfg(feature = "postgres")]
        (Engine::Postgres(one), true) => Manager::commit_transaction(one),
        #[cfg(feature = "postgres")]
        (Engine::Postgres(one), false) => Manager::rollback_transaction(one),
    });
    // Why it is rolled back counts, and not that this failed too.
    let value = done?;
    ended.map_err(failed)?;
    Ok(value)
}

fn fault((error, code): (diesel::result::Error, Option<i32>), begun: Instant) -> Failed {
    let fault = match code {
        Some(code) => error::of_sqlite(error, code),
        None => error::of_server(error, begun.elapsed()),
    };
    match fault {
        StoreError::Busy => Failed::Held,
        fault => Failed::Migration(Box::new(fault)),
    }
}

/// Applies what is missing in the transaction that is open, or of it those `only`, and answers what.
pub(crate) fn apply(
    connection: &mut Connection,
    only: Option<&[String]>,
) -> Result<Vec<String>, Failed> {
    match connection.link.engine() {
        Engine::Sqlite(one) => apply_to(one, &SQLITE, only),
        #[cfg(feature = "postgres")]
        Engine::Postgres(one) => apply_to(one, &POSTGRES, only),
    }
}

/// Whether this program knows every one of these migrations.
pub(crate) fn knows(connection: &Connection, migrations: &[String]) -> bool {
    let known = known(connection);
    migrations.iter().all(|migration| known.contains(migration))
}

/// Why a transaction that changes tables is undone.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Somebody else holds the lock.
    Held,
    /// A statement failed.
    Migration(Box<dyn Error + Send + Sync>),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Migration(Box::new(error))
    }
}

fn apply_to<DB: diesel::backend::Backend, C: MigrationHarness<DB>>(
    connection: &mut C,
    migrations: &EmbeddedMigrations,
    only: Option<&[String]>,
) -> Result<Vec<String>, Failed> {
    let pending = connection
        .pending_migrations(EmbeddedMigrationsOf(migrations))
        .map_err(Failed::Migration)?;
    let mut applied = Vec::new();
    for migration in pending {
        let version = migration.name().version().to_string();
        if only.is_some_and(|only| !only.contains(&version)) {
            continue;
        }
        connection
            .run_migration(migration.as_ref())
            .map_err(Failed::Migration)?;
        applied.push(version);
    }
    Ok(applied)
}

/// Migrations that are lent: the harness wants them as its own.
struct EmbeddedMigrationsOf<'a>(&'a EmbeddedMigrations);

impl<DB: diesel::backend::Backend> MigrationSource<DB> for EmbeddedMigrationsOf<'_> {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<DB>>>> {
        MigrationSource::<DB>::migrations(self.0)
    }
}

#[cfg(feature = "postgres")]
#[derive(diesel::QueryableByName)]
struct Locked {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    locked: bool,
}

/// Takes the lock of PostgreSQL until the transaction ends, and takes back the deadlines of the
/// session.
#[cfg(feature = "postgres")]
fn lock(connection: &mut Connection) -> Result<(), Failed> {
    if connection.link.is_file() {
        return Ok(());
    }
    connection.batch(LOCAL)?;
    let sql = connection.sql("SELECT pg_try_advisory_xact_lock(7355608017) AS locked");
    let row: Option<Locked> = connection.row(&sql)?;
    match row.is_some_and(|row| row.locked) {
        true => Ok(()),
        false => Err(Failed::Held),
    }
}

type Manager = AnsiTransactionManager;

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// A change of a large table takes as long as it takes. Whoever holds a table is waited for only
/// shortly: everybody else waits behind this transaction then.
#[cfg(feature = "postgres")]
const LOCAL: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '15s'; \
                     SET LOCAL idle_in_transaction_session_timeout = 0; \
                     SET LOCAL client_min_messages = warning;";
/// How often is looked whether the lock is free.
const LOOK: Duration = Duration::from_millis(250);
