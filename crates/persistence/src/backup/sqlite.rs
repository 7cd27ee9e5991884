//! Backups of SQLite: the file that `VACUUM INTO` writes.

use std::fs;
use std::path::{Path, PathBuf};

use scim_admin::safekeeping::{BackupHead, Restored};

use super::archive::{Archive, Verified, beside, place, private};
use super::{BackupError, SQLITE, begin_anew, head, restored};
use crate::connection::Connection;
use crate::file::File;
use crate::health;
use crate::target::{OpenError, Target};
use crate::upgrade;

/// A file on the way, which is gone in the end, with those that SQLite makes beside it.
struct Passing(PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm", "-journal"] {
            // Most of them are not there.
            let _gone = fs::remove_file(with_end(&self.0, end));
        }
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

pub(super) fn backup(connection: &mut Connection, path: &Path) -> Result<BackupHead, BackupError> {
    let copy = Passing(beside(path, "copy"));
    // SQLite takes an empty file, and its permissions.
    private(&copy.0).map_err(BackupError::file(&copy.0))?;
    let mut sql = connection.sql("VACUUM INTO ");
    sql.bind(copy.0.to_string_lossy().into_owned());
    connection.execute(&sql)?;
    let head = head(&mut open(&copy.0)?, SQLITE)?;
    let mut archive = Archive::begin(path, &head)?;
    archive.write_file(&copy.0)?;
    archive.finish()?;
    Ok(head)
}

pub(super) fn restore(
    file: &File,
    archive: Verified,
    actor: &str,
) -> Result<Restored, BackupError> {
    let path = Path::new(file.path());
    for end in ["", "-wal", "-shm", "-journal"] {
        let found = with_end(path, end);
        if fs::symlink_metadata(&found).is_ok() {
            return Err(BackupError::NotEmpty(found.display().to_string()));
        }
    }
    let head = archive.head.clone();
    let part = Passing(beside(path, "restored"));
    archive.extract(&part.0)?;
    let mut connection = open(&part.0)?;
    health::check_pages(&mut connection)?;
    if !upgrade::knows(&connection, &head.migrations) {
        return Err(BackupError::Newer);
    }
    let position = upgrade::in_one_transaction(&mut connection, |connection| {
        upgrade::apply(connection, None)?;
        Ok::<_, BackupError>(begin_anew(connection, &head, actor)?)
    })?;
    drop(connection);
    let synced = fs::File::open(&part.0).and_then(|file| file.sync_all());
    synced.map_err(BackupError::file(&part.0))?;
    if fs::symlink_metadata(path).is_ok() {
        return Err(BackupError::NotEmpty(file.path().to_owned()));
    }
    place(&part.0, path).map_err(BackupError::file(path))?;
    Ok(restored(head, position))
}

fn open(path: &Path) -> Result<Connection, BackupError> {
    let target = Target::Sqlite(File::of(path.to_string_lossy()));
    let opened = target.connect_bare();
    Ok(opened.map_err(|error| OpenError::Unreachable(Box::new(error)))?)
}
