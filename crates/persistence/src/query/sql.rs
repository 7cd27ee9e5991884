//! SQL text and its binds, for either engine, as a node of diesel's.

use std::marker::PhantomData;

use diesel::QueryResult;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Untyped};

use crate::engine::MultiBackend;

/// Which SQL is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

/// A bound value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bind {
    Text(Option<String>),
    Integer(Option<i64>),
    Real(f64),
}

impl From<&str> for Bind {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Bind {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&String> for Bind {
    fn from(text: &String) -> Self {
        Self::Text(Some(text.clone()))
    }
}

impl From<Option<String>> for Bind {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<Option<&str>> for Bind {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<i64> for Bind {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<Option<i64>> for Bind {
    fn from(number: Option<i64>) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Bind {
    fn from(flag: bool) -> Self {
        Self::Integer(Some(i64::from(flag)))
    }
}

impl From<f64> for Bind {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

/// A statement under construction. Values are bound, never written; what is written as text are
/// this crate's own words and names that come from a schema.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    pub(crate) dialect: Dialect,
    text: String,
    binds: Vec<Bind>,
    /// Where in the text each value stands.
    marks: Vec<usize>,
    /// Whether the text is one of few, so that it is worth being prepared once.
    fixed: bool,
}

impl Sql {
    pub(crate) fn new(dialect: Dialect, text: &str) -> Self {
        Self {
            dialect,
            text: text.to_owned(),
            binds: Vec::new(),
            marks: Vec::new(),
            fixed: true,
        }
    }

    /// Says that a client has a say in the text: a connection that prepared every such statement
    /// and kept it would never stop growing.
    pub(crate) fn never_alike(&mut self) -> &mut Self {
        self.fixed = false;
        self
    }

    /// The statement that asks SQLite for the plan of this one.
    #[cfg(test)]
    pub(crate) fn explained(mut self) -> Self {
        const EXPLAIN: &str = "EXPLAIN QUERY PLAN ";
        self.text.insert_str(0, EXPLAIN);
        for mark in &mut self.marks {
            *mark += EXPLAIN.len();
        }
        self
    }

    /// Appends text.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a placeholder for a value.
    pub(crate) fn bind(&mut self, value: impl Into<Bind>) -> &mut Self {
        let value = value.into();
        let kind = match value {
            Bind::Text(_) => "text",
            Bind::Integer(_) => "bigint",
            Bind::Real(_) => "double precision",
        };
        self.binds.push(value);
        match self.dialect {
            Dialect::Sqlite => self.marks.push(self.text.len()),
            // It infers the type of a placeholder from its place, which is not always enough.
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                self.text.push_str("CAST(");
                self.marks.push(self.text.len());
                self.text.push_str(" AS ");
                self.text.push_str(kind);
                self.text.push(')');
            }
        }
        self
    }

    /// Appends a placeholder for a number of a document, which loses none of its digits.
    pub(crate) fn bind_number(&mut self, number: &serde_json::Number) -> &mut Self {
        match self.dialect {
            // SQLite compares integers with decimals exactly.
            Dialect::Sqlite => match number.as_i64() {
                Some(whole) => self.bind(whole),
                None => self.bind(number.as_f64().unwrap_or(f64::MAX)),
            },
            #[cfg(feature = "postgres")]
            Dialect::Postgres => self
                .push("CAST(")
                .bind(number.to_string())
                .push(" AS numeric)"),
        }
    }

    /// Appends a placeholder for a number that a function takes as a 32-bit integer.
    pub(crate) fn bind_int(&mut self, number: i64) -> &mut Self {
        self.push("CAST(").bind(number).push(" AS integer)")
    }

    /// Appends that what stands before is one of several values, as a test that an index serves.
    /// They are bound as one list, so that any number of them makes the same text, and no engine
    /// thinks that so many look-ups are dearer than a whole table.
    pub(crate) fn among<T: Into<Bind>>(
        &mut self,
        values: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        let mut kind = "text";
        let list: serde_json::Value = values
            .into_iter()
            .map(|value| match value.into() {
                Bind::Text(text) => serde_json::Value::from(text),
                Bind::Integer(number) => {
                    kind = "bigint";
                    serde_json::Value::from(number)
                }
                Bind::Real(number) => serde_json::Value::from(number),
            })
            .collect();
        let list = list.to_string();
        match self.dialect {
            Dialect::Sqlite => {
                self.push("IN (SELECT value FROM json_each(").bind(list);
                self.push("))")
            }
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                let element = format!("CAST(listed.value AS {kind})");
                self.push(&format!(
                    "= ANY(ARRAY(SELECT {element} FROM jsonb_array_elements_text(CAST("
                ));
                self.bind(list).push(" AS jsonb)) AS listed(value)))")
            }
        }
    }

