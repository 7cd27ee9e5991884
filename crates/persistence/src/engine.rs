//! One connection type over both engines, so that a query is written once.
//!
//! What `MultiConnection` cannot say (upserts) goes through `on_backend!`.

#[cfg(feature = "postgres")]
use diesel::PgConnection;
use diesel::SqliteConnection;
use diesel::backend::Backend;
use diesel::query_builder::QueryFragment;

/// A connection of diesel to either engine.
#[derive(diesel::MultiConnection)]
pub(crate) enum Engine {
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
}

/// What is written as SQL of a query that was built for one backend.
pub(crate) fn text_on<DB, Q>(query: &Q) -> String
where
    DB: Backend + Default,
    DB::QueryBuilder: Default,
    Q: QueryFragment<DB>,
{
    use diesel::query_builder::QueryBuilder as _;
    let mut builder = DB::QueryBuilder::default();
    match query.to_sql(&mut builder, &DB::default()) {
        Ok(()) => builder.finish(),
        Err(error) => error.to_string(),
    }
}

/// Executes a statement whose type is another one for each engine, such as an upsert, and answers
/// how many rows it touched: what is written once here is compiled for both.
macro_rules! on_backend {
    ($connection:expr, execute, $query:expr) => {
        match $connection.dialect() {
            $crate::sql::Dialect::Sqlite => $connection.execute_sqlite($query),
            #[cfg(feature = "postgres")]
            $crate::sql::Dialect::Postgres => $connection.execute_postgres($query),
        }
    };
}
pub(crate) use on_backend;

impl Engine {
    /// What tells diesel which of the two it writes for.
    pub(crate) fn backend(&self) -> MultiBackend {
        match self {
            Self::Sqlite(_) => MultiBackend::Sqlite(Default::default()),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => MultiBackend::Postgres(Default::default()),
        }
    }

    /// What is written as SQL on this engine.
    pub(crate) fn text<Q: QueryFragment<MultiBackend>>(&self, query: &Q) -> String {
        text_for(&self.backend(), query).unwrap_or_else(|error| error.to_string())
    }
}

/// What is written as SQL for an engine.
pub(crate) fn text_for<Q: QueryFragment<MultiBackend>>(
    backend: &MultiBackend,
    query: &Q,
) -> diesel::QueryResult<String> {
    use diesel::query_builder::QueryBuilder as _;
    type Builder = <MultiBackend as Backend>::QueryBuilder;
    let mut builder = match backend {
        MultiBackend::Sqlite(_) => Builder::Sqlite(Default::default()),
        #[cfg(feature = "postgres")]
        MultiBackend::Postgres(_) => Builder::Postgres(Default::default()),
    };
    query.to_sql(&mut builder, backend)?;
    Ok(builder.finish())
}
