//! Where the connections of a database lead: its URL, and how a connection is made and set up.

use std::path::Path;
use std::time::Duration;

use diesel::ConnectionError;
#[cfg(feature = "postgres")]
use diesel::connection::Connection as _;
use diesel::connection::SimpleConnection;
use scim_provisioning::StoreError;

use crate::connection::Connection;
#[cfg(feature = "postgres")]
use crate::error;
use crate::file::{File, Replaced};
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
    /// There is no database yet.
    #[error("there is no database {0} yet; start the server once, or run: serviceops-scim migrate")]
    Missing(String),
    /// There is no file, and what was written of one.
    #[error(
        "there is no database {0}, and {0}-wal of one that was there; put the database back beside it, \
         or take that away if it is to be another one"
    )]
    Orphaned(String),
    /// So many migrations are missing in the database.
    #[error(
        "the database is of an older version of this program ({0} migrations are missing); run: \
         serviceops-scim migrate"
    )]
    Behind(usize),
    /// The database was written by a newer version, and this one would do wrong in it.
    #[error("the database was written by a newer version of this program; install that version")]
    Newer,
    /// Somebody else held the lock for so long.
    #[error(
        "another program brings the tables to its version or holds the lock for that, for {} s now; \
         try again when it has ended", .0.as_secs()
    )]
    Held(Duration),
    /// The tables could not be made or read.
    #[error("the tables of the database could not be made: {0}")]
    Tables(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where the connections of a database lead.
#[derive(Clone)]
pub(crate) enum Target {
    Sqlite(File),
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
    /// The schema that every transaction names, where it is not that of the role.
    pub(crate) schema: Option<String>,
}

impl Target {
    /// The same, whose file is there and stays the one that it is.
    pub(crate) fn existing(self) -> Result<Self, OpenError> {
        let refused = |error: std::io::Error| OpenError::Unreachable(Box::new(error));
        match self {
            Self::Sqlite(file) if file.is_there().map_err(refused)? => {
                Ok(Self::Sqlite(file.pinned().map_err(refused)?))
            }
            Self::Sqlite(file) if file.is_orphaned().map_err(refused)? => {
                Err(OpenError::Orphaned(file.path().to_owned()))
            }
            Self::Sqlite(file) => Err(OpenError::Missing(file.path().to_owned())),
            #[cfg(feature = "postgres")]
            server @ Self::Postgres(_) => Ok(server),
        }
    }

    /// How it is told that there is nothing yet.
    pub(crate) fn shown(&self) -> &str {
        match self {
            Self::Sqlite(file) => file.path(),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => "with tables in it",
        }
    }

    /// Whether the file is the one that was opened first.
    ///
    /// # Errors
    /// [`StoreError::Replaced`].
    pub(crate) fn check_in_place(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(file) => {
                let replaced = |error: Replaced| StoreError::Replaced(std::sync::Arc::new(error));
                file.check_in_place().map_err(replaced)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Ok(()),
        }
    }

    /// A connection that is set to nothing, for what changes tables: on PostgreSQL it keeps no
    /// statements, whose names could meet those of others behind a pooler.
    pub(crate) fn connect_bare(&self) -> Result<Connection, ConnectionError> {
        match self {
            Self::Sqlite(file) => {
                let mut connection = Connection::new(Link::to_file(&file.address())?);
                let engine = connection.link.engine();
                let refused = ConnectionError::CouldntSetupConfiguration;
                engine.batch_execute(BARE).map_err(refused)?;
                Ok(connection)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => {
                let mut connection = diesel::PgConnection::establish(&server.url)?;
                connection
                    .set_prepared_statement_cache_size(diesel::connection::CacheSize::Disabled);
                let mut made = Connection::new(Link::to_server(connection));
                made.prepares = false;
                made.name_schema(server.schema.as_deref());
                Ok(made)
            }
        }
    }

    pub(crate) fn connect(&self) -> Result<Connection, ConnectionError> {
        let refused = ConnectionError::CouldntSetupConfiguration;
        match self {
            Self::Sqlite(file) => {
                let mut connection = Connection::new(Link::to_file(&file.address())?);
                // Behind it, so that another file which came into its place is not used.
                let replaced = |error: Replaced| ConnectionError::BadConnection(error.to_string());
                file.check_in_place().map_err(replaced)?;
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
                made.name_schema(server.schema.as_deref());
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

/// Where a URL leads.
pub(crate) fn target(url: &str) -> Result<Target, OpenError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path == ":memory:" || Path::new(path).is_dir() {
            return Err(OpenError::Url("; PATH must be a file"));
        }
        return Ok(Target::Sqlite(File::of(path)));
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
            schema: None,
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

/// Only `synchronous = FULL` keeps what was acknowledged when the power fails.
const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
                       PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

/// The same without what has to be written.
const BARE: &str =
    "PRAGMA busy_timeout = 1000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";

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

    fn the_guide_for_poolers_has_what_a_session_is_set_to() {
        let guide = include_str!("../../../docs/guides/poolers.md");
        let session = super::session();
        let settings = session.split(';').filter_map(|statement| {
            let setting = statement.trim().strip_prefix("SET ")?;
            setting.split_once(" = ")
        });
        let mut count = 0;
        for (name, value) in settings {
            count += 1;
            // The guide says in words what is a number of milliseconds.
            let value = match value.parse::<u64>() {
                Ok(milliseconds) if name.ends_with("timeout") => {
                    format!("'{}s'", milliseconds / 1_000)
                }
                _ => value.to_owned(),
            };
            // What is said to the client alone changes nothing.
            if name != "client_min_messages" {
                let line = format!("SET {name} = {value};");
                assert!(guide.contains(&line), "{line} is not in the guide");
            }
        }
        assert!(count > 10, "{session}");
    }

    pub(crate) fn add_to(suite: &mut engines::Suite) {
        engines::add_tests! {
            suite;
            once: a_url_says_when_a_silent_host_is_given_up_and_keeps_what_it_said,
                the_guide_for_poolers_has_what_a_session_is_set_to;
        }
    }
}
