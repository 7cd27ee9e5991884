//! Typed queries of rows with what is looked up for each of them.

use diesel::QueryResult;
use diesel::dsl::InnerJoinQuerySource;
use diesel::expression::{AppearsOnTable, Expression};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::query_source::{Column, Table};

use crate::engine::MultiBackend;

/// Rows, and the row of another table that a column of theirs names, see [`each`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Each<T, C, U, F> {
    rows: T,
    column: C,
    other: U,
    found: F,
}

/// What of such rows is told, and of which.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looked<E, S, W, O> {
    each: E,
    select: S,
    whom: W,
    order: O,
}

/// As they come.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct Unordered;

/// In an order.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct By<O>(O);

/// The tables of both.
type Tables<T, C, U> = InnerJoinQuerySource<T, U, C>;

/// The rows of the table of a column, each with the row of another table that the column names, which
/// is looked up by its own column for each of them: no engine begins with the other table, whatever
/// it believes of their sizes.
pub(crate) fn each<C: Column, F: Column>(column: C, found: F) -> Each<C::Table, C, F::Table, F>
where
    C::Table: Default,
    F::Table: Default,
{
    Each {
        rows: C::Table::default(),
        column,
        other: F::Table::default(),
        found,
    }
}

impl<T, C, U, F> Each<T, C, U, F>
where
    T: Table,
    U: Table,
{
    /// Tells something of those of a condition.
    pub(crate) fn only<S, W>(self, whom: W, select: S) -> Looked<Self, S, W, Unordered>
    where
        S: Expression + AppearsOnTable<Tables<T, C, U>>,
        W: Expression + AppearsOnTable<Tables<T, C, U>>,
    {
        Looked {
            each: self,
            select,
            whom,
            order: Unordered,
        }
    }
}

impl<T: Table, C, U: Table, F, S, W> Looked<Each<T, C, U, F>, S, W, Unordered> {
    /// In an order.
    pub(crate) fn order<O>(self, order: O) -> Looked<Each<T, C, U, F>, S, W, By<O>>
    where
        O: AppearsOnTable<Tables<T, C, U>>,
    {
        Looked {
            each: self.each,
            select: self.select,
            whom: self.whom,
            order: By(order),
        }
    }
}

impl<E, S: Expression, W, O> Query for Looked<E, S, W, O> {
    type SqlType = S::SqlType;
}
impl<E, S, W, O, Conn> RunQueryDsl<Conn> for Looked<E, S, W, O> {}

impl<T: QueryId, C: QueryId, U: QueryId, F: QueryId> QueryId for Each<T, C, U, F> {
    type QueryId = Each<T::QueryId, C::QueryId, U::QueryId, F::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = T::HAS_STATIC_QUERY_ID
        && C::HAS_STATIC_QUERY_ID
        && U::HAS_STATIC_QUERY_ID
        && F::HAS_STATIC_QUERY_ID;
}

impl<E: QueryId, S: QueryId, W: QueryId, O: QueryId> QueryId for Looked<E, S, W, O> {
    type QueryId = Looked<E::QueryId, S::QueryId, W::QueryId, O::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = E::HAS_STATIC_QUERY_ID
        && S::HAS_STATIC_QUERY_ID
        && W::HAS_STATIC_QUERY_ID
        && O::HAS_STATIC_QUERY_ID;
}

impl QueryFragment<MultiBackend> for Unordered {
    fn walk_ast<'b>(&'b self, _out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        Ok(())
    }
}

impl<O: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for By<O> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql(" ORDER BY ");
        self.0.walk_ast(out)
    }
}

impl<T, C, U, F, S, W, O> QueryFragment<MultiBackend> for Looked<Each<T, C, U, F>, S, W, O>
where
    T: QueryFragment<MultiBackend>,
    C: QueryFragment<MultiBackend>,
    U: QueryFragment<MultiBackend>,
    F: Column + QueryFragment<MultiBackend>,
    S: QueryFragment<MultiBackend>,
    W: QueryFragment<MultiBackend>,
    O: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        let each = &self.each;
        out.push_sql("SELECT ");
        self.select.walk_ast(out.reborrow())?;
        out.push_sql(" FROM ");
        each.rows.walk_ast(out.reborrow())?;
        match out.backend() {
            MultiBackend::Sqlite(_) => {
                out.push_sql(" CROSS JOIN ");
                each.other.walk_ast(out.reborrow())?;
            }
            // The offset keeps the planner from any other order.
            #[cfg(feature = "postgres")]
            MultiBackend::Postgres(_) => {
                out.push_sql(" CROSS JOIN LATERAL (SELECT * FROM ");
                each.other.walk_ast(out.reborrow())?;
                out.push_sql(" WHERE ");
                out.push_identifier(F::NAME)?;
                out.push_sql(" = ");
                each.column.walk_ast(out.reborrow())?;
                out.push_sql(" OFFSET 0) AS ");
                each.other.walk_ast(out.reborrow())?;
            }
        }
        out.push_sql(" WHERE ");
        each.found.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        each.column.walk_ast(out.reborrow())?;
        out.push_sql(" AND ");
        self.whom.walk_ast(out.reborrow())?;
        self.order.walk_ast(out)
    }
}
