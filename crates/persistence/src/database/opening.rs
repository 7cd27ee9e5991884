//! How a database is opened.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::ConnectionError;
use r2d2::Pool;
use scim_provisioning::{Environment, SystemEnvironment};

use super::{Database, Settings};
use crate::health::Health;
use crate::rehearsal::Copies;
use crate::target::{OpenError, Target, target};
use crate::upgrade::{self, upgrade};
use crate::writer::Writer;

impl Database {
    /// Opens a database, and makes its tables or brings them to this version before.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(settings: &Settings) -> Result<Arc<Self>, OpenError> {
        Self::open_by(settings, Arc::new(SystemEnvironment))
    }

    /// The same with another clock and other ids, for tests.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_by(
        settings: &Settings,
        environment: Arc<dyn Environment>,
    ) -> Result<Arc<Self>, OpenError> {
        upgrade(&settings.url, PATIENCE, &mut || {})?;
        Self::existing(settings, environment)
    }

    /// Opens a database that is there and of this version, or of a newer one that says that this
    /// program can work on it. Nothing is made and nothing is changed.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_existing(settings: &Settings) -> Result<Arc<Self>, OpenError> {
        Self::existing(settings, Arc::new(SystemEnvironment))
    }

    fn existing(
        settings: &Settings,
        environment: Arc<dyn Environment>,
    ) -> Result<Arc<Self>, OpenError> {
        let unreachable = |error: ConnectionError| OpenError::Unreachable(Box::new(error));
        let target = target(&settings.url)?.existing()?;
        upgrade::check(&mut target.connect_bare().map_err(unreachable)?, &target)?;
        Self::on(
            target,
            &settings.base_url,
            settings.connections,
            environment,
        )
    }

    pub(crate) fn on(
        target: Target,
        base_url: &str,
        connections: u32,
        environment: Arc<dyn Environment>,
    ) -> Result<Arc<Self>, OpenError> {
        let unreachable = |error: ConnectionError| OpenError::Unreachable(Box::new(error));
        let health = Arc::new(Health::default());
        let writer = match target {
            Target::Sqlite(_) => {
                let mut first = target.connect().map_err(unreachable)?;
                first.go_by(&environment);
                let writer = Writer::start(target.clone(), first, Arc::clone(&health));
                Some(writer.map_err(|error| OpenError::Unreachable(Box::new(error)))?)
            }
            #[cfg(feature = "postgres")]
            Target::Postgres(_) => None,
        };
        let pool = Pool::builder()
            .max_size(connections.max(1))
            .min_idle(Some(1))
            .connection_timeout(CHECKOUT)
            .test_on_check_out(false)
            .error_handler(Box::new(PoolErrors))
            .build(target.clone())
            .map_err(|error| OpenError::Unreachable(Box::new(error)))?;
        Ok(Arc::new(Self {
            pool,
            writer,
            base_url: base_url.trim_end_matches('/').to_owned(),
            health,
            aside: Mutex::new(None),
            target,
            copies: Copies::default(),
            suspicions: AtomicU64::new(0),
            environment,
        }))
    }
}

/// Failed connections of the pool, which tries again by itself.
#[derive(Debug)]
struct PoolErrors;

impl r2d2::HandleError<ConnectionError> for PoolErrors {
    fn handle_error(&self, error: ConnectionError) {
        tracing::warn!(%error, "no connection to the database");
    }
}

/// How long another program is waited for that brings the tables to its version.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long a request waits for a connection.
const CHECKOUT: Duration = Duration::from_secs(2);
