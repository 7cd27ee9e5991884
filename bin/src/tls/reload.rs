//! A certificate that can be replaced while the server runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::CertificateFiles;
use super::files::load;

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
