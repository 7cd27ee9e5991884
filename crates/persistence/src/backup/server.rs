//! Backups of PostgreSQL: the rows of every table, as one transaction sees them.
//!
//! A line begins with what it is: `T` and a table, whose rows follow; `R` and a row as JSON; `S`, a
//! sequence and the number that it gave last.

use scim_admin::safekeeping::{BackupHead, Restored};
use scim_provisioning::StoreError;

use std::path::Path;

use diesel::sql_types::{BigInt, Text};

use super::archive::{Archive, Verified};
use super::{BackupError, POSTGRES, begin_anew, head, restored, words};
use crate::connection::Connection;
use crate::target::{OpenError, Target};
use crate::upgrade;

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

pub(super) fn backup(connection: &mut Connection, path: &Path) -> Result<BackupHead, BackupError> {
    // Whoever migrates waits: what changes tables is not seen as it was before. The lock comes
    // before the first statement that reads, with which begins what the transaction sees.
    connection.batch(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; \
         SET LOCAL idle_in_transaction_session_timeout = 0; \
         LOCK TABLE __diesel_schema_migrations IN SHARE MODE",
    )?;
    let head = head(connection, POSTGRES)?;
    let mut archive = Archive::begin(path, &head)?;
    for table in words(connection, TABLES)? {
        archive.write(format!("T {table}\n").as_bytes())?;
        // The feed begins anew where it is put back.
        if table != "feed_changes" {
            write_rows(connection, &mut archive, &table)?;
        }
    }
    for sequence in words(connection, SEQUENCES)? {
        archive.write(format!("S {sequence}\n").as_bytes())?;
    }
    archive.finish()?;
    connection.batch("COMMIT")?;
    Ok(head)
}

fn write_rows(
    connection: &mut Connection,
    archive: &mut Archive,
    table: &str,
) -> Result<(), BackupError> {
    connection.batch(&format!(
        "DECLARE backed_up NO SCROLL CURSOR FOR SELECT CAST(row_to_json(r) AS text) AS line \
         FROM {} AS r",
        quoted(table)
    ))?;
    loop {
        let sql = connection.sql(&format!("FETCH {ROWS} FROM backed_up"));
        let rows: Vec<Line> = connection.rows(&sql)?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            archive.write(b"R ")?;
            // A row has no end of a line: JSON writes it as two characters.
            archive.write(row.line.as_bytes())?;
            archive.write(b"\n")?;
        }
    }
    Ok(connection.batch("CLOSE backed_up")?)
}

pub(super) fn restore(
    target: &Target,
    mut archive: Verified,
    actor: &str,
) -> Result<Restored, BackupError> {
    let unreachable = |error| OpenError::Unreachable(Box::new(error));
    let mut connection = target.connect_bare().map_err(unreachable)?;
    let connection = &mut connection;
    let head = archive.head.clone();
    let position = upgrade::in_one_transaction(connection, |connection| {
        if count(
            connection,
            "SELECT COUNT(*) AS count FROM pg_class WHERE relnamespace = \
            to_regnamespace(quote_ident(current_schema())) AND relkind IN ('r', 'p', 'v', 'm')",
        )? > 0
        {
            return Err(BackupError::NotEmpty("the database".to_owned()));
        }
        if !upgrade::knows(connection, &head.migrations) {
            return Err(BackupError::Newer);
        }
        upgrade::apply(connection, Some(&head.migrations))?;
        put_back(connection, &mut archive)?;
        upgrade::apply(connection, None)?;
        Ok::<_, BackupError>(begin_anew(connection, &head, actor)?)
    })?;
    Ok(restored(head, position))
}

/// Puts the rows back. What triggers would write stands among them, and what refers to a row may come
/// before it.
fn put_back(connection: &mut Connection, archive: &mut Verified) -> Result<(), BackupError> {
    let tables = words(connection, TABLES)?;
    let references = words(connection, REFERENCES)?;
    for table in &tables {
        connection.batch(&format!(
            "ALTER TABLE {} DISABLE TRIGGER USER",
            quoted(table)
        ))?;
    }
    for reference in &references {
        connection.batch(&format!("{reference} DEFERRABLE INITIALLY DEFERRED"))?;
    }
    let all: Vec<String> = tables.iter().map(|table| quoted(table)).collect();
    connection.batch(&format!("TRUNCATE {}", all.join(", ")))?;
    let mut into = None;
    let mut rows = Rows::default();
    while let Some(line) = archive.line()? {
        match line.split_at_checked(2) {
            Some(("R ", row)) => {
                rows.add(row);
                if rows.are_many() {
                    rows.insert(connection, into.as_ref())?;
                }
            }
            Some(("T ", table)) => {
                rows.insert(connection, into.as_ref())?;
                into = Some(Table::of(connection, table)?);
            }
            Some(("S ", sequence)) => {
                rows.insert(connection, into.as_ref())?;
                set_sequence(connection, sequence)?;
            }
            _ => return Err(StoreError::unreadable("the backup").into()),
        }
    }
    rows.insert(connection, into.as_ref())?;
    // What is not checked yet keeps a table from being altered.
    connection.batch("SET CONSTRAINTS ALL IMMEDIATE")?;
    for reference in &references {
        connection.batch(&format!("{reference} NOT DEFERRABLE"))?;
    }
    for table in &tables {
        connection.batch(&format!(
            "ALTER TABLE {} ENABLE TRIGGER USER",
            quoted(table)
        ))?;
    }
    Ok(())
}

