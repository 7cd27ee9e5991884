//! How an engine carries out what it is given, for tests that look at plans.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::deserialize::{FromSql, QueryableByName};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::row::NamedRow;
use diesel::sql_types::{Text, Untyped};
use scim_provisioning::StoreError;

use crate::sql::Dialect;

/// A statement that was executed, and the plan that its engine had for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The text, with placeholders for what was bound.
    pub statement: String,
    /// The lines of the plan.
    pub plan: Vec<String>,
}

/// Runs something, and answers every statement that the process executed meanwhile. What runs
/// beside it waits for its turn here, but not elsewhere.
pub(crate) fn explaining<T>(work: impl FnOnce() -> T) -> (T, Vec<Explained>) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    take();
    WANTED.store(true, Ordering::SeqCst);
    let result = work();
    WANTED.store(false, Ordering::SeqCst);
    (result, take())
}

fn take() -> Vec<Explained> {
    std::mem::take(&mut *SEEN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Whether somebody asks for plans.
pub(crate) fn wanted() -> bool {
    WANTED.load(Ordering::Relaxed)
}

/// Keeps the plan of a statement that is about to be executed.
pub(crate) fn keep(statement: String, plan: Result<Vec<Line>, StoreError>) {
    let plan = match plan {
        Ok(lines) => lines.into_iter().map(|line| line.0).collect(),
        Err(error) => vec![format!("no plan: {error}")],
    };
    SEEN.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Explained { statement, plan });
}

/// A statement, asked for its plan.
pub(crate) struct Explain<'q, Q> {
    prefix: &'static str,
    query: &'q Q,
}

impl<'q, Q> Explain<'q, Q> {
    pub(crate) fn of(dialect: Dialect, query: &'q Q) -> Self {
        let prefix = match dialect {
            Dialect::Sqlite => "EXPLAIN QUERY PLAN ",
            #[cfg(feature = "postgres")]
            Dialect::Postgres => "EXPLAIN (COSTS OFF) ",
        };
        Self { prefix, query }
    }
}

impl<DB: Backend, Q: QueryFragment<DB>> QueryFragment<DB> for Explain<'_, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql(self.prefix);
        self.query.walk_ast(out.reborrow())
    }
}

impl<Q> QueryId for Explain<'_, Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Explain<'_, Q> {
    type SqlType = Untyped;
}

impl<Q, C> RunQueryDsl<C> for Explain<'_, Q> {}

/// A line of a plan.
pub(crate) struct Line(String);

impl<DB: Backend> QueryableByName<DB> for Line
where
    String: FromSql<Text, DB>,
{
    fn build<'a>(row: &impl NamedRow<'a, DB>) -> diesel::deserialize::Result<Self> {
        NamedRow::get::<Text, String>(row, "detail")
            .or_else(|_| NamedRow::get::<Text, String>(row, "QUERY PLAN"))
            .map(Self)
    }
}

static WANTED: AtomicBool = AtomicBool::new(false);
static SEEN: Mutex<Vec<Explained>> = Mutex::new(Vec::new());
