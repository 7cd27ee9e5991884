//! What the commands ask of the program that carries them.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_admin::{AdminService, AdminStore};
use scim_provisioning::{ServiceProvider, StoreError};

use crate::settings::{Common, TlsOptions};

/// The program: it knows the store and the certificate.
pub trait Host {
    /// Opens the instance that the options name.
    ///
    /// # Errors
    /// When the data directory, the key ring or the database cannot be used.
    fn open(&self, common: &Common) -> anyhow::Result<Instance>;

    /// The certificate that the server presents; `None` where it will make one.
    ///
    /// # Errors
    /// When it cannot be read.
    fn certificate(
        &self,
        common: &Common,
        options: &TlsOptions,
    ) -> anyhow::Result<Option<Certificate>>;
}

/// A certificate of the server.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The file with the chain.
    pub file: PathBuf,
    /// The file with the private key.
    pub key: PathBuf,
    /// Whether the server made it.
    pub self_signed: bool,
    /// Until when it is good.
    pub not_after: DateTime<Utc>,
}

/// An instance whose key ring and store are open.
pub struct Instance {
    /// The store.
    pub store: Arc<dyn AdminStore>,
    /// The administrators' service.
    pub admin: Arc<AdminService>,
    /// The service provider.
    pub provider: Arc<ServiceProvider>,
    /// The URL that an identity provider is given.
    pub scim_endpoint: String,
}

impl Instance {
    /// The administrators' service.
    pub(crate) fn admin(&self) -> Arc<AdminService> {
        Arc::clone(&self.admin)
    }

    /// The service provider.
    pub(crate) fn provider(&self) -> Arc<ServiceProvider> {
        Arc::clone(&self.provider)
    }

    /// The URL that an identity provider is given.
    pub(crate) fn scim_endpoint(&self) -> &str {
        &self.scim_endpoint
    }

    /// The address of a page of the console.
    pub(crate) fn console(&self, path: &str) -> String {
        let base = self.scim_endpoint.trim_end_matches("/api/scim/v2");
        format!("{base}/admin{path}")
    }

    /// Whether the database answers and takes writes.
    ///
    /// # Errors
    /// Why it does not.
    pub(crate) fn ready(&self) -> Result<(), StoreError> {
        self.store.ready()
    }
}
