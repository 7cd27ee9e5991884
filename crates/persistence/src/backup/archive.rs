//! The file of a backup.
//!
//! A line that says what it is, a line of JSON that says of what, the data, and SHA-256 over all of
//! it. The data is the file of SQLite, or the rows of PostgreSQL by table.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};
use scim_admin::safekeeping::BackupHead;
use scim_provisioning::{Environment, SystemEnvironment};

use super::BackupError;

/// A backup that is being written. What is dropped before it is finished leaves nothing.
pub(super) struct Archive {
    path: PathBuf,
    part: PathBuf,
    out: BufWriter<File>,
    digest: Context,
}

impl Archive {
    /// Begins a backup at a path where nothing is.
    pub(super) fn begin(path: &Path, head: &BackupHead) -> Result<Self, BackupError> {
        check_free(path)?;
        let part = beside(path, "part");
        let out = private(&part).map_err(BackupError::file(&part))?;
        let mut archive = Self {
            path: path.to_owned(),
            part,
            out: BufWriter::new(out),
            digest: Context::new(&SHA256),
        };
        let mut head = serde_json::to_vec(head).map_err(|_json| BackupError::unreadable(path))?;
        head.push(b'\n');
        archive.write(MAGIC)?;
        archive.write(&head)?;
        Ok(archive)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.digest.update(bytes);
        let written = self.out.write_all(bytes);
        written.map_err(BackupError::file(&self.part))
    }

    /// Writes everything that another file holds.
    pub(super) fn write_file(&mut self, path: &Path) -> Result<(), BackupError> {
        let mut file = File::open(path).map_err(BackupError::file(path))?;
        let mut bytes = vec![0; PIECE];
        loop {
            let read = file.read(&mut bytes).map_err(BackupError::file(path))?;
            match bytes.get(..read) {
                Some([]) | None => return Ok(()),
                Some(piece) => self.write(piece)?,
            }
        }
    }

    /// Ends the backup: it is whole and durable when it stands at its path.
    pub(super) fn finish(mut self) -> Result<(), BackupError> {
        let digest = std::mem::replace(&mut self.digest, Context::new(&SHA256)).finish();
        let end = end_of(digest.as_ref());
        let written = self.out.write_all(&end).and_then(|()| self.out.flush());
        let written = written.and_then(|()| self.out.get_ref().sync_all());
        written.map_err(BackupError::file(&self.part))?;
        check_free(&self.path)?;
        place(&self.part, &self.path).map_err(BackupError::file(&self.path))
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        // It is not there any more when it was finished.
        let _gone = fs::remove_file(&self.part);
    }
}

/// A backup whose every byte was found as it was written.
pub(super) struct Verified {
    pub(super) head: BackupHead,
    data: io::Take<BufReader<File>>,
    path: PathBuf,
}

impl Verified {
    /// Opens a backup, and reads it once to see that it is whole.
    pub(super) fn open(path: &Path) -> Result<Self, BackupError> {
        let file = |error| BackupError::file(path)(error);
        let mut opened = File::open(path).map_err(file)?;
        let length = opened.metadata().map_err(file)?.len();
        let end = u64::try_from(END).unwrap_or(u64::MAX);
        let whole = length
            .checked_sub(end)
            .ok_or_else(|| BackupError::unreadable(path))?;
        let mut digest = Context::new(&SHA256);
        let mut rest = (&mut opened).take(whole);
        let mut bytes = vec![0; PIECE];
        loop {
            let read = rest.read(&mut bytes).map_err(file)?;
            match bytes.get(..read) {
                Some([]) | None => break,
                Some(piece) => digest.update(piece),
            }
        }
        let mut said = Vec::new();
        opened.read_to_end(&mut said).map_err(file)?;
        opened.seek(SeekFrom::Start(0)).map_err(file)?;
        let mut data = BufReader::new(opened).take(whole);
        let mut magic = vec![0; MAGIC.len()];
        let known = data.read_exact(&mut magic).is_ok() && magic == MAGIC;
        if !known {
            return Err(BackupError::unreadable(path));
        }
        if said != end_of(digest.finish().as_ref()) {
            return Err(BackupError::Damaged(path.to_owned()));
        }
        let mut head = String::new();
        data.read_line(&mut head).map_err(file)?;
        let head = serde_json::from_str(&head).map_err(|_json| BackupError::unreadable(path))?;
        Ok(Self {
            head,
            data,
            path: path.to_owned(),
        })
    }

    /// Writes the data to a file that nobody else reads.
    pub(super) fn extract(mut self, to: &Path) -> Result<(), BackupError> {
        let mut out = private(to).map_err(BackupError::file(to))?;
        io::copy(&mut self.data, &mut out).map_err(BackupError::file(to))?;
        out.sync_all().map_err(BackupError::file(to))
    }

    /// The next line of the data, without its end.
    pub(super) fn line(&mut self) -> Result<Option<String>, BackupError> {
        let mut line = String::new();
        let read = self
            .data
            .read_line(&mut line)
            .map_err(BackupError::file(&self.path))?;
        if line.ends_with('\n') {
            line.pop();
        }
        Ok((read > 0).then_some(line))
    }
}

/// Another path in the same folder, which nobody else uses.
pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.{what}", SystemEnvironment.uuid().simple()));
    name.into()
}

/// Makes a file that only its owner reads.
pub(super) fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Gives a file its name, and has the folder keep it.
pub(super) fn place(part: &Path, path: &Path) -> io::Result<()> {
    fs::rename(part, path)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

fn check_free(path: &Path) -> Result<(), BackupError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(BackupError::file(path)(error)),
        Ok(_) => Err(BackupError::Exists(path.to_owned())),
    }
}

fn end_of(digest: &[u8]) -> Vec<u8> {
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\nsha256 {hex}\n").into_bytes()
}

const MAGIC: &[u8] = b"serviceops-scim backup 1\n";
/// How many bytes [`end_of`] has.
const END: usize = 1 + 7 + 64 + 1;
const PIECE: usize = 64 * 1024;
