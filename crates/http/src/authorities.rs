//! Certificates of authorities, from a file.

use std::io;
use std::path::Path;

use ureq::tls::{Certificate, PemItem};

/// Why there are none.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The file cannot be read.
    #[error("{file} cannot be read: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The file holds no certificate.
    #[error("{0} holds no certificate in PEM")]
    NoCertificate(String),
}

/// The certificates in a file.
pub(crate) fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, AuthorityError> {
    let name = || file.display().to_string();
    let pem = std::fs::read(file).map_err(|source| AuthorityError::Unreadable {
        file: name(),
        source,
    })?;
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        if let Ok(PemItem::Certificate(certificate)) = item {
            found.push(certificate);
        }
    }
    match found.is_empty() {
        true => Err(AuthorityError::NoCertificate(name())),
        false => Ok(found),
    }
}
