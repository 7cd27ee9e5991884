//! The database behind the server, on either engine.

use std::path::PathBuf;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use serde_json::{Map, Value};

use crate::{Failed, process};

/// Where the server keeps what it has.
#[derive(Debug, Clone)]
pub enum Place {
    /// The file of SQLite.
    Sqlite(PathBuf),
    /// The URL of a database of PostgreSQL.
    Postgres(String),
}

/// A connection beside those of the server.
pub enum Database {
    /// To a file.
    Sqlite(Box<SqliteConnection>),
    /// To PostgreSQL.
    Postgres(Box<PgConnection>),
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as far as it matters here.
    pub kind: Kind,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A document in the database's own form.
    Document,
    /// A number.
    Number,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Process {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

impl Place {
    /// Opens a connection that commits as the server's do: each commit is synced.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub fn connect(&self) -> Result<Database, Failed> {
        let mut database = match self {
            Self::Sqlite(path) => {
                let path = path.to_str().ok_or("the file has a strange name")?;
                Database::Sqlite(Box::new(SqliteConnection::establish(path)?))
            }
            Self::Postgres(url) => Database::Postgres(Box::new(PgConnection::establish(url)?)),
        };
        if let Database::Sqlite(_) = database {
            database.run(
                "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; \
                 PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
            )?;
        }
        Ok(database)
    }

    /// How many bytes the database takes.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub fn size(&self) -> Result<u64, Failed> {
        match self {
            Self::Sqlite(path) => Ok(process::size(path)),
            Self::Postgres(_) => {
                let size = "SELECT pg_database_size(current_database()) AS number";
                Ok(u64::try_from(self.connect()?.number(size)?)?)
            }
        }
    }
}

impl Database {
    /// Runs statements.
    ///
    /// # Errors
    /// What the database says.
    pub fn run(&mut self, statements: &str) -> Result<(), Failed> {
        match self {
            Self::Sqlite(connection) => connection.batch_execute(statements)?,
            Self::Postgres(connection) => connection.batch_execute(statements)?,
        }
        Ok(())
    }

    /// The names of all tables.
    ///
    /// # Errors
    /// What the database says.
    pub fn tables(&mut self) -> Result<Vec<String>, Failed> {
        let names = match self {
            Self::Sqlite(_) => {
                "SELECT name, '' AS kind FROM sqlite_schema WHERE type = 'table' \
                 AND name NOT LIKE 'sqlite%' ORDER BY name"
            }
            Self::Postgres(_) => {
                "SELECT CAST(table_name AS text) AS name, '' AS kind FROM information_schema.tables \
                 WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' \
                 ORDER BY table_name"
            }
        };
        let named: Vec<Named> = self.load(names)?;
        let named = named.into_iter().map(|table| table.name);
        Ok(named.filter(|name| !name.starts_with("__")).collect())
    }

    /// The columns of a table, but for a number that the database gives each row by itself.
    ///
    /// # Errors
    /// What the database says.
    pub fn columns(&mut self, table: &str) -> Result<Vec<Column>, Failed> {
        let columns = match self {
            Self::Sqlite(_) => {
                format!("SELECT name, lower(type) AS kind FROM pragma_table_info('{table}')")
            }
            Self::Postgres(_) => format!(
                "SELECT CAST(column_name AS text) AS name, CAST(data_type AS text) AS kind FROM \
                 information_schema.columns WHERE table_name = '{table}' ORDER BY ordinal_position"
            ),
        };
        let named: Vec<Named> = self.load(&columns)?;
        let columns = named.into_iter().map(|Named { name, kind }| Column {
            name,
            kind: match kind.as_str() {
                "text" => Kind::Text,
                "json" | "jsonb" => Kind::Document,
                _ => Kind::Number,
            },
        });
        let own = |column: &Column| column.name == "id" && column.kind == Kind::Number;
        Ok(columns.filter(|column| !own(column)).collect())
    }

    /// The rows of a table that a condition selects.
    ///
    /// # Errors
    /// What the database says.
    pub fn rows(
        &mut self,
        table: &str,
        columns: &[Column],
        condition: &str,
    ) -> Result<Vec<Map<String, Value>>, Failed> {
        let named = columns.iter().map(|column| match column.kind {
            Kind::Document => format!("'{0}', CAST({0} AS text)", column.name),
            _ => format!("'{0}', {0}", column.name),
        });
        let named = named.collect::<Vec<_>>().join(", ");
        let object = match self {
            Self::Sqlite(_) => format!("json_object({named})"),
            Self::Postgres(_) => format!("CAST(json_build_object({named}) AS text)"),
        };
        let rows = format!("SELECT {object} AS line FROM {table} WHERE {condition}");
        let lines: Vec<Line> = self.load(&rows)?;
        let rows = lines.iter().map(|row| serde_json::from_str(&row.line));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The only number that a statement selects, as `number`.
    ///
    /// # Errors
    /// What the database says.
    pub fn number(&mut self, select: &str) -> Result<i64, Failed> {
        let rows: Vec<Number> = self.load(select)?;
        let only = rows.first().ok_or("no row")?;
        Ok(only.number)
    }

    /// The process of PostgreSQL whose children serve connections.
    pub(crate) fn postmaster(&mut self) -> Option<u32> {
        let Self::Postgres(_) = self else {
            return None;
        };
        let own: Vec<Process> = self.load("SELECT pg_backend_pid() AS pid").ok()?;
        process::parent(u32::try_from(own.first()?.pid).ok()?)
    }

    fn load<R>(&mut self, statement: &str) -> Result<Vec<R>, Failed>
    where
        R: QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static,
    {
        let query = diesel::sql_query(statement);
        Ok(match self {
            Self::Sqlite(connection) => query.load(&mut **connection)?,
            Self::Postgres(connection) => query.load(&mut **connection)?,
        })
    }
}
