//! What the commands ask of the program that carries them.

use std::sync::Arc;
use std::time::Duration;

use scim_admin::safekeeping::Upgraded;
use scim_admin::{AdminService, AdminStore, Services};
use scim_feed::DeliveryStore;
use scim_provisioning::{ServiceProvider, StoreError};

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

    /// Whether the database answers and takes writes.
    ///
    /// # Errors
    /// Why it does not.
    pub(crate) fn ready(&self) -> Result<(), StoreError> {
        self.store.ready()
    }
}
