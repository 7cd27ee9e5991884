//! Where the connections of a database lead: its URL, how a connection is made and set up, and how
//! the tables are brought to the version of this program.

use std::path::Path;
use std::time::Duration;

use diesel::ConnectionError;
use diesel::connection::{Connection as _, SimpleConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connection::Connection;
use crate::engine::Engine;
#[cfg(feature = "postgres")]
use crate::error;
use crate::sqlite::Link;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL names no database that this program knows.
    #[error("the database URL must be sqlite:PATH or postgres://...{0}")]
    Url(&'static str),
    /// The database cannot be reached.
    #[error("the database cannot be reached: {0}")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database was written by a newer version.
    #[error("the database was written by a newer version of this program; install that version")]
    Newer,
    /// The tables could not be made.
    #[error("the tables of the database could not be made: {0}")]
    Tables(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where the connections of a database lead.
#[derive(Clone)]
pub(crate) enum Target {
    Sqlite(String),
    #[cfg(feature = "postgres")]
    Postgres(Server),
}

/// A server, and what is known of those between it and this process.
#[cfg(feature = "postgres")]
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    /// Whether sessions keep what was prepared; some poolers give each statement to another one.
    pub(crate) prepares: bool,
}

impl Target {
    pub(crate) fn connect(&self) -> Result<Connection, ConnectionError> {
        let refused = ConnectionError::CouldntSetupConfiguration;
        match self {
            Self::Sqlite(path) => {
                let mut connection = Connection::new(Link::to_file(path)?);
                let engine = connection.link.engine();
                engine.batch_execute(PRAGMAS).map_err(refused)?;
                Ok(connection)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => {
                let mut connection = diesel::PgConnection::establish(&server.url)?;
                connection.batch_execute(&session()).map_err(refused)?;
                if !server.prepares {
                    connection
                        .set_prepared_statement_cache_size(diesel::connection::CacheSize::Disabled);
                }
                let mut made = Connection::new(Link::to_server(connection));
                made.prepares = server.prepares;
                Ok(made)
            }
        }
    }
}

impl r2d2::ManageConnection for Target {
    type Connection = Connection;
    type Error = ConnectionError;

    /// A connection that reads. What it is asked for ends in time; the writer of SQLite is not
    /// interrupted, since that would undo what others have it write.
    fn connect(&self) -> Result<Connection, Self::Error> {
        let mut connection = Self::connect(self)?;
        if connection.link.is_file() {
            connection.patience = Some(READ_TIME);
        }
        Ok(connection)
    }

    /// The pool does not ask: a connection that was lost is noticed by who uses it.
    fn is_valid(&self, _connection: &mut Connection) -> Result<(), Self::Error> {
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.broken
    }
}

impl Connection {
    /// Brings the tables to the version of this program.
    pub(crate) fn migrate(&mut self) -> Result<(), MigrationError> {
        match self.link.engine() {
            Engine::Sqlite(connection) => {
                let mut outcome = Ok(());
                // The lock holds back another process that starts at the same time.
                connection
                    .immediate_transaction(|connection| {
                        outcome = migrate(connection, SQLITE);
                        Ok::<_, diesel::result::Error>(())
                    })
                    .map_err(|error| MigrationError::Failed(Box::new(error)))?;
                outcome
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(connection) => {
                let lock = |text: &str| text.replace("KEY", MIGRATION_LOCK);
                let failed = |error| MigrationError::Failed(Box::new(error));
                connection
                    .batch_execute(&lock("SELECT pg_advisory_lock(KEY)"))
                    .map_err(failed)?;
                let outcome = migrate(connection, POSTGRES);
                connection
                    .batch_execute(&lock("SELECT pg_advisory_unlock(KEY)"))
                    .map_err(failed)?;
                outcome
            }
        }
    }
}

/// Why the tables could not be brought to the version of this program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrationError {
    #[error("the database was written by a newer version of this program")]
    Newer,
    #[error("the tables could not be made: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn migrate<DB: diesel::backend::Backend, C: MigrationHarness<DB>>(
    connection: &mut C,
    migrations: EmbeddedMigrations,
) -> Result<(), MigrationError> {
    use diesel::migration::{MigrationSource, MigrationVersion};
    let known: Vec<String> = MigrationSource::<DB>::migrations(&migrations)
        .map_err(MigrationError::Failed)?
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let applied: Vec<MigrationVersion<'_>> = connection
        .applied_migrations()
        .map_err(MigrationError::Failed)?;
    if applied
        .iter()
        .any(|version| !known.contains(&version.to_string()))
    {
        return Err(MigrationError::Newer);
    }
    connection
        .run_pending_migrations(migrations)
        .map_err(MigrationError::Failed)?;
    Ok(())
}

/// Where a URL leads.
pub(crate) fn target(url: &str) -> Result<Target, OpenError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path == ":memory:" || Path::new(path).is_dir() {
            return Err(OpenError::Url("; PATH must be a file"));
        }
        return Ok(Target::Sqlite(path.to_owned()));
    }
    #[cfg(feature = "postgres")]
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        #[cfg(feature = "pq-bundled")]
        if ["require", "verify-ca", "verify-full"]
            .iter()
            .any(|mode| url.contains(&format!("sslmode={mode}")))
        {
            return Err(OpenError::Url(
                "; this build has no TLS to the database, see docs/operators.md for one that has",
            ));
        }
        let (url, prepares) = told_to_prepare(url)?;
        return Ok(Target::Postgres(Server {
            url: with_deadlines(&url),
            prepares,
        }));
    }
    Err(OpenError::Url(""))
}

