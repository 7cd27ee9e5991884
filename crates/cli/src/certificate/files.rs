//! Reading certificates.

use std::path::Path;

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::CertificateFiles;

/// The certificate chain and its key.
///
/// # Errors
/// When a file cannot be read or holds something else, or the key is not the certificate's.
pub fn load(files: &CertificateFiles) -> anyhow::Result<CertifiedKey> {
    let chain = chain(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| format!("cannot read a private key from {}", files.key.display()))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).with_context(|| {
        format!(
            "{} and {} cannot be used together",
            files.certificate.display(),
            files.key.display()
        )
    })
}

/// When a certificate ends.
///
/// # Errors
/// When it cannot be parsed.
pub fn not_after(certificate: &CertifiedKey) -> anyhow::Result<DateTime<Utc>> {
    let der = certificate.end_entity_cert()?;
    let seconds = parse(der)?.validity().not_after.timestamp();
    DateTime::from_timestamp(seconds, 0).ok_or_else(|| anyhow!("the certificate's end is no date"))
}

/// The certificate's fields.
///
/// # Errors
/// When it cannot be parsed.
pub(super) fn parse<'a>(der: &'a CertificateDer<'_>) -> anyhow::Result<X509Certificate<'a>> {
    let (_rest, certificate) = X509Certificate::from_der(der)
        .map_err(|error| anyhow!("the certificate cannot be parsed: {error}"))?;
    Ok(certificate)
}

/// The certificates of a file, that of the server first.
///
/// # Errors
/// When the file cannot be read or holds none.
pub fn chain(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = || format!("cannot read a certificate from {}", path.display());
    let chain = CertificateDer::pem_file_iter(path).with_context(read)?;
    let chain: Vec<_> = chain.collect::<Result<_, _>>().with_context(read)?;
    if chain.is_empty() {
        return Err(anyhow!("{} holds no certificate in PEM", path.display()));
    }
    Ok(chain)
}
