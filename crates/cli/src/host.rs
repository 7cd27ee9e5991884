//! What the commands ask of the program that carries them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use scim_admin::safekeeping::{BackupHead, Restored, Upgraded};
use scim_admin::{AdminService, AdminStore, Services};
use scim_feed::DeliveryStore;
use scim_provisioning::ServiceProvider;

use crate::settings::Common;

/// The program: it knows the store.
pub trait Host {
    /// Opens the instance that the options name. It makes no database and changes no tables.
    ///
    /// # Errors
    /// When the data directory, the key ring or the database cannot be used, or the database is not
    /// there or not of this version.
    fn open(&self, common: &Common) -> anyhow::Result<Instance>;

    /// Makes the tables or brings them to this version. Another program that does the same is
    /// waited for so long; `waits` is called when that begins.
    ///
    /// # Errors
    /// When it cannot be done; the tables are as they were then.
    fn upgrade(
        &self,
        common: &Common,
        patience: Duration,
        waits: &mut dyn FnMut(),
    ) -> anyhow::Result<Upgraded>;

    /// Opens the database alone, whose key ring may be another one or lost.
    ///
    /// # Errors
    /// When the database cannot be used, is not there or not of this version.
    fn open_store(&self, common: &Common) -> anyhow::Result<Arc<dyn AdminStore>>;

    /// Writes a backup of the database to a file that is not there yet, while others work on it.
    ///
    /// # Errors
    /// When it cannot be done; there is no file then.
    fn backup(&self, common: &Common, file: &Path) -> anyhow::Result<BackupHead>;

    /// Puts a backup back where there is no database; the audit has who did it.
    ///
    /// # Errors
    /// When it cannot be done; there is no database then.
    fn restore(&self, common: &Common, file: &Path, actor: &str) -> anyhow::Result<Restored>;
}

/// An instance whose key ring and store are open.
pub struct Instance {
    /// The store.
    pub store: Arc<dyn AdminStore>,
    /// Where is kept what is sent to receivers.
    pub deliveries: Arc<dyn DeliveryStore>,
    /// The services over it.
    pub services: Services,
    /// The URL that an identity provider is given.
    pub scim_endpoint: String,
}

impl Instance {
    /// The administrators' service.
    pub(crate) fn admin(&self) -> Arc<AdminService> {
        Arc::clone(&self.services.admin)
    }

    /// The service provider.
    pub(crate) fn provider(&self) -> Arc<ServiceProvider> {
        Arc::clone(&self.services.provider)
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
}
