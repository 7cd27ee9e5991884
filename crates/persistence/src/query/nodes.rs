//! Parts of typed queries that diesel has no words for, the same for every table.
//!
//! Each is written for both engines; `MultiBackend` picks one. Their text is fixed but for what is
//! bound, so that statements with them are prepared once.

use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::sql_types::{Bool, Integer, Text};
use diesel::sqlite::Sqlite;
use diesel::{AsChangeset, QueryResult};

use crate::connection::Connection;
use crate::engine::MultiBackend;
use crate::sql::Dialect;

#[cfg(feature = "postgres")]
use diesel::pg::Pg;

/// What can be written on every engine.
#[cfg(feature = "postgres")]
pub(crate) trait OnBoth: QueryFragment<Sqlite> + QueryFragment<Pg> {}
#[cfg(feature = "postgres")]
impl<T: QueryFragment<Sqlite> + QueryFragment<Pg>> OnBoth for T {}
/// What can be written on every engine.
#[cfg(not(feature = "postgres"))]
pub(crate) trait OnBoth: QueryFragment<Sqlite> {}
#[cfg(not(feature = "postgres"))]
impl<T: QueryFragment<Sqlite>> OnBoth for T {}

/// Makes a struct over columns an expression, which stands wherever they do. Its text follows from
/// its type unless it is known `by_text`.
macro_rules! typed {
    ($name:ident<$($column:ident),*>, $kind:ty) => {
        $crate::nodes::typed!(@ $name<$($column),*>, $kind, No);
        impl<$($column: diesel::query_builder::QueryId),*> diesel::query_builder::QueryId
            for $name<$($column),*>
        {
            type QueryId = $name<$($column::QueryId),*>;
            const HAS_STATIC_QUERY_ID: bool = true $(&& $column::HAS_STATIC_QUERY_ID)*;
        }
    };
    ($name:ident<$($column:ident),*>, $kind:ty, by_text) => {
        $crate::nodes::typed!(@ $name<$($column),*>, $kind, No);
        impl<$($column),*> diesel::query_builder::QueryId for $name<$($column),*> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }
    };
    ($name:ident<$($column:ident),*>, $kind:ty, aggregate) => {
        $crate::nodes::typed!(@ $name<$($column),*>, $kind, Yes);
        impl<$($column: diesel::query_builder::QueryId),*> diesel::query_builder::QueryId
            for $name<$($column),*>
        {
            type QueryId = $name<$($column::QueryId),*>;
            const HAS_STATIC_QUERY_ID: bool = true $(&& $column::HAS_STATIC_QUERY_ID)*;
        }
    };
    (@ $name:ident<$($column:ident),*>, $kind:ty, $aggregate:ident) => {
        impl<$($column: diesel::expression::Expression),*> diesel::expression::Expression
            for $name<$($column),*>
        {
            type SqlType = $kind;
        }
        impl<QS, $($column),*> diesel::expression::AppearsOnTable<QS> for $name<$($column),*>
        where
            $($column: diesel::expression::AppearsOnTable<QS>,)*
        {
        }
        impl<QS, $($column),*> diesel::expression::SelectableExpression<QS> for $name<$($column),*>
        where
            Self: diesel::expression::AppearsOnTable<QS>,
        {
        }
        impl<GB, $($column),*> diesel::expression::ValidGrouping<GB> for $name<$($column),*> {
            type IsAggregate = diesel::expression::is_aggregate::$aggregate;
        }
    };
}
pub(crate) use typed;

/// The same of a struct that is written for each engine.
macro_rules! expression {
    ($name:ident<$($column:ident),*>, $kind:ty $(, $how:ident)?) => {
        $crate::nodes::typed!($name<$($column),*>, $kind $(, $how)?);
        impl<$($column),*> diesel::query_builder::QueryFragment<$crate::engine::MultiBackend>
            for $name<$($column),*>
        where
            Self: $crate::nodes::OnBoth,
        {
            fn walk_ast<'b>(
                &'b self,
                out: diesel::query_builder::AstPass<'_, 'b, $crate::engine::MultiBackend>,
            ) -> diesel::QueryResult<()> {
                $crate::engine::MultiBackend::walk_variant_ast(self, out)
            }
        }
    };
}
pub(crate) use expression;

/// Whether a column is one of several values, see [`among`].
#[derive(Debug, Clone)]
pub(crate) struct Among<C> {
    column: C,
    list: String,
}

/// Whether a column of text is one of several values, as a test that an index serves. They are
/// bound as one list, so that any number of them makes the same statement, and no engine thinks
/// that so many look-ups are dearer than a whole table.
pub(crate) fn among<C, T: ToString>(column: C, values: impl IntoIterator<Item = T>) -> Among<C> {
    let list: serde_json::Value = values.into_iter().map(|value| value.to_string()).collect();
    Among {
        column,
        list: list.to_string(),
    }
}

expression!(Among<C>, Bool);

impl<C: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Among<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (SELECT value FROM json_each(");
        out.push_bind_param::<Text, _>(&self.list)?;
        out.push_sql("))");
        Ok(())
    }
}

#[cfg(feature = "postgres")]
impl<C: QueryFragment<Pg>> QueryFragment<Pg> for Among<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        // What an array of a sub-select holds, the planner does not guess: it thinks of ten values,
        // and takes the index.
        out.push_sql(" = ANY(ARRAY(SELECT jsonb_array_elements_text(CAST(");
        out.push_bind_param::<Text, _>(&self.list)?;
        out.push_sql(" AS jsonb))))");
        Ok(())
    }
}

/// The name of a column as a node in text of our own gives it an alias.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aliased(pub(crate) &'static str);

