//! The PROXY protocol, versions 1 and 2: from where a client comes, said before its first byte by a
//! balancer that reads no HTTP (haproxy.org, proxy-protocol.txt).

use std::io;
use std::net::{IpAddr, SocketAddr};

use actix_web::rt::net::{TcpStream, UnixStream};

/// A connection of which not a byte more is read than is wanted.
pub(crate) trait Connection {
    /// Comes back when there is something to read.
    fn readable(&self) -> impl Future<Output = io::Result<()>>;
    /// Reads what is there.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize>;
}

impl Connection for TcpStream {
    fn readable(&self) -> impl Future<Output = io::Result<()>> {
        Self::readable(self)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Self::try_read(self, buffer)
    }
}

impl Connection for UnixStream {
    fn readable(&self) -> impl Future<Output = io::Result<()>> {
        Self::readable(self)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Self::try_read(self, buffer)
    }
}

/// What a balancer says of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is its own, such as for a check.
    Itself,
    /// It is that of a client.
    Client(SocketAddr),
}

/// Reads what stands before the first byte of a client, and no byte more.
///
/// # Errors
/// When the connection ends or breaks, or begins with anything else.
pub(crate) async fn read_origin(stream: &impl Connection) -> io::Result<Origin> {
    let mut first = [0];
    read_exact(stream, &mut first).await?;
    if first == [b'P'] {
        return read_line(stream).await;
    }
    let mut rest = [0; SIGNATURE.len() - 1];
    read_exact(stream, &mut rest).await?;
    match [first.as_slice(), rest.as_slice()].concat() == SIGNATURE {
        true => read_binary(stream).await,
        false => Err(malformed()),
    }
}

/// Version 1: a line of words, whose first letter was read.
async fn read_line(stream: &impl Connection) -> io::Result<Origin> {
    let mut line = vec![b'P'];
    while !line.ends_with(b"\r\n") {
        if line.len() >= LONGEST_LINE {
            return Err(malformed());
        }
        let mut next = [0];
        read_exact(stream, &mut next).await?;
        line.extend(next);
    }
    let line = std::str::from_utf8(&line).map_err(|_not_text| malformed())?;
    origin_of_line(line.trim_end()).ok_or_else(malformed)
}

fn origin_of_line(line: &str) -> Option<Origin> {
    let mut words = line.split(' ');
    let (proxy, family) = (words.next()?, words.next()?);
    if proxy != "PROXY" {
        return None;
    }
    if family == "UNKNOWN" {
        return Some(Origin::Itself);
    }
    let source: IpAddr = words.next()?.parse().ok()?;
    let _destination: IpAddr = words.next()?.parse().ok()?;
    let port = words.next()?.parse().ok()?;
    let fits = match family {
        "TCP4" => source.is_ipv4(),
        "TCP6" => source.is_ipv6(),
        _ => false,
    };
    fits.then_some(Origin::Client(SocketAddr::new(source, port)))
}

