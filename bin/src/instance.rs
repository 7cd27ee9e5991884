//! One instance: the data directory, the store and the services over it.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::Utc;
use scim_admin::requests::RequestCounts;
use scim_admin::safekeeping::{self, BackupHead, Restored, Upgraded};
use scim_admin::{AdminService, AdminStore, AuthenticationError, Authenticator, KeyRing, Services};
use scim_cli::host::{Host, Instance};
use scim_cli::record;
use scim_cli::settings::{Common, DEFAULT_PORT, PublicUrl};
use scim_feed::{DeliveryStore, Feed, FeedStore};
use scim_http::error::describe_error;
use scim_http::service::{Presented, Refusal, Service};
use scim_persistence::{Database, Settings};
use scim_protocol::Limits;
use scim_provisioning::{
    Answer, Caller, Configuration, ConfigurationId, CursorKey, Directory, Method, RefusedRequest,
    Request, ServiceProvider,
};

/// This program, as its commands know it.
pub(crate) struct Program;

impl Host for Program {
    /// The URL is the one that the options name, or the one of the server that ran last on this
    /// data directory.
    fn open(&self, common: &Common) -> anyhow::Result<Instance> {
        let (instance, _keys) = open(common, &public_url(common), FEW, Limits::default())?;
        Ok(instance)
    }

    fn upgrade(
        &self,
        common: &Common,
        patience: Duration,
        waits: &mut dyn FnMut(),
    ) -> anyhow::Result<Upgraded> {
        create_folder(&common.data_dir)?;
        let url = common.database_url();
        Ok(scim_persistence::upgrade(&url, patience, waits)?)
    }

    fn open_store(&self, common: &Common) -> anyhow::Result<Arc<dyn AdminStore>> {
        let scim_endpoint = public_url(common).scim_endpoint();
        Ok(open_database(common.database_url(), scim_endpoint, FEW)?)
    }

    fn backup(&self, common: &Common, file: &Path) -> anyhow::Result<BackupHead> {
        Ok(scim_persistence::backup(&common.database_url(), file)?)
    }

    fn restore(&self, common: &Common, file: &Path, actor: &str) -> anyhow::Result<Restored> {
        create_folder(&common.data_dir)?;
        Ok(scim_persistence::restore(
            &common.database_url(),
            file,
            actor,
        )?)
    }
}

/// Opens the instance. Its database must be there and of this version, and its key ring belong to it;
/// a ring is made where there is none and no token needs one.
///
/// # Errors
/// When the data directory, the key ring or the database cannot be used.
pub(crate) fn open(
    common: &Common,
    public_url: &PublicUrl,
    connections: u32,
    limits: Limits,
) -> anyhow::Result<(Instance, Arc<KeyRing>)> {
    let scim_endpoint = public_url.scim_endpoint();
    let database = open_database(common.database_url(), scim_endpoint.clone(), connections)?;
    create_folder(&common.data_dir)?;
    let store: Arc<dyn AdminStore> = Arc::clone(&database) as _;
    let keys = Arc::new(safekeeping::open_ring(&*store, &common.key_file())?);
    let feed = Feed::new(Arc::clone(&database) as Arc<dyn FeedStore>);
    let deliveries: Arc<dyn DeliveryStore> = Arc::clone(&database) as _;
    let directory: Arc<dyn Directory> = database;
    let cursors: Arc<dyn CursorKey> = Arc::clone(&keys) as _;
    let admin = AdminService::new(Arc::clone(&store), Arc::clone(&keys));
    let provider = ServiceProvider::new(directory, cursors, &scim_endpoint, limits);
    let instance = Instance {
        store,
        deliveries,
        services: Services {
            admin: Arc::new(admin),
            provider: Arc::new(provider),
            feed,
        },
        scim_endpoint,
    };
    Ok((instance, keys))
}

/// Authentication and the service provider behind SCIM.
pub(crate) struct Backend {
    authenticator: Authenticator,
    provider: Arc<ServiceProvider>,
    requests: Arc<RequestCounts>,
}

