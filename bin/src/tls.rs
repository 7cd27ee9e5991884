//! TLS, with a certificate that can be replaced while the server runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use scim_cli::certificate::{CertificateFiles, load};

/// Installs ring as the process's cryptography. Nothing may use TLS before.
pub(crate) fn install_provider() {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// TLS 1.2 and 1.3 with whatever certificate is current.
pub(crate) fn server_config(certificate: Arc<ReloadingCertificate>) -> ServerConfig {
    ServerConfig::builder()
        .with_no_client_auth()
        .with_cert_resolver(certificate)
}

/// Presents the certificate that was read last.
#[derive(Debug)]
pub(crate) struct ReloadingCertificate {
    files: CertificateFiles,
    current: ArcSwap<CertifiedKey>,
}

impl ReloadingCertificate {
    /// Reads the certificate.
    ///
    /// # Errors
    /// When it cannot be used.
    pub(crate) fn open(files: CertificateFiles) -> anyhow::Result<Self> {
        let current = ArcSwap::from_pointee(load(&files)?);
        Ok(Self { files, current })
    }

    /// Reads the certificate again; new connections see it. One that cannot be used changes
    /// nothing.
    ///
    /// # Errors
    /// When the new certificate cannot be used.
    pub(crate) fn reload(&self) -> anyhow::Result<()> {
        self.current.store(Arc::new(load(&self.files)?));
        Ok(())
    }

    /// Reads the certificate again, and tells the log what came of it.
    pub(crate) fn reload_and_tell(&self) {
        match self.reload() {
            Ok(()) => tracing::info!("the certificate was read again"),
            Err(error) => tracing::error!(
                reason = scim_cli::output::sentence(&error),
                "the certificate cannot be used; the one in use stays"
            ),
        }
    }

    /// The certificate that is presented.
    pub(crate) fn current(&self) -> Arc<CertifiedKey> {
        self.current.load_full()
    }
}

impl ResolvesServerCert for ReloadingCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use scim_cli::settings::PublicUrl;

    use super::*;

    fn prepared(folder: &Path) -> CertificateFiles {
        let files = CertificateFiles {
            certificate: folder.join("tls/certificate.pem"),
            key: folder.join("tls/key.pem"),
            self_signed: true,
        };
        files.prepare(&PublicUrl::local(443)).unwrap();
        files
    }

    #[test]
    fn a_broken_file_keeps_the_certificate_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let files = prepared(folder.path());
        let certificate = ReloadingCertificate::open(files.clone()).unwrap();
        let first = certificate.current();
        fs::write(&files.certificate, "nonsense").unwrap();
        assert!(certificate.reload().is_err());
        assert!(Arc::ptr_eq(&first, &certificate.current()));
    }

    #[test]
    fn a_new_file_is_presented_after_a_reload() {
        let folder = tempfile::tempdir().unwrap();
        let files = prepared(folder.path());
        let certificate = ReloadingCertificate::open(files.clone()).unwrap();
        let first = certificate.current().end_entity_cert().unwrap().to_vec();
        let other = tempfile::tempdir().unwrap();
        let made = prepared(other.path());
        fs::copy(&made.certificate, &files.certificate).unwrap();
        fs::copy(&made.key, &files.key).unwrap();
        certificate.reload().unwrap();
        assert_ne!(
            certificate.current().end_entity_cert().unwrap().to_vec(),
            first
        );
    }
}
