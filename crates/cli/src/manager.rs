//! What the service manager is told that started the server (sd_notify(3)).

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

/// Says that the server is ready, where somebody waits for it: `systemctl restart` comes back then.
pub fn tell_ready() {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    if let Err(error) = tell(Path::new(&socket), "READY=1") {
        tracing::warn!(%error, "the service manager cannot be told that the server is ready");
    }
}

fn tell(socket: &Path, state: &str) -> io::Result<()> {
    UnixDatagram::unbound()?.send_to(state.as_bytes(), socket)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let waits = UnixDatagram::bind(&path).unwrap();
        tell(&path, "READY=1").unwrap();
        let mut said = [0; 64];
        let length = waits.recv(&mut said).unwrap();
        assert_eq!(said.get(..length), Some(&b"READY=1"[..]));
        assert!(tell(Path::new("/nowhere/notify"), "READY=1").is_err());
    }
}