/// Version 2: numbers, behind the signature.
async fn read_binary(stream: &impl Connection) -> io::Result<Origin> {
    let mut head = [0; 4];
    read_exact(stream, &mut head).await?;
    let [command, family, high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_BINARY {
        return Err(malformed());
    }
    let mut addresses = vec![0; length];
    read_exact(stream, &mut addresses).await?;
    origin_of_numbers(command, family, &addresses).ok_or_else(malformed)
}

fn origin_of_numbers(command: u8, family: u8, addresses: &[u8]) -> Option<Origin> {
    match (command, family) {
        (LOCAL, _) | (PROXY, UNSPECIFIED) => Some(Origin::Itself),
        (PROXY, TCP_OVER_IPV4) => {
            let (source, rest) = addresses.split_first_chunk::<4>()?;
            let port = rest.get(4..6)?.try_into().ok()?;
            let source = SocketAddr::from((*source, u16::from_be_bytes(port)));
            (addresses.len() >= 12).then_some(Origin::Client(source))
        }
        (PROXY, TCP_OVER_IPV6) => {
            let (source, rest) = addresses.split_first_chunk::<16>()?;
            let port = rest.get(16..18)?.try_into().ok()?;
            let source = SocketAddr::from((*source, u16::from_be_bytes(port)));
            (addresses.len() >= 36).then_some(Origin::Client(source))
        }
        _ => None,
    }
}

async fn read_exact(stream: &impl Connection, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        stream.readable().await?;
        match stream.try_read(buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => buffer = buffer.get_mut(read..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn malformed() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line that the specification knows.
const LONGEST_LINE: usize = 107;
/// Addresses, and what some balancers add to them.
const LONGEST_BINARY: usize = 2_048;
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;
const UNSPECIFIED: u8 = 0x00;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream as Plain};

    use super::*;

    /// What is read of these bytes, and what is left behind it.
    async fn read(bytes: &[u8]) -> (io::Result<Origin>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = Plain::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(bytes).unwrap();
        drop(client);
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let stream = TcpStream::from_std(stream).unwrap();
        let origin = read_origin(&stream).await;
        let mut left = vec![0; 100];
        stream.readable().await.unwrap();
        let length = stream.try_read(&mut left).unwrap_or(0);
        left.truncate(length);
        (origin, left)
    }

    fn binary(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
        let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, addresses].concat()
    }

    fn client(address: &str) -> Origin {
        Origin::Client(address.parse().unwrap())
    }

    #[actix_web::test]
    async fn both_versions_say_from_where_a_client_comes_and_end_before_its_first_byte() {
        let four = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x67, 0x01, 0xbb];
        let mut six = [0; 36];
        (six[0], six[1], six[15], six[33]) = (0x20, 0x01, 7, 9);
        let more = [&four[..], &[4, 0, 1, 0]].concat();
        for (bytes, expected) in [
            (
                b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n".to_vec(),
                client("192.0.2.7:4711"),
            ),
            (
                b"PROXY TCP6 2001:db8::7 ::1 9 443\r\n".to_vec(),
                client("[2001:db8::7]:9"),
            ),
            (b"PROXY UNKNOWN\r\n".to_vec(), Origin::Itself),
            (b"PROXY UNKNOWN a b c d\r\n".to_vec(), Origin::Itself),
            (
                binary(PROXY, TCP_OVER_IPV4, &four),
                client("192.0.2.7:4711"),
            ),
            (
                binary(PROXY, TCP_OVER_IPV4, &more),
                client("192.0.2.7:4711"),
            ),
            (binary(PROXY, TCP_OVER_IPV6, &six), client("[2001::7]:9")),
            (binary(LOCAL, UNSPECIFIED, &[]), Origin::Itself),
            (binary(LOCAL, TCP_OVER_IPV4, &four), Origin::Itself),
            (binary(PROXY, UNSPECIFIED, &[1, 2]), Origin::Itself),
        ] {
            let (origin, left) = read(&[&bytes[..], b"\x16hello"].concat()).await;
            assert_eq!(origin.unwrap(), expected, "{bytes:?}");
            assert_eq!(left, b"\x16hello", "{bytes:?}");
        }
    }

    #[actix_web::test]
    async fn what_is_no_such_header_is_refused() {
        let long = [b"PROXY ".to_vec(), vec![b'x'; 200]].concat();
        for bytes in [
            &b""[..],
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xff\xff",
            b"GET / HTTP/1.1\r\n\r\n",
            b"PROXY TCP4 192.0.2.7\r\n",
            b"PROXY TCP4 2001:db8::7 ::1 9 443\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 99999 443\r\n",
            b"PROXY TCP9 192.0.2.7 10.0.0.1 1 443\r\n",
            b"PROXIES TCP4 192.0.2.7 10.0.0.1 1 443\r\n",
            b"PROXY UNKNOWN",
            &long,
            &binary(PROXY, TCP_OVER_IPV4, &[192, 0, 2, 7]),
            &binary(PROXY, TCP_OVER_IPV6, &[0; 12]),
            &binary(0x31, TCP_OVER_IPV4, &[0; 12]),
            &binary(PROXY, 0x12, &[0; 12]),
            &binary(PROXY, UNSPECIFIED, &[0; 2_049]),
            &binary(PROXY, TCP_OVER_IPV4, &[0; 12])[..20],
        ] {
            assert!(read(bytes).await.0.is_err(), "{bytes:?}");
        }
    }
}
