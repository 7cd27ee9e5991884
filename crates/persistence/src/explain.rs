//! How an engine carries out what it is given, for tests that look at plans.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use diesel::deserialize::QueryableByName;
use diesel::row::NamedRow;
use diesel::sql_types::Text;

use crate::connection::Connection;
use crate::sql::{Dialect, Sql};

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

/// Notes the plan of a statement that is about to be executed, where somebody asks for it.
pub(crate) fn note(connection: &mut Connection, sql: &Sql) {
    if !WANTED.load(Ordering::Relaxed) || sql.text.starts_with("EXPLAIN") {
        return;
    }
    let prefix = match connection.dialect() {
        Dialect::Sqlite => "EXPLAIN QUERY PLAN ",
        #[cfg(feature = "postgres")]
        Dialect::Postgres => "EXPLAIN (COSTS OFF) ",
    };
    let mut explain = connection.sql(prefix);
    explain.push(&sql.text);
    explain.binds.clone_from(&sql.binds);
    let plan = match connection.rows::<Line>(&explain) {
        Ok(lines) => lines.into_iter().map(|line| line.0).collect(),
        Err(error) => vec![format!("no plan: {error}")],
    };
    let statement = sql.text.clone();
    SEEN.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Explained { statement, plan });
}

/// A line of a plan.
struct Line(String);

impl QueryableByName<diesel::sqlite::Sqlite> for Line {
    fn build<'a>(
        row: &impl NamedRow<'a, diesel::sqlite::Sqlite>,
    ) -> diesel::deserialize::Result<Self> {
        NamedRow::get::<Text, String>(row, "detail").map(Self)
    }
}

#[cfg(feature = "postgres")]
impl QueryableByName<diesel::pg::Pg> for Line {
    fn build<'a>(row: &impl NamedRow<'a, diesel::pg::Pg>) -> diesel::deserialize::Result<Self> {
        NamedRow::get::<Text, String>(row, "QUERY PLAN").map(Self)
    }
}

static WANTED: AtomicBool = AtomicBool::new(false);
static SEEN: Mutex<Vec<Explained>> = Mutex::new(Vec::new());