impl<DB: diesel::backend::Backend> QueryFragment<DB> for Aliased {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

/// A number that stands in the text, where an index with a condition needs to see it.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct Number<const N: u8>;

impl<const N: u8> Expression for Number<N> {
    type SqlType = Integer;
}
impl<QS, const N: u8> AppearsOnTable<QS> for Number<N> {}
impl<QS, const N: u8> SelectableExpression<QS> for Number<N> {}
impl<GB, const N: u8> ValidGrouping<GB> for Number<N> {
    type IsAggregate = is_aggregate::Never;
}
impl<DB: diesel::backend::Backend, const N: u8> QueryFragment<DB> for Number<N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(match N {
            0 => "0",
            _ => "1",
        });
        Ok(())
    }
}

/// A query whose text is one of very many, see [`never_alike`].
#[derive(Debug, Clone)]
pub(crate) struct NeverAlike<Q>(Q);

/// Says that whoever asks has a say in the text of a query: a connection that prepared every such
/// statement and kept it would never stop growing.
pub(crate) fn never_alike<Q>(query: Q) -> NeverAlike<Q> {
    NeverAlike(query)
}

impl<Q: Query> Query for NeverAlike<Q> {
    type SqlType = Q::SqlType;
}
impl<Q, C> RunQueryDsl<C> for NeverAlike<Q> {}
impl<Q> QueryId for NeverAlike<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for NeverAlike<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        self.0.walk_ast(out)
    }
}

/// A query whose rows are locked, where the engine locks rows; with their keys, or without them.
#[derive(Debug, Clone, QueryId)]
pub(crate) struct Locked<Q, const KEYS: bool> {
    query: Q,
    locks: bool,
}

/// Locks the rows of a query until the transaction ends. SQLite has one writer, and needs no locks.
pub(crate) fn locked<Q>(connection: &Connection, query: Q) -> Locked<Q, true> {
    Locked {
        query,
        locks: connection.dialect() != Dialect::Sqlite,
    }
}

/// The same, but whoever writes a row that names one of them does not wait.
pub(crate) fn locked_but_keys<Q>(connection: &Connection, query: Q) -> Locked<Q, false> {
    Locked {
        query,
        locks: connection.dialect() != Dialect::Sqlite,
    }
}

impl<Q: Query, const KEYS: bool> Query for Locked<Q, KEYS> {
    type SqlType = Q::SqlType;
}
impl<Q, C, const KEYS: bool> RunQueryDsl<C> for Locked<Q, KEYS> {}
impl<Q: QueryFragment<MultiBackend>, const KEYS: bool> QueryFragment<MultiBackend>
    for Locked<Q, KEYS>
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        if self.locks {
            out.push_sql(match KEYS {
                true => " FOR UPDATE",
                false => " FOR NO KEY UPDATE",
            });
        }
        Ok(())
    }
}

/// An UPDATE, see [`update`].
#[derive(Debug, Clone)]
pub(crate) struct Update<T, W, C> {
    table: T,
    whom: W,
    changes: C,
}

/// Sets columns of the rows that a condition names, in a statement that is prepared once. diesel
/// keeps no UPDATE of its own, whose text may be another one each time; here it depends on nothing
/// that a client says.
pub(crate) fn update<T, W, C>(table: T, whom: W, changes: C) -> Update<T, W, C::Changeset>
where
    W: Expression + AppearsOnTable<T>,
    C: AsChangeset<Target = T>,
{
    Update {
        table,
        whom,
        changes: changes.as_changeset(),
    }
}

/// Sets columns of every row of a table, as [`update`] does.
pub(crate) fn update_all<T, C>(table: T, changes: C) -> Update<T, Every, C::Changeset>
where
    C: AsChangeset<Target = T>,
{
    Update {
        table,
        whom: Every,
        changes: changes.as_changeset(),
    }
}

/// The condition that every row fulfils.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Every;

impl<DB: diesel::backend::Backend> QueryFragment<DB> for Every {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("TRUE");
        Ok(())
    }
}

impl<T, W, C> Update<T, W, C> {
    /// Has the statement answer something of each row.
    pub(crate) fn returning<R: Expression>(self, told: R) -> Returning<Self, R> {
        Returning::of(self, told)
    }
}

/// It is known by its text, since the type does not say which columns are set.
impl<T, W, C> QueryId for Update<T, W, C> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T, W, C> QueryFragment<MultiBackend> for Update<T, W, C>
where
    T: QueryFragment<MultiBackend>,
    W: QueryFragment<MultiBackend>,
    C: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        self.table.walk_ast(out.reborrow())?;
        out.push_sql(" SET ");
        self.changes.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.whom.walk_ast(out.reborrow())
    }
}

/// A statement that answers something of each row that it wrote.
#[derive(Debug, Clone)]
pub(crate) struct Returning<U, R> {
    statement: U,
    told: R,
}

impl<U, R: Expression> Returning<U, R> {
    pub(crate) fn of(statement: U, told: R) -> Self {
        Self { statement, told }
    }
}

impl<U, R: Expression> Query for Returning<U, R> {
    type SqlType = R::SqlType;
}
impl<U, R, C> RunQueryDsl<C> for Returning<U, R> {}
impl<U, R> QueryId for Returning<U, R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl<U, R> QueryFragment<MultiBackend> for Returning<U, R>
where
    U: QueryFragment<MultiBackend>,
    R: QueryFragment<MultiBackend>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.statement.walk_ast(out.reborrow())?;
        out.push_sql(" RETURNING ");
        self.told.walk_ast(out.reborrow())
    }
}
