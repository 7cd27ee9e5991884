//! Parts of typed queries beside those of [`nodes`](crate::nodes): words that stand in the text,
//! values for which no index is taken, lists of numbers, sums, and queries of queries.

use std::fmt::Display;

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};

use crate::engine::MultiBackend;
use crate::nodes::typed;

diesel::define_sql_function! {
    /// The first of two numbers that is there.
    #[sql_name = "coalesce"]
    fn number_or(one: Nullable<Integer>, other: Integer) -> Integer;
}

diesel::define_sql_function! {
    /// The first of two numbers that is there, of which neither need be.
    #[sql_name = "coalesce"]
    fn either_number(one: Nullable<Integer>, other: Nullable<Integer>) -> Nullable<Integer>;
}

diesel::define_sql_function! {
    /// The first of two texts, of which the second one is there.
    #[sql_name = "coalesce"]
    fn text_or(one: Nullable<Text>, other: Text) -> Text;
}

diesel::define_sql_function! {
    /// The first of two texts that is there.
    fn coalesce(one: Nullable<Text>, other: Nullable<Text>) -> Nullable<Text>;
}

/// A word of this crate that stands in the text, where an index with a condition needs to see it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word(pub(crate) &'static str);

impl Expression for Word {
    type SqlType = Text;
}
impl<QS> AppearsOnTable<QS> for Word {}
impl<QS> SelectableExpression<QS> for Word {}
impl<GB> ValidGrouping<GB> for Word {
    type IsAggregate = is_aggregate::Never;
}
/// The type does not say which word it is.
impl QueryId for Word {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl<DB: Backend> QueryFragment<DB> for Word {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        push_word(&mut out, self.0);
        Ok(())
    }
}

fn push_word<DB: Backend>(out: &mut AstPass<'_, '_, DB>, word: &str) {
    out.push_sql("'");
    out.push_sql(word);
    out.push_sql("'");
}

/// Whether a column is one of several words, see [`one_of`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct OneOf<C> {
    column: C,
    words: &'static [&'static str],
}

/// Whether a column is one of several words that stand in the text, where an index with a condition
/// needs to see them.
pub(crate) fn one_of<C>(column: C, words: &'static [&'static str]) -> OneOf<C> {
    OneOf { column, words }
}

typed!(OneOf<C>, Bool, by_text);

impl<DB: Backend, C: QueryFragment<DB>> QueryFragment<DB> for OneOf<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (");
        for (at, word) in self.words.iter().enumerate() {
            if at > 0 {
                out.push_sql(", ");
            }
            push_word(&mut out, word);
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Whether a column of numbers is one of several, see [`among_numbers`].
#[derive(Debug, Clone)]
pub(crate) struct AmongNumbers<C> {
    column: C,
    list: String,
}

/// Whether a column of numbers is one of several, which are bound as one list, see
/// [`among`](crate::nodes::among).
pub(crate) fn among_numbers<C>(
    column: C,
    values: impl IntoIterator<Item = i64>,
) -> AmongNumbers<C> {
    let list: serde_json::Value = values.into_iter().collect();
    AmongNumbers {
        column,
        list: list.to_string(),
    }
}

typed!(AmongNumbers<C>, Bool);

impl<C: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for AmongNumbers<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        match out.backend() {
            MultiBackend::Sqlite(_) => {
                out.push_sql(" IN (SELECT value FROM json_each(");
                out.push_bind_param::<Text, _>(&self.list)?;
                out.push_sql("))");
            }
            #[cfg(feature = "postgres")]
            MultiBackend::Postgres(_) => {
                out.push_sql(
                    " = ANY(ARRAY(SELECT CAST(listed.value AS bigint) \
                     FROM jsonb_array_elements_text(CAST(",
                );
                out.push_bind_param::<Text, _>(&self.list)?;
                out.push_sql(" AS jsonb)) AS listed(value)))");
            }
        }
        Ok(())
    }
}

/// A text for which no index is taken, see [`aside`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aside<C>(C);

