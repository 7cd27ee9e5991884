//! Where the server was last reached: a note in the data directory for the other commands.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use scim_provisioning::{Environment, SystemEnvironment};
use serde::{Deserialize, Serialize};

use crate::settings::{PublicUrl, reachable};

/// Where a server on this data directory listens, or listened last.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its first address, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Its first socket, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    socket: Option<Socket>,
    public_url: String,
}

/// A socket of this machine at which a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Socket {
    /// Its file.
    pub path: PathBuf,
    /// Whether the PROXY protocol is spoken there before anything else.
    pub proxy_protocol: bool,
}

impl Record {
    /// The URL under which clients reach the server.
    pub fn public_url(&self) -> Option<PublicUrl> {
        self.public_url.parse().ok()
    }

    /// An address that reaches the server from this machine, where it has one.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.listen.map(reachable)
    }

    /// A socket that reaches the server, where it has one.
    pub fn socket(&self) -> Option<&Socket> {
        self.socket.as_ref()
    }
}

/// Notes where the server listens.
///
/// # Errors
/// When the data directory cannot be written.
pub fn write(
    data_dir: &Path,
    listen: Option<SocketAddr>,
    socket: Option<Socket>,
    public_url: &PublicUrl,
) -> anyhow::Result<()> {
    let record = Record {
        listen,
        socket,
        public_url: public_url.to_string(),
    };
    let path = data_dir.join(FILE);
    // Servers on one data directory start at once, and each writes its own.
    let beside = data_dir.join(format!("{FILE}.{}", SystemEnvironment.uuid().simple()));
    fs::write(&beside, serde_json::to_vec_pretty(&record)?)
        .and_then(|()| fs::rename(&beside, &path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// What the last server noted; `None` where there was none.
pub fn read(data_dir: &Path) -> Option<Record> {
    let text = fs::read(data_dir.join(FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

const FILE: &str = "server.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_and_leads_to_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).is_none());
        let url: PublicUrl = "https://scim.example.com".parse().unwrap();
        let address = "[::]:8443".parse().ok();
        write(folder.path(), address, None, &url).unwrap();
        let record = read(folder.path()).unwrap();
        assert_eq!(record.public_url(), Some(url.clone()));
        assert_eq!(record.local_address(), "127.0.0.1:8443".parse().ok());
        assert_eq!(record.socket(), None);
        let socket = Socket {
            path: "/run/scim/http.sock".into(),
            proxy_protocol: true,
        };
        write(folder.path(), None, Some(socket.clone()), &url).unwrap();
        let record = read(folder.path()).unwrap();
        assert_eq!(record.local_address(), None);
        assert_eq!(record.socket(), Some(&socket));
    }

    #[test]
    fn servers_that_start_at_once_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let url: PublicUrl = "https://scim.example.com".parse().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        write(folder.path(), "[::]:8443".parse().ok(), None, &url).unwrap();
                    }
                });
            }
        });
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(read(folder.path()).is_some());
    }

    #[test]
    fn a_broken_note_is_no_note() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(read(folder.path()).is_none());
    }
}
