//! Making, opening and deleting copies of the directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::sql_types::Text;
use scim_admin::rehearsal::Rehearsal;
use scim_admin::run::{Run, RunCounts, RunState};
use scim_provisioning::{RunId, RunKind, StoreError};

use crate::connection::Connection;
use crate::database::Database;
use crate::error::{failed, unavailable};
use crate::file::File;
use crate::runs;
use crate::sql::{Dialect, Sql};
use crate::target::{OpenError, Target};
use crate::time::millis;
use crate::upgrade::{self, Failed};

#[derive(diesel::QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

fn words(connection: &mut Connection, text: &str) -> Result<Vec<String>, StoreError> {
    let sql = connection.sql(text);
    let rows: Vec<Word> = connection.rows(&sql)?;
    Ok(rows.into_iter().map(|row| row.word).collect())
}

/// What a copy has of the directory, in the order in which rows refer to others; and of which rows.
const COPIED: [(&str, Of); 19] = [
    ("provisioning_configurations", Of::All),
    ("mapping_versions", Of::All),
    ("custom_fields", Of::All),
    ("field_catalog", Of::All),
    ("reference_values", Of::All),
    ("users", Of::All),
    ("user_emails", Of::All),
    ("groups", Of::All),
    ("group_members", Of::All),
    ("awaited_members", Of::All),
    ("group_grants", Of::All),
    ("manual_grants", Of::All),
    ("held_changes", Of::All),
    ("link_candidates", Of::All),
    ("resource_totals", Of::All),
    ("accounts", Of::WithoutSecrets),
    ("provisioning_events", Of::Departures),
    ("runs", Of::TakenBack),
    ("run_images", Of::PutBack),
];

/// Which rows of a table a copy has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    All,
    /// All, and none of what somebody signs in with.
    WithoutSecrets,
    /// Who left lately, whom the guard counts, and who came back by an undo.
    Departures,
    /// Undos of the last day, and what they took back: what of it is asked for again is held.
    TakenBack,
    /// Whom those undos put back into groups.
    PutBack,
}

/// The undos of the last day, of which `{column}` is asked for.
fn push_undos(sql: &mut Sql, directory: &str, rehearsal: &Rehearsal, column: &str) {
    sql.push(&format!(
        "(SELECT {column} FROM {directory}.runs WHERE kind = 'undo' AND configuration_id = "
    ));
    sql.bind(rehearsal.configuration.to_string());
    sql.push(" AND began_at >= ")
        .bind(millis(rehearsal.began - GUARDED))
        .push(")");
}

/// Makes the copy of a rehearsal.
pub(super) fn make(target: &Target, rehearsal: &Rehearsal, name: &str) -> Result<(), StoreError> {
    let copy = target.copy(rehearsal.id);
    let made = build(target, &copy, rehearsal, name);
    if made.is_err() {
        // What is left of it is found by the next upkeep otherwise.
        let _gone = forget(target, rehearsal.id);
    }
    made
}

fn build(
    target: &Target,
    copy: &Target,
    rehearsal: &Rehearsal,
    name: &str,
) -> Result<(), StoreError> {
    let mut connection = migrate(copy, true)?;
    let connection = &mut connection;
    let (begin, directory) = match target {
        Target::Sqlite(file) => {
            let mut attach = connection.sql("ATTACH DATABASE ");
            attach.bind(file.path()).push(" AS directory");
            connection.execute(&attach)?;
            connection.batch("PRAGMA foreign_keys = OFF")?;
            ("BEGIN IMMEDIATE".to_owned(), "directory".to_owned())
        }
        #[cfg(feature = "postgres")]
        Target::Postgres(_) => {
            let found = words(connection, "SELECT CAST(current_schema() AS text) AS word")?;
            let begin = format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE; {}; {LOCAL}",
                connection.search_path().unwrap_or_default()
            );
            (begin, quoted(&found.concat()))
        }
    };
    connection.batch(&begin)?;
    let filled = fill(connection, &directory, rehearsal, name);
    connection.batch(if filled.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    filled
}

