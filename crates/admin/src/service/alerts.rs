//! Alerts: who looks at them, and who looks for them.

use std::sync::PoisonError;

use chrono::{DateTime, Duration, Utc};
use scim_feed::Position;
use scim_provisioning::{ConfigurationId, Outcome};

use super::AdminService;
use crate::alert::{
    Alert, AlertState, AlertWrite, AlertsQuery, ConfigurationFacts, Facts, HISTORY_DAYS,
    StreamFacts, changes, failing_since,
};
use crate::configuration::ProvisioningConfiguration;
use crate::error::AdminError;
use crate::event::{Activity, EventQuery, LoggedEvent};
use crate::store::{AdminStoreExt, AdminView};

/// What a server knows by itself of what may need somebody.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OwnFacts {
    /// The position behind which come recent changes.
    pub(crate) behind: Position,
    /// When its certificate ends.
    pub(crate) certificate: Option<DateTime<Utc>>,
    /// Since when mail about alerts is not taken.
    pub(crate) unmailed: Option<DateTime<Utc>>,
    /// From when until when the database took no writes, where that is just over.
    pub(crate) refused: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl AdminService {
    /// Alerts, the newest first. That the database takes no writes is in no database: it stands
    /// before the others as long as this server sees it.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn alerts(&self, query: &AlertsQuery) -> Result<Vec<Alert>, AdminError> {
        let mut found = self.store.read(|rows| Ok(rows.alerts(query)?))?;
        if query.before.is_none() && query.state != AlertState::Over {
            let now = self.now();
            let since = self.writes_refused_since(now);
            found.splice(
                0..0,
                since.map(|since| Alert::of_refused_writes(since, now, &*self.environment)),
            );
            found.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        }
        Ok(found)
    }

    /// Since when the database takes no writes, as far as this process saw it.
    pub(crate) fn writes_refused_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut since = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.store.load().takes_writes {
            true => None,
            false => Some(*since.get_or_insert(now)),
        }
    }

    /// From when the database took no writes, where it does again; asked once.
    pub(crate) fn take_refused_writes(&self) -> Option<DateTime<Utc>> {
        let mut since = self.refusing.lock().unwrap_or_else(PoisonError::into_inner);
        since.take_if(|_| self.store.load().takes_writes)
    }

    /// Whether a server is the one that raises alerts, and writes to people about them.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub(crate) fn is_watcher(&self, owner: &str, now: DateTime<Utc>) -> Result<bool, AdminError> {
        let lease = self.store.read(|rows| Ok(rows.watcher()?))?;
        Ok(lease.is_some_and(|(holder, end)| holder == owner && end > now))
    }

    /// Alerts of which nobody was written to yet as they are now, the oldest first. What began and
    /// was over long ago is nobody's business any more.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub(crate) fn unmailed_alerts(
        &self,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Alert>, AdminError> {
        let over_since = now - MAILED_LATE;
        let unmailed = |rows: &mut dyn AdminView| Ok(rows.unmailed_alerts(over_since, limit)?);
        self.store.read(unmailed)
    }

    /// Notes that people were written to about an alert as it was.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub(crate) fn note_mailed(&self, alert: &Alert) -> Result<(), AdminError> {
        let (id, told) = (alert.id.clone(), alert.told);
        self.store
            .upkeep(move |rows| Ok(rows.note_mailed(&id, told)?))
    }

    /// An alert that the database takes no writes, as this server sees it.
    pub(crate) fn refused_writes(&self, now: DateTime<Utc>) -> Option<Alert> {
        let since = self.writes_refused_since(now)?;
        Some(Alert::of_refused_writes(since, now, &*self.environment))
    }

    /// Looks for what needs somebody and writes what of it is news, unless another server does;
    /// answers the alerts that are told now.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub(crate) fn watch(
        &self,
        owner: &str,
        own: OwnFacts,
        now: DateTime<Utc>,
    ) -> Result<Vec<Alert>, AdminError> {
        let found = self.store.read(|rows| {
            let lease = rows.watcher()?;
            if lease
                .as_ref()
                .is_some_and(|(holder, end)| holder != owner && *end > now)
            {
                return Ok(None);
            }
            let open = rows.open_alerts()?;
            let conditions = gather(rows, own, &open, now)?.judge(&open, now);
            Ok(Some((
                lease,
                changes(&open, &conditions, now, &*self.environment),
            )))
        })?;
        let Some((lease, writes)) = found else {
            return Ok(Vec::new());
        };
        let lasts = |(_, end): (String, DateTime<Utc>)| end - now > LEASE / 2;
        if writes.is_empty() && lease.is_some_and(lasts) {
            return Ok(Vec::new());
        }
        let owner = owner.to_owned();
        self.store.upkeep(move |rows| {
            let mut told = Vec::new();
            if !rows.lease_watch(&owner, now, now + LEASE)? {
                return Ok(told);
            }
            let known = rows.open_alerts()?;
            for write in &writes {
                let alert = write.alert();
                match write {
                    AlertWrite::Insert(_) => rows.insert_alert(alert)?,
                    AlertWrite::Update(_) => rows.update_alert(alert)?,
                }
                let before = known.iter().find(|known| known.id == alert.id);
                if before.is_none_or(|before| before.told < alert.told) {
                    told.push(alert.clone());
                }
            }
            Ok(told)
        })
    }

    /// Deletes alerts that were over before a time, some of them at a time; answers how many.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub fn forget_alerts(&self, before: DateTime<Utc>, limit: i64) -> Result<usize, AdminError> {
        self.store
            .upkeep(move |rows| Ok(rows.forget_alerts(before, limit)?))
    }
}

