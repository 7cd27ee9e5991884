//! The file of SQLite: which one it is, so that no other one is written beside it.

use std::fs::{self, OpenOptions};
use std::io;

/// A file of SQLite, and which one it was when it was opened first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    path: String,
    /// Once it is known, no other file is opened at the path, and none is made.
    identity: Option<Identity>,
}

/// What a file keeps when it is renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

/// The file is not the one that was opened first.
#[derive(Debug, thiserror::Error)]
#[error("the file {0} was replaced or taken away")]
pub(crate) struct Replaced(String);

impl File {
    /// A file that is made when it is opened and not there.
    pub(crate) fn of(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            identity: None,
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether there is anything in it.
    pub(crate) fn is_there(&self) -> io::Result<bool> {
        match fs::metadata(&self.path) {
            Ok(known) => Ok(known.len() > 0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether what was written of a file lies beside it, and the file itself is not there: whoever
    /// made another one would mix the two.
    pub(crate) fn is_orphaned(&self) -> io::Result<bool> {
        let log = fs::metadata(format!("{}-wal", self.path));
        Ok(!self.is_there()? && log.is_ok_and(|log| log.len() > 0))
    }

    /// The same file from now on, and no other one at its path.
    pub(crate) fn pinned(self) -> io::Result<Self> {
        Ok(Self {
            identity: identity(&self.path)?,
            ..self
        })
    }

    /// Whether the file at the path is the one that was opened first.
    ///
    /// # Errors
    /// [`Replaced`], also when nobody can tell.
    pub(crate) fn check_in_place(&self) -> Result<(), Replaced> {
        match self.identity {
            Some(known) if identity(&self.path).ok().flatten() != Some(known) => {
                Err(Replaced(self.path.clone()))
            }
            _ => Ok(()),
        }
    }

    /// How SQLite is told of it: as a URI that makes no file where it must be there.
    pub(crate) fn address(&self) -> String {
        if self.identity.is_none() {
            return self.path.clone();
        }
        let host = if self.path.starts_with('/') { "//" } else { "" };
        let mut address = format!("file:{host}");
        for character in self.path.chars() {
            match character {
                '%' => address.push_str("%25"),
                '?' => address.push_str("%3f"),
                '#' => address.push_str("%23"),
                other => address.push(other),
            }
        }
        address + "?mode=rw"
    }

    /// Makes it so that only its owner reads it; SQLite gives its side files the same permissions.
    pub(crate) fn make_private(&self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path).map(drop)
    }
}

#[cfg(unix)]
fn identity(path: &str) -> io::Result<Option<Identity>> {
    use std::os::unix::fs::MetadataExt;
    let known = fs::metadata(path)?;
    Ok(Some(Identity {
        device: known.dev(),
        inode: known.ino(),
    }))
}

#[cfg(not(unix))]
fn identity(_path: &str) -> io::Result<Option<Identity>> {
    Ok(None)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::File;

    fn no_other_file_is_opened_in_the_place_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a?b#c%20.db").display().to_string();
        let file = File::of(&*path);
        assert!(!file.is_there().unwrap());
        std::fs::write(&path, "").unwrap();
        assert!(!file.is_there().unwrap(), "it is empty");
        let pinned = file.pinned().unwrap();
        pinned.check_in_place().unwrap();
        let link = crate::sqlite::Link::to_file(&pinned.address());
        assert!(link.is_ok(), "{}", pinned.address());
        std::fs::rename(&path, folder.path().join("away")).unwrap();
        pinned.check_in_place().unwrap_err();
        assert!(crate::sqlite::Link::to_file(&pinned.address()).is_err());
        assert!(!std::path::Path::new(&path).exists(), "none was made");
        std::fs::write(&path, "").unwrap();
        pinned.check_in_place().unwrap_err();
    }

    pub(crate) fn add_to(suite: &mut engines::Suite) {
        engines::add_tests! {
            suite;
            once: no_other_file_is_opened_in_the_place_of_one;
        }
    }
}