/// Fills the tables of a copy with what the directory is.
fn fill(
    connection: &mut Connection,
    directory: &str,
    rehearsal: &Rehearsal,
    name: &str,
) -> Result<(), StoreError> {
    let triggers = without_triggers(connection)?;
    for (table, _) in COPIED.iter().rev() {
        connection.batch(&format!("DELETE FROM {table}"))?;
    }
    for (table, of) in COPIED {
        let columns = columns(connection, table)?;
        let read = columns.iter().map(|column| match (of, column.as_str()) {
            (Of::WithoutSecrets, "\"password_hash\"") => "''".to_owned(),
            _ => column.clone(),
        });
        let read: Vec<String> = read.collect();
        let mut sql = connection.sql(&format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {directory}.{table}",
            columns.join(", "),
            read.join(", ")
        ));
        match of {
            Of::All | Of::WithoutSecrets => {}
            Of::Departures => {
                sql.push(
                    " WHERE (action IN ('block', 'archive', 'delete') AND resource_type = 'User' \
                     AND configuration_id = ",
                );
                sql.bind(rehearsal.configuration.to_string());
                sql.push(" AND at >= ")
                    .bind(millis(rehearsal.began - GUARDED));
                for (run, which) in [("id", ""), ("of_run", LEAVING)] {
                    sql.push(") OR (resource_type = 'User' AND run IN ");
                    push_undos(&mut sql, directory, rehearsal, run);
                    sql.push(which);
                }
                sql.push(")");
            }
            Of::TakenBack => {
                sql.push(" WHERE id IN ");
                push_undos(&mut sql, directory, rehearsal, "id");
                sql.push(" OR id IN ");
                push_undos(&mut sql, directory, rehearsal, "of_run");
            }
            Of::PutBack => {
                sql.push(" WHERE subject = 'membership' AND old IS NULL AND run IN ");
                push_undos(&mut sql, directory, rehearsal, "id");
            }
        }
        connection.execute(&sql)?;
    }
    connection.batch(
        "INSERT INTO rehearsal_base (id, version) SELECT id, version FROM users \
         UNION ALL SELECT id, version FROM groups",
    )?;
    for put_back in triggers {
        connection.batch(&put_back)?;
    }
    let run = Run {
        id: rehearsal.id,
        kind: RunKind::GoLive.into(),
        configuration: Some((rehearsal.configuration, name.to_owned())),
        actor: rehearsal.actor.clone(),
        began: rehearsal.began,
        ended: None,
        state: RunState::Running,
        undoes: None,
        forgotten: false,
        counts: RunCounts::default(),
    };
    runs::insert(connection, &run)
}

/// Lets nobody change a copy any more. Who is about to is waited for, so that nothing is changed of
/// what is carried over already; whoever comes later is told that the store failed, thus to come again.
pub(super) fn close(connection: &mut Connection) -> Result<(), StoreError> {
    let statements: &[&str] = match connection.dialect() {
        Dialect::Sqlite => &[
            "CREATE TRIGGER IF NOT EXISTS rehearsal_closed BEFORE INSERT ON run_images \
            BEGIN SELECT RAISE(ABORT, 'the rehearsal goes live'); END",
        ],
        #[cfg(feature = "postgres")]
        Dialect::Postgres => &[
            "CREATE OR REPLACE FUNCTION rehearsal_closed() RETURNS trigger LANGUAGE plpgsql AS \
            $$ BEGIN RAISE EXCEPTION 'the rehearsal goes live'; END $$",
            "DROP TRIGGER IF EXISTS rehearsal_closed ON run_images",
            "CREATE TRIGGER rehearsal_closed BEFORE INSERT ON run_images \
            FOR EACH ROW EXECUTE FUNCTION rehearsal_closed()",
        ],
    };
    for statement in statements {
        // Not as a batch, which would not name the schema of the copy before.
        let sql = connection.sql(statement);
        connection.execute(&sql)?;
    }
    Ok(())
}

/// Takes the triggers away, which would record the copy as changes; answers what puts them back.
fn without_triggers(connection: &mut Connection) -> Result<Vec<String>, StoreError> {
    if connection.dialect() == Dialect::Sqlite {
        let made = words(
            connection,
            "SELECT sql AS word FROM main.sqlite_schema WHERE type = 'trigger' ORDER BY rowid",
        )?;
        let names = words(
            connection,
            "SELECT name AS word FROM main.sqlite_schema WHERE type = 'trigger'",
        )?;
        for name in names {
            connection.batch(&format!("DROP TRIGGER main.{}", quoted(&name)))?;
        }
        return Ok(made);
    }
    let mut put_back = Vec::new();
    for (table, _) in COPIED {
        connection.batch(&format!("ALTER TABLE {table} DISABLE TRIGGER USER"))?;
        put_back.push(format!("ALTER TABLE {table} ENABLE TRIGGER USER"));
    }
    Ok(put_back)
}

/// The columns of a table that a statement writes, but for ids that the table gives.
pub(super) fn columns(connection: &mut Connection, table: &str) -> Result<Vec<String>, StoreError> {
    let mut sql = match connection.dialect() {
        Dialect::Sqlite => connection.sql("SELECT name AS word FROM pragma_table_info("),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => connection.sql(
            "SELECT CAST(attname AS text) AS word FROM pg_attribute WHERE attnum > 0 \
             AND NOT attisdropped AND attgenerated = '' AND attidentity = '' \
             AND attrelid = to_regclass(",
        ),
    };
    sql.bind(table).push(")");
    if connection.dialect() != Dialect::Sqlite {
        sql.push(" ORDER BY attnum");
    }
    let rows: Vec<Word> = connection.rows(&sql)?;
    Ok(rows.into_iter().map(|row| quoted(&row.word)).collect())
}

