use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use actix_web::HttpResponse;
use scim_http::listener::HTTPS_ONLY;

use super::*;
use rustls::ServerConfig;

fn config(folder: &std::path::Path) -> ServerConfig {
    tls::install_provider();
    let files = CertificateFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
        self_signed: true,
    };
    files
        .prepare(&"https://localhost".parse().unwrap())
        .unwrap();
    tls::server_config(Arc::new(ReloadingCertificate::open(files).unwrap()))
}

fn say(address: SocketAddr, words: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream.write_all(words).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[actix_web::test]
async fn plain_http_is_told_to_use_https_and_tls_is_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let app = |_stopping| App::new().default_service(web::to(HttpResponse::NoContent));
    let listeners = Listeners {
        tls: vec![listener],
        ..Listeners::default()
    };
    let config = config(folder.path());
    let server = listener::start(listeners, config, Balancers::default(), app).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);

    let plain = web::block(move || say(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    let plain = plain.await.unwrap();
    assert!(plain.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{plain}");
    assert!(plain.ends_with(HTTPS_ONLY), "{plain}");

    let tls = web::block(move || {
        let tls = ureq::tls::TlsConfig::builder()
            .disable_verification(true)
            .build();
        let config = ureq::Agent::config_builder().tls_config(tls).build();
        let answer = config.new_agent().get(format!("https://{address}/")).call();
        answer.unwrap().status().as_u16()
    });
    assert_eq!(tls.await.unwrap(), 204);
    handle.stop(false).await;
}
