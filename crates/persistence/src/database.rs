//! The database: it opens, runs transactions, and closes.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use r2d2::Pool;
use scim_provisioning::directory::{PendingLink, Work};
use scim_provisioning::model::{ModelSource, ModelVersion};
use scim_provisioning::{ConfigurationId, Directory, DirectoryView, Event, Rollback, StoreError};

use crate::admin::mappings;
use crate::connection::{Connection, MigrationError, Target, statements};
use crate::error::{Faulty, unavailable};
use crate::explain::{self, Explained};
use crate::health::{self, Health};
use crate::sql::Dialect;
use crate::view::View;
use crate::writer::Writer;
use crate::{links, log};

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `sqlite:PATH` or `postgres://...`.
    pub url: String,
    /// The base URL of SCIM, from which the locations of resources are built.
    pub base_url: String,
    /// How many connections are kept at most, beside the writer of SQLite.
    pub connections: u32,
}

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

/// A database on either engine. It implements the directory and the administrators' store.
pub struct Database {
    pub(crate) pool: Pool<Target>,
    writer: Option<Writer>,
    base_url: String,
    health: Arc<Health>,
    /// The connection that is asked whether the database answers, when all others are in use.
    aside: Mutex<Option<Connection>>,
    target: Target,
    /// How often a connection was found lost. Those that did not prove since that they work are
    /// asked before they are used again: where one was lost, a server was restarted.
    suspicions: AtomicU64,
}

impl Database {
    /// Opens a database, and makes its tables if they are not there.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(settings: &Settings) -> Result<Arc<Self>, OpenError> {
        let target = target(&settings.url)?;
        if let Target::Sqlite(path) = &target {
            private_file(path).map_err(|error| OpenError::Unreachable(Box::new(error)))?;
        }
        let unreachable = |error: diesel::ConnectionError| OpenError::Unreachable(Box::new(error));
        let mut first = target.connect().map_err(unreachable)?;
        first.migrate().map_err(|error| match error {
            MigrationError::Newer => OpenError::Newer,
            MigrationError::Failed(source) => OpenError::Tables(source),
        })?;
        let health = Arc::new(Health::default());
        let writer = match target {
            Target::Sqlite(_) => {
                let writer = Writer::start(target.clone(), first, Arc::clone(&health));
                Some(writer.map_err(|error| OpenError::Unreachable(Box::new(error)))?)
            }
            #[cfg(feature = "postgres")]
            Target::Postgres(_) => None,
        };
        let pool = Pool::builder()
            .max_size(settings.connections.max(1))
            .min_idle(Some(1))
            .connection_timeout(CHECKOUT)
            .test_on_check_out(false)
            .error_handler(Box::new(PoolErrors))
            .build(target.clone())
            .map_err(|error| OpenError::Unreachable(Box::new(error)))?;
        Ok(Arc::new(Self {
            pool,
            writer,
            base_url: settings.base_url.trim_end_matches('/').to_owned(),
            health,
            aside: Mutex::new(None),
            target,
            suspicions: AtomicU64::new(0),
        }))
    }

    /// Whether the database answers, and takes writes if it did not take the last one.
    pub(crate) fn usable(&self) -> Result<(), StoreError> {
        if self.health.fault().is_some() {
            self.writing(health::probe)?;
        }
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut kept) = aside.take()
            && answers(&mut kept).is_ok()
        {
            *aside = Some(kept);
            return Ok(());
        }
        let mut fresh = self.target.connect().map_err(unavailable)?;
        answers(&mut fresh)?;
        *aside = Some(fresh);
        Ok(())
    }

    /// How many statements this process has executed, so that a test can tell what an operation
    /// costs.
    pub fn statements() -> u64 {
        statements::executed()
    }

    /// Runs something, and answers every statement that this process executed meanwhile with its
    /// plan, so that a test can tell what reads more than it should.
    pub fn explaining<T>(work: impl FnOnce() -> T) -> (T, Vec<Explained>) {
        explain::explaining(work)
    }

    /// A connection of the pool, if one is free soon.
    fn connection(&self) -> Result<r2d2::PooledConnection<Target>, StoreError> {
        // As many as the pool holds may have been lost together.
        for _ in 0..self.pool.max_size() {
            let mut connection = self.checked_out()?;
            if connection.is_trusted(self.suspicions.load(Ordering::Relaxed)) {
                return Ok(connection);
            }
        }
        self.checked_out()
    }

    fn checked_out(&self) -> Result<r2d2::PooledConnection<Target>, StoreError> {
        self.pool.get().map_err(|error| {
            let state = self.pool.state();
            match state.connections == self.pool.max_size() && state.idle_connections == 0 {
                true => StoreError::Busy,
                false => unavailable(error),
            }
        })
    }

    /// Notes that a connection was lost, if it was.
    fn suspect(&self, connection: &Connection) -> bool {
        let lost = connection.is_broken();
        if lost {
            self.suspicions.fetch_add(1, Ordering::Relaxed);
        }
        lost
    }

    /// Runs a read on one consistent view, and once more on another connection if that is lost.
    pub(crate) fn reading<T, E: From<StoreError>>(
        &self,
        mut work: impl FnMut(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut tries = 0;
        loop {
            let mut connection = self.connection()?;
            let begin = match connection.dialect() {
                Dialect::Sqlite => "BEGIN DEFERRED",
                #[cfg(feature = "postgres")]
                Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            };
            let result = in_transaction(&mut connection, begin, &mut work, &mut false);
            if result.is_err() && self.suspect(&connection) && tries < FAILURES {
                tries += 1;
                continue;
            }
            return result;
        }
    }

    /// Runs a read of one statement, which sees one state of the database by itself.
    pub(crate) fn reading_one<T, E: From<StoreError>>(
        &self,
        mut statement: impl FnMut(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.reading(|connection| connection.alone(&mut statement))
    }

    /// Runs a write in one transaction and answers after its commit. On PostgreSQL the work runs
    /// again when the database asks for it, and once more when nobody knows why it failed.
    pub(crate) fn writing<T, E>(
        &self,
        mut work: impl FnMut(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Faulty + Send + 'static,
    {
        if let Some(writer) = &self.writer {
            return writer.write(work);
        }
        let mut collisions = 0;
        let mut failures = 0;
        loop {
            let mut committing = false;
            let result = self
                .connection()
                .map_err(E::from)
                .and_then(|mut connection| {
                    let begin = "BEGIN ISOLATION LEVEL READ COMMITTED";
                    let result = in_transaction(&mut connection, begin, &mut work, &mut committing);
                    self.suspect(&connection);
                    result
                });
            match result.as_ref().map_err(Faulty::fault) {
                Ok(_) => self.health.note(None),
                Err(Some(fault)) => self.health.note(Some(fault)),
                // What the rules refuse says nothing of the database.
                Err(None) => {}
            }
            let tries = match result.as_ref().err().and_then(Faulty::fault) {
                Some(StoreError::Busy) => (&mut collisions, COLLISIONS),
                Some(StoreError::Unknown(_)) => (&mut failures, FAILURES),
                // Whether a commit came through that was not answered, nobody knows.
                Some(StoreError::Unavailable(_)) if !committing => (&mut failures, FAILURES),
                _ => return result,
            };
            if *tries.0 >= tries.1 {
                return result;
            }
            *tries.0 += 1;
            // Those who collided must not meet again at once.
            let micros = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |time| u64::from(time.subsec_micros()));
            std::thread::sleep(Duration::from_millis(1 + micros % (5 << collisions.min(5))));
        }
    }
}

fn answers(connection: &mut Connection) -> Result<(), StoreError> {
    let sql = connection.sql("SELECT id FROM provisioning_configurations WHERE id = ''");
    connection.execute(&sql).map(drop)
}

/// Runs work in a transaction, which begins with its first statement; `committing` tells whether
/// it came to the commit.
fn in_transaction<T, E: From<StoreError>>(
    connection: &mut Connection,
    begin: &'static str,
    work: &mut impl FnMut(&mut Connection) -> Result<T, E>,
    committing: &mut bool,
) -> Result<T, E> {
    connection.begin_with_next(begin);
    let mut transaction = Transaction {
        connection,
        open: true,
    };
    let value = work(transaction.connection)?;
    *committing = true;
    transaction.connection.commit()?;
    transaction.open = false;
    Ok(value)
}

/// A transaction that is rolled back unless it is committed, even by a panic: the connection goes
/// back to the pool.
struct Transaction<'a> {
    connection: &'a mut Connection,
    open: bool,
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            self.connection.roll_back();
        }
    }
}

