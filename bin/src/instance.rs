//! One instance: the data directory, the store and the services over it.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Duration, Utc};
use scim_admin::requests::RequestCounts;
use scim_admin::{
    AdminError, AdminService, AdminStore, AuthenticationError, Authenticator, KeyRing,
};
use scim_cli::host::{Certificate, Host, Instance};
use scim_cli::record;
use scim_cli::settings::{Common, DEFAULT_PORT, PublicUrl, TlsOptions};
use scim_http::error::describe_error;
use scim_http::service::{Presented, Refusal, Service};
use scim_persistence::{Database, Settings};
use scim_protocol::Limits;
use scim_provisioning::{
    Answer, Caller, Configuration, ConfigurationId, CursorKey, Directory, Method, RefusedRequest,
    Request, ServiceProvider,
};

use crate::tls::{self, CertificateFiles};

/// This program, as its commands know it.
pub(crate) struct Program;

impl Host for Program {
    /// The URL is the one that the options name, or the one of the server that ran last on this
    /// data directory.
    fn open(&self, common: &Common) -> anyhow::Result<Instance> {
        let (instance, _keys) = open(common, &public_url(common), FEW, Limits::default())?;
        Ok(instance)
    }

    fn certificate(
        &self,
        common: &Common,
        options: &TlsOptions,
    ) -> anyhow::Result<Option<Certificate>> {
        let files = CertificateFiles::of(common, options)?;
        if files.self_signed && !files.certificate.exists() {
            return Ok(None);
        }
        Ok(Some(Certificate {
            not_after: tls::not_after(&tls::load(&files)?)?,
            file: files.certificate,
            key: files.key,
            self_signed: files.self_signed,
        }))
    }
}

/// Opens the instance; what the first start needs is created.
///
/// # Errors
/// When the data directory, the key ring or the database cannot be used.
pub(crate) fn open(
    common: &Common,
    public_url: &PublicUrl,
    connections: u32,
    limits: Limits,
) -> anyhow::Result<(Instance, Arc<KeyRing>)> {
    create_folder(&common.data_dir)?;
    let keys = Arc::new(KeyRing::open(&common.key_file())?);
    let scim_endpoint = public_url.scim_endpoint();
    let database = open_database(common.database_url(), scim_endpoint.clone(), connections)?;
    let store: Arc<dyn AdminStore> = Arc::clone(&database) as _;
    let directory: Arc<dyn Directory> = database;
    let cursors: Arc<dyn CursorKey> = Arc::clone(&keys) as _;
    let admin = AdminService::new(Arc::clone(&store), Arc::clone(&keys));
    let provider = ServiceProvider::new(directory, cursors, &scim_endpoint, limits);
    let instance = Instance {
        store,
        admin: Arc::new(admin),
        provider: Arc::new(provider),
        scim_endpoint,
    };
    Ok((instance, keys))
}

/// Authentication and the service provider behind SCIM, and what time brings.
pub(crate) struct Backend {
    authenticator: Authenticator,
    provider: Arc<ServiceProvider>,
    admin: Arc<AdminService>,
    requests: RequestCounts,
    retention: Retention,
}

/// How many days the provisioning log keeps something, where not for good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    /// Its entries.
    pub(crate) events: Option<i64>,
    /// What the requests of its entries said.
    pub(crate) requests: Option<i64>,
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
    /// The services of an instance.
    pub(crate) fn new(instance: &Instance, keys: Arc<KeyRing>, retention: Retention) -> Self {
        Self {
            authenticator: Authenticator::new(Arc::clone(&instance.store), keys),
            provider: Arc::clone(&instance.provider),
            admin: Arc::clone(&instance.admin),
            requests: RequestCounts::default(),
            retention,
        }
    }

    /// Does what time brings, such as deleting for good whose time has come.
    ///
    /// # Errors
    /// Why it could not be done; it is tried again later.
    pub(crate) fn housekeep(&self) -> anyhow::Result<()> {
        self.provider.log_refusals();
        let counts = self.requests.take();
        if !counts.is_empty() {
            self.admin.count_requests(counts)?;
        }
        let seen = self.provider.take_seen();
        if !seen.is_empty() {
            self.admin.note_seen(seen)?;
        }
        self.admin.forget_sessions()?;
        self.admin.note_ended_tokens()?;
        self.admin.count_hours()?;
        while self.admin.purge_people(Utc::now(), PURGED)? == usize::try_from(PURGED)? {}
        block_by_block(self.retention.events, |before| {
            self.admin.forget_events(before, FORGOTTEN)
        })?;
        block_by_block(self.retention.requests, |before| {
            self.admin.forget_requests(before, FORGOTTEN)
        })?;
        Ok(())
    }

    /// Does a step of the work that waits in the background, such as applying rules anew; answers
    /// whether there was any.
    ///
    /// # Errors
    /// Why it could not be done; it is tried again later.
    pub(crate) fn work(&self) -> anyhow::Result<bool> {
        if !self.admin.work_waits()? {
            return Ok(false);
        }
        let Some(job) = self.admin.claim_job(None)? else {
            return Ok(self.admin.next_survey(&self.provider)?);
        };
        let id = job.configuration.to_string();
        let configuration = self.admin.configuration(&id)?.to_provisioning();
        self.provider.reapply(&configuration, &job)?;
        Ok(true)
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
    Ok(Database::open(&settings)?)
}

/// Forgets what is older than so many days, by what forgets at most [`FORGOTTEN`] of it.
fn block_by_block(
    days: Option<i64>,
    forget: impl Fn(DateTime<Utc>) -> Result<usize, AdminError>,
) -> Result<(), AdminError> {
    let Some(days) = days else { return Ok(()) };
    let before = Utc::now() - Duration::days(days);
    // The rest of many waits for the next time, so that nobody waits for them.
    for _ in 0..BLOCKS {
        if forget(before)? < usize::try_from(FORGOTTEN).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(())
}

/// How many entries of the log a transaction deletes or shortens, and how many transactions there are at once.
const FORGOTTEN: i64 = 1_000;
const BLOCKS: usize = 20;
/// How many users a transaction deletes for good.
const PURGED: i64 = 100;

/// How many connections a command needs at once.
const FEW: u32 = 2;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// From when on is kept, of each time that something was forgotten.
    fn asked(days: Option<i64>, forgotten: &[i64]) -> Vec<DateTime<Utc>> {
        let asked = RefCell::new(Vec::new());
        block_by_block(days, |before| {
            let times = asked.borrow().len();
            asked.borrow_mut().push(before);
            let count = forgotten.get(times).copied().unwrap_or(FORGOTTEN);
            Ok(usize::try_from(count).unwrap())
        })
        .unwrap();
        asked.into_inner()
    }

    #[test]
    fn what_is_old_is_forgotten_in_bounded_blocks() {
        assert!(asked(None, &[]).is_empty());
        assert_eq!(asked(Some(30), &[FORGOTTEN, 3]).len(), 2);
        let all = asked(Some(30), &[]);
        assert_eq!(all.len(), BLOCKS);
        let ago = Utc::now() - all[0];
        assert_eq!(ago.num_days(), 30);
    }
}
