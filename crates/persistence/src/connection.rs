//! Connections to either engine, and a pool of them.

use diesel::connection::SimpleConnection;
use diesel::deserialize::QueryableByName;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Double, Nullable, Text};
use diesel::{Connection as _, RunQueryDsl, SqliteConnection, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use scim_provisioning::StoreError;

use crate::error::store_error;
use crate::sql::{Bind, Dialect, Sql};

#[cfg(feature = "postgres")]
use diesel::PgConnection;

/// A connection to either engine.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
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
        match self {
            Self::Sqlite(connection) => bound!(sql, diesel::sqlite::Sqlite).load(connection),
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => bound!(sql, diesel::pg::Pg).load(connection),
        }
        .map_err(store_error)
    }

    /// The first row of a query.
    pub(crate) fn row<R: Row>(&mut self, sql: &Sql) -> Result<Option<R>, StoreError> {
        Ok(self.rows(sql)?.into_iter().next())
    }

    /// Runs a statement and answers how many rows it touched.
    pub(crate) fn execute(&mut self, sql: &Sql) -> Result<usize, StoreError> {
        statements::count();
        match self {
            Self::Sqlite(connection) => bound!(sql, diesel::sqlite::Sqlite).execute(connection),
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => bound!(sql, diesel::pg::Pg).execute(connection),
        }
        .map_err(store_error)
    }

    /// Runs statements without binds, such as those that begin and end a transaction.
    pub(crate) fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(connection) => connection.batch_execute(text),
            #[cfg(feature = "postgres")]
            Self::Postgres(connection) => connection.batch_execute(text),
        }
        .map_err(store_error)
    }

    /// Brings the tables to the version of this program.
    pub(crate) fn migrate(&mut self) -> Result<(), MigrationError> {
        match self {
            Self::Sqlite(connection) => {
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
            Self::Postgres(connection) => {
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
                let mut connection = SqliteConnection::establish(path)?;
                connection.batch_execute(PRAGMAS).map_err(refused)?;
                Ok(Connection::Sqlite(connection))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => {
                let mut connection = PgConnection::establish(url)?;
                connection.batch_execute(SESSION).map_err(refused)?;
                Ok(Connection::Postgres(connection))
            }
        }
    }
}

impl r2d2::ManageConnection for Target {
    type Connection = Connection;
    type Error = diesel::ConnectionError;

    fn connect(&self) -> Result<Connection, Self::Error> {
        Self::connect(self)
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), Self::Error> {
        match connection {
            // A file does not go away as a server does.
            Connection::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Connection::Postgres(connection) => connection
                .batch_execute("SELECT 1")
                .map_err(diesel::ConnectionError::CouldntSetupConfiguration),
        }
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        match connection {
            Connection::Sqlite(_) => false,
            #[cfg(feature = "postgres")]
            Connection::Postgres(connection) => {
                use diesel::connection::TransactionManager;
                <PgConnection as diesel::Connection>::TransactionManager::is_broken_transaction_manager(
                    connection,
                )
            }
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

#[cfg(feature = "postgres")]
const SESSION: &str = "SET statement_timeout = '10s'; SET lock_timeout = '10s'; \
                       SET idle_in_transaction_session_timeout = '30s'; SET client_min_messages = warning;";

#[cfg(feature = "postgres")]
const MIGRATION_LOCK: &str = "7355608017";
