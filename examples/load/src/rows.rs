//! The rows that the service writes for a user, as a pattern for others.
//!
//! One user is created over SCIM. Every row of any table in which its id stands is a row of the
//! pattern, so that a table that is added later is in it as well. In a copy stands another name, id
//! and request where those of the pattern stand; all else is the same.

use diesel::backend::Backend;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, HasSqlType, Nullable, Text};
use diesel::sqlite::Sqlite;
use serde_json::{Map, Value};

use crate::Failed;
use crate::database::{Database, Kind};

/// The name in every text of the pattern. It is the same in folded texts.
pub(crate) const MARK: &str = "zzseed";

/// All rows of one user.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pub(crate) id: String,
    /// The id of the request that created it.
    request: Option<String>,
    rows: Vec<PatternRow>,
}

#[derive(Debug, Clone)]
struct PatternRow {
    table: String,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone)]
struct Cell {
    column: String,
    kind: Kind,
    value: Value,
}

impl Cell {
    /// Instants of the pattern go back from its own.
    fn is_instant(&self) -> bool {
        let named = self.column == "at" || self.column.ends_with("_at");
        named && self.kind == Kind::Number && self.value.is_number()
    }
}

/// The tables that triggers write of every copy, as of every user.
const WRITTEN_BY_TRIGGERS: [&str; 4] = ["feed_changes", "person_terms", "run_counts", "run_images"];

impl Pattern {
    /// What the service wrote for a user.
    pub(crate) fn of(database: &mut Database, id: &str) -> Result<Self, Failed> {
        let mut rows = Vec::new();
        for table in database.tables()? {
            if WRITTEN_BY_TRIGGERS.contains(&table.as_str()) {
                continue;
            }
            let columns = database.columns(&table)?;
            let naming = columns.iter().filter(|column| {
                column.kind == Kind::Text && (column.name == "id" || column.name.ends_with("_id"))
            });
            let naming = naming.map(|column| format!("{} = '{id}'", column.name));
            let condition = naming.collect::<Vec<_>>().join(" OR ");
            if condition.is_empty() {
                continue;
            }
            for row in database.rows(&table, &columns, &condition)? {
                let cells = columns.iter().map(|column| Cell {
                    column: column.name.clone(),
                    kind: column.kind,
                    value: row.get(&column.name).cloned().unwrap_or_default(),
                });
                rows.push(PatternRow {
                    table: table.clone(),
                    cells: cells.collect(),
                });
            }
        }
        // Others refer to it.
        rows.sort_by_key(|row| row.table != "users");
        let mut cells = rows.iter().flat_map(|row| &row.cells);
        let request = cells.find(|cell| cell.column == "request_id");
        let request = request.and_then(|cell| Some(cell.value.as_str()?.to_owned()));
        Ok(Self {
            id: id.to_owned(),
            request,
            rows,
        })
    }

    /// Statements that write copies with the numbers from `first` to `last` of so many in all. The
    /// last one of all is as old as the pattern, every other one a millisecond older than the next.
    pub(crate) fn copies(
        &self,
        sqlite: bool,
        (first, last): (usize, usize),
        all: usize,
    ) -> Vec<String> {
        let numbers = match sqlite {
            true => format!(
                "(WITH RECURSIVE counted (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM \
                 counted WHERE n < {last}) SELECT n FROM counted) AS numbers"
            ),
            false => format!("generate_series({first}, {last}) AS numbers (n)"),
        };
        let mut others = vec![
            (MARK, "'u' || n".to_owned()),
            (self.id.as_str(), id_text(sqlite, USER)),
        ];
        if let Some(request) = &self.request {
            others.push((request, id_text(sqlite, REQUEST)));
        }
        let statements = self.rows.iter().map(|row| {
            let names = row.cells.iter().map(|cell| cell.column.as_str());
            let values = row.cells.iter().map(|cell| match &cell.value {
                Value::Null => "NULL".to_owned(),
                Value::Number(number) if cell.is_instant() => format!("{number} + n - {all}"),
                Value::String(text) => {
                    let replaced = replaced(text, &others);
                    match cell.kind {
                        Kind::Document if !sqlite => format!("CAST({replaced} AS jsonb)"),
                        _ => replaced,
                    }
                }
                other => other.to_string(),
            });
            format!(
                "INSERT INTO {} ({}) SELECT {} FROM {numbers}",
                row.table,
                names.collect::<Vec<_>>().join(", "),
                values.collect::<Vec<_>>().join(", "),
            )
        });
        statements.collect()
    }