/// What is known of everything that may need somebody.
fn gather(
    rows: &mut dyn AdminView,
    own: OwnFacts,
    open: &[Alert],
    now: DateTime<Utc>,
) -> Result<Facts, AdminError> {
    let requests = rows.requests(now - Duration::days(HISTORY_DAYS), None)?;
    let rehearsals = rows.rehearsals()?;
    let mut configurations = Vec::new();
    let configured = rows.configurations()?.into_iter();
    // Nobody does anything about one that is being deleted.
    for configuration in configured.filter(|one| one.deletion.is_none()) {
        let waits = rehearsals
            .iter()
            .find(|one| one.configuration == configuration.id && one.live.is_none());
        let facts = ConfigurationFacts {
            rehearses: waits.map(|rehearsal| rehearsal.began),
            ..of_configuration(rows, configuration, &requests, open, now)?
        };
        configurations.push(facts);
    }
    let mut webhooks = rows.webhooks()?;
    let streams = rows.streams()?.into_iter().map(|stream| {
        let at = webhooks.iter().position(|known| known.stream == stream.id);
        let webhook = at.map(|at| webhooks.swap_remove(at));
        StreamFacts { stream, webhook }
    });
    Ok(Facts {
        streams: streams.collect(),
        configurations,
        behind: own.behind,
        certificate: own.certificate,
        unmailed: own.unmailed,
        refused: own.refused,
    })
}

fn of_configuration(
    rows: &mut dyn AdminView,
    configuration: ProvisioningConfiguration,
    requests: &[Activity],
    open: &[Alert],
    now: DateTime<Utc>,
) -> Result<ConfigurationFacts, AdminError> {
    let id = configuration.id;
    let of = requests.iter().filter(|one| one.configuration == id);
    let requests: Vec<Activity> = of.cloned().collect();
    let known = open
        .iter()
        .any(|alert| alert.about.configuration == Some(id));
    let causes = match failing_since(&requests, known, now) {
        Some(since) => causes(rows, id, since)?,
        None => Vec::new(),
    };
    Ok(ConfigurationFacts {
        tokens: rows.tokens(id)?,
        held: rows.managed_counts(id)?.held,
        configuration,
        requests,
        causes,
        rehearses: None,
    })
}

/// Why requests failed since a time.
fn causes(
    rows: &mut dyn AdminView,
    configuration: ConfigurationId,
    since: DateTime<Utc>,
) -> Result<Vec<scim_provisioning::Cause>, AdminError> {
    let failures = rows.events(&EventQuery {
        configuration: Some(configuration),
        outcome: Some(Outcome::Failure),
        since: Some(since),
        limit: FAILURES,
        ..EventQuery::default()
    })?;
    let causes = failures.iter().filter_map(LoggedEvent::known_cause);
    Ok(causes.collect())
}

/// For how long a server raises alerts before another one may.
const LEASE: Duration = Duration::seconds(60);
/// For how long after its end people are still written to about an alert of which they know nothing.
const MAILED_LATE: Duration = Duration::days(1);
/// How many failures are looked at for what most of them have in common.
const FAILURES: i64 = 100;
