//! Which certificate the server presents.

mod files;
mod self_signed;

use std::path::PathBuf;

pub use self::files::{chain, load, not_after};
use crate::settings::{Common, PublicUrl, TlsOptions};
use crate::wrong_usage::WrongUsage;

/// Where the certificate and its key are.
#[derive(Debug, Clone)]
pub struct CertificateFiles {
    /// The chain in PEM.
    pub certificate: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
    /// Whether the server made them itself.
    pub self_signed: bool,
}

impl CertificateFiles {
    /// The files that the options name, or those of the self-signed certificate.
    ///
    /// # Errors
    /// When only one of the two options is given.
    pub fn of(common: &Common, options: &TlsOptions) -> anyhow::Result<Self> {
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
            (Some(_), None) => {
                let why = "--tls-cert needs --tls-key; give the private key's file too";
                Err(WrongUsage(why.into()).into())
            }
            (None, Some(_)) => {
                let why = "--tls-key needs --tls-cert; give the certificate's file too";
                Err(WrongUsage(why.into()).into())
            }
        }
    }

    /// Makes the self-signed certificate where there is none, or where it ends soon.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn prepare(&self, public_url: &PublicUrl) -> anyhow::Result<()> {
        if self.self_signed && !self_signed::usable(self, public_url) {
            self_signed::make(self, public_url)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