    /// The rows of one more user, each as a statement that is prepared once.
    pub(crate) fn inserts(&self, number: usize) -> Vec<Insert<'_>> {
        let name = format!("r{number}");
        let id = id(RAW, number);
        let request = uuid::Uuid::now_v7().to_string();
        let rows = self.rows.iter().map(|row| Insert {
            row,
            values: row
                .cells
                .iter()
                .map(|cell| match &cell.value {
                    Value::String(text) => {
                        let mut text = text.replace(MARK, &name).replace(&self.id, &id);
                        if let Some(own) = &self.request {
                            text = text.replace(own, &request);
                        }
                        Bound::Text(Some(text))
                    }
                    Value::Null if cell.kind != Kind::Number => Bound::Text(None),
                    other => Bound::Number(other.as_i64()),
                })
                .collect(),
        });
        rows.collect()
    }
}

/// The row of a copy that is to be inserted.
pub(crate) struct Insert<'p> {
    row: &'p PatternRow,
    values: Vec<Bound>,
}

enum Bound {
    Text(Option<String>),
    Number(Option<i64>),
}

impl<DB> QueryFragment<DB> for Insert<'_>
where
    DB: Backend + HasSqlType<Nullable<Text>> + HasSqlType<Nullable<BigInt>>,
    Option<String>: ToSql<Nullable<Text>, DB>,
    Option<i64>: ToSql<Nullable<BigInt>, DB>,
    DB: InsertDialect,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("INSERT INTO ");
        out.push_sql(&self.row.table);
        let mut before = " (";
        for cell in &self.row.cells {
            out.push_sql(before);
            out.push_sql(&cell.column);
            before = ", ";
        }
        before = ") VALUES (";
        for (cell, value) in self.row.cells.iter().zip(&self.values) {
            out.push_sql(before);
            let cast = cell.kind == Kind::Document && DB::CASTS;
            if cast {
                out.push_sql("CAST(");
            }
            match value {
                Bound::Text(text) => out.push_bind_param::<Nullable<Text>, _>(text)?,
                Bound::Number(number) => out.push_bind_param::<Nullable<BigInt>, _>(number)?,
            }
            if cast {
                out.push_sql(" AS jsonb)");
            }
            before = ", ";
        }
        out.push_sql(")");
        Ok(())
    }
}

/// Whether a text must be told to be a document.
pub(crate) trait InsertDialect {
    const CASTS: bool;
}
impl InsertDialect for Sqlite {
    const CASTS: bool = false;
}
impl InsertDialect for Pg {
    const CASTS: bool = true;
}

impl QueryId for Insert<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl<C> RunQueryDsl<C> for Insert<'_> {}

/// An expression of SQL for a text in which others stand for some parts of it.
fn replaced(text: &str, others: &[(&str, String)]) -> String {
    let mut expression = format!("'{}'", text.replace('\'', "''"));
    for (part, other) in others {
        if text.contains(part) {
            expression = format!("replace({expression}, '{part}', {other})");
        }
    }
    expression
}

fn id_text(sqlite: bool, family: char) -> String {
    match sqlite {
        true => format!("printf('%08x-0000-7000-800{family}-%012x', n, n)"),
        false => format!(
            "(lpad(to_hex(n), 8, '0') || '-0000-7000-800{family}-' || lpad(to_hex(n), 12, '0'))"
        ),
    }
}

fn id(family: char, number: usize) -> String {
    format!("{number:08x}-0000-7000-800{family}-{number:012x}")
}

/// The id of a seeded user.
pub(crate) fn user_id(number: usize) -> String {
    id(USER, number)
}

/// Every row of the database, as one line of text each, in which nothing is left of when and in which
/// order it was written: two databases that were told the same have the same lines.
///
/// # Errors
/// What the database says.
pub fn lines(database: &mut Database) -> Result<Vec<String>, Failed> {
    let mut lines = Vec::new();
    let columns = database.columns("users")?;
    let users = database.rows("users", &columns, "1 = 1")?;
    let name = |row: &Map<String, Value>| {
        let of = |column: &str| Some(row.get(column)?.as_str()?.to_owned());
        Some((of("id")?, of("user_name")?))
    };
    let names: Vec<_> = users.iter().filter_map(name).collect();
    for table in database.tables()? {
        let columns = database.columns(&table)?;
        for mut row in database.rows(&table, &columns, "1 = 1")? {
            row.retain(|column, value| {
                let own = column == "at" || column.ends_with("_at") || column == "duration_micros";
                !own && column != "request_id" && !value.is_null()
            });
            for value in row.values_mut() {
                let id = value.as_str().and_then(|text| {
                    let (_, name) = names.iter().find(|(id, _)| id == text)?;
                    Some(name.clone())
                });
                if let Some(name) = id {
                    *value = Value::String(name);
                }
            }
            lines.push(format!("{table} {}", Value::Object(row)));
        }
    }
    lines.sort_unstable();
    Ok(lines)
}

const USER: char = '1';
const REQUEST: char = '2';
const RAW: char = '3';
