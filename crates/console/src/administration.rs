//! What the admin API and the console share.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use scim_admin::{AdminError, Services};
use scim_http::deadline::PATIENCE;
use scim_http::throttle::Throttle;
use scim_protocol::Limits;

use crate::api::Api;
use crate::console::Console;
use crate::console::openid::OpenId;
use crate::console::outbound::Outbound;

/// The services behind the admin API and the console, and who may reach them.
pub struct Administration {
    pub(crate) api: Api,
    pub(crate) console: Console,
    /// How long the body of a request to the admin API is at most.
    pub(crate) limits: Limits,
    /// Failed authentications of each address.
    pub(crate) throttle: Arc<Throttle>,
    /// The threads that ask the OpenID provider.
    pub(crate) outbound: Outbound,
    /// How long a client waits for an answer.
    pub(crate) patience: Duration,
    networks: Vec<IpNet>,
}

impl Administration {
    /// Admin API and console over these services, reached from these networks; from everywhere
    /// when there are none.
    ///
    /// # Errors
    /// When there are no threads.
    pub fn new(
        services: &Services,
        scim_endpoint: &str,
        openid: Option<Arc<OpenId>>,
        throttle: Arc<Throttle>,
        networks: Vec<IpNet>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            api: Api::new(services.clone(), scim_endpoint),
            console: Console::new(services.clone(), scim_endpoint, openid),
            limits: services.provider.limits().clone(),
            throttle,
            outbound: Outbound::start()?,
            patience: PATIENCE,
            networks,
        })
    }

    /// The same, whose clients wait so long for an answer.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The secret of the set-up link, if nobody can sign in yet. It is good for an hour.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub fn setup_secret(&self) -> Result<Option<String>, AdminError> {
        self.console.setup_secret()
    }

    /// Whether console and admin API answer this address at all.
    pub(crate) fn admits(&self, address: Option<IpAddr>) -> bool {
        let within = |address| self.networks.iter().any(|net| net.contains(&address));
        self.networks.is_empty() || address.is_some_and(within)
    }
}
