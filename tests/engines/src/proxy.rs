//! What stands between the server and its database in tests, and cuts, holds or counts what passes.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use crate::Engine;

/// Sees the bytes of one direction of a connection before they are passed on; with `false` the
/// connection is cut, and they are lost.
pub type Relay = Box<dyn FnMut(&[u8]) -> bool + Send>;

/// A port at which a PostgreSQL server is reached.
#[derive(Debug)]
pub struct Proxy {
    engine: Engine,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// Listens in front of the server of an engine. `connected` is asked at each connection for what
    /// sees the bytes to the server and the bytes to the client; without them it is hung up at once.
    ///
    /// # Errors
    ///
    /// No port can be had, or the engine is no PostgreSQL.
    pub fn start(
        engine: &Engine,
        mut connected: impl FnMut() -> Option<[Relay; 2]> + Send + 'static,
    ) -> io::Result<Self> {
        let missing = || io::Error::new(io::ErrorKind::InvalidInput, "no PostgreSQL");
        let Engine::Postgres(url) = engine else {
            return Err(missing());
        };
        let (before, server) = url.split_once('@').ok_or_else(missing)?;
        let server = server.to_owned();
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let proxy = Self {
            engine: Engine::Postgres(format!("{before}@{}", listener.local_addr()?)),
            open: Arc::default(),
        };
        let open = Arc::clone(&proxy.open);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Some(relays) = connected()
                    && let Ok(upstream) = TcpStream::connect(&server)
                {
                    let _gone = pass(&client, &upstream, relays, &open);
                }
            }
        });
        Ok(proxy)
    }

    /// The engine as it is reached through this.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Cuts every connection that is open.
    pub fn cut(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in open.drain(..) {
            let _gone = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Passes on what comes from either side, until one of them or what sees it ends it.
fn pass(
    client: &TcpStream,
    server: &TcpStream,
    relays: [Relay; 2],
    open: &Mutex<Vec<TcpStream>>,
) -> io::Result<()> {
    let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
    open.extend([client.try_clone()?, server.try_clone()?]);
    for ((from, to), relay) in [(client, server), (server, client)].into_iter().zip(relays) {
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        thread::spawn(move || copy(from, to, relay));
    }
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream, mut relay: Relay) {
    let mut buffer = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let sent = buffer.get(..length).unwrap_or_default();
        if !relay(sent) || to.write_all(sent).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        let _gone = stream.shutdown(Shutdown::Both);
    }
}
