//! Backups of a database while it is used, and putting one back where there is none.
//!
//! On SQLite `VACUUM INTO` writes what one reading transaction sees into another file: it ends
//! however much is written meanwhile. On PostgreSQL one transaction reads the rows of every table.
//! Either is put back as the version that it was made of, and brought to this version then.

mod archive;
#[cfg(feature = "postgres")]
mod server;
mod sqlite;

use std::io;
use std::path::{Path, PathBuf};

use diesel::sql_types::{Nullable, Text};
use scim_admin::event::AuditEntry;
use scim_admin::safekeeping::{BackupHead, Restored};
use scim_provisioning::{Environment, StoreError, SystemEnvironment};
use serde_json::json;

use self::archive::Verified;
use crate::connection::Connection;
use crate::feed;
use crate::target::{OpenError, Target, target};
use crate::upgrade::{self, Failed};

/// Why a backup could not be made or put back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed.
    #[error("the database failed: {0}")]
    Store(#[source] StoreError),
    /// A file cannot be read or written.
    #[error("{} cannot be read or written: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is something at the path of a new backup.
    #[error("there is a file {} already; name another one", .0.display())]
    Exists(PathBuf),
    /// The file is no backup, or that of a newer version.
    #[error("{} is no backup that this program can read", .0.display())]
    Unreadable(PathBuf),
    /// The file is not as it was written.
    #[error("the backup {} is damaged: its checksum is another one; take another backup", .0.display())]
    Damaged(PathBuf),
    /// The backup is that of another engine.
    #[error("this is a backup of {0}, which goes back into {0} alone; name such a database")]
    OtherEngine(String),
    /// The backup has migrations that this program does not know.
    #[error("the backup was made by a newer version of this program; install that version")]
    Newer,
    /// There is something where it is to be put back.
    #[error("{0} is not empty; a backup goes back into an empty data directory or database alone")]
    NotEmpty(String),
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failed> for BackupError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Held => Self::Store(StoreError::Busy),
            Failed::Migration(error) => Self::Open(OpenError::Tables(error)),
        }
    }
}

impl BackupError {
    fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::File {
            path: path.to_owned(),
            source,
        }
    }

    fn unreadable(path: &Path) -> Self {
        Self::Unreadable(path.to_owned())
    }
}

/// Writes a backup of a database to a file, which is not there before and which nobody else reads.
/// Whoever works on the database goes on.
///
/// # Errors
/// [`BackupError`]; there is no file then.
pub fn backup(url: &str, path: &Path) -> Result<BackupHead, BackupError> {
    let target = target(url)?.existing()?;
    let unreachable = |error| OpenError::Unreachable(Box::new(error));
    let mut connection = target.connect_bare().map_err(unreachable)?;
    upgrade::check(&mut connection, &target)?;
    match &target {
        Target::Sqlite(_) => sqlite::backup(&mut connection, path),
        #[cfg(feature = "postgres")]
        Target::Postgres(_) => server::backup(&mut connection, path),
    }
}

/// Puts a backup back where there is no database, and brings it to this version. Positions of the
/// feed begin anew, so that every receiver takes a snapshot; nobody is signed in to the console.
///
/// # Errors
/// [`BackupError`]; there is no database then.
pub fn restore(url: &str, path: &Path, actor: &str) -> Result<Restored, BackupError> {
    let target = target(url)?;
    let archive = Verified::open(path)?;
    let engine = match &target {
        Target::Sqlite(_) => SQLITE,
        #[cfg(feature = "postgres")]
        Target::Postgres(_) => POSTGRES,
    };
    if archive.head.engine != engine {
        return Err(BackupError::OtherEngine(archive.head.engine));
    }
    match &target {
        Target::Sqlite(file) => sqlite::restore(file, archive, actor),
        #[cfg(feature = "postgres")]
        Target::Postgres(_) => server::restore(&target, archive, actor),
    }
}

#[derive(diesel::QueryableByName)]
struct Word {
    #[diesel(sql_type = Nullable<Text>)]
    word: Option<String>,
}

fn words(connection: &mut Connection, text: &str) -> Result<Vec<String>, StoreError> {
    let sql = connection.sql(text);
    let rows: Vec<Word> = connection.rows(&sql)?;
    Ok(rows.into_iter().filter_map(|row| row.word).collect())
}

/// What a database says of itself.
fn head(connection: &mut Connection, engine: &str) -> Result<BackupHead, StoreError> {
    let migrations = "SELECT version AS word FROM __diesel_schema_migrations ORDER BY version";
    let keys = "SELECT id AS word FROM instance_keys WHERE retired_at IS NULL \
                ORDER BY created_at DESC, id";
    Ok(BackupHead {
        engine: engine.to_owned(),
        made_at: SystemEnvironment.now(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        migrations: words(connection, migrations)?,
        instance: words(connection, "SELECT instance_id AS word FROM instance")?.pop(),
        keys: words(connection, keys)?,
    })
}

/// What is done to a database that was put back, before anybody uses it, in the transaction that is
/// open.
fn begin_anew(
    connection: &mut Connection,
    head: &BackupHead,
    actor: &str,
) -> Result<i64, StoreError> {
    let now = SystemEnvironment.now();
    let position = feed::restart(connection, now)?;
    // Whoever signed out since then would be signed in again.
    let sql = connection.sql("DELETE FROM sessions");
    connection.execute(&sql)?;
    let mut sql = connection.sql("UPDATE instance SET kept_up_at = ");
    sql.bind(now.timestamp_millis());
    sql.push(", doubted_since = NULL, doubted_at = NULL");
    connection.execute(&sql)?;
    let audit = AuditEntry {
        at: now,
        actor: actor.to_owned(),
        source: None,
        event: "database.restored".into(),
        object: "database".to_owned(),
        configuration: None,
        details: json!({"backupMadeAt": head.made_at.to_rfc3339(), "feedPosition": position}),
    };
    crate::log::audit(connection, &audit)?;
    Ok(position)
}

fn restored(head: BackupHead, position: i64) -> Restored {
    Restored {
        head,
        feed_position: position,
    }
}

const SQLITE: &str = "sqlite";
#[cfg(feature = "postgres")]
const POSTGRES: &str = "postgres";
