//! Connections to either engine, and a pool of them.

use std::error::Error as _;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Double, Nullable, Text};
use diesel::{Connection as _, QueryResult, RunQueryDsl, SqliteConnection, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use scim_provisioning::StoreError;

use crate::error;
use crate::explain;
use crate::sql::{Bind, Dialect, Sql};
use crate::sqlite::{Budget, Held, Sqlite};

#[cfg(feature = "postgres")]
use diesel::PgConnection;

/// A connection to either engine.
pub(crate) enum Connection {
    Sqlite(Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Postgres),
}

/// A connection to PostgreSQL.
#[cfg(feature = "postgres")]
pub(crate) struct Postgres {
    connection: PgConnection,
    /// Whether it was lost, or is in a transaction that could not be ended.
    broken: bool,
}

/// A row of either engine.
#[cfg(feature = "postgres")]
pub(crate) trait Row:
    QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static
{
}
#[cfg(feature = "postgres")]
impl<T> Row for T where
    T: QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static
{
}
/// A row of either engine.
#[cfg(not(feature = "postgres"))]
pub(crate) trait Row: QueryableByName<diesel::sqlite::Sqlite> + 'static {}
#[cfg(not(feature = "postgres"))]
impl<T> Row for T where T: QueryableByName<diesel::sqlite::Sqlite> + 'static {}

macro_rules! bound {
    ($sql:expr, $backend:ty) => {{
        let mut query: BoxedSqlQuery<'_, $backend, SqlQuery> =
            sql_query($sql.text.as_str()).into_boxed::<$backend>();
        for bind in &$sql.binds {
            query = match bind {
                Bind::Text(text) => query.bind::<Nullable<Text>, _>(text.clone()),
                Bind::Integer(number) => query.bind::<Nullable<BigInt>, _>(*number),
                Bind::Real(number) => query.bind::<Double, _>(*number),
            };
        }
        query
    }};
}

impl Connection {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// A statement in the connection's dialect.
    pub(crate) fn sql(&self, text: &str) -> Sql {
        Sql::new(self.dialect(), text)
    }

    /// The rows of a query.
    pub(crate) fn rows<R: Row>(&mut self, sql: &Sql) -> Result<Vec<R>, StoreError> {
        statements::count();
        explain::note(self, sql);
        self.run(
            |connection| bound!(sql, diesel::sqlite::Sqlite).load(connection),
            #[cfg(feature = "postgres")]
            |connection| bound!(sql, diesel::pg::Pg).load(connection),
        )
    }

    /// The first row of a query.
    pub(crate) fn row<R: Row>(&mut self, sql: &Sql) -> Result<Option<R>, StoreError> {
        Ok(self.rows(sql)?.into_iter().next())
    }

    /// Runs a statement and answers how many rows it touched.
    pub(crate) fn execute(&mut self, sql: &Sql) -> Result<usize, StoreError> {
        statements::count();
        explain::note(self, sql);
        self.run(
            |connection| bound!(sql, diesel::sqlite::Sqlite).execute(connection),
            #[cfg(feature = "postgres")]
            |connection| bound!(sql, diesel::pg::Pg).execute(connection),
        )
    }

    /// Runs statements without binds, such as those that begin and end a transaction.
    pub(crate) fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.run(
            |connection| connection.batch_execute(text),
            #[cfg(feature = "postgres")]
            |connection| connection.batch_execute(text),
        )
    }

    /// Runs one statement on either engine, and says of what went wrong which kind it is.
    pub(crate) fn run<T>(
        &mut self,
        sqlite: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>,
        #[cfg(feature = "postgres")] postgres: impl FnOnce(&mut PgConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        match self {
            Self::Sqlite(connection) => {
                let _held = connection
                    .patience
                    .and_then(|time| Held::at_least_to(|| Budget::of(None, time)));
                let result = connection.run(sqlite);
                result.map_err(|(error, code)| error::of_sqlite(error, code))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(Postgres { connection, broken }) => {
                let began = Instant::now();
                let result = postgres(connection);
                result.map_err(|error| {
                    let error = error::of_postgres(error, began.elapsed());
                    *broken |= matches!(error, StoreError::Unavailable(_));
                    error
                })
            }
        }
    }

    /// Runs a query that a client made, which has a budget: beyond it the query is
    /// [`StoreError::TooExpensive`].
    pub(crate) fn budgeted<T>(
        &mut self,
        query: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let held = match self {
            Self::Sqlite(_) => Some(Held::to(Budget::of(Some(QUERY_WORK), QUERY_TIME))),
            // The server holds every statement to its timeout.
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
        };
        let result = query(self);
        let on_sqlite = held.is_some();
        drop(held);
        match result {
            // What ends earlier on PostgreSQL has waited for a lock.
            Err(StoreError::Timeout(cause)) => match on_sqlite || began.elapsed() >= QUERY_TIME {
                true => Err(StoreError::TooExpensive),
                false => Err(StoreError::Timeout(cause)),
            },
            other => other,
        }
    }

    /// Ends the transaction, if the engine has not done so by itself.
    pub(crate) fn roll_back(&mut self) {
        let open = match self {
            Self::Sqlite(connection) => connection.in_transaction(),
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => !connection.broken,
        };
        if open && let Err(error) = self.batch("ROLLBACK") {
            tracing::warn!(%error, source = error.source(), "a transaction could not be rolled back");
            #[cfg(feature = "postgres")]
            if let Self::Postgres(connection) = self {
                connection.broken = true;
            }
        }
    }

    /// Brings the tables to the version of this program.
    pub(crate) fn migrate(&mut self) -> Result<(), MigrationError> {
        match self {
            Self::Sqlite(connection) => {
                let mut outcome = Ok(());
                // The lock holds back another process that starts at the same time.
                connection
                    .diesel()
                    .immediate_transaction(|connection| {
                        outcome = migrate(connection, SQLITE);
                        Ok::<_, diesel::result::Error>(())
                    })
                    .map_err(|error| MigrationError::Failed(Box::new(error)))?;
                outcome
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(Postgres { connection, .. }) => {
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

/// Where the connections of a database lead.
#[derive(Clone)]
pub(crate) enum Target {
    Sqlite(String),
    #[cfg(feature = "postgres")]
    Postgres(String),
}

impl Target {
    pub(crate) fn connect(&self) -> Result<Connection, diesel::ConnectionError> {
        let refused = diesel::ConnectionError::CouldntSetupConfiguration;
        match self {
            Self::Sqlite(path) => {
                let mut connection = Sqlite::open(path)?;
                connection
                    .diesel()
                    .batch_execute(PRAGMAS)
                    .map_err(refused)?;
                Ok(Connection::Sqlite(connection))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => {
                let mut connection = PgConnection::establish(url)?;
                connection.batch_execute(&session()).map_err(refused)?;
                Ok(Connection::Postgres(Postgres {
                    connection,
                    broken: false,
                }))
            }
        }
    }
}

impl r2d2::ManageConnection for Target {
    type Connection = Connection;
    type Error = diesel::ConnectionError;

    /// A connection that reads. What it is asked for ends in time; the writer of SQLite is not
    /// interrupted, since that would undo what others have it write.
    fn connect(&self) -> Result<Connection, Self::Error> {
        let mut connection = Self::connect(self)?;
        if let Connection::Sqlite(sqlite) = &mut connection {
            sqlite.patience = Some(READ_TIME);
        }
        Ok(connection)
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), Self::Error> {
        match connection {
            // A file does not go away as a server does.
            Connection::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Connection::Postgres(Postgres { connection, .. }) => connection
                .batch_execute("SELECT 1")
                .map_err(diesel::ConnectionError::CouldntSetupConfiguration),
        }
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        match connection {
            Connection::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Connection::Postgres(connection) => connection.broken,
        }
    }
}

/// How many statements a thread has executed, so that a test can tell what an operation costs.
pub(crate) mod statements {
    use std::sync::atomic::{AtomicU64, Ordering};

    static EXECUTED: AtomicU64 = AtomicU64::new(0);

    pub(crate) fn count() {
        EXECUTED.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn executed() -> u64 {
        EXECUTED.load(Ordering::Relaxed)
    }
}

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
/// them. What it must sort all the same seems dear to it, and is not worth compiling.
#[cfg(feature = "postgres")]
fn session() -> String {
    format!(
        "SET statement_timeout = {}; SET lock_timeout = {}; \
         SET idle_in_transaction_session_timeout = '30s'; SET client_min_messages = warning; \
         SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; \
         SET enable_hashjoin = off; SET enable_mergejoin = off; \
         SET max_parallel_workers_per_gather = 0; SET jit = off;",
        error::STATEMENT_TIMEOUT.as_millis(),
        error::LOCK_TIMEOUT.as_millis(),
    )
}

/// How long a statement of a reading connection of SQLite may take.
const READ_TIME: Duration = Duration::from_secs(10);
/// How long the processor may work for a query that a client made, and how long that may take.
const QUERY_WORK: Duration = Duration::from_secs(1);
const QUERY_TIME: Duration = Duration::from_millis(9_800);

#[cfg(feature = "postgres")]
const MIGRATION_LOCK: &str = "7355608017";
