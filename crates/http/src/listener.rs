//! The listener: TLS only, and a clear word to those who speak plain HTTP; but for sockets of this
//! machine, behind which a reverse proxy speaks it.

use std::future::poll_fn;
use std::io;
use std::net::TcpListener;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use actix_http::{Extensions, HttpService, Protocol};
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, apply_fn_factory,
    fn_factory, map_config,
};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::AppConfig;
use actix_web::rt::net::{TcpStream, UnixStream};
use actix_web::rt::time::timeout;
use actix_web::{Error, HttpResponse};
use ipnet::IpNet;
use rustls::ServerConfig;
use tokio::io::AsyncWrite;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::address::is_proxy;
use crate::expect;
use crate::local::{LocalSocket, ThroughSocket};
use crate::proxy::{self, Origin};
use crate::unread::Told;

/// Binds the listening socket. Where nobody `chose` the address, IPv4 alone is tried when there is no
/// IPv6.
///
/// # Errors
/// When the address cannot be had.
pub fn bind(listen: &str, chosen: bool) -> io::Result<TcpListener> {
    TcpListener::bind(listen).or_else(|error| {
        let without_ipv6 = matches!(
            error.kind(),
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported
        ) || error.raw_os_error() == Some(ADDRESS_FAMILY_NOT_SUPPORTED);
        match !chosen && without_ipv6 {
            true => TcpListener::bind(listen.replace("[::]", "0.0.0.0")),
            false => Err(error),
        }
    })
}

/// The word that the server stops: whoever holds an answer back for its client gives it then.
#[derive(Debug, Clone)]
pub struct Stopping(GracefulShutdownSignal);

impl Stopping {
    /// Comes back when the server stops, at once when it does so already.
    pub async fn notified(&self) {
        self.0.notified().await;
    }

    /// Whether it does so already.
    pub fn is_told(&self) -> bool {
        let mut context = task::Context::from_waker(Waker::noop());
        pin!(self.0.notified()).poll(&mut context).is_ready()
    }
}

/// Where is listened.
#[derive(Debug, Default)]
pub struct Listeners {
    /// By TLS.
    pub tls: Vec<TcpListener>,
    /// By plain HTTP, at sockets of this machine.
    pub local: Vec<LocalSocket>,
}

/// Who speaks the PROXY protocol before anything else.
#[derive(Debug, Default, Clone)]
pub struct Balancers {
    /// The networks of those that come by TLS.
    pub networks: Arc<[IpNet]>,
    /// Whether everybody does who comes through a socket of this machine.
    pub local: bool,
}

/// Starts the workers of an application, which is told when the server stops; they serve until then.
/// Of a connection from one of the `balancers` the PROXY protocol says first from where it comes.
///
/// # Errors
/// When the socket cannot be used.
pub fn start<F, I, S, B>(
    listeners: Listeners,
    mut config: ServerConfig,
    balancers: Balancers,
    app: F,
) -> io::Result<Server>
where
    F: Fn(Stopping) -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, actix_http::Request>,
    S: ServiceFactory<actix_http::Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<actix_http::Response<B>> + 'static,
    <S::Service as Service<actix_http::Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let mut builder = Server::build()
        .disable_signals()
        .shutdown_timeout(STOP.as_secs())
        .worker_max_blocking_threads(BLOCKING_THREADS);
    let stopping = builder.graceful_shutdown_signal();
    // The same HTTP over every kind of connection.
    macro_rules! http {
        ($connection:ty, $app:expr, $stopping:expr) => {{
            let (app, stopping, patience) = ($app, $stopping.clone(), $stopping.clone());
            let answering = || {
                let app = app(Stopping(patience.clone()))
                    .into_factory()
                    .map_err(|error| {
                        let error: Error = error.into();
                        actix_http::Response::<BoxBody>::from(HttpResponse::from_error(error))
                    });
                map_config(app, |()| AppConfig::default())
            };
            HttpService::<Told<$connection>, _, _>::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(HEAD)
                .client_disconnect_timeout(Duration::from_secs(1))
                .on_connect_ext(<$connection as Arrives>::note)
                .expect(apply_fn_factory(answering(), expect::ask))
                .finish(apply_fn_factory(answering(), expect::answer))
        }};
    }
    for listener in listeners.tls {
        let (config, balancers) = (Arc::clone(&config), Arc::clone(&balancers.networks));
        let (app, stopping) = (app.clone(), stopping.clone());
        builder = builder.listen("https", listener, move || {
            let http = Rc::new(http!(TlsStream<TcpStream>, &app, stopping));
            let (tls, stopping) = (TlsAcceptor::from(Arc::clone(&config)), stopping.clone());
            let balancers = Arc::clone(&balancers);
            fn_factory(move || {
                let (http, stopping, tls) = (Rc::clone(&http), stopping.clone(), tls.clone());
                let balancers = Arc::clone(&balancers);
                async move {
                    let http = Rc::new(http.new_service(()).await?);
                    Ok::<_, ()>(HttpsOnly {
                        http,
                        tls,
                        stopping,
                        balancers,
                    })
                }
            })
        })?;
    }
    let mut files = Vec::new();
    for socket in listeners.local {
        let (listener, file) = socket.into_parts();
        files.push(file);
        let (app, stopping, told_origin) = (app.clone(), stopping.clone(), balancers.local);
        builder = builder.listen_uds("local", listener, move || {
            let http = Rc::new(http!(UnixStream, &app, stopping));
            let stopping = stopping.clone();
            fn_factory(move || {
                let (http, stopping) = (Rc::clone(&http), stopping.clone());
                async move {
                    let http = Rc::new(http.new_service(()).await?);
                    Ok::<_, ()>(Local {
                        http,
                        stopping,
                        told_origin,
                    })
                }
            })
        })?;
    }
    // Nobody finds a server that takes no more; however it ends, its files are gone then.
    actix_web::rt::spawn(async move {
        stopping.notified().await;
        drop(files);
    });
    Ok(builder.run())
}

