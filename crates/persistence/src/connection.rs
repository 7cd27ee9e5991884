//! Connections to either engine, and a pool of them.

use std::error::Error as _;
use std::time::{Duration, Instant};

use diesel::connection::{Connection as _, SimpleConnection};
use diesel::deserialize::QueryableByName;
use diesel::query_builder::{AsQuery, QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;
use diesel::{QueryResult, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use scim_provisioning::StoreError;

use crate::engine::{Engine, MultiBackend, text_on};
use crate::error;
use crate::explain;
use crate::sql::{Dialect, Sql};
use crate::sqlite::{Budget, Held, Link};

/// A connection to either engine. Statements are given to it in one of two forms: typed, as diesel
/// builds them over the tables of [`crate::schema`], and as text in [`Sql`].
pub(crate) struct Connection {
    link: Link,
    /// How long each statement on SQLite may take, unless it is held to another budget.
    pub(crate) patience: Option<Duration>,
    /// Whether it was lost, or is in a transaction that could not be ended.
    broken: bool,
    /// Before which suspicion it was last known to work, see [`Target`].
    trusted: u64,
    /// Whether statements are prepared once and kept.
    prepares: bool,
    /// What begins the transaction that the next statement is to be in.
    waiting: Option<&'static str>,
}

/// A row of either engine, read by the names of its columns.
pub(crate) trait Row: QueryableByName<MultiBackend> + 'static {}
impl<T: QueryableByName<MultiBackend> + 'static> Row for T {}

impl Connection {
    fn new(link: Link) -> Self {
        Self {
            link,
            patience: None,
            broken: false,
            trusted: 0,
            prepares: true,
            waiting: None,
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        #[cfg(feature = "postgres")]
        if !self.link.is_file() {
            return Dialect::Postgres;
        }
        Dialect::Sqlite
    }

    /// A statement in the connection's dialect.
    pub(crate) fn sql(&self, text: &str) -> Sql {
        Sql::new(self.dialect(), text)
    }

    /// The rows of a query in text.
    pub(crate) fn rows<R: Row>(&mut self, sql: &Sql) -> Result<Vec<R>, StoreError> {
        self.load(sql)
    }

    /// The first row of a query in text.
    pub(crate) fn row<R: Row>(&mut self, sql: &Sql) -> Result<Option<R>, StoreError> {
        self.first(sql)
    }

    /// The rows of a query, or of a statement that returns what it wrote.
    pub(crate) fn load<'q, R, Q>(&mut self, query: Q) -> Result<Vec<R>, StoreError>
    where
        Q: AsQuery,
        Q::Query: QueryFragment<MultiBackend> + RunQueryDsl<Engine> + LoadQuery<'q, Engine, R>,
    {
        let query = query.as_query();
        self.begin_waiting()?;
        statements::count();
        if explain::wanted() {
            let explain = explain::Explain::of(self.dialect(), &query);
            let plan = self.run(|engine| explain.load(engine));
            explain::keep(self.link.engine().text(&query), plan);
        }
        self.run(|engine| query.load(engine))
    }

    /// The first row of a query. It should find one at most, or have a limit.
    pub(crate) fn first<'q, R, Q>(&mut self, query: Q) -> Result<Option<R>, StoreError>
    where
        Q: AsQuery,
        Q::Query: QueryFragment<MultiBackend> + RunQueryDsl<Engine> + LoadQuery<'q, Engine, R>,
    {
        Ok(self.load(query)?.into_iter().next())
    }

    /// Runs a statement and answers how many rows it touched.
    pub(crate) fn execute<Q>(&mut self, statement: Q) -> Result<usize, StoreError>
    where
        Q: QueryFragment<MultiBackend> + QueryId,
    {
        self.begin_waiting()?;
        statements::count();
        if explain::wanted() {
            let explain = explain::Explain::of(self.dialect(), &statement);
            let plan = self.run(|engine| explain.load(engine));
            explain::keep(self.link.engine().text(&statement), plan);
        }
        self.run(|engine| engine.execute_returning_count(&statement))
    }

    /// The same for a statement that was built for this engine alone, see `on_backend!`.
    pub(crate) fn execute_sqlite<Q>(&mut self, statement: Q) -> Result<usize, StoreError>
    where
        Q: QueryFragment<diesel::sqlite::Sqlite> + QueryId,
    {
        self.begin_waiting()?;
        statements::count();
        if explain::wanted() {
            let explain = explain::Explain::of(self.dialect(), &statement);
            let plan = self.run(|engine| match engine {
                Engine::Sqlite(connection) => explain.load(connection),
                #[cfg(feature = "postgres")]
                _ => Err(diesel::result::Error::NotFound),
            });
            explain::keep(text_on::<diesel::sqlite::Sqlite, Q>(&statement), plan);
        }
        self.run(|engine| match engine {
            Engine::Sqlite(connection) => connection.execute_returning_count(&statement),
            #[cfg(feature = "postgres")]
            _ => Err(diesel::result::Error::NotFound),
        })
    }

    /// The same for a query that was built for this engine alone, see `on_backend!`.
    #[expect(dead_code, reason = "until upserts that return something are typed")]
    pub(crate) fn load_sqlite<'q, R, Q>(&mut self, query: Q) -> Result<Vec<R>, StoreError>
    where
        Q: AsQuery,
        Q::Query: QueryFragment<diesel::sqlite::Sqlite>
            + RunQueryDsl<diesel::SqliteConnection>
            + LoadQuery<'q, diesel::SqliteConnection, R>,
    {
        let query = query.as_query();
        self.begin_waiting()?;
        statements::count();
        if explain::wanted() {
            let explain = explain::Explain::of(self.dialect(), &query);
            let plan = self.run(|engine| match engine {
                Engine::Sqlite(connection) => explain.load(connection),
                #[cfg(feature = "postgres")]
                _ => Err(diesel::result::Error::NotFound),
            });
            explain::keep(text_on::<diesel::sqlite::Sqlite, Q::Query>(&query), plan);
        }
        self.run(|engine| match engine {
            Engine::Sqlite(connection) => query.load(connection),
            #[cfg(feature = "postgres")]
            _ => Err(diesel::result::Error::NotFound),
        })
    }

    #[cfg(feature = "postgres")]
    /// The same for a statement that was built for this engine alone, see `on_backend!`.
    pub(crate) fn execute_postgres<Q>(&mut self, statement: Q) -> Result<usize, StoreError>
    where
        Q: QueryFragment<diesel::pg::Pg> + QueryId,
    {
        self.begin_waiting()?;
        statements::count();
        if explain::wanted() {
            let explain = explain::Explain::of(self.dialect(), &statement);
            let plan = self.run(|engine| match engine {
                Engine::Postgres(connection) => explain.load(connection),
                #[cfg(feature = "postgres")]
                _ => Err(diesel::result::Error::NotFound),
            });
            explain::keep(text_on::<diesel::pg::Pg, Q>(&statement), plan);
        }
        self.run(|engine| match engine {
            Engine::Postgres(connection) => connection.execute_returning_count(&statement),
            #[cfg(feature = "postgres")]
            _ => Err(diesel::result::Error::NotFound),
        })
    }

    #[cfg(feature = "postgres")]
    /// The same for a query that was built for this engine alone, see `on_backend!`.
    #[expect(dead_code, reason = "until upserts that return something are typed")]
    pub(crate) fn load_postgres<'q, R, Q>(&mut self, query: Q) -> Result<Vec<R>, StoreError>
    where
        Q: AsQuery,
        Q::Query: QueryFragment<diesel::pg::Pg>
            + RunQueryDsl<diesel::PgConnection>
            + LoadQuery<'q, diesel::PgConnection, R>,
    {
        let query = query.as_query();
        self.begin_waiting()?;
        statements::count();
        if explain::wanted() {
            let explain = explain::Explain::of(self.dialect(), &query);
            let plan = self.run(|engine| match engine {
                Engine::Postgres(connection) => explain.load(connection),
                #[cfg(feature = "postgres")]
                _ => Err(diesel::result::Error::NotFound),
            });
            explain::keep(text_on::<diesel::pg::Pg, Q::Query>(&query), plan);
        }
        self.run(|engine| match engine {
            Engine::Postgres(connection) => query.load(connection),
            #[cfg(feature = "postgres")]
            _ => Err(diesel::result::Error::NotFound),
        })
    }

    /// Runs statements without binds, such as those that begin and end a transaction.
    pub(crate) fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.run(|engine| engine.batch_execute(text))
    }

    /// Runs one statement on either engine, and says of what went wrong which kind it is.
    fn run<T>(
        &mut self,
        statement: impl FnOnce(&mut Engine) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        let _held = self
            .patience
            .and_then(|time| Held::at_least_to(|| Budget::of(None, time)));
        let began = Instant::now();
        self.link.run(statement).map_err(|(error, code)| {
            let error = match code {
                Some(code) => error::of_sqlite(error, code),
                None => error::of_server(error, began.elapsed()),
            };
            self.broken |= !self.link.is_file() && matches!(error, StoreError::Unavailable(_));
            error
        })
    }

    /// Has the next statement begin a transaction, so that one which needs none costs none.
    pub(crate) fn begin_with_next(&mut self, begin: &'static str) {
        self.waiting = Some(begin);
    }

    fn begin_waiting(&mut self) -> Result<(), StoreError> {
        match self.waiting.take() {
            Some(begin) => self.batch(begin),
            None => Ok(()),
        }
    }

    /// Runs a statement that answers for itself: it sees one state of the database without a
    /// transaction around it. Whoever needs another statement gets one that begins there.
    ///
    /// Without prepared statements there is a pooler between, which may send what belongs to one
    /// statement to two sessions unless a transaction holds it together.
    pub(crate) fn alone<T, E>(
        &mut self,
        statement: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.prepares {
            return statement(self);
        }
        let waiting = self.waiting.take();
        let result = statement(self);
        self.waiting = waiting;
        result
    }

    /// Commits the transaction, if one was begun.
    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        match self.waiting.take() {
            Some(_) => Ok(()),
            None => self.batch("COMMIT"),
        }
    }

    /// Runs a query that a client made, which has a budget: beyond it the query is
    /// [`StoreError::TooExpensive`].
    pub(crate) fn budgeted<T>(
        &mut self,
        query: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let on_sqlite = self.dialect() == Dialect::Sqlite;
        // PostgreSQL holds every statement to its timeout by itself.
        let held = on_sqlite.then(|| Held::to(Budget::of(Some(QUERY_WORK), QUERY_TIME)));
        let result = query(self);
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

    /// Ends the transaction, if there is one that the engine has not ended by itself.
    pub(crate) fn roll_back(&mut self) {
        if self.waiting.take().is_some() {
            return;
        }
        let open = self.link.in_transaction().unwrap_or(!self.broken);
        if open && let Err(error) = self.batch("ROLLBACK") {
            tracing::warn!(%error, source = error.source(), "a transaction could not be rolled back");
            self.broken |= !self.link.is_file();
        }
    }

    /// Whether it is known to work, or was not lost since a suspicion came up.
    pub(crate) fn is_trusted(&mut self, suspicion: u64) -> bool {
        if self.trusted < suspicion && !self.link.is_file() {
            // A server answers this without a look at any table.
            if self.batch("SELECT 1").is_err() {
                self.broken = true;
                return false;
            }
        }
        self.trusted = suspicion;
        true
    }

    /// Whether it was lost.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

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
    pub(crate) fn connect(&self) -> Result<Connection, diesel::ConnectionError> {
        let refused = diesel::ConnectionError::CouldntSetupConfiguration;
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
                Ok(Connection {
                    prepares: server.prepares,
                    ..Connection::new(Link::to_server(connection))
                })
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
/// How long the processor may work for a query that a client made, and how long that may take.
const QUERY_WORK: Duration = Duration::from_secs(1);
const QUERY_TIME: Duration = Duration::from_millis(9_800);

#[cfg(feature = "postgres")]
const MIGRATION_LOCK: &str = "7355608017";
