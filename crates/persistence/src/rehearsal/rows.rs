//! Whole rows, read on one database and written on another of the same engine, as JSON.

use diesel::sql_types::{Nullable, Text};
use scim_provisioning::StoreError;
use serde_json::{Map, Value};

use super::copy::columns;
use crate::connection::Connection;
use crate::error::unreadable;
use crate::sql::{Dialect, Sql};

/// A row by the names of its columns.
pub(super) type Row = Map<String, Value>;

/// A table whose rows are carried over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The columns that find a row.
    pub(super) keys: &'static [&'static str],
    /// What has to be there for a row that is called `carried`.
    pub(super) there: &'static str,
    /// Which rows are changed and deleted.
    pub(super) open: &'static str,
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(diesel::QueryableByName)]
struct Answered {
    #[diesel(sql_type = Nullable<Text>)]
    answered: Option<String>,
}

pub(super) fn text<'r>(row: &'r Row, column: &str) -> Option<&'r str> {
    row.get(column).and_then(Value::as_str)
}

pub(super) fn number(row: &Row, column: &str) -> Option<i64> {
    row.get(column).and_then(Value::as_i64)
}

impl Table {
    /// The rows that a condition names.
    pub(super) fn read(
        &self,
        connection: &mut Connection,
        condition: impl FnOnce(&mut Sql),
    ) -> Result<Vec<Row>, StoreError> {
        let name = self.name;
        let row = match connection.dialect() {
            Dialect::Sqlite => {
                let pairs = columns(connection, name)?.into_iter().map(|column| {
                    let bare = column.trim_matches('"').to_owned();
                    format!("'{bare}', {name}.{column}")
                });
                format!("json_object({})", pairs.collect::<Vec<_>>().join(", "))
            }
            #[cfg(feature = "postgres")]
            Dialect::Postgres => format!("CAST(row_to_json({name}) AS text)"),
        };
        let mut sql = connection.sql(&format!("SELECT {row} AS line FROM {name} WHERE "));
        condition(&mut sql);
        let lines: Vec<Line> = connection.rows(&sql)?;
        let parsed = lines
            .iter()
            .map(|row| serde_json::from_str(&row.line).map_err(|_json| unreadable(name)));
        parsed.collect()
    }

    /// The rows of these keys.
    pub(super) fn of_keys(
        &self,
        connection: &mut Connection,
        keys: &[Vec<String>],
    ) -> Result<Vec<Row>, StoreError> {
        match keys.is_empty() {
            true => Ok(Vec::new()),
            false => self.read(connection, |sql| self.push_keys(sql, keys)),
        }
    }

    /// What finds a row among others.
    pub(super) fn key_of(&self, row: &Row) -> Vec<String> {
        let keys = self.keys.iter();
        keys.map(|key| text(row, key).unwrap_or_default().to_owned())
            .collect()
    }

    fn push_keys(&self, sql: &mut Sql, keys: &[Vec<String>]) {
        let columns: Vec<String> = self
            .keys
            .iter()
            .map(|key| format!("{}.{key}", self.name))
            .collect();
        let values: Vec<String> = (0..self.keys.len())
            .map(|at| format!("listed.value ->> {at}"))
            .collect();
        sql.push(&format!(
            "({}) IN (SELECT {}",
            columns.join(", "),
            values.join(", ")
        ));
        sql.push_rows(keys).push(")");
    }

    /// Writes rows as they are, those that are there and those that are not. Answers of each that was
    /// written what `answering` says.
    pub(super) fn put(
        &self,
        connection: &mut Connection,
        rows: &[Row],
        answering: &str,
    ) -> Result<Vec<Option<String>>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let (name, columns) = (self.name, columns(connection, self.name)?);
        let list = columns.join(", ");
        let mut sql = connection.sql(&format!("INSERT INTO {name} ({list}) SELECT {list} FROM "));
        let carried = serde_json::to_string(rows).unwrap_or_default();
        match connection.dialect() {
            Dialect::Sqlite => {
                let read = columns.iter().map(|column| {
                    let bare = column.trim_matches('"');
                    format!("json_extract(value, '$.{bare}') AS {column}")
                });
                let read = read.collect::<Vec<_>>().join(", ");
                sql.push(&format!("(SELECT {read} FROM json_each("));
                sql.bind(carried).push(")) AS carried");
            }
            #[cfg(feature = "postgres")]
            Dialect::Postgres => {
                sql.push(&format!(
                    "json_populate_recordset(CAST(NULL AS {name}), CAST("
                ));
                sql.bind(carried).push(" AS json)) AS carried");
            }
        }
        sql.push(&format!(" WHERE {}", self.there));
        if !self.keys.is_empty() {
            let set = columns
                .iter()
                .map(|column| format!("{column} = excluded.{column}"));
            sql.push(&format!(
                " ON CONFLICT ({}) DO UPDATE SET {} WHERE {}",
                self.keys.join(", "),
                set.collect::<Vec<_>>().join(", "),
                self.open
            ));
        }
        sql.push(&format!(" RETURNING {answering} AS answered"));
        let answered: Vec<Answered> = connection.rows(&sql)?;
        Ok(answered.into_iter().map(|row| row.answered).collect())
    }

    /// Deletes the rows of these keys.
    pub(super) fn take(
        &self,
        connection: &mut Connection,
        keys: &[Vec<String>],
    ) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut sql = connection.sql(&format!("DELETE FROM {} WHERE ", self.name));
        self.push_keys(&mut sql, keys);
        sql.push(&format!(" AND {}", self.open));
        connection.execute(&sql).map(drop)
    }
}