/// What is noted of a connection when it comes.
trait Arrives: Sized + AsyncWrite + Unpin {
    fn note(connection: &Told<Self>, data: &mut Extensions);
}

impl Arrives for TlsStream<TcpStream> {
    fn note(_connection: &Told<Self>, _data: &mut Extensions) {}
}

impl Arrives for UnixStream {
    fn note(_connection: &Told<Self>, data: &mut Extensions) {
        data.insert(ThroughSocket);
    }
}

/// Hands TLS connections on and refuses others.
struct HttpsOnly<S> {
    http: Rc<S>,
    tls: TlsAcceptor,
    stopping: GracefulShutdownSignal,
    balancers: Arc<[IpNet]>,
}

/// Hands on what comes through a socket of this machine.
struct Local<S> {
    http: Rc<S>,
    stopping: GracefulShutdownSignal,
    /// Whether a connection says first from where it comes.
    told_origin: bool,
}

/// A connection as the HTTP library takes it.
type Connection<T> = (Told<T>, Protocol, Option<std::net::SocketAddr>);

impl<S> Service<UnixStream> for Local<S>
where
    S: Service<Connection<UnixStream>, Response = ()> + 'static,
{
    type Response = ();
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), S::Error>>>>;

    fn poll_ready(&self, context: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.http.poll_ready(context)
    }

    fn call(&self, stream: UnixStream) -> Self::Future {
        let (http, stopping) = (Rc::clone(&self.http), self.stopping.clone());
        let told_origin = self.told_origin;
        Box::pin(async move {
            let mut peer = None;
            if told_origin {
                match unless_stopped(&stopping, proxy::read_origin(&stream)).await {
                    Some(Ok(Origin::Client(client))) => peer = Some(client),
                    Some(Ok(Origin::Itself)) => {}
                    Some(Err(_)) | None => return Ok(()),
                }
            }
            let stream = Told::new(stream, peer, stopping);
            http.call((stream, Protocol::Http1, peer)).await
        })
    }
}

impl<S> Service<TcpStream> for HttpsOnly<S>
where
    S: Service<Connection<TlsStream<TcpStream>>, Response = ()> + 'static,
{
    type Response = ();
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), S::Error>>>>;

    fn poll_ready(&self, context: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        self.http.poll_ready(context)
    }

    fn call(&self, stream: TcpStream) -> Self::Future {
        let (http, stopping) = (Rc::clone(&self.http), self.stopping.clone());
        let (tls, balancers) = (self.tls.clone(), Arc::clone(&self.balancers));
        Box::pin(async move {
            let mut peer = stream.peer_addr().ok();
            if is_proxy(peer.map(|peer| peer.ip()), &balancers) {
                match unless_stopped(&stopping, proxy::read_origin(&stream)).await {
                    Some(Ok(Origin::Client(client))) => peer = Some(client),
                    Some(Ok(Origin::Itself)) => {}
                    Some(Err(_)) | None => return Ok(()),
                }
            }
            match first_byte(&stream, &stopping).await {
                Some(TLS_HANDSHAKE) => {
                    // Answers are written whole, and wait for nothing.
                    let _ = stream.set_nodelay(true);
                    match timeout(HANDSHAKE, tls.accept(stream)).await {
                        Ok(Ok(stream)) => {
                            let stream = Told::new(stream, peer, stopping);
                            http.call((stream, Protocol::Http1, peer)).await
                        }
                        // Who does not speak TLS well, or not in time, has nothing to read.
                        _ => Ok(()),
                    }
                }
                Some(_) => {
                    refuse_plain_http(&stream).await;
                    Ok(())
                }
                None => Ok(()),
            }
        })
    }
}

/// The first byte, which stays to be read; `None` when it does not come in time, or the server
/// stops before.
async fn first_byte(stream: &TcpStream, stopping: &GracefulShutdownSignal) -> Option<u8> {
    let mut first = [0];
    match unless_stopped(stopping, stream.peek(&mut first)).await {
        Some(Ok(1)) => first.first().copied(),
        _ => None,
    }
}

/// What comes of it; `None` when that is not in time, or the server stops before.
async fn unless_stopped<T>(
    stopping: &GracefulShutdownSignal,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(timeout(HANDSHAKE, work));
    let mut stop = pin!(stopping.notified());
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(done.ok()),
        Poll::Pending => stop.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Answers once and closes; whoever does not read it has lost nothing.
async fn refuse_plain_http(stream: &TcpStream) {
    // What has arrived is read, because closing over unread bytes would drop the answer.
    let mut request = [0; 4_096];
    let _ = stream.try_read(&mut request);
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{HTTPS_ONLY}",
        HTTPS_ONLY.len()
    );
    if timeout(HANDSHAKE, stream.writable()).await.is_ok() {
        let _ = stream.try_write(answer.as_bytes());
    }
}

/// What whoever speaks plain HTTP is told.
pub const HTTPS_ONLY: &str = "This server speaks HTTPS only: use https:// in the address.\n";
const TLS_HANDSHAKE: u8 = 0x16;
const ADDRESS_FAMILY_NOT_SUPPORTED: i32 = 97;
const BLOCKING_THREADS: usize = 64;
const HANDSHAKE: Duration = Duration::from_secs(5);
const HEAD: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the requests that are under way are waited for when the server stops.
pub const STOP: Duration = Duration::from_secs(10);