/// Brings the tables of a copy to this version, and makes them where it `is_new`.
fn migrate(copy: &Target, is_new: bool) -> Result<Connection, StoreError> {
    let mut connection = match is_new {
        true => upgrade::connect(copy).map_err(closed)?,
        false => copy.connect_bare().map_err(unavailable)?,
    };
    if connection.link.is_file() {
        connection.batch("PRAGMA journal_mode = WAL")?;
    }
    let until = Instant::now() + PATIENCE;
    loop {
        let done = upgrade::in_one_transaction(&mut connection, |connection| {
            if let Some(path) = connection.search_path() {
                if is_new {
                    let schema = connection.schema().unwrap_or_default();
                    connection.batch(&format!("CREATE SCHEMA {}", quoted(&schema)))?;
                }
                connection.batch(&path)?;
            }
            upgrade::apply(connection, None).map(drop)
        });
        match done {
            Ok(()) => return Ok(connection),
            Err(Failed::Held) if Instant::now() < until => std::thread::sleep(LOOK),
            Err(Failed::Held) => return Err(StoreError::Busy),
            Err(Failed::Migration(error)) => return Err(failed(error)),
        }
    }
}

/// Opens the copy of a rehearsal. One that an older version made is brought to this one.
pub(super) fn open(live: &Database, id: RunId) -> Result<Arc<Database>, StoreError> {
    let target = &live.target;
    if !list(target)?.contains(&id) {
        return Err(unavailable(NotThere));
    }
    let copy = target.copy(id);
    drop(migrate(&copy, false)?);
    let connections = live.pool.max_size().min(CONNECTIONS);
    let existing = copy.existing().map_err(closed)?;
    Database::on(
        existing,
        &live.base_url,
        connections,
        Arc::clone(&live.environment),
    )
    .map_err(closed)
}

fn closed(error: OpenError) -> StoreError {
    match error {
        OpenError::Newer => failed(error),
        other => unavailable(other),
    }
}

/// The copy of a rehearsal is gone.
#[derive(Debug, thiserror::Error)]
#[error("the copy of the rehearsal is not there")]
struct NotThere;

/// The copies that there are.
pub(super) fn list(target: &Target) -> Result<Vec<RunId>, StoreError> {
    match target {
        Target::Sqlite(file) => {
            let (folder, name) = parts(file.path());
            let found = std::fs::read_dir(&folder).map_err(unavailable)?;
            let prefix = format!("{name}{BEHIND}");
            let names = found.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            Ok(names
                .filter_map(|name| RunId::parse(name.strip_prefix(&prefix)?))
                .collect())
        }
        #[cfg(feature = "postgres")]
        Target::Postgres(_) => {
            let mut connection = target.connect().map_err(unavailable)?;
            let found = words(
                &mut connection,
                "SELECT CAST(nspname AS text) AS word FROM pg_namespace \
                 WHERE starts_with(CAST(nspname AS text), 'rehearsal_')",
            )?;
            let id = |name: &String| {
                let plain = uuid::Uuid::try_parse(name.strip_prefix("rehearsal_")?).ok()?;
                Some(RunId::of(plain))
            };
            Ok(found.iter().filter_map(id).collect())
        }
    }
}

/// Deletes a copy, if it is there.
pub(super) fn forget(target: &Target, id: RunId) -> Result<(), StoreError> {
    match target.copy(id) {
        Target::Sqlite(file) => {
            for end in ["-wal", "-shm", "-journal", ""] {
                match std::fs::remove_file(format!("{}{end}", file.path())) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(unavailable(error));
                    }
                    _ => {}
                }
            }
            Ok(())
        }
        #[cfg(feature = "postgres")]
        Target::Postgres(server) => {
            let mut connection = target.connect_bare().map_err(unavailable)?;
            let schema = quoted(&server.schema.unwrap_or_default());
            connection.batch(&format!(
                "BEGIN; {LOCAL}; SET LOCAL lock_timeout = '10s'; \
                 DROP SCHEMA IF EXISTS {schema} CASCADE; COMMIT"
            ))
        }
    }
}

fn parts(path: &str) -> (PathBuf, String) {
    let path = Path::new(path);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    (
        folder.unwrap_or(Path::new(".")).to_owned(),
        name.into_owned(),
    )
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Target {
    /// Where the copy of a rehearsal is.
    pub(crate) fn copy(&self, id: RunId) -> Self {
        match self {
            Self::Sqlite(file) => Self::Sqlite(File::of(format!("{}{BEHIND}{id}", file.path()))),
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => {
                let plain = id.to_string().replace('-', "");
                Self::Postgres(crate::target::Server {
                    schema: Some(format!("rehearsal_{plain}")),
                    ..server.clone()
                })
            }
        }
    }
}

/// How somebody leaves.
const LEAVING: &str = " AND action IN ('block', 'archive', 'delete')";
/// What stands between the name of a database and the id of the rehearsal.
const BEHIND: &str = "-rehearsal-";
/// How many connections a copy has at most.
const CONNECTIONS: u32 = 8;
/// The longest time in which a guard counts who left, and in which what was taken back is held.
const GUARDED: TimeDelta = TimeDelta::hours(25);
/// How long is waited for somebody else who changes tables.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);
/// A copy takes as long as it takes.
#[cfg(feature = "postgres")]
const LOCAL: &str = "SET LOCAL statement_timeout = 0; \
    SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL client_min_messages = warning";
