//! TLS: which certificate the server presents, and how it changes while the server runs.

mod files;
mod reload;
mod self_signed;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use rustls::ServerConfig;

pub(crate) use self::files::{load, not_after};
pub(crate) use self::reload::ReloadingCertificate;
use scim_cli::settings::{Common, PublicUrl, TlsOptions};

/// Installs ring as the process's cryptography. Nothing may use TLS before.
pub(crate) fn install_provider() {
    // An error means that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Where the certificate and its key are.
#[derive(Debug, Clone)]
pub(crate) struct CertificateFiles {
    /// The chain in PEM.
    pub(crate) certificate: PathBuf,
    /// The private key in PEM.
    pub(crate) key: PathBuf,
    /// Whether the server made them itself.
    pub(crate) self_signed: bool,
}

impl CertificateFiles {
    /// The files that the options name, or those of the self-signed certificate.
    ///
    /// # Errors
    /// When only one of the two options is given.
    pub(crate) fn of(common: &Common, options: &TlsOptions) -> anyhow::Result<Self> {
        match (&options.tls_cert, &options.tls_key) {
            (Some(certificate), Some(key)) => Ok(Self {
                certificate: certificate.clone(),
                key: key.clone(),
                self_signed: false,
            }),
            (None, None) => {
                let folder = common.data_dir.join("tls");
                Ok(Self {
                    certificate: folder.join("certificate.pem"),
                    key: folder.join("key.pem"),
                    self_signed: true,
                })
            }
            (Some(_), None) => bail!("--tls-cert needs --tls-key; give the private key's file too"),
            (None, Some(_)) => bail!("--tls-key needs --tls-cert; give the certificate's file too"),
        }
    }

    /// Makes the self-signed certificate where there is none, or where it ends soon.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub(crate) fn prepare(&self, public_url: &PublicUrl) -> anyhow::Result<()> {
        if self.self_signed && !self_signed::usable(self, public_url) {
            self_signed::make(self, public_url)?;
        }
        Ok(())
    }
}

/// TLS 1.2 and 1.3 with whatever certificate is current.
pub(crate) fn server_config(certificate: Arc<ReloadingCertificate>) -> ServerConfig {
    ServerConfig::builder()
        .with_no_client_auth()
        .with_cert_resolver(certificate)
}

#[cfg(test)]
mod tests;
