//! One instance: the data directory, the store and the services over it.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use scim_admin::rehearsal::RehearsalStore;
use scim_admin::safekeeping::{self, BackupHead, Restored, Upgraded};
use scim_admin::{AdminService, AdminStore, KeyRing, RingSigner, Services};
use scim_cli::host::{Host, Instance};
use scim_cli::record;
use scim_cli::settings::{Common, DEFAULT_PORT, PublicUrl};
use scim_feed::{DeliveryStore, EVENT_URIS, Feed, FeedStore};
use scim_persistence::{Database, Settings};
use scim_protocol::Limits;
use scim_provisioning::{CursorKey, Directory, Environment, ServiceProvider, SystemEnvironment};

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
        let url = common.database_url()?;
        Ok(scim_persistence::upgrade(&url, patience, waits)?)
    }

    fn open_store(&self, common: &Common) -> anyhow::Result<Arc<dyn AdminStore>> {
        let scim_endpoint = public_url(common).scim_endpoint();
        Ok(open_database(common.database_url()?, scim_endpoint, FEW)?)
    }

    fn backup(&self, common: &Common, file: &Path) -> anyhow::Result<BackupHead> {
        Ok(scim_persistence::backup(&common.database_url()?, file)?)
    }

    fn restore(&self, common: &Common, file: &Path, actor: &str) -> anyhow::Result<Restored> {
        create_folder(&common.data_dir)?;
        Ok(scim_persistence::restore(
            &common.database_url()?,
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
    let database = open_database(common.database_url()?, scim_endpoint.clone(), connections)?;
    create_folder(&common.data_dir)?;
    let store: Arc<dyn AdminStore> = Arc::clone(&database) as _;
    let keys = Arc::new(safekeeping::open_ring(
        &*store,
        &common.key_file(),
        SystemEnvironment.now(),
    )?);
    let signer = RingSigner::new(Arc::clone(&keys), &*scim_endpoint);
    let feed = Feed::new(Arc::clone(&database) as Arc<dyn FeedStore>).with_signer(Arc::new(signer));
    let deliveries: Arc<dyn DeliveryStore> = Arc::clone(&database) as _;
    let copies: Arc<dyn RehearsalStore> = Arc::clone(&database) as _;
    let directory: Arc<dyn Directory> = database;
    let cursors: Arc<dyn CursorKey> = Arc::clone(&keys) as _;
    let admin = AdminService::new(Arc::clone(&store), Arc::clone(&keys)).with_rehearsals(copies);
    let admin = Arc::new(admin);
    let receivers = Arc::clone(&admin);
    let provider = ServiceProvider::new(directory, cursors, &scim_endpoint, limits)
        .with_event_uris(move || match receivers.tells_security_events() {
            Ok(true) => &EVENT_URIS,
            // What cannot be read now is OPTIONAL, and nothing else of the answer is of the store.
            Ok(false) | Err(_) => &[],
        });
    let instance = Instance {
        store,
        deliveries,
        services: Services {
            admin,
            provider: Arc::new(provider),
            feed,
        },
        scim_endpoint,
    };
    Ok((instance, keys))
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