impl Service for Backend {
    fn authenticate(&self, presented: &Presented<'_>) -> Result<Arc<Configuration>, Refusal> {
        let now = Utc::now();
        let authenticated = self
            .authenticator
            .authenticate(&presented.authorization, presented.address, now)
            .map_err(|error| {
                self.note_not_accepted(presented, &error);
                refusal(error)
            })?;
        let (source, client) = (presented.source.as_deref(), presented.user_agent);
        self.authenticator
            .note_use(&authenticated, now, source, client);
        Ok(authenticated.configuration)
    }

    fn claimed(&self, presented: &Presented<'_>) -> Option<ConfigurationId> {
        self.authenticator.claimed(&presented.authorization)
    }

    fn note_refusal(&self, caller: &Caller, refused: &RefusedRequest<'_>) {
        self.count(caller, refused.method == Method::Get, refused.status);
        self.provider.note_refusal(caller, refused);
    }

    fn answer(&self, caller: &Caller, request: &Request<'_>) -> Answer {
        let answer = self.provider.answer(caller, request);
        let reads = request.method == Method::Get || request.path.ends_with("/.search");
        self.count(caller, reads, answer.status);
        answer
    }

    fn limits(&self) -> &Limits {
        self.provider.limits()
    }
}

impl Backend {
    /// The services of an instance; `requests` counts what is answered.
    pub(crate) fn new(
        instance: &Instance,
        keys: Arc<KeyRing>,
        requests: Arc<RequestCounts>,
    ) -> Self {
        Self {
            authenticator: Authenticator::new(Arc::clone(&instance.store), keys),
            provider: Arc::clone(&instance.services.provider),
            requests,
        }
    }

    fn count(&self, caller: &Caller, reads: bool, status: u16) {
        let id = caller.configuration.id;
        self.requests.note(id, reads, status, Utc::now());
    }

    /// Logs that a token which is known was not accepted.
    fn note_not_accepted(&self, presented: &Presented<'_>, error: &AuthenticationError) {
        let AuthenticationError::Refused {
            reason,
            configuration,
        } = error
        else {
            return;
        };
        let caller = Caller {
            configuration: Arc::new(Configuration::clone(configuration)),
            request_id: presented.request_id.to_owned(),
            source: presented.source.clone(),
            user_agent: presented.user_agent.map(str::to_owned),
            actor: None,
        };
        let refused = RefusedRequest {
            method: presented.method,
            path: presented.path,
            cause: reason.cause(),
            status: error.status(),
            reason: reason.reason(),
            detail: &error.to_string(),
        };
        self.count(&caller, presented.method == Method::Get, error.status());
        self.provider.note_refusal(&caller, &refused);
    }
}

fn refusal(error: AuthenticationError) -> Refusal {
    let (status, detail) = (error.status(), error.to_string());
    let (challenge, retry_after) = (error.www_authenticate(), error.retry_after());
    if matches!(error, AuthenticationError::Store(_)) {
        let reason = describe_error(&error);
        tracing::error!(reason, "authentication was not possible");
    }
    Refusal {
        status,
        detail,
        challenge,
        retry_after,
    }
}

/// Creates a folder that only its owner enters.
///
/// # Errors
/// When it cannot be created.
pub(crate) fn create_folder(folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot create the data directory {}", folder.display()))
}

fn public_url(common: &Common) -> PublicUrl {
    let recorded = || record::read(&common.data_dir)?.public_url();
    let named = common.public_url.clone();
    named
        .or_else(recorded)
        .unwrap_or_else(|| PublicUrl::local(DEFAULT_PORT))
}

fn open_database(
    url: String,
    scim_endpoint: String,
    connections: u32,
) -> anyhow::Result<Arc<Database>> {
    let settings = Settings {
        url,
        base_url: scim_endpoint,
        connections,
    };
    Ok(Database::open_existing(&settings)?)
}

/// How many connections a command needs at once.
const FEW: u32 = 2;
