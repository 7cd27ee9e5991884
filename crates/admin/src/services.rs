//! The services of a process: one of each.

use std::sync::Arc;

use scim_feed::Feed;
use scim_provisioning::ServiceProvider;

use crate::AdminService;

/// The services behind everything that a process serves. There is one of each, because each holds
/// what it counted and compiled: a second one would be counted by nobody.
#[derive(Clone)]
pub struct Services {
    /// The administrators' service.
    pub admin: Arc<AdminService>,
    /// The service provider.
    pub provider: Arc<ServiceProvider>,
    /// The feed.
    pub feed: Feed,
}
