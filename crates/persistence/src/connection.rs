//! Connections to either engine, and a pool of them.

mod transaction;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::connection::{Connection as _, SimpleConnection};
use diesel::deserialize::QueryableByName;
use diesel::query_builder::{AsQuery, QueryFragment, QueryId};
use diesel::query_dsl::methods::LoadQuery;
use diesel::{QueryResult, RunQueryDsl};
use scim_provisioning::{Environment, StoreError, SystemEnvironment, effort};
use uuid::Uuid;

use self::transaction::Unsaid;
use crate::engine::{Engine, MultiBackend, text_on};
use crate::error;
use crate::explain::{self, Explain, Line};
use crate::kept::Kept;
use crate::sql::{Dialect, Sql};
use crate::sqlite::{Budget, Held, Link};

/// A connection to either engine. Statements are given to it in one of two forms: typed, as diesel
/// builds them over the tables of [`crate::schema`], and as text in [`Sql`].
pub(crate) struct Connection {
    pub(crate) link: Link,
    /// How long each statement on SQLite may take, unless it is held to another budget.
    pub(crate) patience: Option<Duration>,
    /// Whether it was lost, or is in a transaction that could not be ended.
    pub(crate) broken: bool,
    /// Before which suspicion it was last known to work, see `Database::connection`.
    trusted: u64,
    /// Whether statements are prepared once and kept.
    pub(crate) prepares: bool,
    /// The schema that every transaction names.
    schema: Option<String>,
    /// What of the transaction is still to be said.
    unsaid: Unsaid,
    /// How many statements it has executed.
    executed: u64,
    /// The number of the transaction, where a statement told it.
    transaction: Option<String>,
    /// The clock and the ids of the database to which it belongs.
    environment: Arc<dyn Environment>,
}

/// A row of either engine, read by the names of its columns.
pub(crate) trait Row: QueryableByName<MultiBackend> + 'static {}
impl<T: QueryableByName<MultiBackend> + 'static> Row for T {}

impl Connection {
    pub(crate) fn new(link: Link) -> Self {
        Self {
            link,
            patience: None,
            broken: false,
            trusted: 0,
            prepares: true,
            schema: None,
            unsaid: Unsaid::default(),
            executed: 0,
            transaction: None,
            environment: Arc::new(SystemEnvironment),
        }
    }

    /// Has every transaction work in a schema; on PostgreSQL alone.
    #[cfg(feature = "postgres")]
    pub(crate) fn name_schema(&mut self, schema: Option<&str>) {
        self.schema = schema.map(str::to_owned);
    }

    /// The schema that every transaction names.
    pub(crate) fn schema(&self) -> Option<String> {
        self.schema.clone()
    }

    /// What names the schema in a transaction.
    pub(crate) fn search_path(&self) -> Option<String> {
        let schema = self.schema.as_ref()?;
        Some(format!("SET LOCAL search_path TO \"{schema}\""))
    }

    /// Has it go by the clock and the ids of a database.
    pub(crate) fn go_by(&mut self, environment: &Arc<dyn Environment>) {
        self.environment = Arc::clone(environment);
    }

    /// The clock and the ids by which it goes.
    pub(crate) fn environment(&self) -> &Arc<dyn Environment> {
        &self.environment
    }

