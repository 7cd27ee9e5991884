//! One connection of HTTP/1.1 over TLS that costs the client as little as it can, because both share
//! the machine.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};

use crate::Failed;

/// Where requests go, and who sends them.
#[derive(Clone)]
pub(crate) struct Target {
    config: Arc<ClientConfig>,
    port: u16,
    path: String,
    token: String,
}

/// An answer, its body still in the buffer of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'c> {
    pub(crate) status: u16,
    pub(crate) body: &'c [u8],
}

/// One connection, which is kept alive.
pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    received: Vec<u8>,
    body: Vec<u8>,
}

impl Target {
    /// A server on this machine whose certificate is not asked for.
    pub(crate) fn local(port: u16, path: &str, token: &str) -> Result<Self, Failed> {
        let provider = Arc::new(ring::default_provider());
        let any = Arc::new(AnyCertificate(Arc::clone(&provider)));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(any)
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
            port,
            path: path.to_owned(),
            token: token.to_owned(),
        })
    }

    /// The same server with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: token.to_owned(),
            ..self.clone()
        }
    }

    pub(crate) fn connect(&self) -> Result<Connection, Failed> {
        let socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::try_from("localhost")?;
        let tls = ClientConnection::new(Arc::clone(&self.config), name)?;
        Ok(Connection {
            stream: StreamOwned::new(tls, socket),
            received: Vec::new(),
            body: Vec::new(),
        })
    }

    /// A request as it is sent.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        let mut head = format!(
            "{method} {}{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n",
            self.path, self.token
        );
        if !body.is_empty() {
            let length = body.len();
            head.push_str("Content-Type: application/scim+json\r\n");
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        head.push_str("\r\n");
        head.push_str(body);
        head.into_bytes()
    }
}

impl Connection {
    /// Sends a request and waits for the last byte of its answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request)?;
        self.stream.flush()?;
        self.received.clear();
        self.body.clear();
        let (status, length, head) = loop {
            self.receive()?;
            if let Some(head) = head(&self.received)? {
                break head;
            }
        };
        match length {
            Length::Known(length) => {
                while self.received.len() < head + length {
                    self.receive()?;
                }
                let body = self.received.get(head..head + length).unwrap_or_default();
                Ok(Answer { status, body })
            }
            Length::Chunked => {
                self.chunks(head)?;
                let body = &self.body;
                Ok(Answer { status, body })
            }
        }
    }

    fn receive(&mut self) -> io::Result<()> {
        let before = self.received.len();
        self.received.resize(before + READ, 0);
        let room = self.received.get_mut(before..).unwrap_or_default();
        let read = self.stream.read(room)?;
        self.received.truncate(before + read);
        match read {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    fn chunks(&mut self, mut at: usize) -> io::Result<()> {
        loop {
            let rest = self.received.get(at..).unwrap_or_default();
            let size = httparse::parse_chunk_size(rest)
                .map_err(|_invalid| io::Error::other("not a chunk"))?;
            let httparse::Status::Complete((begin, size)) = size else {
                self.receive()?;
                continue;
            };
            let size = usize::try_from(size).map_err(io::Error::other)?;
            let (begin, end) = (at + begin, at + begin + size);
            while self.received.len() < end + CRLF {
                self.receive()?;
            }
            if size == 0 {
                return Ok(());
            }
            let chunk = self.received.get(begin..end).unwrap_or_default();
            self.body.extend_from_slice(chunk);
            at = end + CRLF;
        }
    }
}

enum Length {
    Known(usize),
    Chunked,
}

/// Status, length and where the body begins, once the head is there.
fn head(received: &[u8]) -> io::Result<Option<(u16, Length, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(received).map_err(io::Error::other)?;
    let httparse::Status::Complete(end) = parsed else {
        return Ok(None);
    };
    let value = |name: &str| {
        let mut headers = response.headers.iter();
        let header = headers.find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    };
    let length = match value("content-length").and_then(|length| length.parse().ok()) {
        Some(length) => Length::Known(length),
        None if value("transfer-encoding").is_some() => Length::Chunked,
        None => Length::Known(0),
    };
    Ok(Some((response.code.unwrap_or(0), length, end)))
}

/// Takes every certificate: the server is one that this program started.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

const CRLF: usize = 2;
const READ: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(300);