impl Directory for Database {
    fn model(
        &self,
        configuration: ConfigurationId,
        version: ModelVersion,
    ) -> Result<ModelSource, StoreError> {
        self.reading(|connection| mappings::model(connection, configuration, version))
    }

    fn read(
        &self,
        work: &mut dyn FnMut(&mut dyn DirectoryView) -> Result<(), Rollback>,
    ) -> Result<(), Rollback> {
        let base_url = &self.base_url;
        self.reading(|connection| {
            work(&mut View {
                connection,
                base_url,
            })
        })
    }

    fn write(&self, mut work: Work) -> Result<(), Rollback> {
        let base_url = self.base_url.clone();
        self.writing(move |connection| {
            work(&mut View {
                connection,
                base_url: &base_url,
            })
        })
    }

    fn log(&self, event: Event, pending: Vec<PendingLink>) -> Result<(), StoreError> {
        self.writing(move |connection| {
            let mut event = event.clone();
            let mut waits = false;
            for link in &pending {
                waits |= links::note(connection, event.configuration, link, event.at)?;
            }
            // Where nothing of it waits, that was decided before.
            if let Some(link) = pending.first().filter(|_| !waits) {
                event.reason = Some(link.dismissed.clone());
            }
            log::record(connection, &event)
        })
    }
}

fn target(url: &str) -> Result<Target, OpenError> {
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
        return Ok(Target::Postgres(crate::connection::Server {
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
fn private_file(path: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Failed connections of the pool, which tries again by itself.
#[derive(Debug)]
struct PoolErrors;

impl r2d2::HandleError<diesel::ConnectionError> for PoolErrors {
    fn handle_error(&self, error: diesel::ConnectionError) {
        tracing::warn!(%error, "no connection to the database");
    }
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
/// How long a request waits for a connection.
const CHECKOUT: Duration = Duration::from_secs(2);
/// How often a write runs again that met another one.
const COLLISIONS: u32 = 10;
/// How often a write runs again that failed for a reason that nobody knows.
const FAILURES: u32 = 1;

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::with_deadlines;

    #[test]
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
}
