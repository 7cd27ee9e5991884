//! What the HTTP library answers by itself, before any service sees a request.
//!
//! A request that is no HTTP, or whose head is too long or does not come, never becomes one: the
//! library writes a bare status and closes. On its way out that answer is replaced by one that says
//! what is wrong, in the shape of the endpoint that was meant, with a request id and a line in the
//! log. Of a body whose chunks are malformed the library takes the client for gone, and lets go of
//! the connection without a word; that is said then as well. What was sent is not parsed a second
//! time, which would let two readings of one request differ: a look at its first bytes chooses words
//! alone.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{self, Poll, Waker};
use std::time::SystemTime;

use actix_server::GracefulShutdownSignal;
use actix_web::http::StatusCode;
use actix_web::http::header::HttpDate;
use scim_protocol::{Error, ScimType};
use scim_service::{Environment, SystemEnvironment};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::edge::FIXED;
use crate::request::SCIM;

/// A connection on which no answer is bare, and none is missing.
pub struct Told<T: AsyncWrite + Unpin> {
    stream: T,
    peer: Option<SocketAddr>,
    /// Whether the server stops: what is under way then is cut off, and nobody's fault.
    stopping: GracefulShutdownSignal,
    asked: Asked,
    /// What is still to be written in the place of a bare answer.
    instead: Vec<u8>,
    /// Whether the connection was closed in order, or broke.
    ended: bool,
}

/// The first bytes of the last request.
#[derive(Debug, Default)]
struct Asked {
    start: Vec<u8>,
    /// How long the first line is, as far as it came.
    line: usize,
    line_ended: bool,
    /// Whether what comes next begins another one.
    answered: bool,
}

impl<T: AsyncWrite + Unpin> Told<T> {
    /// A connection from a peer.
    pub fn new(stream: T, peer: Option<SocketAddr>, stopping: GracefulShutdownSignal) -> Self {
        Self {
            stream,
            peer,
            stopping,
            asked: Asked::default(),
            instead: Vec::new(),
            ended: false,
        }
    }

