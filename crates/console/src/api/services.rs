//! What the admin API stands on.

use std::sync::Arc;

use scim_admin::{AdminService, Services};
use scim_feed::Feed;
use scim_provisioning::ServiceProvider;

/// Where the admin API is served.
pub const ADMIN: &str = "/api/admin/v1";

/// The services behind the admin API.
pub(crate) struct Api {
    pub(super) admin: Arc<AdminService>,
    pub(super) provider: Arc<ServiceProvider>,
    pub(super) feed: Feed,
    pub(super) scim_endpoint: Arc<str>,
}

impl Api {
    /// The API over these services.
    pub(crate) fn new(services: Services, scim_endpoint: &str) -> Self {
        let Services {
            admin,
            provider,
            feed,
        } = services;
        Self {
            admin,
            provider,
            feed,
            scim_endpoint: scim_endpoint.into(),
        }
    }
}