    /// Appends rows that are bound as one list, so that any number of them makes the same text:
    /// `listed.value ->> 0` is the first value of each.
    pub(crate) fn push_rows(&mut self, rows: impl serde::Serialize) -> &mut Self {
        let list = serde_json::to_string(&rows).unwrap_or_default();
        match self.dialect {
            // Without a condition, ON CONFLICT would be taken for one of a join.
            Dialect::Sqlite => self
                .push(" FROM json_each(")
                .bind(list)
                .push(") AS listed WHERE TRUE"),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => self
                .push(" FROM jsonb_array_elements(CAST(")
                .bind(list)
                .push(" AS jsonb)) AS listed(value)"),
        }
    }

    /// The text as an expression of a typed query.
    pub(crate) fn written<ST>(self) -> Written<ST> {
        Written {
            sql: self,
            kind: PhantomData,
        }
    }

    /// A text column as a value for which no index is taken, because another one is to be.
    pub(crate) fn aside(&self, column: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("+{column}"),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => format!("({column} || '')"),
        }
    }

    /// A number as a value for which no index is taken.
    pub(crate) fn number_aside(&self, column: &str) -> String {
        match self.dialect {
            Dialect::Sqlite => format!("+{column}"),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => format!("({column} + 0)"),
        }
    }

    /// Appends a join with the row of a table that a column of the rows so far names, which is
    /// looked up for each of them.
    pub(crate) fn join_each(&mut self, table: &str, alias: &str, column: &str) -> &mut Self {
        match self.dialect {
            Dialect::Sqlite => self.push(&format!(" CROSS JOIN {table} {alias}")),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                self.push(&format!(" CROSS JOIN{}", lateral(table, alias, column)))
            }
        }
    }

    /// Appends the same for rows that may have no such row, or whose column names something else
    /// unless a condition holds.
    pub(crate) fn join_any(
        &mut self,
        table: &str,
        alias: &str,
        column: &str,
        condition: &str,
    ) -> &mut Self {
        match self.dialect {
            Dialect::Sqlite => self.push(&format!(
                " LEFT JOIN {table} {alias} ON {alias}.id = {column} AND {condition}"
            )),
            #[cfg(feature = "postgres")]
            Dialect::Postgres => self.push(&format!(
                " LEFT JOIN{} ON {condition}",
                lateral(table, alias, column)
            )),
        }
    }
}

/// A row that is looked up for each of others. The offset keeps the planner from any other order.
#[cfg(feature = "postgres")]
fn lateral(table: &str, alias: &str, column: &str) -> String {
    format!(" LATERAL (SELECT * FROM {table} WHERE id = {column} OFFSET 0) {alias}")
}

impl QueryFragment<MultiBackend> for Sql {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        if !self.fixed {
            out.unsafe_to_cache_prepared();
        }
        let mut rest = self.text.as_str();
        let mut from = 0;
        for (mark, bind) in self.marks.iter().zip(&self.binds) {
            let (before, behind) = rest.split_at_checked(mark - from).unwrap_or((rest, ""));
            out.push_sql(before);
            match bind {
                Bind::Text(text) => out.push_bind_param::<Nullable<Text>, _>(text)?,
                Bind::Integer(number) => out.push_bind_param::<Nullable<BigInt>, _>(number)?,
                Bind::Real(number) => out.push_bind_param::<Double, _>(number)?,
            }
            (rest, from) = (behind, *mark);
        }
        out.push_sql(rest);
        Ok(())
    }
}

/// Prepared statements are known by their text, since the type says nothing of it.
impl QueryId for Sql {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql {
    type SqlType = Untyped;
}

impl<C> RunQueryDsl<C> for Sql {}
impl<C> RunQueryDsl<C> for &Sql {}

/// Text that stands as an expression in a typed query of any table. Its kind is what the text says.
#[derive(Debug, Clone)]
pub(crate) struct Written<ST> {
    sql: Sql,
    kind: PhantomData<ST>,
}

impl<ST: diesel::sql_types::SingleValue> Expression for Written<ST> {
    type SqlType = ST;
}
impl<QS, ST> AppearsOnTable<QS> for Written<ST> where Self: Expression {}
impl<QS, ST> SelectableExpression<QS> for Written<ST> where Self: Expression {}
impl<GB, ST> ValidGrouping<GB> for Written<ST> {
    // Text may be an aggregate or none; what stands beside it is not checked.
    type IsAggregate = is_aggregate::Never;
}
impl<ST> QueryId for Written<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl<ST> QueryFragment<MultiBackend> for Written<ST> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.sql.walk_ast(out)
    }
}
