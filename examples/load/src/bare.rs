//! The limit of reads: a handler on the same web server and TLS that answers the same bytes.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use actix_web::rt::System;
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse, HttpServer};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Failed;

/// Answers the files of a folder, each by its name, on a free port that is printed, until it is
/// killed. Certificate and key are the server's.
///
/// # Errors
/// When the files cannot be read, or it cannot listen.
pub fn serve(bodies: &Path, certificate: &Path, key: &Path) -> Result<(), Failed> {
    let mut answers = HashMap::new();
    for file in fs::read_dir(bodies)? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        answers.insert(name, Bytes::from(fs::read(file.path())?));
    }
    let answers = web::Data::new(answers);
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let tls = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    System::new().block_on(async move {
        let app = move || {
            App::new()
                .app_data(answers.clone())
                .route("/{name}", web::get().to(answer))
        };
        let server = HttpServer::new(app).bind_rustls_0_23(("127.0.0.1", 0), tls)?;
        for address in server.addrs() {
            println!("https://{address}/");
        }
        server.run().await
    })?;
    Ok(())
}

async fn answer(
    name: web::Path<String>,
    answers: web::Data<HashMap<String, Bytes>>,
) -> HttpResponse {
    match answers.get(name.as_str()) {
        Some(body) => HttpResponse::Ok()
            .content_type("application/scim+json")
            .body(body.clone()),
        None => HttpResponse::NotFound().finish(),
    }
}
