//! Typed statements that write, which diesel has no words for over both engines: rows that are bound
//! as one list, rows that a query answers, and what becomes of those that are there.
//!
//! diesel keeps no upsert that it made itself: it prepares each anew.

use std::marker::PhantomData;

use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::query_source::Column;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{AsChangeset, QueryResult};

use crate::engine::MultiBackend;
use crate::nodes::Returning;

/// Columns of one table, as an INSERT names them.
pub(crate) trait Names {
    type Table;

    fn names() -> Vec<&'static str>;
}

macro_rules! names {
    ($($first:ident $(, $column:ident)*;)*) => {$(
        impl<$first: Column $(, $column: Column<Table = $first::Table>)*> Names
            for ($first, $($column,)*)
        {
            type Table = $first::Table;

            fn names() -> Vec<&'static str> {
                vec![$first::NAME $(, $column::NAME)*]
            }
        }
    )*};
}

names! {
    A;
    A, B;
    A, B, C;
    A, B, C, D;
    A, B, C, D, E;
    A, B, C, D, E, F;
    A, B, C, D, E, F, G;
}

/// Writes names between parentheses.
fn push_names<C: Names>(out: &mut AstPass<'_, '_, MultiBackend>) -> QueryResult<()> {
    let mut before = " (";
    for name in C::names() {
        out.push_sql(before);
        out.push_identifier(name)?;
        before = ", ";
    }
    out.push_sql(")");
    Ok(())
}

/// An INSERT of what a query answers, see [`insert_from`].
#[derive(Debug, Clone)]
pub(crate) struct InsertFrom<T, C, Q> {
    table: T,
    columns: PhantomData<C>,
    query: Q,
}

/// Inserts the rows that a query answers, as these columns.
pub(crate) fn insert_from<T, C, Q>(table: T, _columns: C, query: Q) -> InsertFrom<T, C, Q>
where
    C: Names<Table = T> + Expression,
    Q: Query<SqlType = C::SqlType>,
{
    InsertFrom {
        table,
        columns: PhantomData,
        query,
    }
}

impl<T: QueryId, C: QueryId, Q: QueryId> QueryId for InsertFrom<T, C, Q> {
    type QueryId = InsertFrom<T::QueryId, C::QueryId, Q::QueryId>;
    const HAS_STATIC_QUERY_ID: bool =
        T::HAS_STATIC_QUERY_ID && C::HAS_STATIC_QUERY_ID && Q::HAS_STATIC_QUERY_ID;
}

impl<T, C, Q> QueryFragment<MultiBackend> for InsertFrom<T, C, Q>
where
    T: QueryFragment<MultiBackend>,
    C: Names,
    Q: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        self.table.walk_ast(out.reborrow())?;
        push_names::<C>(&mut out)?;
        out.push_sql(" ");
        self.query.walk_ast(out)
    }
}

/// Something of each row of a list, see [`each_of`].
#[derive(Debug, Clone)]
pub(crate) struct EachOf<E> {
    list: String,
    values: E,
}

/// What columns of a table cannot be among: they stand beside no list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed;

/// Answers values of each of these rows, of which [`cell`] is one. The rows are bound as one list, so
/// that any number of them makes the same statement.
pub(crate) fn each_of<E>(rows: impl serde::Serialize, values: E) -> EachOf<E>
where
    E: SelectableExpression<Listed>,
{
    EachOf {
        list: serde_json::to_string(&rows).unwrap_or_default(),
        values,
    }
}

impl<E: Expression> Query for EachOf<E> {
    type SqlType = E::SqlType;
}

impl<E: QueryId> QueryId for EachOf<E> {
    type QueryId = EachOf<E::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = E::HAS_STATIC_QUERY_ID;
}

impl<E: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for EachOf<E> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.values.walk_ast(out.reborrow())?;
        match out.backend() {
            MultiBackend::Sqlite(_) => {
                out.push_sql(" FROM json_each(");
                out.push_bind_param::<Text, _>(&self.list)?;
                // Without a condition, ON CONFLICT would be taken for one of a join.
                out.push_sql(") AS listed WHERE TRUE");
            }
            #[cfg(feature = "postgres")]
            MultiBackend::Postgres(_) => {
                out.push_sql(" FROM jsonb_array_elements(CAST(");
                out.push_bind_param::<Text, _>(&self.list)?;
                out.push_sql(" AS jsonb)) AS listed(value)");
            }
        }
        Ok(())
    }
}

/// What a cell of a list is read as.
pub(crate) trait CellKind {
    /// The type into which PostgreSQL reads the text of the cell.
    const CAST: Option<&'static str>;
}

impl CellKind for Text {
    const CAST: Option<&'static str> = None;
}

impl CellKind for Nullable<Text> {
    const CAST: Option<&'static str> = None;
}

impl CellKind for BigInt {
    const CAST: Option<&'static str> = Some("bigint");
}

/// The value of a row of a list at a place, see [`cell`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell<ST, const AT: usize>(PhantomData<ST>);

/// The value at a place of each row of a list, from 0.
pub(crate) fn cell<ST, const AT: usize>() -> Cell<ST, AT> {
    Cell(PhantomData)
}