/// Takes our own parameter out of a URL: `prepared_statements`, which is `on` or `off`.
#[cfg(feature = "postgres")]
fn told_to_prepare(url: &str) -> Result<(String, bool), OpenError> {
    let Some((server, query)) = url.split_once('?') else {
        return Ok((url.to_owned(), true));
    };
    let mut prepares = true;
    let mut kept = Vec::new();
    for part in query.split('&') {
        match part.split_once('=') {
            Some(("prepared_statements", "on")) => prepares = true,
            Some(("prepared_statements", "off")) => prepares = false,
            Some(("prepared_statements", _)) => {
                return Err(OpenError::Url("; prepared_statements must be on or off"));
            }
            _ => kept.push(part),
        }
    }
    Ok((format!("{server}?{}", kept.join("&")), prepares))
}

/// A URL of PostgreSQL that says when a host that does not answer is given up: nobody else would,
/// when a machine is gone without a word. What the URL says itself stays.
#[cfg(feature = "postgres")]
fn with_deadlines(url: &str) -> String {
    let (_, query) = url.split_once('?').unwrap_or((url, ""));
    let said = |name: &str| {
        query
            .split('&')
            .any(|part| part.split('=').next() == Some(name))
    };
    let missing = DEADLINES.iter().filter(|(name, _)| !said(name));
    let mut written = url.to_owned();
    for (name, value) in missing {
        let begun = written.contains('?');
        if !written.ends_with(['?', '&']) {
            written.push(if begun { '&' } else { '?' });
        }
        written.push_str(&format!("{name}={value}"));
    }
    written
}

/// Makes a file that only its owner reads; SQLite gives its side files the same permissions.
pub(crate) fn private_file(path: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// In seconds, and the last one in milliseconds: a host that does not answer is given up after 15
/// seconds, or 25 while nothing is sent.
#[cfg(feature = "postgres")]
const DEADLINES: [(&str, u32); 5] = [
    ("connect_timeout", 3),
    ("keepalives_idle", 10),
    ("keepalives_interval", 5),
    ("keepalives_count", 3),
    ("tcp_user_timeout", 15_000),
];
const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Only `synchronous = FULL` keeps what was acknowledged when the power fails.
const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
                       PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

/// What a session with PostgreSQL is set to.
///
/// Every statement is served by an index, in whose order pages are read: the planner is kept from
/// reading and sorting whole tables, which it prefers while they are small or it knows nothing of
/// them. What it must sort all the same seems dear to it, and is not worth compiling. What is
/// prepared once is planned for the values of each execution, as when it was explained.
#[cfg(feature = "postgres")]
fn session() -> String {
    format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; \
         SET idle_in_transaction_session_timeout = '30s'; SET client_min_messages = warning; \
         SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; \
         SET enable_hashjoin = off; SET enable_mergejoin = off; \
         SET max_parallel_workers_per_gather = 0; SET jit = off; \
         SET plan_cache_mode = force_custom_plan;",
        error::STATEMENT_TIMEOUT.as_millis(),
        error::LOCK_TIMEOUT.as_millis(),
    )
}

/// How long a statement of a reading connection of SQLite may take.
const READ_TIME: Duration = Duration::from_secs(10);
#[cfg(feature = "postgres")]
const MIGRATION_LOCK: &str = "7355608017";

#[cfg(all(test, feature = "postgres"))]
pub(crate) mod tests {
    use super::with_deadlines;

    fn a_url_says_when_a_silent_host_is_given_up_and_keeps_what_it_said() {
        let said = with_deadlines("postgres://a@b/c");
        assert_eq!(
            said,
            "postgres://a@b/c?connect_timeout=3&keepalives_idle=10&keepalives_interval=5\
             &keepalives_count=3&tcp_user_timeout=15000"
        );
        assert_eq!(with_deadlines(&said), said);
        let own =
            with_deadlines("postgres://a@b,c/d?target_session_attrs=read-write&tcp_user_timeout=1");
        assert!(own.contains("read-write&tcp_user_timeout=1&connect_timeout=3&"));
        assert_eq!(own.matches("tcp_user_timeout").count(), 1);
        assert!(with_deadlines("postgres://a@b/c?").contains("c?connect_timeout"));
    }

    pub(crate) fn add_to(suite: &mut engines::Suite) {
        engines::add_tests! {
            suite;
            once: a_url_says_when_a_silent_host_is_given_up_and_keeps_what_it_said;
        }
    }
}