    fn poll_instead(&mut self, context: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        while !self.instead.is_empty() {
            let stream = Pin::new(&mut self.stream);
            match task::ready!(stream.poll_write(context, &self.instead))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => drop(self.instead.drain(..written)),
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> Drop for Told<T> {
    fn drop(&mut self) {
        if self.ended || !self.asked.waits() || std::thread::panicking() {
            return;
        }
        let mut context = task::Context::from_waker(Waker::noop());
        if pin!(self.stopping.notified()).poll(&mut context).is_ready() {
            return;
        }
        self.instead = self.asked.answer(StatusCode::BAD_REQUEST, self.peer);
        // Whatever cannot be written at once is not: nobody is left to wait for it.
        if let Poll::Ready(Ok(())) = self.poll_instead(&mut context)
            && let Poll::Ready(Ok(())) = Pin::new(&mut self.stream).poll_flush(&mut context)
        {
            let _closed = Pin::new(&mut self.stream).poll_shutdown(&mut context);
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Told<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = task::ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.ended |= read.is_err();
        read?;
        let came = buffer.filled().get(before..).unwrap_or_default();
        self.asked.note(came);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Told<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        task::ready!(self.poll_instead(context))?;
        match bare(bytes) {
            None => {
                self.asked.answered |= !bytes.starts_with(CONTINUE);
                Pin::new(&mut self.stream).poll_write(context, bytes)
            }
            Some((0, status)) => {
                let peer = self.peer;
                self.instead = self.asked.answer(status, peer);
                // As much as can be is written now; a flush writes the rest.
                if let Poll::Ready(Err(error)) = self.poll_instead(context) {
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(Ok(bytes.len()))
            }
            // What is before it is an answer of its own.
            Some((at, _)) => {
                let before = bytes.get(..at).unwrap_or_default();
                Pin::new(&mut self.stream).poll_write(context, before)
            }
        }
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<io::Result<()>> {
        task::ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.ended = true;
        task::ready!(self.poll_instead(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Where a bare answer begins, at the end of what is written, and its status. Every answer of a
/// service carries a request id, and none of them writes lines that end like those of a head.
fn bare(bytes: &[u8]) -> Option<(usize, StatusCode)> {
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let at = (0..bytes.len()).rev().take(LONGEST_BARE).find(|at| {
        bytes
            .get(*at..)
            .is_some_and(|rest| rest.starts_with(VERSION))
    })?;
    let before = bytes.get(..at)?;
    if at > 0 && !before.windows(4).any(|four| four == b"\r\n\r\n") {
        return None;
    }
    let head = std::str::from_utf8(bytes.get(at..)?).ok()?;
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next()?.get(VERSION.len()..VERSION.len() + 3)?;
    let status = StatusCode::from_bytes(status.as_bytes()).ok()?;
    let refuses = status.is_client_error() || status.is_server_error();
    let mut empty = false;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => empty = value.trim() == "0",
            "connection" | "date" => {}
            _ => return None,
        }
    }
    (refuses && empty).then_some((at, status))
}

impl Asked {
    fn note(&mut self, came: &[u8]) {
        if came.is_empty() {
            return;
        }
        if self.answered {
            *self = Self::default();
        }
        let room = START.saturating_sub(self.start.len()).min(came.len());
        self.start
            .extend_from_slice(came.get(..room).unwrap_or_default());
        if !self.line_ended {
            let end = came.iter().position(|byte| *byte == b'\n');
            self.line_ended = end.is_some();
            self.line += end.unwrap_or(came.len());
        }
    }

    /// Whether somebody asked who was not answered. The rest of a body whose request was refused at
    /// its head is no request.
    fn waits(&self) -> bool {
        let line = self.start.split(|byte| *byte == b'\n').next();
        let line = line.unwrap_or_default();
        !self.answered && self.line_ended && line.windows(8).any(|eight| eight == b" HTTP/1.")
    }

    /// Whether the head was sent to its end: what is wrong is behind it.
    fn has_head(&self) -> bool {
        self.start.windows(4).any(|four| four == b"\r\n\r\n")
    }

    /// The target as it was sent, as far as it was kept.
    fn target(&self) -> &[u8] {
        let line = self.start.split(|byte| *byte == b'\n').next();
        let line = line.unwrap_or_default();
        let mut words = line.splitn(2, |byte| *byte == b' ');
        let (_method, rest) = (words.next(), words.next().unwrap_or_default());
        let version = rest.windows(6).rposition(|six| six == b" HTTP/");
        rest.get(..version.unwrap_or(rest.len()))
            .unwrap_or_default()
    }

    /// What is to be said of a request that was no HTTP.
    fn complaint(&self) -> String {
        if self.line > LONGEST_TARGET {
            return format!(
                "The address is longer than {LONGEST_TARGET} bytes. Send a long filter to .search \
                 in the body of a POST."
            );
        }
        let target = String::from_utf8_lossy(self.target());
        let raw =
            |character: &char| !character.is_ascii_graphic() || "\"<>\\^`{|}".contains(*character);
        match target.chars().find(raw) {
            Some(char::REPLACEMENT_CHARACTER) => {
                "The address holds bytes that are no UTF-8; percent-encode them.".to_owned()
            }
            Some(character) => {
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).bytes();
                let encoded: String = bytes.map(|byte| format!("%{byte:02X}")).collect();
                let quoted = scim_protocol::error::quote(&character.to_string());
                format!("The address holds {quoted} as it is; percent-encode it as {encoded}.")
            }
            None if self.has_head() => "The body is no well-formed HTTP/1.1.".to_owned(),
            None => "The request is no well-formed HTTP/1.1.".to_owned(),
        }
    }

    /// The answer in the place of a bare one.
    fn answer(&mut self, status: StatusCode, peer: Option<SocketAddr>) -> Vec<u8> {
        self.answered = true;
        let id = SystemEnvironment.uuid().to_string();
        let detail = match status {
            StatusCode::BAD_REQUEST => self.complaint(),
            StatusCode::REQUEST_TIMEOUT => "The request did not arrive in time.".to_owned(),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                "The request line and the headers are longer than 128 KiB.".to_owned()
            }
            _ => "The request cannot be answered.".to_owned(),
        };
        tracing::info!(
            target: "serviceops_scim::request",
            request_id = id,
            status = status.as_u16(),
            source = peer.map(|peer| peer.ip().to_canonical().to_string()),
            detail,
            "a request could not be read"
        );
        // The path of the public URL may stand before it.
        let path = self.target().split(|byte| *byte == b'?').next();
        let mut places = path.unwrap_or_default().windows(SCIM.len());
        let scim = places.any(|place| place == SCIM.as_bytes());
        let (media_type, body) = match scim {
            true => ("application/scim+json", scim_error(status, &detail)),
            false => (
                "application/problem+json",
                json!({
                    "type": "about:blank",
                    "title": status.canonical_reason(),
                    "status": status.as_u16(),
                    "detail": detail,
                    "requestId": id,
                }),
            ),
        };
        let body = body.to_string();
        let date = HttpDate::from(SystemTime::from(SystemEnvironment.now()));
        let mut answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\
             connection: close\r\ndate: {date}\r\nx-request-id: {id}\r\n",
            body.len()
        );
        for (name, value) in FIXED {
            answer.push_str(&format!("{name}: {value}\r\n"));
        }
        answer.push_str("\r\n");
        if !self.start.starts_with(b"HEAD ") {
            answer.push_str(&body);
        }
        answer.into_bytes()
    }
}

fn scim_error(status: StatusCode, detail: &str) -> serde_json::Value {
    match status {
        StatusCode::BAD_REQUEST => Error::new(ScimType::InvalidSyntax, detail),
        _ => Error::with_status(status.as_u16(), detail),
    }
    .to_json()
}

const VERSION: &[u8] = b"HTTP/1.1 ";
/// What is no answer yet (RFC 9110 section 15.2.1).
const CONTINUE: &[u8] = b"HTTP/1.1 100 ";
/// The longest answer that has no more than a status, in bytes.
const LONGEST_BARE: usize = 256;
/// How much of a request is looked at, in bytes.
const START: usize = 2_048;
/// The longest address that the HTTP library reads, in bytes.
const LONGEST_TARGET: usize = 65_534;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_service_answered_is_bare() {
        let bare_one = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\
                        date: Thu, 26 Nov 2026 10:00:00 GMT\r\n\r\n";
        let service = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-request-id: 1\r\n\r\n{}";
        let found = |text: &str| bare(text.as_bytes()).map(|(at, status)| (at, status.as_u16()));
        assert_eq!(found(bare_one), Some((0, 400)));
        let both = format!("{service}{bare_one}");
        assert_eq!(found(&both), Some((service.len(), 400)));
        for text in [
            service.to_owned(),
            bare_one.replace("date", "x-request-id"),
            bare_one.replace("400 Bad Request", "204 No Content"),
            bare_one.replace("length: 0", "length: 1"),
            // A value that looks like one, in the middle of an answer.
            format!("{bare_one}more"),
            format!("\"{bare_one}"),
            "HTTP/1.1 100 Continue\r\n\r\n".to_owned(),
        ] {
            assert_eq!(found(&text), None, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        let complaint = |head: &[u8]| {
            let mut asked = Asked::default();
            asked.note(head);
            asked.complaint()
        };
        for (target, encoded) in [
            ("/Users?filter=userName%20eq%20\"ava\"", "as %22."),
            ("/Users?filter=a<b", "as %3C."),
            ("/Users?filter=a b", "as %20."),
            ("/Users/Zoë", "as %C3%AB."),
            ("/Users/\u{7f}", "as %7F."),
        ] {
            let said = complaint(format!("GET {SCIM}{target} HTTP/1.1\r\n").as_bytes());
            assert!(said.ends_with(encoded), "{said}");
        }
        assert!(complaint(b"GET /\xff HTTP/1.1\r\n").contains("no UTF-8"));
        assert!(complaint(b"GET / HTTP/9\r\n").contains("HTTP/1.1"));
        let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(70_000));
        assert!(complaint(long.as_bytes()).contains("longer than 65534"));
    }
}
