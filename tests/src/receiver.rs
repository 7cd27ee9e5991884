//! A receiver of webhooks, over TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// What a receiver was sent.
#[derive(Debug, Clone)]
pub struct Received {
    /// The lines of its head.
    pub head: Vec<String>,
    /// Its body.
    pub body: Value,
}

impl Received {
    /// A header by its lower-case name.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let named = self.head.iter().filter_map(|line| line.split_once(':'));
        let mut named = named.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.next().expect("the header is there").1.trim()
    }
}

/// What a receiver answers: a status and further lines of the head.
type Answers = dyn Fn(&Received) -> (u16, &'static str) + Send + Sync;

/// A receiver, whose certificate is in a file.
pub struct Receiver {
    /// Where it is.
    pub url: String,
    /// The certificate by which it is trusted.
    pub certificate: PathBuf,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<Box<Answers>>>,
}

impl Receiver {
    /// A receiver that takes everything.
    pub fn start(folder: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = folder.join("receiver.pem");
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "https://localhost:{}/feed",
            listener.local_addr().unwrap().port()
        );
        let receiver = Self {
            url,
            certificate,
            received: Arc::default(),
            answers: Arc::new(Mutex::new(Box::new(|_| (204, "")))),
        };
        let (config, received) = (Arc::new(config), Arc::clone(&receiver.received));
        let answers = Arc::clone(&receiver.answers);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
                // A client that does not trust the certificate goes away.
                let _gone = serve(StreamOwned::new(tls, stream), &received, &answers);
            }
        });
        receiver
    }

    /// From now on it answers so.
    pub fn answer(
        &self,
        answers: impl Fn(&Received) -> (u16, &'static str) + Send + Sync + 'static,
    ) {
        *self.answers.lock().unwrap() = Box::new(answers);
    }

    /// What it was sent.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// What it was sent once that is enough.
    #[track_caller]
    pub fn received_when(&self, enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let begun = Instant::now();
        loop {
            let received = self.received();
            if enough(&received) {
                return received;
            }
            assert!(begun.elapsed() < PATIENCE, "{received:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn serve(
    stream: StreamOwned<ServerConnection, TcpStream>,
    received: &Mutex<Vec<Received>>,
    answers: &Mutex<Box<Answers>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        head.push(line.to_owned());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let body = serde_json::from_slice(&body).unwrap();
    let told = Received { head, body };
    let (status, more) = answers.lock().unwrap()(&told);
    received.lock().unwrap().push(told);
    let stream = stream.get_mut();
    write!(
        stream,
        "HTTP/1.1 {status} So\r\ncontent-length: 0\r\nconnection: close\r\n{more}\r\n"
    )?;
    stream.conn.send_close_notify();
    stream.flush()
}

const PATIENCE: Duration = Duration::from_secs(60);