/// A table and its columns, as they stand in a statement.
struct Table {
    name: String,
    columns: String,
}

impl Table {
    fn of(connection: &mut Connection, name: &str) -> Result<Self, StoreError> {
        let mut sql = connection.sql(
            "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS word \
             FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attgenerated = '' \
             AND attrelid = to_regclass(quote_ident(",
        );
        sql.bind(name).push("))");
        let row: Option<super::Word> = connection.row(&sql)?;
        let columns = row.and_then(|row| row.word);
        Ok(Self {
            name: quoted(name),
            columns: columns.ok_or_else(|| StoreError::unreadable(name))?,
        })
    }
}

/// Rows that are inserted together, as the elements of an array.
#[derive(Default)]
struct Rows {
    text: String,
    count: usize,
}

impl Rows {
    fn add(&mut self, row: &str) {
        self.text.push(if self.count == 0 { '[' } else { ',' });
        self.text.push_str(row);
        self.count += 1;
    }

    fn are_many(&self) -> bool {
        self.count >= ROWS || self.text.len() >= BYTES
    }

    fn insert(
        &mut self,
        connection: &mut Connection,
        into: Option<&Table>,
    ) -> Result<(), StoreError> {
        let Some(table) = into.filter(|_| self.count > 0) else {
            return Ok(());
        };
        self.text.push(']');
        self.count = 0;
        let (name, columns) = (&table.name, &table.columns);
        let mut sql = connection.sql(&format!(
            "INSERT INTO {name} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} \
             FROM json_populate_recordset(CAST(NULL AS {name}), CAST("
        ));
        sql.bind(std::mem::take(&mut self.text)).push(" AS json))");
        connection.execute(&sql).map(drop)
    }
}

/// Has a sequence go on behind the number that it gave last.
fn set_sequence(connection: &mut Connection, said: &str) -> Result<(), StoreError> {
    let read = said
        .rsplit_once(' ')
        .and_then(|(name, last)| Some((name, last.parse().ok()?)));
    let (name, last): (&str, i64) = read.ok_or_else(|| StoreError::unreadable("the backup"))?;
    let mut sql = connection.sql("SELECT CAST(setval(CAST(quote_ident(");
    sql.bind(name).push(") AS regclass), ").bind(last);
    sql.push(") AS bigint) AS count");
    connection.row::<Count>(&sql).map(drop)
}

fn count(connection: &mut Connection, text: &str) -> Result<i64, StoreError> {
    let sql = connection.sql(text);
    let row: Option<Count> = connection.row(&sql)?;
    Ok(row.map_or(0, |row| row.count))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Our tables: the database is ours alone.
const TABLES: &str = "SELECT CAST(relname AS text) AS word FROM pg_class WHERE relkind = 'r' \
    AND relname <> '__diesel_schema_migrations' \
    AND relnamespace = to_regnamespace(quote_ident(current_schema())) ORDER BY relname";
/// Sequences that gave a number, with the last one.
const SEQUENCES: &str = "SELECT sequencename || ' ' || last_value AS word FROM pg_sequences \
    WHERE schemaname = current_schema() AND last_value IS NOT NULL ORDER BY sequencename";
/// How each reference is altered that is not deferrable.
const REFERENCES: &str = "SELECT format('ALTER TABLE %s ALTER CONSTRAINT %I', \
    CAST(conrelid AS regclass), conname) AS word FROM pg_constraint WHERE contype = 'f' \
    AND NOT condeferrable AND connamespace = to_regnamespace(quote_ident(current_schema()))";
/// How many rows, and how many bytes of them, are read and inserted at once.
const ROWS: usize = 500;
const BYTES: usize = 1 << 20;