/// A text column as a value for which no index is taken, because another one is to be.
pub(crate) fn aside<C>(column: C) -> Aside<C> {
    Aside(column)
}

typed!(Aside<C>, C::SqlType);

impl<C: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Aside<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        match out.backend() {
            MultiBackend::Sqlite(_) => {
                out.push_sql("+");
                self.0.walk_ast(out)
            }
            #[cfg(feature = "postgres")]
            MultiBackend::Postgres(_) => {
                out.push_sql("(");
                self.0.walk_ast(out.reborrow())?;
                out.push_sql(" || '')");
                Ok(())
            }
        }
    }
}

/// A sum, see [`sum`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum<C>(C);

/// The sum of a column, which PostgreSQL would answer as a decimal.
pub(crate) fn sum<C>(column: C) -> Sum<C> {
    Sum(column)
}

typed!(Sum<C>, Nullable<BigInt>, aggregate);

impl<DB: Backend, C: QueryFragment<DB>> QueryFragment<DB> for Sum<C> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("CAST(SUM(");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS BIGINT)");
        Ok(())
    }
}

/// How many rows a query finds, see [`count_of`].
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct CountOf<Q>(Q);

/// How many rows a query finds, which may have a limit.
pub(crate) fn count_of<Q: Query>(query: Q) -> CountOf<Q> {
    CountOf(query)
}

impl<Q> Query for CountOf<Q> {
    type SqlType = BigInt;
}
impl<Q, C> RunQueryDsl<C> for CountOf<Q> {}
impl<DB: Backend, Q: QueryFragment<DB>> QueryFragment<DB> for CountOf<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("SELECT COUNT(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted");
        Ok(())
    }
}

/// What two queries find, see [`all_of`].
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct AllOf<A, B>(A, B);

/// What either of two queries finds, which have neither an order nor a limit of their own.
pub(crate) fn all_of<A: Query, B: Query<SqlType = A::SqlType>>(one: A, other: B) -> AllOf<A, B> {
    AllOf(one, other)
}

impl<A: Query, B> Query for AllOf<A, B> {
    type SqlType = A::SqlType;
}
impl<A, B, C> RunQueryDsl<C> for AllOf<A, B> {}
impl<DB: Backend, A: QueryFragment<DB>, B: QueryFragment<DB>> QueryFragment<DB> for AllOf<A, B> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" UNION ALL ");
        self.1.walk_ast(out)
    }
}

impl<A: Query, B> AllOf<A, B> {
    /// In the order of columns, by their places from 1.
    pub(crate) fn order<const N: usize>(self, columns: [Way; N]) -> Ordered<Self, N> {
        Ordered(self, columns)
    }

    /// At most so many.
    pub(crate) fn at_most(self, limit: i64) -> AtMost<Self> {
        AtMost(self, limit)
    }
}

/// In which way a column sorts, by its place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Up(u8),
    Down(u8),
}

/// What several queries find in an order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ordered<Q, const N: usize>(Q, [Way; N]);

impl<Q: Query, const N: usize> Query for Ordered<Q, N> {
    type SqlType = Q::SqlType;
}
impl<Q, C, const N: usize> RunQueryDsl<C> for Ordered<Q, N> {}
/// The type does not say by which columns.
impl<Q, const N: usize> QueryId for Ordered<Q, N> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl<DB: Backend, Q: QueryFragment<DB>, const N: usize> QueryFragment<DB> for Ordered<Q, N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        let mut before = " ORDER BY ";
        for way in self.1 {
            let (column, way): (&dyn Display, _) = match &way {
                Way::Up(column) => (column, ""),
                Way::Down(column) => (column, " DESC"),
            };
            out.push_sql(&format!("{before}{column}{way}"));
            before = ", ";
        }
        Ok(())
    }
}

/// What several queries find, at most so many.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct AtMost<Q>(Q, i64);

impl<Q: Query> Query for AtMost<Q> {
    type SqlType = Q::SqlType;
}
impl<Q, C> RunQueryDsl<C> for AtMost<Q> {}
impl<Q: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for AtMost<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.1)
    }
}
