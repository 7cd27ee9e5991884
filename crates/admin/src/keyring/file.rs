//! The file of a key ring: its form, who may read it, and how it is changed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use scim_provisioning::{Environment, SystemEnvironment};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::KeyRingError;

/// What stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RingFile {
    pub(super) instance: String,
    pub(super) keys: Vec<KeyEntry>,
}

/// A key in the file.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    pub(super) key: String,
    #[zeroize(skip)]
    pub(super) created: DateTime<Utc>,
    role: String,
}

impl KeyEntry {
    /// A key of random numbers that signs.
    pub(super) fn generate() -> Result<Self, KeyRingError> {
        let mut secret = [0; 32];
        // What a test could foresee would be no key.
        SystemEnvironment
            .fill(&mut secret)
            .map_err(|_none| KeyRingError::Random)?;
        let entry = Self {
            key: STANDARD.encode(secret),
            created: SystemEnvironment.now(),
            role: SIGN.to_owned(),
        };
        secret.zeroize();
        Ok(entry)
    }

    pub(super) fn signs(&self) -> bool {
        self.role == SIGN
    }

    /// Has it verify what it signed, and sign no more.
    pub(super) fn stop_signing(&mut self) {
        VERIFY.clone_into(&mut self.role);
    }
}

/// By what a file is known to be the one that was read, as far as that is seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    inode: u64,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> Option<Self> {
        let known = fs::metadata(path).ok()?;
        Some(Self {
            length: known.len(),
            modified: known.modified().ok(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&known),
            #[cfg(not(unix))]
            inode: 0,
        })
    }
}

/// Reads a file that nobody else may read.
pub(super) fn read(path: &Path) -> Result<RingFile, KeyRingError> {
    match fs::read(path) {
        Ok(mut bytes) => {
            check_private(path)?;
            let file = serde_json::from_slice(&bytes);
            bytes.zeroize();
            // What serde says of it may quote a secret.
            file.map_err(|_quoting| KeyRingError::Malformed(path.into()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(KeyRingError::Missing(path.into()))
        }
        Err(source) => Err(failed(path)(source)),
    }
}

/// Makes the file of a new instance; answers whether another process was first.
pub(super) fn create(path: &Path) -> Result<(), KeyRingError> {
    let ring = RingFile {
        instance: SystemEnvironment.uuid().to_string(),
        keys: vec![KeyEntry::generate()?],
    };
    // A link fails when the file is there already, where a rename would replace it.
    let linked = write(path, &ring, |temporary| fs::hard_link(temporary, path));
    match linked {
        // Another process was first: its key ring counts.
        Err(KeyRingError::File { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
            Ok(())
        }
        other => other,
    }
}

/// Changes what stands in the file; nobody ever reads a part of it.
pub(super) fn change<T>(
    path: &Path,
    change: impl FnOnce(&mut RingFile) -> Result<T, KeyRingError>,
) -> Result<T, KeyRingError> {
    // Whoever changes it at the same time comes behind, and reads what was made of it here.
    let _held = lock(path).map_err(failed(path))?;
    let mut ring = read(path)?;
    let changed = change(&mut ring)?;
    write(path, &ring, |temporary| fs::rename(temporary, path))?;
    Ok(changed)
}

/// Holds the file that stands at a path against whoever else changes it.
fn lock(path: &Path) -> io::Result<File> {
    loop {
        let held = File::open(path)?;
        held.lock()?;
        // A change puts another file in its place: who waited for the one before holds one that is
        // not there any more.
        if is_at(&held, path)? {
            return Ok(held);
        }
    }
}

#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (held, there) = (file.metadata()?, fs::metadata(path)?);
    Ok((held.dev(), held.ino()) == (there.dev(), there.ino()))
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Writes a file that nobody else can read, whole or not at all.
fn write(
    path: &Path,
    ring: &RingFile,
    place: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), KeyRingError> {
    let text = serde_json::to_string_pretty(ring);
    let mut text = text.map_err(|error| failed(path)(error.into()))?;
    let temporary = path.with_extension(format!("{}.new", SystemEnvironment.uuid()));
    let written = write_private(&temporary, text.as_bytes());
    text.zeroize();
    let placed = written.and_then(|()| place(&temporary));
    // After a rename it is not there any more.
    let _gone = fs::remove_file(&temporary);
    placed
        .and_then(|()| sync_folder(path))
        .map_err(failed(path))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes).and_then(|()| file.sync_all())
}

/// A name is as durable as the folder it stands in.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> KeyRingError {
    move |source| KeyRingError::File {
        path: path.into(),
        source,
    }
}

/// Nobody but the owner and the group may read it; the group only where this process is of it, as
/// containers are given secrets.
#[cfg(unix)]
fn check_private(path: &Path) -> Result<(), KeyRingError> {
    use std::os::unix::fs::MetadataExt;
    let known = fs::metadata(path).map_err(failed(path))?;
    let shared = known.mode() & 0o077;
    if shared == 0 || (shared == 0o040 && is_of_group(known.gid())) {
        return Ok(());
    }
    Err(KeyRingError::Exposed(path.into()))
}

#[cfg(unix)]
fn is_of_group(group: u32) -> bool {
    let group = rustix::process::Gid::from_raw(group);
    rustix::process::getegid() == group
        || rustix::process::getgroups().is_ok_and(|groups| groups.contains(&group))
}

#[cfg(not(unix))]
fn check_private(_path: &Path) -> Result<(), KeyRingError> {
    Ok(())
}

const SIGN: &str = "sign";
const VERIFY: &str = "verify";