impl<ST: diesel::sql_types::SingleValue, const AT: usize> Expression for Cell<ST, AT> {
    type SqlType = ST;
}
impl<ST, const AT: usize> AppearsOnTable<Listed> for Cell<ST, AT> where Self: Expression {}
impl<ST, const AT: usize> SelectableExpression<Listed> for Cell<ST, AT> where Self: Expression {}
impl<GB, ST, const AT: usize> ValidGrouping<GB> for Cell<ST, AT> {
    type IsAggregate = is_aggregate::No;
}
impl<ST: 'static, const AT: usize> QueryId for Cell<ST, AT> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}
impl<ST: CellKind, const AT: usize> QueryFragment<MultiBackend> for Cell<ST, AT> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        let place = format!("listed.value ->> {AT}");
        match (out.backend(), ST::CAST) {
            #[cfg(feature = "postgres")]
            (MultiBackend::Postgres(_), Some(kind)) => {
                out.push_sql(&format!("CAST({place} AS {kind})"));
            }
            _ => out.push_sql(&place),
        }
        Ok(())
    }
}

/// An INSERT, and by which columns a row that is there already is known, see [`on_conflict`].
#[derive(Debug, Clone)]
pub(crate) struct Conflict<I, C> {
    insert: I,
    columns: PhantomData<C>,
}

/// Says what becomes of a row that is there already with the same values in these columns.
pub(crate) fn on_conflict<I, C: Names>(insert: I, _columns: C) -> Conflict<I, C> {
    Conflict {
        insert,
        columns: PhantomData,
    }
}

impl<I, C: Names> Conflict<I, C> {
    /// The row stays as it is.
    pub(crate) fn ignored(self) -> Ignored<I, C> {
        Ignored {
            insert: self.insert,
            columns: PhantomData,
        }
    }

    /// The row gets other values, of which [`excluded`] are those that were to be inserted.
    pub(crate) fn set<A>(self, changes: A) -> Upsert<I, C, A::Changeset>
    where
        A: AsChangeset<Target = C::Table>,
    {
        Upsert {
            insert: self.insert,
            columns: PhantomData,
            changes: changes.as_changeset(),
        }
    }
}

/// An INSERT that leaves the rows that are there as they are.
#[derive(Debug, Clone)]
pub(crate) struct Ignored<I, C> {
    insert: I,
    columns: PhantomData<C>,
}

impl<I: QueryId, C: QueryId> QueryId for Ignored<I, C> {
    type QueryId = Ignored<I::QueryId, C::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = I::HAS_STATIC_QUERY_ID && C::HAS_STATIC_QUERY_ID;
}

impl<I: QueryFragment<MultiBackend>, C: Names> QueryFragment<MultiBackend> for Ignored<I, C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.insert.walk_ast(out.reborrow())?;
        out.push_sql(" ON CONFLICT");
        push_names::<C>(&mut out)?;
        out.push_sql(" DO NOTHING");
        Ok(())
    }
}

/// An INSERT that changes the rows that are there.
#[derive(Debug, Clone)]
pub(crate) struct Upsert<I, C, A> {
    insert: I,
    columns: PhantomData<C>,
    changes: A,
}

impl<I, C: Names, A> Upsert<I, C, A> {
    /// Changes no row but those of a condition.
    pub(crate) fn only<W>(self, whom: W) -> Only<Self, W>
    where
        W: AppearsOnTable<C::Table>,
    {
        Only { upsert: self, whom }
    }
}

/// It is known by its text, since the type does not say which columns are set.
impl<I, C, A> QueryId for Upsert<I, C, A> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<I, C, A> QueryFragment<MultiBackend> for Upsert<I, C, A>
where
    I: QueryFragment<MultiBackend>,
    C: Names,
    A: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.insert.walk_ast(out.reborrow())?;
        out.push_sql(" ON CONFLICT");
        push_names::<C>(&mut out)?;
        out.push_sql(" DO UPDATE SET ");
        self.changes.walk_ast(out)
    }
}

/// An upsert that changes the rows of a condition alone.
#[derive(Debug, Clone)]
pub(crate) struct Only<U, W> {
    upsert: U,
    whom: W,
}

impl<U, W> Only<U, W> {
    /// Has the statement answer something of each row that was written.
    pub(crate) fn returning<R: Expression>(self, told: R) -> Returning<Self, R> {
        Returning::of(self, told)
    }
}

impl<U, W> QueryId for Only<U, W> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<U, W> QueryFragment<MultiBackend> for Only<U, W>
where
    U: QueryFragment<MultiBackend>,
    W: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.upsert.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.whom.walk_ast(out)
    }
}

/// The value that was to be inserted, see [`excluded`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Excluded<C>(PhantomData<C>);

/// The value of a column that was to be inserted, where the row is there already.
pub(crate) fn excluded<C: Column>(_column: C) -> Excluded<C> {
    Excluded(PhantomData)
}

impl<C: Expression> Expression for Excluded<C> {
    type SqlType = C::SqlType;
}
impl<C: Column> AppearsOnTable<C::Table> for Excluded<C> {}
impl<GB, C> ValidGrouping<GB> for Excluded<C> {
    type IsAggregate = is_aggregate::No;
}
impl<C: QueryId> QueryId for Excluded<C> {
    type QueryId = Excluded<C::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID;
}
impl<C: Column> QueryFragment<MultiBackend> for Excluded<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("excluded.");
        out.push_identifier(C::NAME)
    }
}

impl<T, C, Q> InsertFrom<T, C, Q> {
    /// Has the statement answer something of each row that was written.
    pub(crate) fn returning<R: Expression>(self, told: R) -> Returning<Self, R> {
        Returning::of(self, told)
    }
}

impl<T, C, Q, Conn> RunQueryDsl<Conn> for InsertFrom<T, C, Q> {}
