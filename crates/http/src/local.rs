//! Sockets of this machine: whoever may open the file speaks plain HTTP, as the reverse proxy that
//! terminates TLS beside the server.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A socket that is listened at, whose file goes with it.
#[derive(Debug)]
pub struct LocalSocket {
    listener: UnixListener,
    file: SocketFile,
}

/// The file of a socket, which is taken away with it unless another server put its own there.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// The device and the number of the file.
    node: (u64, u64),
}

/// That a connection came through a socket of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThroughSocket;

impl LocalSocket {
    /// Listens at a path, where nothing is or what a server left there that is no more. User and
    /// group may open it, nobody else; its group is that of the folder where that says so (setgid).
    ///
    /// # Errors
    /// When somebody listens there, something else is there, or the folder cannot be written.
    pub fn bind(path: &Path) -> io::Result<Self> {
        check_free(path)?;
        // Under another name first: nobody finds it before it is for those alone whom it is for.
        let beside = path.with_file_name(format!(".{}", std::process::id()));
        if fs::symlink_metadata(&beside).is_ok_and(|left| left.file_type().is_socket()) {
            // One of the same number was killed in between.
            fs::remove_file(&beside)?;
        }
        let listener = UnixListener::bind(&beside)?;
        let placed = fs::set_permissions(&beside, Permissions::from_mode(MODE))
            .and_then(|()| fs::metadata(&beside))
            .and_then(|made| fs::rename(&beside, path).map(|()| (made.dev(), made.ino())));
        match placed {
            Ok(node) => Ok(Self {
                listener,
                file: SocketFile {
                    path: path.to_owned(),
                    node,
                },
            }),
            Err(error) => {
                // What cannot be put in its place is not left beside it.
                let _ = fs::remove_file(&beside);
                Err(error)
            }
        }
    }

    /// The listener, and the file that is there for as long as somebody holds it.
    pub(crate) fn into_parts(self) -> (UnixListener, SocketFile) {
        (self.listener, self.file)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let own = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.node);
        if own {
            // One that is left is taken for what it is by the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn check_free(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "there is a file that is no socket",
        ));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(error) => Err(error),
    }
}

/// What user and group may do, and nobody else.
const MODE: u32 = 0o660;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn a_socket_is_for_user_and_group_and_goes_with_its_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        let socket = LocalSocket::bind(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        assert_eq!(names(folder.path()), ["http.sock"]);
        UnixStream::connect(&path).unwrap();
        let again = LocalSocket::bind(&path).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AddrInUse);
        drop(socket);
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_a_server_left_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        // A killed server leaves its file.
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(names(folder.path()), ["http.sock"]);
        let socket = LocalSocket::bind(&path).unwrap();
        UnixStream::connect(&path).unwrap();
        // Another server put its own there: that one stays.
        fs::remove_file(&path).unwrap();
        let other = LocalSocket::bind(&path).unwrap();
        drop(socket);
        UnixStream::connect(&path).unwrap();
        drop(other);
        fs::write(&path, "kept").unwrap();
        let refused = LocalSocket::bind(&path).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
        assert!(LocalSocket::bind(&folder.path().join("no/http.sock")).is_err());
    }
}