    /// The time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.environment.now()
    }

    /// An id that nothing else has, greater than those before.
    pub(crate) fn uuid(&self) -> Uuid {
        self.environment.uuid()
    }

    /// How many statements it has executed.
    pub(crate) fn executed(&self) -> u64 {
        self.executed
    }

    /// Notes the number of the transaction, by which its end can be asked for.
    #[cfg(feature = "postgres")]
    pub(crate) fn note_transaction(&mut self, number: Option<String>) {
        self.transaction = number;
    }

    /// The number of the transaction, where it is known.
    pub(crate) fn transaction(&self) -> Option<&str> {
        self.transaction.as_deref()
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
        Q::Query: QueryFragment<MultiBackend> + QueryId,
        Kept<Q::Query>: LoadQuery<'q, Engine, R>,
    {
        let query = query.as_query();
        self.before(|explain, engine| {
            let plan = Explain::of(explain, &query).load(engine);
            (engine.text(&query), plan)
        })?;
        let dialect = self.dialect();
        let began = Instant::now();
        let rows = self.run(|engine| Kept::new(engine, dialect, query).load(engine));
        if dialect != Dialect::Sqlite {
            effort::note(began.elapsed());
        }
        rows
    }

    /// The first row of a query. It should find one at most, or have a limit.
    pub(crate) fn first<'q, R, Q>(&mut self, query: Q) -> Result<Option<R>, StoreError>
    where
        Q: AsQuery,
        Q::Query: QueryFragment<MultiBackend> + QueryId,
        Kept<Q::Query>: LoadQuery<'q, Engine, R>,
    {
        Ok(self.load(query)?.into_iter().next())
    }

    /// Runs a statement and answers how many rows it touched.
    pub(crate) fn execute<Q>(&mut self, statement: Q) -> Result<usize, StoreError>
    where
        Q: QueryFragment<MultiBackend> + QueryId,
    {
        self.before(|explain, engine| {
            let plan = Explain::of(explain, &statement).load(engine);
            (engine.text(&statement), plan)
        })?;
        let dialect = self.dialect();
        self.run(|engine| {
            let statement = Kept::new(engine, dialect, statement);
            engine.execute_returning_count(&statement)
        })
    }

    /// The same for a statement that was built for this engine alone, see `on_backend!`.
    pub(crate) fn execute_sqlite<Q>(&mut self, statement: Q) -> Result<usize, StoreError>
    where
        Q: QueryFragment<diesel::sqlite::Sqlite> + QueryId,
    {
        self.before(|explain, engine| {
            let plan = on_sqlite(engine, |one| Explain::of(explain, &statement).load(one));
            (text_on::<diesel::sqlite::Sqlite, Q>(&statement), plan)
        })?;
        self.run(|engine| on_sqlite(engine, |one| one.execute_returning_count(&statement)))
    }

    /// The same for a statement that was built for this engine alone, see `on_backend!`.
    #[cfg(feature = "postgres")]
    pub(crate) fn execute_postgres<Q>(&mut self, statement: Q) -> Result<usize, StoreError>
    where
        Q: QueryFragment<diesel::pg::Pg> + QueryId,
    {
        self.before(|explain, engine| {
            let plan = on_postgres(engine, |one| Explain::of(explain, &statement).load(one));
            (text_on::<diesel::pg::Pg, Q>(&statement), plan)
        })?;
        self.run(|engine| on_postgres(engine, |one| one.execute_returning_count(&statement)))
    }

    /// What goes before every statement: the transaction begins that waits for one, it is counted,
    /// and where somebody asks for plans, `explained` answers its text and its plan.
    fn before(
        &mut self,
        explained: impl FnOnce(Dialect, &mut Engine) -> (String, QueryResult<Vec<Line>>),
    ) -> Result<(), StoreError> {
        self.begin_waiting()?;
        statements::count();
        self.executed += 1;
        if explain::wanted() {
            let (dialect, mut text) = (self.dialect(), String::new());
            let plan = self.run(|engine| {
                let (of, plan) = explained(dialect, engine);
                text = of;
                plan
            });
            explain::keep(text, plan);
        }
        Ok(())
    }

    /// Runs statements without binds, such as those that begin and end a transaction.
    pub(crate) fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.run(|engine| engine.batch_execute(text))
    }

    /// The same of one statement of SQLite that is said again and again: it is prepared once.
    pub(crate) fn say_again(&mut self, text: &'static str) -> Result<(), StoreError> {
        let (dialect, sql) = (self.dialect(), self.sql(text));
        self.run(|engine| {
            let statement = Kept::new(engine, dialect, &sql);
            engine.execute_returning_count(&statement).map(drop)
        })
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
}

/// Does something on SQLite, on which alone it is asked for.
fn on_sqlite<T>(
    engine: &mut Engine,
    what: impl FnOnce(&mut diesel::SqliteConnection) -> QueryResult<T>,
) -> QueryResult<T> {
    match engine {
        Engine::Sqlite(connection) => what(connection),
        #[cfg(feature = "postgres")]
        Engine::Postgres(_) => Err(diesel::result::Error::NotFound),
    }
}

/// Does something on PostgreSQL, on which alone it is asked for.
#[cfg(feature = "postgres")]
fn on_postgres<T>(
    engine: &mut Engine,
    what: impl FnOnce(&mut diesel::PgConnection) -> QueryResult<T>,
) -> QueryResult<T> {
    match engine {
        Engine::Postgres(connection) => what(connection),
        Engine::Sqlite(_) => Err(diesel::result::Error::NotFound),
    }
}

/// How many statements the process has executed, so that a test can tell what an operation costs.
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

/// How long the processor may work for a query that a client made, and how long that may take.
const QUERY_WORK: Duration = Duration::from_secs(1);
pub(crate) const QUERY_TIME: Duration = Duration::from_millis(9_800);
